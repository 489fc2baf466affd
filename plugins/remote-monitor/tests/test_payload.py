"""What is sent for an epoch is JSON, and what Keras sends."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from epochal_remote_monitor.payload import as_json, make_payload

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


_ANY_TIME = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not in JSON")


@_ANY_TIME
@given(_VALUES)
def test_any_values_become_json_that_every_reader_takes(value: Any) -> None:
    made = as_json(value)
    assert json.loads(json.dumps(made), parse_constant=_no_constant) == made


@_ANY_TIME
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.text() | st.booleans() | st.none())
def test_what_json_has_stays(value: Any) -> None:
    assert as_json(value) == value
    assert type(as_json(value)) is type(value)


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (np.arange(1), 0),
        (np.float32(1.0), 1.0),
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.array(0.5), 0.5),
        (np.array([[0.5]]), 0.5),
        (np.array([0.5, np.nan]), [0.5, None]),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array([]), []),
        (np.float32("nan"), None),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        ([1.0, math.nan], [1.0, None]),
        ((1, 2), [1, 2]),
        ({1: np.float32(0.5)}, {"1": 0.5}),
        (1 + 2j, "(1+2j)"),
        (b"text", "b'text'"),
    ],
    ids=repr,
)
def test_values_that_json_has_not(value: Any, made: Any) -> None:
    assert as_json(value) == made
    assert type(as_json(value)) is type(made)


def test_the_epoch_stands_beside_the_metrics() -> None:
    assert make_payload(3, {"loss": 0.5, "val_loss": math.nan}) == {"epoch": 3, "loss": 0.5, "val_loss": None}
