"""The graphs: the layers, and the training step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef

from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard

if TYPE_CHECKING:
    from pathlib import Path

GRAPH = GraphDef(node=[{"name": "dense/MatMul", "op": "MatMul"}]).SerializeToString()


def _of_plugin(events: list[Any], plugin: str) -> list[Any]:
    return [
        value for event in events for value in event.summary.value if value.metadata.plugin_data.plugin_name == plugin
    ]


def test_the_layers_are_written_when_training_begins(model: Any, logs: Path, events: Any) -> None:
    board = TensorBoard(logs)
    board.set_model(model)
    board.on_train_begin()
    (value,) = _of_plugin(events(logs / "train"), "graph_keras_model")
    assert value.tag == "keras"
    assert value.metadata.plugin_data.content == b"1"
    assert list(value.tensor.string_val) == [model.layers.encode()]
    board.on_train_end()


def test_the_graph_of_a_step_is_written_once(model: Any, logs: Path, events: Any) -> None:
    def traced(epoch: int, batch: int) -> None:
        model.graph = GRAPH

    FakeHost(TensorBoard(logs), model=model).fit(epochs=3, step=traced)
    assert [event.graph_def for event in events(logs / "train") if event.HasField("graph_def")] == [GRAPH]


def test_no_graph_is_asked_for(model: Any, logs: Path, events: Any) -> None:
    model.graph = GRAPH
    FakeHost(TensorBoard(logs, write_graph=False), model=model).fit()
    found = events(logs / "train")
    assert not _of_plugin(found, "graph_keras_model")
    assert not any(event.HasField("graph_def") for event in found)


def test_a_model_that_has_no_graph(model: Any, logs: Path, events: Any) -> None:
    model.layers = None
    FakeHost(TensorBoard(logs), model=model).fit()
    found = events(logs / "train")
    assert not _of_plugin(found, "graph_keras_model")
    assert not any(event.HasField("graph_def") for event in found)


def test_the_graph_of_profiled_batches(model: Any, logs: Path, events: Any) -> None:
    model.graph = GRAPH
    FakeHost(TensorBoard(logs, write_graph=False, profile_batch=(1, 2)), model=model).fit()
    (value,) = _of_plugin(events(logs / "train"), "graph_run_metadata_graph")
    assert value.tag == "batch_2"
    (content,) = value.tensor.string_val
    (graph,) = RunMetadata.FromString(content).function_graphs
    assert graph.pre_optimization_graph.node[0].name == "dense/MatMul"
