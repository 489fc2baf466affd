"""The graph of a training step, found behind functions that hold each other as Keras's do."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from epochal.frameworks.step_graph import step_graph


class GraphFunction:
    """What is used of a `tf.function`."""

    def __init__(self, python_function: Any, graph: bytes | None) -> None:
        self.python_function = python_function
        serialized = SimpleNamespace(SerializeToString=lambda: graph)
        traced = SimpleNamespace(graph=SimpleNamespace(as_graph_def=lambda: serialized))
        self._concrete_variable_creation_fn = None if graph is None else traced

    def __call__(self) -> Any:
        return self.python_function()

    def experimental_get_tracing_count(self) -> int:
        return 0 if self._concrete_variable_creation_fn is None else 1


def _train_function(inner: Any, outer_graph: bytes | None = b"outer") -> Any:
    @functools.wraps(inner)
    def wrapped() -> Any:
        return inner()

    def multi_step() -> Any:
        return wrapped()

    multi = GraphFunction(multi_step, outer_graph)

    def function() -> Any:
        return multi()

    return function


def test_the_innermost_is_taken() -> None:
    assert step_graph(_train_function(GraphFunction(lambda: 1, b"inner"))) == b"inner"


def test_what_was_not_traced_is_passed_over() -> None:
    assert step_graph(_train_function(GraphFunction(lambda: 1, None))) == b"outer"


def test_nothing_traced_is_no_graph() -> None:
    assert step_graph(_train_function(lambda: 1, outer_graph=None)) is None
    assert step_graph(None) is None
    assert step_graph(42) is None


def test_functions_that_hold_themselves() -> None:
    def function() -> Any:
        return function() and later()

    assert step_graph(function) is None

    def later() -> Any:
        return None
