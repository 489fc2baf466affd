"""What the code of a callback can break, and which check of the conformance suite says so."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from epochal.testing import Subject
from epochal.testing.checks import ending

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Site

    Outcome = Callable[[Subject, str], tuple[bool, str]]

HEAD = """
import os, sys, threading
import epochal

STAY = threading.Event()
"""
SUBJECT = "epochal_careful:Careful"

# check, what it says, the body of the class
BROKEN = [
    ("events", "Did you mean 'on_epoch_end'?", "def on_epoch_ends(self, epoch, logs=None): ..."),
    ("events", "cannot be called with (epoch, logs)", "def on_epoch_end(self, logs): ..."),
    ("events", "implements no event", "..."),
    ("order", "nothing runs before the pinned", "before = ('history',)"),
    ("order", "has to be an int", "priority = 'late'"),
    ("fit", "KeyError: 'val_loss'", "def on_epoch_end(self, epoch, logs=None): logs['val_loss']"),
    ("fit", "/__init__.py, line 8, in on_epoch_end)", "def on_epoch_end(self, epoch, logs=None): logs['val_loss']"),
    ("validation", "ZeroDivisionError", "def on_test_begin(self, logs=None): 1 / 0"),
    ("evaluate", "AttributeError", "def on_test_end(self, logs=None): self.trained"),
    ("predict", "ZeroDivisionError", "def on_predict_batch_end(self, batch, logs=None): 1 / 0"),
    ("steps-per-execution", "AssertionError", "def on_train_batch_end(self, batch, logs=None): assert batch < 7"),
    ("unknown-steps", "TypeError", "def on_train_begin(self, logs=None): range(self.params['steps'])"),
    ("loop", "AssertionError", "def on_train_begin(self, logs=None): assert self.run.stateful_metrics is None"),
    ("bare-fit", "has no attribute 'console'", "def on_train_begin(self, logs=None): self.run.console"),
    ("second-fit", "FileExistsError", "def on_train_begin(self, logs=None): os.mkdir('once')"),
    (
        "stopped",
        "the fit was not stopped",
        "def on_train_end(self, logs=None): self.run.stop_reason = None; self.model.stop_training = 0",
    ),
    (
        "logs",
        "takes loss out of the logs of on_epoch_end",
        "def on_epoch_end(self, epoch, logs=None): logs.pop('loss')",
    ),
    (
        "logs",
        "it adds val_rate to the logs, and `provides` is ()",
        "provides = ()\n    def on_test_end(self, logs=None): logs['rate'] = 1",
    ),
    (
        "exception",
        "its on_run_end raised ZeroDivisionError",
        "def on_run_end(self, outcome): outcome.exception and 1 / 0",
    ),
    ("exception", "ends with ZeroDivisionError", "def on_epoch_begin(self, epoch, logs=None): 1 / (1 - epoch)"),
    (
        "interrupt",
        "its on_run_end raised ZeroDivisionError",
        "def on_run_end(self, outcome): outcome.reason == 'Ctrl-C' and 1 / 0",
    ),
    ("sigterm", "ZeroDivisionError", "def on_run_end(self, outcome): outcome.reason == 'SIGTERM' and 1 / 0"),
    (
        "leaves-nothing-open",
        "/notes. Close them in on_run_end",
        "def on_run_begin(self): self.file = open('notes', 'a')",
    ),
    (
        "leaves-nothing-open",
        "the thread watcher",
        "def on_run_begin(self): threading.Thread(target=STAY.wait, name='watcher').start()",
    ),
    (
        "gives-back",
        "the working directory",
        "def on_run_begin(self): os.makedirs('new', exist_ok=True); os.chdir('new')",
    ),
    ("gives-back", "standard output", "def on_run_begin(self): sys.stdout = sys.stderr"),
    ("deep-copies", "copy.deepcopy before a fit raises TypeError", "def __init__(self): self.lock = threading.Lock()"),
    (
        "deep-copies",
        "copy.deepcopy after a fit raises TypeError",
        "def on_run_begin(self): self.lock = threading.Lock()",
    ),
    ("deep-copies", "gives the same object", "def __deepcopy__(self, memo): return self"),
    ("state", "state['seen'] is of type set", "def state_dict(self): return {'seen': {1}}"),
]


@pytest.mark.parametrize(("check", "message", "body"), BROKEN)
def test_a_broken_promise_is_found(
    site: Site, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, check: str, message: str, body: str
) -> None:
    site.package("epochal_careful", f"{HEAD}\nclass Careful(epochal.Callback):\n    {body}\n")
    monkeypatch.setattr(ending, "PATIENCE", 0)  # for a thread that is not going to end
    try:
        holds, detail = outcome(Subject(SUBJECT), check)
    finally:
        sys.modules["epochal_careful"].STAY.set()
    assert not holds
    assert message in detail


@pytest.mark.parametrize(
    ("check", "message", "old", "new"),
    [
        (
            "state-round-trips",
            "another state is there: best",
            "def on_run_end",
            "def load_state_dict(self, state): ...",
        ),
        (
            "state-round-trips",
            "does not take what state_dict gave",
            "def on_run_end",
            "def state_dict(self): return {'x': 1}",
        ),
        ("resume", "behind epoch 6 it gives another logs in epoch 7", '("wait", "best")', '("best",)'),
        ("resume", "behind epoch 5 it gives another logs in epoch 6", 'state_attributes = ("wait", "best")', ""),
        ("resume", "behind epoch 5 it gives another logs in epoch 6", "if self.starts_afresh()", "if True"),
    ],
)
def test_a_broken_promise_of_the_state_is_found(
    site: Site, outcome: Outcome, careful: str, check: str, message: str, old: str, new: str
) -> None:
    new = f"{new}\n\n    {old}" if old.startswith("def ") else new
    # The loss is the best one in the fifth epoch; behind it the callback counts.
    site.package("epochal_careful", careful.replace(old, new))
    holds, detail = outcome(Subject(SUBJECT), check)
    assert not holds
    assert message in detail


def test_a_misspelt_event_breaks_a_promise(site: Site, outcome: Outcome) -> None:
    site.package(
        "epochal_careful",
        """
from epochal import Callback

class Careful(Callback):
    def on_epoch_end(self, epoch, logs=None): ...
    def on_epoch_finish(self, epoch, logs=None): ...
""",
    )
    holds, detail = outcome(Subject(SUBJECT), "events")
    assert not holds
    assert detail.startswith("it defines 'on_epoch_finish', which is not an event and would never be called.")


def test_the_arguments_of_a_keras_callback_are_looked_at_too(site: Site, outcome: Outcome) -> None:
    site.package(
        "epochal_careful",
        """
class Careful:
    def set_model(self, model): ...
    def set_params(self, params): ...
    def on_epoch_end(self, logs=None): ...
""",
    )
    holds, detail = outcome(Subject(SUBJECT), "events")
    assert not holds
    assert detail == "on_epoch_end(logs=None) cannot be called with (epoch, logs) by position."
