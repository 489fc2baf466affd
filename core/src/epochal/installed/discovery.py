"""Find the installed callbacks: entry points to records, from metadata alone. Nothing of theirs is imported."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cached_property, lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from importlib_metadata import PackageNotFoundError, distribution, distributions

from ..errors import (
    AmbiguousCallbackError,
    CallbackImportError,
    IncompatibleCallbackError,
    UnknownCallbackError,
    nearest,
    one_line,
)
from ..settings.names import CallbackName
from .metadata import AUTOLOAD_GROUP, CORE, GROUP, Facts, core_version, read_entries, read_file, unmet_requirement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

VALUE = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?$")


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
        autoload: Whether it asks to be enabled by default.
    """

    name: CallbackName
    value: CallbackName
    distribution: str
    version: str
    status: Status = Status.OK
    reason: str = ""
    autoload: bool = False

    @property
    def origin(self) -> str:
        """The distribution and its version, `epochal-history 0.1.0`."""
        return f"{self.distribution} {self.version}".rstrip()

    @property
    def module(self) -> str:
        """The module that the entry point names."""
        return self.value.path

    @property
    def package(self) -> str:
        """The package at the top that the module is in."""
        return self.module.partition(".")[0]

    @property
    def address(self) -> str:
        """What the settings know it by."""
        return self.name

    @property
    def remedy(self) -> str:
        """The sentence that says what can be done about its code."""
        return f"It is for the authors of {self.origin} to mend; `pip uninstall {self.distribution}` removes it."

    def is_of(self, distribution: str) -> bool:
        """Return whether a distribution of this name brings it, however the name is spelt."""
        return _normal(self.distribution) == _normal(distribution)

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
            for attribute in filter(None, self.value.attribute.split(".")):
                found = getattr(found, attribute)
        except (Exception, SystemExit) as error:  # some end Python where something is missing
            raise CallbackImportError(
                self.name,
                f"the callback {self.name!r} of {self.origin} cannot be imported from {self.value!r}: "
                f"{one_line(error)}. {self._advice(error)}",
            ) from error
        return found

    def _advice(self, error: BaseException) -> str:
        """Say what to do about an error of the import."""
        if isinstance(error, ModuleNotFoundError) and error.name and error.name.partition(".")[0] != self.package:
            return f"It needs {error.name!r}, which is not installed; install it, or tell the authors of {self.origin}."
        if isinstance(error, AttributeError) and self.value.attribute:
            names = dir(sys.modules.get(self.module))
            hint = nearest(self.value.attribute, [name for name in names if name[0] != "_"])
            return f"Its entry point in {self.distribution} names what is not there.{hint}"
        return self.remedy

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
        """Return what the entry point names if its module is already imported, else None. Imports nothing."""
        found: Any = sys.modules.get(self.module)
        for attribute in filter(None, self.value.attribute.split(".")):
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
        """Return the record of a name; whether it can be used is checked when it is loaded.

        Raises:
            UnknownCallbackError: It is not installed.
        """
        for record in self.records:
            if record.name == name:
                return record
        kind = CallbackName(name).base
        if kind != name and any(record.name == kind for record in self.records):
            raise UnknownCallbackError(
                name,
                f"{name!r} is a further instance of {kind!r}, and is made by a table [[callbacks.{kind}]] of its own. "
                f"`epochal enable {kind}#2 parameter=value` writes one.",
            )
        hint = nearest(name, [record.name for record in self.records])
        raise UnknownCallbackError(
            name,
            f"no installed callback has the name {name!r}.{hint or _where_it_may_be(name)} `epochal list` shows what "
            "is installed. A callback that is not installed under a name is given as an object.",
        )

    def preferring(self, distributions: Mapping[str, str]) -> Catalogue:
        """Decide for one of several distributions that claim a name.

        Args:
            distributions: Name of the callback to the distribution that is to bring it.
        """
        if not distributions:
            return self
        kept = []
        for record in self.records:
            wanted = distributions.get(record.name)
            if wanted is None or not any(each.is_of(wanted) for each in self.records if each.name == record.name):
                kept.append(record)
            elif record.is_of(wanted):
                is_duplicate = record.status is Status.DUPLICATE
                kept.append(replace(record, status=Status.OK, reason="") if is_duplicate else record)
        return Catalogue(tuple(kept))

    def autoloaded(self) -> list[Record]:
        """Return the records that ask to be active by themselves, one a name."""
        return list({record.name: record for record in self.records if record.autoload}.values())

    def record_of(self, callback: Any) -> Record | None:
        """Return the record whose entry point is a callback's own class, or the callback itself. Imports nothing."""
        for module, records in self._by_module.items():
            for record in records if module in sys.modules else ():
                found = record.loaded()
                if found is not None and (found is callback or found is type(callback)):
                    return record
        return None

    def name_like(self, name: CallbackName, kind: str) -> CallbackName:
        """Return the name of what is installed under a name, or has a class of the same name; else the name itself."""
        return name if name in self._names else self._by_class.get(kind, name)

    # A run asks these of every callback, and there may be hundreds of records.

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(record.name for record in self.records)

    @cached_property
    def _by_module(self) -> dict[str, list[Record]]:
        found: dict[str, list[Record]] = {}
        for record in self.records:
            found.setdefault(record.module, []).append(record)
        return found

    @cached_property
    def _by_class(self) -> dict[str, CallbackName]:
        values = {record.value: record.name for record in reversed(self.records)}
        return {(value.attribute or value.path).rpartition(".")[2]: name for value, name in values.items()}


def _where_it_may_be(name: str) -> str:
    """Return the sentence that names the distribution which by convention brings a callback; empty for what is no name.

    >>> _where_it_may_be("csv_logger")
    " By convention 'epochal-csv-logger' brings it: `pip install epochal-csv-logger`, if that is what you want."
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        return ""
    distribution = f"epochal-{name.replace('_', '-')}"
    return f" By convention {distribution!r} brings it: `pip install {distribution}`, if that is what you want."


def discover() -> Catalogue:
    """Read the installed callbacks from the metadata of the distributions on `sys.path`.

    Every fit asks, so what was read is kept until a folder on `sys.path` changes, as it does when pip installs.
    """
    return _discovered(tuple(map(_state_of, sys.path)), (os.getcwd(), *map(id, sys.meta_path)))


def _state_of(folder: str) -> tuple[str, int, int]:
    """Return what changes when something is installed in a folder, or removed."""
    try:
        # Two changes may come within one tick of the file system's clock.
        return folder, os.stat(folder or ".").st_mtime_ns, len(os.listdir(folder or "."))
    except OSError:  # it is not there, or no folder
        return folder, 0, 0


@lru_cache(maxsize=1)
def _discovered(_folders: tuple[tuple[str, int, int], ...], _surroundings: tuple[Any, ...]) -> Catalogue:
    records: list[Record] = []
    seen: set[str] = set()
    core = core_version()
    for found in distributions():
        text = read_file(found, "entry_points.txt")
        if GROUP not in text and AUTOLOAD_GROUP not in text:
            continue  # most; reading their metadata would take longer than all the rest
        facts = Facts.of(found)
        name = _normal(facts.name)
        if name not in seen and _is_first(facts.name, text):
            seen.add(name)
            records += _records(found, facts, core)
    records.sort(key=lambda record: (record.name, record.distribution, record.value))
    return Catalogue(tuple(_mark_duplicates(records)))


def _normal(distribution: str) -> str:
    """Return the name of a distribution as packaging tools compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _is_first(name: str, entry_points: str) -> bool:
    """Return whether a distribution is the first of its name on `sys.path`, the one that an import finds."""
    try:
        return not name or read_file(distribution(name), "entry_points.txt") == entry_points
    except PackageNotFoundError:  # its folder has another name than its metadata
        return True


def _records(found: Any, facts: Facts, core: str | None) -> list[Record]:
    if not facts.name:
        return [_unreadable(found, facts, "its metadata has no name")]
    try:
        callbacks, autoload = read_entries(found)
    except Exception as error:  # whatever the parser makes of a file that is no list of entry points
        return [_unreadable(found, facts, f"its entry_points.txt cannot be read ({one_line(error)})")]
    records = []
    for name, text in callbacks.items():
        value = CallbackName(text)
        status, reason = _static_status(value, facts, core)
        records.append(Record(CallbackName(name), value, facts.name, facts.version, status, reason, name in autoload))
    for name in autoload.keys() - callbacks.keys():
        reason = f"it is in the group {AUTOLOAD_GROUP} alone; a callback has to be in {GROUP} too."
        records.append(
            Record(CallbackName(name), CallbackName(autoload[name]), facts.name, facts.version, Status.BROKEN, reason)
        )
    return records


def _unreadable(found: Any, facts: Facts, reason: str) -> Record:
    return Record(
        name=CallbackName("?"),
        value=CallbackName(""),
        distribution=facts.name or "an unnamed distribution",
        version=facts.version,
        status=Status.BROKEN,
        reason=f"{reason}. Reinstall the distribution in {found.locate_file('')}.",
    )


def _static_status(value: CallbackName, facts: Facts, core: str | None) -> tuple[Status, str]:
    """Judge an entry point by what can be known without importing it."""
    if not VALUE.match(value):
        return Status.BROKEN, f"its entry point {value!r} is not of the form 'package.module:Class'."
    wanted = unmet_requirement(facts.core_requirements, core)
    if wanted is not None:
        return Status.INCOMPATIBLE, (
            f"it needs {wanted}, and {CORE} {core} is installed. "
            f"`pip install --upgrade {CORE} {facts.name}` brings two that fit, if there are."
        )
    package = value.path.partition(".")[0]
    if not is_there(package):
        return Status.BROKEN, (
            f"its package {package!r} is not there. Reinstall it with `pip install --force-reinstall {facts.name}`."
        )
    return Status.OK, ""


def is_there(package: str) -> bool:
    """Return whether a top-level package could be imported, by the finders that an import asks; nothing is imported."""
    if package in sys.modules:
        return True
    try:
        return find_spec(package) is not None
    except (ImportError, ValueError):  # a finder's own trouble
        return False


def _mark_duplicates(records: Sequence[Record]) -> Iterable[Record]:
    by_name: dict[str, list[Record]] = {}
    for record in records:
        by_name.setdefault(record.name, []).append(record)
    for record in records:
        claims = by_name[record.name]
        if len(claims) == 1 or not record.value:
            yield record
            continue
        origins = " and ".join(claim.origin for claim in claims)
        # A distribution that is named after the callback is the one to keep.
        conventional = f"epochal-{record.name.replace('_', '-')}"
        others = [claim for claim in claims if claim.distribution != conventional] or claims
        commands = " or ".join(f"`pip uninstall {claim.distribution}`" for claim in others)
        choice = f'`prefer = {{{record.name} = "{others[0].distribution}"}}`'
        yield replace(
            record,
            status=Status.DUPLICATE,
            reason=f"{origins} both claim its name. Keep one of them: {commands}; or choose in the config: {choice}.",
        )
