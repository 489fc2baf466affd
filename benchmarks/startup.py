"""What is paid before anything runs: discovery of many callbacks, and the start of the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .report import Check, failed

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGINS = 200
RUNS, QUICK_RUNS = 25, 8
FRAMEWORKS = ("tensorflow", "keras", "numpy")

# Each is a process of its own that prints one line of JSON: the milliseconds, and what discovery found and imported.
_DISCOVER = """
import json, sys
from time import perf_counter
import epochal
from epochal.installed.discovery import Status, discover
begin = perf_counter()
records = discover().records
ms = (perf_counter() - begin) * 1e3
usable = sum(record.status is Status.OK for record in records if record.name.startswith("plugin_"))
print(json.dumps({"ms": ms, "usable": usable, "modules": sorted(sys.modules)}))
"""
_READ_ONLY = """
import json
from time import perf_counter
from importlib_metadata import entry_points
begin = perf_counter()
entries = entry_points(group="epochal.callbacks")
found = [(entry.name, entry.value, entry.dist.name, entry.dist.version) for entry in entries]
print(json.dumps({"ms": (perf_counter() - begin) * 1e3}))
"""


def discovery(quick: bool) -> list[Check]:
    """Discover 200 installed distributions, each in a fresh process; none of them, nor a framework, gets imported."""
    with TemporaryDirectory() as folder:
        for number in range(PLUGINS):
            _install(Path(folder), number)
        found, bare = [], []
        for _ in range((QUICK_RUNS if quick else RUNS) // 2):
            found.append(_fresh_process(_DISCOVER, folder))
            bare.append(_fresh_process(_READ_ONLY, folder))
    imported = sorted({name for result in found for name in result["modules"] if _is_offending(name)})
    usable = min(result["usable"] for result in found)
    return [
        Check(
            f"discovery of {PLUGINS} distributions",
            median(result["ms"] for result in found),
            None,
            "ms",
            problem="" if usable == PLUGINS else f"only {usable} of {PLUGINS} were found usable",
            details={
                "least ms": min(result["ms"] for result in found),
                "bare read of the same ms": median(result["ms"] for result in bare),
            },
        ),
        Check(
            "discovery imports callbacks or frameworks",
            len(imported),
            0,
            "modules",
            problem=f"it imported {', '.join(imported)}" if imported else "",
        ),
    ]


def list_command(quick: bool) -> list[Check]:
    """Start `epochal list` and Python with rich, in turn, each a cold process."""
    name = "start of `epochal list`: against Python with rich imported"
    command = Path(sys.executable).with_name("epochal.exe" if os.name == "nt" else "epochal")
    if not command.exists():
        return [failed(name, f"there is no command {command.name!r} beside this Python")]
    sides = {
        "epochal list": [str(command), "list"],
        "rich": [sys.executable, "-c", "import rich.console, rich.table"],
        "python": [sys.executable, "-c", ""],
    }
    times: dict[str, list[float]] = {side: [] for side in sides}
    for number in range((QUICK_RUNS if quick else RUNS) + 1):
        for side, words in sides.items():
            begin = perf_counter()
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            if number:  # the first one writes byte code
                times[side].append(perf_counter() - begin)
            if done.returncode:
                return [failed(name, f"`{side}` ended with code {done.returncode}: {_last_line(done.stderr)}")]
    least = {side: min(values) for side, values in times.items()}
    return [
        Check(
            name,
            least["epochal list"] / least["rich"],
            2.0,
            details={
                **{f"{side} ms": value * 1e3 for side, value in least.items()},
                "ratio of medians": median(times["epochal list"]) / median(times["rich"]),
            },
        )
    ]


def _install(folder: Path, number: int) -> None:
    """Write what an installer leaves behind of a distribution with one callback."""
    package = folder / f"plugin_{number}"
    package.mkdir()
    (package / "__init__.py").write_text("raise AssertionError('discovery imports no callback')\n", encoding="utf-8")
    metadata = folder / f"plugin_{number}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: plugin-{number}\nVersion: 1.0\nRequires-Dist: epochal-core>=0.1\n",
        encoding="utf-8",
    )
    (metadata / "entry_points.txt").write_text(
        f"[epochal.callbacks]\nplugin_{number} = plugin_{number}:Plugin\n", encoding="utf-8"
    )
    (metadata / "RECORD").write_text("", encoding="utf-8")


def _fresh_process(code: str, folder: str) -> dict[str, Any]:
    path = os.pathsep.join(filter(None, [folder, os.environ.get("PYTHONPATH")]))
    words: Sequence[str] = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": path})
    if done.returncode:
        raise RuntimeError(f"a process that discovers failed: {_last_line(done.stderr)}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _is_offending(module: str) -> bool:
    package = module.partition(".")[0]
    return package in FRAMEWORKS or package.startswith("plugin_")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"
