"""Metrics, histograms, images, graphs, embeddings and profiles, for TensorBoard."""

from __future__ import annotations

import os
import weakref
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from epochal import Callback, Priority
from epochal.chief import is_chief
from epochal.frameworks import adapt
from epochal.logs import WEIGHTS
from epochal.monitor import count, switch
from epochal.warn import warn_user

from . import summaries
from .event_file import check_folder
from .parameters import folder, frequency, metadata
from .profile import Profile, batch_range
from .projector import Projector, check_layers
from .session import TRAIN, VALIDATION, Session
from .values import changed
from .weights import weight_events

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from epochal import Run

    Logs = Mapping[str, Any] | None


class TensorBoard(Callback):
    """Writes what a training does for TensorBoard, into the folders `train` and `validation` of `log_dir`.

    - Metrics of an epoch as `epoch_NAME`, those of validation under the same tag in `validation`, and the learning
      rate as `epoch_learning_rate`. Metrics of an evaluation as `evaluation_NAME_vs_iterations`, over the optimizer's
      steps.
    - Metrics of batches as `batch_NAME`, over the batches that this object has seen, in all its fits. Several steps in
      one execution count as several batches.
    - Weights as `PATH/histogram` and `PATH/image`; in an image zero is grey, the largest weight white or black.
    - The layers as the graph with the tag `keras`, and with TensorFlow the graph of a training step.
    - The matrices of embedding layers, for the projector.
    - What the model's own code writes by `tf.summary`, with TensorFlow, if `update_freq` is not "epoch".

    The values of batches are fetched from the device and written every two seconds at the least, at the end of an
    epoch, and when the run ends, in whatever way.

    Args:
        log_dir: The folder. `tensorboard --logdir` takes it, or a folder above it with several runs.
        histogram_freq: Histograms of the weights every so many epochs; 0: none.
        write_graph: Whether to write the graphs.
        write_images: Whether to write the weights as images too, where histograms are written.
        write_steps_per_second: Whether to write `epoch_steps_per_second`, and `batch_steps_per_second` with batches.
        update_freq: "epoch": no metrics of batches. "batch": of every batch. A number: of every so many batches.
        profile_batch: The batch to profile, counted from 1, or the first and the last as a pair or as "10,20"; 0: none.
        embeddings_freq: Embeddings when training begins and every so many epochs, the last ones are kept; 0: none.
        embeddings_metadata: Embedding layer to the file with a label for each row of its matrix, a line each, or one
            file for all layers. Relative paths begin in `log_dir` or the working directory.

    Raises:
        TypeError, ValueError: A parameter is not usable.

    Attributes:
        log_dir, histogram_freq, write_graph, write_images, write_steps_per_second, update_freq, embeddings_freq,
            embeddings_metadata: As given, `update_freq` "batch" as 1.
        train_steps: How many batches of training there were, where something depends on it. Part of the state.
        test_steps: How often a batch, or several in one execution, was evaluated. Part of the state.
    """

    priority = Priority.REPORT
    critical = False
    provides = ()
    state_attributes = ("train_steps", "test_steps")

    _session: Session | None = None
    _end: Any = None

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int | str | Sequence[int] = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Mapping[str, str | os.PathLike[str]] | str | os.PathLike[str] | None = None,
    ) -> None:
        self.log_dir = folder(log_dir)
        self.histogram_freq = count(self, "histogram_freq", histogram_freq)
        self.write_graph = switch(self, "write_graph", write_graph)
        self.write_images = switch(self, "write_images", write_images)
        self.write_steps_per_second = switch(self, "write_steps_per_second", write_steps_per_second)
        self.update_freq = frequency(self, update_freq)
        self.embeddings_freq = count(self, "embeddings_freq", embeddings_freq)
        self.embeddings_metadata = metadata(embeddings_metadata)
        self.writes = (os.path.join(self.log_dir, TRAIN), os.path.join(self.log_dir, VALIDATION))
        self.train_steps = 0
        self.test_steps = 0
        self._profiled = batch_range(self, profile_batch)
        self._every = 0 if self.update_freq == "epoch" else int(self.update_freq)
        self._counts = bool(self._every or self.write_steps_per_second or self._profiled)
        self._in_training = False
        self._begun = 0  # the first batch of the execution
        self._stride = 1  # how many batches the last execution had
        self._times = (0.0, 0.0)  # when the epoch and the batch began
        self._test_begun = 0.0
        self._steps_before = 0
        self._written: dict[str, Any] = {}
        self._graph_is_missing = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open files out of copies and pickles."""
        return {key: value for key, value in super().__getstate__().items() if key not in ("_session", "_end")}

    def set_model(self, model: Any) -> None:
        """Take the model; what a fit that ended by an exception has left open is closed."""
        self._close()
        super().set_model(model)

    def preflight(self) -> None:
        """Check that the folder can be written to, and that the model has what is to be written."""
        if (self.run is not None and self.run.stage != "train") or not self._is_chief():
            return
        check_folder(Path(self.log_dir, TRAIN))
        if self.histogram_freq:
            adapt(self).named_weights()
        if self.embeddings_freq and self.embeddings_metadata is not None:
            matrices = adapt(self).embeddings()
            if matrices:  # a model that is not built has none yet
                check_layers(self.embeddings_metadata, matrices)

    def on_run_begin(self, run: Run) -> None:
        """Leave out the events of batches where nothing depends on them."""
        if not self._every:
            run.drop(self, "on_test_batch_begin")
        if not self._counts:
            run.drop(self, "on_train_batch_begin", "on_train_batch_end")

    def on_run_end(self) -> None:
        """Write what is left, and close the files."""
        self._close()

    # Training

    def on_train_begin(self, logs: Logs = None) -> None:
        """Make the files; write the layers, and the embeddings as they are before training."""
        self._close()
        if not self._is_chief():
            return
        if self.run is None:
            self.preflight()
        session = self._open()
        self._in_training = True
        if self.run is not None and self.run.stateful_metrics is not None:  # the values of batches are raw
            session.batches.left_out = WEIGHTS
        if self.embeddings_freq:
            # Before the event file: TensorBoard looks for the config when it finds a new run, and not again.
            self._projector = Projector(Path(self.log_dir, TRAIN), Path(self.log_dir), self.embeddings_metadata)
            matrices = adapt(self).embeddings()
            if matrices:
                self._projector.write(matrices)
        config = adapt(self).architecture() if self.write_graph else None
        session.write(TRAIN, [summaries.event(0, [summaries.keras_model("keras", config)] if config else [])])
        self._graph_is_missing = self.write_graph
        if self._profiled is not None and self.train_steps < self._profiled[1]:
            session.profile = Profile(*self._profiled, Path(self.log_dir, TRAIN))
        if self._every:
            session.catch(TRAIN, adapt(self))

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Note when the batch begins, and which it is."""
        session = self._session
        if session is None or not self._counts:
            return
        self._begun = batch
        if self._every:
            step = self.train_steps + self._stride
            session.set_step(TRAIN, step, records=self._is_due(self.train_steps, step))
        if session.profile is not None:
            session.profile.begin_batch(self.train_steps + 1, adapt(self))
        if self.write_steps_per_second:
            self._times = (self._times[0], perf_counter())

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Take the values of the batch; write those that were taken, if it is time."""
        session = self._session
        if session is None or not self._counts:
            return
        before = self.train_steps
        # The last execution of several steps may have fewer than its number says.
        self._stride = max(1, min(batch + 1, self.params.get("steps") or batch + 1) - self._begun)
        self._begun = batch + 1
        self.train_steps = step = before + self._stride
        if self._is_due(before, step):
            rate = {"steps_per_second": _rate(self._stride, self._times[1])} if self.write_steps_per_second else {}
            session.batches.add(step, logs or {}, rate)
            if session.batches.is_due():
                session.flush()
        if session.profile is not None and session.profile.end_batch(step):
            self._write_profiled_graph(session)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note when the epoch begins."""
        self._begun = 0
        self._steps_before = self.train_steps
        self._times = (perf_counter(), 0.0)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the epoch's metrics, weights and embeddings."""
        session = self._session
        if session is None:
            return
        self._written = dict(logs or {})
        if self._written:
            # The rate that a callback put into the logs is the one of the epoch; the optimizer's may be the next one's.
            further = {key: rate for key, rate in adapt(self).learning_rates().items() if key not in self._written}
            if self.write_steps_per_second:
                further["steps_per_second"] = _rate(self.train_steps - self._steps_before, self._times[0])
            self._write_metrics(session, epoch, {**self._written, **further})
        if self._graph_is_missing:
            self._graph_is_missing = False
            graph = adapt(self).train_graph()
            if graph is not None:
                session.write(TRAIN, [summaries.run_graph(graph)])
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            session.write(TRAIN, weight_events(adapt(self), epoch, with_images=self.write_images))
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._write_embeddings()
        session.flush()

    def on_epoch_finalized(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Write what callbacks behind this one added to the epoch's metrics, or changed in them."""
        late = changed(self._written, logs)
        if self._session is not None and late:
            self._write_metrics(self._session, epoch, late)

    def on_train_end(self, logs: Logs = None) -> None:
        """Write what is left, and close the files."""
        if self._session is not None and self._session.profile is not None and self._session.profile.stop():
            self._write_profiled_graph(self._session)
        self._close()

    # Evaluation, in training and by itself

    def on_test_begin(self, logs: Logs = None) -> None:
        """Take what the model's own code writes from now on as validation's."""
        self._test_begun = perf_counter()
        if self._session is None and self._is_chief():
            self._open()
        if self._session is not None and self._every:
            self._session.catch(VALIDATION, adapt(self))

    def on_test_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Count the batch."""
        if self._session is not None and self._every:
            self.test_steps += 1
            records = self._is_due(self.test_steps - 1, self.test_steps)
            self._session.set_step(VALIDATION, self.test_steps, records=records)

    def on_test_end(self, logs: Logs = None) -> None:
        """Write the metrics over the optimizer's steps."""
        session = self._session
        if session is None:
            return
        iterations = adapt(self).iterations
        if iterations is not None:
            session.write_logs(VALIDATION, "evaluation_{}_vs_iterations", iterations, logs or {})
        session.release(VALIDATION)
        epoch, batch = self._times
        self._times = (epoch + perf_counter() - self._test_begun, batch)  # validation is no part of the epoch's time
        if not self._in_training:
            self._close()

    def _is_due(self, before: int, step: int) -> bool:
        """Tell whether `update_freq` asks for the values of a step, the one before being the last that was seen."""
        return bool(self._every) and step // self._every > before // self._every

    # What is written

    def _write_metrics(self, session: Session, epoch: int, logs: Mapping[str, Any]) -> None:
        train = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name[4:]: value for name, value in logs.items() if name.startswith("val_")}
        session.write_logs(TRAIN, "epoch_{}", epoch, train)
        session.write_logs(VALIDATION, "epoch_{}", epoch, validation)

    def _write_embeddings(self) -> None:
        matrices = adapt(self).embeddings()
        if matrices:
            self._projector.write(matrices)
        else:
            warn_user("TensorBoard: embeddings_freq is set, and the model has no embedding layer.")

    def _write_profiled_graph(self, session: Session) -> None:
        graph = adapt(self).train_graph()
        if graph is not None and self._profiled is not None:
            last = self._profiled[1]
            session.write(TRAIN, [summaries.event(last, [summaries.profiled_graph(f"batch_{last}", graph)])])

    # The session

    def _is_chief(self) -> bool:
        return self.run.is_chief if self.run is not None else is_chief()

    def _open(self) -> Session:
        self._session = session = Session(Path(self.log_dir))
        # In a bare fit nobody tells of an exception: then what is left is written when this object goes, or at exit.
        self._end = weakref.finalize(self, session.close)
        return session

    def _close(self) -> None:
        end, self._end, self._session, self._in_training = self._end, None, None, False
        if end is not None:
            end()


def _rate(steps: int, since: float) -> float:
    """Give the steps per second; on a clock that has not moved, as if it had by its smallest step."""
    return steps / max(perf_counter() - since, 1e-9)
