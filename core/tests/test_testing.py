from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, InvalidCallbackError, OrderError, Outcome, Priority, RunError
from epochal.frameworks import ModelAdapter, adapt
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from pathlib import Path


class Watch(Callback):
    def __init__(self) -> None:
        self.begins: list[int] = []
        self.ends: list[tuple[int, dict[str, Any]]] = []
        self.tests: list[dict[str, Any]] = []
        self.epochs: list[tuple[int, dict[str, Any]]] = []
        self.outputs: list[dict[str, Any]] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.begins.append(batch)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ends.append((batch, dict(logs)))

    def on_test_end(self, logs: Any = None) -> None:
        self.tests.append(dict(logs))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append((epoch, dict(logs)))

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.outputs.append(dict(logs))


def numbers(epoch: int, batch: int) -> dict[str, Any]:
    return {"loss": epoch * 10 + batch}


def test_the_values_of_batches_epochs_and_validation_are_those_of_keras() -> None:
    watch = Watch()
    FakeHost(watch).fit(epochs=2, steps=3, validation_steps=2, values=numbers)
    assert watch.ends[:3] == [(0, {"loss": 0.0}), (1, {"loss": 1.0}), (2, {"loss": 2.0})]
    assert watch.tests == [{"loss": 1.0}, {"loss": 11.0}]
    assert watch.epochs == [(0, {"loss": 2.0, "val_loss": 1.0}), (1, {"loss": 12.0, "val_loss": 11.0})]


def test_a_validation_metric_that_a_callback_adds_is_in_the_epoch() -> None:
    class Adding(Callback):
        def on_test_end(self, logs: Any = None) -> None:
            logs["f1"] = 0.75

    watch = Watch()
    FakeHost(watch, Adding()).fit(validation_steps=1)
    assert watch.epochs[0][1]["val_f1"] == 0.75


def test_several_steps_an_execution_give_the_first_and_the_last_number() -> None:
    watch = Watch()
    FakeHost(watch).fit(steps=9, steps_per_execution=3)
    assert watch.begins == [0, 3, 6]
    assert [batch for batch, _ in watch.ends] == [2, 5, 8]


def test_the_step_of_the_test_is_called_in_every_batch() -> None:
    calls: list[tuple[int, int]] = []
    FakeHost().fit(epochs=2, steps=2, step=lambda epoch, batch: calls.append((epoch, batch)))
    assert calls == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize("known", [True, False])
def test_the_steps_are_known_or_not(known: bool) -> None:
    host = FakeHost()
    for run in (host.fit(steps_known=known), host.evaluate(steps_known=known), host.predict(steps_known=known)):
        assert run.params["steps"] == (3 if known else None)


def test_a_prediction_gives_outputs() -> None:
    watch = Watch()
    FakeHost(watch).predict(steps=2)
    assert watch.outputs == [{"outputs": None}, {"outputs": None}]


def test_stop_training_in_a_batch_still_ends_the_epoch_with_its_validation() -> None:
    class Stopping(Watch):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            super().on_train_batch_end(batch, logs)
            self.model.stop_training = True

    watch = Stopping()
    FakeHost(watch).fit(epochs=3, steps=3, validation_steps=1)
    assert len(watch.ends) == 1
    assert len(watch.tests) == 1
    assert [epoch for epoch, _ in watch.epochs] == [0]


def test_stop_training_in_train_begin_still_trains_a_batch() -> None:
    class Stopping(Watch):
        def on_train_begin(self, logs: Any = None) -> None:
            self.model.stop_training = True

    watch = Stopping()
    FakeHost(watch).fit(epochs=3, steps=3)
    assert len(watch.ends) == 1


def test_a_stop_of_the_run_before_does_not_stop_the_next() -> None:
    host = FakeHost(model=(model := FakeModel()))
    model.stop_training = model.stop_evaluating = model.stop_predicting = True
    outcomes = [run.outcome for run in (host.fit(), host.evaluate(), host.predict())]
    assert outcomes == [Outcome("completed")] * 3


def test_a_model_of_the_tests_own_is_given_on() -> None:
    model = FakeModel()
    watch = Watch()
    run = FakeHost(watch, model=model).fit()
    assert run.model is model
    assert watch.model is model


def test_the_callbacks_are_ordered_as_in_any_run_and_nothing_is_added() -> None:
    class Late(Callback):
        priority = Priority.REPORT

    run = FakeHost(Late(), Watch(), Watch()).fit()
    assert list(run.callbacks) == ["watch", "watch#2", "late"]


def test_errors_of_the_order_and_of_callbacks_come_as_in_any_run() -> None:
    class Circle(Callback):
        after = ("square",)

    class Square(Callback):
        after = ("circle",)

    class Wrong(Callback):
        def on_epoch_end(self) -> None: ...  # type: ignore[override]

    with pytest.raises(OrderError):
        FakeHost(Circle(), Square())
    with pytest.raises(InvalidCallbackError):
        FakeHost(Wrong()).fit()


def test_declared_stateful_metrics_are_on_the_run() -> None:
    assert FakeHost(stateful_metrics=["auc"]).fit().stateful_metrics == frozenset({"auc"})
    assert FakeHost(stateful_metrics=[]).fit().stateful_metrics == frozenset()
    assert FakeHost().fit().stateful_metrics is None


def test_raw_values_leave_the_epochs_logs_to_the_callbacks() -> None:
    watch = Watch()
    FakeHost(watch, stateful_metrics=[]).fit(steps=2, validation_steps=1, values=numbers)
    assert [logs for _, logs in watch.ends] == [{"loss": 0.0}, {"loss": 1.0}]
    assert watch.tests == [{}]
    assert watch.epochs == [(0, {})]


def test_the_last_run_is_kept_also_when_it_failed() -> None:
    def fail(epoch: int, batch: int) -> None:
        raise ValueError("bad")

    host = FakeHost()
    assert getattr(host, "run") is None  # noqa: B009  # mypy would take it for None ever after
    with pytest.raises(ValueError, match="bad"):
        host.fit(step=fail)
    assert host.run is not None
    assert host.run.outcome is not None
    assert host.run.outcome.status == "failed"


def test_no_epochs_and_no_steps_are_a_run_too() -> None:
    assert FakeHost(Watch()).fit(epochs=0).epoch is None
    watch = Watch()
    FakeHost(watch).fit(steps=0)
    assert watch.epochs == [(0, {})]


# What callbacks do with the model


def adapted(model: FakeModel) -> ModelAdapter:
    callback = Callback()
    callback.set_model(model)
    return adapt(callback)


def test_whether_there_is_validation_is_known() -> None:
    assert FakeHost().fit(validation_steps=2).validates is True
    assert FakeHost().fit().validates is False
    assert FakeHost().evaluate().validates is None


def test_the_weights_that_the_adapter_gives_and_takes_are_copies() -> None:
    model = FakeModel({"kernel": [1.0], "bias": [0.0]})
    adapter = adapted(model)
    kept, named = adapter.get_weights(), dict(adapter.named_weights())
    model.weights["kernel"].append(2.0)
    assert kept == [[1.0], [0.0]]
    assert named == {"kernel": [1.0], "bias": [0.0]}
    adapter.set_weights(kept)
    kept[0].append(3.0)
    assert model.weights == {"kernel": [1.0], "bias": [0.0]}
    with pytest.raises(ValueError, match=r"zip\(\)"):
        adapter.set_weights([[1.0]])


def test_the_learning_rate_is_read_and_set() -> None:
    model = FakeModel(learning_rate=0.5)
    adapter = adapted(model)
    assert adapter.learning_rates() == {"learning_rate": 0.5}
    adapter.check_learning_rate("Mine")
    adapter.set_learning_rate("learning_rate", 0.25)
    assert (model.learning_rate, adapter.learning_rates()) == (0.25, {"learning_rate": 0.25})


def test_each_of_several_optimizers_has_a_rate() -> None:
    model = FakeModel(learning_rate={"body": 1, "head": 0.5})
    adapter = adapted(model)
    assert adapter.learning_rates() == {"learning_rate_body": 1.0, "learning_rate_head": 0.5}
    adapter.check_learning_rate("Mine")
    adapter.set_learning_rate("learning_rate_head", 0.25)
    assert model.learning_rate == {"body": 1, "head": 0.25}


def test_a_schedule_is_read_at_the_steps_made_and_cannot_be_set() -> None:
    model = FakeModel(learning_rate=lambda step: 1 / (1 + step))
    adapter = adapted(model)
    model.iterations = 3
    assert (adapter.iterations, adapter.learning_rates()) == (3, {"learning_rate": 0.25})
    with pytest.raises(RunError, match="Mine sets the learning rate, which is a schedule"):
        adapter.check_learning_rate("Mine")
    with pytest.raises(RunError, match="a callback sets the learning rate, which is a schedule"):
        adapter.set_learning_rate("learning_rate", 1.0)


def test_a_model_without_an_optimizer_has_no_rate_and_no_steps() -> None:
    adapter = adapted(FakeModel(learning_rate=None))
    assert (adapter.iterations, adapter.learning_rates()) == (None, {})
    with pytest.raises(RunError, match="Mine sets the learning rate, which is not there"):
        adapter.check_learning_rate("Mine")


def test_the_metrics_are_those_declared() -> None:
    adapter = adapted(FakeModel(metrics={"f1": "max", "accuracy": None, "other": None}))
    assert adapter.log_keys() == frozenset(["f1", "accuracy", "other"])
    assert [adapter.direction_of(name) for name in ("f1", "accuracy", "other", "loss")] == ["max", "max", None, "min"]
    assert adapted(FakeModel()).log_keys() is None
    assert adapted(FakeModel(metrics={})).log_keys() == frozenset()


def test_averages_are_swapped_and_settled() -> None:
    model = FakeModel({"kernel": [1.0]})
    adapter = adapted(model)
    for use in (adapter.check_averages, adapter.swap_averages, adapter.settle_averages):
        with pytest.raises(ValueError, match="keeps no moving average"):
            use()
    model.averages = {"kernel": [0.5]}
    adapter.check_averages()
    adapter.swap_averages()
    assert (model.weights, model.averages) == ({"kernel": [0.5]}, {"kernel": [1.0]})
    adapter.settle_averages()
    model.weights["kernel"].append(2.0)
    assert model.averages == {"kernel": [0.5]}


def test_a_saved_model_is_a_file_of_its_weights(tmp_path: Path) -> None:
    model = FakeModel({"kernel": [1.0]})
    adapter = adapted(model)
    for save, path in ((adapter.save, tmp_path / "whole"), (adapter.save_weights, tmp_path / "weights")):
        save(path)
        assert json.loads(path.read_text()) == {"kernel": [1.0]}
    assert adapter.state_tree() == {"weights": {"kernel": [1.0]}}
    assert adapter.state_tree()["weights"]["kernel"] is not model.weights["kernel"]
