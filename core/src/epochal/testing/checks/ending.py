"""How a callback ends a run that breaks off, and what it leaves behind."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import warnings
from time import monotonic
from typing import TYPE_CHECKING, Any

from ...errors import one_line
from .check import BrokenPromiseError, promise
from .stage import Stage, expect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .subject import Subject

PATIENCE = 2.0
"""Seconds that all threads which were told to end may take."""


class _BrokenOff(Exception):  # noqa: N818  # nothing is wrong: it is what a run breaks off with
    """What the suite raises in the middle of a run."""


@promise("exception", "after an exception its run ends, and the exception is the one that was raised")
def check_exception(subject: Subject) -> None:
    """Raise in training, in its validation, in an evaluation and in a prediction."""
    for stage, run in _broken_off(subject, _BrokenOff("the suite breaks the run off")):
        run()
        _check_end(stage, "failed")


@promise("interrupt", "after Ctrl-C its run ends")
def check_interrupt(subject: Subject) -> None:
    """Raise what Ctrl-C raises, at the same places."""
    for stage, run in _broken_off(subject, KeyboardInterrupt()):
        run()
        _check_end(stage, "interrupted")


@promise("sigterm", "after SIGTERM its run ends at the next batch, and the program's own handler is called")
def check_sigterm(subject: Subject) -> str | None:
    """Send this process the signal in the middle of an epoch."""
    if threading.current_thread() is not threading.main_thread():
        return "not tried: signals come to the main thread alone"
    arrived: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: arrived.append(number))
    try:
        stage = Stage(subject)
        stage.train(step=_at(4, lambda: signal.raise_signal(signal.SIGTERM)))
        expect(bool(arrived), "the handler of the program was not called.")
    finally:
        signal.signal(signal.SIGTERM, before)
    _check_end(stage, "interrupted")
    return None


def _broken_off(subject: Subject, error: BaseException) -> Iterator[tuple[Stage, Callable[[], None]]]:
    """Yield runs that break off with an error, each with its host."""

    def fail(*_: Any) -> Any:
        raise error

    in_validation = _values_then(subject, 3, fail)
    runs: dict[str, Callable[[Stage], Any]] = {
        "first batch": lambda stage: stage.train(step=fail),
        "second epoch": lambda stage: stage.train(step=_at(4, fail)),
        "validation": lambda stage: stage.train(validation_steps=2, values=in_validation),
        "evaluate": lambda stage: stage.test(step=fail),
        "predict": lambda stage: stage.predict(step=fail),
    }
    for where, run in runs.items():
        stage = Stage(subject)

        def broken_off(run: Callable[[Stage], Any] = run, stage: Stage = stage, where: str = where) -> None:
            try:
                run(stage)
            except BaseException as raised:
                if isinstance(raised, KeyboardInterrupt) and raised is not error:
                    raise  # somebody wants the suite itself to end
                if raised is not error:
                    raise BrokenPromiseError(
                        f"a run that breaks off ({where}) with {one_line(error)} ends with {one_line(raised)} instead."
                    ) from raised
            else:
                raise BrokenPromiseError(f"the error that a run breaks off with ({where}) did not come out of it.")

        yield stage, broken_off


def _at(number: int, act: Callable[[], Any]) -> Callable[..., None]:
    """Return a step in which something happens, when it is called for the n-th time, counted from 0."""
    calls = iter(range(sys.maxsize))

    def step(*_: int) -> None:
        if next(calls) == number:
            act()

    return step


def _values_then(subject: Subject, number: int, act: Callable[[], Any]) -> Callable[[int, int], dict[str, Any]]:
    """Return the subject's values, until something happens at the n-th time."""
    happen = _at(number, act)

    def values(epoch: int, batch: int) -> dict[str, Any]:
        happen()
        return subject.values(epoch, batch)

    return values


def _check_end(stage: Stage, status: str) -> None:
    """Expect that the last run ended as it should, and that the callback had its end of it."""
    run = stage.run
    assert run is not None
    assert run.outcome is not None
    expect(run.outcome.status == status, f"the outcome is {run.outcome.status!r} instead of {status!r}.")
    for fault in stage.errors_at_end:
        raise BrokenPromiseError(
            f"its on_run_end raised {one_line(fault.error)} when the run was {status}."
        ) from fault.error
    expect(stage.had_its_end, f"its on_run_end was not called when the run was {status}.")


@promise("leaves-nothing-open", "it leaves no open files, threads and processes behind")
def check_leftovers(subject: Subject) -> str | None:
    """Look at what is open before and after whole runs and such as break off."""
    # The first run may open what a library keeps for all that follow.
    _run_all(subject)
    _forget()
    before = _open_files(), set(threading.enumerate()), _children()
    callbacks = _run_all(subject)
    deadline = monotonic() + PATIENCE
    for thread in set(threading.enumerate()) - before[1]:
        thread.join(max(0.0, deadline - monotonic()))
    files = _open_files()
    new_files = sorted(set(files.items()) - set(before[0].items()))
    threads = sorted(thread.name for thread in set(threading.enumerate()) - before[1])
    children = sorted(_children() - before[2])
    del callbacks  # up to here they held what they had opened
    _forget()
    left = [
        *(f"the file {name}" for _, name in new_files),
        *(f"the thread {name}" for name in threads),
        *(f"the process {name}" for name in children),
    ]
    expect(not left, f"after its runs it leaves open: {', '.join(left)}. Close them in on_run_end.")
    return None if files else "files cannot be counted on this system"


@promise("gives-back", "it gives back standard output, signals and the working directory")
def check_gives_back(subject: Subject) -> None:
    """Look at what is the whole program's before and after."""
    before = _globals()
    _run_all(subject)
    after = _globals()
    changed = [name for name in before if before[name] is not after[name] and before[name] != after[name]]
    expect(not changed, f"after its runs these are not what they were: {', '.join(changed)}.")


def _run_all(subject: Subject) -> list[Any]:
    """Run to the end and break off, in all stages; gives the callbacks."""
    whole = Stage(subject)
    whole.train(validation_steps=2, verbose=1)
    whole.test(verbose=1)
    whole.predict(verbose=1)
    callbacks = [whole.callback]
    for error in (_BrokenOff(), KeyboardInterrupt()):
        for stage, run in _broken_off(subject, error):
            run()
            callbacks.append(stage.callback)
    return callbacks


def _forget() -> None:
    """Close what runs have left open and nobody holds: it would be closed some time, and its number used again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the check tells it better
        gc.collect()


def _open_files() -> dict[int, str]:
    """Return the number and the name of every open file; empty where the system does not tell."""
    folder = "/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"
    try:
        numbers = [int(name) for name in os.listdir(folder)]
    except OSError:
        return {}
    found = {}
    for number in numbers:
        try:
            os.fstat(number)
        except OSError:
            continue  # that of the folder itself, which is closed again
        try:
            found[number] = os.readlink(f"{folder}/{number}")
        except OSError:
            found[number] = f"number {number}"
    return found


def _children() -> set[str]:
    """Return the processes that multiprocessing began, if somebody used it."""
    module = sys.modules.get("multiprocessing")
    return set() if module is None else {f"{child.name} ({child.pid})" for child in module.active_children()}


def _globals() -> dict[str, Any]:
    signals = {f"the handler of {each.name}": signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    return {
        "standard output": sys.stdout,
        "standard error": sys.stderr,
        "sys.excepthook": sys.excepthook,
        "the working directory": os.getcwd(),
        **signals,
    }
