"""What a benchmark hands back, and how it is shown and kept."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from importlib_metadata import distributions
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

VERSIONS_OF = ("keras", "tensorflow", "numpy", "pluggy", "rich", "importlib-metadata")


@dataclass(frozen=True)
class Check:
    """One number and its limit.

    Attributes:
        name: What was measured.
        value: The number; None if it could not be measured.
        limit: Its limit; None for a number that is only shown.
        unit: Its unit: "x" for a ratio, "%" or "ms", or what is counted.
        at_least: Whether the limit is the smallest value that passes, not the largest.
        problem: Why the number must not be trusted, or could not be measured; that fails the check.
        details: Further numbers, shown beside it and kept in the JSON file.
    """

    name: str
    value: float | None
    limit: float | None
    unit: str = "x"
    at_least: bool = False
    problem: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Whether the number keeps its limit."""
        if self.problem:
            return False
        if self.limit is None:
            return True
        if self.value is None:
            return False
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def reason(self) -> str:
        """Why it failed, in one line; empty if it passed."""
        if self.passed:
            return ""
        if self.problem:
            return f"{self.name}: {self.problem}"
        return f"{self.name}: {self.measured} is measured, and the limit is {self.allowed}"

    @property
    def measured(self) -> str:
        """The value with its unit."""
        return "-" if self.value is None else _with_unit(self.value, self.unit)

    @property
    def allowed(self) -> str:
        """The limit with its unit and direction."""
        if self.limit is None:
            return "-"
        return f"{'≥' if self.at_least else '≤'} {_with_unit(self.limit, self.unit)}"


def failed(name: str, problem: str) -> Check:
    """Make the check of a number that could not be measured."""
    return Check(name, None, None, problem=problem)


def show(checks: Sequence[Check], console: Console | None = None) -> None:
    """Print the table, and below it one line for each missed limit."""
    console = Console() if console is None else console
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("number", overflow="fold")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("limit", justify="right", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("details", overflow="fold", style="dim")
    for check in checks:
        table.add_row(check.name, check.measured, check.allowed, _verdict(check), _details(check))
    console.print(table)
    missed = [check for check in checks if not check.passed]
    for check in missed:
        console.print(f"missed: {check.reason}", style="red", highlight=False, soft_wrap=True)
    if not missed:
        console.print(f"All {len(checks)} numbers are within their limits.")


def write(checks: Iterable[Check], path: Path) -> None:
    """Keep all numbers in a JSON file, with the machine and the versions that they were measured on."""
    results = [{**asdict(check), "passed": check.passed, "reason": check.reason} for check in checks]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**_circumstances(), "results": results}, indent=2) + "\n", encoding="utf-8")


def _circumstances() -> dict[str, Any]:
    return {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
        },
        "python": platform.python_version(),
        "versions": _versions(),
    }


def _versions() -> dict[str, str]:
    found = {each.name: each.version for each in distributions() if each.name}
    wanted = {name for name in found if name.startswith("epochal")} | set(VERSIONS_OF)
    return {name: found[name] for name in sorted(wanted & set(found))}


def _processor() -> str:
    """Return the processor's name; Linux has it in a file only."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _with_unit(value: float, unit: str) -> str:
    number = f"{value:.0f}" if unit not in ("x", "%", "ms") else f"{value:.3g}" if value < 100 else f"{value:.0f}"
    return f"{number} {unit}" if unit not in ("x", "%") else f"{number}{unit}"


def _verdict(check: Check) -> str:
    if check.passed:
        return "[green]pass[/]" if check.limit is not None else "shown"
    return "[bold red]FAIL[/]"


def _details(check: Check) -> str:
    shown = []
    for key, value in check.details.items():
        if isinstance(value, float):
            shown.append(f"{key} {value:.4g}")
        elif isinstance(value, (int, str)):
            shown.append(f"{key} {value}")
    return ", ".join(shown)
