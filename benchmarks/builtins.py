"""What each built-in costs in an epoch, beside Keras's own class of the same name."""

from __future__ import annotations

import os
import tempfile
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .dispatch import begun_host, keras_list, tensor_logs
from .report import Check, failed
from .timing import fresh, interleaved, microseconds, ratio, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BATCHES = 100
REPETITIONS = 200
SLOW_REPETITIONS = 12
EPOCH_LOGS = {"accuracy": 0.5, "loss": 0.25, "val_accuracy": 0.5, "val_loss": 0.25}


@dataclass(frozen=True)
class BuiltIn:
    """A built-in to be measured.

    Attributes:
        name: Its name.
        kind: The name of the class, ours and Keras's.
        arguments: Its arguments, made from an empty folder and the address of a server.
        slow: Whether it saves or sends in every epoch, so that fewer repetitions have to do. Such times scatter, and
            the limit is for the lower end of the 95 % interval.
    """

    name: str
    kind: str
    arguments: Callable[[Path, str], dict[str, Any]]
    slow: bool = False


BUILT_INS = (
    BuiltIn("csv_logger", "CSVLogger", lambda folder, server: {"filename": str(folder / "log.csv")}),
    BuiltIn(
        "early_stopping", "EarlyStopping", lambda folder, server: {"patience": 10**9, "restore_best_weights": True}
    ),
    BuiltIn("lambda_callback", "LambdaCallback", lambda folder, server: {"on_train_batch_end": _nothing}),
    BuiltIn("learning_rate_scheduler", "LearningRateScheduler", lambda folder, server: {"schedule": _constant}),
    BuiltIn(
        "model_checkpoint", "ModelCheckpoint", lambda folder, server: {"filepath": folder / "model.keras"}, slow=True
    ),
    BuiltIn(
        "orbax_checkpoint", "OrbaxCheckpoint", lambda folder, server: {"directory": str(folder / "orbax")}, slow=True
    ),
    BuiltIn("reduce_lr_on_plateau", "ReduceLROnPlateau", lambda folder, server: {"patience": 10**9}),
    BuiltIn("remote_monitor", "RemoteMonitor", lambda folder, server: {"root": server}, slow=True),
    BuiltIn("swap_ema_weights", "SwapEMAWeights", lambda folder, server: {}),
    BuiltIn("tensorboard", "TensorBoard", lambda folder, server: {"log_dir": str(folder / "logs")}),
    BuiltIn("terminate_on_nan", "TerminateOnNaN", lambda folder, server: {}),
)


def built_ins(quick: bool) -> list[Check]:
    """Compare an epoch of 100 batches with validation through our list and through Keras's, each with one built-in."""
    with _server() as server:
        return [_measured_or_failed(each, server, quick) for each in BUILT_INS]


def _measured_or_failed(built_in: BuiltIn, server: str, quick: bool) -> Check:
    """Measure; one that cannot be measured is a miss, and the others are still measured."""
    try:
        return _measured(built_in, server, quick)
    except Exception as error:
        return failed(built_in.kind, f"not measured, {type(error).__name__}: {error}")


def _measured(built_in: BuiltIn, server: str, quick: bool) -> Check:
    import keras

    ours = getattr(import_module(f"epochal_{built_in.name}"), built_in.kind)
    theirs = getattr(keras.callbacks, built_in.kind)
    with ExitStack() as stack:
        folders = [Path(stack.enter_context(tempfile.TemporaryDirectory())) for _ in range(2)]
        host = stack.enter_context(begun_host([ours(**built_in.arguments(folders[0], server))], _model()))
        listed = keras_list([theirs(**built_in.arguments(folders[1], server))], _model())
        repetitions = SLOW_REPETITIONS if built_in.slow else REPETITIONS
        with _waiting_for_disk() as waited:
            times = interleaved(
                {"epochal": _less(_epochs_through(host), waited), "keras": _epochs_through(listed)},
                max(5, repetitions // 4) if quick else repetitions,
            )
        host.on_train_end(EPOCH_LOGS)
        listed.on_train_end(EPOCH_LOGS)
    ours_alone = [whole - disk for whole, disk in zip(times["epochal"], waited.of_each[1:], strict=True)]
    least, most = ratio_interval(ours_alone, times["keras"])
    middle = ratio(ours_alone, times["keras"])
    return Check(
        f"{built_in.kind}, an epoch of {BATCHES} batches: against Keras's{', lower end' if built_in.slow else ''}",
        least if built_in.slow else middle,
        1.0,
        details={
            "epochal µs": microseconds(ours_alone, 1),
            "keras µs": microseconds(times["keras"], 1),
            "waiting for the disk µs": microseconds(waited.of_each, 1),
            "middle": middle,
            "least": least,
            "most": most,
        },
    )


class _Waited:
    """The seconds that were spent in `os.fsync`, which Keras never calls.

    Attributes:
        seconds: All of them.
        of_each: Those of each call of a measured function; the first is the one that warms up.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.of_each: list[float] = []


@contextmanager
def _waiting_for_disk() -> Iterator[_Waited]:
    waited, fsync = _Waited(), os.fsync

    def timed(fd: Any) -> None:
        begin = perf_counter()
        fsync(fd)
        waited.seconds += perf_counter() - begin

    os.fsync = timed
    try:
        yield waited
    finally:
        os.fsync = fsync


def _less(function: Callable[[], None], waited: _Waited) -> Callable[[], None]:
    """Note, for each call of a function, what of its time it waited for the disk."""

    def noting() -> None:
        before = waited.seconds
        function()
        waited.of_each.append(waited.seconds - before)

    return noting


def _epochs_through(callbacks: Any) -> Callable[[], None]:
    """Make a function that sends the events of one epoch, as Keras's fit does."""
    logs, epochs = tensor_logs(), count(1)

    @fresh
    def epoch() -> None:
        number = next(epochs)
        callbacks.on_epoch_begin(number)
        for step in range(BATCHES):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_end(step, logs)
        callbacks.on_test_begin()
        callbacks.on_test_end(logs)
        callbacks.on_epoch_end(number, dict(EPOCH_LOGS))

    return epoch


def _model() -> Any:
    """Make a small model that has been trained for one step, with everything that a built-in may ask for."""
    import keras
    import numpy as np

    model = keras.Sequential([keras.layers.Input((16,)), keras.layers.Dense(32), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(use_ema=True), "mse", metrics=["accuracy"])
    model.fit(np.zeros((1, 16)), np.zeros((1, 1)), verbose=0)
    return model


def _nothing(batch: int, logs: Any = None) -> None:
    pass


def _constant(epoch: int, rate: float) -> float:
    return 0.01


@contextmanager
def _server() -> Iterator[str]:
    """Run a server that takes every request; gives its address."""

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Take)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
