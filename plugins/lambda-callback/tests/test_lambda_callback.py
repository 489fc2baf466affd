"""LambdaCallback: every event, by every way that a host calls it."""

from __future__ import annotations

import copy
import pickle
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.engine.implementation import implementations
from epochal.engine.member import make_member
from epochal.hookspecs import ALIASES, BATCH_EVENTS, EVENTS, KERAS_EVENTS
from epochal.run import Run
from epochal.testing import FakeHost, FakeModel
from epochal_lambda_callback import LambdaCallback

Call = tuple[Any, ...]


def _noted(calls: list[Call], event: str) -> Any:
    if event == "on_run_begin":
        return lambda run: calls.append((event, type(run).__name__))
    if event == "on_epoch_finalized":
        return lambda run, epoch, logs: calls.append((event, epoch, dict(logs)))
    if event == "on_run_end":
        return lambda run, outcome: calls.append((event, outcome.status))
    if len(EVENTS[event]) == 3:
        return lambda first, values: calls.append((event, first, dict(values)))
    return lambda values: calls.append((event, dict(values)))


def _drive(callback: epochal.Callback) -> None:
    host = FakeHost(callback)
    host.fit(epochs=2, validation_steps=1)
    host.evaluate()
    host.predict()


def test_every_event_is_a_keyword_and_comes_as_to_a_class_with_methods() -> None:
    calls: list[Call] = []
    _drive(LambdaCallback(**{event: _noted(calls, event) for event in EVENTS}))
    theirs: list[Call] = []

    def method(event: str) -> Any:
        function = _noted(theirs, event)
        if event == "on_run_begin":
            return lambda self, run: function(run)
        if event == "on_epoch_finalized":
            return lambda self, run, epoch, logs: function(run, epoch, logs)
        if event == "on_run_end":
            return lambda self, run, outcome: function(run, outcome)
        return lambda self, *arguments: function(*arguments)

    _drive(type("Methods", (epochal.Callback,), {event: method(event) for event in EVENTS})())
    assert calls == theirs
    assert {call[0] for call in calls} == set(EVENTS)


@settings(deadline=None)
@given(st.sets(st.sampled_from(sorted(EVENTS))))
def test_only_the_events_that_were_given_reach_it(events: set[str]) -> None:
    calls: list[Call] = []
    _drive(LambdaCallback(**{event: _noted(calls, event) for event in events}))
    assert {call[0] for call in calls} == events


@pytest.mark.parametrize("event", KERAS_EVENTS)
def test_an_event_that_nobody_gave_is_no_implementation(event: str) -> None:
    callback = LambdaCallback(**{event: lambda *_: None})
    found = implementations(make_member("lambda_callback", callback, None, 0), Run(FakeModel(), "train"))
    assert set(found) == {event}
    others = {*KERAS_EVENTS, *ALIASES} - {event}
    assert all(getattr(callback, each)._is_default for each in others)  # what Keras's own list looks for


def test_without_any_event_it_is_a_callback_that_does_nothing() -> None:
    _drive(LambdaCallback())


@pytest.mark.parametrize("event", BATCH_EVENTS)
@pytest.mark.parametrize(
    "make",
    [
        lambda calls: lambda batch, logs: calls.append((batch, logs)),
        lambda calls: lambda batch, logs=None: calls.append((batch, logs)),
        lambda calls: lambda b, _: calls.append((b, _)),
        lambda calls: lambda batch, *, logs: calls.append((batch, logs)),
        lambda calls: lambda *arguments, **named: calls.append((*arguments, *named.values())),
        lambda calls: partial(lambda calls, batch, logs: calls.append((batch, logs)), calls),
    ],
    ids=["as Keras", "default", "other names", "by name only", "any", "partial"],
)
def test_a_batch_reaches_it_by_position_as_here_and_by_name_as_in_keras(event: str, make: Any) -> None:
    calls: list[Call] = []
    callback = LambdaCallback(**{event: make(calls)})
    getattr(callback, event)(3, {"loss": 0.5})
    getattr(callback, event)(3, logs={"loss": 0.5})
    assert calls == [(3, {"loss": 0.5})] * 2


@pytest.mark.parametrize("alias", ALIASES)
def test_the_aliases_are_events_too(alias: str) -> None:
    calls: list[int] = []
    callback = LambdaCallback(**{alias: lambda batch, logs: calls.append(batch)})
    FakeHost(callback).fit(steps=2)
    getattr(callback, ALIASES[alias])(7, logs={})  # what Keras calls
    assert calls == [0, 1, 7]
    with pytest.raises(TypeError, match="are one event"):
        LambdaCallback(**{alias: print, ALIASES[alias]: print})


def test_kerass_six_come_by_position_too() -> None:
    order = ["on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end"]
    order += ["on_train_batch_begin", "on_train_batch_end"]
    functions = [lambda *_, **__: None for _ in order]
    callback = LambdaCallback(*functions)
    assert [getattr(callback, event) for event in order] == functions


@pytest.mark.parametrize("taken", [(), ("run",), ("outcome",), ("outcome", "run")])
def test_epochals_own_events_take_any_subset_by_name(taken: tuple[str, ...]) -> None:
    seen: list[Any] = []
    function = eval(
        f"lambda {', '.join(taken)}: seen.append(({', '.join(taken)}{',' if taken else ''}))", {"seen": seen}
    )
    run = FakeHost(LambdaCallback(on_run_end=function)).fit()
    assert seen == [tuple({"run": run, "outcome": run.outcome}[name] for name in taken)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"on_epoch_ends": print},
            r"'on_epoch_ends' is not an event\. Did you mean 'on_epoch_end'\? There are: on_run_begin,",
        ),
        ({"epoch_end": print}, "Did you mean 'on_epoch_end'"),
        ({"on_train_batch_ended": print}, "Did you mean 'on_train_batch_end'"),
        ({"custom_method": print}, r"'custom_method' is not an event\. There are"),
        ({"set_model": print}, "'set_model' is not an event"),
        ({"on_epoch_ends": None}, "'on_epoch_ends' is not an event"),
        ({"on_epoch_end": 3}, "on_epoch_end=3 has to be a function"),
        ({"on_epoch_end": "print"}, "on_epoch_end='print' has to be a function"),
        ({"on_epoch_end": [print]}, "on_epoch_end=.* has to be a function"),
        ({"on_run_end": 3}, "on_run_end=3 has to be a function"),
        ({"on_epoch_end": lambda epoch: None}, r"is called with \(epoch, logs\), and the function .* takes \(epoch\)"),
        ({"on_epoch_end": lambda epoch, *, logs: None}, r"takes \(epoch, \*, logs\)"),
        ({"on_train_end": lambda: None}, r"is called with \(logs\), and the function .* takes \(\)"),
        ({"on_batch_end": lambda logs: None}, r"is called with \(batch, logs\)"),
        ({"on_test_batch_end": lambda batch, *, values: None}, r"takes \(batch, \*, values\)"),
    ],
)
def test_what_makes_no_sense_is_an_error_at_once(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        LambdaCallback(**arguments)


def test_wrong_arguments_of_epochals_own_events_are_found_before_anything_is_trained() -> None:
    callback = LambdaCallback(on_run_end=lambda outcom: None, on_train_begin=lambda logs: pytest.fail("it trained"))
    with pytest.raises(epochal.InvalidCallbackError, match="Did you mean 'outcome'"):
        FakeHost(callback).fit()


def test_it_can_stop_the_run_and_the_outcome_names_it() -> None:
    def stop(*_: Any, **__: Any) -> None:
        assert made[-1].run is not None
        made[-1].run.stop("enough")

    made: list[LambdaCallback] = []
    for functions in (
        {"on_epoch_finalized": lambda run, logs: run.stop("enough")},
        {"on_train_begin": stop},
        {"on_train_begin": stop, "on_run_end": lambda: None},
        {"on_train_batch_end": lambda b, _: stop()},
        {"on_epoch_end": lambda epoch, logs: made[-1].stop_training("enough")},
    ):
        made.append(LambdaCallback(**functions))
        run = FakeHost(made[-1]).fit(epochs=3)
        assert run.outcome == epochal.Outcome("stopped", "lambda_callback: enough")
        assert run.epoch == 0


def test_an_error_in_a_function_names_the_callback() -> None:
    callback = LambdaCallback(on_epoch_end=lambda epoch, logs: logs["los"])
    with pytest.raises(KeyError, match="los"):
        FakeHost(callback).fit()
    assert callback.run is not None
    assert callback.run.outcome is not None
    assert "in the callback 'lambda_callback'" in callback.run.outcome.reason


def test_what_it_writes_into_the_logs_reaches_the_others() -> None:
    seen: list[Any] = []
    writes = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(twice=2 * logs["loss"]))
    reads = LambdaCallback(on_epoch_finalized=lambda logs: seen.append(logs["twice"] / logs["loss"]))
    FakeHost(writes, reads).fit()
    assert seen == [2.0]


def test_in_a_bare_fit_it_says_what_will_not_be_called() -> None:
    calls: list[str] = []
    callback = LambdaCallback(on_run_end=print, on_train_begin=lambda logs: calls.append("begin"))
    callback.set_model(FakeModel())
    with pytest.warns(UserWarning, match="on_run_end will not be called: Keras has no such event"):
        callback.on_train_begin({})
    assert calls == ["begin"]
    with pytest.warns(UserWarning, match="on_run_end will not be called"):
        callback.on_test_begin({})


def _module_level(epoch: int, logs: Any) -> None:
    """Do nothing; it can be pickled."""


def test_it_can_be_copied_also_after_a_fit() -> None:
    calls: list[Any] = []
    callback = LambdaCallback(
        on_epoch_end=lambda epoch, logs: calls.append(epoch),
        on_train_batch_end=lambda b, _: calls.append("batch"),
        on_run_end=lambda: calls.append("end"),
    )
    FakeHost(callback).fit(steps=1)
    copied = copy.deepcopy(callback)
    FakeHost(copied).fit(steps=1)
    assert calls == ["batch", 0, "end"] * 2
    assert copied.on_train_begin.func.__self__ is copied  # type: ignore[attr-defined]


def test_it_pickles_with_functions_that_do() -> None:
    callback = LambdaCallback(on_epoch_end=_module_level)
    assert pickle.loads(pickle.dumps(callback)).on_epoch_end is _module_level
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(LambdaCallback(on_epoch_end=lambda epoch, logs: None))


def test_a_function_in_c_that_shows_no_arguments_is_taken_as_it_is() -> None:
    functions: dict[str, Any] = {"on_epoch_end": dict}
    assert getattr(LambdaCallback(**functions), "on_epoch_end") is dict  # noqa: B009  # no method, for mypy


def test_a_function_that_is_set_later_counts_and_is_checked() -> None:
    heard: list[Any] = []
    callback: Any = LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append("end"))
    callback.on_epoch_begin = lambda epoch, logs: heard.append("begin")
    callback.on_batch_end = lambda batch, logs: heard.append(batch)
    FakeHost(callback).fit(epochs=1, steps=2)
    assert heard == ["begin", 0, 1, "end"]
    heard.clear()
    callback.on_epoch_end = None
    del callback.on_batch_end
    FakeHost(callback).fit(epochs=1, steps=2)
    assert heard == ["begin"]


@pytest.mark.parametrize(
    ("event", "function", "message"),
    [
        ("on_epoch_end", 5, "on_epoch_end=5 has to be a function"),
        ("on_epoch_end", lambda: None, "on_epoch_end is called with"),
        ("on_train_batch_end", lambda batch, logs: None, "on_batch_end and on_train_batch_end are one event"),
    ],
)
def test_what_makes_no_sense_is_an_error_also_later_and_changes_nothing(
    event: str, function: Any, message: str
) -> None:
    callback = LambdaCallback(on_batch_end=print)
    before = dict(vars(callback))
    with pytest.raises(TypeError, match=message):
        setattr(callback, event, function)
    assert vars(callback) == before


def test_epochals_own_events_that_are_set_later_are_called_and_in_a_bare_fit_warned_of() -> None:
    heard: list[str] = []
    callback: Any = LambdaCallback()
    callback.on_run_end = lambda outcome: heard.append(outcome.status)
    FakeHost(callback).fit()
    assert heard == ["completed"]
    callback.run = None
    with pytest.warns(UserWarning, match="on_run_end will not be called"):
        callback.on_train_begin()
