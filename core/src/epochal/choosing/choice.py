"""What a run's callbacks are chosen from: what is installed, and what the settings say."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..engine.ordering import PINNED
from ..errors import UnknownCallbackError
from ..inspection.identity import default_name
from ..installed.discovery import VALUE, discover
from ..installed.place_record import place_record
from ..settings.reading import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..installed.discovery import Catalogue, Record
    from ..settings.layers import Settings
    from ..settings.names import CallbackName

BY_ITSELF = "enabled by default"
"""Why a callback is active that asks for it in its metadata."""


@dataclass(frozen=True)
class Choice:
    """The installed callbacks, and the settings that choose from them.

    Attributes:
        installed: All installed callbacks, also where several distributions claim a name.
        settings: The settings.
    """

    installed: Catalogue
    settings: Settings

    @classmethod
    def here(cls, start: Path | None = None) -> Choice:
        """Read what a run has to choose from that begins here and now; `start` is that of `load_settings`."""
        return cls(discover(), load_settings(start))

    @cached_property
    def catalogue(self) -> Catalogue:
        """The installed callbacks, where `prefer` has decided between distributions."""
        return self.installed.preferring({str(name): each.value for name, each in self.settings.prefer.items()})

    def names(self, asked: Iterable[CallbackName] = ()) -> list[CallbackName]:
        """Return all names that may be active, each once: pinned, autoloaded, enabled by the settings, asked for."""
        autoloaded = (record.name for record in self.catalogue.autoloaded())
        return [*dict.fromkeys([*PINNED, *autoloaded, *self.settings.enabled(), *asked])]

    def decide(self, name: CallbackName, autoload: bool) -> tuple[bool, str]:
        """Return whether a callback is active by its name, and why.

        Args:
            name: The name, as the settings know it.
            autoload: Whether it asks to be enabled by default.
        """
        settings = self.settings
        if name in PINNED:
            return True, "pinned"
        off = settings.disabled(name)
        if off is not None:
            return False, f"switched off by {off.where}"
        if name in settings.switches:
            return True, settings.switches[name].where
        if not autoload:
            return False, ""
        return (
            (True, BY_ITSELF) if settings.autoload.value else (False, f"autoload is off, by {settings.autoload.where}")
        )

    def name_of(self, callback: Any) -> CallbackName:
        """Return the name of the installed callback of an object's class, or of a class of that name, else its own."""
        record = self.catalogue.record_of(callback)
        # Keras's own EarlyStopping is meant by the settings of the installed one.
        return record.name if record else self.catalogue.name_like(default_name(callback), type(callback).__name__)


def find_record(name: CallbackName, catalogue: Catalogue) -> Record:
    """Return the record of an installed callback, or of the place that a name says.

    Raises:
        UnknownCallbackError: It is not installed.
    """
    if name.is_file:
        from ..installed.file_record import file_record  # imports pluggy, which `epochal list` mostly does without

        return file_record(name)
    if name.is_place:
        if not VALUE.match(name):
            raise UnknownCallbackError(name, f"{name!r} is not of the form package.module:Class.")
        return place_record(name)
    try:
        return catalogue.find(name)
    except UnknownCallbackError as error:
        if name not in PINNED:
            if not Path(f"{name}.py").is_file():
                raise
            raise UnknownCallbackError(name, f"{error} The file {name}.py is named as './{name}.py'.") from None
        distribution = f"epochal-{name.replace('_', '-')}"
        raise UnknownCallbackError(
            name,
            f"the pinned callback {name!r}, which every run needs, is not installed. "
            f"Install it with `pip install {distribution}`.",
        ) from None
