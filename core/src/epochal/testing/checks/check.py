"""What a check is, and how one is run: in an empty folder, in silence, without the settings of its surroundings."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
import warnings
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import EpochalError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .subject import Subject

    Function = Callable[[Subject], str | None]


class BrokenPromiseError(AssertionError):
    """A check does not hold; the message says what is wrong, and what to do."""


@dataclass(frozen=True)
class Check:
    """One promise of a callback.

    Attributes:
        name: Its name, and the id of its test.
        promise: What it promises, as a sentence.
        function: Looks at a subject. Gives what may be of interest, or None; raises if the promise is broken.
    """

    name: str
    promise: str
    function: Function

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Result:
    """What came out of a check.

    Attributes:
        check: The check.
        detail: What is wrong, or what may be of interest; may be empty.
        error: What was raised; None if it holds.
    """

    check: Check
    detail: str = ""
    error: Exception | None = None

    @property
    def holds(self) -> bool:
        """Whether the promise is kept."""
        return self.error is None


def promise(name: str, text: str) -> Callable[[Function], Check]:
    """Make a function a check.

    Args:
        name: The name of the check.
        text: What it promises, as a sentence.
    """
    return lambda function: Check(name, text, function)


def run_check(check: Check, subject: Subject) -> Result:
    """Run a check; nothing that the callback raises or prints comes through.

    A check that does not hold because of an exception of the callback has it as the cause of its error.
    """
    try:
        with surroundings():
            return Result(check, check.function(subject) or "")
    except BrokenPromiseError as error:
        return Result(check, str(error), error)
    except (Exception, SystemExit) as error:
        return failure(check, subject, error)


def failure(check: Check, subject: Subject, error: BaseException) -> Result:
    """Return the result of a check that an exception of the callback stopped."""
    frame = None if isinstance(error, EpochalError) else frame_of(error, subject)  # the message says where
    place = f" ({frame.filename}, line {frame.lineno}, in {frame.name})" if frame is not None else ""
    wrong = BrokenPromiseError(f"{one_line(error)}{place}")
    wrong.__cause__ = error
    return Result(check, str(wrong), wrong)


def frame_of(error: BaseException, subject: Subject) -> traceback.FrameSummary | None:
    """Return where in the callback's code an error was raised, else the innermost place that is not epochal's."""
    own = str(Path(__file__).parents[2])
    frames = [each for each in traceback.extract_tb(error.__traceback__) if not each.filename.startswith(own)]
    module = sys.modules.get(subject.record.package)
    file = getattr(module, "__file__", None) or ""
    folder = f"{os.path.dirname(file)}{os.sep}" if os.path.basename(file) == "__init__.py" else file
    inside = [each for each in frames if folder and each.filename.startswith(folder)]
    return next(reversed(inside or frames), None)


@contextmanager
def surroundings() -> Iterator[None]:
    """Be in an empty folder, without settings in the environment, with what is printed and warned of thrown away."""
    before, kept = os.getcwd(), {name: value for name, value in os.environ.items() if name.startswith("EPOCHAL_")}
    with (
        tempfile.TemporaryDirectory(prefix="epochal-check-", ignore_cleanup_errors=True) as folder,
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        for name in kept:
            del os.environ[name]
        os.environ["EPOCHAL_CONFIG"] = ""  # no file
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
            del os.environ["EPOCHAL_CONFIG"]
            os.environ.update(kept)
