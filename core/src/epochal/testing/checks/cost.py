"""What a callback costs: measured on the fake host, against one that does nothing. A report, and no check."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ...callback import Callback
from ...engine.profile import duration
from ...errors import EpochalError, one_line
from .check import surroundings
from .stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .subject import Subject

SLOW_BATCH = 1e-4
"""Seconds a batch that are too many: a tenth of a training step of a tiny model."""
SLOW_IMPORT = 1.0
"""Seconds of an import that a run waits for; those of the framework come on top."""

_STEPS = 400
_REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """What a callback costs.

    Attributes:
        batch: Seconds that it adds to a training batch, above what a callback without events adds.
        epoch: Seconds of its events at the begin and the end of an epoch.
        fetches: Whether it reads the values of every batch, so that training waits for the device.
        importing: Seconds that its import takes in a fresh process.
    """

    batch: float
    epoch: float
    fetches: bool
    importing: float

    @property
    def slow(self) -> tuple[str, ...]:
        """What of it is slow, each as a sentence."""
        return tuple(self._slow())

    def _slow(self) -> Iterator[str]:
        if self.batch > SLOW_BATCH:
            yield f"It takes {duration(self.batch)} of every batch; a training step of a tiny model takes about 1 ms."
        if self.fetches:
            yield (
                "It reads the values of every batch, and training waits for the device each time. Read them where they "
                "are shown or needed, every n-th batch for example, or at the end of the epoch."
            )
        if self.importing > SLOW_IMPORT:
            yield f"Importing it takes {duration(self.importing)}. Import what is heavy where it is used."


def measure(subject: Subject) -> Cost:
    """Measure a callback.

    Raises:
        EpochalError: It fails in a fit.
    """
    try:
        with surroundings():
            batch = _seconds_a_batch(subject, None) - _seconds_a_batch(subject, Callback())
            epoch, fetches = _profiled(subject)
    except Exception as error:
        raise EpochalError(f"the cost of {subject.name!r} cannot be measured: {one_line(error)}") from error
    return Cost(max(batch, 0.0), epoch, fetches, subject.imported.seconds)


def _seconds_a_batch(subject: Subject, callback: Any) -> float:
    """Return the time of a batch in the fastest of several fits, with a callback or else one of the subject."""
    logs = subject.values(0, 0)
    fastest = float("inf")
    for _ in range(_REPEATS):
        stage = Stage(subject, callback)
        times: list[float] = []

        def note(epoch: int, batch: int, times: list[float] = times) -> None:
            times.append(perf_counter())

        stage.fit(1, _STEPS, verbose=1, values=lambda epoch, batch: logs, step=note)
        if len(times) > 1:  # unless it ended the fit at once
            fastest = min(fastest, (times[-1] - times[0]) / (len(times) - 1))
    return fastest if fastest < float("inf") else 0.0


def _profiled(subject: Subject) -> tuple[float, bool]:
    """Return the time of an epoch's events, and whether the values of every batch are fetched."""
    values: dict[tuple[int, int], dict[str, _OnDevice]] = {}

    def make(epoch: int, batch: int) -> dict[str, _OnDevice]:
        made = {key: _OnDevice(value) for key, value in subject.values(epoch, batch).items()}
        return values.setdefault((epoch, batch), made)

    stage = Stage(subject, profile=True)
    run = stage.train(epochs=5, steps=5, values=make, verbose=1)
    of_epoch = [each for event, each in run.timings.get(stage.own_name, {}).items() if "_epoch_" in event]
    epochs = max((each.calls for each in of_epoch), default=1)
    # Those of an epoch's last batch are the epoch's, and read by everybody.
    batches = [made.values() for (_, batch), made in values.items() if batch < 4]
    fetches = bool(batches) and all(any(each.was_read for each in made) for made in batches)
    return sum(each.seconds for each in of_epoch) / epochs, fetches


class _OnDevice(float):
    """A value that has to be fetched, as a tensor has: to calculate with it is no fetch, to make a float of it is."""

    was_read = False

    def __float__(self) -> float:
        self.was_read = True
        return super().__float__()
