"""Profiling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard

if TYPE_CHECKING:
    from pathlib import Path


def _steps(model: Any) -> list[Any]:
    return [detail for what, detail in model.profiled if what == "step"]


def test_one_batch(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs, profile_batch=2), model=model).fit()
    assert model.profiled == [("start", str(logs / "train")), ("step", 2), ("stop", True)]


def test_several_batches_over_the_end_of_an_epoch(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs, profile_batch="2,5"), model=model).fit(epochs=3, steps=3)
    assert _steps(model) == [2, 3, 4, 5]
    assert [what for what, _ in model.profiled].count("stop") == 1


def test_several_steps_in_one_execution(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs, profile_batch=(2, 5)), model=model).fit(steps=12, steps_per_execution=3)
    assert _steps(model) == [4]  # the first execution that begins there, up to the one in which batch 5 ends


def test_fewer_batches_than_asked_for(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs, profile_batch=(2, 50)), model=model).fit()
    assert model.profiled[-1] == ("stop", True)


def test_once(model: Any, logs: Path) -> None:
    board = TensorBoard(logs, profile_batch=2)
    for _ in range(2):
        FakeHost(board, model=model).fit()
    assert _steps(model) == [2]


def test_an_exception_ends_it(model: Any, logs: Path) -> None:
    def fails(epoch: int, batch: int) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        FakeHost(TensorBoard(logs, profile_batch=(1, 3)), model=model).fit(step=fails)
    assert model.profiled[-1] == ("stop", True)


@pytest.mark.parametrize(("fails_to", "message"), [("start", "begin"), ("step", "begin"), ("stop", "end")])
def test_what_fails_is_said_once_and_training_goes_on(
    model: Any, logs: Path, scalars: Any, fails_to: str, message: str
) -> None:
    model.profiler_fails_to = fails_to
    with pytest.warns(UserWarning, match=f"the profiler could not {message}.* there is no {fails_to}") as said:
        run = FakeHost(TensorBoard(logs, profile_batch=(1, 2), update_freq=1), model=model).fit(epochs=2)
    assert len(said) == 1
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    assert len(scalars(logs / "train")["batch_loss"]) == 6


def test_a_framework_without_a_profiler(logs: Path) -> None:
    with pytest.warns(UserWarning, match="the profiler could not begin.* how to profile is not known"):
        FakeHost(TensorBoard(logs, profile_batch=1)).fit()
