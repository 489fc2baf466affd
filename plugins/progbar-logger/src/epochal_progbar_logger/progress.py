"""How far a fit, an evaluation or a prediction is. It counts, with the times that it is given, and draws nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .format import counted, duration
from .layout import Overall, View

if TYPE_CHECKING:
    from epochal import Outcome

_TITLES = {"test": "Evaluate", "predict": "Predict"}
_PLACES = {"test": "evaluation", "predict": "prediction"}


@dataclass
class Phase:
    """One pass over data: the training of an epoch, its validation, an evaluation or a prediction.

    Attributes:
        begun: When it began, in seconds of any clock; moved on by the time that it was interrupted.
        total: Steps that there are; None if not known.
        expected: Whether `total` is only what it was the last time.
        done: Steps that ended.
        ended: When it ended.
    """

    begun: float
    total: int | None = None
    expected: bool = False
    done: int = 0
    ended: float | None = None
    _first: tuple[float, int] | None = None

    def count(self, done: int, now: float) -> None:
        """Take in that so many steps have ended. With steps per execution they may be more than there are."""
        if self.total is not None and done > self.total:
            done, self.total = (done, None) if self.expected else (self.total, self.total)
        self.done = done
        if self._first is None and done:
            self._first = (now, done)

    def resume(self, now: float) -> None:
        """Go on after an interruption, whose time does not count."""
        if self.ended is not None:
            pause, self.ended = now - self.ended, None
            self.begun += pause
            if self._first is not None:
                self._first = (self._first[0] + pause, self._first[1])

    def pace(self, now: float) -> float | None:
        """Give the seconds a step."""
        return ((self.ended or now) - self.begun) / self.done if self.done else None

    def left(self, now: float) -> float | None:
        """Give the seconds that it will still take. The first step, in which the model is compiled, is not typical."""
        if self.total is None or not self.done:
            return None
        since, before = self._first if self._first and self._first[1] < self.done else (self.begun, 0)
        return (now - since) / (self.done - before) * (self.total - self.done)


@dataclass
class Progress:
    """How far a run is.

    Attributes:
        stage: "train", "test" or "predict".
        begun: When it began, in seconds of any clock.
        epochs: Epochs that were asked for, counted from the very first; None if not known.
        steps: Steps of an epoch, an evaluation or a prediction; None if not known.
        epoch: The epoch that runs or ran last, counted from 0; None before the first.
        epoch_is_open: Whether it runs.
        ended_epochs: How many ended in this run.
        metrics: The newest metrics of training, evaluation or prediction, as text.
        validation_metrics: The newest ones of the validation that runs inside an epoch.
        main: The steps of training, evaluation or prediction.
        validation: The steps of the validation that runs inside an epoch.
    """

    stage: str
    begun: float
    epochs: int | None = None
    steps: int | None = None
    epoch: int | None = None
    epoch_is_open: bool = False
    ended_epochs: int = 0
    metrics: tuple[tuple[str, str], ...] = ()
    validation_metrics: tuple[tuple[str, str], ...] = ()
    main: Phase = field(init=False)
    validation: Phase | None = None
    _steps_are_given: bool = False
    _validation_steps: int | None = None
    _epoch_begun: float = 0.0

    def __post_init__(self) -> None:
        self.main = Phase(self.begun, self.steps)
        self._steps_are_given = self.steps is not None
        self._epoch_begun = self.begun

    @property
    def phase(self) -> Phase:
        """The steps that are counted now."""
        return self.validation or self.main

    @property
    def in_validation(self) -> bool:
        """Whether the steps of a validation inside an epoch are counted."""
        return self.validation is not None

    @property
    def is_unfinished(self) -> bool:
        """Whether an epoch, an evaluation or a prediction began and has not ended."""
        return self.epoch_is_open if self.stage == "train" else self.main.ended is None

    def begin_epoch(self, epoch: int, now: float) -> None:
        """Begin an epoch, counted from 0."""
        self.epoch, self.epoch_is_open, self._epoch_begun = epoch, True, now
        self.main = Phase(now, self.steps, expected=not self._steps_are_given)
        self.validation, self.metrics, self.validation_metrics = None, (), ()

    def begin_validation(self, now: float) -> None:
        """Begin a validation inside an epoch."""
        self.main.ended = now
        self.validation = Phase(now, self._validation_steps, expected=True)

    def end_validation(self, now: float) -> None:
        """End a validation; the next one is expected to take as many steps."""
        if self.validation is None:
            return
        self._validation_steps = self.validation.done or self._validation_steps
        self.validation = None
        self.main.resume(now)  # a hand-written loop may go on with training

    def take_metrics(self, metrics: tuple[tuple[str, str], ...]) -> None:
        """Take the newest metrics of the steps that are counted now."""
        if self.in_validation:
            self.validation_metrics = tuple((f"val_{name}", text) for name, text in metrics)
        else:
            self.metrics = metrics

    def end_steps(self, now: float) -> None:
        """End the steps of the epoch, the evaluation or the prediction; the next epoch is expected to take as many."""
        self.main.ended = self.main.ended or now
        if not self._steps_are_given:
            self.steps = self.main.done or None

    def end_epoch(self) -> None:
        """End the epoch."""
        self.epoch_is_open = False
        self.ended_epochs += 1

    def live_view(self, now: float, *, overall: bool = False) -> View:
        """Give what is to be drawn while it runs."""
        phase = self.phase
        return View(
            self._title(),
            phase.done,
            phase.total,
            now - self._epoch_begun,
            phase.left(now),
            phase.pace(now),
            self.metrics + self.validation_metrics,
            validating=self.in_validation,
            overall=self._overall(now) if overall and self.stage == "train" else None,
        )

    def line_view(self, now: float) -> View:
        """Give what stays of the epoch, the evaluation or the prediction."""
        main = self.main
        return View(
            self._title(), main.done, main.total, now - self._epoch_begun, pace=main.pace(now), metrics=self.metrics
        )

    def closing(self, outcome: Outcome, now: float) -> str:
        """Tell in one line how the run ended; empty where the last line has told it."""
        took = duration(now - self.begun)
        if outcome.status == "completed":
            return f"Completed {counted(self.ended_epochs, 'epoch')} in {took}" if self.stage == "train" else ""
        reason = " ".join(outcome.reason.split())
        where = self._where()
        how_long = f"in {took}" if where.startswith("after") else f"after {took}"
        return f"{outcome.status.capitalize()} {where} {how_long}" + (f": {reason}" if reason else "")

    def _where(self) -> str:
        if self.stage != "train":
            return f"in the {_PLACES.get(self.stage, self.stage)}"
        if self.epoch is None:
            return "before the first epoch"
        return f"{'in' if self.epoch_is_open else 'after'} epoch {self._epoch_number().strip()}"

    def _title(self) -> str:
        if self.stage != "train":
            return _TITLES.get(self.stage, self.stage)
        return f"Epoch {self._epoch_number()}"

    def _epoch_number(self) -> str:
        number = (self.epoch or 0) + 1
        return f"{number}" if self.epochs is None else f"{number:>{len(str(self.epochs))}}/{self.epochs}"

    def _overall(self, now: float) -> Overall | None:
        if self.epochs is None or self.epoch is None:
            return None
        main = self.main
        part = min(1.0, main.done / main.total) if main.total else 0.0
        ran = self.ended_epochs + (part if self.epoch_is_open else 0.0)
        done = self.epoch + (part if self.epoch_is_open else 1.0)
        elapsed = now - self.begun
        left = elapsed / ran * (self.epochs - done) if ran > 0 else None
        return Overall(done, self.epochs, elapsed, left)
