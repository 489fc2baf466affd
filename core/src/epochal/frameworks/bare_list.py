"""A framework's own list of callbacks, made to treat ours as a run does: for `model.fit(callbacks=[EarlyStopping()])`.

There is no run in such a fit, and nothing of ours between the framework and a callback but the list that calls it. It
lives as long as the call, so it is the one to change: it becomes an instance of a subclass. Nothing is set on the
callbacks, which are copied and pickled, have methods overridden or set on them, and go on to a run in the next fit.
"""

from __future__ import annotations

import sys
from collections import Counter
from functools import wraps
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from ..hookspecs import BATCH_EVENTS, KERAS_EVENTS
from ..inspection.conflicts import declared, keras_paths, shared_changes, shared_paths
from ..inspection.identity import default_name, module_of
from ..warn import warn_user
from .end_of_data import as_error, ends_the_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

_kinds: dict[type, type] = {}


def meet_list(callback: Any, root: type) -> None:
    """Make the framework's list that is introducing a callback to its model or params check and guard it.

    Before training it calls the callback's `preflight`, and a StopIteration that the callback raises leaves it as an
    error. Epochal runs introduce their callbacks by themselves, and nothing is changed there.

    Args:
        callback: An epochal callback. It may stand in another one that passes everything on.
        root: The base class of all epochal callbacks.
    """
    listed = _introducing_list()
    if listed is None:
        return
    kind = type(listed)
    if kind not in _kinds.values():
        if kind not in _kinds:
            _kinds[kind] = _checking_kind(kind, root)
        listed.__class__ = _kinds[kind]
        listed.met_by_epochal = []
        _warn_of_repeats(listed, root)
    if not any(callback is met for met in listed.met_by_epochal):
        listed.met_by_epochal.append(callback)


def _introducing_list() -> Any:
    """Return the framework's list that is passing on the model or the params; None if there is none."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        # The name first: to ask for a frame's locals keeps what they hold alive, and most frames are the user's.
        if frame.f_code.co_name in ("set_model", "set_params"):
            owner = frame.f_locals.get("self")
            is_list = any(kind.__name__ == "CallbackList" for kind in type(owner).__mro__)
            if is_list and not hasattr(owner, "epochal_driven"):
                return owner
        frame = frame.f_back
    return None


def _warn_of_repeats(listed: Any, root: type) -> None:
    places = Counter(id(each) for each in listed.callbacks)
    for callback in {id(each): each for each in listed.callbacks if places[id(each)] > 1}.values():
        if isinstance(callback, root) and not _is_in_a_run(callback, listed):
            warn_user(
                f"the same {type(callback).__qualname__} object is passed more than once, and Keras calls it each "
                "time. Pass it once."
            )


def _checking_kind(kind: type, root: type) -> type:
    """Return a subclass of a class of lists, each of its events guarded, and training checked before it begins."""
    events = [event for event in KERAS_EVENTS if hasattr(kind, event)]
    methods = {event: _guarded(getattr(kind, event), event, root) for event in events}
    begin = methods["on_train_begin"]

    @wraps(begin)
    def on_train_begin(self: Any, *arguments: Any, **named: Any) -> Any:
        _check(self, root)
        return begin(self, *arguments, **named)

    methods |= {event: _settling(methods[event]) for event in ("on_epoch_begin", "on_train_end")}
    namespace = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), {**namespace, **methods, "on_train_begin": on_train_begin})


def _settling(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of a list after which the states of our callbacks count as used, as after a run's."""

    @wraps(method)
    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        result = method(self, *arguments, **named)
        for callback in self.met_by_epochal:
            callback._settle_state()
        return result

    return call


def _guarded(method: Callable[..., Any], event: str, root: type) -> Callable[..., Any]:
    """Return a method of a list that raises a RuntimeError where an epochal callback raises what ends the data."""

    def batch_call(self: Any, batch: int, logs: Any = None) -> Any:
        try:
            return method(self, batch, logs)
        except Exception as error:
            _raise_as_error(self, error, event, root)
            raise

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        try:
            return method(self, *arguments, **named)
        except Exception as error:
            _raise_as_error(self, error, event, root)
            raise

    # With `*arguments, **named` a call costs 1 µs, and with the names less than 0.1.
    return wraps(method)(batch_call if event in BATCH_EVENTS else call)


def _raise_as_error(listed: Any, error: Exception, event: str, root: type) -> None:
    """Raise what leaves the list in the place of an error that ends the data, if an epochal callback raised it.

    No local of the traceback's own frames holds what is raised: that circle would keep the model.
    """
    callback = _called(listed, error) if ends_the_data(error, event) else None
    if isinstance(callback, root):  # what others raise is the framework's to handle
        raise as_error(error, f"the callback {_title(callback)} in {event}") from error


def _called(listed: Any, error: Exception) -> Any:
    """Return the callback that the list was calling when an error was raised: a local of its method, as is the list."""
    for frame, _line in walk_tb(error.__traceback__):
        values = list(frame.f_locals.values())
        if any(value is listed for value in values):
            for value in values:
                if any(value is callback for callback in listed.callbacks):
                    return value
    return None


def _title(callback: Any) -> str:
    return f"{default_name(callback)!r} (module {module_of(callback)})"


def _is_in_a_run(callback: Any, listed: Any) -> bool:
    """Return whether an epochal run that the list drives calls the callback: `[*epochal.callbacks(stop), stop]`."""
    hosts = (each for each in listed.callbacks if getattr(each, "epochal_driven", None) is True)
    return any(callback is driven for host in hosts for driven in host.given())


def _check(listed: Any, root: type) -> None:
    """Check before training what a run checks of its callbacks, as far as it is known without one."""
    ours = [callback for callback in listed.met_by_epochal if not _is_in_a_run(callback, listed)]
    for callback in ours:
        callback.preflight()
    others = [each for each in listed.callbacks if not isinstance(each, root)]
    written = [*((each, declared(each, "writes")) for each in ours), *((each, keras_paths(each)) for each in others)]
    changed = [(each, declared(each, "changes")) for each in ours]
    for one, other, message in (*shared_paths(written), *shared_changes(changed)):
        if isinstance(one, root):  # else both are Keras's, since ours come first
            warn_user(f"{_title(one)} and {_title(other)}: {message}")
