"""What one batch costs: ours against Keras's CallbackList, a bare loop and an empty method."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import epochal
from epochal.choosing.selection import select
from epochal.engine.driver import Driver
from epochal.installed.discovery import Catalogue, discover
from epochal.run import Run

from .report import Check
from .timing import fresh, interleaved, microseconds, ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Logs = dict[str, Any]
    Read = Callable[[Any], object]

CALLBACKS = 10
BATCHES = 100
"""How many batches one timing takes: short ones, so that a disturbance hits few of them."""
REPETITIONS = 1500
QUICK_REPETITIONS = 300


def unread_logs(quick: bool) -> list[Check]:
    """Compare ten callbacks with a batch event, where nobody reads the logs, with Keras's list and with a bare loop."""
    import keras

    class Ours(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
            pass

    class Keras(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
            pass

    ours, theirs, logs = [Ours() for _ in range(CALLBACKS)], [Keras() for _ in range(CALLBACKS)], tensor_logs()
    loop = bare_loop([callback.on_train_batch_end for callback in ours])
    with begun_host(ours) as host:
        times = interleaved(
            {
                "epochal": batches_through(host, logs),
                "keras": batches_through(keras_list(theirs), logs),
                "loop": calls_of(loop, logs),
            },
            QUICK_REPETITIONS if quick else REPETITIONS,
        )
    details = {f"{side} µs": microseconds(times[side], BATCHES) for side in times}
    return [
        Check(
            "10 callbacks, logs unread: cheaper than Keras's list",
            ratio(times["keras"], times["epochal"]),
            8.0,
            at_least=True,
            details=details,
        ),
        Check("10 callbacks, logs unread: against a bare loop", ratio(times["epochal"], times["loop"]), 2.0),
    ]


def read_logs(quick: bool) -> list[Check]:
    """Compare with Keras's list when one of the ten callbacks reads every value, in each of the usual ways."""
    return [
        _one_reader("items", lambda logs: list(logs.items()), quick),
        _one_reader("by key", lambda logs: (logs["accuracy"], logs["loss"]), quick),
        _one_reader("dict()", lambda logs: dict(logs), quick),
        _one_reader("get", lambda logs: (logs.get("accuracy"), logs.get("loss")), quick),
    ]


def _one_reader(way: str, read: Read, quick: bool) -> Check:
    import keras

    def made(base: Any) -> list[Any]:
        class Silent(base):  # type: ignore[misc]  # the base is a parameter
            def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
                pass

        class Reader(base):  # type: ignore[misc]  # the base is a parameter
            def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
                read(logs)

        return [Reader() if number == CALLBACKS // 2 else Silent() for number in range(CALLBACKS)]

    logs = tensor_logs()
    with begun_host(made(epochal.Callback)) as host:
        times = interleaved(
            {
                "epochal": batches_through(host, logs),
                "keras": batches_through(keras_list(made(keras.callbacks.Callback)), logs),
            },
            (QUICK_REPETITIONS if quick else REPETITIONS) // 3,
        )
    return Check(
        f"10 callbacks, one reads all logs ({way}): against Keras's list",
        ratio(times["epochal"], times["keras"]),
        1.0,
        details={f"{side} µs": microseconds(times[side], BATCHES) for side in times},
    )


def unimplemented_event(quick: bool) -> list[Check]:
    """Compare an event that nobody implements with an empty method."""

    class Empty:
        def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
            pass

    class Ours(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
            pass

    with begun_host([Ours()]) as host:
        times = interleaved(
            {"epochal": ten_begins_each(host), "method": ten_begins_each(Empty())},
            QUICK_REPETITIONS if quick else REPETITIONS,
        )
    return [
        Check(
            "an event nobody implements: against an empty method",
            ratio(times["epochal"], times["method"]),
            1.5,
            details={f"{side} ns": microseconds(times[side], BATCHES * 10) * 1e3 for side in times},
        )
    ]


# The sides


@contextmanager
def begun_host(callbacks: Sequence[Any], model: Any = None) -> Iterator[Any]:
    """Yield the list that Keras's fit would call, of a run that has begun, with these callbacks and the pinned two."""
    from epochal.hosts.keras_list import HostList

    uninvited = Catalogue(tuple(record for record in discover().records if not record.autoload))
    driver = Driver(Run(SimpleNamespace() if model is None else model, "train"), select(list(callbacks), uninvited))
    host = HostList(lambda _first, _last: driver)
    host.on_train_begin()
    host.on_epoch_begin(0)
    try:
        yield host
    finally:
        driver.end()


def keras_list(callbacks: Sequence[Any], model: Any = None) -> Any:
    """Return Keras's own list, begun, with these callbacks only."""
    import keras

    model = SimpleNamespace() if model is None else model
    listed = keras.callbacks.CallbackList(list(callbacks), model=model, verbose=0, epochs=1, steps=BATCHES)
    listed.on_train_begin()
    listed.on_epoch_begin(0)
    return listed


def bare_loop(functions: Sequence[Callable[..., Any]]) -> Callable[[int, Logs], None]:
    """Make the least that calling these functions costs in Python."""

    def loop(batch: int, logs: Logs) -> None:
        for function in functions:
            function(batch, logs)

    return loop


def tensor_logs() -> Logs:
    """Make the logs of a batch as TensorFlow gives them: scalars that are still tensors."""
    import tensorflow as tf

    return {"loss": tf.constant(0.25), "accuracy": tf.constant(0.5)}


# What is timed


def batches_through(callbacks: Any, logs: Logs) -> Callable[[], None]:
    """Make a function that begins and ends batches, as the loop of Keras's fit does."""

    @fresh
    def batches() -> None:
        for step in range(BATCHES):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_end(step, logs)

    return batches


def calls_of(function: Callable[[int, Logs], None], logs: Logs) -> Callable[[], None]:
    """Make a function that calls another one once a batch."""

    @fresh
    def calls() -> None:
        for step in range(BATCHES):
            function(step, logs)

    return calls


def ten_begins_each(callbacks: Any) -> Callable[[], None]:
    """Make a function that begins batches; ten in a row, so that the loop around them does not count."""

    @fresh
    def begins() -> None:
        for step in range(BATCHES):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_begin(step)

    return begins
