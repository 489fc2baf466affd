"""What the settings say of a callback: by its name, or by where its class is, as for third-party callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, OrderError
from epochal.choosing.selection import select
from epochal.settings.layers import Layer, Setting, Settings, Table, merge
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from epochal.engine.member import Member

    from .conftest import Site

THINGS = """
import epochal

class FakeStopping(epochal.Callback): ...

class Writer(epochal.Callback):
    def __init__(self, path):
        self.path = path
"""


class Mine(Callback):
    pass


def names(members: list[Member]) -> list[str]:
    return [member.name for member in members]


@pytest.fixture
def full(site: Site) -> Site:
    """The pinned two, and a few that are not active by themselves."""
    site.pinned()
    site.package("fake_things", THINGS)
    site.distribution("fake-things", callbacks={"fake_stopping": "fake_things:FakeStopping"})
    return site


def switched(on: bool, *named: str) -> dict[CallbackName, Setting]:
    return {CallbackName(name): Setting(on, f"there, {name}", "file") for name in named}


def table(name: str, **parameters: Any) -> dict[CallbackName, tuple[Table, ...]]:
    given = {key: Setting(value, f"there, {name}.{key}", "file") for key, value in parameters.items()}
    return {CallbackName(name): (Table(f"there, {name}", "file", given),)}


def test_what_is_named_by_where_it_is_is_set_by_that_or_by_its_name(full: Site) -> None:
    for key in map(CallbackName, ("fake_things:Writer", "writer")):
        layer = Layer(
            tables=table("fake_things:Writer", path="a"),
            priority={key: Setting(95, "there, line 1", "file")},
            on_error={key: Setting("disable", "there", "file")},
        )
        *_, member = select(None, full.catalogue(), merge([layer]))
        assert (member.name, member.priority, member.critical) == ("writer", 95, False)
        assert member.reason == "priority 95, set in there, line 1"


def test_an_object_of_a_class_is_set_by_where_the_class_is(full: Site) -> None:
    from fake_things import FakeStopping  # type: ignore[import-not-found]

    class Theirs(FakeStopping):  # type: ignore[misc]
        pass

    layer = Layer(priority={CallbackName("fake_things:FakeStopping"): Setting(95, "there", "file")})
    members = {each.name: each for each in select([FakeStopping(), Theirs()], full.catalogue(), merge([layer]))}
    assert (members["fake_stopping"].priority, members["theirs"].priority) == (95, 50)


def test_what_is_named_by_where_it_is_is_switched_off_by_its_name_in_the_same_layer_or_a_higher_one(full: Site) -> None:
    on = Layer(tables=table("fake_things:Writer", path="a"))
    off = Layer(disable=switched(False, "writer"))
    for layers, expected in (
        ([on, off], False),
        ([off, on], True),
        ([Layer(tables=on.tables, disable=off.disable)], False),
        ([on, Layer(disable=switched(False, "fake_things:Writer"))], False),
    ):
        assert ("writer" in names(select(None, full.catalogue(), merge(layers)))) is expected
    with pytest.warns(UserWarning, match="there, writer switches it off"):
        assert "writer" not in names(select(["fake_things:Writer"], full.catalogue(), merge([off])))


def test_an_object_is_switched_off_by_where_its_class_is(full: Site) -> None:
    from fake_things import FakeStopping

    settings = merge([Layer(disable=switched(False, "fake_things:FakeStopping"))])
    with pytest.warns(UserWarning, match="there, fake_things:FakeStopping switches it off"):
        members = select([FakeStopping(), Mine()], full.catalogue(), settings)
    assert names(members) == ["base_logger", "history", "mine"]


def test_on_here_by_where_it_is_and_off_there_by_its_name_is_a_mistake() -> None:
    layer = Layer(enable=switched(True, "fake_things:Writer"), disable=switched(False, "writer"))
    assert "is switched on here, and off in there, writer" in merge([layer]).problems[0]


def test_the_place_in_the_order_is_set_from_outside(full: Site) -> None:
    layer = Layer(
        tables=table("fake_things:Writer", path="a"),
        after={CallbackName("fake_stopping"): Setting(["fake_things:Writer"], "there, after", "file")},
        before={CallbackName("mine"): Setting(["writer"], "there, before", "file")},
    )
    members = select(["fake_stopping", Mine()], full.catalogue(), merge([layer]))
    assert names(members) == ["base_logger", "history", "mine", "writer", "fake_stopping"]
    reasons = {member.name: member.reason for member in members}
    assert reasons["writer"] == "priority 50 (CONTROL); mine runs before it, set in there, before"
    assert reasons["fake_stopping"].endswith("; runs after writer, set in there, after")


def test_the_place_that_is_set_takes_the_place_of_the_callbacks_own(full: Site) -> None:
    class Early(Callback):
        before = ("mine",)

    given = [Mine(), Early()]
    assert names(select(given, full.catalogue()))[2:4] == ["early", "mine"]
    layer = Layer(before={CallbackName("early"): Setting([], "there", "file")})
    assert names(select(given, full.catalogue(), merge([layer])))[2:4] == ["mine", "early"]


def test_an_impossible_place_is_an_error_that_names_where_it_is_set(full: Site) -> None:
    layer = Layer(before={CallbackName("mine"): Setting(["history"], "epochal.toml, line 3", "file")})
    with pytest.raises(OrderError, match=r"from its `before`, set in epochal\.toml, line 3"):
        select([Mine()], full.catalogue(), merge([layer]))


KERAS_LIKE = """
class Theirs:
    made = []

    def __init__(self):
        self.made.append(self)

    def set_model(self, model): ...

    def set_params(self, params): ...

class Trains(Theirs):
    def on_epoch_end(self, epoch, logs=None): ...

class Tests(Theirs):
    def on_test_end(self, logs=None): ...

class Predicts(Theirs):
    def on_predict_batch_end(self, batch, logs=None): ...
"""


@pytest.mark.parametrize(
    ("kind", "stages"),
    [
        ("Trains", ["train"]),
        ("Tests", ["train", "test"]),  # validation
        ("Predicts", ["predict"]),
        ("Theirs", ["train", "test", "predict"]),  # it may set its functions on the object
    ],
)
def test_a_keras_callback_that_a_run_has_no_event_for_is_not_created(full: Site, kind: str, stages: list[str]) -> None:
    full.package("fake_theirs", KERAS_LIKE)
    settings = merge([Layer(enable=switched(True, f"fake_theirs:{kind}"))])
    for stage in ("train", "test", "predict"):
        is_there = kind.lower() in names(select(None, full.catalogue(), settings, stage))
        assert is_there is (stage in stages)
    import fake_theirs  # type: ignore[import-not-found]

    assert len(fake_theirs.Theirs.made) == len(stages)
    assert kind.lower() in names(select(None, full.catalogue(), settings))


def test_an_object_is_there_whatever_the_stage(full: Site) -> None:
    full.package("fake_theirs", KERAS_LIKE)
    from fake_theirs import Trains

    assert "trains" in names(select([Trains()], full.catalogue(), Settings(), "predict"))
