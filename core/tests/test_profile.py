from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest

import epochal
from epochal import Callback
from epochal.console import make_console
from epochal.engine import profile
from epochal.engine.driver import Driver
from epochal.engine.member import make_member
from epochal.engine.profile import duration
from epochal.run import Run, Timing
from epochal.testing import FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Iterator


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(profile, "perf_counter", clock)
    return clock


class Tensor:
    """A value on a device; to read it takes a second."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def __float__(self) -> float:
        self.clock.now += 1
        return 0.5


def driver_of(*callbacks: Any) -> Driver:
    members = [make_member(name, callback, None, None) for name, callback in zip("abc", callbacks, strict=False)]
    return Driver(Run(FakeModel(), "train"), members, profile=True)


def run_batches(driver: Driver, *logs: dict[str, Any]) -> Run:
    driver.run.__dict__["console"] = make_console(io.StringIO())
    driver.begin({"epochs": 1, "steps": len(logs), "verbose": 0})
    driver.on_train_begin()
    driver.on_epoch_begin(0)
    for number, each in enumerate(logs):
        driver.batch.on_train_batch_begin(number)
        driver.batch.on_train_batch_end(number, each)
    driver.end()
    return driver.run


def shown(run: Run) -> str:
    file = run.console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def test_every_call_is_counted_and_timed(clock: Clock) -> None:
    class Slow(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.now += 2

    run = run_batches(driver_of(Slow()), {}, {}, {})
    assert run.timings == {"a": {"on_train_batch_end": Timing(calls=3, seconds=6.0)}}


def test_who_reads_first_is_who_waits_for_the_device(clock: Clock) -> None:
    class Reads(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert logs["loss"] == 0.5

    run = run_batches(driver_of(Reads(), Reads()), {"loss": Tensor(clock)}, {"loss": Tensor(clock)})
    assert run.timings["a"]["on_train_batch_end"] == Timing(2, 2.0, waits=2, wait_seconds=2.0)
    assert run.timings["b"]["on_train_batch_end"].waits == 0
    assert "2 (2 s)" in shown(run)


def test_who_reads_one_value_waits_for_that_one(clock: Clock) -> None:
    class ReadsOne(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            for key in ("loss", "loss", "size", "missing"):
                logs.read(key)

    run = run_batches(driver_of(ReadsOne()), {"loss": Tensor(clock), "accuracy": Tensor(clock), "size": 32})
    timing = run.timings["a"]["on_train_batch_end"]
    assert (timing.waits, timing.wait_seconds) == (1, 1.0)


def test_values_that_are_on_no_device_make_nobody_wait(clock: Clock) -> None:
    class Reads(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert logs["loss"] == 0.5

    run = run_batches(driver_of(Reads()), {"loss": 0.5})
    assert run.timings["a"]["on_train_batch_end"].waits == 0


def test_what_a_wrapper_encloses_is_not_its_own_time(clock: Clock) -> None:
    class Wraps:
        @epochal.hookimpl(wrapper=True)
        def on_train_batch_end(self) -> Iterator[None]:
            clock.now += 1
            yield
            clock.now += 2

    class Slow(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.now += 10

    run = run_batches(driver_of(Wraps(), Slow()), {})
    assert run.timings["a"]["on_train_batch_end"].seconds == 3
    assert run.timings["b"]["on_train_batch_end"].seconds == 10


def test_an_error_passes_through_a_wrapper_and_is_timed(clock: Clock) -> None:
    seen = []

    class Wraps:
        @epochal.hookimpl(wrapper=True)
        def on_train_batch_end(self) -> Iterator[None]:
            try:
                yield
            except ZeroDivisionError:
                seen.append(1)
                raise

    class Fails(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.now += 4
            raise ZeroDivisionError

    driver = driver_of(Wraps(), Fails())
    with pytest.raises(ZeroDivisionError):
        run_batches(driver, {})
    assert seen == [1]
    assert driver.run.timings["b"]["on_train_batch_end"] == Timing(1, 4.0)


def test_the_table_cuts_no_name(clock: Clock) -> None:
    class Slow(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            clock.now += 1

    name = "a_name_that_is_longer_than_the_terminal_is_wide_" * 3
    driver = Driver(Run(FakeModel(), "train"), [make_member(name, Slow(), None, None)], profile=True)
    text = shown(run_batches(driver, {}, {}))
    assert "callbacks took 2 s of 2 s, 100.00%" in text
    assert f"{name}  on_train_batch_end      2    2 s     1 s     100.00%      100.00%" in text
    assert "everything else" in text


def test_the_share_of_a_step_leaves_out_what_is_between_the_steps(clock: Clock) -> None:
    class Slow(Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            clock.now += 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            clock.now += 50

    driver = driver_of(Slow())
    driver.run.__dict__["console"] = make_console(io.StringIO())
    driver.begin({})
    for number in range(2):
        driver.batch.on_train_batch_begin(number)
        clock.now += 3  # the model
        driver.batch.on_train_batch_end(number, {})
        clock.now += 10  # between two steps
    driver.on_epoch_end(0)
    driver.end()
    timings = driver.run.timings["a"]
    assert timings["on_train_batch_begin"].share_of_step == 0.25
    assert timings["on_epoch_end"].share_of_step is None
    assert "A training step took 4 s, of which callbacks 1 s, 25.00%" in shown(driver.run)


def test_a_run_is_profiled_only_when_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Does(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None: ...

    assert FakeHost(Does()).fit().timings == {}
    monkeypatch.setenv("EPOCHAL_PROFILE", "1")
    run = FakeHost(Does()).fit(epochs=2)
    assert run.timings["does"]["on_epoch_end"].calls == 2
    assert "Profile: callbacks took" in capsys.readouterr().out


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 µs"), (1e-6, "1 µs"), (1e-3, "1 ms"), (90, "90 s")])
def test_a_duration_has_the_unit_that_suits_it(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_run_that_never_began_has_no_table(clock: Clock) -> None:
    driver = driver_of(Callback())
    driver.run.__dict__["console"] = make_console(out := io.StringIO())
    driver.end(ValueError("the model is not compiled"))
    assert out.getvalue() == ""
