"""The progress of a run, drawn live where that is possible and written in lines where it is not."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Mapping  # noqa: TC003  # the parameters' types are read when they come from a file
from typing import TYPE_CHECKING, Any, Literal

from epochal import Callback, Outcome, Priority
from epochal.arguments import Argument, Choice, Number, Switch
from epochal.hookspecs import EVENTS
from epochal.logs import WEIGHTS

from .bare import calling_list, make_is_left, silence_others
from .display import Terminal
from .format import metrics
from .progress import Progress
from .show import Show, choose_display
from .theme import make_styles

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from epochal import Run

    Logs = Mapping[str, Any] | None


class Theme(Argument["Mapping[str, str] | None"]):
    """Styles of rich by name."""

    def check(self, value: Any) -> Mapping[str, str] | None:
        """Return them, of a mapping a copy."""
        make_styles(value)
        return None if value is None else dict(value)

    def checked(self, owner: Any, value: Any, name: str = "") -> Mapping[str, str] | None:
        """Check a value; an error names the style that is wrong, and not all of them."""
        try:
            return self.check(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{type(owner).__name__}: {error}") from None


class ProgbarLogger(Callback):
    """Shows the progress of `fit`, `evaluate`, `predict` or a hand-written loop.

    What it shows is chosen by the `verbose` of the call: 0 nothing, 1 a live bar, 2 one line an epoch; "auto" is 1 on a
    terminal and in a notebook, and 2 elsewhere. Where nothing can be drawn over (a file, a pipe, `TERM=dumb`), 1 gives
    lines too.

    It comes late, so that it shows what all others have written into the logs. A batch costs it a look at the clock;
    only when a refresh is due does it read the batch's logs, as reading them waits for the device.

    Args:
        refresh_per_second: How often the bar is drawn at the most.
        stream: Where to: "stdout" or "stderr".
        overall: Whether a second bar shows how far all epochs together are. The time that they will still take is
            shown without it too.
        theme: Styles of rich by name, in the place of the default ones: title, header, bar, bar.validation, bar.rest,
            count, time, metric, value, completed, stopped, interrupted, failed.

    Raises:
        TypeError, ValueError: A parameter is not usable.
    """

    priority = Priority.REPORT
    provides = ()
    critical = False

    refresh_per_second = Number(above=0)
    stream = Choice("stdout", "stderr")
    overall = Switch()
    theme = Theme()

    _clock: Callable[[], float] = staticmethod(time.monotonic)

    def __init__(
        self,
        refresh_per_second: float = 10.0,
        stream: Literal["stdout", "stderr"] = "stdout",
        overall: bool = False,
        theme: Mapping[str, str] | None = None,
    ) -> None:
        self.refresh_per_second = refresh_per_second
        self.stream = stream
        self.overall = overall
        self.theme = theme
        self._sender: Run | None = None  # None in a bare fit, also one after a run
        self._show: Show | None = None
        self._due = math.inf  # when to draw next; never, where nothing is drawn
        self._done = 0
        self._step_before = 0

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies and pickles what belongs to a run."""
        return {**super().__getstate__(), "_sender": None, "_show": None, "_due": math.inf}

    # The run: it begins and ends with epochal's own events, and in a bare fit with Keras's.

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take the parameters of a new call; what an earlier one may have left open is closed."""
        self._close()
        super().set_params(params)

    def on_run_begin(self, run: Run) -> None:
        """Begin to show a run, and listen to nothing that will not be shown."""
        self._sender = run
        console = run.console if self.stream == "stdout" else None
        self._open(run.stage, console, is_left=lambda: False)
        if self._show is None:
            run.drop(self, *(event for event in EVENTS if event != "on_run_end"))

    def on_run_end(self, outcome: Outcome) -> None:
        """Show how the run ended, and leave the terminal as it was."""
        self._end(outcome)
        self._sender = None

    def _begin_bare(self, stage: str) -> None:
        callbacks = calling_list(self)
        silence_others(callbacks, self)
        self._close()
        self._open(stage, None, is_left=make_is_left(callbacks))
        if self._show is not None and isinstance(self._show.display, Terminal):
            self._show.close_with(self if callbacks is None else callbacks)  # an exception would be the last we hear

    def _end_bare(self) -> None:
        stopped = getattr(self.model, "stop_training", False) is True
        self._end(Outcome("stopped", "model.stop_training was set") if stopped else Outcome("completed"))

    def _open(self, stage: str, console: Console | None, *, is_left: Callable[[], bool]) -> None:
        verbose = self.params.get("verbose", "auto")
        if not self.is_chief or not verbose or getattr(sys, self.stream) is None:
            return
        self._done = 0
        display = choose_display(self.stream, console, make_styles(self.theme), is_left, live=verbose in (1, "auto"))
        progress = Progress(stage, self._clock(), self.params.get("epochs"), self.params.get("steps"))
        self._show = Show(progress, display, self._clock, 1.0 / self.refresh_per_second, overall=self.overall)

    def _end(self, outcome: Outcome) -> None:
        if self._show is not None:
            self._count(self._show)
            self._let_go().end(outcome)

    def _close(self) -> None:
        if self._show is not None:
            self._let_go().close()
        self._sender = None

    def _let_go(self) -> Show:
        show = self._show
        assert show is not None
        self._sender, self._show, self._due = None, None, math.inf
        return show

    # Training

    def on_train_begin(self, logs: Logs = None) -> None:
        """Begin to show a fit."""
        if self._sender is None:
            self._begin_bare("train")

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Draw the epoch's bar."""
        show = self._show
        if show is None:
            return
        self._done = 0
        self._step_before = self._sender.step if self._sender is not None else 0
        now = self._clock()
        show.progress.begin_epoch(epoch, now)
        if now >= self._due or not show.holds:
            self._draw(show)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Draw if it is time."""
        self._done = batch + 1
        if self._clock() >= self._due:
            self._refresh(logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Stop the epoch's clock; its line is written when the logs are final, in a bare fit at once."""
        show = self._show
        if show is None:
            return
        show.progress.end_steps(self._count(show))
        if self._sender is None:
            self.on_epoch_finalized(logs or {})

    def on_epoch_finalized(self, logs: Mapping[str, Any]) -> None:
        """Write the epoch's line."""
        if self._show is not None:
            self._show.write_line(logs)
            self._show.progress.end_epoch()

    def on_train_end(self, logs: Logs = None) -> None:
        """End a bare fit."""
        if self._sender is None:
            self._end_bare()

    # Validation, evaluation, prediction

    def on_test_begin(self, logs: Logs = None) -> None:
        """Begin to show an evaluation, or go on to the validation of an epoch."""
        show = self._show
        if show is None or show.progress.stage != "train":
            self._begin_pass("test")
            return
        show.progress.begin_validation(self._count(show))
        self._done = 0
        if show.progress.phase.total is None and show.display.live:
            self._due = -math.inf

    def on_test_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Draw if it is time."""
        self._done = batch + 1
        if self._clock() >= self._due:
            self._refresh(logs)

    def on_test_end(self, logs: Logs = None) -> None:
        """Write the evaluation's line, or go back to the training of the epoch."""
        show = self._show
        if show is None:
            return
        if not show.progress.in_validation:
            self._end_pass(show, logs or {})
            return
        show.progress.end_validation(self._count(show))
        self._done = show.progress.main.done

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Begin to show a prediction."""
        self._begin_pass("predict")

    def on_predict_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Draw if it is time; the outputs are not looked at."""
        self._done = batch + 1
        if self._clock() >= self._due:
            self._refresh(None)

    def on_predict_end(self, logs: Logs = None) -> None:
        """Write the prediction's line."""
        if self._show is not None:
            self._end_pass(self._show, {})

    def _begin_pass(self, stage: str) -> None:
        if self._sender is None:
            self._begin_bare(stage)
        if self._show is not None:
            self._draw(self._show)

    def _end_pass(self, show: Show, logs: Mapping[str, Any]) -> None:
        show.progress.end_steps(self._count(show))
        show.write_line(logs)
        if self._sender is None:
            self._end(Outcome("completed"))

    # Drawing and counting

    def _refresh(self, logs: Logs) -> None:
        """Read the logs of a batch and draw."""
        show = self._show
        assert show is not None
        self._count(show)
        if logs and show.display.live:
            weighted = self._sender is not None and self._sender.stateful_metrics is not None
            read = {name: value for name, value in logs.items() if not (weighted and name in WEIGHTS)}
            show.progress.take_metrics(metrics(read))
        self._draw(show)

    def _draw(self, show: Show) -> None:
        """Draw, and again at the next batch as long as the first steps run: what they took is noted at their ends."""
        due = show.draw()
        self._due = -math.inf if show.progress.phase.awaits_first else due

    def _count(self, show: Show) -> float:
        """Update the progress with the number of steps that have ended, and return the time of that."""
        progress, now, done = show.progress, self._clock(), self._done
        if self._sender is not None and progress.stage == "train" and not progress.in_validation:
            done = self._sender.step - self._step_before
        progress.phase.count(done, now)
        return now
