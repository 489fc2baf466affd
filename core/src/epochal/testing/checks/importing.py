"""What importing a callback does, seen in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...frameworks.packages import DISTRIBUTIONS
from ...installed.discovery import discover
from ...installed.file_record import FileRecord
from .check import BrokenPromiseError, promise

if TYPE_CHECKING:
    from ...installed.discovery import Record
    from .subject import Subject

PATIENCE = 600
"""Seconds after which an import counts as hanging."""

_START = "import sys; sys.path[:] = {path!r}; from epochal.testing.checks.probe import main; main()"


@dataclass(frozen=True)
class ImportReport:
    """What importing a callback did.

    Attributes:
        packages: The packages that came with it, without its own, ours and the standard library's.
        importers: Framework, or package of another callback, to the module that imported it.
        seconds: How long it took.
        output: What was printed.
        error: A traceback, if it failed.
    """

    packages: tuple[str, ...]
    importers: dict[str, str]
    seconds: float
    output: str
    error: str


def import_afresh(record: Record) -> ImportReport:
    """Import a callback in a process of its own, which has this one's `sys.path`.

    Raises:
        CallbackError: It cannot be used, as far as that is known without importing it.
        BrokenPromiseError: The import ended the process, or did not come to an end.
    """
    record.check()
    path = [*sys.path, str(record.path.parent)] if isinstance(record, FileRecord) else sys.path
    watched = [*DISTRIBUTIONS, *_other_packages(record)]
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-c", _START.format(path=path)],
            input=json.dumps({"module": record.module, "watched": watched}),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            errors="replace",
        )
    except subprocess.TimeoutExpired:
        raise BrokenPromiseError(f"importing {record.module!r} took more than {PATIENCE} seconds.") from None
    if not done.stdout:
        raise BrokenPromiseError(f"importing {record.module!r} ended Python with code {done.returncode}.")
    told: dict[str, Any] = json.loads(done.stdout)
    own = {*sys.stdlib_module_names, record.package, "epochal"}
    packages = tuple(name for name in told.pop("modules") if name not in own and not name.startswith("_"))
    return ImportReport(packages=packages, **told)


def _other_packages(record: Record) -> list[str]:
    """Return the packages of the callbacks that other distributions bring."""
    others = [each for each in discover().records if not each.is_of(record.distribution)]
    return [name for name in {each.package for each in others} if name]


@promise("imports", "it can be imported in a fresh process")
def check_import(subject: Subject) -> str:
    """Import it."""
    report = subject.imported
    if report.error:
        raise BrokenPromiseError(f"importing {subject.record.module!r} fails:\n{report.error.rstrip()}")
    return f"with {', '.join(report.packages)}" if report.packages else ""


@promise("imports-no-framework", "importing it imports no framework")
def check_frameworks(subject: Subject) -> None:
    """Look for frameworks among what came with it."""
    found = [(name, module) for name, module in subject.imported.importers.items() if name in DISTRIBUTIONS]
    if found:
        name, module = found[0]
        raise BrokenPromiseError(
            f"{module} imports {name} when {subject.record.module!r} is imported. Import it in the function that needs "
            "it, or not at all: `epochal.frameworks.adapt(self)` does what callbacks do with a model."
        )


@promise("imports-no-callback", "importing it imports no other callback")
def check_callbacks(subject: Subject) -> None:
    """Look for other callbacks among what came with it."""
    for name, module in subject.imported.importers.items():
        if name not in DISTRIBUTIONS:
            raise BrokenPromiseError(
                f"{module} imports {name}, which brings another callback. Name it in `before` or `after`, and depend "
                "on what it adds to the logs (`requires`) instead of on its code."
            )


@promise("imports-in-silence", "importing it prints nothing")
def check_silence(subject: Subject) -> None:
    """Look at what was printed."""
    output = subject.imported.output.strip()
    if output:
        raise BrokenPromiseError(f"importing {subject.record.module!r} prints {output.splitlines()[0]!r}.")
