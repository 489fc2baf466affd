from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from epochal import AmbiguousCallbackError, CallbackImportError, UnknownCallbackError
from epochal.choosing.choice import Choice
from epochal.reports.description import Description, describe
from epochal.settings.layers import Layer, Setting, Settings, Table, merge
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from .conftest import Site

THINGS = '''"""Marked functions."""

from typing import Any, Callable, Optional
import epochal

@epochal.hookimpl
def on_epoch_end(): ...

class Stopper(epochal.Callback):
    """Stops when it is enough.

    It looks at a metric,
    every epoch.

    Args:
        monitor: The metric: its key
            in the logs.
        patience (int): How long to wait.
        mode, other: Two at once.

    Raises:
        ValueError: Never.
    """

    priority = 42
    before = ("writer",)
    critical = False

    def __init__(self, monitor, patience: int = 3, mode: "str | None" = None, other: Optional[str] = "x",
                 schedule: Callable = len, *more, strict=True, **rest: Any):
        pass

    def on_epoch_end(self, epoch, logs=None): ...
    def on_run_end(self): ...

class Silent(epochal.Callback):
    def __init__(self, a=1):
        """Make one.

        Args:
            a: From the constructor.
        """

class Odd(epochal.Callback):
    priority = property(lambda self: 3)
    after = "history"

shared = Stopper("loss")
'''


@pytest.fixture
def full(site: Site) -> Site:
    site.package("fake_things", THINGS)
    names = {
        "stopper": ":Stopper",
        "silent": ":Silent",
        "odd": ":Odd",
        "shared": ":shared",
        "module": "",
        "function": ":on_epoch_end",
    }
    site.distribution("fake-things", "2.0", callbacks={name: f"fake_things{place}" for name, place in names.items()})
    return site


def of(site: Site, name: str, settings: Settings | None = None) -> Description:
    return describe(name, Choice(site.catalogue(), settings or Settings()))


def test_a_class_tells_everything(full: Site) -> None:
    found = of(full, "stopper")
    assert (found.record.origin, found.kind, found.class_name) == ("fake-things 2.0", "class", "Stopper")
    assert found.text == "Stops when it is enough.\n\nIt looks at a metric,\nevery epoch."
    assert found.events == ("on_epoch_end", "on_run_end")
    assert (found.priority, found.role, found.before, found.after) == (42, "", ("writer",), ())
    assert found.on_error == "disable"
    assert found.file.endswith("fake_things/__init__.py")
    assert found.line == THINGS.split("\n").index("class Stopper(epochal.Callback):") + 1
    assert found.import_line == "from fake_things import Stopper"
    assert found.activity.summary == "no"


def test_every_parameter_has_its_type_its_default_and_what_is_said_of_it(full: Site) -> None:
    found = [(each.name, each.type, each.default, each.required, each.text) for each in of(full, "stopper").parameters]
    assert found == [
        ("monitor", "", None, True, "The metric: its key in the logs."),
        ("patience", "int", "3", False, "How long to wait."),
        ("mode", "str | None", "None", False, "Two at once."),
        ("other", "Optional[str]", "'x'", False, "Two at once."),
        ("schedule", "Callable", "len", False, ""),
        ("*more", "", None, False, ""),
        ("strict", "", "True", False, ""),
        ("**rest", "Any", None, False, ""),
    ]


def test_what_stands_below_the_constructor_counts_and_what_is_inherited_does_not(full: Site) -> None:
    found = of(full, "silent")
    assert found.text == ""
    assert [each.text for each in found.parameters] == ["From the constructor."]
    assert (found.priority, found.role, found.events) == (50, "CONTROL", ())


def test_what_is_decided_when_it_is_created_is_not_guessed(full: Site) -> None:
    found = of(full, "odd")
    assert (found.priority, found.role, found.after) == (None, "", ())


@pytest.mark.parametrize(
    ("name", "kind", "text", "import_line"),
    [
        ("module", "module", "Marked functions.", "import fake_things"),
        ("function", "function", "", "from fake_things import on_epoch_end"),
        (
            "shared",
            "object",
            "Stops when it is enough.\n\nIt looks at a metric,\nevery epoch.",
            "from fake_things import shared",
        ),
    ],
)
def test_a_module_a_function_and_an_object_have_no_parameters(
    full: Site, name: str, kind: str, text: str, import_line: str
) -> None:
    found = of(full, name)
    assert (found.kind, found.text, found.import_line, found.parameters) == (kind, text, import_line, ())
    assert "on_epoch_end" in found.events
    assert found.file.endswith("fake_things/__init__.py")


def test_the_settings_are_told_of_each_instance(full: Site) -> None:
    tables: list[Table] = []
    for value in (5, 6):
        setting = Setting(value, f"epochal.toml, line {value}, callbacks.stopper.patience", "file")
        tables.append(Table(f"epochal.toml, line {value - 1}, callbacks.stopper", "file", {"patience": setting}))
    found = of(full, "stopper#2", merge([Layer(tables={CallbackName("stopper"): tuple(tables)})]))
    assert found.activity.summary == "yes, 2 instances: epochal.toml, line 4"
    patience = next(each for each in found.parameters if each.name == "patience")
    assert {name: each.value for name, each in patience.given.items()} == {"stopper": 5, "stopper#2": 6}


def test_a_class_that_is_not_installed_is_described_by_where_it_is(full: Site) -> None:
    found = of(full, "fake_things:Stopper")
    assert (found.record.distribution, found.class_name, found.activity.active) == (
        "module fake_things",
        "Stopper",
        False,
    )
    on = {CallbackName("fake_things:Stopper"): Setting(True, "EPOCHAL_ENABLE", "environment")}
    assert of(full, "fake_things:Stopper", merge([Layer(enable=on)])).activity.summary == "yes: EPOCHAL_ENABLE"


def test_no_other_is_imported(full: Site) -> None:
    full.package("fake_other", "raise AssertionError")
    full.distribution("fake-other", callbacks={"other": "fake_other:Other"})
    of(full, "stopper")
    assert "fake_other" not in sys.modules


def test_code_without_a_source_has_no_line(full: Site) -> None:
    found = of(full, "itertools:count")
    assert (found.file, found.line) == ("", None)


def test_a_class_in_c_may_not_tell_its_parameters(full: Site) -> None:
    assert of(full, "builtins:dict").parameters == ()


def test_what_cannot_be_described_is_an_error(full: Site) -> None:
    with pytest.raises(UnknownCallbackError, match="Did you mean 'stopper'"):
        of(full, "stoper")
    with pytest.raises(CallbackImportError, match="No module named 'fake_nothing'"):
        of(full, "fake_nothing:X")
    full.distribution("other", callbacks={"stopper": "fake_things:Silent"})
    with pytest.raises(AmbiguousCallbackError):
        of(full, "stopper")
    prefer = {CallbackName("stopper"): Setting("other", "there", "file")}
    assert of(full, "stopper", merge([Layer(prefer=prefer)])).class_name == "Silent"
