"""ReduceLROnPlateau, driven by a host without a framework."""

from __future__ import annotations

import copy
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost, FakeModel
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau

if TYPE_CHECKING:
    from collections.abc import Sequence


class Rates(epochal.Callback):
    """Records the learning rate that is in the logs, and the one that the optimizer has after the epoch."""

    priority = epochal.Priority.REPORT

    def __init__(self) -> None:
        self.logged: list[float] = []
        self.left: list[float] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.logged.append(logs["learning_rate"])
        self.left.append(self.model.learning_rate)


def _train(callback: ReduceLROnPlateau, losses: Sequence[Any], rate: float = 1.0, **arguments: Any) -> Rates:
    """Train one epoch for every `val_loss`; gives the learning rates."""
    rates = Rates()
    FakeHost(callback, rates, model=FakeModel(learning_rate=rate)).fit(
        epochs=len(losses), validation_steps=1, values=lambda epoch, batch: {"loss": losses[epoch]}, **arguments
    )
    return rates


def _train_bare(callback: ReduceLROnPlateau, losses: Sequence[float], rate: float = 1.0, first: int = 0) -> list[float]:
    """Send what a bare fit sends; gives the learning rate that every epoch left."""
    model = FakeModel(learning_rate=rate)
    callback.set_params({"epochs": len(losses), "steps": 1, "verbose": 0})
    callback.set_model(model)
    callback.on_train_begin({})
    rates = []
    for epoch in range(first, len(losses)):
        callback.on_epoch_begin(epoch, {})
        callback.on_epoch_end(epoch, {"val_loss": losses[epoch]})
        rates.append(model.learning_rate)
    callback.on_train_end({})
    return rates


# The rules


def _expected(
    losses: Sequence[float], *, patience: int, min_delta: float, cooldown: int, factor: float, min_lr: float
) -> list[float]:
    """Return the learning rate after every epoch, as the rules say."""
    rate, best = 1.0, None
    last_good = -1  # the last epoch with an improvement, or inside a cooldown
    cool_until = -1  # the last epoch that a cooldown covers
    rates = []
    for epoch, loss in enumerate(losses):
        if not math.isnan(loss) and (best is None or loss + min_delta < best):
            best, last_good = loss, epoch
        elif epoch < cool_until:
            last_good = epoch
        else:
            if epoch == cool_until:
                last_good = epoch - 1
            if epoch - last_good >= patience and rate > min_lr:
                rate = max(rate * factor, min_lr)
                last_good, cool_until = epoch, epoch + cooldown
        rates.append(rate)
    return rates


@settings(deadline=None)
@given(
    losses=st.lists(st.sampled_from([0.1, 0.2, 0.3, math.nan, math.inf]) | st.floats(width=16), max_size=16),
    patience=st.integers(0, 3),
    min_delta=st.sampled_from([0.0, 0.125, -0.125]),
    cooldown=st.integers(0, 3),
    min_lr=st.sampled_from([0.0, 0.2, 2.0]),
)
def test_it_follows_the_rules(
    losses: list[float], patience: int, min_delta: float, cooldown: int, min_lr: float
) -> None:
    callback = ReduceLROnPlateau(
        factor=0.5, patience=patience, min_delta=min_delta, cooldown=cooldown, min_lr=min_lr, mode="min"
    )
    expected = _expected(
        losses, patience=patience, min_delta=abs(min_delta), cooldown=cooldown, factor=0.5, min_lr=min_lr
    )
    assert _train_bare(callback, losses) == expected
    in_run = _train(copy.deepcopy(callback), losses)
    assert in_run.left == expected
    assert in_run.logged == [1.0, *expected][: len(losses)]
    mirrored = ReduceLROnPlateau(
        factor=0.5, patience=patience, min_delta=min_delta, cooldown=cooldown, min_lr=min_lr, mode="max"
    )
    assert _train_bare(mirrored, [-loss for loss in losses]) == expected


def test_the_rate_is_reduced_after_so_many_epochs_without_an_improvement() -> None:
    rates = _train(ReduceLROnPlateau(patience=2, factor=0.5), [0.9, 0.8, 0.8, 0.8, 0.7, 0.7, 0.7])
    assert rates.left == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


def test_the_logs_hold_the_rate_with_which_the_epoch_was_trained() -> None:
    rates = _train(ReduceLROnPlateau(patience=1, factor=0.5), [1.0, 1.0, 1.0])
    assert rates.logged == [1, 1, 0.5]
    assert rates.left == [1, 0.5, 0.25]


def test_a_cooldown_does_not_count_and_the_wait_begins_anew_after_it() -> None:
    callback = ReduceLROnPlateau(patience=1, factor=0.5, cooldown=3)
    assert _train(callback, [1.0] * 6).left == [1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert callback.in_cooldown()
    assert callback.wait == 0


def test_the_rate_is_not_reduced_below_its_least_nor_raised_to_it() -> None:
    assert _train(ReduceLROnPlateau(patience=1, factor=0.1, min_lr=0.05), [1.0] * 4).left == [1, 0.1, 0.05, 0.05]
    assert _train(ReduceLROnPlateau(patience=1, factor=0.1, min_lr=5), [1.0] * 3).left == [1, 1, 1]


class Float32Model(FakeModel):
    """Keeps its learning rate in 32 bits, as optimizers do."""

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, float(np.float32(value)) if name == "learning_rate" else value)


def test_a_rate_at_its_least_in_the_precision_of_the_optimizer_is_not_reduced(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = Float32Model(learning_rate=0.1)  # which is 0.10000000149
    callback = ReduceLROnPlateau(patience=1, min_lr=0.1, cooldown=5, verbose=1)
    FakeHost(callback, model=model).fit(epochs=4, validation_steps=1, values=lambda epoch, batch: {"loss": 1.0})
    assert (callback.cooldown_counter, callback.wait) == (0, 3)
    assert capsys.readouterr().out == ""


def test_a_nan_in_the_first_epoch_is_not_the_best() -> None:
    callback = ReduceLROnPlateau(patience=2)
    assert _train(callback, [math.nan, 0.9, 0.8, 0.7, 0.6]).left == [1.0] * 5
    assert callback.best == 0.6


def test_a_metric_of_every_second_epoch_is_counted_when_it_comes() -> None:
    callback = ReduceLROnPlateau("score", mode="max", patience=2, factor=0.5)
    scores, rates = [None, 0.5, None, 0.4, None, 0.3, None], Rates()
    host = FakeHost(callback, rates, model=FakeModel(learning_rate=1.0))
    with pytest.warns(UserWarning, match="monitors 'score', which is not in the logs"):
        host.fit(epochs=7, values=lambda epoch, batch: {"score": s} if (s := scores[epoch]) else {"loss": 1.0})
    assert rates.left == [1, 1, 1, 1, 1, 0.5, 0.5]
    assert len(rates.logged) == 7


def two_rates() -> FakeModel:
    """Return a model whose optimizers have a learning rate each."""
    return FakeModel(learning_rate={"body": 1.0, "head": 0.1}, metrics={"loss": "min"})


def test_it_says_what_it_adds_and_what_it_changes() -> None:
    class Need(epochal.Callback):
        provides = ()
        requires = ("learning_rate_body", "learning_rate_head")
        changes = ("learning_rate",)

    with pytest.warns(UserWarning, match="both change learning_rate"):
        FakeHost(ReduceLROnPlateau("loss"), Need(), model=two_rates()).fit()


def test_each_of_several_optimizers_is_reduced(capsys: pytest.CaptureFixture[str]) -> None:
    model, seen = two_rates(), []
    callback = ReduceLROnPlateau("loss", patience=1, factor=0.5, min_lr=0.08, verbose=1)

    class Watch(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(dict(logs))

    FakeHost(callback, Watch(), model=model).fit(epochs=3, values=lambda epoch, batch: {"loss": 1.0})
    assert model.learning_rate == {"body": 0.25, "head": 0.08}
    assert seen[2] == {"loss": 1.0, "learning_rate_body": 0.5, "learning_rate_head": 0.08}
    why = "loss did not improve for 1 epoch; best 1."
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 2: ReduceLROnPlateau reducing body learning rate to 0.5: {why}",
        f"Epoch 2: ReduceLROnPlateau reducing head learning rate to 0.08: {why}",
        f"Epoch 3: ReduceLROnPlateau reducing body learning rate to 0.25: {why}",
    ]


def test_a_line_tells_of_every_reduction_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    losses = [0.9, 0.123456, 0.5, 0.5, 0.5]
    line = "Epoch 4: ReduceLROnPlateau reducing learning rate to 0.01: val_loss did not improve for 2 epochs; "
    _train(ReduceLROnPlateau(patience=2, verbose=1), losses, rate=0.1)
    assert capsys.readouterr().out.splitlines() == [f"{line}best 0.12346."]
    _train_bare(ReduceLROnPlateau(patience=2, verbose=1), losses, rate=0.1)
    assert capsys.readouterr().out.strip() == f"{line}best 0.12346."
    _train(ReduceLROnPlateau(patience=2), losses)
    assert capsys.readouterr().out == ""


def test_it_has_its_turn_after_a_scheduler_so_that_the_scheduler_logs_the_rate_of_the_epoch() -> None:
    class LearningRateScheduler(epochal.Callback):
        priority = epochal.Priority.SCHEDULE

    run = FakeHost(ReduceLROnPlateau("loss"), LearningRateScheduler()).fit()
    assert [place.name for place in run.order] == ["learning_rate_scheduler", "reduce_lr_on_plateau"]


# State


@settings(deadline=None)
@given(
    losses=st.lists(st.sampled_from([0.1, 0.2, 0.3, math.nan]), min_size=1, max_size=12),
    cooldown=st.integers(0, 2),
    data=st.data(),
)
def test_a_run_that_was_stopped_in_the_middle_decides_as_one_that_was_not(
    losses: list[float], cooldown: int, data: Any
) -> None:
    def make() -> ReduceLROnPlateau:
        return ReduceLROnPlateau(patience=2, cooldown=cooldown, factor=0.5)

    middle = data.draw(st.integers(0, len(losses)))
    whole, first, second = make(), make(), make()
    rates = _train_bare(whole, losses)
    before = _train_bare(first, losses[:middle])
    assert before == rates[:middle]
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    assert _train_bare(second, losses, rate=[1.0, *before][-1], first=middle) == rates[middle:]
    assert second.state_dict() == whole.state_dict()


def test_a_second_fit_begins_anew() -> None:
    callback = ReduceLROnPlateau(patience=2, cooldown=9)
    _train(callback, [0.1, 0.1, 0.1, 0.1])
    assert _train(callback, [0.9, 0.8, 0.8]).left == [1, 1, 1]
    assert (callback.best, callback.wait, callback.cooldown_counter) == (0.8, 1, 0)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_goes_its_own_way(copied: Any) -> None:
    callback = ReduceLROnPlateau(patience=1)
    _train(callback, [0.5, 0.4, 0.4])
    made = copied(callback)
    assert made.state_dict() == callback.state_dict()
    _train(made, [0.1, 0.2])
    assert (made.best, callback.best) == (0.1, 0.4)


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"factor": 1}, ValueError, "ReduceLROnPlateau: factor=1 has to be less than 1"),
        ({"factor": 1.5}, ValueError, "factor=1.5"),
        ({"factor": math.nan}, ValueError, "factor=nan"),
        ({"factor": "0.1"}, TypeError, "factor='0.1'"),
        ({"patience": "2"}, TypeError, "patience='2'"),
        ({"patience": math.nan}, ValueError, "patience=nan"),
        ({"cooldown": None}, TypeError, "cooldown=None"),
        ({"min_lr": math.nan}, ValueError, "min_lr=nan"),
        ({"min_lr": [0.1]}, TypeError, "min_lr="),
        ({"min_delta": "0"}, TypeError, "min_delta='0'"),
        ({"monitor": ["loss"]}, TypeError, "monitor="),
        ({"verbose": "auto"}, TypeError, "verbose='auto'"),
        ({"epsilon": 1e-4}, TypeError, "epsilon"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ReduceLROnPlateau(**arguments)


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        ({"patience": 1.5}, [1, 1, 0.5, 0.5, 0.25]),
        ({"patience": -3}, [1, 0.5, 0.25, 0.125, 0.0625]),
        ({"patience": math.inf}, [1] * 5),
        ({"patience": True, "cooldown": 99e99}, [1, 0.5, 0.5, 0.5, 0.5]),
        ({"patience": 1, "cooldown": 2.5}, [1, 0.5, 0.5, 0.5, 0.25]),
        ({"patience": 1, "cooldown": -2}, [1, 0.5, 0.25, 0.125, 0.0625]),
        ({"patience": 1, "min_lr": -1}, [1, 0.5, 0.25, 0.125, 0.0625]),
        ({"patience": 1, "min_lr": None}, [1, 0.5, 0.25, 0.125, 0.0625]),
        ({"patience": 1, "min_lr": math.inf}, [1] * 5),
    ],
)
def test_limits_are_any_numbers(arguments: dict[str, Any], left: list[float]) -> None:
    assert _train(ReduceLROnPlateau(factor=0.5, **arguments), [0.1] * 5).left == left


@pytest.mark.parametrize("factor", [0, -0.5, False])
def test_a_factor_that_leaves_nothing_is_taken_and_warned_of(factor: float) -> None:
    with pytest.warns(UserWarning, match="factor=.* is not more than 0, and reduces any learning rate to min_lr"):
        callback = ReduceLROnPlateau(factor=factor, patience=1, min_lr=0.125)
    assert _train(callback, [0.1] * 3).left == [1, 0.125, 0.125]


@pytest.mark.parametrize("rate", [None, lambda step: 0.1])
def test_a_rate_that_cannot_be_set_is_an_error_before_training(rate: Any) -> None:
    trained: list[int] = []
    model = FakeModel(learning_rate=rate)
    with pytest.raises(epochal.PreflightError, match="ReduceLROnPlateau sets the learning rate"):
        FakeHost(ReduceLROnPlateau(), model=model).fit(step=lambda epoch, batch: trained.append(batch))
    assert trained == []
    with pytest.raises(epochal.RunError, match="ReduceLROnPlateau sets the learning rate") as caught:
        BareHost(ReduceLROnPlateau(), model=model).fit()
    assert isinstance(caught.value, TypeError) == callable(rate)


def test_a_metric_that_is_known_not_to_come_is_said_once() -> None:
    model = FakeModel(metrics={"loss": "min", "accuracy": "max"})
    with pytest.warns(UserWarning, match="Did you mean 'val_accuracy'") as warned:
        FakeHost(ReduceLROnPlateau("val_acuracy", mode="max"), model=model).fit(epochs=3, validation_steps=1)
    assert len(warned) == 1


def test_auto_that_cannot_find_out_is_an_error() -> None:
    with (
        pytest.warns(UserWarning, match="'unknown', which is not in the logs"),
        pytest.raises(ValueError, match="ReduceLROnPlateau monitors 'unknown', and nothing tells"),
    ):
        FakeHost(ReduceLROnPlateau("unknown")).fit(epochs=2)
