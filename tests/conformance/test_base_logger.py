"""BaseLogger against that of tf-keras 2, and against its formula where tf-keras's own goes wrong.

Keras 3 has no BaseLogger. tf-keras's needs `params["metrics"]`, which is given here, and goes wrong where a batch has
several steps or no size; there ours is held against the formula alone.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
import tf_keras
from hypothesis import given, settings
from hypothesis import strategies as st

from epochal_base_logger import BaseLogger

METRICS = ("accuracy", "auc", "loss")
SETTINGS = settings(deadline=None)

values = st.floats(-1e9, 1e9)
stateful = st.sets(st.sampled_from(METRICS))


def epochs(**more: st.SearchStrategy[int]) -> st.SearchStrategy[list[list[dict[str, Any]]]]:
    """Return a few epochs of a few batches, as the logs of the batches."""
    batch = st.fixed_dictionaries({**dict.fromkeys(METRICS, values), "size": st.integers(1, 512), **more})
    return st.lists(st.lists(batch, min_size=1, max_size=130), min_size=1, max_size=3)


def _results(callback: Any, batches_of: list[list[dict[str, Any]]]) -> list[dict[str, float]]:
    """Send all epochs to a callback; gives what it writes into the logs of each."""
    callback.set_params({"epochs": len(batches_of), "steps": None, "verbose": 0, "metrics": METRICS})
    results: list[dict[str, float]] = []
    for epoch, batches in enumerate(batches_of):
        callback.on_epoch_begin(epoch)
        for number, logs in enumerate(batches):
            callback.on_train_batch_end(number, dict(logs))
        results.append({})
        callback.on_epoch_end(epoch, results[-1])
    return results


def _formula(batches: list[dict[str, Any]], name: str, stateful: set[str]) -> float:
    if name in stateful:
        return float(batches[-1][name])
    weights = [batch.get("size", 1) * batch.get("num_steps", 1) for batch in batches]
    total = math.fsum(batch[name] * weight for batch, weight in zip(batches, weights, strict=True))
    return total / float(sum(weights))


def _close(results: list[dict[str, float]]) -> list[Any]:
    # Sums of 130 values of up to 1e9 differ by rounding, also where they cancel out.
    return [pytest.approx(result, rel=1e-9, abs=1e-4) for result in results]


@SETTINGS
@given(epochs(), stateful)
def test_it_is_that_of_tf_keras(batches_of: list[list[dict[str, Any]]], stateful: set[str]) -> None:
    expected = _results(tf_keras.callbacks.BaseLogger(stateful_metrics=stateful), batches_of)
    assert _results(BaseLogger(stateful), batches_of) == _close(expected)


@SETTINGS
@given(epochs(num_steps=st.integers(1, 8)), stateful)
def test_it_is_the_mean_by_examples_and_steps(batches_of: list[list[dict[str, Any]]], stateful: set[str]) -> None:
    expected = [{name: _formula(batches, name, stateful) for name in METRICS} for batches in batches_of]
    assert _results(BaseLogger(stateful), batches_of) == _close(expected)


@SETTINGS
@given(epochs(), stateful)
def test_batches_without_a_size_weigh_the_same(batches_of: list[list[dict[str, Any]]], stateful: set[str]) -> None:
    bare = [[{name: batch[name] for name in METRICS} for batch in batches] for batches in batches_of]
    expected = [{name: _formula(batches, name, stateful) for name in METRICS} for batches in bare]
    assert _results(BaseLogger(stateful), bare) == _close(expected)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_kept(value: float) -> None:
    batches_of = [[{**dict.fromkeys(METRICS, each), "size": 2} for each in (1.0, value, 2.0)]]
    expected = _results(tf_keras.callbacks.BaseLogger(), batches_of)
    assert _results(BaseLogger(), batches_of) == [pytest.approx(result, nan_ok=True) for result in expected]
