"""It works where no framework can be imported, and imports none where one can."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tensorflow", "keras", "tf_keras", "jax", "torch"):
            sys.exit(f"{name} is imported")

sys.meta_path.insert(0, Nothing())

import numpy as np
from epochal.testing import FakeHost, FakeModel
from epochal_tensorboard import TensorBoard

class Adapter(type(FakeModel().__epochal_adapter__(None))):
    def architecture(self):
        return "{}"

    def embeddings(self):
        return {"words": np.ones((3, 2))}

class Model(FakeModel):
    def __epochal_adapter__(self, optimizer):
        return Adapter(self, optimizer)

model = Model({"dense/kernel": np.ones((2, 3))})
board = TensorBoard("logs", 1, write_images=True, update_freq=1, write_steps_per_second=True, embeddings_freq=1)
FakeHost(board, model=model).fit(epochs=2, validation_steps=1)
"""


def test_without_any_framework(tmp_path: Path, events: Any) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, check=True)
    tags = {value.tag for event in events(tmp_path / "logs" / "train") for value in event.summary.value}
    assert {"keras", "batch_loss", "epoch_loss", "dense/kernel/histogram", "dense/kernel/image"} <= tags
    assert (tmp_path / "logs" / "train" / "embeddings" / "words.tsv").exists()


def test_importing_the_package_imports_no_writer() -> None:
    program = "import sys, epochal_tensorboard; sys.exit('tensorboard.summary.writer' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
