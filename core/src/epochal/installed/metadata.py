"""What the metadata of a distribution says of its callbacks, read as text: a parser takes longer than all the rest."""

from __future__ import annotations

import re
from configparser import ConfigParser
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from importlib_metadata import PackageNotFoundError, distribution

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUP = "epochal.callbacks"
"""The entry point group of callbacks: name of the callback = where it is."""
AUTOLOAD_GROUP = "epochal.autoload"
"""The entry point group of callbacks that are active without being asked for."""
CORE = "epochal-core"

_HEADER = re.compile(r"^(Name|Version|Requires-Dist):[ \t]*(\S.*?)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_PLAIN_VERSION = re.compile(r"\d+(\.\d+)*$")
_PLAIN_BOUND = re.compile(r"^epochal[-_.]core[ \t]*(?:>=[ \t]*(\d+(?:\.\d+)*))?[ \t]*$", re.IGNORECASE)
_REQUIRES_CORE = re.compile(r"^epochal[-_.]core(?![-_.\w])", re.IGNORECASE)


@dataclass(frozen=True)
class Facts:
    """What a record needs of a distribution's metadata; importlib-metadata would use a parser of emails for it.

    Attributes:
        name: The distribution's name; empty if the metadata have none.
        version: Its version.
        core_requirements: Its requirements on epochal-core, as they are written.
    """

    name: str = ""
    version: str = "of unknown version"
    core_requirements: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: Any) -> Facts:
        """Read them of a distribution that importlib-metadata found."""
        text = read_file(found, "METADATA") or read_file(found, "PKG-INFO")
        headers = _HEADER.findall(text.partition("\n\n")[0])
        first = {key.lower(): value for key, value in reversed(headers)}
        return cls(
            name=first.get("name", cls.name),
            version=first.get("version", cls.version),
            core_requirements=tuple(value for _, value in headers if _REQUIRES_CORE.match(value)),
        )


def read_entries(found: Any) -> list[dict[str, str]]:
    """Return names and values of both groups; malformed values too, for which some parsers refuse the whole file."""
    groups = (GROUP, AUTOLOAD_GROUP)
    try:
        entries = list(found.entry_points)
        return [{entry.name: entry.value for entry in entries if entry.group == group} for group in groups]
    except ValueError:
        parser = ConfigParser(delimiters="=", interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
        parser.read_string(found.read_text("entry_points.txt") or "")
        return [dict(parser[group]) if parser.has_section(group) else {} for group in groups]


def read_file(found: Any, file: str) -> str:
    """Read a file of metadata; one that is not in UTF-8 has nothing that we could read."""
    try:
        return found.read_text(file) or ""
    except UnicodeDecodeError:
        return ""


def core_version() -> str | None:
    """Return the version of the installed core; None if it is not installed."""
    try:
        return Facts.of(distribution(CORE)).version
    except PackageNotFoundError:  # the source tree on sys.path, not installed
        return None


def unmet_requirement(requirements: Iterable[str], core: str | None) -> str | None:
    """Return the requirement on epochal-core that the installed one does not meet, if there is one."""
    # packaging takes longer to import than all records take to read, and most requirements are plain bounds.
    unclear = [text for text in requirements if core is not None and not _is_plainly_met(text, core)]
    if core is None or not unclear:
        return None
    from packaging.requirements import InvalidRequirement, Requirement

    for text in unclear:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            return f"{text!r}, which is not a valid requirement"
        applies = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if applies and not requirement.specifier.contains(core, prereleases=True):
            return f"{requirement.name}{requirement.specifier}"
    return None


def _is_plainly_met(requirement: str, core: str) -> bool:
    """Return whether a requirement has no bound, or only one like `>=1.2` that a version like 1.3.0 meets."""
    bound, installed = _PLAIN_BOUND.match(requirement), _PLAIN_VERSION.match(core)
    if bound is None or installed is None:
        return False
    return [int(part) for part in core.split(".")] >= [int(part) for part in (bound[1] or "0").split(".")]
