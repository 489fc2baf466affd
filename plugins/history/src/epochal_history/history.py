"""The metrics of every epoch, recorded."""

from __future__ import annotations

import math
from numbers import Real
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from epochal import Callback, MissingDependencyError, Priority, StateError
from epochal.arguments import Argument, State, check_state
from epochal.log_values import as_number, as_state
from epochal.views import View, number, reading_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MOST_ROWS = 20
"""How many epochs a table shows; of more, the first and the last ones."""
_WIDEST = 24
"""The most characters of a value that is not a number."""


class Metrics(Argument[dict[str, list[Any]]]):
    """The values of every metric."""

    def check(self, value: Any) -> dict[str, list[Any]]:
        """Return them."""
        if not isinstance(value, dict) or not all(isinstance(values, list) for values in value.values()):
            raise TypeError("has to be a dict of lists")
        return value


class Epochs(Argument[list[int]]):
    """Numbers of epochs."""

    def check(self, value: Any) -> list[int]:
        """Return them."""
        if not isinstance(value, list) or not all(isinstance(each, int) and each >= 0 for each in value):
            raise TypeError("has to be a list of numbers of 0 or more")
        return value


class Rows(Argument[list[dict[str, Any]]]):
    """The metrics of every epoch."""

    def check(self, value: Any) -> list[dict[str, Any]]:
        """Return them."""
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise TypeError("has to be a list of dicts")
        return value


class History(Callback):
    """Records the logs of every epoch; `fit` returns it.

    It is loaded second, so that every other callback's `on_epoch_end` finds the epoch's values in it. Keys that a later
    callback adds to the epoch's logs, and values that it changes, are in it as well once the epoch is final.

    A second fit with the same object goes on recording behind the first; `epoch` and `history` stay in step.

    Attributes:
        history: Metric to the list of its values, one for each epoch in which it came, as Keras has it.
        epoch: The epochs, counted from 0, one entry for each that was recorded.
        params: `epochs`, `steps` and `verbose` of the run.
    """

    priority = Priority.METRICS
    provides = ()

    history = State(Metrics())
    epoch = State(Epochs())
    _rows = State(Rows())

    def __init__(self) -> None:
        self.history = {}
        self.epoch = []
        self._rows = []

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state that `state_dict` gave, before training begins.

        Raises:
            StateError: It is not the state of a History, or one whose parts disagree; then nothing has changed.
        """
        checked = check_state(self, state)
        rows, recorded = checked["_rows"], checked["history"]
        counts = {key: sum(key in row for row in rows) for key in recorded}
        if len(rows) != len(checked["epoch"]) or any(len(recorded[key]) != counts[key] for key in recorded):
            raise StateError(
                "this is not a state of History: its epochs and its metrics have different numbers of entries"
            )
        super().load_state_dict(state)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Record the epoch as far as it is known."""
        self.epoch.append(epoch)
        self._rows.append({})
        self._record(logs or {})

    def on_epoch_finalized(self, logs: Mapping[str, Any]) -> None:
        """Record what later callbacks added and changed."""
        self._record(logs)

    def _record(self, logs: Mapping[str, Any]) -> None:
        row = self._rows[-1]
        for key, value in logs.items():
            values = self.history.setdefault(key, [])
            if key in row:
                values[-1] = value
            else:
                values.append(value)
            row[key] = value

    def state_dict(self) -> dict[str, Any]:
        """Return the state; of what neither JSON nor an array of numbers holds it has the text."""
        return {name: as_state(getattr(self, name)) for name in self.state_attributes}

    def to_rows(self) -> list[dict[str, Any]]:
        """Return one dict an epoch: `epoch`, then every metric that ever came, None in an epoch without it.

        With it metrics that come only every n-th epoch (`validation_freq=2`) are aligned with the others.
        """
        return [
            {"epoch": epoch, **{key: row.get(key) for key in self.history}}
            for epoch, row in zip(self.epoch, self._rows, strict=True)
        ]

    def to_frame(self) -> Any:
        """Return the rows of `to_rows` as a pandas DataFrame with `epoch` as its index; what did not come is NaN.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise _missing("to_frame", "pandas", "frame") from None
        return pd.DataFrame(self.to_rows(), columns=list(dict.fromkeys(["epoch", *self.history]))).set_index("epoch")

    def plot(self, metrics: str | Iterable[str] | None = None, ax: Any = None) -> Any:
        """Draw the metrics over the epochs, each together with its `val_` counterpart.

        In a notebook the figure is shown at the end of the cell, once, without `%matplotlib inline` too.

        Args:
            metrics: One name or several, without `val_`. None: all that have numbers.
            ax: The matplotlib Axes to draw into: one for all metrics, or as many as metrics. None: a new figure.

        Returns:
            The matplotlib Figure, with one Axes a metric; `ax` if it was passed.

        Raises:
            KeyError: A metric of this name was never recorded.
            ValueError: None of its values is a number, or there are more or fewer Axes than metrics.
            MissingDependencyError: matplotlib is not installed.
        """
        curves = {name: {key: self._points(key) for key in (name, f"val_{name}")} for name in self._plotted(metrics)}
        try:
            from .plot import draw
        except ImportError:
            raise _missing("plot", "matplotlib", "plot") from None
        return draw(curves, ax)

    def _points(self, key: str) -> list[tuple[int, float]]:
        """Return the epochs, counted from 1, in which a number was recorded, each with it."""
        rows = zip(self.epoch, self._rows, strict=True)
        numbers = ((epoch + 1, as_number(row.get(key))) for epoch, row in rows)
        return [(epoch, number) for epoch, number in numbers if number is not None]

    def _plotted(self, metrics: str | Iterable[str] | None) -> list[str]:
        keys = reading_order(key for key in self.history if isinstance(key, str))
        recorded = list(dict.fromkeys(key.removeprefix("val_") for key in keys))
        drawable = [name for name in recorded if self._points(name) or self._points(f"val_{name}")]
        asked = [metrics] if isinstance(metrics, str) else metrics
        names = drawable if asked is None else list(asked)
        for name in names:
            if name not in recorded:
                raise KeyError(f"no metric {name!r} was recorded; there are: {', '.join(recorded) or 'none'}")
            if name not in drawable:
                raise ValueError(
                    f"the values of {name!r} are not numbers, so they cannot be drawn; there are: "
                    f"{', '.join(drawable) or 'none'}"
                )
        return names

    # How it is shown

    def __repr__(self) -> str:
        return f"<History: {self._title()}>"

    def __rich__(self) -> View:
        names = reading_order(self.history)
        rows = [[str(row["epoch"] + 1), *(_text(row[name]) for name in names)] for row in self.to_rows()]
        if len(rows) > _MOST_ROWS:
            half = _MOST_ROWS // 2
            rows = [*rows[:half], ["…"] * (1 + len(names)), *rows[-half:]]
        return View(self._title(), ["epoch", *names], rows, numbers=True)

    def _repr_html_(self) -> str:
        return self.__rich__().html()

    def _title(self) -> str:
        """Return in a line what was recorded, and how the run ended."""
        count = len(self.epoch)
        title = "1 epoch" if count == 1 else f"{count} epochs"
        name = next((name for name in ("val_loss", "loss") if self._points(name)), None)
        if name is not None:
            epoch, value = min(self._points(name), key=lambda point: point[1] if math.isfinite(point[1]) else math.inf)
            title += f", best {name} {number(value)} in epoch {epoch}"
        outcome = None if self.run is None else self.run.outcome
        if outcome is None or outcome.status == "completed":
            return title
        return f"{title}; {outcome.status}: {outcome.reason}" if outcome.reason else f"{title}; {outcome.status}"


def _text(value: Any) -> str:
    """Return a value as text; None, which stands for a metric that an epoch does not have, is empty."""
    if value is None:
        return ""
    if isinstance(value, int):
        return number(value)
    if isinstance(value, Real):
        return number(float(value))
    shape = getattr(value, "shape", ())
    return shorten(f"array{tuple(shape)}" if shape else str(value), _WIDEST, placeholder="…")


def _missing(method: str, package: str, extra: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"History.{method} needs {package}, which is not installed. Run `pip install 'epochal-history[{extra}]'`."
    )
