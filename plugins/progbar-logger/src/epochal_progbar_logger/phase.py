"""One pass over data: how many steps ended, and how long they take."""

from __future__ import annotations

from dataclasses import dataclass

from .format import counted, span

_SHORTEST_COMPILATION = 0.1
"""Seconds below which nothing is said about the first step."""


@dataclass
class Phase:
    """One pass over data: the training of an epoch, its validation, an evaluation or a prediction.

    Attributes:
        begun: When it began, in seconds of any clock; moved on by the time that it was interrupted.
        total: Steps that there are; None if not known.
        expected: Whether `total` is only what it was the last time.
        compiles: Whether the model is compiled in the first step, which then tells nothing about the others.
        done: Steps that ended.
        ended: When it ended.
    """

    begun: float
    total: int | None = None
    expected: bool = False
    compiles: bool = False
    done: int = 0
    ended: float | None = None
    _first: tuple[float, int] | None = None

    def count(self, done: int, now: float) -> None:
        """Take in that so many steps have ended. With steps per execution they may be more than there are."""
        if self.total is not None and done > self.total:
            done, self.total = (done, None) if self.expected else (self.total, self.total)
        self.done = done
        if self._first is None and done:
            self._first = (now, done)

    @property
    def awaits_first(self) -> bool:
        """Whether the end of the first step, in which the model is compiled, is still to be counted."""
        return self.compiles and self._first is None

    def resume(self, now: float) -> None:
        """Go on after an interruption, whose time does not count."""
        if self.ended is not None:
            pause, self.ended = now - self.ended, None
            self.begun += pause
            if self._first is not None:
                self._first = (self._first[0] + pause, self._first[1])

    def pace(self, now: float) -> float | None:
        """Return the seconds a step, without the first ones if the model was compiled in them; None if not known."""
        since, before = self._first if self.compiles and self._first else (self.begun, 0)
        return ((self.ended or now) - since) / (self.done - before) if self.done > before else None

    def left(self, now: float) -> float | None:
        """Return the seconds that it will still take, judged by all steps but the first as soon as there are two."""
        if self.total is None or not self.done:
            return None
        since, before = self._first if self._first and self._first[1] < self.done else (self.begun, 0)
        return (now - since) / (self.done - before) * (self.total - self.done)

    def excess(self, now: float) -> float:
        """Return the seconds that the first step took longer than one of the others."""
        if not self.compiles or self._first is None or (step := self.pace(now)) is None:
            return 0.0
        ended, count = self._first
        return max(0.0, ended - self.begun - step * count)

    def first_step(self, now: float) -> str:
        """Say what the first step took, if the model seems to have been compiled in it; empty otherwise."""
        if not self.compiles or self._first is None:
            return ""
        ended, count = self._first
        took, step = ended - self.begun, self.pace(now)
        if step is None and self.ended is None and self.done != self.total:
            return ""  # the steps that follow will tell whether this one was special
        if took < _SHORTEST_COMPILATION or (step is not None and took < 2 * step * count):
            return ""
        return f"first {'step' if count == 1 else counted(count, 'step')} {span(took)}"
