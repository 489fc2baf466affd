"""The call lists of one run, compiled from what pluggy registered.

An event that nobody implements is one shared empty function. Any other is a plain loop over the callbacks' own bound
functions, with one `try` around the whole of it. Only where a callback wraps an event does pluggy make the calls.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import InvalidCallbackError, nearest
from ..hookspecs import ALIASES, BATCH_EVENTS, EVENTS
from ..logs import Logs
from .implementation import implementations
from .manager import Manager
from .ordering import PINNED

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from ..run import Run
    from .implementation import Implementation
    from .manager import Plugin
    from .member import Member
    from .profile import Profile

    OnError = Callable[[Member, str, BaseException], bool]


def nothing(_first: Any = None, logs: Any = None) -> None:
    """Do nothing: an event that nobody implements. Named arguments cost half of what `*_, **__` does."""


class Dispatch:
    """The functions that call an event on every callback.

    Args:
        run: The run that the callbacks get.
        members: The callbacks, in order.
        on_error: Decides about an error: it gets the callback, the event and the error, and tells whether the run goes
            on with the next callback. If not, the error is raised again.
        on_begun: Called with a callback whose `on_run_begin` has returned.
        profile: Measures every call; None: nothing is measured.

    Raises:
        InvalidCallbackError: A callback implements an event wrongly.

    Attributes:
        calls: Event to its function, which takes the event's arguments but `run`. Those of the batch events take
            `(batch, logs=None)` with the host's own mapping as logs, and return the `Logs` made of it, or None if
            nobody implements the event. All others are given the `Logs`.
        on_leave: Called with an error that leaves an event, before the host gets it; takes effect with `compile`.
    """

    def __init__(
        self,
        run: Run,
        members: Iterable[Member],
        on_error: OnError,
        on_begun: Callable[[Member], None] = nothing,
        profile: Profile | None = None,
    ) -> None:
        self._run = run
        self._profile = profile
        self._logs: type[Logs] = Logs if profile is None else profile.logs_kind
        self._on_error = on_error
        self.on_leave: Callable[[BaseException], None] | None = None
        self.calls: dict[str, Callable[..., Any]] = {}
        self._entries = _registered(members, run)
        for member, found in self._entries.items():
            if "on_run_begin" in found:
                found["on_run_begin"] = _noted(found["on_run_begin"], member, on_begun)
            if profile is not None:
                found.update({event: profile.measured(member, event, each) for event, each in found.items()})
        self._manager = Manager(self._entries.items(), self._guard)
        self._make_calls()

    def compile(self) -> None:
        """Make the call lists anew."""
        self._manager.close()
        self._manager = Manager(self._entries.items(), self._guard)
        self._make_calls()

    def _make_calls(self) -> None:
        for event in EVENTS:
            call = self._compiled(event)
            if self._profile is not None and event in BATCH_EVENTS:
                call = self._profile.stepping(event, call)
            if self.on_leave is not None and self._manager.plugins_of(event):
                call = self._watched(call)
            self.calls[event] = call

    def close(self) -> None:
        """Let go of the callbacks, the run's driver and pluggy's registry; from now on every event does nothing."""
        self._entries = {}
        self._manager.close()
        self._on_error, self.on_leave, self._profile = _reraise, None, None
        self.calls = dict.fromkeys(EVENTS, nothing)

    def members(self, event: str) -> list[Member]:
        """Return the callbacks that an event reaches, in call order."""
        return [plugin.member for plugin in self._manager.plugins_of(event)]

    def drop(self, member: Member, events: Sequence[str]) -> None:
        """Take events away from a callback; takes effect with the next `compile`."""
        for name in events:
            event = ALIASES.get(name, name)
            if event not in EVENTS:
                raise InvalidCallbackError(
                    member.name, f"{member.title} drops {name!r}, which is not an event.{nearest(name, EVENTS)}"
                )
            self._entries[member].pop(event, None)

    def keep_only(self, members: Iterable[Member], *events: str) -> None:
        """Take all other events away from some callbacks, now."""
        members = list(members)
        for member in members:
            self.drop(member, [event for event in EVENTS if event not in events])
        if members:
            self.compile()

    def _compiled(self, event: str) -> Callable[..., Any]:
        plugins = self._manager.plugins_of(event)
        if event in BATCH_EVENTS:
            return self._batch_event(event, plugins)
        if self._manager.has_wrappers(event):
            return self._wrapped(event)
        return self._loop(event, plugins) if plugins else nothing

    # An error leaves the loop, and the iterator with what is still to be called outlives it: where the run goes on, so
    # does the loop, with the callback behind the one that raised. The loop is written out twice, because for a batch a
    # call more would cost as much as calling several callbacks.

    def _loop(self, event: str, plugins: Sequence[Plugin]) -> Callable[..., None]:
        functions = tuple(plugin.implementations[event].call for plugin in plugins)
        goes_on = self._decision(event, plugins)

        def call(*arguments: Any) -> None:
            left = iter(functions)
            function = None  # an interrupt may come before the first call
            while True:
                try:
                    for function in left:
                        function(*arguments)
                    return
                except BaseException as error:
                    if not goes_on(function, error):
                        raise

        return call

    def _batch_event(self, event: str, plugins: Sequence[Plugin]) -> Callable[..., Any]:
        """Make the function of a batch event; at the end of a training batch it also counts the batch."""
        run, counted, make_logs = self._run, event == "on_train_batch_end", self._logs
        if not plugins:
            return run.count_batch if counted else nothing
        if self._manager.has_wrappers(event):
            return self._wrapped_batch(event, counted)
        functions = tuple(plugin.implementations[event].call for plugin in plugins)
        goes_on = self._decision(event, plugins)

        def call(batch: int, logs: Mapping[str, Any] | None = None) -> Logs:
            if counted:
                run.last_batch = batch
            given = make_logs(logs or ())
            left = iter(functions)
            function = None  # an interrupt may come before the first call
            while True:
                try:
                    for function in left:
                        function(batch, given)
                    return given
                except BaseException as error:
                    if not goes_on(function, error):
                        raise

        return call

    def _watched(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function that tells of an error that leaves it."""

        def watched(*arguments: Any) -> Any:
            try:
                return call(*arguments)
            except BaseException as error:
                if self.on_leave is not None:
                    self.on_leave(error)
                raise

        return watched

    def _decision(self, event: str, plugins: Sequence[Plugin]) -> Callable[[Any, BaseException], bool]:
        """Make the function that decides about an error, given the function that raised it."""
        members = [(plugin.implementations[event].call, plugin.member) for plugin in plugins]

        def goes_on(function: Any, error: BaseException) -> bool:
            member = next((member for call, member in members if call is function), members[0][1])
            return self._on_error(member, event, error)

        return goes_on

    def _wrapped_batch(self, event: str, counted: bool) -> Callable[..., Logs]:
        event_call = self._wrapped(event)

        def call(batch: int, logs: Mapping[str, Any] | None = None) -> Logs:
            if counted:
                self._run.count_batch(batch)
            given = self._logs(logs or ())
            event_call(batch, given)
            return given

        return call

    def _wrapped(self, event: str) -> Callable[..., None]:
        """Call the pinned callbacks first and all others through pluggy, inside the wrappers."""
        pinned = self._manager.pinned_of(event)
        first = self._loop(event, pinned) if pinned else nothing
        rest = self._manager.unpinned_caller(event)
        run, *names = EVENTS[event]

        def call(*arguments: Any) -> None:
            first(*arguments)
            rest(**{run: None}, **dict(zip(names, arguments, strict=True)))

        return call

    def _guard(self, member: Member, event: str, implementation: Implementation) -> Callable[..., Any]:
        """Make the function that pluggy calls: its errors are handled as in the loop."""
        if implementation.options.get("wrapper"):
            return self._guarded_wrapper(member, event, implementation)

        def call(*arguments: Any) -> None:
            try:
                implementation.call(*arguments)
            except BaseException as error:
                if not self._on_error(member, event, error):
                    raise

        return call

    def _guarded_wrapper(self, member: Member, event: str, implementation: Implementation) -> Callable[..., Any]:
        """Run a wrapper step by step, so that its own errors are told from those that pass through it."""

        def call(*arguments: Any) -> Generator[None, Any, Any]:
            generator = implementation.call(*arguments)
            try:
                _start(generator, f"the wrapper of {event} in {member.title}")
            except BaseException as error:
                if not self._on_error(member, event, error):
                    raise
                return (yield)
            passing: BaseException | None = None
            result = None
            try:
                result = yield
            except BaseException as error:
                passing = error
            try:
                return _finish(generator, result, passing, f"the wrapper of {event} in {member.title}")
            except BaseException as error:
                # Python turns a StopIteration that passes through a generator into a RuntimeError, pluggy turns it back
                passed = error is passing or (isinstance(passing, StopIteration) and error.__cause__ is passing)
                if passed or not self._on_error(member, event, error):
                    raise
                if passing is not None:
                    raise passing from None
                return result

        return call


def _reraise(_member: Member, _event: str, _error: BaseException) -> bool:
    return False


def _registered(members: Iterable[Member], run: Run) -> dict[Member, dict[str, Implementation]]:
    """Find what every callback implements.

    Raises:
        InvalidCallbackError: Some of them do it wrongly; all that do are in the message.
    """
    entries, wrong = {}, []
    for member in members:
        try:
            entries[member] = implementations(member, run)
            check_wrappers(member, entries[member])
        except InvalidCallbackError as error:
            wrong.append(error)
    if len(wrong) > 1:
        texts = "\n  ".join(map(str, wrong))
        raise InvalidCallbackError(wrong[0].callback, f"{len(wrong)} callbacks cannot be used:\n  {texts}")
    if wrong:
        raise wrong[0]
    return entries


def check_wrappers(member: Member, found: Mapping[str, Implementation]) -> None:
    """Refuse wrappers of a pinned callback: wrappers enclose all but the pinned."""
    wrapped = [event for event, implementation in found.items() if implementation.options.get("wrapper")]
    if wrapped and member.name in PINNED:
        raise InvalidCallbackError(
            member.name,
            f"{member.title} is pinned and wraps {', '.join(wrapped)}. A pinned callback is called ahead of everything "
            "else and encloses nothing; implement the event without wrapper=True.",
        )


def _start(generator: Generator[None, Any, Any], what: str) -> None:
    """Run a wrapper up to its `yield`."""
    try:
        next(generator)
    except StopIteration:
        raise RuntimeError(f"{what} ended before its `yield`") from None


def _finish(generator: Generator[None, Any, Any], result: Any, passing: BaseException | None, what: str) -> Any:
    """Run a wrapper from its `yield` to its end, and give what it returns."""
    try:
        if passing is None:
            generator.send(result)
        else:
            generator.throw(passing)
    except StopIteration as end:
        return end.value
    generator.close()
    raise RuntimeError(f"{what} yields more than once")


def _noted(implementation: Implementation, member: Member, on_begun: Callable[[Member], None]) -> Implementation:
    """Make an implementation tell when it has returned."""

    def call() -> None:
        implementation.call()
        on_begun(member)

    def wrap() -> Generator[None, Any, Any]:
        result = yield from implementation.call()
        on_begun(member)
        return result

    return replace(implementation, call=wrap if implementation.options.get("wrapper") else call)
