# /// script
# dependencies = ["dvclive>=3.48"]
# ///
"""DVCLive's DVCLiveCallback: it writes a file for every metric, and begins its folder anew when it is created."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Way

NAME = "dvclive.keras:DVCLiveCallback"
PARAMETERS = {"dir": "live", "save_dvc_exp": False, "monitor_system": False}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_NO_ANALYTICS", "true")


def _written(metric: str) -> list[float]:
    with Path("live/plots/metrics", f"{metric}.tsv").open() as file:
        return [float(row[metric.rpartition("/")[2]]) for row in csv.DictReader(file, delimiter="\t")]


def test_the_metrics_of_every_epoch_are_written(way: Way, model: Any, data: tuple[Any, Any]) -> None:
    history = way.fit(model, *data, validation_split=0.25, epochs=3, callback=NAME, parameters=PARAMETERS).history
    assert _written("train/loss") == pytest.approx(history["loss"])
    assert _written("eval/accuracy") == pytest.approx(history["val_accuracy"])
    summary = json.loads(Path("live/metrics.json").read_text())
    assert summary["step"] == 2
    assert summary["eval"]["loss"] == pytest.approx(history["val_loss"][-1])


def test_an_evaluation_leaves_what_the_fit_wrote(named: Way, model: Any, data: tuple[Any, Any]) -> None:
    named.fit(model, *data, epochs=2, callback=NAME, parameters=PARAMETERS)
    before = _written("train/loss")
    named.call("evaluate", model, *data, callback=NAME, parameters=PARAMETERS)
    named.call("predict", model, data[0], callback=NAME, parameters=PARAMETERS)
    assert len(before) == 2
    assert _written("train/loss") == before
