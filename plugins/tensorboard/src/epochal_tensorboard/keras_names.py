"""The names that subclasses of Keras's TensorBoard use and override, though they are private there."""

from __future__ import annotations

from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any

from epochal import Logs
from epochal.frameworks import ModelAdapter, adapt
from epochal.frameworks.summaries import tensorflow_summary
from epochal.log_values import as_text
from epochal.warn import warn_user

from . import summaries
from .folders import TRAIN, VALIDATION, joined
from .parameters import Parameters
from .projector import Projector
from .weights import weight_events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .session import Session


class _Default:
    """A value that follows from others, until a subclass assigns one of its own."""

    def __init__(self, value: Callable[[Any], Any]) -> None:
        self._value = value

    def __get__(self, instance: Any, owner: type) -> Any:
        # Without `__set__`: what is assigned lies in the instance and is found first.
        return self if instance is None else self._value(instance)


class KerasNames(Parameters):
    """What `TensorBoard` writes, each part in a method with the name and the arguments of Keras's, and its writers.

    A subclass may override or call each of them. `with self._train_writer.as_default(): tf.summary.scalar(…)` writes to
    a file beside the callback's own, in the same folder, so that readers take both as one run.
    """

    _log_write_dir = _Default(lambda board: board.log_dir)
    _train_dir = _Default(lambda board: joined(board._log_write_dir, TRAIN))
    _val_dir = _Default(lambda board: joined(board._log_write_dir, VALIDATION))
    _steps_before = 0
    _epoch_begun = 0.0
    _projector: Projector | None = None
    _written: dict[str, Any] | None = None

    # The writers

    @property
    def summary(self) -> Any:
        """The module `tf.summary`."""
        return tensorflow_summary()

    @property
    def _train_writer(self) -> Any:
        return self._writer("train", self._train_dir)

    @property
    def _val_writer(self) -> Any:
        return self._writer("val", self._val_dir)

    @cached_property
    def _writers(self) -> dict[str, Any]:
        """The writers that are open. What a subclass puts here is closed with them."""
        return {}

    def _writer(self, key: str, folder: str) -> Any:
        """Return TensorFlow's writer to a folder, made when it is asked for and open until training ends."""
        if key not in self._writers:
            self._writers[key] = self.summary.create_file_writer(folder)
        return self._writers[key]

    def _flush_writers(self) -> None:
        for writer in self.__dict__.get("_writers", {}).values():
            writer.flush()

    def _close_writers(self) -> None:
        for writer in self.__dict__.pop("_writers", {}).values():
            writer.close()

    # The steps

    _train_step = _Default(lambda board: board._adapter().iterations or board.train_steps)
    _val_step = _Default(lambda board: board.test_steps)

    @property
    def _global_train_batch(self) -> int:
        return self.train_steps

    @_global_train_batch.setter
    def _global_train_batch(self, steps: int) -> None:
        self.train_steps = steps

    @property
    def _global_test_batch(self) -> int:
        return self.test_steps

    @_global_test_batch.setter
    def _global_test_batch(self, steps: int) -> None:
        self.test_steps = steps

    # What is written

    def _log_epoch_metrics(self, epoch: int, logs: Mapping[str, Any] | None) -> None:
        # Other logs than the event's, a subclass has chosen; then nothing is added to them later.
        self._written = dict(logs) if isinstance(logs, Logs) else None
        if not logs:
            return
        logs = {as_text(name): value for name, value in logs.items()}
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        train = self._collect_learning_rate(train)
        if self.write_steps_per_second:
            train["steps_per_second"] = self._compute_steps_per_second()
        self._write_metrics(epoch, {**train, **{name: logs[name] for name in logs if name.startswith("val_")}})

    def _collect_learning_rate(self, logs: dict[str, Any]) -> dict[str, Any]:
        # The rate that a callback put into the logs is the one of the epoch; the optimizer's may be the next one's.
        further = {key: rate for key, rate in self._adapter().learning_rates().items() if key not in logs}
        return {**logs, **further}

    def _compute_steps_per_second(self) -> float:
        return rate(self.train_steps - self._steps_before, self._epoch_begun)

    def _write_metrics(self, epoch: int, logs: Mapping[str, Any]) -> None:
        session = self._opened()
        if session is not None:
            logs = {as_text(name): value for name, value in logs.items()}
            train = {name: value for name, value in logs.items() if not name.startswith("val_")}
            validation = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
            session.write_logs(TRAIN, "epoch_{}", epoch, train)
            session.write_logs(VALIDATION, "epoch_{}", epoch, validation)

    def _log_weights(self, epoch: int) -> None:
        self._write(weight_events(self._adapter(), epoch, with_images=self.write_images))

    def _configure_embeddings(self) -> None:
        # Before the event file: TensorBoard looks for the config when it finds a new run, and not again.
        self._projector = Projector(self._train_dir, self.log_dir, self.embeddings_metadata)
        matrices = self._adapter().embeddings()
        if matrices:  # a model that is not built has none yet
            self._projector.write(matrices)

    def _log_embeddings(self, epoch: int) -> None:
        matrices = self._adapter().embeddings()
        if not matrices:
            warn_user("TensorBoard: embeddings_freq is set, and the model has no embedding layer.")
        elif self._projector is None:
            self._configure_embeddings()
        else:
            self._projector.write(matrices)

    def _write_keras_model_summary(self) -> None:
        config = self._adapter().architecture()
        if config:
            self._write([summaries.event(0, [summaries.keras_model("keras", config)])])

    def _write_keras_model_train_graph(self) -> None:
        graph = self._adapter().train_graph()
        if graph is not None:
            self._write([summaries.run_graph(graph)])

    def _write(self, events: list[bytes]) -> None:
        session = self._opened()
        if session is not None:
            session.write(TRAIN, events)

    def _adapter(self) -> ModelAdapter:
        """Return the adapter; a subclass may have a `set_model` that keeps the model to itself."""
        return ModelAdapter(None, None) if self.model is None else adapt(self)

    def _opened(self) -> Session | None:
        """Return what is open, opened where it is not; None in a process that writes nothing."""
        raise NotImplementedError


def rate(steps: int, since: float) -> float:
    """Return the steps per second; on a clock that has not moved, as if it had by its smallest step."""
    return steps / max(perf_counter() - since, 1e-9)
