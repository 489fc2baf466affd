# /// script
# dependencies = ["optuna-integration[keras]>=4.0"]
# ///
"""Optuna's KerasPruningCallback: it ends the training by an exception that its study has to see as it is."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import optuna
import pytest

import epochal
from tests.recording import notes

if TYPE_CHECKING:
    from .conftest import Way

NAME = "optuna_integration:KerasPruningCallback"


class _From(optuna.pruners.BasePruner):  # type: ignore[misc]  # read without its types
    """Prunes every trial at an epoch."""

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def prune(self, study: optuna.Study, trial: optuna.trial.FrozenTrial) -> bool:
        return bool(trial.last_step == self.epoch)


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the module in which the config finds the trial, as a user's own would hold it."""
    module = ModuleType("current")
    monkeypatch.setitem(sys.modules, "current", module)
    return module


def _study(way: Way, current: Any, model: Any, data: tuple[Any, Any], pruner: Any, errors: list[Any]) -> optuna.Study:
    def objective(trial: optuna.Trial) -> float:
        current.trial = trial
        parameters = {"trial": "current:trial", "monitor": "loss"}
        try:
            history = way.fit(model, *data, epochs=4, callback=NAME, parameters=parameters)
        except BaseException as error:
            errors.append(error)
            raise
        return float(history.history["loss"][-1])

    study = optuna.create_study(pruner=pruner)
    study.optimize(objective, n_trials=1)
    return study


def test_the_study_prunes_the_trial(way: Way, current: Any, model: Any, data: tuple[Any, Any]) -> None:
    errors: list[Any] = []
    (trial,) = _study(way, current, model, data, _From(1), errors).trials
    assert trial.state is optuna.trial.TrialState.PRUNED
    assert list(trial.intermediate_values) == [0, 1]
    assert list(trial.intermediate_values.values()) == pytest.approx(model.history.history["loss"])
    (error,) = errors
    assert type(error) is optuna.TrialPruned
    assert str(error) == "Trial was pruned at epoch 1."
    origin = "epochal-theirs 1.0" if way.way == "entry point" else "module optuna_integration"
    assert any(
        note.startswith(f"raised by the callback 'keras_pruning_callback' ({origin}")
        and note.endswith("in on_epoch_end")
        for note in notes(error)
    )


def test_a_trial_that_is_not_pruned_gets_every_value(way: Way, current: Any, model: Any, data: tuple[Any, Any]) -> None:
    (trial,) = _study(way, current, model, data, optuna.pruners.NopPruner(), []).trials
    assert trial.state is optuna.trial.TrialState.COMPLETE
    assert list(trial.intermediate_values.values()) == pytest.approx(model.history.history["loss"])


def test_the_rest_of_the_run_ends_as_after_any_error(current: Any, model: Any, data: tuple[Any, Any]) -> None:
    outcomes = []

    class Watch(epochal.Callback):
        def on_run_end(self, outcome: epochal.Outcome) -> None:
            outcomes.append(outcome)

    def objective(trial: optuna.Trial) -> float:
        theirs = optuna_integration.KerasPruningCallback(trial, "loss")
        epochal.fit(model, *data, epochs=4, verbose=0, callbacks=[theirs, Watch()])
        raise AssertionError("not pruned")

    import optuna_integration

    study = optuna.create_study(pruner=_From(0))
    study.optimize(objective, n_trials=1)
    assert study.trials[0].state is optuna.trial.TrialState.PRUNED
    assert [(each.status, type(each.exception)) for each in outcomes] == [("failed", optuna.TrialPruned)]
