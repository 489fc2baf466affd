"""Single epochal callbacks in a framework's own list: their errors, their checks before training, repeats."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from contextlib import suppress
from typing import Any

import pytest

from epochal import Callback
from epochal.hookspecs import BATCH_EVENTS, KERAS_EVENTS
from epochal.testing import BareHost, FakeHost
from epochal.testing.bare import CallbackList

from .test_fault_table import OutOfRangeError


class Mine(Callback):
    """Can be pickled."""

    batches = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches += 1


def failing(event: str, error: Exception, **others: Any) -> Callback:
    def fail(self: Any, *_: Any, **__: Any) -> None:
        raise error

    kind = type("Breaker", (Callback,), {event: fail, **others})
    made: Callback = kind()
    return made


def play(event: str, *callbacks: Any) -> None:
    host = BareHost(*callbacks)
    _ = host.predict() if "predict" in event else host.fit(validation_steps=1)


@pytest.mark.parametrize("event", KERAS_EVENTS)
def test_a_stop_iteration_is_an_error_that_names_callback_and_event(event: str) -> None:
    error = StopIteration("bad")
    with pytest.raises(RuntimeError) as raised:
        play(event, Mine(), failing(event, error), Mine())
    place = f"the callback 'breaker' (module {__name__}) in {event}"
    assert str(raised.value) == f"{place} raised StopIteration: bad"
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("event", KERAS_EVENTS)
def test_the_end_of_a_sequence_ends_tensorflows_loop_of_batches_only(event: str) -> None:
    kind = RuntimeError if event in BATCH_EVENTS else OutOfRangeError
    with pytest.raises(kind):
        play(event, failing(event, OutOfRangeError("bad")))


def test_any_other_error_leaves_as_it_is() -> None:
    error = ValueError("bad")
    with pytest.raises(ValueError, match="bad") as raised:
        play("on_epoch_end", failing("on_epoch_end", error))
    assert raised.value is error


def test_a_function_that_is_set_on_the_object_is_guarded_too() -> None:
    mine = Mine()
    mine.on_epoch_end = lambda *_: next(iter(()))  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match=r"'mine' .* in on_epoch_end raised StopIteration"):
        BareHost(mine).fit()


def test_a_subclass_with_a_set_model_of_its_own_is_guarded_too() -> None:
    def set_model(self: Any, model: Any) -> None:
        self.model = model

    with pytest.raises(RuntimeError, match=r"'breaker' .* raised StopIteration"):
        play("on_epoch_end", failing("on_epoch_end", StopIteration(), set_model=set_model))


class Theirs:
    """A callback of somebody else, which passes some events on."""

    def __init__(self, *inner: Callback) -> None:
        self.inner = inner

    def set_model(self, model: Any) -> None:
        for callback in self.inner:
            callback.set_model(model)

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def test_what_a_callback_of_somebody_else_raises_is_the_frameworks_to_handle() -> None:
    theirs = type("Ends", (Theirs,), {"on_epoch_end": lambda *_: next(iter(()))})()
    with pytest.raises(StopIteration):
        BareHost(Mine(), theirs).fit()


def test_nothing_is_set_on_the_callbacks_and_they_copy_and_pickle() -> None:
    mine = Mine()
    BareHost(mine).fit(steps=3)
    assert set(vars(mine)) == {"_model", "_run", "params", "batches"}
    for made in (copy.deepcopy(mine), pickle.loads(pickle.dumps(mine))):
        BareHost(made).fit(steps=3)
        assert made.batches == 6
    FakeHost(mine).fit(steps=3)
    assert mine.batches == 6


@pytest.mark.parametrize("error", [None, StopIteration("bad"), ValueError("bad")], ids=repr)
def test_a_bare_fit_leaves_nothing_to_the_collector(error: Exception | None) -> None:
    def fit() -> list[Any]:
        callback = Mine() if error is None else failing("on_train_batch_end", error)
        host = BareHost(callback)
        with suppress(RuntimeError, ValueError):
            host.fit()
        if error is not None:
            error.__traceback__ = None
        return [weakref.ref(callback), weakref.ref(host.model)]

    fit()  # what is imported and cached once
    gc.collect()
    gc.disable()
    try:
        assert [each() for each in fit()] == [None] * 2
    finally:
        gc.enable()


def test_a_list_is_changed_in_a_bare_fit_only() -> None:
    class List(CallbackList):
        epochal_driven = True

    hosts = List([Mine()])
    hosts.set_model(None)
    assert type(hosts) is List
    listed = CallbackList([Mine()])
    listed.set_model(None)
    assert isinstance(listed, CallbackList)
    assert (kind := type(listed)) is not CallbackList
    listed.set_params({})
    assert type(listed) is kind


# Checks before training


class Checked(Callback):
    """Has an `on_train_begin` that calls no other."""

    def __init__(self) -> None:
        self.met: list[str] = []

    def preflight(self) -> None:
        assert self.model is not None
        self.met.append("preflight")

    def on_train_begin(self, logs: Any = None) -> None:
        self.met.append("on_train_begin")


def test_a_bare_fit_calls_preflight_once_before_any_event() -> None:
    first, second = Checked(), Checked()
    second.met = first.met
    host = BareHost(first, second)
    host.fit(epochs=2, validation_steps=1)
    assert first.met == ["preflight", "preflight", "on_train_begin", "on_train_begin"]
    host.evaluate()
    host.predict()
    assert len(first.met) == 4
    host.fit()
    assert len(first.met) == 8


def test_a_callback_inside_of_another_ones_is_checked_too() -> None:
    inner = Checked()
    BareHost(Theirs(inner)).fit()
    assert inner.met == ["preflight"]


def test_an_error_of_preflight_leaves_the_fit() -> None:
    def preflight(self: Any) -> None:
        raise ValueError("bad")

    mine = Mine()
    with pytest.raises(ValueError, match="bad"):
        BareHost(mine, type("Picky", (Callback,), {"preflight": preflight})()).fit()
    assert mine.batches == 0


def test_the_same_object_twice_is_warned_of_once_and_called_twice() -> None:
    mine = Mine()
    with pytest.warns(UserWarning, match="twice|more than once") as said:
        BareHost(mine, Checked(), mine).fit(epochs=2, steps=3, validation_steps=1)
    assert [str(each.message) for each in said] == [
        "the same Mine object is passed more than once, and Keras calls it each time. Pass it once."
    ]
    assert mine.batches == 12


def test_two_that_write_to_one_path_or_change_one_thing_are_warned_of() -> None:
    kinds = [
        type(name, (Callback,), {"writes": ("a.csv",), "changes": ("learning_rate",)}) for name in ("First", "Second")
    ]
    with pytest.warns(UserWarning, match="both") as said:
        BareHost(*(kind() for kind in kinds)).fit()
    pair = f"'first' (module {__name__}) and 'second' (module {__name__})"
    assert [str(each.message) for each in said] == [
        f"{pair}: both write to 'a.csv', and the one that is later may destroy what the other wrote.",
        f"{pair}: both change learning_rate, and the one that is later wins.",
    ]


def test_two_of_somebody_elses_that_write_to_one_path_are_their_own_business() -> None:
    class Saves(Theirs):
        filepath = "m.keras"

    BareHost(Mine(), Saves(), Saves()).fit()
    ours = type("Ours", (Callback,), {"writes": ("m.keras",)})()
    with pytest.warns(UserWarning, match="'ours' .* and 'saves' .*: both write to 'm.keras'"):
        BareHost(Saves(), ours).fit()
