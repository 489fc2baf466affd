"""Counting the time that epochal takes of a fit, while the fit runs."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter, thread_time
from typing import TYPE_CHECKING, Any
from unittest import mock

import keras

import epochal
from epochal.hookspecs import BATCH_EVENTS
from epochal.hosts import keras as keras_host
from epochal.hosts import keras_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass
class Counter:
    """Sums up the time from entry to return of the functions that it wraps.

    Attributes:
        seconds: Their time, with the part of the counter's own cost that falls between its two looks at the clock.
        calls: How often they were called.
        threads: How many Python threads were started, ...
        thread_seconds: ... and the processor time of those that ended.
    """

    seconds: float = 0.0
    calls: int = 0
    threads: int = 0
    thread_seconds: float = 0.0

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its calls are counted."""

        def call(*arguments: Any, **named: Any) -> Any:
            begin = perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                self.seconds += perf_counter() - begin
                self.calls += 1

        return call


@dataclass(frozen=True)
class FitCost:
    """What one fit took, in seconds.

    Attributes:
        fit: The whole call of `epochal.fit`.
        events: Inside the events that Keras sends, less the counter's own cost.
        around: Before and after Keras's fit: choosing, importing and ordering callbacks, the end of the run.
        threads: Processor time of the threads that were started meanwhile.
        calls: How many events there were.
        own_cost: The counter's cost that was subtracted.
    """

    fit: float
    events: float
    around: float
    threads: float
    calls: int
    own_cost: float

    @property
    def inside(self) -> float:
        """All of it that is epochal's, in seconds."""
        return self.events + self.around + self.threads

    @property
    def share(self) -> float:
        """The part of the fit, in percent, that is epochal's."""
        return 100 * self.inside / self.fit


def counted_fit(model: Any, *arguments: Any, **named: Any) -> FitCost:
    """Run `epochal.fit` and count what it takes beside Keras's own loop.

    Every event of the host is counted from entry to return, and all of the call that lies outside of `model.fit`.
    """
    counter, keras_own = Counter(), Counter()
    own_cost = _cost_of_counting()

    def timed_drive(model: Any, method: Any, *others: Any) -> Any:
        return drive(model, keras_own.timed(method), *others)

    drive = keras_host.drive
    with _counted_host(counter), _counted_threads(counter), mock.patch.object(keras_host, "drive", timed_drive):
        begin = perf_counter()
        epochal.fit(model, *arguments, **named)
        total = perf_counter() - begin
    subtracted = own_cost * counter.calls
    return FitCost(
        fit=total,
        events=counter.seconds - subtracted,
        around=total - keras_own.seconds,
        threads=counter.thread_seconds,
        calls=counter.calls,
        own_cost=subtracted,
    )


@contextmanager
def _counted_host(counter: Counter) -> Iterator[None]:
    """Make `epochal.fit` pass Keras a list that counts its events."""
    inherited = keras_list.HostList

    class CountedHostList(inherited):  # type: ignore[misc, valid-type]  # Keras has no types
        """The batch events are set on the object when the run begins, and are wrapped then."""

        def __setattr__(self, name: str, value: Any) -> None:
            super().__setattr__(name, counter.timed(value) if name in BATCH_EVENTS else value)

    for name in dir(inherited):
        if name.startswith("on_"):
            setattr(CountedHostList, name, counter.timed(getattr(inherited, name)))
    with mock.patch.object(keras_list, "HostList", CountedHostList):
        yield


@contextmanager
def _counted_threads(counter: Counter) -> Iterator[None]:
    """Count the processor time of Python threads, as a bar that draws itself would start."""
    start = threading.Thread.start

    def counted_start(thread: threading.Thread) -> None:
        run = thread.run

        def counted_run() -> None:
            try:
                run()
            finally:
                counter.thread_seconds += thread_time()

        counter.threads += 1
        thread.run = counted_run  # type: ignore[method-assign]  # subclasses have a `run` of their own
        start(thread)

    with mock.patch.object(threading.Thread, "start", counted_start):
        yield


def _cost_of_counting() -> float:
    """Measure what the counter adds to the seconds of one call: what it shows for an empty function, less its call."""

    def nothing(batch: int, logs: Any = None) -> None:
        pass

    calls, rounds = 1000, []
    for _ in range(20):
        counter = Counter()
        counted = counter.timed(nothing)
        for _ in range(calls):
            counted(0, None)
        begin = perf_counter()
        for _ in range(calls):
            nothing(0, None)
        rounds.append((counter.seconds - (perf_counter() - begin)) / calls)
    return max(0.0, median(rounds))


# The model


BATCHES = 1000
EPOCHS = 5
BATCH_SIZE = 16
FEATURES = 16


def made_model() -> Any:
    """Make a model so small that a step of it is little more than Keras's own work, about a millisecond."""
    model = keras.Sequential(
        [
            keras.layers.Input((FEATURES,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def made_data() -> tuple[Any, Any]:
    """Make the data of one epoch."""
    import numpy as np

    random = np.random.default_rng(0)
    examples = BATCHES // EPOCHS * BATCH_SIZE
    features = random.normal(size=(examples, FEATURES)).astype("float32")
    return features, features.sum(axis=1, keepdims=True)
