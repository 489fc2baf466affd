"""Runs in several threads and processes, and inside each other."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import pytest

from epochal import Callback, Outcome
from epochal.testing import FakeHost


class Ended(Callback):
    def __init__(self, meeting: threading.Barrier | None = None) -> None:
        self.meeting = meeting
        self.epochs: list[int] = []
        self.threads: set[int] = set()
        self.outcomes: list[Outcome] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.meeting is not None:
            self.meeting.wait(60)
        self.epochs.append(epoch)
        self.threads.add(threading.get_ident())

    def on_run_end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def test_two_runs_at_once_in_two_threads_are_two_runs() -> None:
    meeting = threading.Barrier(2)  # an epoch ends in both, or in none
    callbacks = [Ended(meeting), Ended(meeting)]
    threads = [threading.Thread(target=FakeHost(each).fit, args=(3,)) for each in callbacks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in callbacks:
        assert each.epochs == [0, 1, 2]
        assert each.outcomes == [Outcome("completed")]
    assert callbacks[0].threads != callbacks[1].threads


@pytest.mark.parametrize("error", [None, ValueError("inner"), StopIteration("inner")])
def test_a_run_inside_a_callback_ends_before_that_callback_goes_on(error: Exception | None) -> None:
    class Inner(Ended):
        def on_train_end(self, logs: Any = None) -> None:
            if error is not None:
                raise error

    class Outer(Ended):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            FakeHost(inner).fit()
            super().on_epoch_end(epoch)

    inner, outer = Inner(), Outer()
    host = FakeHost(outer)
    if error is None:
        host.fit(2)
        assert outer.epochs == [0, 1]
        assert outer.outcomes == [Outcome("completed")]
        assert inner.outcomes == [Outcome("completed")] * 2
        return
    with pytest.raises((ValueError, RuntimeError), match="inner") as caught:
        host.fit(2)
    assert inner.outcomes[0].exception is outer.outcomes[0].exception is caught.value
    both = getattr(caught.value, "__notes__", ())
    assert [each.partition(" (")[0] for each in both] == [
        "raised by the callback 'inner'",
        "raised by the callback 'outer'",
    ]


# The child of a fork is a copy of the run, and whoever forks decides where it ends.
_FORKS = """
import multiprocessing, os, sys
from epochal import Callback
from epochal.testing import FakeHost

me = os.getpid()

class Forks(Callback):
    def on_epoch_end(self, epoch, logs=None):
        child = multiprocessing.get_context("fork").Process(target=print, args=("worker",), kwargs={"flush": True})
        child.start()
        child.join()
        print("worker ended with", child.exitcode, flush=True)
        child = os.fork()
        if child == 0:
            sys.exit(5)
        print("child ended with", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)

    def on_run_end(self, outcome):
        print("on_run_end", os.getpid() == me, outcome.status, flush=True)

FakeHost(Forks()).fit()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_a_child_that_is_forked_inside_a_run_does_not_end_it() -> None:
    done = subprocess.run([sys.executable, "-c", _FORKS], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [
        "worker",
        "worker ended with 0",
        "child ended with 5",
        "on_run_end True completed",
    ]


_SPAWNS = """
import multiprocessing
from epochal import Callback
from epochal.testing import FakeHost

class Ended(Callback):
    def on_run_end(self, outcome):
        self.status = outcome.status

def train(number):
    ended = Ended()
    FakeHost(ended).fit(number)
    return number, ended.status

if __name__ == "__main__":
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(train, [1, 2]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_workers_of_both_kinds_have_runs_of_their_own(tmp_path: Any) -> None:
    script = tmp_path / "train.py"  # a spawned worker imports it
    script.write_text(_SPAWNS)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120)
    expected = [(1, "completed"), (2, "completed")]
    assert done.stdout.splitlines() == [f"fork {expected}", f"spawn {expected}"]
