"""TensorBoard."""

from __future__ import annotations

import shutil
import sys
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from tensorboard.backend.event_processing.directory_watcher import DirectoryDeletedError
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig
from tensorboard.util.tensor_util import make_ndarray

from . import behaviour

if TYPE_CHECKING:
    from pathlib import Path


def _model(*layers: Any) -> Any:
    model = keras.Sequential([keras.layers.Input((2,)), *layers, keras.layers.Dense(1, name="last")])
    model.compile("sgd", "mse", jit_compile=False)
    return model


def _fit(callback: Any, model: Any = None, epochs: int = 1) -> None:
    """Train three batches an epoch."""
    model = _model() if model is None else model
    model.fit(np.ones((3, 2)), np.ones((3, 1)), batch_size=1, epochs=epochs, verbose=0, callbacks=[callback])


def _points(folder: Path, tag: str) -> list[tuple[int, Any]]:
    """Read what TensorBoard shows under a tag: steps and values."""
    reader = EventAccumulator(str(folder / "train")).Reload()
    tags = [each for each in reader.Tags()["tensors"] if each.endswith(tag)]
    return [(event.step, make_ndarray(event.tensor_proto)) for each in tags for event in reader.Tensors(each)]


def _steps(folder: Path, tag: str) -> list[int]:
    return [step for step, _ in _points(folder, tag)]


@behaviour(
    "tensorboard",
    "Batches are counted on over a second fit",
    keras="A second fit with the same object counts its batches from 1 again. Both fits write to the same steps, and "
    "TensorBoard drops the points of the first.",
    ours="The count goes on, over fits with the same object and over a resume: it is part of the state.",
)
def batches_are_counted_on(TensorBoard: Any, tmp_path: Path) -> None:
    callback = TensorBoard(tmp_path, update_freq="batch")
    _fit(callback)
    _fit(callback)
    assert sorted(_steps(tmp_path, "batch_loss")) == [1, 2, 3, 4, 5, 6]


@behaviour(
    "tensorboard",
    "Every second batch is written, and every epoch",
    keras="With `update_freq=2` an epoch's metrics are written only if its last batch has an even number: of epochs of "
    "three batches every second one is missing. (Up to Keras 3.11 every batch is written instead.)",
    ours="`update_freq` is about batches, and about nothing else.",
)
def every_epoch_is_written(TensorBoard: Any, tmp_path: Path) -> None:
    _fit(TensorBoard(tmp_path, update_freq=2), epochs=4)
    assert _steps(tmp_path, "batch_loss") == [2, 4, 6, 8, 10, 12]
    assert _steps(tmp_path, "epoch_loss") == [0, 1, 2, 3]


@behaviour(
    "tensorboard",
    "Embeddings arrive in the projector",
    keras="The config names a variable of a TensorFlow checkpoint, and no such checkpoint is written: the projector "
    "has nothing to show. All embedding layers get the same name.",
    ours="Each matrix is written to a file of its own, and the config leads to it, with or without TensorFlow.",
)
def embeddings_arrive(TensorBoard: Any, tmp_path: Path) -> None:
    model = _model(keras.layers.Embedding(5, 3, name="words"), keras.layers.Flatten())
    _fit(TensorBoard(tmp_path, embeddings_freq=1), model)
    (config,) = tmp_path.glob("**/projector_config.pbtxt")
    (entry,) = text_format.Parse(config.read_text(), ProjectorConfig()).embeddings
    assert entry.tensor_path
    matrix = np.loadtxt(config.parent / entry.tensor_path, dtype="float32")
    np.testing.assert_array_equal(matrix, model.layers[0].get_weights()[0])


@behaviour(
    "tensorboard",
    "The metadata that the caller gave stay as they are",
    keras="Every layer that is found is taken out of the caller's dict. A second fit with the same object shows no "
    "labels.",
    ours="The dict is copied.",
)
def the_caller_s_metadata_stay(TensorBoard: Any, tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("a\nb\nc\nd\ne\n")
    metadata = {"words": "words.tsv"}
    model = _model(keras.layers.Embedding(5, 3, name="words"), keras.layers.Flatten())
    _fit(TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata=metadata), model)
    assert metadata == {"words": "words.tsv"}


@behaviour(
    "tensorboard",
    "The graph of the training step is there",
    keras="With `write_graph=True` it looks for TensorFlow's function where Keras 3 has a plain one around it, finds "
    "none and writes nothing; a subclassed model has no graph at all.",
    ours="The function is found behind Keras's, and its graph is written when the first epoch ends.",
    fails_with=ValueError,
)
def the_graph_is_there(TensorBoard: Any, tmp_path: Path) -> None:
    _fit(TensorBoard(tmp_path))
    graph = EventAccumulator(str(tmp_path / "train")).Reload().Graph()
    assert any(node.op == "MatMul" for node in graph.node)


@behaviour(
    "tensorboard",
    "Weights below zero can be seen in the images",
    keras="Values below 0 are cut off, and those above 1: of freshly made weights one half is black.",
    ours="Zero is grey, the weight furthest from it black or white.",
)
def weights_below_zero_can_be_seen(TensorBoard: Any, tmp_path: Path) -> None:
    model = _model()
    model.optimizer.learning_rate = 0.0
    model.layers[0].set_weights([np.array([[-1.0], [-0.5]]), np.zeros(1)])
    _fit(TensorBoard(tmp_path, histogram_freq=1, write_images=True), model)
    ((_, (_, _, image)),) = _points(tmp_path, "kernel/image")
    darker, lighter = tf.io.decode_png(image).numpy().ravel()
    assert darker < lighter


class Summing(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A layer that writes a summary of its own."""

    def call(self, x: Any) -> Any:
        tf.summary.scalar("sum", tf.reduce_sum(x))
        return x


@behaviour(
    "tensorboard",
    "What a model writes by tf.summary has the step of its batch",
    keras="The step becomes a constant of the graph: every value is written to step 1. With `update_freq` above 1 "
    "nothing is written.",
    ours="The step is a variable that the graph reads.",
)
def own_summaries_have_their_step(TensorBoard: Any, tmp_path: Path) -> None:
    _fit(TensorBoard(tmp_path, update_freq=1), _model(Summing()))
    assert _steps(tmp_path, "sum") == [1, 2, 3]


@behaviour(
    "tensorboard",
    "A model that writes by tf.summary can be trained twice",
    keras="The traced function keeps the writer of the first fit, which is closed: the second fit ends with a "
    "NotFoundError.",
    ours="The function writes to a place that stays, and the records are taken from there.",
    fails_with=tf.errors.NotFoundError,
)
def a_second_fit_with_own_summaries(TensorBoard: Any, tmp_path: Path) -> None:
    model, callback = _model(Summing()), TensorBoard(tmp_path, update_freq=1)
    _fit(callback, model)
    _fit(callback, model)
    assert _steps(tmp_path, "sum") == [1, 2, 3, 4, 5, 6]


@behaviour(
    "tensorboard",
    "Steps are batches, also with several in one execution",
    keras="With `steps_per_execution=3` it counts executions: the steps of `batch_loss` and those of "
    "`evaluation_loss_vs_iterations` are different ones.",
    ours="The batches of an execution are counted.",
)
def steps_are_batches(TensorBoard: Any, tmp_path: Path) -> None:
    model = _model()
    model.compile("sgd", "mse", steps_per_execution=3)
    _fit(TensorBoard(tmp_path, update_freq="batch"), model, epochs=2)
    assert _steps(tmp_path, "batch_loss") == [3, 6]


@behaviour(
    "tensorboard",
    "It needs no TensorFlow",
    keras="Whatever the backend is, it imports TensorFlow for its writer, and fails where there is none.",
    ours="Event files are written with the `tensorboard` package alone.",
    fails_with=ImportError,
)
def it_needs_no_tensorflow(TensorBoard: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "tensorflow.summary", None)  # as if it were not installed
    callback = TensorBoard(tmp_path)
    callback.set_model(_model())
    callback.on_train_begin()
    callback.on_train_end()


@behaviour(
    "tensorboard",
    "Batches are counted on over a restart",
    keras="The count is no part of anything that could be kept: after a restart batches begin at step 1 again.",
    ours="It is the state.",
    fails_with=AttributeError,
)
def batches_are_counted_on_over_a_restart(TensorBoard: Any, tmp_path: Path) -> None:
    first, second = TensorBoard(tmp_path, update_freq="batch"), TensorBoard(tmp_path, update_freq="batch")
    _fit(first)
    second.load_state_dict(first.state_dict())
    _fit(second)
    assert sorted(_steps(tmp_path, "batch_loss")) == [1, 2, 3, 4, 5, 6]


@behaviour(
    "tensorboard",
    "A folder that is deleted while training is noticed",
    keras="It goes on writing to the file that is gone, without a word: what follows is lost.",
    ours="A warning says so, and what follows is in a new file.",
    fails_with=DirectoryDeletedError,
)
def a_deleted_folder_is_noticed(TensorBoard: Any, tmp_path: Path) -> None:
    folder = tmp_path / "logs"

    def delete(epoch: int, logs: Any) -> None:
        if epoch == 1:
            shutil.rmtree(folder)

    callbacks = [keras.callbacks.LambdaCallback(on_epoch_begin=delete), TensorBoard(folder)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _model().fit(np.ones((3, 2)), np.ones((3, 1)), epochs=3, verbose=0, callbacks=callbacks)
    assert _steps(folder, "epoch_loss") == [1, 2]
