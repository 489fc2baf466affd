"""What happens when a callback raises.

An error of a critical callback leaves the run as it is, of its own type (some callbacks steer by one), with a note
that names the callback. An error of any other callback is shown once, the callback is out for the rest of the run, and
training goes on; the end of the run says so again.

Ctrl-C, `SystemExit` and the like are nobody's fault and pass through.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import one_line
from .signals import Terminated

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from .member import Member


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


class Faults:
    """The errors of one run, and what is done about each.

    Args:
        console: Gives where errors that do not end the run are shown.
        disable: Takes a callback out of the run.

    Attributes:
        disabled: The errors for which a callback was taken out.
        fatal: The error that ended the run, if it came from a callback.
        ending: Whether the run is at its end: then every callback still gets its `on_run_end`, and errors are kept.
        kept: The errors of critical callbacks at the end.
    """

    def __init__(self, console: Callable[[], Console], disable: Callable[[Member], None]) -> None:
        self._console = console
        self._disable = disable
        self.disabled: list[Fault] = []
        self.fatal: Fault | None = None
        self.ending = False
        self.kept: list[Fault] = []

    def handle(self, member: Member, event: str, error: BaseException) -> bool:
        """Tell whether the run goes on; if not, the error is to be raised again."""
        fault = Fault(member, event, error)
        if self.ending:
            self._keep(fault)
            return True
        if not isinstance(error, Exception):
            return False
        if member.critical:
            add_note(error, f"raised by {fault.place}")
            self.fatal = fault
            return False
        self.disabled.append(fault)
        self._disable(member)
        self._show(fault, "It is out for the rest of the run; training goes on.")
        return True

    def _keep(self, fault: Fault) -> None:
        if isinstance(fault.error, Terminated):
            return  # a second SIGTERM cut this one short; the run is ending as it is
        if isinstance(fault.error, Exception):
            add_note(fault.error, f"raised by {fault.place}")
        if fault.member.critical or not isinstance(fault.error, Exception):
            self.kept.append(fault)
        elif any(earlier.member is fault.member for earlier in self.disabled):
            self._print(f"It failed again: {fault.place}: {one_line(fault.error)}")
        else:
            self._show(fault, "The run had ended already.")

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
                self._show(fault, "Another error is raised before this one.")
        if raised is not None:
            raise raised.error

    def summarize(self) -> None:
        """Say again, at the end of the run, which callbacks were taken out."""
        for fault in self.disabled:
            what = f"The callback {fault.member.title} failed in {fault.event} and was taken out"
            self._print(f"{what}: {one_line(fault.error)}")

    def _show(self, fault: Fault, consequence: str) -> None:
        lines = "".join(traceback.format_exception(type(fault.error), fault.error, fault.error.__traceback__))
        self._print(f"{lines}An error in {fault.place}. {consequence}")

    def _print(self, text: str) -> None:
        try:
            self._console().print(text, markup=False, highlight=False, soft_wrap=True)
        except (OSError, ValueError, SystemExit):
            # Nobody reads standard output any more (rich makes a SystemExit of it), or it is closed: that is no reason
            # to end a training that goes on.
            if sys.__stderr__ is not None:
                with suppress(OSError, ValueError):
                    print(text, file=sys.__stderr__)


def add_note(error: BaseException, note: str) -> None:
    """Add a note to an exception, as `BaseException.add_note` does from Python 3.11 on."""
    if hasattr(error, "add_note"):
        error.add_note(note)
    else:
        error.__notes__ = [*getattr(error, "__notes__", ()), note]  # type: ignore[attr-defined]
