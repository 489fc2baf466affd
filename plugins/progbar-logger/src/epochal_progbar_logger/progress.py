"""How far a fit, an evaluation or a prediction is. It counts, with the times that it is given, and draws nothing."""

from __future__ import annotations

import math
import re
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from epochal.log_values import as_number
from epochal.views import number

from .format import counted, duration, metrics, span
from .layout import NO_BREAK, Overall, View
from .phase import Phase
from .table import Entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from epochal import Outcome

_TITLES = {"test": "Evaluate", "predict": "Predict"}
_RECENT = 10
"""How many epochs tell how long the next ones will take."""
_PLACES = {"test": "evaluation", "predict": "prediction"}


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
    _epoch_ended: float = 0.0
    _excess: float = 0.0
    _durations: deque[float] = field(default_factory=lambda: deque(maxlen=_RECENT))
    _best: dict[str, tuple[float, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.main = Phase(self.begun, self.steps, compiles=True)
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

    def epoch_seconds(self, now: float) -> float:
        """Return the seconds since the epoch began."""
        return now - self._epoch_begun

    def begin_epoch(self, epoch: int, now: float) -> None:
        """Begin an epoch, counted from 0."""
        self.epoch, self.epoch_is_open, self._epoch_begun = epoch, True, now
        self.main = Phase(now, self.steps, not self._steps_are_given, compiles=not self.ended_epochs)
        self.validation, self.metrics, self.validation_metrics = None, (), ()

    def begin_validation(self, now: float) -> None:
        """Begin a validation inside an epoch."""
        self.main.ended = now
        self.validation = Phase(now, self._validation_steps, expected=True, compiles=self._validation_steps is None)

    def end_validation(self, now: float) -> None:
        """End a validation; the next one is expected to take as many steps."""
        if self.validation is None:
            return
        self._validation_steps = self.validation.done or self._validation_steps
        self._excess += self.validation.excess(now)
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
        self._epoch_ended = now
        if not self._steps_are_given:
            self.steps = self.main.done or None

    def end_epoch(self) -> None:
        """End the epoch."""
        took = self._epoch_ended - self._epoch_begun - self._excess - self.main.excess(self._epoch_ended)
        if self.ended_epochs == 1:
            self._durations.clear()  # the first epoch, with all that is done only once, is not typical
        self._durations.append(took)
        self._excess = 0.0
        self.epoch_is_open = False
        self.ended_epochs += 1

    def take_results(self, logs: Mapping[str, Any]) -> None:
        """Take the final values of an epoch, an evaluation or a prediction, and keep those that are the best so far."""
        self.metrics, self.validation_metrics = metrics(logs), ()
        for name in ("val_loss", "loss"):
            value = as_number(logs.get(name))
            if value is not None and math.isfinite(value) and value < self._best.get(name, (math.inf,))[0]:
                self._best[name] = (value, self.epoch or 0)

    def live_view(self, now: float, *, overall: bool = False) -> View:
        """Return what is to be drawn while it runs."""
        phase = self.phase
        trains = self.stage == "train"
        is_last = self.epochs is not None and (self.epoch or 0) + 1 >= self.epochs
        run_left = self._run_left(now) if trains else None
        left = run_left if is_last and run_left is not None else phase.left(now)
        return View(
            self._title(),
            phase.done,
            phase.total,
            now - self._epoch_begun,
            left,
            phase.pace(now),
            self.metrics + self.validation_metrics,
            validating=self.in_validation,
            first=self.main.first_step(now),
            run_left=None if is_last or overall else run_left,
            overall=self._overall(now, run_left) if overall and trains else None,
        )

    def line_view(self, now: float) -> View:
        """Return what stays of an evaluation or a prediction."""
        main = self.main
        return View(
            self._title(),
            main.done,
            main.total,
            now - self._epoch_begun,
            pace=main.pace(now),
            first=main.first_step(now),
            metrics=self.metrics,
        )

    def entry(self, now: float) -> Entry:
        """Return what stays of an epoch."""
        main = self.main
        total = main.total if self._steps_are_given else None
        count = f"{main.done} steps" if total is None else f"{main.done:>{len(str(total))}}/{total}"
        step = main.pace(now)
        took = duration(now - self._epoch_begun)
        pace = "" if step is None else span(step)
        return Entry(self._epoch_number(), self.metrics, count, took, pace, main.first_step(now))

    def running_entry(self) -> Entry:
        """Return what is known of the epoch that runs, besides what the bar says."""
        return Entry(self._epoch_number(), self.metrics + self.validation_metrics)

    def closing(self, outcome: Outcome, now: float) -> str:
        """Return in one line how the run ended; empty where the last line has told it."""
        took = duration(now - self.begun)
        reason = " ".join(outcome.reason.split())
        # early_stopping's reason ends with the best value of the metric that it monitors, which is the one that counts.
        best = "" if re.search(r"\bbest\b", reason) else self._best_value()
        if outcome.status == "completed":
            return f"Completed {counted(self.ended_epochs, 'epoch')} in {took}{best}" if self.stage == "train" else ""
        where = self._where()
        how_long = f"in {took}" if where.startswith("after") else f"after {took}"
        return f"{outcome.status.capitalize()} {where} {how_long}{best}" + (f": {reason}" if reason else "")

    def _best_value(self) -> str:
        name = next((name for name in ("val_loss", "loss") if name in self._best), None)
        if name is None or self.ended_epochs < 2:
            return ""
        value, epoch = self._best[name]
        return " " + f"(best {name} {number(value)} in epoch {epoch + 1})".replace(" ", NO_BREAK)

    def _where(self) -> str:
        if self.stage != "train":
            return f"in the {_PLACES.get(self.stage, self.stage)}"
        if self.epoch is None:
            return "before the first epoch"
        epoch, main = self._epoch_number().strip(), self.main
        if main.total is not None and 0 < main.done < main.total:
            return f"in epoch {epoch}, step {main.done}/{main.total},"
        return f"{'in' if self.epoch_is_open else 'after'} epoch {epoch}"

    def _title(self) -> str:
        if self.stage != "train":
            return _TITLES.get(self.stage, self.stage)
        return f"Epoch {self._epoch_number()}"

    def _epoch_number(self) -> str:
        number = (self.epoch or 0) + 1
        return f"{number}" if self.epochs is None else f"{number:>{len(str(self.epochs))}}/{self.epochs}"

    def _run_left(self, now: float) -> float | None:
        """Return the seconds that all epochs will still take; None if not known."""
        if self.epochs is None or self.epoch is None:
            return None
        others = max(0, self.epochs - self.epoch - 1)
        if self._durations:
            typical = sum(self._durations) / len(self._durations)
            rest = max(typical - (now - self._epoch_begun), self.phase.left(now) or 0.0) if self.epoch_is_open else 0.0
            return rest + others * typical
        main, left = self.main, self.phase.left(now)
        if left is None or main.total is None:
            return None
        step = main.pace(now)
        typical = (step if step is not None else ((main.ended or now) - main.begun) / main.done) * main.total
        if self.validation is not None:
            typical += now - self.validation.begun + left
        return left + others * typical

    def _overall(self, now: float, left: float | None) -> Overall | None:
        if self.epochs is None or self.epoch is None:
            return None
        main = self.main
        part = 1.0
        if self.epoch_is_open:
            part = min(1.0, main.done / main.total) if main.total else 0.0
        return Overall(self.epoch + part, self.epochs, now - self.begun, left)
