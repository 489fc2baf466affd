"""When callbacks that save the model do it."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal import Callback, PreflightError, Priority, StateError
from epochal.saving import SavingCallback
from epochal.state import dump_state, parse_state
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Saver(SavingCallback):
    """Notes when it would save; all but the first epoch's go on in the background."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.saved: list[Any] = []

    def path_of(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        self._at = epoch if batch is None else (epoch, batch)
        return f"{epoch}.model"

    def save(self, path: str) -> bool:
        self.saved.append(self._at)
        return path == "0.model"


def _losses(*values: float) -> Callable[[int, int], dict[str, float]]:
    return lambda epoch, batch: {"loss": values[epoch]}


def test_it_saves_every_epoch() -> None:
    saver = Saver()
    FakeHost(saver).fit(epochs=3)
    assert saver.saved == [0, 1, 2]


def test_with_epochs_it_leaves_the_batches_alone() -> None:
    saver = Saver()
    saver.on_train_batch_end(5)
    assert saver._batches == 0
    assert saver.async_safe
    assert not Saver(save_freq=1).async_safe


def test_batches_are_counted_across_epochs_and_fits() -> None:
    saver = Saver(save_freq=4)
    FakeHost(saver).fit(epochs=2, steps=3)
    assert saver.saved == [(1, 0)]
    FakeHost(saver).fit(epochs=1, steps=3)
    assert saver.saved == [(1, 0), (0, 1)]


def test_executions_of_several_batches_are_counted_by_batches() -> None:
    saver = Saver(save_freq=5)
    FakeHost(saver).fit(epochs=2, steps=9, steps_per_execution=3)
    assert saver.saved == [(0, 5), (1, 2), (1, 8)]


def test_the_last_execution_counts_as_many_batches_as_it_has() -> None:
    saver = Saver(save_freq=100)
    FakeHost(saver).fit(epochs=2, steps=4, steps_per_execution=3)
    assert saver._batches == 8


@given(freq=st.integers(1, 12), steps=st.integers(1, 7), epochs=st.integers(1, 5))
def test_there_is_one_save_for_every_so_many_batches(freq: int, steps: int, epochs: int) -> None:
    saver = Saver(save_freq=freq)
    FakeHost(saver).fit(epochs=epochs, steps=steps)
    assert [epoch * steps + batch + 1 for epoch, batch in saver.saved] == list(range(freq, epochs * steps + 1, freq))


@given(st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True)), min_size=1, max_size=8))
def test_only_better_values_are_saved_and_nan_never_is(losses: list[float]) -> None:
    saver = Saver(monitor="loss", save_best_only=True)
    FakeHost(saver).fit(epochs=len(losses), values=_losses(*losses))
    best, expected = None, []
    for epoch, loss in enumerate(losses):
        if not math.isnan(loss) and (best is None or loss < best):
            best = loss
            expected.append(epoch)
    assert (saver.saved, saver.best) == (expected, best)


def test_only_better_values_are_saved_at_batches_too() -> None:
    values = iter([3.0, 4.0, 2.0, 2.0, 1.0, 5.0])
    saver = Saver(monitor="loss", save_best_only=True, save_freq=1)
    FakeHost(saver).fit(epochs=2, steps=3, values=lambda epoch, batch: {"loss": next(values)})
    assert saver.saved == [(0, 0), (0, 2), (1, 1)]


@pytest.mark.parametrize(("threshold", "saved"), [(0.5, [1]), (math.inf, [0, 1]), (0, []), (None, [0, 1])])
def test_a_threshold_has_to_be_beaten(threshold: float | None, saved: list[int]) -> None:
    saver = Saver(monitor="loss", save_best_only=True, initial_value_threshold=threshold)
    FakeHost(saver).fit(epochs=3, values=_losses(0.9, 0.4, 0.45))
    assert saver.saved == saved


def test_the_best_value_survives_a_second_fit() -> None:
    saver = Saver(monitor="loss", save_best_only=True)
    FakeHost(saver).fit(epochs=1, values=_losses(0.4))
    FakeHost(saver).fit(epochs=2, values=_losses(0.5, 0.3))
    assert saver.saved == [0, 1]


@pytest.mark.parametrize("save_freq", ["epoch", 1])
def test_a_metric_that_does_not_come_saves_nothing_and_is_said_once(save_freq: Any) -> None:
    saver = Saver(save_best_only=True, save_freq=save_freq)
    with pytest.warns(UserWarning, match="'val_loss', and this fit has no validation data") as warned:
        FakeHost(saver).fit(epochs=3)
    assert saver.saved == []
    assert len(warned) == 1


def test_a_metric_that_is_known_not_to_come_is_said_before_training() -> None:
    saver = Saver(save_best_only=True)

    def step(epoch: int, batch: int) -> None:
        raise AssertionError("it trains")

    with pytest.warns(UserWarning, match="no validation data"), pytest.raises(AssertionError, match="it trains"):
        FakeHost(saver, model=FakeModel(metrics={"loss": "min"})).fit(step=step)


def test_a_metric_that_will_not_come_is_in_the_one_report_with_all_others() -> None:
    savers = [Saver(monitor=monitor, save_best_only=True) for monitor in ("acuracy", "los")]
    with pytest.raises(PreflightError) as raised:
        FakeHost(*savers, model=FakeModel(metrics={"accuracy": "max", "loss": "min"})).fit()
    assert "'acuracy'" in str(raised.value)
    assert "'los'" in str(raised.value)


def test_the_metric_does_not_matter_where_everything_is_saved() -> None:
    saver = Saver(monitor="nothing")
    FakeHost(saver, model=FakeModel(metrics={"loss": "min"})).fit()
    assert saver.saved == [0]


@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_a_run_that_has_failed_is_not_saved(save_freq: Any, capsys: pytest.CaptureFixture[str]) -> None:
    class Failing(Callback):
        priority = Priority.CONTROL

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert self.run is not None
            if (self.run.epoch, batch) == (1, 1):
                self.run.stop("all is lost", failed=True)

    saver = Saver(save_freq=save_freq, verbose=1)
    FakeHost(saver, Failing()).fit(epochs=3, steps=2)
    assert saver.saved == [0 if save_freq == "epoch" else (0, 1)]
    told = [line for line in capsys.readouterr().out.splitlines() if "failed" in line]
    assert told == ["Epoch 2: the run has failed, so the model is not saved to 1.model"]


def test_it_goes_on_where_it_was_after_a_restart() -> None:
    losses = _losses(0.5, 0.7, 0.6, 0.4)
    whole = Saver(monitor="loss", save_best_only=True, save_freq=4)
    FakeHost(whole).fit(epochs=4, steps=3, values=losses)

    first = Saver(monitor="loss", save_best_only=True, save_freq=4)
    FakeHost(first).fit(epochs=2, steps=3, values=losses)
    second = Saver(monitor="loss", save_best_only=True, save_freq=4)
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    FakeHost(second).fit(epochs=4, steps=3, initial_epoch=2, values=losses)

    assert first.saved + second.saved == whole.saved == [(1, 0), (2, 1), (3, 2)]
    assert second.best == whole.best == 0.4


def test_it_tells_what_it_does(capsys: pytest.CaptureFixture[str]) -> None:
    FakeHost(Saver(monitor="loss", save_best_only=True, verbose=1)).fit(epochs=3, values=_losses(0.5, 0.7, 0.4))
    FakeHost(Saver(save_freq=3, verbose=1)).fit(epochs=1)
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: loss improved from None to 0.50000, saving model to 0.model",
        "Epoch 1: finished saving model to 0.model",
        "Epoch 2: loss did not improve from 0.50000",
        "Epoch 3: loss improved from 0.50000 to 0.40000, saving model to 2.model",
        "Epoch 1: saving model to 0.model",
        "Epoch 1: finished saving model to 0.model",
    ]


def test_only_the_chief_saves_and_tells(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("RANK", "1")
    saver = Saver(monitor="loss", save_best_only=True, verbose=1)
    FakeHost(saver).fit(values=_losses(0.5))
    assert (saver.saved, saver.best) == ([], 0.5)
    assert capsys.readouterr().out == ""


def test_it_goes_on_in_the_middle_of_an_epoch() -> None:
    first = Saver(save_freq=4)
    first.set_params({"steps": 6})
    first.on_epoch_begin(2)
    first.on_train_batch_end(2)
    second = Saver(save_freq=4)
    second.load_state_dict(first.state_dict())
    second.set_params({"steps": 6})
    second.on_epoch_begin(2)
    second.on_train_batch_end(3)
    assert second.saved == [(2, 3)]


def test_a_restored_state_counts_for_one_fit_only() -> None:
    saver = Saver(save_freq=4)
    saver.load_state_dict({"best": 0.5, "_epoch": 0, "_batch": 2, "_batches": 3})
    FakeHost(saver).fit(epochs=0)
    FakeHost(saver).fit(epochs=1, steps=3)
    assert saver.saved == [(0, 0)]


def test_it_copies_before_and_after_a_fit() -> None:
    saver = copy.deepcopy(Saver(monitor="loss", save_best_only=True))
    FakeHost(saver).fit(epochs=1, values=_losses(0.5))
    copied = copy.deepcopy(saver)
    FakeHost(copied).fit(epochs=1, values=_losses(0.4))
    assert (saver.best, copied.best) == (0.5, 0.4)


def test_without_a_method_to_save_it_is_no_callback() -> None:
    with pytest.raises(NotImplementedError):
        FakeHost(SavingCallback()).fit()

    class Half(SavingCallback):
        def path_of(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
            return "x"

    with pytest.raises(NotImplementedError):
        FakeHost(Half()).fit()


@pytest.mark.parametrize("save_freq", ["batch", 1.5, None, b"epoch", math.nan, [1]])
def test_a_wrong_frequency_is_an_error(save_freq: Any) -> None:
    with pytest.raises(ValueError, match=r"Unrecognized save_freq: .* Saver takes"):
        Saver(save_freq=save_freq)


@pytest.mark.parametrize(
    ("save_freq", "saved"), [(2.0, [1, 3]), (np.int64(3), [2]), (True, [0, 1, 2, 3]), (math.inf, [])]
)
def test_a_frequency_is_any_whole_number_or_infinity(save_freq: Any, saved: list[int]) -> None:
    saver = Saver(save_freq=save_freq)
    FakeHost(saver).fit(epochs=1, steps=4)
    assert saver.saved == [(0, batch) for batch in saved]


@pytest.mark.parametrize("save_freq", [0, -1, False])
def test_a_frequency_of_zero_saves_every_batch_as_in_keras_and_warns(save_freq: Any) -> None:
    with pytest.warns(UserWarning, match="Saver: save_freq=.* saves at the end of every batch"):
        saver = Saver(save_freq=save_freq)
    FakeHost(saver).fit(epochs=1, steps=3)
    assert saver.saved == [(0, 0), (0, 1), (0, 2)]


def test_what_is_set_between_two_fits_counts_in_the_second() -> None:
    saver = Saver()
    FakeHost(saver).fit(epochs=1, steps=4)
    saver.save_freq = 3
    FakeHost(saver).fit(epochs=1, steps=4)
    saver.save_freq, saver.save_best_only, saver.monitor = "epoch", True, "loss"
    saver.initial_value_threshold = 0.5
    FakeHost(saver).fit(epochs=2, values=_losses(0.7, 0.4))
    assert saver.saved == [0, (0, 2), 1]
    assert saver.best == 0.4


@pytest.mark.parametrize(
    ("name", "value"), [("best", [1]), ("best", math.nan), ("_batch", -2), ("_batches", "x"), ("_epoch", 1.5)]
)
def test_a_state_that_does_not_fit_is_an_error_and_changes_nothing(name: str, value: Any) -> None:
    saver = Saver()
    state = saver.state_dict()
    with pytest.raises(StateError, match=f"this is not a state of Saver: {name}="):
        saver.load_state_dict({**state, name: value})
    assert saver.state_dict() == state


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("monitor", ["loss"], TypeError),
        ("verbose", "yes", TypeError),
        ("save_best_only", np.ones(2), TypeError),
        ("initial_value_threshold", "0.5", TypeError),
        ("initial_value_threshold", math.nan, ValueError),
    ],
)
def test_a_wrong_parameter_is_an_error(parameter: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"Saver: {parameter}"):
        Saver(**{parameter: value})
