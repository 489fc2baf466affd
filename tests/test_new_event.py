"""An event is added in `hookspecs.py` alone: a copy of the core with two more specs knows them everywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import epochal

ROOT = Path(__file__).parents[1]

SPECS = """
@own_hookspec
def on_fetch_end(run: Run, batch: int, logs: Logs) -> None:
    '''End the fetch of a batch.'''


@own_hookspec
def on_weights_loaded(run: Run, path: str) -> None:
    '''Load weights.'''


@hookspec
def on_test_begin("""

CALLBACK = """
import epochal

class Mine(epochal.Callback):
    def on_fetch_end(self, batch, logs):
        self.seen.append(("a method", batch, logs["loss"]))

    def on_weights_loaded(self, path, run):
        self.seen.append(("a method", path, run is self.run))
"""

PROGRAM = """
import contextlib, io, json, sys
import epochal
from epochal.cli import main
from epochal.engine.driver import Driver
from epochal.engine.member import make_member
from epochal.hookspecs import BATCH_EVENTS, EVENTS, OWN_EVENTS
from epochal.inspection.misspelt import misspelt_events
from epochal.run import Run
from epochal.testing import FakeModel, Recorder
from epochal_lambda_callback import LambdaCallback
from mine import Mine
from tests.event_picture import render

seen = []
Mine.seen = seen

class Marked:
    @epochal.hookimpl
    def on_fetch_end(self, logs, batch):
        seen.append(("a marked function", batch, logs["loss"]))

    @epochal.hookimpl
    def on_weights_loaded(self, path):
        seen.append(("a marked function", path))

class Wrapper:
    @epochal.hookimpl(wrapper=True)
    def on_weights_loaded(self, path):
        yield
        seen.append(("a wrapper", path))

functions = LambdaCallback(
    on_fetch_end=lambda batch, logs: seen.append(("a lambda", batch, logs["loss"])),
    on_weights_loaded=lambda path: seen.append(("a lambda", path)),
)
recorder = Recorder("on_fetch_end", "on_weights_loaded")
callbacks = [Mine(), Marked(), functions, recorder, Wrapper()]
members = [make_member(type(each).__name__, each, None, place) for place, each in enumerate(callbacks)]
driver = Driver(Run(FakeModel(), "train"), members, profile=True)
driver.begin({"epochs": 1, "steps": 1, "verbose": 0})
driver.batch.on_fetch_end(3, {"loss": 0.5})
driver.on_weights_loaded("weights.h5")
with contextlib.redirect_stdout(io.StringIO()):
    driver.end()
with contextlib.redirect_stdout(io.StringIO()) as plan:
    main(["plan", "--enable", "./mine.py", "--event", "on_fetch_end", "--json"])
print(json.dumps({
    "core": epochal.__file__,
    "lists": [event for event in EVENTS if event in OWN_EVENTS and event not in BATCH_EVENTS],
    "seen": seen,
    "recorded": str(recorder),
    "timed": sorted(driver.run.timings["Mine"]),
    "planned": json.loads(plan.getvalue())["events"],
    "misspelt": misspelt_events(type("Theirs", (), {"on_fetch_ends": print})),
    "picture": [event for event in EVENTS if f">{event}<" in render()],
}))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return what a process finds that has a core with two more events."""
    folder = tmp_path_factory.mktemp("core")
    shutil.copytree(Path(epochal.__file__).parent, folder / "epochal")
    specs = folder / "epochal" / "hookspecs.py"
    specs.write_text(specs.read_text().replace("\n@hookspec\ndef on_test_begin(", SPECS, 1))
    (folder / "mine.py").write_text(CALLBACK)
    path = os.pathsep.join(map(str, (folder, ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "EPOCHAL_AUTOLOAD": "0"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert Path(found["core"]).is_relative_to(folder), "the copy is what was imported"
    return found


def test_the_lists_of_events_have_it(told: Any) -> None:
    assert told["lists"] == ["on_run_begin", "on_weights_loaded", "on_epoch_finalized", "on_run_end"]


def test_it_reaches_callbacks_of_every_kind(told: Any) -> None:
    assert told["seen"] == [
        ["a method", 3, 0.5],
        ["a marked function", 3, 0.5],
        ["a lambda", 3, 0.5],
        ["a method", "weights.h5", True],
        ["a marked function", "weights.h5"],
        ["a lambda", "weights.h5"],
        ["a wrapper", "weights.h5"],
    ]


def test_the_recorder_and_the_profile_have_it(told: Any) -> None:
    assert told["recorded"] == "on_fetch_end(batch=3, logs={'loss': 0.5})\non_weights_loaded(path='weights.h5')"
    assert told["timed"] == ["on_fetch_end", "on_weights_loaded"]


def test_the_plan_of_a_run_has_it(told: Any) -> None:
    assert [step["name"] for step in told["planned"]["on_fetch_end"]][-1] == "mine"


def test_a_name_that_is_nearly_its_own_is_misspelt(told: Any) -> None:
    assert "Did you mean 'on_fetch_end'?" in told["misspelt"][0]


def test_the_picture_of_the_events_has_it_where_its_spec_stands(told: Any) -> None:
    begin = told["picture"].index("on_train_batch_end")
    assert told["picture"][begin + 1 : begin + 3] == ["on_fetch_end", "on_weights_loaded"]
