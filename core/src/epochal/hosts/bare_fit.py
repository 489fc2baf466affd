"""Epochal's callbacks in a bare `model.fit(callbacks=…)`, where Keras owns the call. Importing it imports Keras.

Keras gets two objects. One passes as its ProgbarLogger, so that Keras adds none, and drives the run; the other passes
as its History, so that Keras adds none, and does nothing.
"""

from __future__ import annotations

import copy
import sys
import weakref
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

import keras

from ..engine.driver import Driver
from ..frameworks.fit_call import fit_call
from ..hookspecs import BATCH_EVENTS, KERAS_EVENTS
from ..run import Outcome, Run
from ..warn import warn_user
from .keras_call import call_scope
from .keras_history import adopt_history

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..engine.member import Member
    from ..logs import Logs
    from .stand_in import StandIn

    Given = dict[str, Any] | None

_LEFT = Outcome("failed", "Keras left the call by an exception or an interrupt outside of epochal's callbacks")


def bare_callbacks(members: Sequence[Member]) -> list[StandIn]:
    """Return the list for `callbacks=` that stands for ordered callbacks."""
    runner = BareRun(members)
    return [runner, HistoryStandIn(runner)]


class BareRun(keras.callbacks.ProgbarLogger):  # type: ignore[misc]  # Keras has no types
    """Drives a run from the events that Keras sends to one of its callbacks.

    Args:
        members: The callbacks, in order.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        super().__init__()
        self.params: Mapping[str, Any] = {}
        self._members = members
        self._driver: Driver | None = None
        self._list: Callable[[], Any] = lambda: None
        self._alone = False
        self._epoch_logs: Given = None
        self._epoch_given: Logs | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> BareRun:
        """Copy the callbacks, not a run that goes on. A module is one of its kind and is shared."""
        made = [
            member
            if isinstance(member.callback, ModuleType)
            else replace(member, callback=copy.deepcopy(member.callback, memo))
            for member in self._members
        ]
        memo[id(self)] = copied = type(self)(made)
        return copied

    epochal_driven = True

    @property
    def has_run(self) -> bool:
        """Whether it drives a run, or has driven one."""
        return self._driver is not None

    def end(self, error: BaseException | None) -> None:
        """End the run, for who knows that the call is over."""
        if self._driver is not None:
            self._driver.end(error)

    def given(self) -> list[Any]:
        """Return the callbacks themselves, for a run where Keras does not own the call."""
        return [member.callback for member in self._members]

    @property
    def run_history(self) -> Any:
        """Our History, which `model.fit` is to return."""
        return next(member.callback for member in self._members if member.name == "history")

    # What Keras calls before the first event

    def set_params(self, params: Mapping[str, Any]) -> None:
        self.params = params

    # The run

    def _begin(self, stage: str) -> Driver:
        """Begin a run with the first event of a call; the validation inside a fit belongs to the fit's run."""
        # Keras tells a callback neither which list calls it nor that an exception left the call. A list is that of one
        # call: unless the same one begins a validation, a run that has not ended is that of a call that was left.
        listed = _calling_list(self)
        if self._driver is not None and self._driver.run.outcome is None:
            if stage == "test" and listed is not None and self._list() is listed:
                return self._driver
            self._driver.end(outcome=_LEFT)
        # Before the driver introduces the callbacks: from here on Keras calls none of them by itself.
        if listed is not None:
            self._stand_in_for_repeats(listed)
        model = self.model
        driver = self._driver = Driver(Run(model, stage), self._members, gives_run=False)
        if stage == "train":
            others = () if listed is None else tuple(each for each in listed.callbacks if not isinstance(each, _OURS))
            driver.run.fit_call = fit_call(call_scope(listed), others)
            adopt_history(self.run_history)
            # Kept a second time, because Keras puts the stand-in in its place when an evaluation begins.
            model.history = model._epochal_history = self.run_history
        elif hasattr(model, "_epochal_history"):
            model.history = model._epochal_history
        # Keras lets go of its list when the exception that left the call is dropped, or when the program ends.
        self._list = weakref.ref(listed) if listed is not None else lambda: None
        weakref.finalize(listed if listed is not None else self, driver.end, outcome=_LEFT)
        try:
            driver.begin(self.params)
        except BaseException as error:
            driver.end(error)
            raise
        driver.leave_at_once()
        self._alone = listed is not None and all(isinstance(each, _OURS) for each in listed.callbacks)
        if self._alone:
            driver.bind(listed)  # nobody else listens, so Keras's own loop over the list is left out
        return driver

    def _stand_in_for_repeats(self, listed: Any) -> None:
        """See that Keras calls nobody whom this run calls, nor the run twice: `[*epochal.callbacks(stop), stop]`.

        Keras is going through the list at this moment, so that no place in it may go.
        """
        driven = [member.callback for member in self._members]
        places = [place for place, each in enumerate(listed.callbacks) if each is self]
        for place, each in enumerate(listed.callbacks):
            if place in places[1:] or any(each is other for other in driven):
                what = "epochal.callbacks(…)" if each is self else f"the same {type(each).__qualname__} object"
                warn_user(f"{what} is passed more than once, and runs once. Pass it once.")
                listed.callbacks[place] = HistoryStandIn(self)

    def _running(self) -> Driver:
        assert self._driver is not None, "Keras sent an event before any begin"
        return self._driver

    # Keras's events

    def on_train_begin(self, logs: Given = None) -> None:
        _write_back(logs, self._begin("train").on_train_begin(logs))

    def on_train_end(self, logs: Given = None) -> None:
        self._finalize_epoch()
        driver = self._running()
        _write_back(logs, driver.on_train_end(logs))
        driver.run.model.history = self.run_history  # a History of Keras's in the list may have put itself there
        driver.end()

    def on_epoch_begin(self, epoch: int, logs: Given = None) -> None:
        self._finalize_epoch()
        _write_back(logs, self._running().on_epoch_begin(epoch, logs))

    def on_epoch_end(self, epoch: int, logs: Given = None) -> None:
        given = self._running().on_epoch_end(epoch, logs)
        _write_back(logs, given)
        self._epoch_logs, self._epoch_given = logs, given
        if self._alone:
            self._finalize_epoch()

    def _finalize_epoch(self) -> None:
        """Finalize the epoch once nobody in Keras's list can add to it: at once, or with Keras's next event."""
        theirs: dict[str, Any] = self._epoch_logs or {}
        ours: Mapping[str, Any] = self._epoch_given or {}
        # Keras's dict holds our very objects, and equality is not for every value: an array has one for each element.
        late = {key: value for key, value in theirs.items() if key not in ours or ours[key] is not value}
        self._running().finalize_epoch(late)
        self._epoch_logs = self._epoch_given = None

    def on_test_begin(self, logs: Given = None) -> None:
        _write_back(logs, self._begin("test").on_test_begin(logs))

    def on_test_end(self, logs: Given = None) -> None:
        driver = self._running()
        _write_back(logs, driver.on_test_end(logs))
        if driver.run.stage == "test":
            self._running().end()

    def on_predict_begin(self, logs: Given = None) -> None:
        _write_back(logs, self._begin("predict").on_predict_begin(logs))

    def on_predict_end(self, logs: Given = None) -> None:
        _write_back(logs, self._running().on_predict_end(logs))
        self._running().end()


def _passed_on(event: str) -> Callable[..., None]:
    """Make the method of an event of batches."""

    def pass_on(self: BareRun, batch: int, logs: Given = None) -> None:
        _write_back(logs, getattr(self._running().batch, event)(batch, logs))

    return pass_on


for _event in BATCH_EVENTS:
    if _event in KERAS_EVENTS:
        setattr(BareRun, _event, _passed_on(_event))


class HistoryStandIn(keras.callbacks.History):  # type: ignore[misc]  # Keras has no types
    """Keeps Keras from adding a History, and from putting another than ours on the model.

    Args:
        runner: Drives the run that ours belongs to.
    """

    def __init__(self, runner: BareRun) -> None:
        super().__init__()
        self._runner = runner

    epochal_driven = True
    has_run = False

    def end(self, error: BaseException | None) -> None:
        """Nothing: it has no run."""

    def given(self) -> list[Any]:
        """Return nothing: what it stands in for comes with the other object."""
        return []

    def set_model(self, model: Any) -> None:
        model.history = self._runner.run_history

    def on_train_begin(self, logs: Given = None) -> None:
        """Nothing: ours has had it."""

    def on_epoch_end(self, epoch: int, logs: Given = None) -> None:
        """Nothing: ours has had it."""


_OURS = (BareRun, HistoryStandIn)


def _calling_list(callback: BareRun) -> Any:
    """Find the CallbackList that is calling the callback, by its frame; None if something else is."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        owner = frame.f_locals.get("self")
        if isinstance(owner, keras.callbacks.CallbackList) and any(each is callback for each in owner.callbacks):
            return owner
    return None


def _write_back(theirs: Given, ours: Logs | None) -> None:
    """Show Keras's own callbacks, which come after ours in its list, what ours wrote."""
    if theirs is not None and ours:
        theirs.update(ours)
