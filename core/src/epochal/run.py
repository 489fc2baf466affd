"""One run, as its callbacks see it, and how it ended."""

from __future__ import annotations

import copy
import sys
import uuid
import weakref
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from .callback import Callback, EndedRun, Place, up_to_date
from .console import make_console
from .errors import RunError, shown
from .frameworks.fit_call import FitCall
from .views import Order, run_view
from .workers.chief import is_chief

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType

    from rich.console import Console

    from .engine.member import Member
    from .views import View


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        status: "completed": everything that was asked for ran. "stopped": a callback or the script ended it early.
            "interrupted": by Ctrl-C or SIGTERM. "failed": by an exception.
        reason: Why, as a sentence or part of one; empty if completed.
        exception: What was raised; None if nothing was.
    """

    status: str
    reason: str = ""
    exception: BaseException | None = None


@dataclass
class Steps:
    """What the batches of one stage took, each from its begin event to its end event, both included.

    Attributes:
        count: How many there were.
        seconds: How long they took together.
        began: When the one that is running began.
    """

    count: int = 0
    seconds: float = 0.0
    began: float | None = None


@dataclass
class Timing:
    """What one event of one callback took.

    Attributes:
        calls: How often it was called.
        seconds: How long all calls took together, waiting for the device included.
        waits: How often it was the first to read values that were still on the device.
        wait_seconds: How long these reads took.
        steps: The steps that it is a part of; None for an event that is in no step.
    """

    calls: int = 0
    seconds: float = 0.0
    waits: int = 0
    wait_seconds: float = 0.0
    steps: Steps | None = field(default=None, compare=False, repr=False)

    @property
    def share_of_step(self) -> float | None:
        """Its share of the time of its steps, 0 to 1; None for an event that is in no step."""
        return self.seconds / self.steps.seconds if self.steps is not None and self.steps.seconds else None


class Run:
    """One `fit`, `evaluate`, `predict` or hand-written loop, from its begin to its guaranteed end.

    Attributes:
        id: A name of the run, unlike that of any other.
        model: The model, its variables up to date.
        params: `epochs`, `steps` and `verbose`, as plain Keras hands them to a callback for the same call.
        stage: "train", "validate", "test" or "predict".
        epoch: The epoch that runs or ran last, counted from 0; None before the first one.
        stateful_metrics: The metrics whose value in the logs of a batch stands for the whole epoch so far, so that no
            mean is to be taken over it. None: all of them, as Keras 3 gives running means.
        fit_call: What is known of the framework's `fit` that the run is.
        optimizer: The optimizer, where the loop gave one; None: the model's own.
        has_failed: Whether a callback stopped the run because it failed.
        timings: Name of the callback to event to its `epochal.run.Timing`; empty unless the run is profiled
            (`EPOCHAL_PROFILE=1`, `profile = true` in the config, `epochal run --profile`).
        outcome: How the run ended; None while it lasts.
    """

    is_loop = False
    """Whether the program's own code trains, in `epochal.loop`, and not a framework's `fit`."""

    def __init__(self, model: Any, stage: str, stateful_metrics: Sequence[str] | None = None) -> None:
        self.id = uuid.uuid4().hex
        self._model = model
        self.params: Mapping[str, Any] = MappingProxyType({})
        self.stage = stage
        self.epoch: int | None = None
        self.last_batch = -1
        """The number of the training batch that ended last, in its epoch, or -1 if none has. Kept by the host."""
        self._steps_before_epoch = 0
        self.stateful_metrics = None if stateful_metrics is None else frozenset(stateful_metrics)
        self.fit_call = FitCall()
        self.optimizer: Any = None
        self.has_failed = False
        self.timings: Mapping[str, Mapping[str, Timing]] = {}
        self.outcome: Outcome | None = None
        self.stop_reason: str | None = None
        self._members: tuple[Member, ...] = ()
        self._holders: dict[str, weakref.ref[Any]] = {}
        self._apply_stop: Callable[[], None] = _nothing
        self._drop: Callable[[Member, Sequence[str]], None] | None = None

    def __repr__(self) -> str:
        status = "running" if self.outcome is None else self.outcome.status
        return f"<Run {self.id[:8]} ({self.stage}): {status}>"

    def __rich__(self) -> View:
        return run_view(self)

    def _repr_html_(self) -> str:
        return self.__rich__().html()

    @property
    def model(self) -> Any:
        """The model, its variables up to date."""
        return up_to_date(self._model)

    @property
    def validates(self) -> bool | None:
        """Whether the fit has validation data; None if that is not known."""
        return self.fit_call.validates

    @property
    def step(self) -> int:
        """How many training batches have ended since the run began."""
        # The last execution of several steps may have fewer than its number says.
        ended, known = self.last_batch + 1, self.params.get("steps")
        return self._steps_before_epoch + (ended if known is None else min(ended, known))

    def begin_epoch(self, epoch: int) -> None:
        """Note that an epoch begins. The host calls it."""
        self._steps_before_epoch, self.last_batch, self.epoch = self.step, -1, epoch

    def count_batch(self, batch: int, logs: Any = None) -> None:
        """Note that a training batch ended. The host calls it."""
        self.last_batch = batch

    @property
    def callbacks(self) -> dict[str, Any]:
        """The callbacks by name, in their order.

        After a Keras call, None for one that holds this run (its History, or what `evaluate` was given), once nobody
        else holds it.
        """
        return {
            member.name: self._holders[member.name]() if member.name in self._holders else member.callback
            for member in self._members
        }

    @property
    def order(self) -> list[Place]:
        """Every callback's name in the order in which they are called, each with the reason for its place.

        In a notebook, and printed with rich, it is a table.
        """
        return Order(member.place for member in self._members)

    @property
    def history(self) -> Any:
        """The History callback; it holds what was recorded, also when the run failed."""
        return self.callbacks["history"]

    @cached_property
    def console(self) -> Console:
        """The rich console on standard output that callbacks write to. In a file it writes plain lines."""
        return make_console()

    @cached_property
    def is_chief(self) -> bool:
        """Whether this process is the one, of those that train together, that writes files and draws."""
        return is_chief()

    def stop(self, reason: str, *, failed: bool = False) -> None:
        """Ask the run to end: training after the epoch that runs, evaluation and prediction after the batch.

        The first request counts and cannot be taken back; `outcome.reason` names the callback that asked.

        Args:
            reason: Why, as a short phrase: "val_loss did not improve for 3 epochs".
            failed: Whether what was trained is worthless, so that the outcome is "failed" instead of "stopped". Counts
                before a request without it.
        """
        if self.stop_reason is None or (failed and not self.has_failed):
            self.has_failed = failed
            caller = self._caller(sys._getframe(1))
            self.stop_reason = f"{caller}: {reason}" if caller else reason
        self._apply_stop()

    def drop(self, callback: Any, *events: str) -> None:
        """Leave events of a callback out of this run, so that they cost nothing. To be called in `on_run_begin`.

        Args:
            callback: The callback, mostly `self`.
            *events: Names of events.

        Raises:
            RunError: It is too late, or the object is not a callback of this run.
        """
        if self._drop is None:
            raise RunError("events can be dropped in on_run_begin only; the call lists are compiled after it")
        for member in self._members:
            if member.callback is callback:
                self._drop(member, events)
                return
        raise RunError(f"{shown(callback)} is not a callback of this run, so no event of it can be dropped")

    def close(self, holders: Sequence[Member], *, is_given: bool) -> None:
        """Let go of the driver, and of the callbacks in turn, so that no circle keeps them. The driver calls it.

        Args:
            holders: The callbacks that keep the run. All others have it only as long as somebody else does.
            is_given: Whether the host's user gets the run. Then it holds all its callbacks, and what the holders keep
                is a copy of it that does not hold them in turn. Otherwise they hold the run itself.
        """
        self._apply_stop, self._drop = _nothing, None
        # Another run may have a callback by now.
        mine = [each for each in self._members if isinstance(each.callback, Callback) and each.callback._run is self]
        names = {member.name for member in holders}
        kept = copy.copy(self) if is_given else self
        kept._holders = {each.name: weakref.ref(each.callback) for each in mine if each.name in names}
        kept._members = tuple(
            replace(member, callback=None) if member.name in kept._holders else member for member in self._members
        )
        for member in mine:
            held = kept if member.name in kept._holders else None
            member.callback._run = EndedRun(weakref.ref(self), weakref.ref(kept), held)

    def _caller(self, frame: FrameType | None) -> str | None:
        """Return the name of the innermost callback on the stack."""
        while frame is not None:
            for member in self._members:
                if member.is_running(frame):
                    return member.name
            frame = frame.f_back
        return None


def _nothing() -> None:
    pass
