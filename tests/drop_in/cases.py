"""The cases: each built-in with one of its parameters set to a value, and where ours differs on purpose."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 3, 2.0, 0.5, 3.5, 99e99, math.inf, -math.inf, math.nan, "", "x", "auto", "epoch",
    "batch", "loss", "val_loss", "accuracy", "no_such_metric", "min", "max", (), [1], (1, 2), {},
    np.int64(2), np.float32(0.5), np.bool_(True), np.array(2), np.array([1, 2]),
)  # fmt: skip
"""What every parameter is tried with."""


@dataclass(frozen=True)
class Subject:
    """A built-in to try.

    Attributes:
        name: The class's name, Keras's and ours.
        base: What it is made with, apart from the parameter that is tried.
        further: Further values of single parameters.
        skipped: Parameters that are not tried, each with the reason.
    """

    name: str
    base: Mapping[str, Any] = field(default_factory=dict)
    further: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def keras_class(self) -> Any:
        """Keras's class."""
        return getattr(keras.callbacks, self.name)

    @property
    def our_class(self) -> Any:
        """Our class."""
        return getattr(import_module(_MODULES[self.name]), self.name)

    def parameters(self) -> list[str]:
        """Return the names of the parameters that Keras's class takes."""
        signature = inspect.signature(self.keras_class.__init__).parameters.values()
        named = [each.name for each in signature if each.kind is each.POSITIONAL_OR_KEYWORD]
        return [name for name in named if name != "self" and name not in self.skipped]


_MODULES = {
    "CSVLogger": "epochal_csv_logger",
    "EarlyStopping": "epochal_early_stopping",
    "LambdaCallback": "epochal_lambda_callback",
    "LearningRateScheduler": "epochal_learning_rate_scheduler",
    "ModelCheckpoint": "epochal_model_checkpoint",
    "ReduceLROnPlateau": "epochal_reduce_lr_on_plateau",
    "RemoteMonitor": "epochal_remote_monitor",
    "SwapEMAWeights": "epochal_swap_ema_weights",
    "TensorBoard": "epochal_tensorboard",
    "TerminateOnNaN": "epochal_terminate_on_nan",
}


def _halve(epoch: int, lr: float) -> float:
    return lr / 2


def _by_epoch(epoch: int) -> float:
    return 0.1 / (epoch + 1)


SUBJECTS = (
    Subject("EarlyStopping", {"monitor": "loss", "patience": 1, "min_delta": 10.0}),
    Subject("EarlyStopping", {"monitor": "val_loss", "restore_best_weights": True}),
    Subject("EarlyStopping", {"monitor": "no_such_metric"}),
    Subject("ReduceLROnPlateau", {"monitor": "loss", "patience": 1, "min_delta": 10.0}),
    Subject("ReduceLROnPlateau"),
    Subject("ModelCheckpoint", {"filepath": "model-{epoch}.keras"}, {"filepath": ("a/{epoch}-{loss:.2f}.keras",)}),
    Subject("ModelCheckpoint", {"filepath": "m.weights.h5", "save_weights_only": True, "save_best_only": True}),
    Subject("ModelCheckpoint", {"filepath": "{epoch}-{batch}.keras", "save_freq": 2}),
    Subject("ModelCheckpoint", {"filepath": "{epoch}-{val_loss:.3f}.keras", "verbose": 1}),
    Subject("CSVLogger", {"filename": "log.csv"}, {"separator": (";", "\t", "||"), "append": ("yes",)}),
    Subject(
        "TensorBoard",
        {"write_graph": False},
        {"profile_batch": ("1,2", "2", (1, 2), [1, 2], 0.0)},
        {"embeddings_metadata": "is looked at with embeddings only, which have tests of their own"},
    ),
    Subject("LearningRateScheduler", {"schedule": _halve}, {"schedule": (_by_epoch, lambda epoch: 1)}),
    Subject("TerminateOnNaN"),
    Subject("SwapEMAWeights"),
    Subject("RemoteMonitor", {"root": "http://127.0.0.1:9"}),  # nobody listens there, which both survive
)


@dataclass(frozen=True)
class Case:
    """A built-in with one parameter set to a value; with or without validation data.

    Attributes:
        subject: The built-in.
        parameter: The parameter.
        value: Its value.
        validates: Whether the fit has validation data.
    """

    subject: Subject
    parameter: str
    value: Any
    validates: bool

    def __str__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.arguments().items())
        return f"{self.subject.name}({arguments}){'' if self.validates else ' without validation data'}"

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {**self.subject.base, self.parameter: self.value}


def cases() -> Iterator[Case]:
    """Yield every case."""
    for subject in SUBJECTS:
        for parameter in subject.parameters():
            for value in (*VALUES, *subject.further.get(parameter, ())):
                for validates in (True, False):
                    yield Case(subject, parameter, value, validates)


@dataclass(frozen=True)
class Difference:
    """Where ours does something else than Keras's class, on purpose.

    Attributes:
        reason: Why.
        covers: Whether it shows in a case.
    """

    reason: str
    covers: Callable[[Case], bool]


def difference(case: Case) -> Difference | None:
    """Return the difference that is to be expected in a case; None: ours has to do what Keras's class does."""
    return next((each for each in DIFFERENCES if each.covers(case)), None)


def _is_no_number(value: Any) -> bool:
    return isinstance(value, (str, list, tuple, dict)) or getattr(value, "size", 1) > 1


def _is_negative(value: Any) -> bool:
    return not _is_no_number(value) and value is not None and value < 0


def _lacks_its_metric(case: Case) -> bool:
    arguments = case.arguments()
    best_only, metric = arguments.get("save_best_only", False), arguments.get("monitor", "val_loss")
    comes = isinstance(metric, str) and metric in METRICS and (case.validates or not metric.startswith("val_"))
    return getattr(best_only, "size", 1) == 1 and bool(best_only) and not comes


METRICS = ("loss", "accuracy", "val_loss", "val_accuracy")
"""The metrics of the model that is trained."""

_NUMBERS = (
    "baseline", "cooldown", "factor", "initial_value_threshold", "min_delta", "min_lr", "patience", "start_from_epoch",
    "verbose", "histogram_freq", "embeddings_freq",
)  # fmt: skip

DIFFERENCES = (
    Difference(
        "text or several values where a number belongs: Keras fails when it compares with it first, after some epochs",
        lambda case: case.parameter in _NUMBERS and _is_no_number(case.value),
    ),
    Difference(
        "NaN where a number belongs: nothing is more or less than it, so that Keras's class never acts",
        lambda case: case.parameter in _NUMBERS and isinstance(case.value, float) and math.isnan(case.value),
    ),
    Difference(
        "None where a number belongs: Keras fails when it compares with it first; for a rate it makes NaN of it",
        lambda case: case.parameter in ("patience", "cooldown", "start_from_epoch", "min_lr") and case.value is None,
    ),
    Difference(
        "a number for a path: to Keras it is a file that is open, standard error for example",
        lambda case: case.parameter == "filename" and isinstance(case.value, (int, np.integer)),
    ),
    Difference(
        "a negative patience: Keras's class stops at the first epoch, which nobody can want",
        lambda case: case.parameter in ("patience", "cooldown", "start_from_epoch") and _is_negative(case.value),
    ),
    Difference(
        "a checkpoint of the best model whose metric does not come: Keras's class saves every time",
        lambda case: case.subject.name == "ModelCheckpoint" and _lacks_its_metric(case),
    ),
)
