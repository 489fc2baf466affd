"""What TensorBoard adds to a batch whose values it writes, beside what Keras's adds."""

from __future__ import annotations

import statistics
import tempfile
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .dispatch import begun_host, keras_list, tensor_logs
from .report import Check
from .timing import fresh, interleaved, ratio, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable

BATCHES = 200
REPETITIONS = 40
QUICK_REPETITIONS = 10
EPOCH_LOGS = {"accuracy": 0.5, "loss": 0.25}


def tensorboard(quick: bool) -> list[Check]:
    """Compare epochs with every batch written, through our list and through Keras's, each less the same without it."""
    import keras

    from epochal_tensorboard import TensorBoard

    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        ours = TensorBoard(folders[0], update_freq="batch", write_graph=False)
        theirs = keras.callbacks.TensorBoard(folders[1], update_freq="batch", write_graph=False)
        host = stack.enter_context(begun_host([ours], _model()))
        listed = keras_list([theirs], _model())
        times = interleaved(
            {
                "epochal": _epochs_through(host),
                "epochal without": _epochs_through(stack.enter_context(begun_host([], _model()))),
                "keras": _epochs_through(listed, lambda: [writer.flush() for writer in theirs._writers.values()]),
                "keras without": _epochs_through(keras_list([], _model())),
            },
            QUICK_REPETITIONS if quick else REPETITIONS,
        )
        listed.on_train_end(EPOCH_LOGS)
        host.on_train_end(EPOCH_LOGS)
        written = _written(Path(folders[0])), _written(Path(folders[1]))
    added = {
        side: [whole - without for whole, without in zip(times[side], times[f"{side} without"], strict=True)]
        for side in ("epochal", "keras")
    }
    least, most = ratio_interval(added["epochal"], added["keras"])
    return [
        Check(
            "TensorBoard, every batch written: what it adds to a batch, against Keras's",
            ratio(added["epochal"], added["keras"]),
            0.1,
            problem="" if written[0] == written[1] else f"{written[0]} points are written, and Keras's {written[1]}",
            details={
                "epochal µs": statistics.median(added["epochal"]) / BATCHES * 1e6,
                "keras µs": statistics.median(added["keras"]) / BATCHES * 1e6,
                "least": least,
                "most": most,
            },
        )
    ]


def _epochs_through(callbacks: Any, flush: Callable[[], object] = lambda: None) -> Callable[[], None]:
    """Make a function that sends the events of one epoch; when it returns, all of it is in the file."""
    logs, epochs = tensor_logs(), count(1)

    @fresh
    def epoch() -> None:
        number = next(epochs)
        callbacks.on_epoch_begin(number)
        for step in range(BATCHES):
            callbacks.on_train_batch_begin(step)
            callbacks.on_train_batch_end(step, logs)
        callbacks.on_epoch_end(number, dict(EPOCH_LOGS))
        flush()

    return epoch


def _written(folder: Path) -> int:
    """Count the values of batches in the event files of a folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    reader = EventAccumulator(str(folder / "train"), size_guidance={"tensors": 0}).Reload()
    return sum(len(reader.Tensors(tag)) for tag in reader.Tags()["tensors"] if tag.startswith("batch_"))


def _model() -> Any:
    import keras

    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model
