# ruff: noqa: T201  # what the user prints is what is tested
"""What a terminal shows while something runs. The clock of these tests stands still unless a test moves it."""

from __future__ import annotations

import copy
import io
import itertools
import sys
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from epochal import Callback
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from epochal_progbar_logger import ProgbarLogger

    Make = Callable[..., ProgbarLogger]


class Tensor:
    """A value on a device that counts how often it is fetched."""

    fetched = 0

    def __float__(self) -> float:
        type(self).fetched += 1
        return 0.5


class Screens(Callback):
    """Keeps what the screen shows after some batches."""

    priority = 1000

    def __init__(self, terminal: Any, clock: Any, seconds: float = 1.0) -> None:
        self.train: list[list[str]] = []
        self.test: list[list[str]] = []
        self.begin: list[list[str]] = []
        self._terminal = terminal
        self._clock = clock
        self._seconds = seconds

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.begin.append(self._terminal.screen())

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._clock.now += self._seconds

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.train.append(self._terminal.screen())

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._clock.now += self._seconds

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self.test.append(self._terminal.screen())

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        self.test.append(self._terminal.screen())


def half(*_: int) -> dict[str, Any]:
    return {"loss": 0.5}


HEADER = "epoch      loss  val_loss  time  per step"
ALONE = "epoch      loss  time  per step"
"""The header without a validation."""


def test_a_fit(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    FakeHost(make_bar(), screens).fit(2, 4, validation_steps=2, verbose="auto", values=half)
    assert screens.begin[0] == ["Epoch 1/2  ──────────────────────────────  0/4  0:00"]
    assert screens.train[1] == [
        ALONE,
        "  1/2    0.5000",
        "Epoch 1/2  ━━━━━━━━━━━━━━━───────────────  2/4  1.00 s/step  0:02, 0:02 left, run 0:06 left",
    ]
    assert screens.test[1] == [HEADER, "  1/2    0.5000    0.5000", "Epoch 1/2  validating 2  1.00 s/step  0:06"]
    line = "  1/2    0.5000    0.5000  0:06    1.00 s"
    assert screens.begin[1] == [
        *(HEADER, line),
        "Epoch 2/2  ──────────────────────────────  0/4  0:00, 0:06 left",
    ]
    assert screens.test[2] == [
        *(HEADER, line),
        "  2/2    0.5000    0.5000",
        "Epoch 2/2  ━━━━━━━━━━━━━━━───────────────  validating 1/2  1.00 s/step  0:05, 0:01 left",
    ]
    closing = "Completed 2 epochs in 0:12 (best val_loss 0.5000 in epoch 1)"
    assert terminal.screen() == [HEADER, line, line.replace("1/2", "2/2"), closing]


def test_the_first_step_is_said_apart_and_is_not_in_the_time_a_step(make_bar: Make, clock: Any, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 3.0 if epoch == batch == 0 else 0.05
        drawn.append(terminal.screen()[-1])

    drawn: list[str] = []
    FakeHost(make_bar(refresh_per_second=1000)).fit(3, 4, verbose=1, values=half, step=step)
    assert "━  3/4  50.0 ms/step  first step 3.00 s  0:03, 0:00 left, run 0:00 left" in drawn[3].replace("─", "━")
    assert terminal.screen()[:3] == [
        ALONE,
        "  1/3    0.5000  0:03   50.0 ms  first step 3.00 s",
        "  2/3    0.5000  0:00   50.0 ms",
    ]


def test_the_time_that_the_run_will_take_does_not_count_the_compilation(
    make_bar: Make, clock: Any, terminal: Any
) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 60.0 if epoch == batch == 0 else 1.0

    screens = Screens(terminal, clock, seconds=0.0)
    FakeHost(make_bar(), screens).fit(3, 10, verbose=1, values=half, step=step)
    assert screens.begin[1][-1].endswith("0:00, run 0:20 left")
    assert screens.train[14][-1].endswith("0:05, 0:05 left, run 0:15 left")
    assert screens.train[24][-1].endswith("0:05, 0:05 left")


def test_metrics_that_come_later_have_a_column_of_their_own_below_a_new_header(
    make_bar: Make, clock: Any, terminal: Any
) -> None:
    class Late(Callback):
        priority = 1000

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch % 2:
                logs["val_loss"] = 1e-7

    FakeHost(make_bar(), Late()).fit(4, 2, verbose=1, values=lambda epoch, _: {"loss": 10.0 ** -(3 * epoch)})
    assert terminal.screen()[:-1] == [
        ALONE,
        "  1/4    1.0000  0:00   0.00 us",
        HEADER,
        "  2/4    0.0010  1.00e-07  0:00   0.00 us",
        "  3/4  1.00e-06            0:00   0.00 us",
        "  4/4  1.00e-09  1.00e-07  0:00   0.00 us",
    ]


def test_the_header_comes_again_when_it_has_left_the_screen(make_bar: Make, terminal: Any) -> None:
    FakeHost(make_bar()).fit(100, 1, verbose=1, values=half)
    headers = [number for number, line in enumerate(terminal.screen()) if line.split()[:2] == ["epoch", "loss"]]
    assert headers == [0, 20, 40, 60, 80, 100]  # of 30 lines


def test_epochs_of_milliseconds_are_written_when_the_bar_is_drawn(make_bar: Make, clock: Any, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 0.002
        written.append(len(terminal.getvalue()))
        if epoch == 700:
            print("in between")

    written: list[int] = []
    FakeHost(make_bar()).fit(1000, 1, verbose=1, values=half, step=step)
    assert 15 < len(set(written)) < 40  # of 2 seconds
    shown = [line for line in terminal.screen() if "epoch      loss" not in line]
    numbers = [line.split("/")[0].strip() for line in shown]
    assert numbers == [*map(str, range(1, 701)), "in between", *map(str, range(701, 1001)), numbers[-1]]
    assert numbers[-1].startswith("Completed 1000 epochs")


def test_the_row_of_a_short_epoch_is_not_lost_in_a_failure(make_bar: Make, clock: Any, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 0.002
        if epoch == 3:
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        FakeHost(make_bar()).fit(5, 1, verbose=1, values=half, step=step)
    assert [line.split()[0] for line in terminal.screen()] == ["epoch", "1/5", "2/5", "3/5", "4/5", "Failed"]


def test_the_cursor_is_never_hidden_and_no_mode_is_set(make_bar: Make, terminal: Any) -> None:
    FakeHost(make_bar()).fit(2, 4, verbose=1)
    assert "\x1b[?" not in terminal.getvalue()


def test_unknown_steps_are_counted_and_then_learned(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    FakeHost(make_bar(), screens).fit(2, 4, steps_known=False, verbose=1, values=half)
    assert screens.train[1][-1] == "Epoch 1/2  2 steps  1.00 s/step  0:02"
    assert screens.train[5][-1] == "Epoch 2/2  ━━━━━━━━━━━━━━━───────────────  2/4  1.00 s/step  0:02, 0:02 left"


def test_steps_per_execution(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    FakeHost(make_bar(), screens).fit(1, 4, steps_per_execution=3, verbose=1, values=half)
    assert " 3/4 " in screens.train[0][-1]
    assert " 4/4 " in screens.train[1][-1]


def test_overall(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    FakeHost(make_bar(overall=True), screens).fit(10, 2, initial_epoch=5, verbose=1, values=half)
    assert screens.train[2] == [
        ALONE,
        " 6/10    0.5000  0:02    1.00 s",
        " 7/10    0.5000",
        "Epoch  7/10  ━━━━━━━━━━━━━━━───────────────  1/2  1.00 s/step  0:01, 0:01 left",
        "Total        ━━━━━━━━━━━━━━━━━━━───────────  6/10 epochs  0:03, 0:07 left",
    ]
    assert terminal.screen()[-1] == "Completed 5 epochs in 0:10 (best loss 0.5000 in epoch 6)"


def test_a_narrow_terminal(make_bar: Make, clock: Any, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    screens = Screens(terminal, clock)
    values = {"accuracy": 0.5, "loss": 0.5, "mae": 0.25, "mse": 0.125}
    FakeHost(make_bar(), screens).fit(1, 4, verbose=1, values=lambda *_: values)
    metrics = ["  loss 0.5000    accuracy 0.5000", "  mae 0.2500    mse 0.1250"]
    assert screens.train[0] == ["Epoch 1/1  ━━─────────  1/4  0:03 left", *metrics]
    assert terminal.screen() == ["Epoch 1/1  4/4  0:04  1.00 s/step", *metrics, "Completed 1 epoch in 0:04"]


def test_a_terminal_that_becomes_narrower(make_bar: Make, clock: Any, terminal: Any) -> None:
    written: list[int] = []

    def step(epoch: int, batch: int) -> None:
        clock.now += 1
        if batch == 2:
            assert host.run is not None
            host.run.console.width = 30
            written.append(len(terminal.getvalue()))

    host = FakeHost(make_bar())
    host.fit(1, 4, verbose=1, values=half, step=step)
    # The terminal has wrapped the header and the bar, so that what was drawn takes six lines now.
    assert terminal.getvalue()[written[0] :].startswith("\r" + 5 * "\x1b[1A" + "\x1b[1mepoch")


def test_a_terminal_of_few_lines(make_bar: Make, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("LINES", "4")
    many = {f"metric_{i:02}": 0.5 for i in range(20)}
    FakeHost(make_bar()).fit(1, 2, verbose=1, values=lambda *_: many)
    shown = "\n".join(terminal.screen())
    assert all(f"{name} 0.5000" in shown for name in many)
    assert shown.count("metric_00") == 1


def test_prints_appear_above_the_bar(make_bar: Make, clock: Any, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 1
        if batch == 1:
            print("one\ntwo")
            print("not yet ", end="")
            print("complete")
            Console().print("by [bold]rich[/bold]")
            host.run.console.print("on the run's console")  # type: ignore[union-attr]
            print("flushed", end="", flush=True)

    screens = Screens(terminal, clock)
    host = FakeHost(make_bar(), screens)
    host.fit(1, 3, verbose=1, values=half, step=step)
    said = ["one", "two", "not yet complete", "by rich", "on the run's console", "flushed"]
    bar = "Epoch 1/1  ━━━━━━━━━━━━━━━━━━━━──────────  2/3  2.00 s/step  0:04, 0:02 left"
    assert screens.train[1] == [*said, ALONE, "  1/1    0.5000", bar]
    assert terminal.screen()[:6] == said


def test_a_print_that_has_no_end_is_not_lost(make_bar: Make, terminal: Any) -> None:
    FakeHost(make_bar()).fit(1, 1, verbose=1, values=half, step=lambda *_: print("left open", end=""))
    assert "left open" in terminal.screen()


def test_of_another_bar_only_the_last_state_is_shown(make_bar: Make, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        for percent in range(0, 101, 10):
            print(f"\r{percent} %", end="", flush=True)
        print("\nwindows\r\nat the very end: 1\r2", end="", flush=True)

    FakeHost(make_bar()).fit(1, 1, verbose=1, values=half, step=step)
    assert terminal.screen()[:2] == ["100 %", "windows"]
    assert "2" in terminal.screen()
    assert "50 %" not in terminal.getvalue()


def test_who_kept_the_stream_of_a_run_can_still_write_to_it(make_bar: Make, terminal: Any) -> None:
    kept: list[Any] = []
    FakeHost(make_bar()).fit(1, 1, verbose=1, values=half, step=lambda *_: kept.append(sys.stdout))
    kept[0].write("later")
    kept[0].flush()
    assert kept[0].encoding == "utf-8"
    assert terminal.screen()[-1] == "later"


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_the_terminal_is_as_before_after_a_failure(
    make_bar: Make, clock: Any, terminal: Any, error: BaseException
) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 1
        if batch == 2:
            raise error

    with pytest.raises(type(error)):
        FakeHost(make_bar()).fit(2, 4, verbose=1, values=half, step=step)
    header, first, second = terminal.screen()
    assert (header, first) == (ALONE, "  1/2    0.5000  0:03    2.00 s")
    where = "in epoch 1/2, step 2/4, after 0:03: "
    assert second.startswith((f"Failed {where}", f"Interrupted {where}Ctrl-C"))
    assert terminal.getvalue().endswith("\n")


def test_logs_are_read_only_when_a_refresh_is_due(make_bar: Make, clock: Any, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 0.25 if batch in (30, 60) else 0.0

    Tensor.fetched = 0
    seen: list[int] = []

    class Counter(Callback):
        priority = 1000

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            seen.append(Tensor.fetched)

    FakeHost(make_bar(refresh_per_second=5), Counter()).fit(
        1, 100, verbose=1, values=lambda *_: {"loss": Tensor()}, step=step
    )
    assert seen == [1] * 30 + [2] * 30 + [3] * 40


def test_outputs_of_a_prediction_are_not_read(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    bar = make_bar()
    FakeHost(bar, screens).predict(3, verbose=1)
    assert screens.test[0] == ["Predict  ━━━━━━━━━━────────────────────  1/3  0:00, 0:00 left"]
    assert terminal.screen() == ["Predict  3/3  0:00  0.00 us/step"]


def test_evaluate(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    FakeHost(make_bar(), screens).evaluate(3, verbose=1, values=half)
    assert screens.test[0] == ["Evaluate  ━━━━━━━━━━────────────────────  1/3  0:01, 0:02 left  loss 0.5000"]
    assert terminal.screen() == ["Evaluate  3/3  0:03  1.00 s/step  loss 0.5000"]


def test_a_second_fit_and_a_copy_of_the_object(make_bar: Make, terminal: Any) -> None:
    bar = make_bar()
    for each in (bar, bar, copy.deepcopy(bar)):
        FakeHost(each).fit(1, 2, verbose=1, values=half)
    fit = [ALONE, "  1/1    0.5000  0:00   0.00 us", "Completed 1 epoch in 0:00"]
    assert terminal.screen() == fit * 3


def test_a_copy_in_the_middle_of_a_run(make_bar: Make, terminal: Any) -> None:
    copies: list[Any] = []
    bar = make_bar()
    FakeHost(bar).fit(1, 1, verbose=1, values=half, step=lambda *_: copies.append(copy.deepcopy(bar)))
    FakeHost(copies[0]).fit(1, 1, verbose=1, values=half)
    assert len(terminal.screen()) == 6


def test_a_fit_inside_a_fit_writes_lines_above_the_bar(make_bar: Make, clock: Any, terminal: Any) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 1
        if batch == 1:
            FakeHost(make_bar()).evaluate(2, verbose=1, values=half)

    screens = Screens(terminal, clock)
    FakeHost(make_bar(), screens).fit(1, 3, verbose=1, values=half, step=step)
    assert screens.train[1] == [
        "Evaluate  2/2  0:00  0.00 us/step  loss 0.5000",
        ALONE,
        "  1/1    0.5000",
        "Epoch 1/1  ━━━━━━━━━━━━━━━━━━━━──────────  2/3  2.00 s/step  0:04, 0:02 left",
    ]


def test_a_slow_terminal_is_drawn_on_less_often(make_bar: Make, clock: Any, terminal: Any) -> None:
    write = terminal.write
    drawn: list[float] = []

    def slow_write(text: str) -> int:
        if "━" in text:
            drawn.append(clock.now)
            clock.now += 0.005
        return write(text)  # type: ignore[no-any-return]

    def step(epoch: int, batch: int) -> None:
        clock.now += 0.01

    terminal.write = slow_write
    FakeHost(make_bar()).fit(1, 300, verbose=1, values=half, step=step)
    assert all(later - earlier >= 0.5 for earlier, later in itertools.pairwise(drawn[1:]))


def test_a_terminal_that_fails_takes_only_the_bar_with_it(make_bar: Make, clock: Any, terminal: Any) -> None:
    write = terminal.write

    def fail_once(text: str) -> int:
        terminal.write = write
        raise OSError("Input/output error")

    def step(epoch: int, batch: int) -> None:
        clock.now += 1
        if batch == 2:
            terminal.write = fail_once

    run = FakeHost(make_bar()).fit(1, 5, verbose=1, values=half, step=step)
    assert run.outcome is not None
    assert run.outcome.status == "completed"
    assert "OSError" in terminal.getvalue()


def test_validation_in_the_middle_of_an_epoch(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    bar = make_bar()

    class Validating(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                bar.on_test_begin()
                clock.now += 7
                bar.on_test_batch_end(0, {"loss": 0.25})
                seen.append(terminal.screen())
                bar.on_test_end({"loss": 0.25})

    seen: list[list[str]] = []
    FakeHost(bar, screens, Validating()).fit(1, 4, verbose=1, values=half)
    assert seen == [[HEADER, "  1/1    0.5000    0.2500", "Epoch 1/1  validating 1  0:09"]]
    assert "3/4  1.00 s/step  0:10, 0:01 left" in screens.train[2][-1]
    assert terminal.screen()[:2] == [HEADER, "  1/1    0.5000            0:11    1.00 s"]


def test_weights_of_a_loop_are_no_metrics(make_bar: Make, clock: Any, terminal: Any) -> None:
    screens = Screens(terminal, clock)
    values = {"loss": 0.5, "size": 32}
    FakeHost(make_bar(), screens, stateful_metrics=()).fit(1, 2, verbose=1, values=lambda *_: values)
    assert screens.train[0][0] == ALONE


def test_colours_and_theme(make_bar: Make, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeHost(make_bar(theme={"value": "blue"})).fit(1, 2, verbose=1, values=half)
    assert "\x1b[34m    0.5000\x1b[0m" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    terminal.truncate(0)
    FakeHost(make_bar(theme={"value": "blue"})).fit(1, 2, verbose=1, values=half)
    assert "\x1b[34m" not in terminal.getvalue()


def test_a_terminal_that_knows_only_ascii(make_bar: Make, clock: Any, terminal: Any) -> None:
    terminal.encoding = "ascii"
    screens = Screens(terminal, clock)
    FakeHost(make_bar(), screens).fit(1, 2, verbose=1, values=half)
    assert screens.train[0][-1] == "Epoch 1/1  ===============---------------  1/2  0:01, 0:01 left"


def test_standard_error_is_drawn_on_while_standard_output_is_a_file(
    make_bar: Make, terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    error, out = terminal, io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        FakeHost(make_bar(stream="stderr")).fit(1, 2, verbose=1, values=half, step=lambda *_: print("a line"))
    assert out.getvalue() == "a line\n" * 2
    assert error.screen()[-1] == "Completed 1 epoch in 0:00"
    assert sys.stderr is error
