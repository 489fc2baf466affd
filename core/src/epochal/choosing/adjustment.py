"""What the settings say of a callback in a run: its place in the order, what happens when it fails, or that it is off.

A callback is meant by its name, by that of the instance (`name#2`), or by where its class is (`package.module:Class`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..installed.place_record import place_record
from ..settings.names import CallbackName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine.member import Member
    from ..settings.layers import Setting, Settings


def adjusted(member: Member, settings: Settings) -> Member:
    """Apply what the settings say of a callback: of the instance, else of all of its name, else of its class."""
    priority, on_error = _said(member, settings.priority), _said(member, settings.on_error)
    before, after = _said(member, settings.before), _said(member, settings.after)
    if priority is not None:
        member = replace(member, priority=priority.value, declares_priority=True, priority_from=priority.place)
    if on_error is not None:
        member = replace(member, critical=on_error.value == "raise")
    if before is not None:
        member = replace(member, before=_names(before), before_from=before.place)
    if after is not None:
        member = replace(member, after=_names(after), after_from=after.place)
    return member


def _names(setting: Setting) -> tuple[str, ...]:
    return tuple(CallbackName(name).short for name in setting.value)


def _said(member: Member, said: Mapping[CallbackName, Setting]) -> Setting | None:
    name, named = CallbackName(member.name), [each for each in said if _is_at(each, member.callback)]
    return next((said[each] for each in (name, name.base, *named) if each in said), None)


def switched_off(name: CallbackName, item: Any, settings: Settings) -> Setting | None:
    """Return the setting that switches an object off, by its name or by where its class is."""
    named = (each for each, setting in settings.switches.items() if not setting.value and _is_at(each, item))
    return settings.disabled(name) or next((settings.switches[each] for each in named), None)


def _is_at(name: CallbackName, item: Any) -> bool:
    """Return whether a name is the place of an object's class, or of the object itself."""
    found = place_record(name).loaded() if name.is_place else None
    return found is not None and (found is item or found is type(item))
