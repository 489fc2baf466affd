# /// script
# dependencies = ["mlflow>=2.16"]
# ///
"""MLflow's MlflowCallback: it has the alias `on_batch_end` alone, and its metaclass swallows what it raises."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}  # read when it is imported
import mlflow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Way

NAME = "mlflow.keras:MlflowCallback"


@pytest.fixture(scope="session", autouse=True)
def _store(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Create a store on the disk once; to make one takes long."""
    folder = tmp_path_factory.mktemp("store")
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.create_experiment("epochal", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("epochal")


@pytest.fixture
def run_id(_store: None) -> Iterator[str]:
    """Yield a run; it ends with the test."""
    with mlflow.start_run() as run:
        yield run.info.run_id


def _stored(run_id: str, metric: str) -> list[tuple[int, float]]:
    mlflow.flush_async_logging()
    return [(each.step, each.value) for each in mlflow.MlflowClient().get_metric_history(run_id, metric)]


def test_the_metrics_of_every_epoch_are_stored(way: Way, run_id: str, model: Any, data: tuple[Any, Any]) -> None:
    history = way.fit(model, *data, validation_split=0.25, epochs=3, callback=NAME).history
    for metric in ("loss", "accuracy", "val_loss", "val_accuracy"):
        assert dict(_stored(run_id, metric)) == pytest.approx(dict(enumerate(history[metric])))
    assert len(_stored(run_id, "validation_loss")) == 3  # the validation inside of the fit
    assert mlflow.get_run(run_id).data.params["optimizer_name"] == "adam"


def test_the_metrics_of_batches_are_stored_once(way: Way, run_id: str, model: Any, data: tuple[Any, Any]) -> None:
    parameters = {"log_every_epoch": False, "log_every_n_steps": 1}
    history = way.fit(model, *data, batch_size=10, epochs=2, callback=NAME, parameters=parameters).history
    stored = _stored(run_id, "loss")
    assert [step for step, _ in stored] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [stored[3][1], stored[7][1]] == pytest.approx(history["loss"])


def test_an_evaluation_is_stored(named: Way, run_id: str, model: Any, data: tuple[Any, Any]) -> None:
    result = named.call("evaluate", model, *data, callback=NAME, parameters={}, return_dict=True)
    ((_, loss),) = _stored(run_id, "validation_loss")
    assert loss == pytest.approx(result["loss"])


def test_a_prediction_stores_nothing(named: Way, run_id: str, model: Any, data: tuple[Any, Any]) -> None:
    named.call("predict", model, data[0], callback=NAME, parameters={})
    assert mlflow.get_run(run_id).data.metrics == {}
