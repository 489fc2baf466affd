# /// script
# dependencies = ["aim>=3.29; python_version < '3.13'", "setuptools<81"]
# ///
"""Aim's AimCallback: it never calls the constructor of Keras's Callback, and opens its run when it is created."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aim
import pytest

if TYPE_CHECKING:
    from .conftest import Way

NAME = "aim.keras:AimCallback"
PARAMETERS = {"repo": ".", "log_system_params": False, "capture_terminal_logs": False}


def _tracked(callback: Any) -> dict[tuple[str, str], list[float]]:
    """Read the metrics of the callback's run, (subset, name) to values, and close it."""
    metrics = [each for each in callback.experiment.metrics() if "subset" in each.context.to_dict()]
    tracked = {(each.context.to_dict()["subset"], each.name): each.values.values_list() for each in metrics}
    callback.close()
    return tracked


def test_the_metrics_of_every_epoch_are_tracked(way: Way, model: Any, data: tuple[Any, Any]) -> None:
    history = way.fit(model, *data, validation_split=0.25, epochs=3, callback=NAME, parameters=PARAMETERS)
    tracked = _tracked(history.run.callbacks["aim_callback"])
    for metric, values in history.history.items():
        subset, name = ("val", metric[4:]) if metric.startswith("val_") else ("train", metric)
        assert tracked[subset, name] == pytest.approx(values)
    assert len(tracked) == len(history.history)


def test_evaluate_and_predict_open_no_run(named: Way, model: Any, data: tuple[Any, Any]) -> None:
    repo = aim.Repo.from_path(".", init=True)
    named.call("evaluate", model, *data, callback=NAME, parameters=PARAMETERS)
    named.call("predict", model, data[0], callback=NAME, parameters=PARAMETERS)
    assert repo.list_all_runs() == []
