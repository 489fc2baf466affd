"""From a callback to the functions that implement its events, checked before anything runs.

There are three kinds of callbacks (a subclass of `Callback`, marked functions, a Keras callback of somebody else), and
each is turned into the same thing here: for every event that it implements one function that takes the event's
arguments by position, without `run`, which is bound already.
"""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import itemgetter
from types import FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from ..callback import Callback
from ..errors import InvalidCallbackError, nearest, shown
from ..hookspecs import ALIASES, BATCH_EVENTS, EVENTS, HOOKS, KERAS_EVENTS, OWN_EVENTS, comes_in, names_of
from ..inspection.events import MARK, events_of, is_default, marked_functions
from ..inspection.misspelt import misspelt_events
from .member import is_keras_callback

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..run import Run
    from .member import Member


@dataclass(frozen=True, eq=False)
class Implementation:
    """One event of one callback.

    Attributes:
        call: Takes the event's arguments by position, without `run`. With the option `wrapper` it gives a generator.
        options: pluggy's options: `tryfirst`, `trylast`, `wrapper`.
    """

    call: Callable[..., Any]
    options: Mapping[str, Any] = field(default_factory=dict)


def implementations(member: Member, run: Run) -> dict[str, Implementation]:
    """Find the events that a callback implements.

    Args:
        member: The callback.
        run: The run that its functions get.

    Returns:
        A function for every implemented event, by the event's name; aliases are resolved.

    Raises:
        InvalidCallbackError: It is a class and no instance, it has no event, or one is misspelt, not marked, or takes
            arguments that the event does not have.
    """
    callback = member.callback
    if isinstance(callback, type):
        raise InvalidCallbackError(
            member.name,
            f"{callback.__qualname__} is a class, and a callback is an instance of it. "
            f"Write `{callback.__qualname__}()`.",
        )
    if isinstance(callback, (FunctionType, MethodType)):
        return _of_function(member, run)
    found = _of_marks(member, run)
    if is_keras_callback(callback):
        return {**{event: Implementation(_keras_call(member, event, run)) for event in KERAS_EVENTS}, **found}
    if isinstance(callback, Callback):
        found |= _of_methods(member, run, already=found)
    else:
        _check_unmarked(member)
    if not found:
        _check_meant(member)
    if "on_epoch_end" in found:
        found["on_epoch_end"] = _watched(member, run, found["on_epoch_end"])
    return found


def may_be_called(found: Any, stage: str | None) -> bool:
    """Return whether a run that begins with a stage has an event for what an entry point names.

    True in doubt: of all but the class of somebody else's Keras callback, and of one whose class shows no event, since
    it may have its functions set on the object.
    """
    if stage is None or not isinstance(found, type) or issubclass(found, Callback) or not hasattr(found, "set_model"):
        return True
    events = events_of(found)
    return not events or any(comes_in(event, stage) for event in events)


def _check_meant(member: Member) -> None:
    """Refuse an object without any event, unless it is a Callback: Keras trains with one that has none."""
    callback = member.callback
    if type(callback).__module__ == "builtins" and not isinstance(callback, ModuleType):
        what = f"{reprlib.repr(callback)} of type {type(callback).__name__} is not a callback."
        are_several = isinstance(callback, Iterable) and not isinstance(callback, bytes)
        several = " Give several callbacks as a list." if are_several else ""
        raise InvalidCallbackError(
            member.name, f"{what}{several} A callback is an object, or the name of an installed one."
        )
    if not isinstance(callback, Callback):
        raise InvalidCallbackError(
            member.name,
            f"{member.title} implements no event. Subclass epochal.Callback, or mark its functions with "
            f"@epochal.hookimpl and name them after events: {', '.join(EVENTS)}.",
        )


# A Keras callback of somebody else


def _keras_call(member: Member, event: str, run: Run) -> Callable[..., None]:
    """Call a Keras callback as Keras does: by position, the method looked up at the call, the logs fetched.

    The look-up matters: some replace their own methods while they run. A method that is still the base class's does
    nothing, so the logs are not fetched for it. They stop training by a flag of the model, so that is watched.
    """
    callback = member.callback
    alias = names_of(event)[-1]
    by_name = takes_logs_by_name(getattr(callback, event, None), event)

    def call(*arguments: Any) -> None:
        method = getattr(callback, event, None)
        if method is None or (is_default(method) and is_default(getattr(callback, alias, method))):
            return
        if by_name:
            method(arguments[0], logs=arguments[-1].fetch())
        else:
            method(*arguments[:-1], arguments[-1].fetch())
        _note_stop(member, run)

    return call


def _note_stop(member: Member, run: Run) -> None:
    """Remember who stopped the training by the model's flag, as Keras's callbacks do."""
    in_train = run.stage in ("train", "validate")
    if in_train and run.stop_reason is None and getattr(run._model, "stop_training", False) is True:
        run.stop_reason = f"{member.name}: it set model.stop_training"


def _watched(member: Member, run: Run, implementation: Implementation) -> Implementation:
    """Make an implementation of `on_epoch_end`, where training is stopped mostly, be watched for the model's flag."""
    if implementation.options.get("wrapper"):
        return implementation

    def call(epoch: int, logs: Any) -> Any:
        result = implementation.call(epoch, logs)
        _note_stop(member, run)
        return result

    return replace(implementation, call=call)


# A subclass of Callback


def _of_methods(member: Member, run: Run, already: Mapping[str, Any]) -> dict[str, Implementation]:
    """Find the overridden methods: Keras's events by position, epochal's own by name."""
    callback = member.callback
    found = {}
    for event in EVENTS:
        name, method = _overridden(callback, event)
        if method is None or hasattr(method, MARK):
            continue
        if not callable(method):
            raise InvalidCallbackError(
                member.name, f"{event} of {member.title} is {shown(method)}, and an event is implemented by a method."
            )
        if event in already:
            raise InvalidCallbackError(
                member.name,
                f"{member.title} implements {event} by its method and by a function marked for it. Keep one of them.",
            )
        if event in OWN_EVENTS:
            found[event] = Implementation(_by_name(member, method, event, run))
        else:
            found[event] = Implementation(_as_keras_calls(member, method, event, name))
    return found


def _overridden(callback: Callback, event: str) -> tuple[str, Callable[..., Any] | None]:
    """Return the name and the callback's own method for an event; where it has only the alias, that one."""
    for name in names_of(event):
        method = getattr(callback, name, None)
        if method is not None and not is_default(method):
            return name, method
    return event, None


def _as_keras_calls(member: Member, method: Callable[..., Any], event: str, name: str) -> Callable[..., Any]:
    """Return a function of the event's positional arguments that calls a method as Keras does.

    Keras gives the logs of a batch by name, those of an epoch by position.
    """
    arguments = EVENTS[event][1:]
    try:
        signature = inspect.signature(method)
    except ValueError:  # a method in C shows no signature
        return method
    if _binds(signature, *arguments):
        return method
    if takes_logs_by_name(method, event):
        return lambda batch, logs: method(batch, logs=logs)
    raise InvalidCallbackError(
        member.name,
        f"{name}{signature} of {member.title} cannot be called with ({', '.join(arguments)}) by position. "
        f"Define it as `def {name}(self, {', '.join([*arguments[:-1], arguments[-1] + '=None'])})`.",
    )


def takes_logs_by_name(method: Any, event: str) -> bool:
    """Return whether a method of a batch event can be called with its logs by name only, as Keras 3 calls it."""
    if event not in BATCH_EVENTS or not callable(method):
        return False
    try:
        signature = inspect.signature(method)
    except ValueError:
        return False
    return not _binds(signature, "batch", "logs") and _binds(signature, "batch", logs="logs")


def _binds(signature: inspect.Signature, *arguments: str, **named: str) -> bool:
    try:
        signature.bind(*arguments, **named)
    except TypeError:
        return False
    return True


# Marked functions


def _of_function(member: Member, run: Run) -> dict[str, Implementation]:
    function = member.callback
    options = getattr(function, MARK, None)
    if options is None:
        if function.__name__ == "<lambda>":
            raise InvalidCallbackError(
                member.name,
                f"a lambda ({member.origin}) is not a callback: it has no name that tells the event. "
                "Write a function named after an event, with @epochal.hookimpl above it.",
            )
        raise InvalidCallbackError(
            member.name,
            f"the function {function.__qualname__} ({member.origin}) is not marked. "
            "Put @epochal.hookimpl above it, and name it after an event.",
        )
    return dict([_marked(member, run, function.__name__, function, options)])


def _of_marks(member: Member, run: Run) -> dict[str, Implementation]:
    found: dict[str, Implementation] = {}
    for attribute, options in marked_functions(member.callback).items():
        function = getattr(member.callback, attribute)
        event, implementation = _marked(member, run, attribute, function, options)
        if event in found:
            raise InvalidCallbackError(
                member.name,
                f"{member.title} marks two functions for {event}, one of them {attribute!r}. "
                "An event and its alias are one event. Keep one of them.",
            )
        found[event] = implementation
    return found


def _marked(
    member: Member, run: Run, attribute: str, function: Callable[..., Any], options: Mapping[str, Any]
) -> tuple[str, Implementation]:
    hook = options.get("specname") or attribute
    event = ALIASES.get(hook, hook)
    if event not in EVENTS:
        raise InvalidCallbackError(
            member.name, f"{hook!r}, marked with @hookimpl in {member.title}, is not an event.{nearest(hook, HOOKS)}"
        )
    wrapper = bool(options.get("wrapper") or options.get("hookwrapper"))
    if options.get("hookwrapper"):
        raise InvalidCallbackError(
            member.name,
            f"{hook} of {member.title} uses hookwrapper=True, pluggy's old style of wrappers. Use wrapper=True.",
        )
    if wrapper and not inspect.isgeneratorfunction(function):
        raise InvalidCallbackError(
            member.name, f"{hook} of {member.title} is marked as a wrapper, and has no `yield` around the others."
        )
    kept = {key: True for key in ("tryfirst", "trylast", "wrapper") if options.get(key)}
    return event, Implementation(_by_name(member, function, event, run), kept)


def _by_name(member: Member, function: Callable[..., Any], event: str, run: Run) -> Callable[..., Any]:
    """Return a function of the event's positional arguments that calls `function` with the ones it names."""
    names = _named_arguments(member, function, event)
    arguments = EVENTS[event]
    if not names:
        return lambda *_: function()
    places = [arguments.index(name) for name in names]
    pick = itemgetter(*places) if len(places) > 1 else lambda values: (values[places[0]],)
    if not _can_be_positional(function, names):
        return lambda *values: function(**dict(zip(names, pick((run, *values)), strict=True)))
    if names == arguments[1:]:
        return function
    return lambda *values: function(*pick((run, *values)))


def _can_be_positional(function: Callable[..., Any], names: tuple[str, ...]) -> bool:
    """Return whether a function takes these arguments, in this order, by position."""
    parameters = inspect.signature(function).parameters.values()
    positional = [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]
    return tuple(positional[: len(names)]) == names


def _named_arguments(member: Member, function: Callable[..., Any], event: str) -> tuple[str, ...]:
    """Read which of the event's arguments a function takes, in its own order."""
    names: list[str] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            return EVENTS[event]
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY) or name not in EVENTS[event]:
            if name.startswith("_") and parameter.default is not parameter.empty:
                continue  # a value bound at definition, `_seen=set()`, is the function's own business
            bare = parameter.replace(annotation=parameter.empty)
            raise InvalidCallbackError(
                member.name,
                f"{event} of {member.title} takes the argument {bare}, and the event has "
                f"{', '.join(EVENTS[event])}.{nearest(name, EVENTS[event])} Any subset of them is taken, by name.",
            )
        names.append(name)
    return tuple(names)


# What is there and would never be called


def _check_misspelt(member: Member, names: Iterable[str]) -> None:
    for what in misspelt_events(member.callback, names):
        raise InvalidCallbackError(
            member.name,
            f"{member.title} {what} Give a method that is not an event a name that does not begin with `on_`.",
        )


def _check_unmarked(member: Member) -> None:
    """Refuse functions named after an event that lack the mark: pluggy would pass over them in silence."""
    callback = member.callback
    marked = marked_functions(callback)
    functions = {
        name
        for name in dir(callback)
        if name.startswith("on_") and name not in marked and callable(inspect.getattr_static(callback, name, None))
    }
    if isinstance(callback, ModuleType):  # what a module imports from elsewhere is not its implementation
        functions = {
            name for name in functions if getattr(getattr(callback, name), "__module__", None) == callback.__name__
        }
    for name in sorted(functions):
        if name in HOOKS:
            raise InvalidCallbackError(
                member.name,
                f"{name} of {member.title} is not marked and would never be called. Put @epochal.hookimpl above it.",
            )
    _check_misspelt(member, sorted(functions))
