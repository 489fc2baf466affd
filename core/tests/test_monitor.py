"""The metric that a callback watches, and the checks of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from epochal import Callback
from epochal.monitor import Monitor, switch, verbosity
from epochal.testing import FakeModel


def _watching(metric: str, mode: str = "auto", metrics: dict[str, str | None] | None = None) -> Monitor:
    owner = Callback()
    owner.set_model(FakeModel(metrics=metrics))
    return Monitor(owner, metric, mode)


def test_a_metric_that_does_not_come_and_whose_direction_nothing_tells_is_an_error() -> None:
    with (
        pytest.warns(UserWarning, match="'val_skore', which is not in the logs. Did you mean 'val_score'"),
        pytest.raises(ValueError, match="mode='min' or mode='max'"),
    ):
        _watching("val_skore").read({"val_score": 1.0})


@pytest.mark.parametrize(
    "monitor", [_watching("val_skore", "max"), _watching("val_loss"), _watching("val_f1", metrics={"f1": "max"})]
)
def test_a_metric_that_does_not_come_is_warned_of_once(monitor: Monitor) -> None:
    with pytest.warns(UserWarning, match="not in the logs") as warned:
        assert [monitor.read({"val_score": 1.0}), monitor.read(None)] == [None, None]
    assert len(warned) == 1


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), np.array([0.5]), np.array([[0.5]])])
def test_an_array_of_one_value_is_a_scalar_too(value: Any) -> None:
    assert _watching("val_f1", "max").read({"val_f1": value}) == 0.5


@pytest.mark.parametrize("value", [[0.5], np.array([0.5, 0.5]), np.array([]), "high"], ids=str)
def test_anything_else_is_said_once_and_read_as_nothing(value: Any) -> None:
    monitor = _watching("val_f1", "max")
    with pytest.warns(UserWarning, match="monitors 'val_f1', which is no scalar: ") as warned:
        assert [monitor.read({"val_f1": value}) for _ in range(2)] == [None, None]
    assert len(warned) == 1


@pytest.mark.parametrize("value", [True, False, 0, 1, np.True_, np.False_])
def test_a_switch_is_on_or_off(value: Any) -> None:
    assert switch(Callback(), "raise_error", value) is bool(value)


@pytest.mark.parametrize("value", ["True", None, 2, -1, 1.0, [], np.ones(2)])
def test_anything_else_is_no_switch(value: Any) -> None:
    with pytest.raises(TypeError, match=r"Callback: raise_error=.* has to be True or False"):
        switch(Callback(), "raise_error", value)


def test_verbosity_is_a_bool_or_a_number() -> None:
    assert [verbosity(Callback(), value) for value in (False, True, 0, 1, 2)] == [0, 1, 0, 1, 2]
    with pytest.raises(TypeError, match="verbose='auto'"):
        verbosity(Callback(), "auto")
    with pytest.raises(ValueError, match="verbose=-1"):
        verbosity(Callback(), -1)
