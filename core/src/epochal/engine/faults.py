"""What happens when a callback raises.

An error of a critical callback leaves the run as it is, of its own type (some callbacks steer by one), with a note
that names the callback. An error of any other callback is shown once, in a line, the callback is out for the rest of
the run, and training goes on; the end of the run says so again, unless it was before training.

An error that a host would take for the end of its data is the one exception: it leaves as a RuntimeError, as a
StopIteration leaves a generator (PEP 479).

Ctrl-C, `SystemExit` and the like are nobody's fault and pass through.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import one_line
from ..frameworks.end_of_data import as_error, ends_the_data
from ..inspection.identity import module_of
from ..settings.reading import short_path
from .signals import Terminated

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from .member import Member

_BEFORE_TRAINING = ("set_model", "on_run_begin", "preflight", "on_train_begin")

_INTERRUPTS = (KeyboardInterrupt, SystemExit, GeneratorExit)


@dataclass(frozen=True)
class Fault:
    """An error that a callback raised.

    Attributes:
        member: The callback.
        event: The event in which it raised.
        error: What it raised.
    """

    member: Member
    event: str
    error: BaseException

    @property
    def place(self) -> str:
        """The callback, its distribution and version, and the event."""
        return f"the callback {self.member.title} in {self.event}"

    @property
    def report(self) -> str:
        """The error with the line that it comes from: the innermost of the callback's own package."""
        own = module_of(self.member.callback).partition(".")[0]
        entries = [
            (str(frame.f_globals.get("__name__")).partition(".")[0], frame.f_code.co_filename, line)
            for frame, line in traceback.walk_tb(self.error.__traceback__)
        ]
        lines = [each for each in entries if each[0] == own] or [each for each in entries if each[0] != "epochal"]
        where = f"{short_path(Path(lines[-1][1]))}:{lines[-1][2]}: " if lines else ""
        return f"{where}{one_line(self.error)}"

    def as_raised(self) -> Fault:
        """Return the fault with the error as it has to leave the event."""
        if not ends_the_data(self.error, self.event):
            return self
        return Fault(self.member, self.event, as_error(self.error, self.place))


class Faults:
    """The errors of one run, and what is done about each.

    Args:
        console: Gives where errors that do not end the run are shown.
        disable: Takes a callback out of the run.
        tracebacks: Whether they are shown with their tracebacks.

    Attributes:
        disabled: The errors for which a callback was taken out.
        fatal: The error that ended the run, if it came from a callback.
        ending: Whether the run is at its end: then every callback still gets its `on_run_end`, and errors are kept.
        kept: The errors of critical callbacks at the end.
    """

    def __init__(
        self, console: Callable[[], Console], disable: Callable[[Member], None], *, tracebacks: bool = False
    ) -> None:
        self._console = console
        self._disable = disable
        self._tracebacks = tracebacks
        self.disabled: list[Fault] = []
        self.fatal: Fault | None = None
        self.ending = False
        self.kept: list[Fault] = []

    def handle(self, member: Member, event: str, error: BaseException) -> bool:
        """Return whether the run goes on; if not, the error is to be raised again.

        Raises:
            RuntimeError: The run does not go on, and the error must not be raised again as it is.
        """
        fault = Fault(member, event, error)
        if self.ending:
            self._keep(fault)
            return True
        if isinstance(error, _INTERRUPTS):
            return False
        if member.critical or not isinstance(error, Exception):
            self.fatal = fault = fault.as_raised()
            add_note(fault.error, f"raised by {fault.place}")
            if fault.error is not error:
                raise fault.error
            return False
        self.disabled.append(fault)
        self._disable(member)
        self._show(fault, " and is out for the rest of the run; training goes on")
        return True

    def is_out(self, member: Member) -> bool:
        """Return whether a callback failed and was taken out of the run."""
        return any(fault.member is member for fault in self.disabled)

    def _keep(self, fault: Fault) -> None:
        if isinstance(fault.error, Terminated):
            return  # a second SIGTERM cut this one short; the run is ending as it is
        if fault.member.critical or not isinstance(fault.error, Exception):
            fault = fault.as_raised()
            if not isinstance(fault.error, _INTERRUPTS):
                add_note(fault.error, f"raised by {fault.place}")
            self.kept.append(fault)
        elif self.is_out(fault.member):
            self._print(f"It failed again: {fault.place}: {fault.report}")
        else:
            self._show(fault, ", when the run had ended already")

    def raise_kept(self, already: BaseException | None) -> None:
        """Raise the first interrupt or else the first error of `on_run_end`, and show all that are not raised.

        Args:
            already: The error that ended the run; it has precedence over another error.
        """
        interrupts = [fault for fault in self.kept if not isinstance(fault.error, Exception)]
        first = next(iter([*interrupts, *self.kept]), None)
        raised = first if already is None or interrupts else None
        for fault in self.kept:
            if fault is not raised:
                # Of a critical callback, and shown nowhere else: with everything.
                self._print(f"{_traceback(fault.error)}Another error is raised before this one of {fault.place}.")
        if raised is not None:
            raise raised.error

    def summarize(self) -> None:
        """Say again, at the end of the run, which callbacks were taken out while it lasted.

        Not those that failed before training: that stands at the head of the run's output, where everything is told
        that makes it another run than was asked for.
        """
        for fault in self.disabled:
            if fault.event in _BEFORE_TRAINING:
                continue
            what = f"The callback {fault.member.title} failed in {fault.event} and was taken out"
            self._print(f"{what}: {fault.report}")

    def close(self) -> None:
        """Let go of the run, and of errors, whose tracebacks hold the host's own frames."""
        self._disable, self.fatal = _nothing, None
        self.disabled.clear()

    def _show(self, fault: Fault, consequence: str) -> None:
        before, hint = _traceback(fault.error), ""
        if not self._tracebacks:
            before, hint = "", " (EPOCHAL_TRACEBACK=1 shows the traceback)"
        what = f"The callback {fault.member.title} failed in {fault.event}{consequence}"
        self._print(f"{before}{what}: {fault.report}{hint}")

    def _print(self, text: str) -> None:
        try:
            self._console().print(text, markup=False, highlight=False, soft_wrap=True)
        except Terminated:
            raise
        except (OSError, ValueError, SystemExit):
            # Nobody reads standard output any more (rich makes a SystemExit of it), or it is closed: that is no reason
            # to end a training that goes on.
            if sys.__stderr__ is not None:
                with suppress(OSError, ValueError):
                    print(text, file=sys.__stderr__)


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _nothing(_member: Member) -> None:
    pass


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, as `BaseException.add_note` does from Python 3.11 on.

    An exception that takes none, as an instance of a frozen dataclass, goes without.
    """
    with suppress(Exception):
        if hasattr(error, "add_note"):
            error.add_note(note)
        else:
            error.__notes__ = [*getattr(error, "__notes__", ()), note]  # type: ignore[attr-defined]
