"""The metrics of epochs, batches and evaluations."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from epochal import Callback, Logs, Priority
from epochal.state import dump_state, parse_state
from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard

if TYPE_CHECKING:
    from pathlib import Path


def _values(epoch: int, batch: int) -> dict[str, float]:
    return {"loss": epoch + batch / 8, "accuracy": 0.5}


def _f32(value: float) -> float:
    return float(np.float32(value))


def test_epochs(model: Any, logs: Path, scalars: Any) -> None:
    FakeHost(TensorBoard(logs), model=model).fit(epochs=2, validation_steps=2, values=_values)
    assert scalars(logs / "train") == {
        "epoch_accuracy": [(0, 0.5), (1, 0.5)],
        "epoch_loss": [(0, 0.25), (1, 1.25)],
        "epoch_learning_rate": [(0, _f32(0.01)), (1, _f32(0.01))],
    }
    assert scalars(logs / "validation") == {
        "epoch_accuracy": [(0, 0.5), (1, 0.5)],
        "epoch_loss": [(0, 0.125), (1, 1.125)],
        "evaluation_accuracy_vs_iterations": [(0, 0.5), (0, 0.5)],
        "evaluation_loss_vs_iterations": [(0, 0.125), (0, 1.125)],
    }


def test_without_validation_there_is_no_folder_for_it(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs), model=model).fit()
    assert [path.name for path in logs.iterdir()] == ["train"]
    assert len(list((logs / "train").iterdir())) == 1


def test_initial_epoch(model: Any, logs: Path, scalars: Any) -> None:
    FakeHost(TensorBoard(logs), model=model).fit(epochs=5, initial_epoch=3)
    assert [step for step, _ in scalars(logs / "train")["epoch_loss"]] == [3, 4]


def test_a_model_without_optimizer(model: Any, logs: Path, scalars: Any) -> None:
    model.learning_rate = None
    FakeHost(TensorBoard(logs), model=model).fit(validation_steps=1)
    assert set(scalars(logs / "train")) == {"epoch_loss"}
    assert set(scalars(logs / "validation")) == {"epoch_loss"}


def test_a_schedule(model: Any, logs: Path, scalars: Any) -> None:
    model.learning_rate = lambda step: 1 / (1 + step)

    def step(epoch: int, batch: int) -> None:
        model.iterations += 1

    FakeHost(TensorBoard(logs), model=model).fit(epochs=2, steps=1, step=step)
    assert scalars(logs / "train")["epoch_learning_rate"] == [(0, 0.5), (1, _f32(1 / 3))]


def test_the_rate_in_the_logs_is_the_one_that_is_written(model: Any, logs: Path, scalars: Any) -> None:
    """A callback that reduces the rate at the end of an epoch puts that of the epoch into the logs first."""

    class Reduces(Callback):
        priority = Priority.SCHEDULE

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["learning_rate"] = self.model.learning_rate
            self.model.learning_rate /= 2

    model.learning_rate = 0.5
    FakeHost(TensorBoard(logs), Reduces(), model=model).fit(epochs=2)
    assert scalars(logs / "train")["epoch_learning_rate"] == [(0, 0.5), (1, 0.25)]


def test_evaluations_go_over_the_optimizer_s_steps(model: Any, logs: Path, scalars: Any) -> None:
    board = TensorBoard(logs)
    for iterations in (10, 20):
        model.iterations = iterations
        FakeHost(board, model=model).evaluate(values=lambda epoch, batch: {"loss": 0.5})
    assert scalars(logs / "validation") == {"evaluation_loss_vs_iterations": [(10, 0.5), (20, 0.5)]}
    assert not (logs / "train").exists()


def test_predictions_write_nothing(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs, update_freq=1), model=model).predict()
    assert not logs.exists()


@pytest.mark.parametrize(
    ("update_freq", "steps"),
    [("epoch", []), ("batch", [1, 2, 3, 4, 5, 6, 7, 8]), (1, [1, 2, 3, 4, 5, 6, 7, 8]), (3, [3, 6]), (9, [])],
)
def test_batches(model: Any, logs: Path, scalars: Any, update_freq: Any, steps: list[int]) -> None:
    FakeHost(TensorBoard(logs, update_freq=update_freq), model=model).fit(epochs=2, steps=4, values=_values)
    found = scalars(logs / "train")
    expected = [(step, _values(*divmod(step - 1, 4))["loss"]) for step in steps]
    assert found.get("batch_loss", []) == expected
    assert len(found["epoch_loss"]) == 2  # whatever the frequency is


def test_several_steps_in_one_execution_count(model: Any, logs: Path, scalars: Any) -> None:
    board = TensorBoard(logs, update_freq="batch")
    FakeHost(board, model=model).fit(epochs=2, steps=7, steps_per_execution=3)
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [3, 6, 7, 10, 13, 14]
    assert board.train_steps == 14


def test_a_frequency_that_falls_into_an_execution(model: Any, logs: Path, scalars: Any) -> None:
    FakeHost(TensorBoard(logs, update_freq=4), model=model).fit(steps=12, steps_per_execution=3)
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [6, 9, 12]


def test_the_number_of_steps_is_not_known(model: Any, logs: Path, scalars: Any) -> None:
    FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(epochs=2, steps=3, steps_known=False)
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [1, 2, 3, 4, 5, 6]


def test_a_second_fit_goes_on_counting(model: Any, logs: Path, scalars: Any) -> None:
    board = TensorBoard(logs, update_freq=1)
    for _ in range(2):
        FakeHost(board, model=model).fit(steps=3)
    assert [step for step, _ in scalars(logs / "train")["batch_loss"]] == [1, 2, 3, 4, 5, 6]
    assert len(list((logs / "train").iterdir())) == 2


def test_a_resumed_run_goes_on_counting(model: Any, tmp_path: Path, scalars: Any) -> None:
    whole = TensorBoard(tmp_path / "whole", update_freq=2)
    FakeHost(whole, model=model).fit(epochs=4, steps=3, validation_steps=2)
    first = TensorBoard(tmp_path / "parts", update_freq=2)
    FakeHost(first, model=model).fit(epochs=2, steps=3, validation_steps=2)
    second = TensorBoard(tmp_path / "parts", update_freq=2)
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    FakeHost(second, model=model).fit(epochs=4, initial_epoch=2, steps=3, validation_steps=2)
    for part in ("train", "validation"):
        assert scalars(tmp_path / "parts" / part) == scalars(tmp_path / "whole" / part)
    assert second.state_dict() == whole.state_dict() == {"train_steps": 12, "test_steps": 8}


def test_the_three_ways_give_the_same(model: Any, tmp_path: Path, scalars: Any, bare_fit: Any) -> None:
    FakeHost(TensorBoard(tmp_path / "run", update_freq=1), model=model).fit(epochs=2)
    bare_fit(TensorBoard(tmp_path / "bare", update_freq=1), model, epochs=2)
    assert scalars(tmp_path / "run" / "train") == scalars(tmp_path / "bare" / "train")


def test_how_much_a_batch_of_a_loop_counts_is_no_metric(model: Any, logs: Path, scalars: Any) -> None:
    host = FakeHost(TensorBoard(logs, update_freq=1), model=model, stateful_metrics=())
    host.fit(steps=2, values=lambda epoch, batch: {"loss": 0.5, "size": 8, "num_steps": 1})
    assert scalars(logs / "train")["batch_loss"] == [(1, 0.5), (2, 0.5)]
    assert not {"batch_size", "batch_num_steps"} & set(scalars(logs / "train"))


def test_a_metric_may_have_any_name(model: Any, logs: Path, scalars: Any) -> None:
    FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(steps=1, values=lambda epoch, batch: {"size": 0.25})
    assert scalars(logs / "train")["batch_size"] == [(1, 0.25)]


class Tensor:
    """A tensor on a device, which counts how often it was fetched."""

    fetched = 0
    dtype = "float32"
    ndim = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        Tensor.fetched += 1
        return float(self.value)


@pytest.mark.parametrize("timed", [False, True])
def test_a_batch_fetches_nothing(model: Any, logs: Path, scalars: Any, timed: bool) -> None:
    Tensor.fetched = 0
    board = TensorBoard(logs, update_freq=1, write_steps_per_second=timed)
    during: list[int] = []

    class Watch(Callback):
        priority = 99

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            during.append(Tensor.fetched)

    FakeHost(board, Watch(), model=model).fit(steps=4, values=lambda epoch, batch: {"loss": Tensor(batch / 4)})
    assert during == [0, 0, 0, 0]
    assert scalars(logs / "train")["batch_loss"] == [(1, 0.0), (2, 0.25), (3, 0.5), (4, 0.75)]


@pytest.mark.parametrize("kind", ["array", "variable"])
def test_what_changes_after_the_batch_is_read_in_it(model: Any, logs: Path, scalars: Any, kind: str) -> None:
    class Variable(Tensor):
        def assign(self, value: float) -> None:
            self.value = value

    shared = np.zeros(()) if kind == "array" else Variable(0.0)

    def values(epoch: int, batch: int) -> dict[str, Any]:
        if isinstance(shared, np.ndarray):
            shared[...] = batch
        else:
            shared.assign(batch)
        return {"loss": shared}

    FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(values=values)
    assert scalars(logs / "train")["batch_loss"] == [(1, 0.0), (2, 1.0), (3, 2.0)]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e39, True, 3, np.float16(0.5), np.array([0.25])])
def test_numbers_of_every_kind(model: Any, logs: Path, scalars: Any, value: Any) -> None:
    board = TensorBoard(logs, update_freq=1)
    FakeHost(board, model=model).fit(steps=1, values=lambda epoch, batch: {"loss": value})
    with np.errstate(over="ignore"):
        expected = float(np.float32(np.asarray(value).item()))
    for tag in ("batch_loss", "epoch_loss"):
        ((_, written),) = scalars(logs / "train")[tag]
        assert written == expected or (math.isnan(written) and math.isnan(expected))


def test_what_is_no_number_is_said_once(model: Any, logs: Path, scalars: Any) -> None:
    def values(epoch: int, batch: int) -> dict[str, Any]:
        return {"loss": 0.5, "confusion": np.zeros((2, 2)), "nothing": None}

    board = TensorBoard(logs, update_freq=1)
    with pytest.warns(UserWarning, match="is not a number and not text") as said:
        FakeHost(board, model=model).fit(epochs=2, values=values)
    assert sorted(str(each.message).split("'")[1] for each in said) == ["confusion", "nothing"]
    assert set(scalars(logs / "train")) == {"batch_loss", "epoch_loss", "epoch_learning_rate"}


def test_text(model: Any, logs: Path, events: Any) -> None:
    FakeHost(TensorBoard(logs), model=model).fit(values=lambda epoch, batch: {"loss": 0.5, "note": "all *well*"})
    (value,) = [v for e in events(logs / "train") for v in e.summary.value if v.tag == "epoch_note"]
    assert value.metadata.plugin_data.plugin_name == "text"
    assert list(value.tensor.string_val) == [b"all *well*"]


def test_metrics_of_callbacks_behind_it(model: Any, logs: Path, scalars: Any) -> None:
    class Late(Callback):
        priority = 99

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["late"], logs["val_late"], logs["changed"] = 1.0, 2.0, 0.75
            assert math.isnan(logs["nan"])

    given = {"changed": 0.5, "nan": math.nan, "same": 0.25}
    FakeHost(TensorBoard(logs), Late(), model=model).fit(values=lambda epoch, batch: given)
    train = scalars(logs / "train")
    assert train["epoch_late"] == [(0, 1.0)]
    assert train["epoch_changed"] == [(0, 0.5), (0, 0.75)]
    assert len(train["epoch_nan"]) == len(train["epoch_same"]) == 1
    assert scalars(logs / "validation") == {"epoch_late": [(0, 2.0)]}


def test_an_epoch_without_metrics(model: Any, logs: Path, scalars: Any) -> None:
    FakeHost(TensorBoard(logs, update_freq=1), model=model).fit(values=lambda epoch, batch: {})
    assert scalars(logs / "train") == {}


def test_steps_per_second(model: Any, logs: Path, scalars: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    for module in ("tensorboard", "keras_names"):
        monkeypatch.setattr(f"epochal_tensorboard.{module}.perf_counter", lambda: now)

    def step(epoch: int, batch: int) -> None:
        nonlocal now
        now += 0.25

    class Slow(Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            nonlocal now
            now += 100

    board = TensorBoard(logs, update_freq=1, write_steps_per_second=True)
    FakeHost(board, Slow(), model=model).fit(
        epochs=2, steps=6, steps_per_execution=2, step=step, validation_steps=1, values=_values
    )
    train = scalars(logs / "train")
    assert train["batch_steps_per_second"] == [(step, 8.0) for step in range(2, 14, 2)]
    assert train["epoch_steps_per_second"] == [(0, 8.0), (1, 8.0)]  # validation is no part of it
    assert "epoch_steps_per_second" not in scalars(logs / "validation")


def test_steps_per_second_on_a_clock_that_stands(
    model: Any, logs: Path, scalars: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tensorboard", "keras_names"):
        monkeypatch.setattr(f"epochal_tensorboard.{module}.perf_counter", lambda: 1.0)
    FakeHost(TensorBoard(logs, update_freq=1, write_steps_per_second=True), model=model).fit()
    assert all(math.isfinite(value) for _, value in scalars(logs / "train")["batch_steps_per_second"])


def test_logs_of_ours_are_left_unread(model: Any, logs: Path) -> None:
    given = Logs({"loss": Tensor(0.5)})
    board = TensorBoard(logs, update_freq=1)
    board.set_model(model)
    board.on_train_begin()
    Tensor.fetched = 0
    board.on_train_batch_begin(0)
    board.on_train_batch_end(0, given)
    assert Tensor.fetched == 0
    board.on_train_end()
    assert Tensor.fetched == 1


def test_events_of_batches_are_left_out_where_nothing_depends_on_them(model: Any, logs: Path) -> None:
    board = TensorBoard(logs)
    called: list[int] = []
    board.on_train_batch_end = lambda batch, logs=None: called.append(batch)  # type: ignore[method-assign]
    FakeHost(board, model=model).fit()
    assert called == []
