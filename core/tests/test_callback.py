from __future__ import annotations

import copy
import io
import pickle
import re
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from rich.live import Live

from epochal import Callback, Outcome, Priority, Run, StateError, hookimpl
from epochal.callback import Callback as Defined
from epochal.engine.member import is_keras_callback, make_member
from epochal.hookspecs import ALIASES, KERAS_EVENTS
from epochal.inspection.events import marked_functions
from epochal.inspection.identity import default_name, module_of
from epochal.settings.names import snake_case
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost, FakeModel

KERAS_HOOKS = (*KERAS_EVENTS, *ALIASES)


class Counter(Callback):
    """Counts epochs; on the level of the module, so that it pickles."""

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append(epoch)


def test_the_priorities_are_those_of_the_contract() -> None:
    assert {role.name: int(role) for role in Priority} == {
        "METRICS": 10,
        "SCHEDULE": 30,
        "CONTROL": 50,
        "CHECKPOINT": 70,
        "REPORT": 90,
    }


def test_the_defaults_are_a_critical_controller_without_edges() -> None:
    callback = Callback()
    assert callback.priority == Priority.CONTROL
    assert (callback.before, callback.after) == ((), ())
    assert callback.critical is True
    assert callback.run is None
    assert callback.model is None
    assert callback.params == {}


def test_the_public_class_is_the_one_that_is_defined() -> None:
    assert Callback is Defined


@pytest.mark.parametrize("event", KERAS_HOOKS)
def test_every_event_of_keras_can_be_called_as_keras_does_and_does_nothing(event: str) -> None:
    method = getattr(Callback(), event)
    if "epoch" in event:
        assert method(0, {"loss": 1}) is None
        assert method(0) is None
    elif "batch" in event:
        assert method(0, logs={"loss": 1}) is None
        assert method(0) is None
    else:
        assert method({"loss": 1}) is None
        assert method() is None


@pytest.mark.parametrize("event", KERAS_HOOKS)
def test_what_is_not_overridden_is_marked_so_that_keras_need_not_call_it(event: str) -> None:
    assert getattr(Callback(), event)._is_default is True
    mine = type("Mine", (Callback,), {event: lambda self, *_: None})()
    assert not hasattr(getattr(mine, event), "_is_default")


@pytest.mark.parametrize(("alias", "event"), ALIASES.items())
def test_in_a_bare_fit_the_event_of_a_batch_goes_through_the_alias(alias: str, event: str) -> None:
    calls: list[Any] = []
    mine = type("Mine", (Callback,), {alias: lambda self, batch, logs=None: calls.append((batch, logs))})()
    getattr(mine, event)(3, logs={"loss": 1})
    assert calls == [(3, {"loss": 1})]


def test_a_bare_fit_sets_model_and_params() -> None:
    mine = Callback()
    mine.set_params({"epochs": 1})
    mine.set_model("model")
    assert (mine.model, mine.params, mine.run) == ("model", {"epochs": 1}, None)
    assert Callback.params == {}


@pytest.mark.parametrize(
    ("events", "question"),
    [
        (
            ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end"),
            "_implements_train_batch_hooks",
        ),
        (("on_test_batch_begin", "on_test_batch_end"), "_implements_test_batch_hooks"),
        (("on_predict_batch_begin", "on_predict_batch_end"), "_implements_predict_batch_hooks"),
    ],
)
def test_tf_keras_is_told_which_batch_events_are_needed(events: tuple[str, ...], question: str) -> None:
    assert getattr(Callback(), question)() is False
    assert getattr(Counter(), question)() is False
    for event in events:
        assert getattr(type("Mine", (Callback,), {event: lambda self, *_: None})(), question)() is True


def test_tf_keras_finds_what_else_it_reads() -> None:
    assert Callback()._chief_worker_only is None


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda callback: pickle.loads(pickle.dumps(callback))])
def test_a_callback_copies_before_and_after_a_run_without_the_run_and_its_model(duplicate: Any) -> None:
    mine = Counter()
    assert duplicate(mine).epochs == []
    FakeHost(mine, model=_Uncopyable()).fit(epochs=2)
    copied = duplicate(mine)
    assert type(copied) is Counter
    assert copied.epochs == [0, 1]
    assert copied.model is None
    assert copied.run is None
    assert copied.params == mine.params


def test_in_a_bare_fit_that_follows_a_run_of_ours_the_run_is_none() -> None:
    mine = Counter()
    FakeHost(mine).fit()
    mine.set_model(object())  # what Keras does in a bare fit
    mine.set_params({"epochs": 1, "steps": 1, "verbose": 0})
    assert mine.run is None


class _Uncopyable:
    stop_training = False

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise AssertionError("copied")


# What a callback does in an epochal run and in a bare fit


def test_stop_training_in_a_run_gives_the_reason_and_the_name_of_the_callback() -> None:
    class Stopper(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.stop_training("it is enough")

    run = FakeHost(Stopper()).fit(epochs=5)
    assert run.epoch == 0
    assert run.outcome == Outcome("stopped", "stopper: it is enough")


def test_stop_training_can_say_that_the_run_has_failed() -> None:
    class Stopper(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.stop_training("the loss is nan", failed=True)

    run = FakeHost(Stopper()).fit(epochs=5)
    assert run.has_failed
    assert run.outcome == Outcome("failed", "stopper: the loss is nan")


@pytest.mark.parametrize("failed", [True, False])
def test_stop_training_in_a_bare_fit_sets_the_flag_of_the_model(failed: bool) -> None:
    mine, model = Callback(), FakeModel()
    mine.set_model(model)
    mine.stop_training("it is enough", failed=failed)
    assert model.stop_training is True


@pytest.mark.parametrize("text", ["[red]a[/red] [1, 2] :smile:", "x" * 500, "Zeile 1\nÄ", ""])
def test_print_in_a_run_gives_the_text_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    class Printer(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.print(text)

    FakeHost(Printer()).fit()
    assert capsys.readouterr().out == f"{text}\n"


def test_print_in_a_run_goes_above_what_is_live_on_its_console(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(screen, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    mine, run = Callback(), Run(FakeModel(), "train")
    mine.run = run
    monkeypatch.setattr(sys, "stdout", screen)
    with Live("the bar", console=run.console, auto_refresh=False):
        mine.print("above")
    assert re.search(r"the bar\s*\x1b\[2Kabove\s*the bar", screen.getvalue())  # erased, and drawn again below


def test_print_in_a_bare_fit_begins_a_line_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    sys.stdout.write("4/4 - loss: 0.5")
    Callback().print("[red]saved")
    assert capsys.readouterr().out == "4/4 - loss: 0.5\n[red]saved\n"


def test_the_model_is_up_to_date_whenever_a_callback_asks_for_it() -> None:
    class Model(FakeModel):
        """Keeps what it was trained to elsewhere, as Keras does on JAX within an epoch."""

        trained = 0

        def jax_state_sync(self) -> None:
            self.weights["batches"] = self.trained

    seen: list[Any] = []

    class Look(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert self.run is not None
            seen.append((self.model.weights["batches"], self.run.model.weights["batches"]))

    model = Model()

    def step(epoch: int, batch: int) -> None:
        model.trained += 1

    FakeHost(Look(), model=model).fit(steps=2, step=step)
    assert seen == [(1, 1), (2, 2)]


def test_print_in_a_bare_fit_goes_where_the_framework_prints() -> None:
    printed: list[str] = []

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            adapter.print = printed.append  # type: ignore[method-assign,assignment]
            return adapter

    callback = Callback()
    callback.set_model(Model())
    callback.print("saved")
    assert printed == ["saved"]


# State


class Stateful(Callback):
    """Keeps the best weights, and how long it has waited."""

    state_attributes = ("wait", "best", "weights")

    def __init__(self) -> None:
        self.begins: list[tuple[bool, int]] = []
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.best: float | None = None
        self.weights: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        afresh = self.starts_afresh()
        if afresh:
            self._reset()
        self.begins.append((afresh, self.wait))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.wait += 1
        self.weights.append(np.full(2, epoch))


def test_a_callback_without_state_has_an_empty_one() -> None:
    mine = Counter()
    assert mine.state_dict() == {}
    mine.load_state_dict({})
    assert mine.epochs == []


def test_the_state_is_what_the_named_attributes_hold() -> None:
    mine = Stateful()
    FakeHost(mine).fit(epochs=2)
    state = mine.state_dict()
    assert list(state) == ["wait", "best", "weights"]
    assert (state["wait"], state["best"], [each.tolist() for each in state["weights"]]) == (2, None, [[0, 0], [1, 1]])


def test_the_state_is_a_copy_both_ways() -> None:
    mine, other = Stateful(), Stateful()
    mine.weights = [np.zeros(2)]
    state = mine.state_dict()
    mine.weights[0] += 1
    assert state["weights"][0].tolist() == [0, 0]
    other.load_state_dict(state)
    state["weights"][0] += 5
    state["weights"].append("more")
    assert [each.tolist() for each in other.weights] == [[0, 0]]


def test_a_state_goes_through_bytes_into_another_object_and_training_goes_on_with_it() -> None:
    mine, other = Stateful(), Stateful()
    FakeHost(mine).fit(epochs=2)
    other.load_state_dict(parse_state(dump_state(mine.state_dict())))
    FakeHost(other).fit(epochs=5, initial_epoch=2)
    FakeHost(whole := Stateful()).fit(epochs=5)
    assert dump_state(other.state_dict()) == dump_state(whole.state_dict())
    assert other.begins == [(False, 2)]


@pytest.mark.parametrize("kind", [FakeHost, BareHost])
def test_a_state_counts_for_the_next_training_alone(kind: type[FakeHost] | type[BareHost]) -> None:
    mine = Stateful()
    mine.load_state_dict({"wait": 7, "best": 0.5, "weights": []})
    host = kind(mine)
    host.evaluate()  # no training
    host.fit()
    host.fit()
    assert mine.begins == [(False, 7), (True, 0)]


@pytest.mark.parametrize("kind", [FakeHost, BareHost])
def test_to_ask_for_a_restored_state_changes_nothing(kind: type[FakeHost] | type[BareHost]) -> None:
    answers: dict[str, list[bool]] = {}

    class Asking(Callback):
        def _ask(self, event: str) -> None:
            answers.setdefault(event, []).append(self.starts_afresh())

        def on_train_begin(self, logs: Any = None) -> None:
            self._ask("train")
            self._ask("train")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self._ask("epoch")

    asking = Asking()
    asking.load_state_dict({})
    assert not asking.starts_afresh()
    kind(asking).fit(epochs=2)
    assert answers == {"train": [False, False], "epoch": [False, True]}


@pytest.mark.parametrize("kind", [FakeHost, BareHost])
def test_a_state_for_a_training_without_epochs_is_of_no_later_one(kind: type[FakeHost] | type[BareHost]) -> None:
    mine = Stateful()
    mine.load_state_dict({"wait": 7, "best": 0.5, "weights": []})
    for _ in range(2):
        kind(mine).fit(epochs=0)
    assert mine.begins == [(False, 7), (True, 0)]


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda callback: pickle.loads(pickle.dumps(callback))])
def test_a_copy_of_a_restored_callback_is_restored_too(duplicate: Any) -> None:
    mine = Stateful()
    mine.load_state_dict({"wait": 7, "best": 0.5, "weights": []})
    FakeHost(copied := duplicate(mine)).fit()
    assert copied.begins[-1] == (False, 7)


@pytest.mark.parametrize(
    ("state", "wrong"),
    [
        ({"wait": 1}, ": missing are best, weights"),
        ({"wait": 1, "best": 2, "weights": [], "extra": 4, 5: 6}, ": unknown are extra, 5"),
        ({"wait": 1, "best": 2, "weigths": []}, ": missing are weights; unknown are weigths"),
        ({}, ": missing are wait, best, weights"),
        (None, ", but of type NoneType"),
        (["wait", "best", "weights"], ", but of type list"),
    ],
)
def test_what_is_no_state_of_the_callback_is_an_error_and_changes_nothing(state: Any, wrong: str) -> None:
    mine = Stateful()
    with pytest.raises(StateError, match=f"^this is not a state of Stateful{wrong}$"):
        mine.load_state_dict(state)
    assert mine.state_dict() == {"wait": 0, "best": None, "weights": []}
    assert mine.starts_afresh()


# Names and kinds


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("EarlyStopping", "early_stopping"),
        ("ReduceLROnPlateau", "reduce_lr_on_plateau"),
        ("ModelCheckpoint", "model_checkpoint"),
        ("TensorBoard", "tensor_board"),
        ("TerminateOnNaN", "terminate_on_nan"),
        ("LearningRateScheduler", "learning_rate_scheduler"),
        ("CSVLogger", "csv_logger"),
        ("ProgbarLogger", "progbar_logger"),
        ("LambdaCallback", "lambda_callback"),
        ("BackupAndRestore", "backup_and_restore"),
        ("SwapEMAWeights", "swap_ema_weights"),
        ("RemoteMonitor", "remote_monitor"),
        ("OrbaxCheckpoint", "orbax_checkpoint"),
        ("BaseLogger", "base_logger"),
        ("History", "history"),
        ("WandbMetricsLogger", "wandb_metrics_logger"),
        ("Nanometer", "nanometer"),
        ("lower", "lower"),
        ("Top5Accuracy", "top5_accuracy"),
        ("NaN", "nan"),
        ("NaNGuard", "nan_guard"),
        ("DinaNearest", "dina_nearest"),
    ],
)
def test_the_name_of_a_class_becomes_that_of_a_callback(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_a_callback_is_named_after_its_class_module_or_function() -> None:
    @hookimpl
    def on_epoch_end() -> None: ...

    assert default_name(Counter()) == "counter"
    assert default_name(ModuleType("some.package.audit")) == "audit"
    assert default_name(on_epoch_end) == "on_epoch_end"
    assert default_name(Counter().on_epoch_end) == "on_epoch_end"


def test_the_module_of_a_callback_is_where_it_was_defined() -> None:
    assert module_of(Counter()) == __name__
    assert module_of(ModuleType("audit")) == "audit"
    assert module_of(snake_case) == "epochal.settings.names"


def test_a_keras_callback_is_known_by_its_setters() -> None:
    methods = {"set_model": lambda *_: None, "set_params": lambda *_: None}
    theirs = type("Theirs", (), methods)
    assert is_keras_callback(theirs())
    assert not is_keras_callback(theirs)
    assert not is_keras_callback(Callback())
    assert not is_keras_callback(type("Half", (), {"set_model": print})())
    assert not is_keras_callback(object())


def test_marked_functions_are_found_with_their_options() -> None:
    class Marked:
        @hookimpl(tryfirst=True)
        def on_epoch_end(self) -> None: ...

        @staticmethod
        @hookimpl
        def on_train_end() -> None: ...

        def on_epoch_begin(self) -> None: ...

    found = marked_functions(Marked())
    assert set(found) == {"on_epoch_end", "on_train_end"}
    assert found["on_epoch_end"]["tryfirst"] is True


def test_a_member_reads_what_a_callback_declares() -> None:
    class Mine(Callback):
        priority = Priority.REPORT
        before = ("a",)
        after = ("b", "c")
        critical = False

    member = make_member("mine", Mine(), None, 4)
    assert (member.priority, member.before, member.after, member.critical) == (90, ("a",), ("b", "c"), False)
    assert member.origin == f"module {__name__}"
    assert member.title == f"'mine' (module {__name__})"
    candidate = member.candidate()
    assert (candidate.name, candidate.priority, candidate.before, candidate.after, candidate.position) == (
        "mine",
        90,
        ("a",),
        ("b", "c"),
        4,
    )


def test_a_module_declares_with_its_variables() -> None:
    module = ModuleType("audit")
    module.priority = 5  # type: ignore[attr-defined]
    module.before = ["a"]  # type: ignore[attr-defined]
    member = make_member("audit", module, None, None)
    assert (member.priority, member.before, member.after, member.critical) == (5, ("a",), (), True)


def test_an_object_that_declares_nothing_is_a_critical_controller() -> None:
    member = make_member("thing", object(), None, None)
    assert (member.priority, member.before, member.after, member.critical) == (50, (), (), True)
