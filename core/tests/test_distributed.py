from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from epochal import Callback
from epochal.frameworks.replicas import merge_replicas
from epochal.testing import BareHost, FakeHost
from epochal.workers.chief import is_chief


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TF_CONFIG", "RANK"):
        monkeypatch.delenv(name, raising=False)
    for name in ("jax", "keras", "tensorflow"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def replicas(*values: Any) -> Any:
    """What `strategy.run` gives: TensorFlow's PerReplica has the values as a tuple."""
    return SimpleNamespace(values=values)


def test_alone_is_chief() -> None:
    assert is_chief()


@pytest.mark.parametrize(("rank", "chief"), [("0", True), ("1", False), ("12", False)])
def test_of_the_processes_of_torchrun_rank_0_is_chief(monkeypatch: pytest.MonkeyPatch, rank: str, chief: bool) -> None:
    monkeypatch.setenv("RANK", rank)
    assert is_chief() is chief


@pytest.mark.parametrize(
    ("cluster", "task", "chief"),
    [
        ({"worker": ["a", "b"]}, {"type": "worker", "index": 0}, True),
        ({"worker": ["a", "b"]}, {"type": "worker", "index": 1}, False),
        ({"worker": ["a", "b"]}, {"type": "worker", "index": "0"}, True),
        ({"chief": ["a"], "worker": ["b"]}, {"type": "chief", "index": 0}, True),
        ({"chief": ["a"], "worker": ["b"]}, {"type": "worker", "index": 0}, False),
        ({"master": ["a"], "worker": ["b"]}, {"type": "master", "index": 0}, True),
        ({"worker": ["a"], "ps": ["b"]}, {"type": "ps", "index": 0}, False),
        ({"worker": ["a"]}, {"type": "evaluator", "index": 0}, False),
        ({}, {}, True),
        (None, None, True),
    ],
)
def test_of_the_workers_of_tensorflow_the_chief_or_else_worker_0_is_chief(
    monkeypatch: pytest.MonkeyPatch, cluster: Any, task: Any, chief: bool
) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task} if cluster is not None else {}))
    assert is_chief() is chief


def test_tf_config_goes_before_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}))
    monkeypatch.setenv("RANK", "3")
    assert is_chief()


@pytest.mark.parametrize(("index", "chief"), [(0, True), (2, False)])
def test_of_the_processes_of_jax_the_first_is_chief(monkeypatch: pytest.MonkeyPatch, index: int, chief: bool) -> None:
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(process_index=lambda: index))
    keras = SimpleNamespace(config=SimpleNamespace(backend=lambda: "jax"))
    monkeypatch.setitem(sys.modules, "keras", keras)
    assert is_chief() is chief


def test_jax_is_not_asked_where_keras_runs_on_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(process_index=lambda: 2))
    assert is_chief()
    keras = SimpleNamespace(config=SimpleNamespace(backend=lambda: "torch"))
    monkeypatch.setitem(sys.modules, "keras", keras)
    assert is_chief()


def test_values_that_came_once_stay_the_same_objects() -> None:
    value = object()
    assert merge_replicas({"loss": value, "size": 4, "text": "a"}) == {"loss": value, "size": 4, "text": "a"}
    assert merge_replicas({}) == {}


def test_sizes_are_added_and_values_averaged_by_them() -> None:
    assert merge_replicas({"loss": replicas(1.0, 4.0), "size": replicas(2, 1)}) == {"loss": 2.0, "size": 3}


def test_without_sizes_the_mean_is_plain() -> None:
    assert merge_replicas({"loss": replicas(1.0, 4.0)}) == {"loss": 2.5}
    assert merge_replicas({"loss": replicas(1.0, 4.0), "size": 8}) == {"loss": 2.5, "size": 8}


def test_a_single_replica_is_its_value() -> None:
    assert merge_replicas({"loss": replicas(3.0), "size": replicas(2)}) == {"loss": 3.0, "size": 2}


def test_sizes_of_another_number_of_replicas_weigh_nothing() -> None:
    assert merge_replicas({"loss": replicas(1.0, 3.0), "size": replicas(5)}) == {"loss": 2.0, "size": 5}


def test_the_name_of_the_size_may_be_another() -> None:
    assert merge_replicas({"loss": replicas(1.0, 4.0), "n": replicas(2, 1)}, size="n") == {"loss": 2.0, "n": 3}


def test_the_arithmetic_is_the_values_own() -> None:
    merged = merge_replicas(
        {"loss": replicas(np.float32(1), np.float32(4)), "size": replicas(np.float32(2), np.float32(1))}
    )
    assert isinstance(merged["loss"], np.float32)
    assert merged["loss"] == 2.0


def test_sizes_of_another_type_are_brought_to_that_of_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    tensorflow = SimpleNamespace(cast=lambda number, dtype: number.astype(dtype))
    monkeypatch.setitem(sys.modules, "tensorflow", tensorflow)
    merged = merge_replicas(
        {"loss": replicas(np.float32(1), np.float32(4)), "size": replicas(np.int64(2), np.int64(1))}
    )
    assert merged["loss"].dtype == np.float32
    assert merged["loss"] == 2.0
    assert merged["size"] == 3


@pytest.mark.parametrize("value", [{"values": 1}.values, SimpleNamespace(values=()), SimpleNamespace(values=[1, 2])])
def test_what_only_happens_to_have_values_is_left_alone(value: Any) -> None:
    holder = value if isinstance(value, SimpleNamespace) else SimpleNamespace(values=value)
    assert merge_replicas({"x": holder})["x"] is holder


def test_a_callback_says_whether_its_process_is_the_chief(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    class Asking(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            asked.append(self.is_chief)

    BareHost(Asking()).fit()
    monkeypatch.setenv("RANK", "1")
    BareHost(Asking()).fit()
    FakeHost(Asking()).fit()
    assert asked == [True, False, False]
