"""Requests to stop a run, and runs that have failed: who asked, and how the run ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Outcome, Priority, Run, hookimpl
from epochal.engine.driver import Driver
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMS = {"verbose": 0, "epochs": 1, "steps": 2}


class Stopper(Callback):
    def __init__(self, event: str) -> None:
        self.event = event

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.ask("on_epoch_end")

    def on_train_begin(self, logs: Any = None) -> None:
        self.ask("on_train_begin")

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ask("on_test_batch_end")

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.ask("on_predict_batch_end")

    def ask(self, event: str) -> None:
        if event == self.event:
            assert self.run is not None
            self.run.stop("it is enough")


def test_a_request_to_stop_ends_training_and_the_outcome_says_who_and_why(recorder: Callable[..., Any]) -> None:
    stopper, mine = Stopper("on_epoch_end"), recorder("Mine")
    run = FakeHost(stopper, mine).fit(epochs=5)
    assert run.epoch == 0
    assert run.outcome == Outcome("stopped", "stopper: it is enough")
    assert mine.events[-2:] == ["on_train_end", "on_run_end"]


@pytest.mark.parametrize(
    ("event", "flag"), [("on_test_batch_end", "stop_evaluating"), ("on_predict_batch_end", "stop_predicting")]
)
def test_a_request_to_stop_ends_an_evaluation_or_a_prediction(
    recorder: Callable[..., Any], event: str, flag: str
) -> None:
    mine = recorder("Mine")
    host = FakeHost(Stopper(event), mine)
    run = host.evaluate(steps=9) if "test" in event else host.predict(steps=9)
    assert mine.events.count(event) == 1
    assert getattr(host.model, flag) is True
    assert run.outcome == Outcome("stopped", "stopper: it is enough")


def test_a_request_during_validation_stops_the_training_and_not_the_validation(recorder: Callable[..., Any]) -> None:
    mine = recorder("Mine")
    run = FakeHost(Stopper("on_test_batch_end"), mine).fit(epochs=5, validation_steps=3)
    assert mine.events.count("on_test_batch_end") == 3
    assert run.epoch == 0
    assert run.outcome is not None
    assert run.outcome.status == "stopped"


def test_a_request_is_sticky_and_the_first_one_counts() -> None:
    model = FakeModel()
    run = Run(model, "train")
    host = Driver(run, [])
    host.begin(PARAMS)
    run.stop("first")
    assert run.stop_reason == "first"
    model.stop_training = False  # a fit inside a callback
    run.stop("second")
    assert run.stop_reason == "first"
    assert model.stop_training is True
    model.stop_training = False
    host.on_epoch_begin(0)
    host.on_epoch_end(0)
    assert model.stop_training is True
    host.end()
    assert run.outcome == Outcome("stopped", "first")


def test_stop_training_set_by_a_keras_callback_stops_too_and_says_who() -> None:
    class Theirs:
        def set_params(self, params: Any) -> None: ...

        def set_model(self, model: Any) -> None:
            self.model = model

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            self.model.stop_training = True

    run = FakeHost(Theirs()).fit(epochs=5)
    assert run.outcome == Outcome("stopped", "theirs: it set model.stop_training")


def test_a_model_without_the_flag_is_left_alone() -> None:
    run = Run(object(), "train")
    host = Driver(run, [])
    host.begin(PARAMS)
    run.stop("enough")
    host.end()
    assert run.outcome == Outcome("stopped", "enough")


def test_who_asked_is_known_through_the_functions_that_a_callback_calls() -> None:
    def helper(run: Run) -> None:
        run.stop("enough")

    class Mine(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert self.run is not None
            helper(self.run)

    assert FakeHost(Mine()).fit().stop_reason == "mine: enough"


def test_who_asked_is_known_for_marked_objects() -> None:
    class Marked:
        @hookimpl
        def on_epoch_end(self, run: Run) -> None:
            run.stop("enough")

    assert FakeHost(Marked()).fit().stop_reason == "marked: enough"


def test_who_asked_is_known_for_modules(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stopping_module.py").write_text(
        "import epochal\n@epochal.hookimpl\ndef on_epoch_end(run): run.stop('enough')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import stopping_module  # type: ignore[import-not-found]

    assert FakeHost(stopping_module).fit().stop_reason == "stopping_module: enough"
    monkeypatch.delitem(__import__("sys").modules, "stopping_module")


def test_who_asked_is_known_for_marked_functions() -> None:
    @hookimpl
    def on_epoch_end(run: Run) -> None:
        run.stop("enough")

    assert FakeHost(on_epoch_end).fit().stop_reason == "on_epoch_end: enough"


def test_who_asked_is_known_for_functions_that_were_set_on_the_object() -> None:
    class Mine(Callback):
        def __init__(self) -> None:
            self.on_epoch_finalized = lambda run: run.stop("enough")

    assert FakeHost(Mine()).fit().stop_reason == "mine: enough"


def test_who_asked_is_known_whatever_the_method_calls_itself() -> None:
    class Mine(Callback):
        def on_epoch_end(this, epoch: int, logs: Any = None) -> None:
            assert this.run is not None
            this.run.stop("enough")

    assert FakeHost(Mine()).fit().stop_reason == "mine: enough"


# A run that has failed


def _asked(*requests: tuple[str, bool], error: BaseException | None = None) -> Run:
    """Return a run that was asked to stop, and then ended."""
    run = Run(FakeModel(), "train")
    host = Driver(run, [])
    host.begin(PARAMS)
    for reason, failed in requests:
        run.stop(reason, failed=failed)
    host.end(error)
    return run


def test_a_run_has_not_failed_until_somebody_says_so() -> None:
    assert not Run(FakeModel(), "train").has_failed
    assert not _asked().has_failed
    assert not _asked(("enough", False)).has_failed


@pytest.mark.parametrize(
    ("requests", "outcome"),
    [
        ([("all is lost", True)], Outcome("failed", "all is lost")),
        ([("enough", False), ("all is lost", True)], Outcome("failed", "all is lost")),
        ([("all is lost", True), ("enough", False)], Outcome("failed", "all is lost")),
        ([("all is lost", True), ("more is lost", True)], Outcome("failed", "all is lost")),
        ([("enough", False), ("more than enough", False)], Outcome("stopped", "enough")),
    ],
)
def test_the_first_request_counts_but_a_failure_counts_before_a_stop(
    requests: list[tuple[str, bool]], outcome: Outcome
) -> None:
    run = _asked(*requests)
    assert run.outcome == outcome
    assert run.stop_reason == outcome.reason
    assert run.has_failed is (outcome.status == "failed")


def test_an_exception_and_ctrl_c_tell_how_a_failed_run_ended() -> None:
    for error, status in ((ValueError("bad"), "failed"), (KeyboardInterrupt(), "interrupted")):
        outcome = _asked(("all is lost", True), error=error).outcome
        assert outcome is not None
        assert (outcome.status, outcome.exception) == (status, error)


def test_a_failure_stops_training_after_the_epoch_and_everybody_sees_it_at_the_end() -> None:
    class Failing(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.stop_training("the loss is nan", failed=True)

    class Later(Callback):
        priority = Priority.REPORT

        def __init__(self) -> None:
            self.seen: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert self.run is not None
            self.seen.append((epoch, self.run.has_failed))

        def on_run_end(self, outcome: Outcome) -> None:
            self.seen.append(outcome)

    later = Later()
    run = FakeHost(later, Failing()).fit(epochs=5, steps=3, validation_steps=1)
    assert run.outcome == Outcome("failed", "failing: the loss is nan")
    assert later.seen == [(0, True), run.outcome]


def test_the_next_run_of_the_same_callbacks_has_not_failed() -> None:
    class Failing(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if logs["loss"] > 5:
                self.stop_training("too much", failed=True)

    host = FakeHost(Failing())
    assert host.fit(values=lambda *_: {"loss": 9.0}).has_failed
    run = host.fit()
    assert not run.has_failed
    assert run.outcome == Outcome("completed")
