"""ModelCheckpoint in processes that are killed while they save, without a framework."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

CHILD = """
import sys
from pathlib import Path
from epochal.testing import FakeHost, FakeModel
from epochal_model_checkpoint import ModelCheckpoint

class Slow(FakeModel):
    def __epochal_adapter__(self, optimizer):
        adapter = super().__epochal_adapter__(optimizer)
        save = adapter.save
        def in_pieces(path):
            save(path)
            content = Path(path).read_text()
            with open(path, "w") as file:
                for place in range(0, len(content), 4096):
                    file.write(content[place : place + 4096])
                    file.flush()
                    print("a piece", flush=True)
        adapter.save = in_pieces
        return adapter

model = Slow({"w": [0] * 20_000})
def step(epoch, batch):
    model.weights = {"w": [epoch + 1] * 20_000}
FakeHost(ModelCheckpoint(sys.argv[1]), model=model).fit(epochs=10_000, steps=1, step=step)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("seed", range(12))
def test_a_kill_at_any_moment_leaves_a_whole_file(seed: int, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    pieces = 15 + random.Random(seed).randrange(120)  # a file has 15
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child.stdout:
        for _ in range(pieces):
            assert child.stdout.readline() == "a piece\n"
        child.send_signal(signal.SIGKILL)
        child.stdout.read()
    assert child.wait() == -signal.SIGKILL
    if pieces < 16 and not path.exists():
        return  # killed before the first file had its name
    values = json.loads(path.read_text())["w"]
    assert len(values) == 20_000
    assert len(set(values)) == 1
