"""Trains and is killed, at every point at which something in the folder changes; a test runs this as a script.

Every attempt is a fork of this process, which has imported Orbax and started no thread yet. For each it writes the
number of the checkpoint that is the latest then, the weight in it, and the number of one that is saved afterwards.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Any

from orbax.checkpoint import v1 as ocp

from epochal.testing import FakeHost, FakeModel
from epochal_orbax_checkpoint import OrbaxCheckpoint

CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir")


def train(directory: str, weight: float) -> None:
    """Save one checkpoint."""
    FakeHost(OrbaxCheckpoint(directory), model=FakeModel({"weight": weight})).fit()


def train_and_be_killed(directory: str, point: int) -> None:
    """Save a checkpoint, and be killed at the so many-th change in the folder when the second is saved."""
    train(directory, 0.5)
    changes = 0

    def count(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal changes
        if event in CHANGES and directory in str(arguments[0]):
            changes += 1
            if changes == point:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    train(directory, 0.25)


def look(directory: str) -> None:
    """Write what the folder holds, and save another checkpoint there."""
    latest = _latest(directory)
    held = ocp.load_checkpointables(Path(directory, str(latest)))
    train(directory, 0.125)
    sys.stdout.write(f"{latest} {held['pytree']['weights']['weight']} {_latest(directory)}\n")
    sys.stdout.flush()


def _latest(directory: str) -> int:
    latest = ocp.training.Checkpointer(directory).latest
    assert latest is not None
    return int(latest.step)


def forked(function: Any, *arguments: Any) -> int:
    """Run a function in a fork; gives how that ended."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # JAX and Python say that forks and threads do not go together
        child = os.fork()
    if not child:
        function(*arguments)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(folder: Path) -> None:
    """Kill at the first point, at the second, and so on to the last."""
    point, status = 0, -signal.SIGKILL
    while status == -signal.SIGKILL:
        point += 1
        directory = str(folder / str(point))
        status = forked(train_and_be_killed, directory, point)
        assert status in (0, -signal.SIGKILL), status
        assert forked(look, directory) == 0, point


if __name__ == "__main__":
    main(Path(sys.argv[1]))
