from __future__ import annotations

from types import GeneratorType, ModuleType
from typing import Any

import pytest

from epochal import Callback, InvalidCallbackError, Logs, Run, hookimpl
from epochal.engine.implementation import Implementation, implementations
from epochal.engine.member import make_member
from epochal.hookspecs import ALIASES, EVENTS, KERAS_EVENTS, OWN_EVENTS

RUN = Run(None, "train")
LOGS = Logs({"loss": 1})


def found(callback: Any, name: str = "mine") -> dict[str, Implementation]:
    return implementations(make_member(name, callback, None, 0), RUN)


def message(callback: Any, name: str = "mine") -> str:
    with pytest.raises(InvalidCallbackError) as raised:
        found(callback, name)
    assert raised.value.callback == name
    return str(raised.value)


def module(source: str, name: str = "fake_module") -> ModuleType:
    made = ModuleType(name)
    exec(f"from epochal import hookimpl\n{source}", made.__dict__)
    return made


def values(event: str) -> tuple[Any, ...]:
    """Values of an event's arguments, without `run`."""
    given = {"epoch": 3, "batch": 5, "logs": LOGS, "outcome": "done"}
    return tuple(given[name] for name in EVENTS[event][1:])


@pytest.mark.parametrize(
    "given", [3, b"stopping", object(), None, {1, 2}, (each for each in "ab")], ids=lambda each: type(each).__name__
)
def test_a_value_of_a_builtin_type_is_no_callback(given: Any) -> None:
    text = message(given)
    assert f"of type {type(given).__name__} is not a callback" in text
    assert "on_epoch_end" not in text, "who passes this needs no list of the events"
    assert ("as a list" in text) == isinstance(given, (set, GeneratorType))


# Subclasses of Callback


@pytest.mark.parametrize("event", KERAS_EVENTS)
def test_a_method_of_a_callback_gets_the_arguments_of_keras_by_position(event: str) -> None:
    calls: list[Any] = []
    mine = type("Mine", (Callback,), {event: lambda self, *args: calls.append(args)})()
    implementation = found(mine)
    assert list(implementation) == [event]
    implementation[event].call(*values(event))
    assert calls == [values(event)]


@pytest.mark.parametrize("event", OWN_EVENTS)
def test_epochals_own_events_reach_a_callback_by_name(event: str) -> None:
    calls: list[Any] = []
    mine = type("Mine", (Callback,), {event: lambda self, run: calls.append(run)})()
    found(mine)[event].call(*values(event))
    assert calls == [RUN]


def test_a_callback_that_overrides_nothing_implements_nothing_and_is_no_error() -> None:
    assert found(Callback()) == {}


@pytest.mark.parametrize(("alias", "event"), ALIASES.items())
def test_a_callback_with_only_the_alias_implements_the_event(alias: str, event: str) -> None:
    calls: list[Any] = []
    mine = type("Mine", (Callback,), {alias: lambda self, batch, logs=None: calls.append(batch)})()
    implementation = found(mine)
    assert list(implementation) == [event]
    implementation[event].call(5, LOGS)
    assert calls == [5]


@pytest.mark.parametrize(("alias", "event"), ALIASES.items())
def test_a_callback_with_both_gets_the_event_once_as_in_keras(alias: str, event: str) -> None:
    calls: list[str] = []
    methods = {
        alias: lambda self, batch, logs=None: calls.append(alias),
        event: lambda self, batch, logs=None: calls.append(event),
    }
    found(type("Mine", (Callback,), methods)())[event].call(5, LOGS)
    assert calls == [event]


def test_a_callback_that_calls_its_own_alias_gets_it_once() -> None:
    calls: list[int] = []

    class Wandb(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.on_batch_end(batch, logs)

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            calls.append(batch)

    found(Wandb())["on_train_batch_end"].call(5, LOGS)
    assert calls == [5]


def test_a_callback_that_goes_through_its_base_class_gets_the_alias_once() -> None:
    calls: list[int] = []

    class Mine(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            super().on_train_batch_end(batch, logs)

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            calls.append(batch)

    found(Mine())["on_train_batch_end"].call(5, LOGS)
    assert calls == [5]


@pytest.mark.parametrize(
    ("event", "method"),
    [
        ("on_epoch_end", lambda self, epoch: None),
        ("on_epoch_end", lambda self: None),
        ("on_epoch_end", lambda self, epoch, *, logs: None),
        ("on_epoch_end", lambda self, epoch, logs, extra: None),
        ("on_train_begin", lambda self, epoch, logs: None),
    ],
)
def test_a_method_that_cannot_be_called_as_keras_does_is_an_error_that_shows_the_right_one(
    event: str, method: Any
) -> None:
    text = message(type("Mine", (Callback,), {event: method})())
    assert event in text
    assert f"'mine' (module {__name__})" in text
    assert f"def {event}(self, " in text
    assert "logs=None)" in text


@pytest.mark.parametrize("name", ["on_train_batch_end", "on_batch_end", "on_test_batch_begin", "on_predict_batch_end"])
def test_the_logs_of_a_batch_may_be_taken_by_name_only_as_keras_gives_them(name: str) -> None:
    calls: list[Any] = []

    def method(self: Any, batch: int, *, logs: Any = None) -> None:
        calls.append((batch, logs))

    event = ALIASES.get(name, name)
    found(type("Mine", (Callback,), {name: method})())[event].call(5, LOGS)
    assert calls == [(5, LOGS)]
    if name == event:
        found(type("Mine", (KerasLike,), {name: method})())[event].call(5, LOGS)
        assert calls[1:] == [(5, LOGS.fetch())]


def test_an_event_that_is_no_method_is_an_error() -> None:
    assert "on_epoch_end" in message(type("Mine", (Callback,), {"on_epoch_end": 5})())


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("on_epoch_ends", "on_epoch_end"),
        ("on_epochs_end", "on_epoch_end"),
        ("on_run_ends", "on_run_end"),
        ("on_bacth_end", "on_batch_end"),
        ("on_train_start", "on_train_"),
    ],
)
def test_a_misspelt_event_is_an_error_with_the_nearest_for_an_object_and_module(wrong: str, right: str) -> None:
    unmarked = type("Mine", (), {wrong: lambda self: None, "on_train_end": hookimpl(lambda self: None)})
    in_module = module(f"@hookimpl\ndef on_train_end(): pass\ndef {wrong}(): pass")
    marked = type("Mine", (), {wrong: hookimpl(lambda self: None)})
    for callback in (unmarked(), in_module, marked()):
        text = message(callback)
        assert repr(wrong) in text
        assert f"Did you mean '{right}" in text
        assert "'mine'" in text


def test_a_helper_that_an_event_calls_is_not_a_misspelt_event() -> None:
    class Mine(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.on_epoch_ended(epoch)

        def on_epoch_ended(self, epoch: int) -> None: ...

    assert list(found(Mine())) == ["on_epoch_end"]


def test_methods_that_only_begin_like_events_are_left_alone() -> None:
    class Mine(Callback):
        on_color = "red"

        def on_click(self) -> None: ...

        def one(self) -> None: ...

    assert found(Mine()) == {}


def test_marked_methods_of_a_callback_are_called_by_name_and_the_others_by_position() -> None:
    calls: list[Any] = []

    class Mine(Callback):
        @hookimpl(trylast=True)
        def on_epoch_begin(self, run: Run) -> None:  # type: ignore[override]
            calls.append(run)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            calls.append((epoch, logs))

    implementation = found(Mine())
    implementation["on_epoch_begin"].call(3, LOGS)
    implementation["on_epoch_end"].call(3, LOGS)
    assert calls == [RUN, (3, LOGS)]
    assert implementation["on_epoch_begin"].options == {"trylast": True}
    assert implementation["on_epoch_end"].options == {}


def test_a_method_beside_a_marked_one_for_the_same_event_is_an_error() -> None:
    class Mine(Callback):
        @hookimpl(specname="on_epoch_end")
        def record(self, epoch: int) -> None: ...

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    assert "on_epoch_end" in message(Mine())


# Marked functions


SUBSETS: dict[str, tuple[str, Any]] = {
    "all": ("run, epoch, logs", (RUN, 3, LOGS)),
    "without run": ("epoch, logs", (3, LOGS)),
    "run": ("run", (RUN,)),
    "epoch": ("epoch", (3,)),
    "logs": ("logs", (LOGS,)),
    "in another order": ("logs, run, epoch", (LOGS, RUN, 3)),
    "nothing": ("", ()),
    "with a default": ("epoch, logs=None", (3, LOGS)),
    "by keyword": ("*, logs", (LOGS,)),
    "some by keyword": ("logs, *, epoch", (LOGS, 3)),
    "bound at definition": ("epoch, _seen=7", (3, 7)),
}


@pytest.mark.parametrize(("signature", "expected"), SUBSETS.values(), ids=SUBSETS)
def test_a_marked_function_gets_any_subset_of_the_arguments_by_name(signature: str, expected: Any) -> None:
    names = [part.split("=")[0].strip() for part in signature.split(",") if part.strip() not in ("", "*")]
    body = f"return ({''.join(name + ', ' for name in names)})"
    made = module(f"@hookimpl\ndef on_epoch_end({signature}): {body}")
    assert found(made)["on_epoch_end"].call(3, LOGS) == expected
    methods: dict[str, Any] = {}
    exec(f"from epochal import hookimpl\n@hookimpl\ndef on_epoch_end(self, {signature}): {body}", methods)
    mine = type("Mine", (), {"on_epoch_end": methods["on_epoch_end"]})()
    assert found(mine)["on_epoch_end"].call(3, LOGS) == expected


def test_a_marked_function_with_any_keywords_gets_all() -> None:
    made = module("@hookimpl\ndef on_epoch_end(epoch, **others): return epoch, others")
    assert found(made)["on_epoch_end"].call(3, LOGS) == (3, {"run": RUN, "logs": LOGS})


@pytest.mark.parametrize("signature", ["*, epoch, logs", "epoch, *, logs"])
def test_a_marked_function_may_take_all_arguments_by_keyword_only(signature: str) -> None:
    made = module(f"@hookimpl\ndef on_epoch_end({signature}): return epoch, logs")
    assert found(made)["on_epoch_end"].call(3, LOGS) == (3, LOGS)


def test_on_run_end_may_take_the_outcome_by_keyword_only() -> None:
    made = module("@hookimpl\ndef on_run_end(*, outcome): return outcome")
    assert found(made)["on_run_end"].call("done") == "done"


def test_a_value_bound_at_definition_between_the_arguments_is_kept() -> None:
    made = module("@hookimpl\ndef on_epoch_end(epoch, _seen=7, logs=None): return epoch, _seen, logs")
    assert found(made)["on_epoch_end"].call(3, LOGS) == (3, 7, LOGS)


@pytest.mark.parametrize(
    ("signature", "wrong", "nearest"),
    [
        ("epok", "epok", "'epoch'"),
        ("epoch, log", "log", "'logs'"),
        ("epoch, batch", "batch", ""),
        ("epoch, verbose=True", "verbose=True", ""),
        ("epoch: int, lgs: dict", "lgs", "'logs'"),
        ("*args", "*args", ""),
        ("_", "_", ""),
    ],
)
def test_an_argument_that_the_event_does_not_have_is_an_error_with_the_nearest(
    signature: str, wrong: str, nearest: str
) -> None:
    text = message(module(f"@hookimpl\ndef on_epoch_end({signature}): pass"))
    assert f"on_epoch_end of 'mine' (module fake_module) takes the argument {wrong}," in text
    assert "the event has run, epoch, logs." in text
    assert f"Did you mean {nearest}?" in text if nearest else "Did you mean" not in text


def test_another_name_of_the_function_is_allowed_with_specname() -> None:
    made = module("@hookimpl(specname='on_epoch_end')\ndef record(epoch): return epoch")
    assert found(made)["on_epoch_end"].call(3, LOGS) == 3


@pytest.mark.parametrize(("alias", "event"), ALIASES.items())
def test_a_marked_alias_implements_its_event(alias: str, event: str) -> None:
    made = module(f"@hookimpl\ndef {alias}(batch): return batch")
    assert list(found(made)) == [event]
    assert found(made)[event].call(5, LOGS) == 5


def test_a_marked_event_beside_its_marked_alias_is_an_error() -> None:
    text = message(module("@hookimpl\ndef on_batch_end(): pass\n@hookimpl\ndef on_train_batch_end(): pass"))
    assert "marks two functions for on_train_batch_end" in text
    assert "'mine' (module fake_module)" in text


def test_an_unmarked_event_of_a_module_is_an_error_that_shows_the_mark() -> None:
    text = message(module("@hookimpl\ndef on_train_end(): pass\ndef on_epoch_end(epoch): pass"))
    assert "on_epoch_end of 'mine' (module fake_module) is not marked" in text
    assert "@epochal.hookimpl" in text


def test_an_unmarked_event_of_an_object_is_an_error_that_shows_the_mark() -> None:
    class Mine:
        @hookimpl
        def on_train_end(self) -> None: ...

        def on_epoch_end(self, epoch: int) -> None: ...

    assert "on_epoch_end of 'mine'" in message(Mine())


def test_an_unmarked_function_that_a_module_imported_is_not_its_own() -> None:
    made = module("@hookimpl\ndef on_train_end(): pass")
    other = module("def on_epoch_end(epoch): pass", "other_module")
    made.on_epoch_end = other.on_epoch_end  # type: ignore[attr-defined]
    assert list(found(made)) == ["on_train_end"]


def test_static_and_class_methods_may_be_marked() -> None:
    class Mine:
        @staticmethod
        @hookimpl
        def on_epoch_begin(epoch: int) -> int:
            return epoch

        @classmethod
        @hookimpl
        def on_epoch_end(cls, epoch: int) -> tuple[type, int]:
            return cls, epoch

    implementation = found(Mine())
    assert implementation["on_epoch_begin"].call(3, LOGS) == 3
    assert implementation["on_epoch_end"].call(3, LOGS) == (Mine, 3)


def test_inherited_marked_methods_count() -> None:
    class Base:
        @hookimpl
        def on_epoch_end(self, epoch: int) -> int:
            return epoch

    assert found(type("Mine", (Base,), {})())["on_epoch_end"].call(3, LOGS) == 3


def test_properties_of_an_object_are_not_computed() -> None:
    class Mine:
        @property
        def on_fire(self) -> Any:
            raise AssertionError("computed")

        @hookimpl
        def on_train_end(self) -> None: ...

    assert list(found(Mine())) == ["on_train_end"]


def test_a_marked_function_object_is_a_callback() -> None:
    @hookimpl
    def on_epoch_end(epoch: int) -> int:
        return epoch

    assert found(on_epoch_end)["on_epoch_end"].call(3, LOGS) == 3


def test_an_unmarked_function_object_is_an_error_that_shows_the_mark() -> None:
    def on_epoch_end(epoch: int) -> None: ...

    text = message(on_epoch_end)
    assert "on_epoch_end" in text
    assert "is not marked" in text
    assert "@epochal.hookimpl" in text


def test_a_marked_function_object_that_is_named_after_no_event_is_an_error_with_the_nearest() -> None:
    @hookimpl
    def on_epoch_ended(epoch: int) -> None: ...

    assert "'on_epoch_ended', marked with @hookimpl in 'mine'" in message(on_epoch_ended)
    assert "Did you mean 'on_epoch_end'?" in message(on_epoch_ended)


def test_a_marked_bound_method_is_a_callback_as_a_marked_function_is() -> None:
    class Mine:
        @hookimpl
        def on_epoch_end(self, epoch: int) -> int:
            return epoch

    assert found(Mine().on_epoch_end)["on_epoch_end"].call(3, LOGS) == 3


@pytest.mark.parametrize(
    "callback",
    [type("Mine", (), {})(), module("x = 1"), lambda: None],
    ids=["object", "module", "function"],
)
def test_an_object_without_any_event_is_an_error_that_says_what_to_do(callback: Any) -> None:
    text = message(callback)
    assert "@epochal.hookimpl" in text


@pytest.mark.parametrize("kind", [Callback, type("Marked", (), {"on_epoch_end": hookimpl(lambda self: None)})])
def test_a_class_instead_of_an_instance_is_an_error_that_shows_the_fix(kind: type) -> None:
    assert f"Write `{kind.__qualname__}()`" in message(kind)


def test_options_of_pluggy_are_kept() -> None:
    made = module(
        "@hookimpl(tryfirst=True)\ndef on_epoch_begin(): pass\n"
        "@hookimpl(trylast=True)\ndef on_epoch_end(): pass\n"
        "@hookimpl(wrapper=True)\ndef on_train_end(): yield\n"
    )
    options = {event: dict(implementation.options) for event, implementation in found(made).items()}
    assert options == {
        "on_epoch_begin": {"tryfirst": True},
        "on_epoch_end": {"trylast": True},
        "on_train_end": {"wrapper": True},
    }


def test_a_wrapper_without_a_yield_is_an_error() -> None:
    assert "has no `yield`" in message(module("@hookimpl(wrapper=True)\ndef on_epoch_end(): pass"))


def test_a_wrapper_of_the_old_style_is_an_error_that_names_the_new_one() -> None:
    assert "Use wrapper=True" in message(module("@hookimpl(hookwrapper=True)\ndef on_epoch_end(): yield"))


# Keras callbacks of somebody else


class KerasLike:
    """What Keras's own Callback looks like from outside."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: Any) -> None:
        self.params = params

    def on_batch_end(self, batch: int, logs: Any = None) -> None: ...

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.on_batch_end(batch, logs=logs)

    for _method in (on_batch_end, on_train_batch_end):
        _method._is_default = True  # type: ignore[attr-defined]


def test_a_keras_callback_implements_the_events_of_keras_and_none_of_ours() -> None:
    assert tuple(found(KerasLike())) == KERAS_EVENTS
    assert set(KERAS_EVENTS) == set(EVENTS) - set(OWN_EVENTS)


def test_a_keras_callback_is_called_by_position_and_its_logs_are_fetched() -> None:
    class Theirs(KerasLike):
        def on_epoch_end(self, _: Any, __: Any) -> None:
            self.calls.append((_, dict.copy(__)))

    class Tensor:
        def __float__(self) -> float:
            return 0.5

    theirs = Theirs()
    found(theirs)["on_epoch_end"].call(3, Logs({"loss": Tensor()}))
    assert theirs.calls == [(3, {"loss": 0.5})]


def test_a_keras_callback_may_take_anything() -> None:
    class Comet(KerasLike):
        def on_train_end(self, *args: Any, **kwargs: Any) -> None:
            self.calls.append((args, kwargs))

    theirs = Comet()
    found(theirs)["on_train_end"].call(LOGS)
    assert theirs.calls == [((LOGS,), {})]


def test_the_methods_of_a_keras_callback_are_looked_up_when_called() -> None:
    theirs: Any = KerasLike()
    implementation = found(theirs)
    implementation["on_epoch_end"].call(3, LOGS)
    theirs.on_epoch_end = lambda epoch, logs: theirs.calls.append(("one", epoch))
    implementation["on_epoch_end"].call(4, LOGS)
    theirs.on_epoch_end = lambda epoch, logs: theirs.calls.append(("other", epoch))
    implementation["on_epoch_end"].call(5, LOGS)
    del theirs.on_epoch_end
    implementation["on_epoch_end"].call(6, LOGS)
    assert theirs.calls == [("one", 4), ("other", 5)]


def test_the_alias_of_a_keras_callback_fires_once_through_its_own_base_class() -> None:
    class OnlyAlias(KerasLike):
        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            self.calls.append("alias")

    class Both(OnlyAlias):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.calls.append("event")

    class CallsItsAlias(OnlyAlias):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.calls.append("event")
            self.on_batch_end(batch, logs)

    for kind, expected in ((OnlyAlias, ["alias"]), (Both, ["event"]), (CallsItsAlias, ["event", "alias"])):
        theirs = kind()
        found(theirs)["on_train_batch_end"].call(5, LOGS)
        assert theirs.calls == expected


def test_the_logs_of_an_event_that_a_keras_callback_does_not_override_are_not_fetched() -> None:
    class Tensor:
        def __float__(self) -> float:
            raise AssertionError("fetched")

    found(KerasLike())["on_train_batch_end"].call(5, Logs({"loss": Tensor()}))


def test_a_keras_callback_is_not_searched_for_misspelt_methods() -> None:
    class Theirs(KerasLike):
        def on_epoch_ends(self) -> None: ...

    assert found(Theirs())


def test_the_marked_functions_of_an_object_with_keras_setters_are_called() -> None:
    class Theirs(KerasLike):
        @hookimpl
        def on_run_end(self, outcome: Any) -> Any:
            return outcome

    assert found(Theirs())["on_run_end"].call("done") == "done"
