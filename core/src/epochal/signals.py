"""SIGTERM, as schedulers send it before they kill: the run ends at its next batch, with everything closed."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


class Terminated(BaseException):
    """SIGTERM arrived. Ends a run from inside; it never leaves epochal."""


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
        self._previous: Any = None
        self._frame: FrameType | None = None

    def install(self) -> None:
        """Take the signal, if this is the main thread and the program does not ignore it."""
        if threading.current_thread() is not threading.main_thread():
            return
        previous = signal.getsignal(signal.SIGTERM)
        # None: a handler that was not installed from Python and could not be put back.
        if previous is None or previous is signal.SIG_IGN:
            return
        signal.signal(signal.SIGTERM, self._handle)
        self._previous, self._installed = previous, True

    def restore(self) -> None:
        """Give the signal back to the handler that had it."""
        self._over = True
        if self._installed and signal.getsignal(signal.SIGTERM) == self._handle:
            signal.signal(signal.SIGTERM, self._previous)
        self._installed = False

    def deliver(self) -> None:
        """Do with a signal that arrived what would have been done without a run."""
        if self.arrived:
            self._pass_on()

    def _pass_on(self) -> None:
        if callable(self._previous):
            self._previous(signal.SIGTERM, self._frame)
        else:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

    def _handle(self, _number: int, frame: FrameType | None) -> None:
        if self._over:  # a run that began inside this one outlived it, and gave the signal back to us
            self._frame = frame
            self._pass_on()
            return
        if self.arrived:
            raise Terminated
        self.arrived, self._frame = True, frame
        self._request()
