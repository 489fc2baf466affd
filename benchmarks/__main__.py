"""Run the benchmark: `python -m benchmarks [--quick] [--json PATH] [NAME ...]`, from the repository's root."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before anything imports TensorFlow

from . import builtins, dispatch, startup, tensorboard, whole_fit
from .report import Check, failed, show, write

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Processes are started before TensorFlow is in this one, with its threads.
BENCHMARKS: dict[str, Callable[[bool], list[Check]]] = {
    "discovery": startup.discovery,
    "list": startup.list_command,
    "unread-logs": dispatch.unread_logs,
    "read-logs": dispatch.read_logs,
    "unimplemented-event": dispatch.unimplemented_event,
    "built-ins": builtins.built_ins,
    "tensorboard": tensorboard.tensorboard,
    "lines": whole_fit.lines_in_file,
    "live-bar": whole_fit.live_bar,
    "against-keras": whole_fit.against_keras,
}
RESULTS = Path(__file__).parent / "results" / "benchmark.json"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, show and keep the numbers.

    Returns:
        0 when all limits are kept, 1 when one is missed or could not be measured.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure what epochal costs.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"what to measure (all): {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, wider scatter")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="PATH", help="where to keep the numbers")
    parsed = parser.parse_args(arguments)
    unknown = set(parsed.names) - set(BENCHMARKS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are: {', '.join(BENCHMARKS)}")
    checks: list[Check] = []
    for name, measure in BENCHMARKS.items():
        if not parsed.names or name in parsed.names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            checks += _measured(name, measure, parsed.quick)
    show(checks)
    write(checks, parsed.json)
    return 0 if all(check.passed for check in checks) else 1


def _measured(name: str, measure: Callable[[bool], list[Check]], quick: bool) -> list[Check]:
    """Measure; what cannot be measured is a miss like any other, and the rest is still measured."""
    try:
        return measure(quick)
    except Exception as error:
        return [failed(name, f"not measured, {type(error).__name__}: {error}")]


if __name__ == "__main__":
    sys.exit(main())
