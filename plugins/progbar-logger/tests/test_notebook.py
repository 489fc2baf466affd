"""The bar in a real notebook, and in real fits of Keras."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

_FIT = """
import itertools
from epochal.testing import FakeHost
from epochal_progbar_logger import ProgbarLogger

bar = ProgbarLogger()
bar._clock = itertools.count().__next__
run = FakeHost(bar).fit({epochs}, 4, verbose={verbose!r}, values=lambda *_: {{"loss": 0.5, "<b>": 1.0}},
                  step=lambda epoch, batch: print("hello") if (epoch, batch) == (0, 2) else None)
"""


def run_notebook(epochs: int, verbose: Any = "auto") -> list[dict[str, Any]]:
    """Run a fit in a notebook; gives the outputs of the cell, as they are saved."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient runs notebooks")
    nbformat = pytest.importorskip("nbformat", reason="nbformat writes notebooks")
    pytest.importorskip("ipykernel", reason="ipykernel is what a notebook runs in")
    cell = nbformat.v4.new_code_cell(_FIT.format(epochs=epochs, verbose=verbose))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    nbclient.NotebookClient(notebook, timeout=600).execute()
    return notebook.cells[0].outputs  # type: ignore[no-any-return]


@pytest.mark.filterwarnings("ignore")  # those of the notebook's own machinery
def test_the_saved_notebook_can_be_read() -> None:
    outputs = run_notebook(2)
    shown = [output for output in outputs if output["output_type"] == "display_data"]
    said = "".join(output["text"] for output in outputs if output["output_type"] == "stream")
    assert len(shown) == 1
    lines = shown[0]["data"]["text/plain"].splitlines()
    assert [line.split()[0] for line in lines] == ["epoch", "1/2", "2/2", "Completed"]
    assert lines[0].split()[1] == "loss"
    assert "&lt;b&gt; " in shown[0]["data"]["text/html"]
    assert "monospace" in shown[0]["data"]["text/html"]  # an exported notebook's own style has another font
    assert said == "hello\n"


@pytest.mark.filterwarnings("ignore")
def test_many_epochs_are_spread_over_several_outputs() -> None:
    shown = [output["data"]["text/plain"] for output in run_notebook(130) if output["output_type"] == "display_data"]
    assert len(shown) == 3
    assert all(text.lstrip().startswith("epoch") for text in shown)
    assert sum(text.count("/130") for text in shown) == 130


@pytest.mark.filterwarnings("ignore")
def test_verbose_2_prints_lines() -> None:
    outputs = run_notebook(2, verbose=2)
    assert all(output["output_type"] == "stream" for output in outputs)
    text = "".join(output["text"] for output in outputs)
    assert [line.split()[0] for line in text.splitlines()[:4]] == ["hello", "epoch", "1/2", "2/2"]
    assert "\x1b" not in text


_KERAS = """
import numpy as np, keras
from epochal_progbar_logger import ProgbarLogger

model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x, y = np.ones((40, 2)), np.ones((40, 1))
model.fit(x, y, epochs=2, batch_size=10, steps_per_epoch=4, validation_data=(x, y), callbacks=[ProgbarLogger()])
model.evaluate(x, y, batch_size=10, callbacks=[ProgbarLogger()])
model.predict(x, batch_size=10, callbacks=[ProgbarLogger()])
"""


def test_a_bare_fit_of_keras_shows_one_bar(tmp_path: Path) -> None:
    pytest.importorskip("keras", reason="a real fit needs Keras")
    pytest.importorskip("tensorflow", reason="Keras needs a backend")
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"}
    done = subprocess.run(
        [sys.executable, "-c", _KERAS], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, text=True, check=True
    )
    assert [line.split("  ")[:2] for line in done.stdout.splitlines()] == [
        ["Epoch 1/2", "4/4"],
        ["Epoch 2/2", "4/4"],
        [done.stdout.splitlines()[2]],
        ["Evaluate", "4/4"],
        ["Predict", "4/4"],
    ]
    assert done.stdout.splitlines()[2].startswith("Completed 2 epochs in ")
