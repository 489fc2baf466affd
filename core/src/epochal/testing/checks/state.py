"""Whether a callback can be copied, and whether its state is all that it goes on with."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...callback import Callback
from ...errors import StateError, one_line
from ...frameworks import adapt
from ...state import dump_state, parse_state
from ..model import FakeModel
from .check import BrokenPromiseError, promise
from .stage import Stage, expect

if TYPE_CHECKING:
    from .subject import Subject

_EPOCHS = 14
"""Enough for a patience of nine after the best epoch of the standard values."""
_RESUMED = (0, 3, 4, 5, 8, 12)
"""The epochs behind which it is resumed: the first one, around the best one, and later ones."""


@promise("deep-copies", "it can be copied, before and after a fit, and the copy runs")
def check_copies(subject: Subject) -> str | None:
    """Copy it as KerasTuner does for every trial."""
    callback = subject.create()
    if not subject.is_made_anew(callback):
        return "it is not a class; there is only one of it"
    for when in ("before a fit", "after a fit"):
        try:
            copied = copy.deepcopy(callback)
        except Exception as error:
            raise BrokenPromiseError(
                f"copy.deepcopy {when} raises {one_line(error)}. Make what cannot be copied in on_train_begin, and let "
                "go of it in on_run_end."
            ) from error
        expect(copied is not callback, f"copy.deepcopy {when} gives the same object, which two fits would share.")
        Stage(subject, copied).train()
        Stage(subject, callback).train()
    return None


@promise("state", "its state holds JSON values and arrays, and nothing else")
def check_state(subject: Subject) -> str:
    """Write the state of every epoch, and read it."""
    names: dict[str, None] = {}
    for epoch in _train(subject).epochs:
        if epoch.state is None:
            return "it keeps none"
        try:
            written = dump_state(epoch.state)
        except StateError as error:
            raise BrokenPromiseError(f"its state_dict() gives what cannot be written: {error}") from None
        expect(dump_state(parse_state(written)) == written, "its state is another one when it was written and read.")
        names |= dict.fromkeys(epoch.state)
    return ", ".join(names) or "it keeps none"


@promise("state-round-trips", "another object that takes its state has the same state")
def check_round_trip(subject: Subject) -> str | None:
    """Load a state into a new object, and into one that has run."""
    used = Stage(subject)
    used.train(epochs=2)
    for epoch in _train(subject).epochs:
        if epoch.state is None:
            return "it keeps none"
        for target in (subject.create(), used.callback):
            _load(target, epoch.state)
            loaded = target.state_dict()
            names = dict.fromkeys([*epoch.state, *loaded])
            different = [name for name in names if not _same(epoch.state.get(name), loaded.get(name))]
            expect(not different, f"after load_state_dict another state is there: {', '.join(different)}.")
    return None


@promise("resume", "when it is resumed with its state, it goes on as if nothing had been")
def check_resume(subject: Subject) -> str:
    """Resume with a new object, and compare with the run that was never broken off."""
    whole = _train(subject).epochs
    for place, epoch in enumerate(whole[:-1]):
        if epoch.number not in _RESUMED:
            continue
        new = subject.create()
        if epoch.state is not None:
            _load(new, epoch.state)
        resumed = _train(subject, new, copy.deepcopy(epoch.model), epoch.number + 1).epochs
        where = f"resumed behind epoch {epoch.number + 1}"
        for was, now in zip(whole[place + 1 :], resumed, strict=False):
            for what, value in was.seen.items():
                expect(
                    _same(value, now.seen[what]),
                    f"{where} it gives another {what} in epoch {was.number + 1}: {now.seen[what]!r} instead of "
                    f"{value!r}. {_ADVICE}",
                )
        there, wanted = place + 1 + len(resumed), len(whole)
        expect(there == wanted, f"{where} it ends training after epoch {there} instead of {wanted}. {_ADVICE}")
    numbers = ", ".join(str(epoch.number + 1) for epoch in whole[:-1] if epoch.number in _RESUMED)
    return f"{len(whole)} epochs, resumed behind epoch {numbers}"


_ADVICE = (
    "What it goes on with has to be in its state (`state_attributes`), and on_train_begin resets it only where "
    "`self.starts_afresh()` says so."
)


@dataclass(frozen=True)
class _Epoch:
    """What there was behind an epoch.

    Attributes:
        number: The epoch.
        state: The state of the callback that is checked; None: it cannot give one.
        model: The model.
        seen: What came of the epoch, by what it is.
    """

    number: int
    state: dict[str, Any] | None
    model: Any
    seen: dict[str, Any]


class _Watch(Callback):
    """Notes, behind all others, what there is behind every epoch."""

    priority = 10**9
    provides = ()

    def __init__(self, callback: Any) -> None:
        self.epochs: list[_Epoch] = []
        self._callback = callback

    def on_epoch_finalized(self, epoch: int, logs: Any) -> None:
        """Note it."""
        assert self.run is not None
        model = self.model
        seen = {
            "logs": dict(logs),
            "learning rate": adapt(self).learning_rates(),
            "decision to stop": self.run.stop_reason is not None or bool(model.stop_training),
        }
        if isinstance(model, FakeModel):
            seen["weights"] = copy.deepcopy(model.weights)
        keeps = all(hasattr(self._callback, name) for name in ("state_dict", "load_state_dict"))
        state = self._callback.state_dict() if keeps else None
        self.epochs.append(_Epoch(epoch, state, copy.deepcopy(model), seen))


def _train(subject: Subject, callback: Any = None, model: Any = None, first: int = 0) -> _Watch:
    """Fit with one callback, and watch."""
    callback = subject.create() if callback is None else callback
    watch = _Watch(callback)
    stage = Stage(subject, callback, others=[watch], model=model)
    stage.train(epochs=_EPOCHS, initial_epoch=first, validation_steps=2)
    return watch


def _load(callback: Any, state: dict[str, Any]) -> None:
    """Load a state into a callback as it comes out of a file."""
    try:
        callback.load_state_dict(parse_state(dump_state(state)))
    except Exception as error:
        raise BrokenPromiseError(f"load_state_dict does not take what state_dict gave: {one_line(error)}") from error


def _same(value: Any, other: Any) -> bool:
    """Compare values of any depth, in which arrays and NaN may be."""
    try:
        return dump_state({"value": value}) == dump_state({"value": other})
    except StateError:  # no part of a state
        return repr(value) == repr(other)
