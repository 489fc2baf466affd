"""Metrics, histograms, images, graphs, embeddings and profiles, for TensorBoard."""

from __future__ import annotations

import weakref
from time import perf_counter
from typing import TYPE_CHECKING, Any

from epochal import Priority
from epochal.logs import WEIGHTS

from . import summaries
from .folders import TRAIN, VALIDATION, check_folder
from .keras_names import KerasNames, rate
from .profile import Profile
from .projector import check_layers
from .session import Session
from .values import changed

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from epochal import Run

    Logs = Mapping[str, Any] | None


class TensorBoard(KerasNames):
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
    epoch, and when the run ends, in whatever way. At an address a file is uploaded whole: when training begins, every
    two minutes, and when the run ends.

    Args:
        log_dir: The folder, or its address, `gs://bucket/run` for example. `tensorboard --logdir` takes it, or a folder
            above it with several runs.
        histogram_freq: Histograms of the weights every so many epochs; 0 or None: none.
        write_graph: Whether to write the graphs.
        write_images: Whether to write the weights as images too, where histograms are written.
        write_steps_per_second: Whether to write `epoch_steps_per_second`, and `batch_steps_per_second` with batches.
        update_freq: "epoch": no metrics of batches. "batch": of every batch. A number: of every so many batches.
        profile_batch: The batch to profile, counted from 1, or the first and the last as a pair or as "10,20"; 0 or
            None: none.
        embeddings_freq: Embeddings when training begins and every so many epochs, the last ones are kept; 0 or
            None: none.
        embeddings_metadata: Embedding layer to the file with a label for each row of its matrix, a line each, or one
            file for all layers. Relative paths begin in `log_dir` or the working directory.

    Raises:
        TypeError, ValueError: A parameter is not usable.

    Attributes:
        log_dir, histogram_freq, write_graph, write_images, write_steps_per_second, update_freq, profile_batch,
            embeddings_freq, embeddings_metadata: As given, `update_freq` "batch" as 1.
        train_steps: How many batches of training there were, where something depends on it. Part of the state.
        test_steps: How often a batch, or several in one execution, was evaluated. Part of the state.
    """

    priority = Priority.REPORT
    critical = False
    provides = ()

    _session: Session | None = None
    _end: Any = None

    def __init__(
        self,
        log_dir: str | os.PathLike[str] = "logs",
        histogram_freq: float | None = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | float = "epoch",
        profile_batch: int | str | Sequence[int] | None = 0,
        embeddings_freq: float | None = 0,
        embeddings_metadata: Mapping[str, str | os.PathLike[str]] | str | os.PathLike[str] | None = None,
    ) -> None:
        self.log_dir = log_dir
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.update_freq = update_freq
        self.profile_batch = profile_batch
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self.check_metadata()
        self.train_steps = 0
        self.test_steps = 0
        self._in_training = False
        self._begun = 0  # the first batch of the execution
        self._stride = 1  # how many batches the last execution had
        self._batch_begun = 0.0
        self._test_begun = 0.0
        self._should_write_train_graph = False

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open files out of copies and pickles."""
        left_out = ("_session", "_end", "_writers", "_projector")
        return {key: value for key, value in super().__getstate__().items() if key not in left_out}

    def set_model(self, model: Any) -> None:
        """Take the model; what a fit that ended by an exception has left open is closed."""
        self._close()
        for place in ("_log_write_dir", "_train_dir", "_val_dir"):  # of a subclass, for the fit before
            self.__dict__.pop(place, None)
        super().set_model(model)

    def preflight(self) -> None:
        """Check that the folder can be written to, and that the model has what is to be written."""
        if (self.run is not None and self.run.stage != "train") or not self.is_chief:
            return
        check_folder(self._train_dir)
        self.check_metadata()
        if self.histogram_freq:
            self._adapter().named_weights()
        if self.embeddings_freq and self.embeddings_metadata is not None:
            matrices = self._adapter().embeddings()
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
        if not self.is_chief:
            return
        session = self._open()
        self._in_training = True
        if self.run is not None and self.run.stateful_metrics is not None:  # the values of batches are raw
            session.batches.left_out = WEIGHTS
        if self.embeddings_freq:
            self._configure_embeddings()
        if self.write_graph:
            self._write_keras_model_summary()
        session.write(TRAIN, [])  # whoever watches sees the run
        self._should_write_train_graph = self.write_graph
        if self._profiled is not None and self.train_steps < self._profiled[1]:
            session.profile = Profile(*self._profiled, self._train_dir)
        if self._every:
            session.catch(TRAIN, self._adapter())

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
            session.profile.begin_batch(self.train_steps + 1, self._adapter())
        if self.write_steps_per_second:
            self._batch_begun = perf_counter()

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
            speed = {"steps_per_second": rate(self._stride, self._batch_begun)} if self.write_steps_per_second else {}
            session.batches.add(step, logs or {}, speed)
            if session.batches.is_due():
                session.flush()
        if session.profile is not None and session.profile.end_batch(step):
            self._write_profiled_graph(session)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Note when the epoch begins."""
        self._opened()  # a subclass may have an `on_train_begin` without this class's
        self._in_training = True
        self._begun = 0
        self._steps_before = self.train_steps
        self._epoch_begun = perf_counter()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the epoch's metrics, weights and embeddings."""
        session = self._opened()
        if session is None:
            return
        self._log_epoch_metrics(epoch, logs)
        if self._should_write_train_graph:
            self._should_write_train_graph = False
            self._write_keras_model_train_graph()
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._log_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            self._log_embeddings(epoch)
        session.flush()
        self._flush_writers()

    def on_epoch_finalized(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Write what callbacks behind this one added to the epoch's metrics, or changed in them."""
        written, self._written = self._written, None
        late = {} if written is None else changed(written, logs)
        if late:
            self._write_metrics(epoch, late)

    def on_train_end(self, logs: Logs = None) -> None:
        """Write what is left, and close the files."""
        if self._session is not None and self._session.profile is not None and self._session.profile.stop():
            self._write_profiled_graph(self._session)
        self._close()

    # Evaluation, in training and by itself

    def on_test_begin(self, logs: Logs = None) -> None:
        """Take what the model's own code writes from now on as validation's."""
        self._test_begun = perf_counter()
        session = self._opened()
        if session is not None and self._every:
            session.catch(VALIDATION, self._adapter())

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
        iterations = self._adapter().iterations
        if iterations is not None:
            session.write_logs(VALIDATION, "evaluation_{}_vs_iterations", iterations, logs or {})
        session.release(VALIDATION)
        self._epoch_begun += perf_counter() - self._test_begun  # validation is no part of the epoch's time
        if not self._in_training:
            self._close()

    def _is_due(self, before: int, step: int) -> bool:
        """Return whether `update_freq` asks for the values of a step, the one before being the last that was seen."""
        return bool(self._every) and step // self._every > before // self._every

    def _write_profiled_graph(self, session: Session) -> None:
        graph = self._adapter().train_graph()
        if graph is not None and self._profiled is not None:
            last = self._profiled[1]
            session.write(TRAIN, [summaries.event(last, [summaries.profiled_graph(f"batch_{last}", graph)])])

    # The session

    def _opened(self) -> Session | None:
        if self._session is None and self.is_chief:
            self._open()
        return self._session

    def _open(self) -> Session:
        self._session = session = Session({TRAIN: self._train_dir, VALIDATION: self._val_dir})
        # In a bare fit nobody tells of an exception: then what is left is written when this object goes, or at exit.
        self._end = weakref.finalize(self, session.close)
        return session

    def _close(self) -> None:
        end, self._end, self._session, self._in_training = self._end, None, None, False
        try:
            if end is not None:
                end()
        finally:
            self._close_writers()
