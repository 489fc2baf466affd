"""What a whole fit costs: the time inside epochal, and the fit against Keras's own."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory, TemporaryFile
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .report import Check
from .timing import ratio, ratio_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

ROOT = Path(__file__).resolve().parents[1]
FITS, QUICK_FITS = 9, 3
PAIRS, QUICK_PAIRS = 15, 5
COLUMNS = 100


def lines_in_file(quick: bool) -> list[Check]:
    """Count what is epochal's in fits whose output goes to a file."""
    from .counted import BATCH_SIZE, EPOCHS, counted_fit, made_data, made_model

    model, (x, y) = made_model(), made_data()
    model.fit(x[:BATCH_SIZE], y[:BATCH_SIZE], verbose=0)
    costs, written = [], ""
    for _ in range((QUICK_FITS if quick else FITS) + 1):
        with _output_to_file() as output:
            costs.append(asdict(counted_fit(model, x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=1)))
            output.seek(0)
            written = output.read()
    problem = "" if written.strip() else "the progress bar wrote no line"
    if "\x1b" in written:
        problem = "the progress bar wrote escape sequences into the file"
    return [_share("share of a fit, lines in a file", costs[1:], 1.0, problem), _first("lines in a file", costs[0])]


def live_bar(quick: bool) -> list[Check]:
    """Count what is epochal's in fits with the bar drawn in a terminal."""
    name = "share of a fit, live bar in a terminal"
    with TemporaryDirectory() as folder:
        result = Path(folder) / "costs.json"
        command = [sys.executable, "-m", f"{__package__}.live_fit", str(result), str(QUICK_FITS if quick else FITS)]
        code, screen = _in_terminal(command)
        if code:
            return [Check(name, None, 2.0, "%", problem=f"the fit in the terminal failed: {_last_line(screen)}")]
        costs = json.loads(result.read_text(encoding="utf-8"))
    problem = "" if "\x1b[" in screen else "no bar was drawn in the terminal"
    return [_share(name, costs[1:], 2.0, problem), _first("live bar in a terminal", costs[0])]


def against_keras(quick: bool) -> list[Check]:
    """Compare whole fits with Keras's own defaults; the two in turn, which one is first is drawn."""
    import epochal

    from .counted import BATCH_SIZE, EPOCHS, made_data, made_model

    model, (x, y) = made_model(), made_data()
    order = random.Random(0)

    def ours() -> None:
        epochal.fit(model, x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=1)

    def keras_own() -> None:
        model.fit(x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=1)

    sides: list[tuple[Callable[[], None], list[float]]] = [(ours, []), (keras_own, [])]
    for number in range((QUICK_PAIRS if quick else PAIRS) + 1):
        for fit, times in order.sample(sides, 2):
            with _output_to_file():
                begin = perf_counter()
                fit()
            if number:  # the first pair builds the training function and imports
                times.append(perf_counter() - begin)
    (_, epochal_times), (_, keras_times) = sides
    low, high = ratio_interval(epochal_times, keras_times)
    return [
        Check(
            "whole fit against Keras's defaults: lower end of the 95 % interval",
            low,
            1.02,
            details={
                "median ratio": ratio(epochal_times, keras_times),
                "upper end": high,
                "pairs": len(epochal_times),
                "epochal s": median(epochal_times),
                "keras s": median(keras_times),
            },
        )
    ]


def _share(name: str, costs: Sequence[dict[str, Any]], limit: float, problem: str) -> Check:
    from .counted import BATCHES, FitCost

    fits = [FitCost(**cost) for cost in costs]
    return Check(
        name,
        median(fit.share for fit in fits),
        limit,
        "%",
        problem=problem,
        details={
            "fit ms": median(fit.fit for fit in fits) * 1e3,
            "events ms": median(fit.events for fit in fits) * 1e3,
            "around ms": median(fit.around for fit in fits) * 1e3,
            "threads ms": median(fit.threads for fit in fits) * 1e3,
            "counter's own ms, subtracted": median(fit.own_cost for fit in fits) * 1e3,
            "step ms": median(fit.fit for fit in fits) / BATCHES * 1e3,
            "µs a batch": median(fit.inside for fit in fits) / BATCHES * 1e6,
            "least %": min(fit.share for fit in fits),
            "most %": max(fit.share for fit in fits),
        },
    )


def _first(output: str, cost: dict[str, Any]) -> Check:
    from .counted import FitCost

    first = FitCost(**cost)
    return Check(
        f"share of the first fit of a process, {output}",
        first.share,
        None,
        "%",
        details={"events ms": first.events * 1e3, "around ms": first.around * 1e3},
    )


@contextmanager
def _output_to_file() -> Iterator[TextIO]:
    """Send standard output to a temporary file for a while; gives the file."""
    with TemporaryFile("w+", encoding="utf-8") as file, redirect_stdout(file):
        yield file


def _in_terminal(command: Sequence[str]) -> tuple[int, str]:
    """Run a command in a terminal of its own; give its exit code and all that it wrote."""
    import fcntl
    import pty
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, COLUMNS, 0, 0))
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "LINES", "NO_COLOR")}
    environment |= {"TERM": "xterm-256color", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT, env=environment)
    os.close(theirs)
    written = bytearray()
    try:
        while chunk := os.read(ours, 65536):
            written += chunk
    except OSError:  # Linux's way to say that the other side is closed
        pass
    finally:
        os.close(ours)
    return process.wait(), written.decode("utf-8", "replace")


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it wrote nothing"
