"""A run as a driver sends it: its events, what callbacks have of it, its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Outcome, Run, hookimpl
from epochal.engine.dispatch import nothing
from epochal.engine.driver import Driver, look_at_runs
from epochal.hookspecs import EVENTS
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMS = {"verbose": 0, "epochs": 1, "steps": 2}
TEST_EVENTS = ("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end")
PREDICT_EVENTS = tuple(event for event in EVENTS if "predict" in event)


def test_a_fit_sends_the_events_in_the_order_of_keras(recorder: Callable[..., Any]) -> None:
    mine = recorder("Mine")
    FakeHost(mine).fit(epochs=1, steps=2, validation_steps=1)
    assert mine.events == [
        "on_run_begin",
        "on_train_begin",
        "on_epoch_begin",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_train_batch_begin",
        "on_train_batch_end",
        "on_test_begin",
        "on_test_batch_begin",
        "on_test_batch_end",
        "on_test_end",
        "on_epoch_end",
        "on_epoch_finalized",
        "on_train_end",
        "on_run_end",
    ]


def test_an_evaluation_and_a_prediction_send_theirs(recorder: Callable[..., Any]) -> None:
    mine = recorder("Mine")
    FakeHost(mine).evaluate(steps=1)
    FakeHost(mine).predict(steps=1)
    assert mine.events == ["on_run_begin", *TEST_EVENTS, "on_run_end", "on_run_begin", *PREDICT_EVENTS, "on_run_end"]


def test_every_callback_has_the_run_the_model_and_the_params_before_the_first_event() -> None:
    seen: list[Any] = []

    class Mine(Callback):
        def on_run_begin(self, run: Run) -> None:
            seen.extend([self.model, self.params, self.run, run])

    host = FakeHost(Mine())
    run = host.fit(epochs=3, steps=2)
    assert seen == [host.model, {"verbose": 0, "epochs": 3, "steps": 2}, run, run]


def test_a_keras_callback_gets_params_and_model_and_no_run() -> None:
    class Theirs:
        def __init__(self) -> None:
            self.given: list[Any] = []

        def set_params(self, params: Any) -> None:
            self.given.append(params)

        def set_model(self, model: Any) -> None:
            self.given.append(model)

    theirs = Theirs()
    host = FakeHost(theirs)
    host.fit()
    assert {"verbose": 0, "epochs": 1, "steps": 3} in theirs.given
    assert host.model in theirs.given
    assert len(theirs.given) == 2
    assert not hasattr(theirs, "run")


def test_a_keras_callback_gets_the_model_before_the_params_as_in_keras() -> None:
    order: list[str] = []
    methods = {
        "set_model": lambda self, model: order.append("model"),
        "set_params": lambda self, p: order.append("params"),
    }
    FakeHost(type("Theirs", (), methods)()).fit()
    assert order == ["model", "params"]


def test_an_object_with_only_one_of_the_setters_gets_that_one() -> None:
    class Mine:
        def set_params(self, params: Any) -> None: ...

        @hookimpl
        def on_train_end(self) -> None: ...

    FakeHost(Mine()).fit()


def test_params_are_read_only_for_the_run_and_a_copy_for_each_callback() -> None:
    class Mine(Callback): ...

    one, other = Mine(), Mine()
    run = FakeHost(one, other).fit()
    with pytest.raises(TypeError):
        run.params["epochs"] = 7  # type: ignore[index]
    assert set(run.params) == {"epochs", "steps", "verbose"}
    assert one.params is not other.params


def test_run_begin_and_run_end_are_the_first_and_last_event_of_every_callback(recorder: Callable[..., Any]) -> None:
    mine = recorder("Mine")
    FakeHost(mine).fit(epochs=2, steps=2, validation_steps=1)
    assert mine.events[0] == "on_run_begin"
    assert mine.events[-1] == "on_run_end"
    assert mine.events.count("on_run_end") == 1


def test_the_outcome_of_a_whole_run_is_completed(recorder: Callable[..., Any]) -> None:
    mine = recorder("Mine")
    run = FakeHost(mine).fit()
    assert run.outcome == Outcome("completed", "", None)
    assert mine.values[-1] == ("on_run_end", (run, run.outcome))


def test_the_host_may_know_the_outcome_better(driver: Callable[..., Driver]) -> None:
    host = driver()
    host.begin(PARAMS)
    host.end(outcome=Outcome("stopped", "because"))
    assert host.run.outcome == Outcome("stopped", "because")


def test_only_the_first_end_counts(recorder: Callable[..., Any], driver: Callable[..., Driver]) -> None:
    mine = recorder("Mine")
    host = driver(mine)
    host.begin(PARAMS)
    host.end()
    host.end(ValueError())
    assert mine.events.count("on_run_end") == 1
    assert host.run.outcome == Outcome("completed")


def test_events_that_nobody_implements_are_nothing_in_a_run(driver: Callable[..., Driver]) -> None:
    host = driver(Callback())
    host.begin(PARAMS)
    assert host.batch.on_train_batch_begin is nothing
    assert host.batch.on_test_batch_end is nothing
    host.end()


def test_the_batch_events_can_be_put_on_any_object_and_lets_it_go(
    recorder: Callable[..., Any], driver: Callable[..., Driver]
) -> None:
    class Target: ...

    mine, target = recorder("Mine"), Target()
    host = driver(mine)
    host.begin(PARAMS)
    host.bind(target)
    target.on_train_batch_begin(0)  # type: ignore[attr-defined]
    assert mine.events[-1] == "on_train_batch_begin"
    host.end()


def test_who_looks_at_runs_sees_each_before_it_begins_and_may_keep_it_from_beginning() -> None:
    class Refused(Exception):
        pass

    def refuse(run: Run, members: Any) -> None:
        raise Refused(run.stage, [member.name for member in members])

    look_at_runs(refuse)
    try:
        with pytest.raises(Refused) as caught:
            Driver(Run(FakeModel(), "test"), [])
    finally:
        look_at_runs(None)
    assert caught.value.args == ("test", [])
    Driver(Run(FakeModel(), "test"), [])
