"""The pluggy plugin manager of one run: every callback registered once, in its order."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

from .. import hookspecs
from ..hookspecs import EVENTS, PROJECT, hookimpl
from .ordering import PINNED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from .implementation import Implementation
    from .member import Member

    Guard = Callable[[Member, str, Implementation], Callable[..., Any]]


@cache
def _shaper(arguments: tuple[str, ...], wrapper: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return what turns a function into one that pluggy can call.

    pluggy reads off a function's code which arguments to pass and whether it is a wrapper, so the code is written out:
    one function for every set of arguments that an event has besides `run`, which the implementations hold.
    """
    names = ", ".join(arguments)
    body = f"(yield from call({names}))" if wrapper else f"call({names})"
    code = f"lambda call: lambda {names}: {body}"
    shaper: Callable[[Callable[..., Any]], Callable[..., Any]] = eval(code)  # noqa: S307  # the names are the specs' own
    return shaper


class Plugin:
    """What pluggy registers for one callback: a function for each of its events, under the event's name.

    Attributes:
        member: The callback.
        implementations: Its own functions, by event.
    """

    def __init__(self, member: Member, implementations: Mapping[str, Implementation], guard: Guard) -> None:
        self.member = member
        self.implementations = implementations
        for event, implementation in implementations.items():
            call = guard(member, event, implementation)
            shaped = _shaper(EVENTS[event][1:], bool(implementation.options.get("wrapper")))
            setattr(self, event, hookimpl(**implementation.options)(shaped(call)))

    def __repr__(self) -> str:
        return f"<Plugin {self.member.name!r}>"

    @property
    def rank(self) -> int:
        """0 and 1 for the pinned callbacks, 2 for all others."""
        name = self.member.name
        return PINNED.index(name) if name in PINNED else len(PINNED)


class Manager(pluggy.PluginManager):
    """The registry of one run.

    Args:
        entries: The callbacks in the order in which they are to be called, each with what it implements.
        guard: Makes the function that pluggy calls out of an implementation, so that its errors are handled there.
    """

    def __init__(self, entries: Iterable[tuple[Member, Mapping[str, Implementation]]], guard: Guard) -> None:
        super().__init__(PROJECT)
        self.add_hookspecs(hookspecs)
        plugins = [Plugin(member, implementations, guard) for member, implementations in entries]
        self._pinned = [plugin for plugin in plugins if plugin.rank < len(PINNED)]
        for plugin in reversed(plugins):  # pluggy calls what was registered last first
            self.register(plugin, plugin.member.name)

    def close(self) -> None:
        """Undo the circles of the registry, its hooks and plugins. Calls that are under way go on."""
        vars(self.hook).clear()
        self._name2plugin.clear()
        self._pinned = []

    def plugins_of(self, event: str) -> list[Plugin]:
        """Return everyone with the event in call order, wrappers first; the pinned ahead of all."""
        implementations = reversed(getattr(self.hook, event).get_hookimpls())
        return sorted((each.plugin for each in implementations), key=lambda plugin: plugin.rank)  # stable

    def pinned_of(self, event: str) -> list[Plugin]:
        """Return the pinned callbacks with the event."""
        return [plugin for plugin in self._pinned if event in plugin.implementations]

    def has_wrappers(self, event: str) -> bool:
        """Return whether somebody encloses the event."""
        return any(each.wrapper for each in getattr(self.hook, event).get_hookimpls())

    def unpinned_caller(self, event: str) -> Callable[..., Any]:
        """Return pluggy's caller of an event without the pinned callbacks; it takes arguments by name."""
        return self.subset_hook_caller(event, self._pinned)

    # pluggy would look at every attribute of every plugin, and of the module of the specs; here they are known.

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        """Return the options of a plugin's function, None for any other attribute."""
        return getattr(getattr(plugin, name), f"{PROJECT}_impl") if name in plugin.implementations else None

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        """Return the options of an event's spec, None for any other name."""
        return getattr(getattr(module_or_class, name), f"{PROJECT}_spec") if name in EVENTS else None
