"""How a program ends on SIGTERM, seen from outside: every host, once and twice, each handler, wherever it comes."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no SIGTERM that a program could take")

# Each case runs in a fork of one process, as a program of its own: what leaves it is handled by Python's own end.
_SCRIPT = """
import json, os, signal, sys, tempfile
import epochal.hosts.loop
from epochal import Callback, Outcome
from epochal.engine.driver import Driver
from epochal.engine.member import make_member
from epochal.inspection.identity import default_name
from epochal.run import Run
from epochal.choosing.selection import arrange
from epochal.testing import FakeHost

def arranged(given):
    return arrange(make_member(default_name(each), each, None, 0) for each in given)

epochal.hosts.loop.select = arranged

class Leaving(FakeHost):
    "Does not own the call, as in model.fit(callbacks=epochal.callbacks())."
    def _drive(self, stage, params, events, validates=None):
        self.run = Run(self.model, stage, None)
        driver = Driver(self.run, self._members)
        driver.begin(params)
        driver.leave_at_once()
        try:
            events(driver)
            driver.end()
        finally:
            driver.end(outcome=Outcome("failed", "Keras left the call"))

class Sends(Callback):
    def __init__(self, times, place):
        self.times, self.place = times, place
    def at(self, place):
        if place == self.place:
            self.place = ""
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGTERM)
    def on_train_batch_end(self, batch, logs=None):
        self.at("batch")
    def on_test_batch_end(self, batch, logs=None):
        self.at("validation")
    def on_run_end(self, outcome):
        print(outcome.status, outcome.reason, flush=True)
        self.at("on_run_end")

def play(host, times, place):
    sends = Sends(times, place)
    if host != "loop":
        made = {"own": FakeHost, "leaving": Leaving}[host](sends)
        made.fit(2, 2, validation_steps=2, step=lambda epoch, batch: sends.at("step"))
        return
    with epochal.hosts.loop.loop(None, epochs=2, callbacks=[sends]) as run:
        for _ in run.epochs():
            for _ in run.batches([1, 2]):
                sends.at("step")
            with run.validation():
                for _ in run.batches([1, 2]):
                    pass

def returns(*_):
    print("handler", flush=True)

def raises(*_):
    raise KeyError("handler")

HANDLERS = {"default": signal.SIG_DFL, "ignored": signal.SIG_IGN, "returns": returns, "raises": raises}

results = []
for host, times, handler, place in json.loads(sys.argv[1]):
    streams = [tempfile.TemporaryFile(), tempfile.TemporaryFile()]
    child = os.fork()
    if child == 0:
        os.dup2(streams[0].fileno(), 1)
        os.dup2(streams[1].fileno(), 2)
        signal.signal(signal.SIGTERM, HANDLERS[handler])
        play(host, times, place)
        print("after", flush=True)
        sys.exit()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for stream in streams:
        stream.seek(0)
    results.append([code, *(stream.read().decode() for stream in streams)])
print(json.dumps(results))
"""

_CASES = [
    *itertools.product(
        ("own", "leaving", "loop"),
        (1, 2),
        ("default", "ignored", "returns", "raises"),
        ("batch", "step", "validation", "on_run_end"),
    )
]


@pytest.fixture(scope="module")
def results() -> dict[Any, Any]:
    """Return exit code, output and errors of every case."""
    command = [sys.executable, "-c", _SCRIPT, json.dumps(_CASES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return dict(zip(_CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("case", _CASES, ids=["-".join(map(str, case)) for case in _CASES])
def test_a_program_ends_on_sigterm_as_without_a_run_or_with_143(
    case: tuple[str, int, str, str], results: dict[Any, Any]
) -> None:
    host, _, handler, place = case
    code, out, err = results[case]
    lines = out.splitlines()
    goes_on = handler == "ignored" or (handler == "returns" and (host != "leaving" or place == "on_run_end"))
    expected = 0 if goes_on else {"default": -15, "returns": 143, "raises": 1}[handler]
    assert (code, "after" in lines) == (expected, goes_on), (out, err)
    was_asked = handler != "ignored" and place != "on_run_end"
    assert lines[0] == ("interrupted SIGTERM" if was_asked else "completed "), (out, err)
    in_end = sum(line.startswith(("interrupted", "completed")) for line in lines)
    assert in_end == 1  # each on_run_end once
    # The handler is called once, whatever number of signals a run has taken.
    assert lines.count("handler") == (handler == "returns"), (out, err)
    assert ("KeyError: 'handler'" in err) == (handler == "raises"), err
    assert "signals.Terminated" not in err
    assert ("Traceback" in err) == (handler == "raises"), err
