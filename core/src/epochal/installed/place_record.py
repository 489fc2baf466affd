"""A callback that is named by its place in a package, `package.module:Class`: no distribution brings it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .discovery import Record

if TYPE_CHECKING:
    from ..settings.names import CallbackName


class PlaceRecord(Record):
    """A record of what the settings or the code name by its place, which stands where others have a distribution."""

    @property
    def address(self) -> str:
        """What the settings know it by."""
        return self.value

    @property
    def remedy(self) -> str:
        """Empty: no distribution can be removed, and no authors are known."""
        return ""

    def _advice(self, error: BaseException) -> str:
        return super()._advice(error) or (
            "Is it spelt as it should be, and installed or in the folder that the run begins in?"
        )


def place_record(name: CallbackName) -> PlaceRecord:
    """Make the record of a name that is a place; nothing is imported."""
    return PlaceRecord(name.base.short, name, f"module {name.path}", "")
