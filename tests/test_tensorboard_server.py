"""What a real TensorBoard shows of a run that ours has written."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

import epochal
from epochal_tensorboard import TensorBoard

from .tensorboard_server import Server, tensorboard

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS = 12


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any, Any]:
    """Train with everything that can be written; gives the folder, the history and the model."""
    logs = tmp_path_factory.mktemp("server") / "logs"
    run = logs / "first"
    run.mkdir(parents=True)
    (run / "words.tsv").write_text("word\tlength\n" + "".join(f"word {row}\t{row}\n" for row in range(WORDS)))
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Embedding(WORDS, 5, name="words"),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid", name="last"),
        ],
        name="server",  # it is part of the tags, and Keras numbers models that have none
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    x = np.random.default_rng(1).integers(0, WORDS, (48, 4))
    board = TensorBoard(
        run,
        histogram_freq=1,
        write_images=True,
        update_freq="batch",
        embeddings_freq=1,
        embeddings_metadata={"words": "words.tsv"},
    )
    history = epochal.fit(
        model, x, x[:, 0] > 5, epochs=3, batch_size=8, validation_split=1 / 3, verbose=0, callbacks=[board]
    )
    return logs, history, model


@pytest.fixture(scope="module", params=["auto", "false"], ids=["fast loader", "Python loader"])
def server(request: pytest.FixtureRequest, trained: tuple[Path, Any, Any]) -> Iterator[Server]:
    """Run TensorBoard on the folder above the run, with each of its two readers of event files."""
    with tensorboard(trained[0], "--load_fast", request.param) as running:
        running.wait_for(lambda: set(running.ask("runs")) == {"first/train", "first/validation"})
        # What was written last is there, so all is.
        last = {"run": "first/train", "tag": "server/last/kernel/image", "sample": "0"}
        running.wait_for(lambda: len(_of(running, "images/images", **last)) == 3)
        validated = {"run": "first/validation", "tag": "epoch_loss"}
        running.wait_for(lambda: len(_of(running, "scalars/scalars", **validated)) == 3)
        yield running


def _of(server: Server, path: str, **arguments: str) -> Any:
    return server.ask(f"plugin/{path}", **arguments)


def test_the_tags_of_each_run(server: Server) -> None:
    tags = _of(server, "scalars/tags")
    assert set(tags["first/train"]) == {
        "batch_accuracy",
        "batch_loss",
        "epoch_accuracy",
        "epoch_learning_rate",
        "epoch_loss",
    }
    assert set(tags["first/validation"]) == {
        "epoch_accuracy",
        "epoch_loss",
        "evaluation_accuracy_vs_iterations",
        "evaluation_loss_vs_iterations",
    }


def test_the_curves(server: Server, trained: tuple[Path, Any, Any]) -> None:
    history = trained[1].history
    for run, metric in (("train", "loss"), ("validation", "val_loss")):
        points = _of(server, "scalars/scalars", run=f"first/{run}", tag="epoch_loss")
        assert [step for _, step, _ in points] == [0, 1, 2]
        assert [value for _, _, value in points] == pytest.approx(history[metric], rel=1e-6)
    batches = _of(server, "scalars/scalars", run="first/train", tag="batch_loss")
    assert [step for _, step, _ in batches] == list(range(1, 13))
    assert [time for time, _, _ in batches] == sorted(time for time, _, _ in batches)


def test_the_histograms(server: Server, trained: tuple[Path, Any, Any]) -> None:
    points = _of(server, "histograms/histograms", run="first/train", tag="server/words/embeddings/histogram")
    assert [step for _, step, _ in points] == [0, 1, 2]
    weights = trained[2].layers[0].get_weights()[0]
    buckets = points[-1][2]
    assert sum(count for _, _, count in buckets) == weights.size
    assert (buckets[0][0], buckets[-1][1]) == pytest.approx((weights.min(), weights.max()))


def test_the_images(server: Server, trained: tuple[Path, Any, Any]) -> None:
    tag = "server/last/kernel/image"
    newest = _of(server, "images/images", run="first/train", tag=tag, sample="0")[-1]
    content = server.get(f"plugin/images/individualImage?{newest['query']}")
    assert struct.unpack_from(">II", content, 16) == (20, 1)  # width and height


def test_the_graphs(server: Server) -> None:
    information = _of(server, "graphs/info")["first/train"]
    assert information["run_graph"] is True
    assert information["tags"]["keras"]["conceptual_graph"] is True
    layers = server.get("plugin/graphs/graph", run="first/train", tag="keras", conceptual="true").decode()
    assert all(f'name: "server/{layer}"' in layers for layer in ("words", "flatten", "last"))
    step = server.get("plugin/graphs/graph", run="first/train").decode()
    assert 'op: "MatMul"' in step


def test_the_projector(server: Server, trained: tuple[Path, Any, Any]) -> None:
    server.wait_for(lambda: _of(server, "projector/runs") == ["first/train"])
    (embedding,) = _of(server, "projector/info", run="first/train")["embeddings"]
    assert (embedding["tensorName"], embedding["tensorShape"]) == ("words", [WORDS, 5])
    content = server.get("plugin/projector/tensor", run="first/train", name="words")
    found = np.frombuffer(content, np.float32).reshape(WORDS, 5)
    np.testing.assert_array_equal(found, trained[2].layers[0].get_weights()[0])
    labels = server.get("plugin/projector/metadata", run="first/train", name="words").decode()
    assert labels.splitlines()[:2] == ["word\tlength", "word 0\t0"]


def test_points_come_while_training_goes_on(tmp_path: Path) -> None:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    seen: list[int] = []

    class Look(epochal.Callback):
        priority = 99

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            arguments = {"run": "train", "tag": "epoch_loss"}
            seen.append(len(watched.wait_for(lambda: _points(watched, epoch, arguments))))

    (tmp_path / "logs").mkdir()
    with tensorboard(tmp_path / "logs") as watched:
        board = TensorBoard(tmp_path / "logs")
        epochal.fit(model, np.ones((4, 1)), np.ones((4, 1)), epochs=3, verbose=0, callbacks=[board, Look()])
    assert seen == [1, 2, 3]


def _points(server: Server, epoch: int, arguments: dict[str, str]) -> Any:
    points = _of(server, "scalars/scalars", **arguments)
    return points if len(points) > epoch else None
