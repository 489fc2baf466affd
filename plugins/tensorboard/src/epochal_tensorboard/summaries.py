"""What stands in an event: values in the form that `tf.summary` of TensorFlow 2 gives them, without TensorFlow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from tensorboard.compat.proto.config_pb2 import RunMetadata
from tensorboard.compat.proto.event_pb2 import Event, SourceMetadata
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_DOUBLE, DT_FLOAT, DT_STRING
from tensorboard.plugins.graph import metadata as graph
from tensorboard.plugins.histogram import metadata as histograms
from tensorboard.plugins.image import metadata as images
from tensorboard.plugins.scalar import metadata as scalars
from tensorboard.plugins.text import metadata as texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Value = Summary.Value
BUCKETS = 30
"""Of a histogram, as many as TensorBoard's own summaries have."""


def event(step: int, values: Iterable[Any], wall_time: float | None = None) -> bytes:
    """Return an event with values.

    Args:
        step: The step of all of them.
        values: What the functions here give.
        wall_time: When it happened, in seconds since 1970. None: now.
    """
    when = time.time() if wall_time is None else wall_time
    serialized: bytes = Event(wall_time=when, step=step, summary=Summary(value=values)).SerializeToString()
    return serialized


def file_version() -> bytes:
    """Return the event that every file begins with."""
    source = SourceMetadata(writer="epochal")
    serialized: bytes = Event(
        wall_time=time.time(), file_version="brain.Event:2", source_metadata=source
    ).SerializeToString()
    return serialized


def run_graph(graph_def: bytes) -> bytes:
    """Return the event with the graph of a run, a serialized `tensorflow.GraphDef`."""
    serialized: bytes = Event(wall_time=time.time(), graph_def=graph_def).SerializeToString()
    return serialized


def scalar(tag: str, value: float) -> Any:
    """Return a number, as a float of 32 bits."""
    return Value(
        tag=tag, metadata=_SCALAR, tensor=TensorProto(dtype=DT_FLOAT, tensor_shape=_NO_AXES, float_val=[value])
    )


def text(tag: str, value: str) -> Any:
    """Return a text, which TensorBoard reads as Markdown."""
    return Value(tag=tag, metadata=_TEXT, tensor=_strings([value.encode()], _NO_AXES))


def histogram(tag: str, array: Any) -> Any:
    """Return how the finite values of an array are distributed; None if none is finite."""
    values = np.asarray(array, np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return None
    buckets = _buckets(values)
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in buckets.shape])
    tensor = TensorProto(dtype=DT_DOUBLE, tensor_shape=shape, tensor_content=buckets.astype("<f8").tobytes())
    return Value(tag=tag, metadata=_HISTOGRAM, tensor=tensor)


def image(tag: str, width: int, height: int, encoded: Sequence[bytes]) -> Any:
    """Return images of one size, each encoded as PNG."""
    contents = [str(width).encode(), str(height).encode(), *encoded]
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=len(contents))])
    return Value(tag=tag, metadata=_IMAGE, tensor=_strings(contents, shape))


def keras_model(tag: str, config: str) -> Any:
    """Return the layers of a model and how they are connected, as Keras's JSON."""
    return Value(tag=tag, metadata=_KERAS_MODEL, tensor=_strings([config.encode()], _NO_AXES))


def profiled_graph(tag: str, graph_def: bytes) -> Any:
    """Return the graph of the steps that were profiled, a serialized `tensorflow.GraphDef`."""
    metadata = RunMetadata()
    metadata.function_graphs.add().pre_optimization_graph.ParseFromString(graph_def)
    return Value(tag=tag, metadata=_PROFILED, tensor=_strings([metadata.SerializeToString()], _NO_AXES))


def _buckets(values: Any) -> Any:
    """Return rows of left edge, right edge and count; a single value is in the last row, as in TensorBoard's own."""
    least, most = values.min(), values.max()
    if least == most:
        alone = [0] * (BUCKETS - 1) + [values.size]
        return np.stack([np.full(BUCKETS, least), np.full(BUCKETS, most), alone], axis=1)
    # Halved, since the range of two large numbers may be more than a float holds.
    edges = np.linspace(least / 2, most / 2, BUCKETS + 1) * 2
    edges[0], edges[-1] = least, most
    counts = np.bincount(np.searchsorted(edges[1:-1], values, side="right"), minlength=BUCKETS)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


def _strings(values: Sequence[bytes], shape: Any) -> Any:
    return TensorProto(dtype=DT_STRING, tensor_shape=shape, string_val=values)


def _hard_coded(plugin: str) -> Any:
    """Return the metadata of what TensorBoard has no function for: version 1, written as text."""
    return SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=b"1"))


_NO_AXES = TensorShapeProto()
_SCALAR = scalars.create_summary_metadata(display_name=None, description=None)
_TEXT = texts.create_summary_metadata(display_name=None, description=None)
_HISTOGRAM = histograms.create_summary_metadata(display_name=None, description=None)
_IMAGE = images.create_summary_metadata(display_name=None, description=None)
_KERAS_MODEL = _hard_coded(graph.PLUGIN_NAME_KERAS_MODEL)
_PROFILED = _hard_coded(graph.PLUGIN_NAME_RUN_METADATA_WITH_GRAPH)
