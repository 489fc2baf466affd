"""The graph of a training step, found behind what Keras calls once a batch. TensorFlow is imported already then."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def step_graph(function: Any) -> bytes | None:
    """Return the graph that TensorFlow traced for one step, as a serialized `tensorflow.GraphDef`.

    Keras's `model.train_function` is a plain function. It holds a `tf.function` that takes batches from an iterator,
    and this one holds another for the step on a batch. The innermost is taken: in the outer ones the whole step is one
    call.

    Args:
        function: `model.train_function`, or None.

    Returns:
        The graph; None if nothing was traced, as on other backends, with `run_eagerly=True` and before the first batch.
    """
    graph = None
    for each in _graph_functions(function, set()):
        # There is no public way to a trace without the arguments that led to it.
        graph = getattr(getattr(each, "_concrete_variable_creation_fn", None), "graph", graph)
    if graph is None:
        return None
    serialized: bytes = graph.as_graph_def().SerializeToString()
    return serialized


def _graph_functions(function: Any, seen: set[int]) -> Iterator[Any]:
    """Yield every `tf.function` that a function is, wraps or holds, a caller before what it calls."""
    is_graph = hasattr(function, "experimental_get_tracing_count")
    if id(function) in seen or not (is_graph or inspect.isfunction(function)):
        return
    seen.add(id(function))
    if is_graph:
        yield function
    held = [getattr(function, name, None) for name in ("python_function", "__wrapped__")]
    for cell in getattr(function, "__closure__", None) or ():
        with contextlib.suppress(ValueError):  # nothing is in it yet
            held.append(cell.cell_contents)
    for each in held:
        yield from _graph_functions(each, seen)
