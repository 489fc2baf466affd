from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, InvalidCallbackError, Logs, Outcome, Priority, Run, RunError, hookimpl
from epochal.choosing.selection import arrange
from epochal.engine.dispatch import nothing
from epochal.engine.driver import Driver, look_at_runs
from epochal.engine.member import make_member
from epochal.hookspecs import EVENTS
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Generator

PARAMS = {"verbose": 0, "epochs": 1, "steps": 2}
TEST_EVENTS = ("on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end")
PREDICT_EVENTS = tuple(event for event in EVENTS if "predict" in event)
FIT_EVENTS = tuple(event for event in EVENTS if event not in PREDICT_EVENTS)
MIDDLE = tuple(event for event in EVENTS if event not in ("on_run_begin", "on_run_end"))


class Tensor:
    def __init__(self, value: float = 0.5) -> None:
        self.value = value
        self.fetches = 0

    def __float__(self) -> float:
        self.fetches += 1
        return self.value


def notes(error: Any) -> list[str]:
    return getattr(error, "__notes__", [])


def recorder(name: str, *, raises: dict[str, BaseException] | None = None, critical: bool = True) -> Any:
    """A callback of this name with every event; it notes them, and raises where told to."""
    raises = raises or {}

    def method(event: str, own: bool) -> Any:
        def note(self: Any, values: tuple[Any, ...]) -> None:
            self.events.append(event)
            self.values.append((event, values))
            if event in raises:
                raise raises[event]

        if own:
            arguments = ", ".join(EVENTS[event])
            scope: dict[str, Any] = {"note": note}
            exec(f"def {event}(self, {arguments}): note(self, ({arguments},))", scope)
            return scope[event]
        return lambda self, *values: note(self, values)

    methods: dict[str, Any] = {event: method(event, own=event not in _keras()) for event in EVENTS}
    made = type(name, (Callback,), {**methods, "critical": critical})()
    made.events, made.values = [], []
    return made


def _keras() -> set[str]:
    return {event for event in EVENTS if hasattr(Callback, event)}


def play(host: FakeHost, event: str = "on_train_begin") -> Run:
    """Send a whole run in which the event comes."""
    return host.predict() if event in PREDICT_EVENTS else host.fit(epochs=2, steps=2, validation_steps=1)


def driver(*callbacks: Any, model: Any = None, stage: str = "train") -> Driver:
    names = [type(callback).__name__.lower() for callback in callbacks]
    members = [make_member(name, each, None, i) for i, (name, each) in enumerate(zip(names, callbacks, strict=True))]
    return Driver(Run(model, stage), arrange(members))


# A whole run


def test_a_fit_sends_the_events_in_the_order_of_keras() -> None:
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


def test_an_evaluation_and_a_prediction_send_theirs() -> None:
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


def test_run_begin_and_run_end_are_the_first_and_last_event_of_every_callback() -> None:
    mine = recorder("Mine")
    play(FakeHost(mine))
    assert mine.events[0] == "on_run_begin"
    assert mine.events[-1] == "on_run_end"
    assert mine.events.count("on_run_end") == 1


def test_the_outcome_of_a_whole_run_is_completed() -> None:
    mine = recorder("Mine")
    run = FakeHost(mine).fit()
    assert run.outcome == Outcome("completed", "", None)
    assert mine.values[-1] == ("on_run_end", (run, run.outcome))


def test_the_host_may_know_the_outcome_better() -> None:
    host = driver()
    host.begin(PARAMS)
    host.end(outcome=Outcome("stopped", "because"))
    assert host.run.outcome == Outcome("stopped", "because")


def test_only_the_first_end_counts() -> None:
    mine = recorder("Mine")
    host = driver(mine)
    host.begin(PARAMS)
    host.end()
    host.end(ValueError())
    assert mine.events.count("on_run_end") == 1
    assert host.run.outcome == Outcome("completed")


# Failures


@pytest.mark.parametrize("event", MIDDLE)
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("critical", [True, False])
def test_whatever_event_raises_every_callback_gets_its_run_end_once(
    event: str, kind: type[BaseException], critical: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    error = kind("bad")
    callbacks = [recorder("A"), recorder("B", raises={event: error}, critical=critical), recorder("C")]
    host = FakeHost(*callbacks)
    ends = critical or not isinstance(error, Exception)
    if ends:
        with pytest.raises(type(error)) as raised:
            play(host, event)
        assert raised.value is error
        assert len(notes(error)) == isinstance(error, Exception)
    else:
        play(host, event)
    assert host.run is not None
    assert host.run.outcome is not None
    for callback in callbacks:
        assert callback.events.count("on_run_end") == 1
        assert callback.events[-1] == "on_run_end"
        assert callback.values[-1][1] == (host.run, host.run.outcome)
    assert callbacks[1].events[-2] == event  # out after its error
    if ends:
        assert callbacks[2].events.count(event) == callbacks[0].events.count(event) - 1
    else:
        assert callbacks[2].events == callbacks[0].events
    status = "completed" if not ends else "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
    assert host.run.outcome.status == status
    assert host.run.outcome.exception is (error if ends else None)
    out = capsys.readouterr().out
    assert "Traceback" not in out
    assert len(out.splitlines()) == (0 if ends else 2)
    if not ends:
        assert "'b'" in out
        assert f"module {__name__}" in out
        assert event in out.splitlines()[-1]  # the summary says it again


def test_the_outcome_of_an_error_in_a_callback_names_callback_and_event() -> None:
    host = FakeHost(recorder("Mine", raises={"on_epoch_end": ValueError("bad")}))
    with pytest.raises(ValueError, match="bad") as raised:
        host.fit()
    assert host.run is not None
    assert host.run.outcome == Outcome(
        "failed", f"ValueError: bad (in the callback 'mine' (module {__name__}) in on_epoch_end)", raised.value
    )
    (note,) = notes(raised.value)
    assert f"'mine' (module {__name__}) in on_epoch_end" in note


def test_the_outcome_of_an_error_of_the_training_itself_names_the_error() -> None:
    mine, error = recorder("Mine"), ValueError()

    def fail(epoch: int, batch: int) -> None:
        raise error

    host = FakeHost(mine)
    with pytest.raises(ValueError, match=r"^$") as raised:
        host.fit(step=fail)
    assert raised.value is error
    assert not hasattr(error, "__notes__")
    assert host.run is not None
    assert host.run.outcome == Outcome("failed", "ValueError", error)
    assert "on_train_end" not in mine.events
    assert mine.events[-1] == "on_run_end"


def test_ctrl_c_in_the_training_ends_the_run_as_interrupted() -> None:
    error = KeyboardInterrupt()

    def interrupt(epoch: int, batch: int) -> None:
        raise error

    mine = recorder("Mine")
    host = FakeHost(mine)
    with pytest.raises(KeyboardInterrupt):
        host.fit(step=interrupt)
    assert host.run is not None
    assert host.run.outcome == Outcome("interrupted", "Ctrl-C", error)
    assert mine.events[-1] == "on_run_end"


def test_when_a_run_begin_raises_those_whose_run_began_get_their_run_end() -> None:
    error = ValueError("bad")
    callbacks = [recorder("A"), recorder("B", raises={"on_run_begin": error}), recorder("C")]
    host = FakeHost(*callbacks)
    with pytest.raises(ValueError, match="bad") as raised:
        host.fit()
    assert raised.value is error
    assert [callback.events for callback in callbacks] == [["on_run_begin", "on_run_end"], ["on_run_begin"], []]
    assert host.run is not None
    assert host.run.outcome is not None
    assert host.run.outcome.status == "failed"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()], ids=lambda error: type(error).__name__)
def test_when_a_run_begin_is_interrupted_those_whose_run_began_get_their_run_end(error: BaseException) -> None:
    callbacks = [recorder("A"), recorder("B", raises={"on_run_begin": error}), recorder("C")]
    with pytest.raises(type(error)):
        FakeHost(*callbacks).fit()
    assert callbacks[0].events == ["on_run_begin", "on_run_end"]
    assert callbacks[2].events == []


def test_when_a_wrapper_of_run_begin_raises_behind_the_others_they_get_their_run_end() -> None:
    class Wrapper:
        @hookimpl(wrapper=True)
        def on_run_begin(self) -> Generator[None, Any, Any]:
            yield
            raise ValueError("late")

    mine = recorder("Mine")
    with pytest.raises(ValueError, match="late"):
        FakeHost(mine, Wrapper()).fit()
    assert mine.events == ["on_run_begin", "on_run_end"]


def test_a_reporter_whose_run_begin_raises_is_out_and_the_run_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    callbacks = [recorder("A"), recorder("B", raises={"on_run_begin": ValueError()}, critical=False), recorder("C")]
    play(FakeHost(*callbacks))
    assert callbacks[2].events.count("on_train_batch_end") == 4
    assert "on_train_begin" not in callbacks[1].events
    assert "'b'" in capsys.readouterr().out


@pytest.mark.parametrize("critical", [True, False])
def test_an_error_in_set_model_is_the_callbacks(critical: bool, capsys: pytest.CaptureFixture[str]) -> None:
    class Mine(Callback):
        def set_model(self, model: Any) -> None:
            raise ValueError("no such layer")

    mine, other = Mine(), recorder("Other")
    mine.critical = critical
    host = FakeHost(mine, other)
    if critical:
        with pytest.raises(ValueError, match="no such layer") as raised:
            host.fit()
        assert "'mine'" in notes(raised.value)[0]
        assert other.events == []
    else:
        host.fit()
        assert "'mine'" in capsys.readouterr().out
        assert other.events[-1] == "on_run_end"


@pytest.mark.parametrize(
    "event",
    [
        "set_model",
        "on_run_begin",
    ],
)
def test_a_reporter_whose_run_never_began_gets_no_run_end(event: str, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(self: Any, *_: Any) -> None:
        raise ValueError("bad")

    reporter = recorder("Reporter", critical=False)
    setattr(type(reporter), event, fail if event == "set_model" else lambda self: fail(self))
    other = recorder("Other")
    FakeHost(reporter, other).fit()
    assert reporter.events == []
    assert other.events[-1] == "on_run_end"
    capsys.readouterr()


@pytest.mark.parametrize("others", ["A", "C"])
def test_when_a_run_end_raises_the_others_still_get_theirs_and_it_is_raised_afterwards(others: str) -> None:
    error = ValueError("late")
    callbacks = {name: recorder(name, raises={"on_run_end": error} if name == "B" else None) for name in "ABC"}
    host = FakeHost(*callbacks.values())
    with pytest.raises(ValueError, match="late") as raised:
        host.fit()
    assert raised.value is error
    assert len(notes(error)) == 1
    assert callbacks[others].events.count("on_run_end") == 1
    assert callbacks["B"].events.count("on_run_end") == 1


def test_when_several_run_ends_raise_the_first_is_raised_and_the_others_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = ValueError("first"), KeyError("second")
    host = FakeHost(recorder("A", raises={"on_run_end": first}), recorder("B", raises={"on_run_end": second}))
    with pytest.raises(ValueError, match="first"):
        host.fit()
    assert "KeyError: 'second'" in capsys.readouterr().out


def test_an_error_of_the_training_is_not_hidden_by_one_of_a_run_end(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ValueError("first"), KeyError("second")
    host = FakeHost(recorder("A", raises={"on_epoch_end": first}), recorder("B", raises={"on_run_end": second}))
    with pytest.raises(ValueError, match="first") as raised:
        host.fit()
    assert raised.value is first
    assert "KeyError: 'second'" in capsys.readouterr().out


def test_an_error_in_the_run_end_of_a_reporter_is_shown_and_not_raised(capsys: pytest.CaptureFixture[str]) -> None:
    run = FakeHost(recorder("A", raises={"on_run_end": ValueError("late")}, critical=False)).fit()
    assert run.outcome == Outcome("completed")
    assert "ValueError: late" in capsys.readouterr().out


def test_ctrl_c_in_the_run_end_of_a_critical_callback_leaves_after_the_others_had_theirs() -> None:
    callbacks = [recorder("A", raises={"on_run_end": KeyboardInterrupt()}), recorder("B")]
    with pytest.raises(KeyboardInterrupt):
        FakeHost(*callbacks).fit()
    assert callbacks[1].events[-1] == "on_run_end"


def test_ctrl_c_in_the_run_end_of_a_reporter_is_not_swallowed() -> None:
    with pytest.raises(KeyboardInterrupt):
        FakeHost(recorder("A", raises={"on_run_end": KeyboardInterrupt()}, critical=False)).fit()


def test_a_callback_taken_out_at_a_batch_gets_no_further_event_but_its_run_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    reporter = recorder("Reporter", raises={"on_train_batch_end": ValueError()}, critical=False)
    other = recorder("Other")
    FakeHost(reporter, other).fit(epochs=2, steps=3)
    assert reporter.events[-2:] == ["on_train_batch_end", "on_run_end"]
    assert reporter.events.count("on_train_batch_end") == 1
    assert other.events.count("on_train_batch_end") == 6
    capsys.readouterr()


def test_a_callback_that_implements_an_event_wrongly_is_found_out_before_anything_begins() -> None:
    class Wrong(Callback):
        def on_epoch_end(self) -> None: ...  # type: ignore[override]

    mine = recorder("Mine")
    with pytest.raises(InvalidCallbackError):
        FakeHost(mine, Wrong()).fit()
    assert mine.events == []


def test_a_callback_can_be_used_again_after_a_failed_run() -> None:
    errors: dict[str, BaseException] = {"on_epoch_end": ValueError("bad")}
    mine = recorder("Mine", raises=errors)
    host = FakeHost(mine)
    with pytest.raises(ValueError, match="bad"):
        host.fit()
    errors.clear()
    run = host.fit()
    assert run.outcome == Outcome("completed")
    assert mine.events.count("on_run_end") == 2


def test_a_host_that_does_not_own_the_call_ends_the_run_where_a_callback_raises() -> None:
    callbacks = [recorder("A", raises={"on_epoch_begin": ValueError("bad")}), recorder("B")]
    host = driver(*callbacks)
    host.begin(PARAMS)
    host.leave_at_once()
    with pytest.raises(ValueError, match="bad"):
        host.on_epoch_begin(0)
    assert host.run.outcome is not None
    assert [callback.events[-1] for callback in callbacks] == ["on_run_end", "on_run_end"]


# Stopping


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


def test_a_request_to_stop_ends_training_and_the_outcome_says_who_and_why() -> None:
    stopper, mine = Stopper("on_epoch_end"), recorder("Mine")
    run = FakeHost(stopper, mine).fit(epochs=5)
    assert run.epoch == 0
    assert run.outcome == Outcome("stopped", "stopper: it is enough")
    assert mine.events[-2:] == ["on_train_end", "on_run_end"]


@pytest.mark.parametrize(
    ("event", "flag"), [("on_test_batch_end", "stop_evaluating"), ("on_predict_batch_end", "stop_predicting")]
)
def test_a_request_to_stop_ends_an_evaluation_or_a_prediction(event: str, flag: str) -> None:
    mine = recorder("Mine")
    host = FakeHost(Stopper(event), mine)
    run = host.evaluate(steps=9) if "test" in event else host.predict(steps=9)
    assert mine.events.count(event) == 1
    assert getattr(host.model, flag) is True
    assert run.outcome == Outcome("stopped", "stopper: it is enough")


def test_a_request_during_validation_stops_the_training_and_not_the_validation() -> None:
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
    """Give a run that was asked to stop, and then ended."""
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


# Dropping


def test_an_event_that_a_callback_drops_does_not_reach_it_and_costs_nothing() -> None:
    class Mine(Callback):
        batches = 0

        def on_run_begin(self, run: Run) -> None:
            run.drop(self, "on_train_batch_begin", "on_test_begin")

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

    mine = Mine()
    host = driver(mine)
    host.begin(PARAMS)
    assert host.batch.on_train_batch_begin is nothing
    host.end()
    FakeHost(mine).fit()
    assert mine.batches == 0


def test_a_drop_lasts_for_one_run_only() -> None:
    class Mine(Callback):
        batches = 0
        drops = True

        def on_run_begin(self, run: Run) -> None:
            if self.drops:
                run.drop(self, "on_train_batch_end")

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches += 1

    mine = Mine()
    host = FakeHost(mine)
    host.fit(steps=2)
    mine.drops = False
    host.fit(steps=2)
    assert mine.batches == 2


def test_dropping_is_possible_in_run_begin_only() -> None:
    class Mine(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            assert self.run is not None
            self.run.drop(self, "on_epoch_end")

    with pytest.raises(RunError, match="on_run_begin only"):
        FakeHost(Mine()).fit()
    run = Run(None, "train")
    with pytest.raises(RunError, match="on_run_begin only"):
        run.drop(Mine(), "on_epoch_end")


def test_dropping_for_an_object_that_is_no_callback_of_the_run_is_an_error() -> None:
    class Mine(Callback):
        def on_run_begin(self, run: Run) -> None:
            run.drop(Callback(), "on_epoch_end")

    with pytest.raises(RunError, match="is no callback of this run"):
        FakeHost(Mine()).fit()


def test_dropping_what_is_no_event_is_an_error_with_the_nearest() -> None:
    class Mine(Callback):
        def on_run_begin(self, run: Run) -> None:
            run.drop(self, "on_epoch_ends")

    with pytest.raises(InvalidCallbackError, match="Did you mean 'on_epoch_end'"):
        FakeHost(Mine()).fit()


# The book: stage, epoch, step


def test_the_stage_is_validate_inside_a_fit_and_test_or_predict_alone() -> None:
    class Mine(Callback):
        def __init__(self) -> None:
            self.stages: list[tuple[str, str]] = []

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.note("batch")

        def on_test_begin(self, logs: Any = None) -> None:
            self.note("test begin")

        def on_test_end(self, logs: Any = None) -> None:
            self.note("test end")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.note("epoch end")

        def on_predict_begin(self, logs: Any = None) -> None:
            self.note("predict")

        def note(self, what: str) -> None:
            assert self.run is not None
            self.stages.append((what, self.run.stage))

    mine = Mine()
    host = FakeHost(mine)
    host.fit(steps=1, validation_steps=1)
    host.evaluate(steps=1)
    host.predict(steps=1)
    assert mine.stages == [
        ("batch", "train"),
        ("test begin", "validate"),
        ("test end", "validate"),
        ("epoch end", "train"),
        ("test begin", "test"),
        ("test end", "test"),
        ("predict", "predict"),
    ]


def test_the_epoch_and_the_step_are_counted() -> None:
    seen: list[tuple[int | None, int]] = []

    class Mine(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            self.note()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.note()

        def note(self) -> None:
            assert self.run is not None
            seen.append((self.run.epoch, self.run.step))

    run = FakeHost(Mine()).fit(epochs=4, steps=2, initial_epoch=2)
    assert seen == [(None, 0), (2, 1), (2, 2), (3, 3), (3, 4)]
    assert (run.epoch, run.step) == (3, 4)


def test_steps_are_counted_when_nobody_listens_to_batches_and_with_several_an_execution() -> None:
    assert FakeHost().fit(epochs=2, steps=3).step == 6
    assert FakeHost().fit(epochs=2, steps=6, steps_per_execution=3).step == 12


def test_steps_are_counted_when_an_epoch_is_left_early() -> None:
    class Mine(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.stop_training = True

    assert FakeHost(Mine()).fit(epochs=3, steps=5).step == 2


def test_every_run_has_an_id_of_its_own_and_knows_its_callbacks_and_their_places() -> None:
    one, other = recorder("One"), recorder("Other")
    host = FakeHost(one, other)
    first, second = host.fit(), host.fit()
    assert first.id != second.id
    assert list(first.callbacks.items()) == [("one", one), ("other", other)]
    assert [place.name for place in first.order] == ["one", "other"]
    assert all(place.reason for place in first.order)


def test_the_history_of_a_run_is_the_pinned_callback() -> None:
    history = recorder("History")
    assert FakeHost(recorder("Mine"), history).fit().history is history


def test_the_chief_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TF_CONFIG", raising=False)
    monkeypatch.setenv("RANK", "1")
    assert Run(None, "train").is_chief is False


# Logs


def test_all_callbacks_of_an_event_share_one_logs_object() -> None:
    one, other = recorder("One"), recorder("Other")
    FakeHost(one, other).fit(epochs=1, steps=1, validation_steps=1)
    for (event, values), (_, others) in zip(one.values, other.values, strict=True):
        if event not in ("on_run_begin", "on_run_end"):
            assert isinstance(values[-1], Logs)
            assert values[-1] is others[-1]


def test_a_batch_that_nobody_reads_is_not_fetched_and_epochs_and_tests_are_at_once() -> None:
    class Mine(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert logs is not None
            assert "loss" in logs

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None: ...

    host = driver(Mine())
    host.begin(PARAMS)
    batch, test_batch, test, epoch = Tensor(), Tensor(), Tensor(), Tensor()
    host.on_train_begin()
    host.on_epoch_begin(0)
    host.batch.on_train_batch_end(0, {"loss": batch})
    host.on_test_begin()
    host.batch.on_test_batch_end(0, {"loss": test_batch})
    host.on_test_end({"loss": test})
    host.on_epoch_end(0, {"loss": epoch})
    assert [tensor.fetches for tensor in (batch, test_batch, test, epoch)] == [0, 0, 1, 1]
    host.end()


def test_an_epoch_is_finalized_once_with_what_came_late_and_read_only() -> None:
    seen: list[dict[str, Any]] = []

    class Mine(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["mine"] = 1.0

        def on_epoch_finalized(self, epoch: int, logs: Any) -> None:
            seen.append(dict(logs))
            with pytest.raises(TypeError):
                logs["more"] = 1.0

    host = driver(Mine())
    host.begin(PARAMS)
    host.on_epoch_begin(0)
    host.on_epoch_end(0, {"loss": 0.5})
    host.finalize_epoch({"theirs": 2.0})
    host.finalize_epoch({"theirs": 3.0})
    assert seen == [{"loss": 0.5, "mine": 1.0, "theirs": 2.0}]
    host.end()


def test_events_that_nobody_implements_are_nothing_in_a_run() -> None:
    host = driver(Callback())
    host.begin(PARAMS)
    assert host.batch.on_train_batch_begin is nothing
    assert host.batch.on_test_batch_end is nothing
    host.end()


def test_the_batch_events_can_be_put_on_any_object_and_lets_it_go() -> None:
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
