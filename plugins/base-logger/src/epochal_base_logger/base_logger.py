"""The mean of every metric over an epoch, written into the epoch's logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal import Callback, Logs, Priority, StateError
from epochal.arguments import Argument
from epochal.log_values import is_array
from epochal.logs import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from epochal import Run

_NUMBERS = ("b", "i", "u", "f", "c")
_CHUNK = 100
"""How many batches wait before their values are fetched: the device is waited for once in so many batches."""


class Names(Argument[frozenset[str]]):
    """Names of metrics. None: no name."""

    def check(self, value: Any) -> frozenset[str]:
        """Return the names."""
        if isinstance(value, str):
            raise TypeError(f"has to be several names, like [{value!r}]")
        try:
            names = frozenset(() if value is None else value)
        except TypeError:
            raise TypeError("has to be names of metrics, like ['auc']") from None
        if not all(isinstance(name, str) for name in names):
            raise TypeError("has to be names of metrics, like ['auc']")
        return names


class Means(Argument[dict[str, Any]]):
    """What a restart in the middle of an epoch needs."""

    def check(self, value: Any) -> dict[str, Any]:
        """Return it."""
        if not isinstance(value, dict) or set(value) != {"epoch", "totals", "weights"}:
            raise TypeError("has to hold epoch, totals and weights")
        epoch, totals, weights = value["epoch"], value["totals"], value["weights"]
        if epoch is not None and (not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 0):
            raise ValueError("has to have None or a number of 0 or more for its epoch")
        if not isinstance(totals, dict) or not all(isinstance(v, (int, float)) or is_array(v) for v in totals.values()):
            raise TypeError("has to have numbers or arrays for its totals")
        if not isinstance(weights, dict) or not all(isinstance(each, (int, float)) for each in weights.values()):
            raise TypeError("has to have numbers for its weights")
        if totals.keys() != weights.keys():
            raise ValueError("has to have a weight for each of its totals")
        return value


class BaseLogger(Callback):
    """Averages every metric of the batches over an epoch, and over an evaluation.

    The mean is weighted by the batch's `size` (number of examples) times its `num_steps` (number of steps that the
    values are the mean of); a batch without them has weight 1. Of a stateful metric the last value counts. Means are
    taken in double precision, of arrays element by element; of what has no mean (text, a list, None) the last value
    counts. They are in the logs of `on_epoch_end` and `on_test_end`
    before anyone else reads them; a value that is in these logs already is left as it is. The formula is that of
    tf-keras 2's BaseLogger.

    Under Keras 3 every metric is stateful (the logs of a batch hold running means, those of an epoch the result), so
    there is nothing to do, and it costs nothing.

    Args:
        stateful_metrics: Names of metrics of which the last value counts instead of the mean, besides those that the
            run declares.

    Raises:
        TypeError: `stateful_metrics` is something else.
    """

    priority = Priority.METRICS
    provides = ()
    state_attributes = ("means",)

    stateful_metrics = Names()

    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        self.stateful_metrics = stateful_metrics
        self._epoch: int | None = None
        self._given: dict[str, Any] | None = None  # by a state, until an epoch begins

    @stateful_metrics.then
    def _begin_means(self) -> None:
        self._train = _Means(self.stateful_metrics)
        self._test = _Means(self.stateful_metrics)

    @property
    def means(self) -> dict[str, Any]:
        """What a restart in the middle of an epoch needs: the epoch, and the sums and weights of its batches so far."""
        return {"epoch": self._epoch, **self._train.sums()} if self._given is None else self._given

    @means.setter
    def means(self, value: Any) -> None:
        try:
            self._given = Means().checked(self, value, "means")
        except (TypeError, ValueError) as error:
            raise StateError(f"this is not a state of {error}") from None

    def on_run_begin(self, run: Run) -> None:
        """Learn which metrics are stateful; where all are, listen to no batch."""
        stateful = self.stateful_metrics | (run.stateful_metrics or frozenset())
        self._train, self._test = _Means(stateful), _Means(stateful)
        if run.stateful_metrics is None:
            run.drop(self, "on_epoch_begin", "on_train_batch_end", "on_epoch_end")
            run.drop(self, "on_test_begin", "on_test_batch_end", "on_test_end")

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Begin new means, or go on with those of an epoch that was broken off."""
        self._train.reset()
        # Here and not earlier, because whoever restores the state may do it in its own `on_train_begin`.
        if self._given is not None and self._given["epoch"] == epoch:
            self._train.go_on(self._given["totals"], self._given["weights"])
        self._epoch, self._given = epoch, None

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count the batch in."""
        self._train.add(logs or {})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the means of the epoch."""
        self._train.write_to(logs)

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin new means."""
        self._test.reset()

    def on_test_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Count the batch in."""
        self._test.add(logs or {})

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Write the means of the evaluation."""
        self._test.write_to(logs)


class _Means:
    """Weighted means of many batches' values, fetched from the device a chunk of batches at a time."""

    def __init__(self, stateful: frozenset[str]) -> None:
        self._stateful = stateful
        self.reset()

    def reset(self) -> None:
        self._waiting: list[Mapping[str, Any]] = []
        self._totals: dict[str, Any] = {}
        self._weights: dict[str, float] = {}
        self._last: dict[str, Any] = {}  # what has no mean

    def sums(self) -> dict[str, Any]:
        """Return the weighted sums and the weights so far."""
        self._fold()
        return {"totals": self._totals, "weights": self._weights}

    def go_on(self, totals: Mapping[str, Any], weights: Mapping[str, float]) -> None:
        """Take the sums and weights of the batches before."""
        self._totals, self._weights = dict(totals), dict(weights)

    def add(self, logs: Mapping[str, Any]) -> None:
        # A batch's logs may be written to by others later; what the host gave is what counts.
        values = {key: logs.raw(key) for key in logs} if isinstance(logs, Logs) else dict(logs)
        self._waiting.append(values)
        if len(self._waiting) >= _CHUNK:
            self._fold()

    def write_to(self, logs: dict[str, Any] | None) -> None:
        """Write the means into logs, which then are sorted by key as Keras's are."""
        self._fold()
        if logs is None or not (self._totals or self._last):
            return
        merged = {**dict(self._results()), **logs}
        logs.clear()
        logs.update({key: merged[key] for key in sorted(merged)})

    def _results(self) -> Iterator[tuple[str, Any]]:
        yield from self._last.items()
        for key, total in self._totals.items():
            weight = self._weights[key]
            yield key, total / weight if weight else 0.0

    def _fold(self) -> None:
        for values in self._waiting:
            logs = Logs(values)
            weight = _weight(logs, "size") * _weight(logs, "num_steps")
            for key, value in logs.items():
                if key not in WEIGHTS:
                    self._fold_value(key, value, weight)
        self._waiting.clear()

    def _fold_value(self, key: str, value: Any, weight: float) -> None:
        if not _has_mean(value):
            self._last[key] = value
            return
        if key in self._stateful:
            self._totals[key], self._weights[key] = value, 1.0
            return
        total = self._totals.get(key, 0.0)
        try:
            self._totals[key] = total + value * weight
        except ValueError:
            raise ValueError(
                f"the values of {key!r} have the shapes {total.shape} and {value.shape} in two batches, and no mean. "
                "If they are one value an example, log the mean of each batch."
            ) from None
        self._weights[key] = self._weights.get(key, 0.0) + weight


def _has_mean(value: Any) -> bool:
    return isinstance(value, (int, float, complex)) or getattr(getattr(value, "dtype", None), "kind", "") in _NUMBERS


def _weight(logs: Mapping[str, Any], key: str) -> float:
    value = logs.get(key, 1)
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{key!r} of a batch is {value!r}, and it has to be a number") from None
