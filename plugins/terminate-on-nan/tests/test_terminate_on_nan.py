"""TerminateOnNaN, driven by a host without a framework."""

from __future__ import annotations

import copy
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.testing import FakeHost, FakeModel
from epochal_terminate_on_nan import TerminateOnNaN

_INVALID = [math.nan, math.inf, -math.inf]


class Ended(epochal.Callback):
    """Counts what it gets, behind TerminateOnNaN."""

    priority = epochal.Priority.REPORT

    def __init__(self) -> None:
        self.batches = 0
        self.ends: list[Any] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.batches += 1

    def on_train_end(self, logs: Any = None) -> None:
        self.ends.append("train")

    def on_run_end(self, outcome: epochal.Outcome) -> None:
        self.ends.append(outcome.status)


def _losses(*losses: Any) -> Any:
    """Return the values of one epoch, or of several of three batches."""
    return lambda epoch, batch: {"loss": losses[(epoch * 3 + batch) % len(losses)]}


@settings(deadline=None)
@given(st.lists(st.floats(width=32), min_size=1, max_size=8), st.booleans())
def test_the_first_loss_that_is_no_finite_number_ends_training(losses: list[float], as_arrays: bool) -> None:
    given = [np.float32(loss) for loss in losses] if as_arrays else losses
    ended = Ended()
    run = FakeHost(TerminateOnNaN(), ended).fit(steps=len(losses), values=lambda epoch, batch: {"loss": given[batch]})
    bad = next((batch for batch, loss in enumerate(losses) if not math.isfinite(loss)), None)
    assert run.outcome is not None
    if bad is None:
        assert run.outcome.status == "completed"
        assert ended.batches == len(losses)
    else:
        reason = f"terminate_on_nan: loss is {losses[bad]} at batch {bad + 1} of epoch 1"
        assert run.outcome == epochal.Outcome("failed", reason)
        assert ended.batches == bad + 1
        assert ended.ends == ["train", "failed"]


@pytest.mark.parametrize("loss", _INVALID)
def test_the_reason_names_the_batch_and_the_epoch_as_users_see_them(
    loss: float, capsys: pytest.CaptureFixture[str]
) -> None:
    run = FakeHost(TerminateOnNaN()).fit(epochs=5, values=_losses(1.0, 1.0, 1.0, 1.0, 1.0, loss))
    assert run.stop_reason == f"terminate_on_nan: loss is {loss} at batch 3 of epoch 2"
    assert capsys.readouterr().out == f"Loss is {loss} at batch 3 of epoch 2: terminating training.\n"


def test_several_steps_in_one_execution_are_named_by_the_last() -> None:
    run = FakeHost(TerminateOnNaN()).fit(steps=6, steps_per_execution=3, values=lambda epoch, batch: {"loss": math.nan})
    assert run.stop_reason == "terminate_on_nan: loss is nan at batch 3 of epoch 1"


@pytest.mark.parametrize("loss", _INVALID)
def test_an_error_is_raised_and_everybody_has_the_end_of_the_run(loss: float) -> None:
    ended, early = Ended(), Ended()
    early.priority = epochal.Priority.METRICS
    host = FakeHost(TerminateOnNaN(raise_error=True), ended, early)
    with pytest.raises(RuntimeError, match=f"NaN or Inf loss encountered: loss is {loss} at batch 2 of epoch 1"):
        host.fit(values=_losses(1.0, loss))
    assert ended.ends == early.ends == ["failed"]
    assert (ended.batches, early.batches) == (1, 2)
    assert host.run is not None
    assert host.run.outcome is not None
    assert isinstance(host.run.outcome.exception, RuntimeError)


def _bare(callback: TerminateOnNaN, losses: list[Any]) -> FakeModel:
    """Send what a bare fit sends, and to the end as a loop does that does not look at `stop_training`."""
    model = FakeModel()
    callback.set_model(model)
    callback.on_train_begin({})
    callback.on_epoch_begin(1, {})
    for batch, loss in enumerate(losses):
        callback.on_train_batch_end(batch, logs={"loss": loss})
    return model


def test_in_a_bare_fit_it_stops_the_model_and_says_so_once(capsys: pytest.CaptureFixture[str]) -> None:
    callback = TerminateOnNaN()
    assert not _bare(callback, [1.0, 2.0]).stop_training
    assert capsys.readouterr().out == ""
    for _ in range(2):
        assert _bare(callback, [1.0, math.nan, math.nan]).stop_training
        assert capsys.readouterr().out.strip() == "Loss is nan at batch 2 of epoch 2: terminating training."
    with pytest.raises(RuntimeError, match="loss is inf at batch 1 of epoch 2"):
        _bare(TerminateOnNaN(raise_error=True), [math.inf])


def test_without_an_epoch_the_batch_is_named_alone() -> None:
    callback = TerminateOnNaN(raise_error=True)
    FakeHost(callback).fit()
    callback.on_train_begin()
    with pytest.raises(RuntimeError, match=r"loss is nan at batch 4\."):
        callback.on_batch_end(3, {"loss": math.nan})


def test_losses_of_validation_and_evaluation_are_not_looked_at() -> None:
    host = FakeHost(TerminateOnNaN(raise_error=True))
    calls = iter([1.0, 1.0, 1.0, math.nan, math.nan])
    run = host.fit(validation_steps=2, values=lambda epoch, batch: {"loss": next(calls)})
    assert run.outcome == epochal.Outcome("completed")
    run = host.evaluate(values=lambda epoch, batch: {"loss": math.nan})
    assert run.outcome == epochal.Outcome("completed")


class Tensor:
    """A scalar on a device: reading it is counted."""

    ndim = 0

    def __init__(self) -> None:
        self.fetches = 0

    def __float__(self) -> float:
        self.fetches += 1
        return 1.0


def test_no_other_value_than_the_loss_is_fetched() -> None:
    loss, accuracy = Tensor(), Tensor()

    def values(epoch: int, batch: int) -> dict[str, Any]:
        return {"loss": loss, "accuracy": accuracy} if batch < 2 else {"loss": 1.0}

    FakeHost(TerminateOnNaN()).fit(values=values)
    assert (loss.fetches, accuracy.fetches) == (2, 0)


def test_what_the_device_raises_is_the_users_to_see() -> None:
    class Lost(Tensor):
        dtype = "float32"

        def __float__(self) -> float:
            raise RuntimeError("the device is lost")

    with pytest.raises(RuntimeError, match="the device is lost"):
        FakeHost(TerminateOnNaN()).fit(values=lambda epoch, batch: {"loss": Lost()})


def test_logs_without_a_loss_are_said_once_and_left_alone() -> None:
    host = FakeHost(TerminateOnNaN())
    with pytest.warns(UserWarning, match="which is not in their logs. There are: accuracy, cost") as warned:
        run = host.fit(epochs=2, values=lambda epoch, batch: {"cost": math.nan, "accuracy": 1.0})
    assert len(warned) == 1
    assert run.outcome == epochal.Outcome("completed")
    with pytest.warns(UserWarning, match="There are: none"):
        _bare_without_logs()


def _bare_without_logs() -> None:
    callback = TerminateOnNaN()
    callback.on_train_begin()
    callback.on_train_batch_end(0)


@pytest.mark.parametrize(
    "loss", [[math.nan, 1.0], np.array([math.nan, 1.0]), "high", object()], ids=lambda v: str(type(v))
)
def test_a_loss_that_is_no_scalar_is_said_once_and_left_alone(loss: Any) -> None:
    with pytest.warns(UserWarning, match="which is not a scalar: ") as warned:
        run = FakeHost(TerminateOnNaN()).fit(values=_losses(loss))
    assert len(warned) == 1
    assert run.outcome == epochal.Outcome("completed")


def test_a_second_fit_begins_anew() -> None:
    callback = TerminateOnNaN()
    host = FakeHost(callback)
    assert host.fit(values=_losses(math.nan)).stop_reason == "terminate_on_nan: loss is nan at batch 1 of epoch 1"
    assert host.fit().outcome == epochal.Outcome("completed")
    assert host.fit(initial_epoch=4, epochs=6, values=_losses(math.inf)).stop_reason is not None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_works_as_the_original(copied: Any) -> None:
    callback = TerminateOnNaN(raise_error=True)
    FakeHost(callback).fit()
    with pytest.raises(RuntimeError, match="loss is nan"):
        FakeHost(copied(callback)).fit(values=_losses(math.nan))


def test_wrong_arguments_are_named() -> None:
    with pytest.raises(TypeError, match="TerminateOnNaN: raise_error="):
        TerminateOnNaN(raise_error=np.ones(2))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="raise_errors"):
        TerminateOnNaN(raise_errors=True)  # type: ignore[call-arg]
