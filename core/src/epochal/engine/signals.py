"""SIGTERM, as schedulers send it before they kill: the run ends at its next batch, with everything closed."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Terminated(SystemExit):
    """SIGTERM arrived. Ends a run from inside.

    Where Keras owns the call, a second signal may raise it where epochal cannot catch it. It is a SystemExit so that
    the program then ends with the status of a terminated process, and without a traceback.
    """

    def __init__(self) -> None:
        super().__init__(128 + signal.SIGTERM)


class Termination:
    """Takes SIGTERM while a run lasts.

    The first one asks the run to end, a second one ends it at once. The handler that was there before is called when
    the run has ended; with the default handler the process then ends by the signal. Signals that the program ignores
    are left alone, and so are all signals outside the main thread, where Python does not deliver them.

    Args:
        request: Asks the run to end; called from within the signal handler.

    Attributes:
        arrived: Whether SIGTERM arrived.
    """

    def __init__(self, request: Callable[[], None]) -> None:
        self.arrived = False
        self._request = request
        self._installed = False
        self._over = False
        self._process = 0
        self._previous: Any = None
        self._frame: FrameType | None = None

    def install(self) -> None:
        """Take the signal, if this is the main thread and the program does not ignore it."""
        if not _in_main_thread():
            return
        previous = signal.getsignal(signal.SIGTERM)
        # None: a handler that was not installed from Python and could not be put back.
        if previous is None or previous is signal.SIG_IGN:
            return
        signal.signal(signal.SIGTERM, self._handle)
        self._previous, self._installed, self._process = previous, True, os.getpid()

    def restore(self) -> None:
        """Restore the signal's former handler."""
        self._over = True
        # Another thread may drop what held the run open; then the handler stays, and passes the signal on.
        if self._installed and _in_main_thread() and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._previous)
        self._installed = False
        self._request = _nothing

    def deliver(self) -> None:
        """Do with a signal that arrived what would have been done without a run."""
        if self.arrived:
            self._pass_on()

    def _pass_on(self) -> None:
        frame, self._frame = self._frame, None  # what its locals hold is not to outlive it
        if callable(self._previous):
            try:
                self._previous(signal.SIGTERM, frame)
            except BaseException as error:
                if isinstance(error.__context__, Terminated):
                    error.__context__ = None  # the program's own handler raised; how the run ended is ours
                raise
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def _handle(self, _number: int, frame: FrameType | None) -> None:
        # The run is over (one that began inside it outlived it, and gave the signal back), or it is that of the process
        # that this one was forked from.
        if self._over or os.getpid() != self._process:
            self._frame = frame
            self._pass_on()
            return
        if self.arrived:
            raise Terminated
        self.arrived, self._frame = True, frame
        self._request()


def _nothing() -> None:
    pass


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
