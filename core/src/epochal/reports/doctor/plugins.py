"""The installed callbacks: their metadata, whether they can be imported, and whether a run would begin."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from importlib_metadata import PackageNotFoundError, distribution, distributions

from ...choosing.activity import activities
from ...choosing.mistakes import misspelt_names, mistakes
from ...engine.ordering import PINNED
from ...installed.discovery import Status
from ...installed.metadata import CORE
from .finding import Finding, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ...choosing.choice import Choice
    from ...installed.discovery import Catalogue, Record

PATIENCE = 120
"""Seconds after which an import counts as hanging."""


def facts(catalogue: Catalogue) -> Iterator[tuple[str, str]]:
    """Yield what is installed."""
    for name in dict.fromkeys((CORE, *(record.distribution for record in catalogue.records))):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        yield name, f"{found.version}, {found.locate_file('')}"


def unusable(choice: Choice) -> Iterator[Finding]:
    """Look for entry points that are broken, claimed twice, or made for another core."""
    for record in (each.record for each in activities(choice)):
        if record.status is Status.DUPLICATE:
            yield error(f"{record.name}: {record.reason}", "Or choose one of them in the config, below [prefer].")
        elif record.status is not Status.OK:
            yield error(f"{record.name} of {record.origin} is {record.status.value}: {record.reason}")


def missing(catalogue: Catalogue) -> Iterator[Finding]:
    """Look for the callbacks that every run begins with."""
    for name in PINNED:
        if not any(record.name == name for record in catalogue.records):
            distribution = f"epochal-{name.replace('_', '-')}"
            yield error(
                f"the pinned callback {name!r}, which every run needs, is not installed.",
                f"Run `pip install {distribution}`.",
            )


def mistakes_of(choice: Choice) -> Iterator[Finding]:
    """Look for mistakes of the settings."""
    yield from (error(problem) for problem in mistakes(choice))
    names = [record.name for record in choice.installed.records]
    yield from (warning(each) for each in misspelt_names(choice.settings, names))


def installed_twice(catalogue: Catalogue) -> Iterator[Finding]:
    """Look for a distribution of ours or of a callback of which an older copy is left."""
    wanted = {CORE, *(record.distribution for record in catalogue.records)}
    places: dict[str, list[Any]] = {}
    for found in distributions():
        name = found.metadata["Name"] if found.metadata else None
        if name in wanted:
            places.setdefault(name, []).append(found)
    for name, several in places.items():
        folders = list(dict.fromkeys(f"{found.version} in {found.locate_file('')}" for found in several))
        if len(folders) > 1:
            yield warning(
                f"{name} is installed {len(folders)} times: {', '.join(folders)}. The first one counts.",
                f"Run `pip uninstall {name}` until none is left, and install it again.",
            )


def unmet_requirements(catalogue: Catalogue) -> Iterator[Finding]:
    """Look for what the distributions need and is not there, or in another version."""
    from packaging.requirements import InvalidRequirement, Requirement

    told = [record for record in catalogue.records if record.status is Status.INCOMPATIBLE]
    for name in dict.fromkeys((CORE, *(record.distribution for record in catalogue.records))):
        try:
            requirements = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for text in requirements:
            try:
                requirement = Requirement(text)
            except InvalidRequirement:
                continue
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            if requirement.name == CORE and any(each.distribution == name for each in told):
                continue
            there = _version(requirement.name)
            if there is None:
                yield error(
                    f"{name} needs {requirement.name}, which is not installed.",
                    f'Run `pip install "{text.split(";")[0].strip()}"`.',
                )
            elif not requirement.specifier.contains(there, prereleases=True):
                yield error(
                    f"{name} needs {requirement.name}{requirement.specifier}, and {there} is installed.",
                    f'Run `pip install "{requirement.name}{requirement.specifier}"`.',
                )


def _version(name: str) -> str | None:
    try:
        return str(distribution(name).version)
    except PackageNotFoundError:
        return None


# What only an import tells


def failing(choice: Choice, start: Path) -> Iterator[Finding]:
    """Import every callback, each after the other in a process of its own, and plan a run in the folder."""
    records = [each.record for each in activities(choice) if each.record.status is Status.OK]
    known = set(mistakes(choice))
    while True:
        culprit, findings = _probe(records, start, known)
        yield from findings
        if culprit is None:
            return
        records = records[culprit + 1 :]


def _probe(records: Sequence[Record], start: Path, known: set[str]) -> tuple[int | None, list[Finding]]:
    """Run one process; gives the number of the record that ended it, None if all went through."""
    ended_well = False
    given = json.dumps(
        [[type(each).__name__, each.name, each.value, each.distribution, each.version] for each in records]
    )
    words = [sys.executable, "-m", f"{__package__}.probe"]
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            words,
            input=given,
            capture_output=True,
            text=True,
            check=False,
            cwd=start,
            timeout=PATIENCE,
            errors="replace",
        )
        ended_well = done.returncode == 0
        output, how = done.stdout, f"ended Python with code {done.returncode}: {_last_line(done.stderr)}"
    except subprocess.TimeoutExpired as late:
        output, how = _text(late.stdout), f"took more than {PATIENCE} seconds"
    findings, running = [], None
    for line in map(json.loads, output.splitlines()):
        running = line.get("begins")
        if line.get("error"):
            findings.append(error(line["error"]))
            known.add(line["error"])
        new = [problem for problem in line.get("problems", ()) if not any(each in problem for each in known)]
        findings += [error(f"a run begun here would fail: {problem}") for problem in new]
    if running is None:
        return None, findings if ended_well else [*findings, error(f"importing epochal in this folder {how}.")]
    if running < 0:
        return None, [*findings, error(f"planning a run, which creates the active callbacks, {how}.")]
    record = records[running]
    return running, [
        *findings,
        error(f"importing the callback {record.name!r} of {record.origin} {how}.", record.remedy),
    ]


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
