"""Where the time of a run goes: each callback's, event by event, and who made the run wait for the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .console import print_whole
from .logs import PLAIN, Logs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.console import Console

    from .implementation import Implementation
    from .member import Member


@dataclass
class Timing:
    """What one event of one callback took.

    Attributes:
        calls: How often it was called.
        seconds: How long all calls took together, waiting for the device included.
        waits: How often it was the first to read values that were still on the device.
        wait_seconds: How long these reads took.
    """

    calls: int = 0
    seconds: float = 0.0
    waits: int = 0
    wait_seconds: float = 0.0


class Profile:
    """Measures the callbacks of one run.

    Attributes:
        timings: Name of the callback to event to its `Timing`; only what was called is there.
        logs_kind: The kind of logs that tells who reads first.
    """

    def __init__(self) -> None:
        self.timings: dict[str, dict[str, Timing]] = {}
        self._began = perf_counter()
        self._running: list[Timing] = []  # a callback may call others
        self.logs_kind: type[Logs] = type("Logs", (_WatchedLogs,), {"_profile": self})

    def measured(self, member: Member, event: str, implementation: Implementation) -> Implementation:
        """Make an implementation that is measured."""
        timing = Timing()

        def count() -> None:
            if timing.calls == 0:
                self.timings.setdefault(member.name, {})[event] = timing
            timing.calls += 1

        def call(*arguments: Any) -> Any:
            count()
            self._running.append(timing)
            begin = perf_counter()
            try:
                return implementation.call(*arguments)
            finally:
                timing.seconds += perf_counter() - begin
                self._running.pop()

        def wrap(*arguments: Any) -> Generator[None, Any, Any]:
            # What the wrapper encloses is not its own time, so only the two parts around its `yield` are measured.
            count()
            generator = implementation.call(*arguments)
            step: Callable[[], object] = partial(next, generator)
            while True:
                begin = perf_counter()
                try:
                    step()
                except StopIteration as end:
                    return end.value
                finally:
                    timing.seconds += perf_counter() - begin
                try:
                    result = yield
                except BaseException as error:
                    step = partial(generator.throw, error)
                else:
                    step = partial(generator.send, result)

        return replace(implementation, call=wrap if implementation.options.get("wrapper") else call)

    def waited(self, seconds: float) -> None:
        """Note that whoever runs now has waited for the device."""
        if self._running:
            self._running[-1].waits += 1
            self._running[-1].wait_seconds += seconds

    def show(self, console: Console) -> None:
        """Print the table: what took most comes first."""
        from rich.table import Table

        whole = max(perf_counter() - self._began, 1e-9)  # a clock may be too coarse to see it
        rows = [(timing, name, event) for name, events in self.timings.items() for event, timing in events.items()]
        rows.sort(key=lambda row: -row[0].seconds)
        own = sum(timing.seconds for timing, _, _ in rows)
        table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
        table.add_column("callback", no_wrap=True, style="cyan")
        table.add_column("event", no_wrap=True)
        for heading in ("calls", "total", "a call", "share", "waits for the device"):
            table.add_column(heading, justify="right", no_wrap=True)
        for timing, name, event in rows:
            waits = f"{timing.waits} ({duration(timing.wait_seconds)})" if timing.waits else ""
            mean = duration(timing.seconds / timing.calls)
            table.add_row(
                name, event, str(timing.calls), duration(timing.seconds), mean, f"{timing.seconds / whole:.2%}", waits
            )
        rest = whole - own
        table.add_row("everything else", "", "", duration(rest), "", f"{rest / whole:.2%}", "", style="dim")
        console.print(
            f"Profile: callbacks took {duration(own)} of {duration(whole)}, {own / whole:.2%}", highlight=False
        )
        print_whole(console, table)


class _WatchedLogs(Logs):
    """Logs that tell a profile when values of theirs are fetched, all of them or one."""

    _profile: Profile

    def fetch(self) -> Logs:
        waiting = dict.values(self) if self._pending is None else self._pending.values()
        if all(type(value) in PLAIN for value in waiting):
            return super().fetch()
        begin = perf_counter()
        try:
            return super().fetch()
        finally:
            self._profile.waited(perf_counter() - begin)

    def read(self, key: str, default: Any = None) -> Any:
        self._arrange()
        if type((self._pending or {}).get(key)) in PLAIN:
            return super().read(key, default)
        begin = perf_counter()
        try:
            return super().read(key, default)
        finally:
            self._profile.waited(perf_counter() - begin)


def duration(seconds: float) -> str:
    """Give a time in the unit that suits it.

    >>> duration(0.0000123), duration(0.0123), duration(12.3)
    ('12.3 µs', '12.3 ms', '12.3 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
