from __future__ import annotations

import pytest

from epochal import Outcome
from epochal_progbar_logger.progress import Phase, Progress


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
