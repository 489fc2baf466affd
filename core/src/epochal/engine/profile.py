"""Where the time of a run goes: each callback's, event by event, and who made the run wait for the device."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..console import print_whole
from ..hookspecs import STEPS, stage_of
from ..logs import PLAIN, Logs
from ..run import Steps, Timing

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from rich.console import Console

    from .implementation import Implementation
    from .member import Member


_STAGES = {"train": "A training", "test": "An evaluation", "predict": "A prediction"}


class Profile:
    """Measures the callbacks of one run.

    Attributes:
        timings: Name of the callback to event to its `Timing`; only what was called is there.
        steps: Stage ("train", "test", "predict") to what its batches took.
        logs_kind: The kind of logs that tells who reads first.
    """

    def __init__(self) -> None:
        self.timings: dict[str, dict[str, Timing]] = {}
        self.steps: dict[str, Steps] = {}
        self._began = perf_counter()
        self._running: list[Timing] = []  # a callback may call others
        self.logs_kind: type[Logs] = type("Logs", (_WatchedLogs,), {"_profile": self})

    def measured(self, member: Member, event: str, implementation: Implementation) -> Implementation:
        """Make an implementation that is measured."""
        timing = Timing(steps=self._steps_of(event))

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

    def _steps_of(self, event: str) -> Steps | None:
        stage = stage_of(event)
        return self.steps.setdefault(stage, Steps()) if stage is not None and event in STEPS[stage] else None

    def stepping(self, event: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """Make a function of a batch event that takes the time of the step which it begins or ends, if it does."""
        steps = self._steps_of(event)
        if steps is None:
            return call

        def begin(batch: int, logs: Any = None) -> Any:
            steps.began = perf_counter()
            return call(batch, logs)

        def end(batch: int, logs: Any = None) -> Any:
            try:
                return call(batch, logs)
            finally:
                if steps.began is not None:
                    steps.count += 1
                    steps.seconds += perf_counter() - steps.began
                    steps.began = None

        return begin if event.endswith("_begin") else end

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
        for heading in ("calls", "total", "a call", "of the run", "of its step", "waits for the device"):
            table.add_column(heading, justify="right", no_wrap=True)
        for timing, name, event in rows:
            waits = f"{timing.waits} ({duration(timing.wait_seconds)})" if timing.waits else ""
            mean = duration(timing.seconds / timing.calls)
            share = timing.share_of_step
            table.add_row(
                name,
                event,
                str(timing.calls),
                duration(timing.seconds),
                mean,
                f"{timing.seconds / whole:.2%}",
                f"{share:.2%}" if share is not None else "",
                waits,
            )
        rest = whole - own
        table.add_row("everything else", "", "", duration(rest), "", f"{rest / whole:.2%}", "", "", style="dim")
        console.print(
            f"Profile: callbacks took {duration(own)} of {duration(whole)}, {own / whole:.2%}", highlight=False
        )
        for stage, steps in self.steps.items():
            if steps.count:
                console.print(self._sentence(stage, steps), highlight=False)
        print_whole(console, table)

    def _sentence(self, stage: str, steps: Steps) -> str:
        timings = (timing for events in self.timings.values() for timing in events.values())
        own = sum(timing.seconds for timing in timings if timing.steps is steps)
        share = f"{own / steps.seconds:.2%}" if steps.seconds else "nothing"
        mean, part = duration(steps.seconds / steps.count), duration(own / steps.count)
        return f"{_STAGES[stage]} step took {mean}, of which callbacks {part}, {share}"


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
    """Return a time in the unit that suits it.

    >>> duration(0.0000123), duration(0.0123), duration(12.3)
    ('12.3 µs', '12.3 ms', '12.3 s')
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
