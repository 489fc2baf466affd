"""Methods that a subclass overrides in vain, as only the class of a framework calls them."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from epochal import Callback
from epochal.testing import BareHost, FakeHost


class Theirs:
    """The class of the framework."""

    def _save(self) -> None: ...

    def _older(self) -> None: ...

    def helper(self) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    @property
    def writer(self) -> None: ...


class Saver(Callback):
    """Ours, of the same name."""

    in_place_of: ClassVar[dict[str, str]] = {"_save": "write"}

    def write(self) -> None: ...

    def helper(self) -> None: ...


@pytest.fixture(autouse=True)
def framework(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = type("Saver", (Theirs,), {"__module__": "keras.src.saver"})
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(callbacks=SimpleNamespace(Saver=kind)))
    monkeypatch.delitem(sys.modules, "tf_keras", raising=False)


def test_a_method_that_only_the_framework_calls_is_named_once_with_what_to_override_instead() -> None:
    class Mine(Saver):
        def _save(self) -> None: ...

    with pytest.warns(UserWarning, match="Mine") as said:
        FakeHost(Mine(), Mine()).fit()
    BareHost(Mine()).fit()  # nothing more
    assert [str(each.message) for each in said] == [
        "Mine overrides '_save', which only keras.callbacks.Saver calls, so it does nothing here. "
        "Override 'write' instead."
    ]


def test_every_such_method_is_named_also_properties_and_what_is_set_on_the_object() -> None:
    class Base(Saver):
        @property
        def writer(self) -> None: ...

    class Mine(Base):
        pass

    mine = Mine()
    mine._older = lambda: None  # type: ignore[attr-defined]
    with pytest.warns(UserWarning, match="Mine") as said:
        BareHost(mine).fit()
    assert [str(each.message).split(", so ")[0] for each in said] == [
        "Mine overrides '_older', which only keras.callbacks.Saver calls",
        "Mine overrides 'writer', which only keras.callbacks.Saver calls",
    ]
    assert "Override an event instead, or take keras.callbacks.Saver." in str(said[0].message)


@pytest.mark.parametrize("host", [FakeHost, BareHost])
@pytest.mark.parametrize("base", [Callback, Saver])
def test_a_misspelt_event_trains_with_one_warning_that_names_it(host: Any, base: type[Callback]) -> None:
    mine = type("Mine", (base,), {"on_epoch_ned": lambda self, epoch, logs=None: None})
    with pytest.warns(UserWarning, match="Mine") as said:
        host(mine()).fit()
    host(mine()).fit()  # nothing more
    assert [str(each.message) for each in said] == [
        "Mine defines 'on_epoch_ned', which is not an event and would never be called. Did you mean 'on_epoch_end'? "
        "Give a method that is not an event a name that does not begin with `on_`."
    ]


@pytest.mark.parametrize("host", [FakeHost, BareHost])
@pytest.mark.parametrize("name", ["epoch_end", "onEpochEnd"])
def test_a_callback_whose_only_method_is_an_event_but_for_its_name_trains_with_one_warning(
    host: Any, name: str
) -> None:
    kind = type("Mine", (Callback,), {name: lambda self, epoch, logs=None: None})
    with pytest.warns(UserWarning, match="Mine") as said:
        host(kind()).fit()
    assert [str(each.message) for each in said] == [
        f"Mine implements no event: {name!r} is not one. Did you mean 'on_epoch_end'?"
    ]
    host(type("Both", (kind,), {"on_train_end": lambda self, logs=None: None})()).fit()  # a helper, it seems


def test_what_ours_has_too_events_and_new_methods_are_fine() -> None:
    class Mine(Saver):
        def helper(self) -> None: ...

        def own(self) -> None: ...

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    class Other(Callback):
        def _save(self) -> None: ...

    FakeHost(Mine(), Saver(), Other()).fit()
