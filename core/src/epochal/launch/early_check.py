"""What is wrong with the settings, found before a program begins.

No framework is imported for it: a program may say how Keras is to be imported (`KERAS_BACKEND`, which devices, which
log level), and has not begun yet. What cannot be checked without one is checked when the first run begins.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..choosing.choice import Choice
from ..choosing.mistakes import mistakes
from ..choosing.selection import arrange, survey
from ..engine.ordering import PINNED
from ..errors import ConfigError
from ..frameworks.packages import DISTRIBUTIONS
from ..installed.discovery import is_there
from ..reports.plan import order_events
from ..settings.layers import Setting
from ..settings.parameters import is_reference

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..engine.member import Member
    from ..settings.layers import Settings
    from ..settings.names import CallbackName

_NOT_IMPORTED = {*DISTRIBUTIONS, "numpy"}  # which takes as long to import as all of epochal


def check_settings(choice: Choice) -> None:
    """Check the settings that the runs of a program would begin with.

    Raises:
        ConfigError: They have mistakes; all that were found are in the message.
        OrderError: `before` and `after` cannot all hold.
    """
    settings, problems = choice.settings, mistakes(choice)
    members: dict[str, Member] = {}
    for name in choice.names():
        if name.is_place and not name.is_file:
            problems += _missing_package(name, settings.switches[name])
        elif not _names_code(name, settings):
            created, wrong = _survey_alone(name, choice)
            members.update({member.name: member for member in created})
            problems += wrong
    if not problems:
        problems += order_events(arrange(members.values()))[1]
    if problems:
        raise ConfigError(dict.fromkeys(problems))


def _survey_alone(name: CallbackName, choice: Choice) -> tuple[list[Member], list[str]]:
    """Create one callback with the pinned two, and return what is wrong; nothing is where that needs a framework."""
    settings = choice.settings
    others = {each.name for each in choice.catalogue.autoloaded()} - {name, *PINNED}
    switches = {other: Setting(False, "", "default") for other in others}
    switches |= {each: switch for each, switch in settings.switches.items() if each == name or not switch.value}
    alone = replace(settings, switches=switches)
    try:
        with _without_frameworks():
            return survey(Choice(choice.installed, alone))
    except _FrameworkNeeded:
        return [], []


def _names_code(name: CallbackName, settings: Settings) -> bool:
    """Return whether a parameter names code, which may be the program's own and is not imported ahead of it."""
    values = (each.value for table in settings.tables.get(name, ()) for each in table.parameters.values())
    return any(is_reference(value) for value in values)


def _missing_package(name: CallbackName, switch: Setting) -> Iterator[str]:
    package = name.path.partition(".")[0]
    if not is_there(package):
        yield f"{switch.place}: {name!r} cannot be imported, because there is no package {package!r}."


class _FrameworkNeeded(BaseException):
    """A framework would be imported. No Exception, which who can do without the framework would catch."""


class _Guard:
    def find_spec(self, name: str, _path: Any = None, _target: Any = None) -> None:
        if name in _NOT_IMPORTED:
            raise _FrameworkNeeded(name)


@contextmanager
def _without_frameworks() -> Iterator[None]:
    guard: Any = _Guard()
    sys.meta_path.insert(0, guard)
    try:
        yield
    finally:
        sys.meta_path.remove(guard)
