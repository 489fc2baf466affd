"""Messages that wait to be sent, and the thread that sends them."""

from __future__ import annotations

import math
from collections import Counter, deque
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Sender:
    """Sends messages in the background, one after the other and in their order.

    There is a thread only while there is something to send, and the program does not wait for it when it ends. So
    nothing has to be cleaned up after an error.

    Args:
        send: Sends one message; gives why it could not, or nothing. It must not raise.
        size: How many messages may wait. Where one more comes, the oldest is given up. None: any number.

    Attributes:
        delivered: How many messages were sent.
        failures: Why others were not: reason to number.
        closed: Whether `close` was called.
    """

    def __init__(self, send: Callable[[Any], str], size: int | None) -> None:
        self._send = send
        self._size = size
        self._waiting: deque[Any] = deque()
        self._changed = Condition()
        self._is_working = False
        self._is_sending = False
        self.delivered = 0
        self.failures: Counter[str] = Counter()
        self.closed = False

    @property
    def undelivered(self) -> int:
        """How many messages were not sent, of those whose fate is known."""
        return sum(self.failures.values())

    def put(self, message: Any) -> None:
        """Take a message, without any wait for what is sent."""
        with self._changed:
            if self._size is not None and len(self._waiting) >= self._size:
                self._waiting.popleft()
                self.failures[f"more than {self._size} were waiting"] += 1
            self._waiting.append(message)
            if not self._is_working:
                Thread(target=self._work, name="epochal-remote-monitor", daemon=True).start()
                self._is_working = True

    def wait(self, timeout: float) -> bool:
        """Wait until everything has been sent or has failed; tells whether that is so.

        Args:
            timeout: For how many seconds at the most.
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_working, None if math.isinf(timeout) else timeout)

    def close(self, timeout: float) -> None:
        """Wait as `wait` does, and give up what is left then."""
        self.wait(timeout)
        with self._changed:
            left = len(self._waiting) + self._is_sending
            if left:
                self.failures["training had ended"] += left
            self._waiting.clear()
            self.closed = True

    def _work(self) -> None:
        while True:
            with self._changed:
                if not self._waiting:
                    self._is_working = False
                    self._changed.notify_all()
                    return
                message = self._waiting.popleft()
                self._is_sending = True
            problem = self._send(message)
            with self._changed:
                self._is_sending = False
                if self.closed:
                    continue  # it was given up
                if problem:
                    self.failures[problem] += 1
                else:
                    self.delivered += 1
