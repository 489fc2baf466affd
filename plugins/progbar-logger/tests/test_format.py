from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal.views import WIDTH, number
from epochal_progbar_logger.format import counted, duration, metrics, pace, span


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.45123, "0.4512"),
        (12.0, "12.0000"),
        (-3.5, "-3.5000"),
        (0.0, "0.0000"),
        (1e-4, "1.00e-04"),
        (-1e-4, "-1.0e-04"),
        (1e-7, "1.00e-07"),
        (1234.56789, "1234.568"),
        (99_999.9, "1.00e+05"),
        (-3e143, "-3e+143"),
        (0.0010000000474974513, "0.0010"),
        (1234567.0, "1.23e+06"),
        (7, "7"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
    ],
)
def test_number(value: float, text: str) -> None:
    assert number(value) == text


@given(st.floats(-1e300, 1e300))
def test_a_number_keeps_its_size_and_never_needs_a_wider_column(value: float) -> None:
    text = number(value)
    assert len(text) <= WIDTH
    assert float(text) == pytest.approx(value, rel=0.5, abs=0)


def test_metrics_of_all_kinds() -> None:
    logs = {
        "loss": 0.5,
        "count": 3,
        "best": True,
        "note": "two\n\x1b[31mlines",
        "one": np.array([0.25]),
        "confusion": np.eye(3) * 0.75,
        "ragged": [[1], [1, 2]],
        "nothing": None,
        "object": object(),
    }
    assert metrics(logs) == (
        ("loss", "0.5000"),
        ("count", "3"),
        ("best", "True"),
        ("note", "two [31mlines"),
        ("one", "0.2500"),
        ("confusion", "0.2500"),
    )


def test_metrics_are_in_reading_order() -> None:
    names = ("accuracy", "learning_rate", "loss", "val_accuracy", "val_loss")
    assert [name for name, _ in metrics(dict.fromkeys(names, 0.5))] == [
        *("loss", "accuracy", "learning_rate"),
        *("val_loss", "val_accuracy"),
    ]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (3.9, "0:03"), (61, "1:01"), (3723, "1:02:03"), (360000, "100:00:00"), (-1, "0:00")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.00 us/step"),
        (0.00035, "350 us/step"),
        (0.000999, "999 us/step"),
        (0.0009999, "1.00 ms/step"),
        (0.0213, "21.3 ms/step"),
        (0.9999, "1.00 s/step"),
        (250.0, "250 s/step"),
    ],
)
def test_pace(seconds: float, text: str) -> None:
    assert pace(seconds) == text
    assert span(seconds) == text.removesuffix("/step")


def test_counted() -> None:
    assert (counted(0, "epoch"), counted(1, "epoch"), counted(2, "epoch")) == ("0 epochs", "1 epoch", "2 epochs")
