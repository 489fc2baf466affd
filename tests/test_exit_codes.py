"""How a program ends on SIGTERM with Keras's own loops, seen from outside. The whole table is core's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM that a program could take")

# Each case runs in a fork of one process that has imported everything, and has not used TensorFlow yet.
_SCRIPT = """
import json, os, signal, sys, tempfile
import keras, numpy as np, epochal

class Sends(epochal.Callback):
    def __init__(self, times, place):
        self.times, self.place = times, place
    def at(self, place):
        if place == self.place:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGTERM)
    def on_train_batch_end(self, batch, logs=None):
        self.at("batch")
    def on_test_batch_end(self, batch, logs=None):
        self.at("validation")
    def on_run_end(self, outcome):
        print(outcome.status, outcome.reason, flush=True)

class Theirs(keras.callbacks.Callback):
    "Sends the signals where nothing of ours is on the stack."
    def __init__(self, sends):
        super().__init__()
        self.sends = sends
    def on_train_batch_end(self, batch, logs=None):
        self.sends.at("step")

def play(times, place):
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    data, sends = (np.zeros((4, 1)), np.zeros((4, 1))), Sends(times, place)
    ours = epochal.callbacks(sends)
    model.fit(*data, batch_size=2, validation_data=data, verbose=0, callbacks=[*ours, Theirs(sends)])

results = []
for case in json.loads(sys.argv[1]):
    streams = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
    child = os.fork()
    if child == 0:
        os.dup2(streams[0].fileno(), 1)
        os.dup2(streams[1].fileno(), 2)
        signal.signal(signal.SIGTERM, lambda *_: print("handler", flush=True))
        play(*case)
        print("after", flush=True)
        sys.exit()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for stream in streams:
        stream.seek(0)
    results.append([code, *(stream.read().decode() for stream in streams)])
print(json.dumps(results))
"""

_CASES = [(1, "validation"), (2, "batch"), (2, "step")]


@pytest.fixture(scope="module")
def results() -> dict[Any, Any]:
    """Give exit code, output and errors of every case."""
    command = [sys.executable, "-c", _SCRIPT, json.dumps([*_CASES])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return dict(zip(_CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("case", _CASES)
def test_a_bare_fit_whose_program_has_a_handler_that_returns_ends_with_143(case: Any, results: dict[Any, Any]) -> None:
    code, out, err = results[case]
    assert (code, out.splitlines()) == (143, ["interrupted SIGTERM", "handler"]), err
    assert "Traceback" not in err
