"""The fits of a case: with Keras's class, and with ours in every host. What came of each can be compared."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import re
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import epochal
from epochal.launch.patching import _driven

from .cases import difference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .cases import Case

EPOCHS = 3


@dataclass(frozen=True)
class Result:
    """What came of a fit.

    Attributes:
        error: What was raised; None: it trained.
        history: The metrics of every epoch.
        weights: The weights at the end, flat.
        files: The files that are there, by name; those of events without what is new each time.
    """

    error: BaseException | None
    history: dict[str, list[float]]
    weights: tuple[float, ...]
    files: tuple[str, ...]

    def differs_from(self, other: Result) -> str:
        """Return how two fits that trained differ; empty if they do not.

        Keras swaps averages with weights by adding and subtracting, which costs their last digit.
        """
        if self.history.keys() != other.history.keys():
            return f"metrics {sorted(self.history)}, and not {sorted(other.history)}"
        for name, values in self.history.items():
            if not _is_close(values, other.history[name]):
                return f"{name} {values}, and not {other.history[name]}"
        if not _is_close(self.weights, other.weights):
            return "other weights"
        return f"files {self.files}, and not {other.files}" if self.files != other.files else ""


def _is_close(values: Sequence[float], others: Sequence[float]) -> bool:
    return len(values) == len(others) and np.allclose(values, others, rtol=1e-5, equal_nan=True)


class Trainer:
    """Trains one model again and again, each time from the same weights, so that it is compiled once."""

    def __init__(self) -> None:
        random = np.random.default_rng(3)
        self.x = random.normal(size=(16, 4)).astype("float32")
        self.y = (self.x.sum(axis=1, keepdims=True) > 0).astype("float32")
        self.model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        self.model.compile(keras.optimizers.SGD(0.1, use_ema=True), "binary_crossentropy", metrics=["accuracy"])
        self.model.fit(self.x, self.y, validation_split=0.25, verbose=0)
        self._variables = [*self.model.variables, *self.model.optimizer.variables]
        self._values = [keras.ops.convert_to_numpy(each).copy() for each in self._variables]
        self.hosts: dict[str, Callable[..., Any]] = {
            "bare": self.model.fit,
            "epochal.fit": functools.partial(epochal.fit, self.model),
            "epochal.callbacks": lambda *given, callbacks, **more: self.model.fit(
                *given, callbacks=epochal.callbacks(callbacks), **more
            ),
            "epochal run": functools.partial(_driven(keras.Model.fit, "train"), self.model),
        }

    def with_keras(self, case: Case) -> Result:
        """Train with Keras's class.

        In a thread of its own: Keras's TensorBoard leaves its writer and its `record_if` behind when a fit fails, as
        the defaults of the thread.
        """
        with ThreadPoolExecutor(1) as other:
            return other.submit(self._train, self.model.fit, case, case.subject.keras_class).result()

    def with_ours(self, case: Case, host: str) -> Result:
        """Train with our class."""
        return self._train(self.hosts[host], case, case.subject.our_class)

    def _train(self, fit: Callable[..., Any], case: Case, kind: Any) -> Result:
        model = self.model
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)
        model.stop_training = False
        data = {"validation_data": (self.x[12:], self.y[12:])} if case.validates else {}
        error: BaseException | None = None
        history: dict[str, list[float]] = {}
        with _quiet_folder() as folder:
            try:
                callback = kind(**case.arguments())
                settings = {"batch_size": 6, "epochs": EPOCHS, "shuffle": False, "verbose": 0, **data}
                history = fit(self.x[:12], self.y[:12], callbacks=[callback], **settings).history
            except Exception as raised:
                error = raised
            files = tuple(sorted(map(_shown, _files(folder))))
        weights = tuple(float(each) for array in model.get_weights() for each in array.flat)
        return Result(error, history, weights, files)


@contextlib.contextmanager
def _quiet_folder() -> Iterator[Path]:
    """Work in an empty folder, and keep what is printed and warned of to itself."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.chdir(folder)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                yield Path(folder)
        finally:
            os.chdir(before)


def _files(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder).as_posix()


def _shown(name: str) -> str:
    """Leave out of a name what is new each time: events.out.tfevents.<time>.<host>.<process>.<number>.v2."""
    return re.sub(r"tfevents\..*", "tfevents", name)


def differs(with_keras: Result, with_ours: Result) -> bool:
    """Return whether a fit with ours is another one than with Keras's class, which trains."""
    return with_keras.error is None and (with_ours.error is not None or bool(with_ours.differs_from(with_keras)))


def fault(case: Case, with_keras: Result, with_ours: Result) -> str:
    """Return what is wrong in a fit with ours; empty: it is as with Keras's class, or Keras's does not train either."""
    if with_keras.error is not None or difference(case) is not None:
        return ""
    if with_ours.error is not None:
        return f"{type(with_ours.error).__name__}: {with_ours.error}"
    return with_ours.differs_from(with_keras)
