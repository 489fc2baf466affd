from __future__ import annotations

import pytest

from epochal import Outcome
from epochal_progbar_logger.phase import Phase
from epochal_progbar_logger.progress import Progress


def test_the_first_step_does_not_count_for_the_time_that_is_left() -> None:
    phase = Phase(0.0, total=11)
    phase.count(1, now=60.0)
    assert phase.left(60.0) == 600.0
    phase.count(3, now=64.0)
    assert phase.left(64.0) == 16.0


def test_an_expected_number_of_steps_may_turn_out_wrong() -> None:
    phase = Phase(0.0, total=10, expected=True)
    phase.count(11, now=1.0)
    assert (phase.done, phase.total, phase.left(1.0)) == (11, None, None)


def test_a_given_number_of_steps_is_not_exceeded() -> None:
    phase = Phase(0.0, total=10)
    phase.count(12, now=1.0)
    assert (phase.done, phase.total) == (10, 10)


def test_the_newest_epoch_tells_how_many_steps_to_expect() -> None:
    progress = Progress("train", 0.0, epochs=3)
    expected = []
    for epoch, steps in enumerate((10, 12, 8)):
        progress.begin_epoch(epoch, 0.0)
        expected.append(progress.main.total)
        progress.main.count(steps, 1.0)
        progress.end_steps(1.0)
        progress.end_epoch()
    assert expected == [None, 10, 12]


@pytest.mark.parametrize(
    ("stage", "outcome", "closing"),
    [
        ("train", Outcome("completed"), "Completed 0 epochs in 1:02:03"),
        ("train", Outcome("failed", "E: x"), "Failed before the first epoch after 1:02:03: E: x"),
        ("train", Outcome("interrupted"), "Interrupted before the first epoch after 1:02:03"),
        ("test", Outcome("completed"), ""),
        ("test", Outcome("stopped", "enough"), "Stopped in the evaluation after 1:02:03: enough"),
        ("predict", Outcome("interrupted", "SIGTERM"), "Interrupted in the prediction after 1:02:03: SIGTERM"),
    ],
)
def test_closing(stage: str, outcome: Outcome, closing: str) -> None:
    assert Progress(stage, 0.0).closing(outcome, 3723.0) == closing


def run_first_epoch(progress: Progress, *ends: float) -> None:
    progress.begin_epoch(0, 0.0)
    for done, now in enumerate(ends, start=1):
        progress.main.count(done, now)
    progress.end_steps(ends[-1])
    progress.end_epoch()


def test_the_first_step_of_a_run_is_not_in_the_time_a_step_and_is_told() -> None:
    progress = Progress("train", 0.0, epochs=2, steps=3)
    run_first_epoch(progress, 5.0, 6.0, 7.0)
    assert (progress.main.pace(7.0), progress.main.first_step(7.0)) == (1.0, "first step 5.00 s")
    progress.begin_epoch(1, 7.0)
    progress.main.count(1, 12.0)
    assert (progress.main.pace(12.0), progress.main.first_step(12.0)) == (5.0, "")


@pytest.mark.parametrize(("ends", "told"), [((1.0, 2.0), ""), ((0.05, 0.06), ""), ((5.0,), "first step 5.00 s")])
def test_a_first_step_like_the_others_is_not_told(ends: tuple[float, ...], told: str) -> None:
    progress = Progress("train", 0.0, epochs=2, steps=len(ends))
    run_first_epoch(progress, *ends)
    assert progress.main.first_step(ends[-1]) == told


def test_several_steps_in_one_execution_are_the_first_steps() -> None:
    phase = Phase(0.0, total=6, compiles=True)
    phase.count(3, now=60.0)
    phase.count(6, now=63.0)
    assert (phase.pace(63.0), phase.first_step(63.0)) == (1.0, "first 3 steps 60.0 s")


def test_the_time_that_the_run_will_take() -> None:
    progress = Progress("train", 0.0, epochs=5, steps=10)
    assert progress.live_view(0.0).run_left is None
    progress.begin_epoch(0, 0.0)
    progress.main.count(1, 60.0)
    progress.main.count(2, 61.0)
    assert progress.live_view(61.0).run_left == 8 + 4 * 10
    progress.main.count(10, 69.0)
    progress.begin_validation(69.0)
    progress.phase.count(1, 70.0)
    progress.phase.count(5, 74.0)
    progress.end_validation(74.0)
    progress.end_steps(74.0)
    progress.end_epoch()
    progress.begin_epoch(1, 74.0)
    assert progress.live_view(74.0).run_left == 4 * 15  # 10 steps and 5 of the validation, without the compilation
    assert progress.live_view(80.0).run_left == 9 + 3 * 15
    progress.begin_epoch(4, 100.0)
    view = progress.live_view(105.0)
    assert (view.left, view.run_left) == (10, None)  # in the last epoch both are the same, and told once


def test_the_first_epoch_does_not_tell_for_long_how_long_the_others_take() -> None:
    progress = Progress("train", 0.0, epochs=4)
    now = 0.0
    for epoch, took in enumerate((100.0, 10.0, 20.0)):
        progress.begin_epoch(epoch, now)
        progress.main.count(1, now + took)
        now += took
        progress.end_steps(now)
        progress.end_epoch()
    progress.begin_epoch(3, now)
    assert progress.live_view(now).left == 15


def test_the_best_value_is_told_once() -> None:
    progress = Progress("train", 0.0, epochs=3)
    for epoch, loss in enumerate((0.5, float("nan"), 0.75)):
        progress.begin_epoch(epoch, 0.0)
        progress.take_results({"loss": loss, "val_loss": "unknown"})
        progress.end_epoch()
    closing = progress.closing(Outcome("stopped", "early: enough"), 1.0).replace("\N{NO-BREAK SPACE}", " ")
    assert closing == "Stopped after epoch 3/3 in 0:01 (best loss 0.5000 in epoch 1): early: enough"
    assert progress.closing(Outcome("stopped", "early: enough; best 0.5 in epoch 1"), 1.0).count("best") == 1
