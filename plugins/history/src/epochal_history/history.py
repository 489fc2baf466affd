"""The metrics of every epoch, recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal import Callback, MissingDependencyError, Priority
from epochal.log_values import as_number, as_state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
    state_attributes = ("history", "epoch", "_rows")

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []
        self._rows: list[dict[str, Any]] = []

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
        """Give the state; of what neither JSON nor an array of numbers holds it has the text."""
        return {name: as_state(getattr(self, name)) for name in self.state_attributes}

    def to_rows(self) -> list[dict[str, Any]]:
        """Give one dict an epoch: `epoch`, then every metric that ever came, None in an epoch without it.

        With it metrics that come only every n-th epoch (`validation_freq=2`) are aligned with the others.
        """
        return [
            {"epoch": epoch, **{key: row.get(key) for key in self.history}}
            for epoch, row in zip(self.epoch, self._rows, strict=True)
        ]

    def to_frame(self) -> Any:
        """Give the rows of `to_rows` as a pandas DataFrame with `epoch` as its index; what did not come is NaN.

        Raises:
            MissingDependencyError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise _missing("to_frame", "pandas", "frame") from None
        return pd.DataFrame(self.to_rows(), columns=list(dict.fromkeys(["epoch", *self.history]))).set_index("epoch")

    def plot(self, metrics: Iterable[str] | None = None) -> Any:
        """Draw the metrics over the epochs, each together with its `val_` counterpart.

        Args:
            metrics: Names without `val_`. None: all that have numbers.

        Returns:
            The matplotlib Figure, with one Axes a metric.

        Raises:
            KeyError: A metric of this name was never recorded.
            ValueError: None of its values is a number.
            MissingDependencyError: matplotlib is not installed.
        """
        names = self._plotted_names(metrics)
        try:
            from matplotlib.figure import Figure
            from matplotlib.ticker import MaxNLocator
        except ImportError:
            raise _missing("plot", "matplotlib", "plot") from None
        figure = Figure(figsize=(6.4, 1.0 + 2.6 * len(names)), layout="constrained")
        for number, name in enumerate(names, start=1):
            axes = figure.add_subplot(len(names), 1, number)
            for key in (name, f"val_{name}"):
                points = self._points(key)
                if points:
                    axes.plot(*zip(*points, strict=True), marker=".", label=key)
            axes.set(xlabel="epoch", ylabel=name)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend()
        return figure

    def _points(self, key: str) -> list[tuple[int, float]]:
        """Give the epochs, counted from 1, in which a number was recorded, each with it."""
        rows = zip(self.epoch, self._rows, strict=True)
        numbers = ((epoch + 1, as_number(row.get(key))) for epoch, row in rows)
        return [(epoch, number) for epoch, number in numbers if number is not None]

    def _plotted_names(self, metrics: Iterable[str] | None) -> list[str]:
        recorded = list(dict.fromkeys(key.removeprefix("val_") for key in self.history if isinstance(key, str)))
        drawable = [name for name in recorded if self._points(name) or self._points(f"val_{name}")]
        names = drawable if metrics is None else list(metrics)
        for name in names:
            if name not in recorded:
                raise KeyError(f"no metric {name!r} was recorded; there are: {', '.join(recorded) or 'none'}")
            if name not in drawable:
                raise ValueError(
                    f"the values of {name!r} are not numbers, so they cannot be drawn; there are: "
                    f"{', '.join(drawable) or 'none'}"
                )
        return names


def _missing(method: str, package: str, extra: str) -> MissingDependencyError:
    return MissingDependencyError(
        f"History.{method} needs {package}, which is not installed. Run `pip install 'epochal-history[{extra}]'`."
    )
