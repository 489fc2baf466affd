"""Find the installed callbacks: entry points to records, from metadata alone. Nothing of theirs is imported."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field, replace
from enum import Enum
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from importlib_metadata import PackageNotFoundError, distribution, distributions, version

from .errors import (
    AmbiguousCallbackError,
    CallbackImportError,
    IncompatibleCallbackError,
    UnknownCallbackError,
    nearest,
    one_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from importlib_metadata import Distribution, EntryPoint

GROUP = "epochal.callbacks"
"""The entry point group of callbacks: name of the callback = where it is."""
AUTOLOAD_GROUP = "epochal.autoload"
"""The entry point group of callbacks that are active without being asked for."""
CORE = "epochal-core"

_VALUE = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$")
_REQUIRES_CORE = re.compile(r"^epochal[-_.]core(?![-_.\w])", re.IGNORECASE)


class Status(str, Enum):
    """Whether an installed callback can be used, as far as metadata tells."""

    OK = "ok"
    BROKEN = "broken"
    """Its entry point is malformed, or names a package that is not there."""
    DUPLICATE = "duplicate"
    """Another distribution claims the same name."""
    INCOMPATIBLE = "incompatible"
    """Its distribution needs another version of epochal-core."""


@dataclass(frozen=True)
class Record:
    """One installed callback, as its distribution's metadata describes it.

    Attributes:
        name: The callback's name.
        value: Where it is, as `package.module:Class` or `package.module`.
        distribution: The distribution that brings it.
        version: The distribution's version.
        status: Whether it can be used.
        reason: Why it cannot, and what to do; empty if it can.
        autoload: Whether it asks to be active by itself.
    """

    name: str
    value: str
    distribution: str
    version: str
    status: Status = Status.OK
    reason: str = ""
    autoload: bool = False

    @property
    def origin(self) -> str:
        """The distribution and its version, `epochal-history 0.1.0`."""
        return f"{self.distribution} {self.version}"

    @property
    def module(self) -> str:
        """The module that the entry point names."""
        return self.value.partition(":")[0]

    def load(self) -> Any:
        """Import what the entry point names: a class, an object or a module.

        Raises:
            CallbackImportError: It is broken, or importing it failed; the cause is chained.
            AmbiguousCallbackError: Two distributions claim its name.
            IncompatibleCallbackError: It needs another version of epochal-core.
        """
        self.check()
        try:
            found: Any = import_module(self.module)
            for attribute in filter(None, self.value.partition(":")[2].split(".")):
                found = getattr(found, attribute)
        except Exception as error:
            raise CallbackImportError(
                self.name,
                f"the callback {self.name!r} of {self.origin} cannot be imported from {self.value!r}: "
                f"{one_line(error)}. Reinstall it with `pip install --force-reinstall "
                f"{self.distribution}`, or report it to its authors.",
            ) from error
        return found

    def check(self) -> None:
        """Raise the error that belongs to the status, if it is not OK."""
        kinds = {
            Status.BROKEN: CallbackImportError,
            Status.DUPLICATE: AmbiguousCallbackError,
            Status.INCOMPATIBLE: IncompatibleCallbackError,
        }
        if self.status is not Status.OK:
            raise kinds[self.status](
                self.name, f"the callback {self.name!r} of {self.origin} cannot be used: {self.reason}"
            )

    def loaded(self) -> Any:
        """Give what the entry point names if its module is already imported, else None. Imports nothing."""
        found: Any = sys.modules.get(self.module)
        for attribute in filter(None, self.value.partition(":")[2].split(".")):
            found = getattr(found, attribute, None)
        return found


@dataclass(frozen=True)
class Catalogue:
    """All installed callbacks.

    Attributes:
        records: One a claim, sorted by name and distribution: a name that two distributions claim is there twice.
    """

    records: tuple[Record, ...] = field(default=())

    def find(self, name: str) -> Record:
        """Give the record of a name; whether it can be used is checked when it is loaded.

        Raises:
            UnknownCallbackError: Nobody installed it.
        """
        for record in self.records:
            if record.name == name:
                return record
        names = [record.name for record in self.records]
        raise UnknownCallbackError(
            name,
            f"no installed callback has the name {name!r}.{nearest(name, names)} "
            f"`epochal list` shows what is installed; `pip install epochal-{name.replace('_', '-')}` may bring it.",
        )

    def autoloaded(self) -> list[Record]:
        """Give the records that ask to be active by themselves, one a name."""
        return list({record.name: record for record in self.records if record.autoload}.values())

    def record_of(self, callback: Any) -> Record | None:
        """Give the record whose entry point is a callback's own class, or the callback itself. Imports nothing."""
        return next((record for record in self.records if record.loaded() in (callback, type(callback))), None)


def discover() -> Catalogue:
    """Read the installed callbacks from the metadata of the distributions on `sys.path`."""
    records: list[Record] = []
    seen: set[str] = set()
    for found in distributions():
        text = found.read_text("entry_points.txt") or ""
        if GROUP not in text:  # most; reading their names would take longer than all the rest
            continue
        name = _name(found)
        if name is None:
            records.append(_unreadable(found, "its metadata has no name"))
        elif name not in seen and _is_first(name, text):
            seen.add(name)
            records += _records(found)
    return Catalogue(tuple(_mark_duplicates(sorted(records, key=_sort_key))))


def _sort_key(record: Record) -> tuple[str, str, str]:
    return record.name, record.distribution, record.value


def _name(found: Distribution) -> str | None:
    try:
        return found.metadata["Name"] or None
    except Exception:  # what missing metadata raises differs between versions of importlib-metadata
        return None


def _is_first(name: str, entry_points: str) -> bool:
    """Tell whether a distribution is the first of its name on `sys.path`, the one that an import finds."""
    return (distribution(name).read_text("entry_points.txt") or "") == entry_points


def _records(found: Distribution) -> list[Record]:
    try:
        entries = list(found.entry_points)
    except Exception as error:  # whatever the parser makes of a file that is no list of entry points
        return [_unreadable(found, f"its entry_points.txt cannot be read ({one_line(error)})")]
    autoload = {entry.name for entry in entries if entry.group == AUTOLOAD_GROUP}
    return [_record(entry, found, entry.name in autoload) for entry in entries if entry.group == GROUP]


def _record(entry: EntryPoint, found: Distribution, autoload: bool) -> Record:
    name = found.metadata["Name"]
    status, reason = _static_status(entry, name, found.requires or ())
    return Record(entry.name, entry.value, name, found.version, status, reason, autoload)


def _unreadable(found: Distribution, reason: str) -> Record:
    return Record(
        name="?",
        value="",
        distribution=_name(found) or "an unnamed distribution",
        version="of unknown version",
        status=Status.BROKEN,
        reason=f"{reason}. Reinstall the distribution in {found.locate_file('')}.",
    )


def _static_status(entry: EntryPoint, distribution: str, requirements: Iterable[str]) -> tuple[Status, str]:
    """Judge an entry point by what can be known without importing it."""
    if not _VALUE.match(entry.value):
        return Status.BROKEN, f"its entry point {entry.value!r} is not of the form 'package.module:Class'."
    wanted = _unmet_core_requirement(requirements)
    if wanted is not None:
        return Status.INCOMPATIBLE, (
            f"it needs {wanted}, and {CORE} {_core_version()} is installed. "
            f"`pip install --upgrade {CORE} {distribution}` brings two that fit, if there are."
        )
    package = entry.value.partition(":")[0].partition(".")[0]
    if not _is_there(package):
        return Status.BROKEN, (
            f"its package {package!r} is not there. Reinstall it with `pip install --force-reinstall {distribution}`."
        )
    return Status.OK, ""


def _is_there(package: str) -> bool:
    """Tell whether a top-level package could be imported, by the finders that an import asks; nothing is imported."""
    if package in sys.modules:
        return True
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # a finder's own trouble
        return False


def _core_version() -> str | None:
    try:
        return version(CORE)
    except PackageNotFoundError:  # the source tree on sys.path, not installed
        return None


def _unmet_core_requirement(requirements: Iterable[str]) -> str | None:
    """Give the requirement on epochal-core that the installed one does not meet, if there is one."""
    of_core = [text for text in requirements if _REQUIRES_CORE.match(text)]
    installed = _core_version() if of_core else None
    if installed is None:
        return None
    # packaging takes longer to import than all records take to read, and is needed only where a bound is declared.
    if all(text.partition(";")[0].strip().lower() == CORE for text in of_core):
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    for text in of_core:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return f"{text!r}, which is no valid requirement"
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and not requirement.specifier.contains(installed, prereleases=True):
            return f"{requirement.name}{requirement.specifier}"
    return None


def _mark_duplicates(records: Sequence[Record]) -> Iterable[Record]:
    for record in records:
        claims = [other for other in records if other.name == record.name]
        if len(claims) == 1:
            yield record
            continue
        origins = " and ".join(claim.origin for claim in claims)
        others = " or ".join(f"`pip uninstall {claim.distribution}`" for claim in claims)
        yield replace(
            record,
            status=Status.DUPLICATE,
            reason=f"{origins} both claim its name. Keep one of them: {others}.",
        )
