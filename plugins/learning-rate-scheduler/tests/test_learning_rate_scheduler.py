"""LearningRateScheduler, driven by a host without a framework."""

from __future__ import annotations

import copy
import functools
import math
import operator
import pickle
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.testing import BareHost, FakeHost, FakeModel
from epochal_learning_rate_scheduler import LearningRateScheduler


def _train(schedule: Any, epochs: int = 3, rate: Any = 1.0, **arguments: Any) -> list[float]:
    """Train a few epochs; gives the learning rate that the optimizer had in each, and checks that of the logs."""
    model, rates, logged = FakeModel(learning_rate=rate), [], []

    class Watch(epochal.Callback):
        priority = epochal.Priority.REPORT

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logged.append(logs["learning_rate"])

    scheduler = schedule if isinstance(schedule, LearningRateScheduler) else LearningRateScheduler(schedule)
    FakeHost(scheduler, Watch(), model=model).fit(
        epochs=epochs, steps=1, step=lambda epoch, batch: rates.append(model.learning_rate), **arguments
    )
    assert logged == rates
    assert all(type(each) is float for each in rates)
    return rates


class Scalar:
    """What a framework gives: a number that has to be asked for it."""

    ndim = 0

    def __float__(self) -> float:
        return 0.25


# How the schedule is called


def test_a_schedule_of_the_epoch_gets_the_epoch() -> None:
    assert _train(lambda epoch: 1 / (2 + epoch)) == [1 / 2, 1 / 3, 1 / 4]


def test_a_schedule_of_both_gets_the_rate_that_the_optimizer_has() -> None:
    assert _train(lambda epoch, lr: lr * (epoch + 1)) == [1, 2, 6]


def test_a_resumed_run_begins_with_its_epoch() -> None:
    assert _train(lambda epoch: float(epoch), epochs=5, initial_epoch=3) == [3, 4]


def _both(epoch: int, lr: float) -> float:
    return lr / 2


class WithCall:
    def __call__(self, epoch: int) -> float:
        return 0.5

    def method(self, epoch: int, lr: float) -> float:
        return lr / 2

    @staticmethod
    def static(epoch: int) -> float:
        return 0.5


@functools.wraps(_both)
def _wrapped(*arguments: Any) -> float:
    return _both(*arguments)


@pytest.mark.parametrize(
    "schedule",
    [
        _both,
        _wrapped,
        WithCall(),
        WithCall().method,
        WithCall.static,
        functools.partial(_both, lr=1.0),
        functools.partial(lambda factor, epoch, lr: lr * factor, 0.5),
        functools.partial(lambda factor, epoch: factor, 0.5),
        lambda epoch, lr, factor=0.5: lr * factor,
        lambda epoch, lr=None: lr / 2,
        lambda epoch, **others: 0.5,
        lambda *arguments: arguments[1] / 2,
        lambda epoch, /: 0.5,
        lambda epoch, *, factor=0.5: factor,
        {0: 0.5}.get,
        np.vectorize(lambda epoch, lr: lr / 2),
    ],
)
def test_the_signature_tells_how_a_schedule_is_called(schedule: Any) -> None:
    assert _train(schedule, epochs=1) == [0.5]


def test_a_schedule_is_called_once_an_epoch() -> None:
    calls = []

    def schedule(epoch: int, lr: float = 0.0) -> float:
        calls.append((epoch, lr))
        return 0.5

    _train(schedule)
    assert calls == [(0, 1.0), (1, 0.5), (2, 0.5)]


def test_an_error_inside_the_schedule_is_raised_as_it_is() -> None:
    error = TypeError("the user's own")

    def schedule(epoch: int, lr: float = 0.1) -> float:
        raise error

    with pytest.raises(TypeError, match="the user's own") as caught:
        _train(schedule)
    assert caught.value is error
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (0.1, r"schedule=0.1 has to be a function"),
        (None, r"schedule=None has to be a function"),
        (lambda: 0.1, r"can be called neither with \(epoch, lr\) nor with \(epoch\): it is .*<lambda>\(\)"),
        (lambda epoch, lr, momentum: 0.1, r"can be called neither .*\(epoch, lr, momentum\)"),
        (lambda epoch, *, lr: 0.1, r"can be called neither .*\(epoch, \*, lr\)"),
    ],
)
def test_what_cannot_be_called_is_an_error_at_once(schedule: Any, message: str) -> None:
    with pytest.raises(TypeError, match=f"LearningRateScheduler: .*{message}"):
        LearningRateScheduler(schedule)


# What the schedule gives


@settings(deadline=None)
@given(st.floats(0, allow_infinity=False, allow_nan=False) | st.integers(0, 10**300))
def test_every_finite_number_that_is_not_negative_is_a_rate(rate: float) -> None:
    assert _train(lambda epoch: rate, epochs=1) == [float(rate)]


@pytest.mark.parametrize(
    "given",
    [np.float32(0.25), np.float64(0.25), np.array(0.25), Scalar(), Fraction(1, 4), Decimal("0.25")],
    ids=lambda each: type(each).__name__,
)
def test_scalars_of_any_kind_are_rates(given: Any) -> None:
    assert _train(lambda epoch: given, epochs=1) == [0.25]
    assert _train(lambda epoch: np.int64(2), epochs=1) == [2]


@pytest.mark.parametrize(
    "given",
    [
        *(None, "0.1", b"0.1", True, math.nan, math.inf, -math.inf, -0.1, -1, [0.1], (0.1,), 10**400, 0.1j, object()),
        *(np.array([0.1]), np.array([0.1, 0.2]), np.float32("nan"), lambda: 0.1),
    ],
    ids=lambda each: str(each)[:9],
)
def test_anything_else_names_the_schedule_the_epoch_and_the_value(given: Any) -> None:
    def halving(epoch: int) -> Any:
        return given if epoch == 4 else 0.1

    with pytest.raises(ValueError, match=r"halving gave .* for epoch 4, and a learning rate has to be") as caught:
        _train(halving, epochs=9)
    assert repr(given) in str(caught.value)


def test_a_schedule_without_a_name_is_shown() -> None:
    with pytest.raises(ValueError, match=r"the schedule functools.partial\(.*\) gave None for epoch 0"):
        _train(functools.partial(lambda given, epoch: given, None))


# The optimizer


def two_rates() -> FakeModel:
    """Return a model whose optimizers have a learning rate each."""
    return FakeModel(learning_rate={"body": 1.0, "head": 0.1}, metrics={"loss": "min"})


def test_each_of_several_optimizers_gets_a_rate_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    seen = []

    class Watch(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(dict(logs))

    FakeHost(LearningRateScheduler(lambda epoch, lr: lr / 2, verbose=1), Watch(), model=two_rates()).fit(
        values=lambda epoch, batch: {"loss": 1.0}
    )
    assert seen == [{"loss": 1.0, "learning_rate_body": 0.5, "learning_rate_head": 0.05}]
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 1: LearningRateScheduler setting body learning rate to 0.5.",
        "Epoch 1: LearningRateScheduler setting head learning rate to 0.05.",
    ]


@pytest.mark.parametrize("rate", [None, lambda step: 0.1])
def test_a_rate_that_cannot_be_set_is_an_error_before_training(rate: Any) -> None:
    trained: list[int] = []
    model, scheduler = FakeModel(learning_rate=rate), LearningRateScheduler(lambda epoch: 0.1)
    with pytest.raises(epochal.PreflightError, match="LearningRateScheduler sets the learning rate"):
        FakeHost(scheduler, model=model).fit(step=lambda epoch, batch: trained.append(batch))
    assert trained == []
    with pytest.raises(epochal.RunError, match="LearningRateScheduler sets the learning rate") as caught:
        BareHost(scheduler, model=model).fit()
    assert isinstance(caught.value, TypeError) == callable(rate)


def test_it_says_what_it_adds_and_what_it_changes() -> None:
    class Need(epochal.Callback):
        provides = ()
        requires = ("learning_rate_body", "learning_rate_head")

    class Change(epochal.Callback):
        provides = ()
        changes = ("learning_rate",)

    def fit(schedule: Any, *others: epochal.Callback) -> None:
        FakeHost(LearningRateScheduler(schedule), *others, model=two_rates()).fit()

    fit(lambda epoch, lr: lr, Need(), Change())
    with pytest.warns(UserWarning, match="both change learning_rate"):
        fit(lambda epoch: 0.1, Change())


def test_a_line_tells_the_rate_of_every_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    schedule = LearningRateScheduler(lambda epoch: 0.1 * 0.1, verbose=1)
    _train(schedule, epochs=1)
    assert capsys.readouterr().out == "Epoch 1: LearningRateScheduler setting learning rate to 0.01.\n"
    schedule.set_model(FakeModel())
    schedule.on_train_begin({})
    schedule.on_epoch_begin(0, {})
    assert "Epoch 1: LearningRateScheduler setting learning rate to 0.01." in capsys.readouterr().out


def test_in_a_bare_fit_it_does_the_same() -> None:
    scheduler, model, logs = (
        LearningRateScheduler(lambda epoch, lr: lr / 2),
        FakeModel(learning_rate=1.0),
        {"loss": 1.0},
    )
    scheduler.set_model(model)
    scheduler.on_train_begin({})
    for epoch in range(2):
        scheduler.on_epoch_begin(epoch, {})
        scheduler.on_epoch_end(epoch, logs)
    assert model.learning_rate == 0.25
    assert logs == {"loss": 1.0, "learning_rate": 0.25}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_works_as_the_original(copied: Any) -> None:
    scheduler = LearningRateScheduler(_both)
    _train(scheduler)
    assert _train(copied(scheduler)) == [0.5, 0.25, 0.125]


def test_it_has_no_state_of_its_own() -> None:
    assert LearningRateScheduler(operator.mul).state_dict() == {}


@pytest.mark.parametrize("verbose", [-1, None, False])
def test_what_is_not_more_than_zero_prints_nothing(verbose: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _train(LearningRateScheduler(lambda epoch: 0.1, verbose=verbose))
    assert capsys.readouterr().out == ""


def test_a_schedule_without_a_signature_is_called_as_keras_calls_it() -> None:
    assert _train(LearningRateScheduler([0.3, 0.2, 0.1].__getitem__)) == [0.3, 0.2, 0.1]
    assert _train(LearningRateScheduler(min)) == [0.0, 0.0, 0.0]


def test_a_schedule_that_is_set_later_counts_and_is_checked() -> None:
    scheduler = LearningRateScheduler(lambda epoch: 0.1)
    changes: list[tuple[str, ...]] = [scheduler.changes]
    scheduler.schedule = _both
    changes.append(scheduler.changes)
    assert changes == [("learning_rate",), ()]
    assert _train(scheduler) == [0.5, 0.25, 0.125]
    with pytest.raises(TypeError, match=r"LearningRateScheduler: schedule=.* can be called neither with"):
        scheduler.schedule = lambda: 0.1
    assert scheduler.schedule is _both


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="LearningRateScheduler: verbose="):
        LearningRateScheduler(lambda epoch: 0.1, verbose="auto")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="shedule"):
        LearningRateScheduler(shedule=lambda epoch: 0.1)  # type: ignore[call-arg]
