"""TensorBoard in real training: what TensorBoard's own reader finds, beside what Keras's callback writes."""

from __future__ import annotations

import gc
import importlib
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.util.tensor_util import make_ndarray

import epochal
from epochal.frameworks.remote import remote_files
from epochal.state import dump_state, parse_state
from epochal_tensorboard import TensorBoard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KERAS = tuple(int(part) for part in keras.__version__.split(".")[:2])
KERAS_WAYS = ["epochal.fit", "epochal.callbacks", "bare"]


def _fit(way: str, model: Any, board: Any, x: Any, y: Any, **keywords: Any) -> Any:
    if way == "epochal.fit":
        return epochal.fit(model, x, y, callbacks=[board], verbose=0, **keywords)
    callbacks = epochal.callbacks(board) if way == "epochal.callbacks" else [board]
    return model.fit(x, y, callbacks=callbacks, verbose=0, **keywords)


def _read(folder: Path) -> Any:
    return EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()


def _of_plugin(folder: Path, plugin: str) -> dict[str, list[tuple[int, Any]]]:
    """Read the tensors of a plugin: tag to pairs of step and array."""
    reader = _read(folder)
    try:
        tags = reader.PluginTagToContent(plugin)
    except KeyError:  # it has none
        return {}
    return {tag: [(event.step, make_ndarray(event.tensor_proto)) for event in reader.Tensors(tag)] for tag in tags}


def _scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    return {
        tag: [(step, float(value)) for step, value in points] for tag, points in _of_plugin(folder, "scalars").items()
    }


@pytest.mark.parametrize("way", KERAS_WAYS)
def test_what_is_read_is_what_the_history_has(
    way: str, make_model: Callable[..., Any], data: Any, tmp_path: Path
) -> None:
    board = TensorBoard(tmp_path, update_freq="batch", histogram_freq=1)
    history = _fit(way, make_model(), board, *data, epochs=3, batch_size=8, validation_split=0.2)
    train, validation = _scalars(tmp_path / "train"), _scalars(tmp_path / "validation")
    for metric in ("loss", "accuracy"):
        epochs = np.array(history.history[metric], np.float32).tolist()
        assert train[f"epoch_{metric}"] == list(enumerate(epochs))
        assert [step for step, _ in train[f"batch_{metric}"]] == list(range(1, 13))
        assert [value for _, value in train[f"batch_{metric}"]][3::4] == epochs  # an epoch's are its last batch's
        validated = np.array(history.history[f"val_{metric}"], np.float32).tolist()
        assert validation[f"epoch_{metric}"] == list(enumerate(validated))
        assert validation[f"evaluation_{metric}_vs_iterations"] == list(zip([4, 8, 12], validated, strict=True))
    assert len(train) == 5


def test_the_three_ways_write_the_same(make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    for way in KERAS_WAYS:
        keras.backend.clear_session()  # the same names
        board = TensorBoard(tmp_path / way, update_freq=2, histogram_freq=1, write_images=True)
        _fit(way, make_model(), board, *data, epochs=2, batch_size=8, validation_split=0.2)
    for part in ("train", "validation"):
        first, *others = (_everything(tmp_path / way / part) for way in KERAS_WAYS)
        assert first
        assert all(other == first for other in others)


def _everything(folder: Path) -> dict[str, Any]:
    return {
        tag: [(step, value.tolist()) for step, value in points]
        for plugin in ("scalars", "histograms", "images")
        for tag, points in _of_plugin(folder, plugin).items()
    }


def test_in_a_loop(make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    model = make_model()
    x, y = data
    given = []
    with epochal.loop(model, epochs=2, steps=3, callbacks=[TensorBoard(tmp_path, update_freq=1)], verbose=0) as run:
        for _ in run.epochs():
            for _, rows in run.batches([slice(0, 8), slice(8, 16), slice(16, 24)]):
                loss = model.train_step((tf.constant(x[rows]), tf.constant(y[rows])))["loss"]
                run.log(loss=loss, size=8)
                given.append(float(loss))
            with run.validation():
                run.log(loss=0.5)
    train = _scalars(tmp_path / "train")
    assert train["batch_loss"] == list(enumerate(given, start=1))
    assert [step for step, _ in train["epoch_loss"]] == [0, 1]
    assert [loss for _, loss in train["epoch_loss"]] == pytest.approx([sum(given[:3]) / 3, sum(given[3:]) / 3])
    assert "epoch_learning_rate" in train
    assert _scalars(tmp_path / "validation") == {
        "epoch_loss": [(0, 0.5), (1, 0.5)],
        "evaluation_loss_vs_iterations": [(3, 0.5), (6, 0.5)],
    }


# Beside Keras's own


@pytest.fixture(params=["sequential", "convolution"], scope="module")
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Train twice the same, with ours and with Keras's; gives the two folders."""
    tmp_path = tmp_path_factory.mktemp(request.param)
    folders = tmp_path / "ours", tmp_path / "keras"
    random = np.random.default_rng(1)
    shape = (6,) if request.param == "sequential" else (6, 6, 1)
    x, y = random.normal(size=(40, *shape)).astype("float32"), random.integers(0, 2, (40, 1))
    for folder, kind in zip(folders, (TensorBoard, keras.callbacks.TensorBoard), strict=True):
        keras.backend.clear_session()
        keras.utils.set_random_seed(5)
        layers: list[Any] = [keras.layers.Dense(4, activation="relu")]
        if request.param == "convolution":
            layers = [keras.layers.Conv2D(5, 3), keras.layers.BatchNormalization(), keras.layers.Flatten()]
        model = keras.Sequential([keras.layers.Input(shape), *layers, keras.layers.Dense(1, activation="sigmoid")])
        model.compile(keras.optimizers.Adam(), "binary_crossentropy", metrics=["accuracy", "mae"])
        board = kind(str(folder), histogram_freq=2, write_images=True, update_freq=1, write_steps_per_second=True)
        model.fit(x, y, epochs=3, batch_size=8, validation_split=0.2, verbose=0, callbacks=[board])
        model.evaluate(x, y, verbose=0, callbacks=[board])
    return folders


tags_are_paths = pytest.mark.skipif(
    KERAS < (3, 15), reason="before Keras 3.15 its tags are the bare names of weights, which layers have in common"
)


def test_the_same_scalars_as_keras(pair: tuple[Path, Path]) -> None:
    for part in ("train", "validation"):
        ours, theirs = (_scalars(folder / part) for folder in pair)
        for scalars in (ours, theirs):
            for tag in list(scalars):
                if tag.endswith("steps_per_second"):  # the same steps; the times are those of two trainings
                    scalars[tag] = [(step, 0.0) for step, _ in scalars[tag]]
        assert ours == theirs


@tags_are_paths
def test_the_same_histograms_as_keras(pair: tuple[Path, Path]) -> None:
    ours, theirs = (_of_plugin(folder / "train", "histograms") for folder in pair)
    assert list(ours) == list(theirs)
    for tag, points in ours.items():
        assert [step for step, _ in points] == [step for step, _ in theirs[tag]]
        for (_, mine), (_, other) in zip(points, theirs[tag], strict=True):
            np.testing.assert_allclose(mine[:, :2], other[:, :2], rtol=1e-6, atol=1e-9)
            assert mine[:, 2].sum() == other[:, 2].sum()
            assert np.abs(mine[:, 2] - other[:, 2]).sum() <= 2  # a value on an edge, as it is rounded


@tags_are_paths
def test_images_of_the_same_sizes_as_keras(pair: tuple[Path, Path]) -> None:
    ours, theirs = (
        {
            # A vector is one row of ours, and one column of Keras's.
            tag: [(step, sorted(value[:2].tolist()), len(value)) for step, value in points]
            for tag, points in _of_plugin(folder / "train", "images").items()
        }
        for folder in pair
    )
    assert ours
    assert ours == theirs


def test_tensorflow_decodes_the_images(pair: tuple[Path, Path]) -> None:
    for points in _of_plugin(pair[0] / "train", "images").values():
        for _, (width, height, *images) in points:
            for image in images:
                assert tf.io.decode_png(image).shape == (int(height), int(width), 1)


def test_the_same_layers_as_keras(pair: tuple[Path, Path]) -> None:
    ours, theirs = (_of_plugin(folder / "train", "graph_keras_model") for folder in pair)
    assert list(ours) == list(theirs) == ["keras"]
    ((_, mine),) = ours["keras"]
    assert mine.item() == theirs["keras"][0][1].item()  # which has it again for the evaluation


# The graph of a training step


@pytest.mark.parametrize(
    "compiled", [{}, {"jit_compile": True}, {"steps_per_execution": 2}], ids=["graph", "xla", "several steps"]
)
def test_the_graph_of_a_step_shows_the_layers(
    make_model: Callable[..., Any], data: Any, tmp_path: Path, compiled: dict[str, Any]
) -> None:
    model = make_model(**compiled)
    epochal.fit(model, data[0], data[1], verbose=0, callbacks=[TensorBoard(tmp_path)])
    names = [node.name for node in GraphDef.FromString(_read(tmp_path / "train").Graph().SerializeToString()).node]
    assert any(re.search(r"dense\w*/MatMul$", name) for name in names)
    assert any("binary_crossentropy" in name for name in names)


def test_eager_training_has_no_graph_of_a_step(make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    epochal.fit(make_model(run_eagerly=True), data[0], data[1], verbose=0, callbacks=[TensorBoard(tmp_path)])
    assert _read(tmp_path / "train").Tags()["graph"] is False
    assert set(_of_plugin(tmp_path / "train", "graph_keras_model")) == {"keras"}


def test_a_subclassed_model_has_one(data: Any, tmp_path: Path) -> None:
    class Own(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.inside = keras.layers.Dense(1, activation="sigmoid", name="inside")

        def call(self, x: Any) -> Any:
            return self.inside(x)

    model = Own()
    model.compile("sgd", "binary_crossentropy")
    epochal.fit(model, data[0], data[1], verbose=0, callbacks=[TensorBoard(tmp_path, histogram_freq=1)])
    assert any(re.search(r"inside\w*/MatMul$", node.name) for node in _read(tmp_path / "train").Graph().node)
    assert list(_of_plugin(tmp_path / "train", "histograms")) == [
        "own/inside/kernel/histogram",
        "own/inside/bias/histogram",
    ]


# Resuming, second fits


def test_a_resumed_training_writes_what_the_whole_one_writes(
    make_model: Callable[..., Any], data: Any, tmp_path: Path
) -> None:
    whole = TensorBoard(tmp_path / "whole", update_freq=2)
    epochal.fit(make_model(), data[0], data[1], shuffle=False, epochs=4, batch_size=8, verbose=0, callbacks=[whole])
    model, first = make_model(), TensorBoard(tmp_path / "parts", update_freq=2)
    epochal.fit(model, data[0], data[1], shuffle=False, epochs=2, batch_size=8, verbose=0, callbacks=[first])
    second = TensorBoard(tmp_path / "parts", update_freq=2)
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    epochal.fit(
        model, data[0], data[1], shuffle=False, epochs=4, initial_epoch=2, batch_size=8, verbose=0, callbacks=[second]
    )
    ours, theirs = (_scalars(tmp_path / name / "train") for name in ("parts", "whole"))
    assert ours == theirs
    assert [step for step, _ in ours["batch_loss"]] == list(range(2, 21, 2))


# What a model writes by itself


class Summing(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Passes on what it gets, and writes a summary of it."""

    def call(self, x: Any) -> Any:
        tf.summary.scalar("sum", tf.reduce_sum(x))
        return x


@pytest.fixture
def summing(request: pytest.FixtureRequest) -> Any:
    eagerly = getattr(request, "param", "graph") == "eager"
    model = keras.Sequential([keras.layers.Input((4,)), Summing(), keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=False, run_eagerly=eagerly)
    return model


def _sums(folder: Path) -> list[int]:
    return [step for tag, points in _scalars(folder).items() if tag.endswith("sum") for step, _ in points]


@pytest.mark.parametrize(
    ("way", "summing"), [*((way, "graph") for way in KERAS_WAYS), ("bare", "eager")], indirect=["summing"]
)
def test_its_summaries_have_the_steps_of_the_batches(way: str, summing: Any, data: Any, tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, update_freq=2)
    for _ in range(2):
        _fit(way, summing, board, *data, epochs=2, batch_size=8, validation_split=0.2)
    assert _sums(tmp_path / "train") == list(range(2, 17, 2))
    assert _sums(tmp_path / "validation") == [2, 4]
    _fit(way, summing, TensorBoard(tmp_path / "other", update_freq=1), *data, batch_size=8)
    assert _sums(tmp_path / "other" / "train") == [1, 2, 3, 4, 5]
    assert len(_sums(tmp_path / "train")) == 8
    summing.fit(*data, batch_size=8, verbose=0)  # nobody takes them
    _fit(way, summing, TensorBoard(tmp_path / "last", update_freq=5), *data, batch_size=8)
    assert _sums(tmp_path / "last" / "train") == [5]


def test_its_summaries_before_an_exception_are_there(summing: Any, data: Any, tmp_path: Path) -> None:
    class Fails(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                raise ZeroDivisionError

    board = TensorBoard(tmp_path, update_freq=1)
    with tf.summary.record_if(False):  # Keras's own leaves its writer behind after an exception, in tests before this
        with suppress(ZeroDivisionError):
            summing.fit(*data, batch_size=8, verbose=0, callbacks=[board, Fails()])
        del board
        gc.collect()  # the frames of the exception hold it, in a cycle
        assert _sums(tmp_path / "train") == [1, 2, 3]
        assert not tf.summary.should_record_summaries()


@pytest.mark.parametrize(
    "ours_first",
    [
        True,
        pytest.param(
            False,
            marks=pytest.mark.skipif(
                KERAS < (3, 15), reason="before Keras 3.15 its batches go to whatever writer is the default then"
            ),
        ),
    ],
)
def test_beside_keras_s_own(ours_first: bool, make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    boards = [
        TensorBoard(tmp_path / "ours", update_freq=1),
        keras.callbacks.TensorBoard(tmp_path / "keras", update_freq=1),
    ]

    def fit() -> None:
        for _ in range(2):
            make_model().fit(
                *data, batch_size=8, validation_split=0.2, verbose=0, callbacks=boards if ours_first else boards[::-1]
            )

    with ThreadPoolExecutor(1) as other:  # the default writer, which Keras's may leave behind, is one of a thread
        other.submit(fit).result()
    assert [step for step, _ in _scalars(tmp_path / "ours" / "train")["batch_loss"]] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [step for step, _ in _scalars(tmp_path / "keras" / "train")["batch_loss"]] == [1, 2, 3, 4] * 2


# Embeddings


def test_embeddings(tmp_path: Path) -> None:
    (tmp_path / "words.tsv").write_text("".join(f"word {row}\n" for row in range(10)))
    model = keras.Sequential(
        [keras.layers.Input((3,)), keras.layers.Embedding(10, 4, name="words"), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    board = TensorBoard(tmp_path, embeddings_freq=1, embeddings_metadata={"words": "words.tsv"})
    epochal.fit(model, np.ones((8, 3)), np.ones((8, 3, 1)), epochs=2, verbose=0, callbacks=[board])
    written = np.loadtxt(tmp_path / "train" / "embeddings" / "words.tsv", delimiter="\t", dtype=np.float32)
    np.testing.assert_array_equal(written, model.layers[0].get_weights()[0])
    assert (tmp_path / "train" / "embeddings" / "words.metadata.tsv").read_text().startswith("word 0\n")


# Profiling; there is one profiler in a process


def test_profile(make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    board = TensorBoard(tmp_path, profile_batch=(2, 3))
    epochal.fit(make_model(), data[0], data[1], batch_size=8, verbose=0, callbacks=[board])
    (recording,) = (tmp_path / "train" / "plugins" / "profile").glob("*/*.xplane.pb")
    assert recording.stat().st_size > 0
    (tag,) = _of_plugin(tmp_path / "train", "graph_run_metadata_graph")
    assert tag == "batch_3"


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # TensorFlow's; pytest passes it on
def test_a_profiler_that_runs_already_is_said_and_left_alone(
    make_model: Callable[..., Any], data: Any, tmp_path: Path
) -> None:
    tf.profiler.experimental.start(str(tmp_path / "other"))
    try:
        board = TensorBoard(tmp_path / "ours", profile_batch=1, update_freq=1)
        with pytest.warns(UserWarning, match="training goes on without it") as said:
            make_model().fit(*data, batch_size=8, verbose=0, callbacks=[board])
        (message,) = (str(each.message) for each in said if "TensorBoard" in str(each.message))
        assert "the profiler could not begin, and training goes on without it" in message
    finally:
        tf.profiler.experimental.stop()
    assert list((tmp_path / "other").glob("**/*.xplane.pb"))
    assert len(_scalars(tmp_path / "ours" / "train")["batch_loss"]) == 5


# Other frameworks


@pytest.mark.filterwarnings("ignore:non-integer arguments to randrange:DeprecationWarning")  # of tf_keras 2.16
def test_in_the_bare_fit_of_tf_keras(data: Any, tmp_path: Path) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    tf_keras.utils.set_random_seed(1)
    model = tf_keras.Sequential([tf_keras.layers.Input((4,)), tf_keras.layers.Dense(1, name="inside")])
    model.compile("sgd", "mse")
    board = TensorBoard(tmp_path, histogram_freq=1, update_freq=1, write_steps_per_second=True)
    history = model.fit(*data, epochs=2, batch_size=8, validation_split=0.2, verbose=0, callbacks=[board])
    train = _scalars(tmp_path / "train")
    assert train["epoch_loss"] == list(enumerate(np.array(history.history["loss"], np.float32).tolist()))
    assert [step for step, _ in train["batch_loss"]] == list(range(1, 9))
    assert list(_of_plugin(tmp_path / "train", "histograms")) == [
        "inside/kernel_0/histogram",
        "inside/bias_0/histogram",
    ]
    assert any("inside/MatMul" in node.name for node in _read(tmp_path / "train").Graph().node)
    assert "evaluation_loss_vs_iterations" in _scalars(tmp_path / "validation")


JAX_PROGRAM = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tensorflow":
            raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

sys.meta_path.insert(0, Nothing())

import keras
import numpy as np
import epochal
from epochal_tensorboard import TensorBoard

assert keras.config.backend() == "jax"
model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Embedding(9, 4), keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
board = TensorBoard(
    "logs", 1, write_images=True, write_steps_per_second=True, update_freq=1, embeddings_freq=1, profile_batch=2
)
x, y = np.ones((20, 3)), np.ones((20, 3, 1))
epochal.fit(model, x, y, epochs=2, batch_size=5, validation_split=0.25, verbose=0, callbacks=[board])
model.fit(x, y, epochs=1, batch_size=5, verbose=0, callbacks=[board])
assert "tensorflow" not in sys.modules
"""


def test_on_jax_where_tensorflow_cannot_be_imported(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", JAX_PROGRAM], cwd=tmp_path, env=environment, check=True, timeout=300)
    train = _scalars(tmp_path / "logs" / "train")
    assert [step for step, _ in train["batch_loss"]] == list(range(1, 11))
    assert [step for step, _ in train["epoch_mae"]] == [0, 1, 0]
    assert len(_of_plugin(tmp_path / "logs" / "train", "histograms")) == 3
    assert list((tmp_path / "logs" / "train").glob("plugins/profile/*/*.xplane.pb"))


# TensorFlow's own writers, and folders at an address


class WithWriter(TensorBoard):
    """Writes as subclasses of Keras's class do."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_end(epoch, logs)
        with self._train_writer.as_default():
            tf.summary.scalar("mine", 2.0 * epoch, step=epoch)
        with self._val_writer.as_default():
            self.summary.scalar("mine", 0.5, step=self._train_step)


@pytest.mark.parametrize("way", KERAS_WAYS)
def test_the_writers_of_tensorflow(way: str, make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    model, board = make_model(), WithWriter(tmp_path)
    model.run_eagerly = True
    for _ in range(2):
        _fit(way, model, board, *data, epochs=2, batch_size=20, validation_split=0.2)
        train, validation = _scalars(tmp_path / "train"), _scalars(tmp_path / "validation")  # closed: all is there
    assert sorted(train["mine"]) == [(0, 0.0), (0, 0.0), (1, 2.0), (1, 2.0)]
    assert sorted(step for step, _ in train["epoch_loss"]) == [0, 0, 1, 1]
    assert [step for step, _ in validation["mine"]] == [2, 4, 6, 8]


@pytest.mark.parametrize("scheme", ["ram", "memory"])
def test_a_folder_at_an_address(scheme: str, make_model: Callable[..., Any], data: Any, tmp_path: Path) -> None:
    if scheme == "memory":
        pytest.importorskip("fsspec")
    files = remote_files(f"{scheme}://logs", "the test")
    board = TensorBoard(f"{scheme}://logs/{tmp_path.name}", update_freq=1, histogram_freq=1, profile_batch=1)
    model = make_model()
    model.run_eagerly = True
    _fit("epochal.fit", model, board, *data, batch_size=20, validation_split=0.2)
    names = {
        "ram": lambda folder: [f"{folder}/{name}" for name in tf.io.gfile.listdir(folder)],
        "memory": lambda folder: [f"memory:/{path}" for path in _memory().glob(f"{folder}/*")],
    }[scheme](f"{scheme}://logs/{tmp_path.name}/train")
    (address,) = (name for name in names if "tfevents" in name)
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / address.rpartition("/")[2]).write_bytes(files.read(address) or b"")
    train = _scalars(tmp_path / "train")
    assert [step for step, _ in train["epoch_loss"]] == [0]
    assert [step for step, _ in train["batch_loss"]] == [1, 2]
    assert _of_plugin(tmp_path / "train", "histograms")
    assert any("plugins" in name for name in names)


def _memory() -> Any:
    return importlib.import_module("fsspec").filesystem("memory")
