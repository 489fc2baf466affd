"""What a file, a pipe or a dumb terminal gets."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from epochal.testing import FakeHost

if TYPE_CHECKING:
    import io
    from collections.abc import Callable

    from epochal_progbar_logger import ProgbarLogger

    Make = Callable[..., ProgbarLogger]


class Bomb:
    """A value that must not be read."""

    def __float__(self) -> float:
        raise AssertionError("a value was read")


def lines(log: io.StringIO) -> list[str]:
    return log.getvalue().splitlines()


def tick(clock: Any, seconds: float = 1.0) -> Callable[[int, int], None]:
    def step(epoch: int, batch: int) -> None:
        clock.now += seconds

    return step


def metrics_of(epoch: int, batch: int) -> dict[str, Any]:
    return {"loss": 1 / (epoch + 1), "accuracy": 0.5}


def test_a_fit(make_bar: Make, clock: Any, log: io.StringIO) -> None:
    FakeHost(make_bar()).fit(2, 3, validation_steps=2, verbose="auto", values=metrics_of, step=tick(clock))
    assert lines(log) == [
        "Epoch 1/2  3/3  0:03  1.00 s/step   loss 1.0000    accuracy 0.5000    val_loss 1.0000    val_accuracy 0.5000",
        "Epoch 2/2  3/3  0:03  1.00 s/step   loss 0.5000    accuracy 0.5000    val_loss 0.5000    val_accuracy 0.5000",
        "Completed 2 epochs in 0:06 (best val_loss 0.5000 in epoch 2)",
    ]


@pytest.mark.parametrize("verbose", [1, 2, "auto", True])
def test_a_log_of_1000_steps_holds_only_lines(make_bar: Make, log: io.StringIO, verbose: Any) -> None:
    long = {f"a_long_name_of_a_metric_{i}": float(i) for i in range(20)}
    FakeHost(make_bar()).fit(2, 1000, verbose=verbose, values=lambda *_: long)
    text = log.getvalue()
    assert all(character.isprintable() or character == "\n" for character in text)
    assert len(lines(log)) == 3


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE", "CLICOLOR_FORCE"])
def test_a_file_stays_plain_when_colour_is_forced(
    make_bar: Make, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "1")
    FakeHost(make_bar()).fit(2, 10, verbose=1)
    assert len(lines(log)) == 3
    assert "\x1b" not in log.getvalue()


def test_a_dumb_terminal_gets_lines(make_bar: Make, terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    FakeHost(make_bar()).fit(1, 10, verbose=1)
    assert "\x1b" not in terminal.getvalue()
    assert "\r" not in terminal.getvalue()


def test_verbose_2_on_a_terminal_writes_lines_that_keep_to_its_width(
    make_bar: Make, terminal: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"accuracy": 0.5, "loss": 0.5, "mae": 0.25}
    for columns in ("50", "30"):
        monkeypatch.setenv("COLUMNS", columns)
        FakeHost(make_bar()).fit(1, 10, verbose=2, values=lambda *_: values)
    assert "\r" not in terminal.getvalue()
    assert terminal.screen() == [
        "epoch      loss  accuracy       mae  time",
        "  1/1    0.5000    0.5000    0.2500  0:00",
        "Completed 1 epoch in 0:00",
        "Epoch 1/1  10/10  0:00",
        "  0.00 us/step",
        "  loss 0.5000",
        "  accuracy 0.5000",
        "  mae 0.2500",
        "Completed 1 epoch in 0:00",
    ]


def test_verbose_0_writes_nothing(make_bar: Make, log: io.StringIO) -> None:
    host = FakeHost(make_bar())
    host.fit(2, 3, verbose=0, values=lambda *_: {"loss": 0.5})
    host.evaluate(verbose=0)
    host.predict(verbose=0)
    assert log.getvalue() == ""


def test_batches_are_not_read_in_lines_mode(make_bar: Make, log: io.StringIO) -> None:
    bar = make_bar()
    FakeHost(bar).evaluate(5, verbose=2, values=lambda _, batch: {"loss": Bomb() if batch < 4 else 0.5})
    assert lines(log) == ["Evaluate  5/5  0:00  0.00 us/step  loss 0.5000"]


def test_evaluate_and_predict_with_the_same_object_after_a_fit(make_bar: Make, clock: Any, log: io.StringIO) -> None:
    host = FakeHost(make_bar())
    host.fit(1, 3, verbose=2, values=metrics_of)
    host.evaluate(4, verbose=2, values=metrics_of, steps_known=False)
    host.predict(5, verbose=2)
    host.fit(1, 6, verbose=2, values=metrics_of)
    assert lines(log) == [
        "Epoch 1/1  3/3  0:00  0.00 us/step  loss 1.0000    accuracy 0.5000",
        "Completed 1 epoch in 0:00",
        "Evaluate  4 steps  0:00  0.00 us/step  loss 1.0000  accuracy 0.5000",
        "Predict  5/5  0:00  0.00 us/step",
        "Epoch 1/1  6/6  0:00  0.00 us/step  loss 1.0000    accuracy 0.5000",
        "Completed 1 epoch in 0:00",
    ]


def test_initial_epoch(make_bar: Make, log: io.StringIO) -> None:
    FakeHost(make_bar()).fit(10, 2, initial_epoch=8, verbose=2, values=lambda *_: {})
    assert lines(log) == [
        "Epoch  9/10  2/2  0:00  0.00 us/step",
        "Epoch 10/10  2/2  0:00  0.00 us/step",
        "Completed 2 epochs in 0:00",
    ]


def test_steps_per_execution_never_counts_more_steps_than_there_are(make_bar: Make, log: io.StringIO) -> None:
    FakeHost(make_bar()).fit(1, 10, steps_per_execution=3, verbose=2, values=lambda *_: {})
    assert lines(log)[0] == "Epoch 1/1  10/10  0:00  0.00 us/step"


def test_unknown_steps_are_counted(make_bar: Make, log: io.StringIO) -> None:
    FakeHost(make_bar()).fit(2, 10, steps_known=False, verbose=2, values=lambda *_: {})
    assert [line.split("  ")[1] for line in lines(log)[:2]] == ["10 steps", "10 steps"]


def test_no_epochs(make_bar: Make, log: io.StringIO) -> None:
    FakeHost(make_bar()).fit(0, 10, verbose=2)
    assert lines(log) == ["Completed 0 epochs in 0:00"]


def test_epochs_without_batches(make_bar: Make, log: io.StringIO) -> None:
    FakeHost(make_bar()).fit(2, 0, verbose=2)
    assert lines(log) == ["Epoch 1/2  0/0  0:00", "Epoch 2/2  0/0  0:00", "Completed 2 epochs in 0:00"]


def test_late_keys_are_in_the_line(make_bar: Make, log: io.StringIO) -> None:
    from epochal import Callback

    class Late(Callback):
        priority = 1000

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["learning_rate"] = 1e-4
            logs["worst"] = math.nan

    FakeHost(make_bar(), Late()).fit(1, 2, verbose=2, values=metrics_of)
    assert lines(log)[0].endswith("loss 1.0000    accuracy 0.5000    learning_rate 1.00e-04  worst nan")


def test_stopped(make_bar: Make, log: io.StringIO) -> None:
    from epochal import Callback

    class Stopper(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                assert self.run is not None
                self.run.stop("it is good enough")

    FakeHost(make_bar(), Stopper()).fit(5, 2, verbose=2)
    assert lines(log)[-1] == "Stopped after epoch 2/5 in 0:00 (best loss 0.4975 in epoch 2): stopper: it is good enough"


@pytest.mark.parametrize(
    ("error", "closing"),
    [
        (ValueError("two\nlines"), "Failed in epoch 2/3, step 1/3, after 0:05: ValueError: two lines"),
        (KeyboardInterrupt(), "Interrupted in epoch 2/3, step 1/3, after 0:05: Ctrl-C"),
    ],
)
def test_failed_and_interrupted(
    make_bar: Make, clock: Any, log: io.StringIO, error: BaseException, closing: str
) -> None:
    def step(epoch: int, batch: int) -> None:
        clock.now += 1
        if (epoch, batch) == (1, 1):
            raise error

    with pytest.raises(type(error)):
        FakeHost(make_bar()).fit(3, 3, verbose=2, step=step)
    assert lines(log)[-2:] == ["Epoch 2/3  1/3  0:02  2.00 s/step", closing]


def test_a_failed_evaluation(make_bar: Make, log: io.StringIO) -> None:
    def values(_: int, batch: int) -> dict[str, Any]:
        if batch == 2:
            raise ValueError("broken")
        return {"loss": 0.5}

    with pytest.raises(ValueError, match="broken"):
        FakeHost(make_bar()).evaluate(5, verbose=2, values=values)
    assert lines(log) == [
        "Evaluate  2/5  0:00  0.00 us/step",
        "Failed in the evaluation after 0:00: ValueError: broken",
    ]


def test_a_stream_that_knows_only_ascii(make_bar: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    import io
    import sys

    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    FakeHost(make_bar()).fit(1, 2, verbose=2, values=lambda *_: {"größe": 1.0})
    assert b"gr\\xf6\\xdfe 1.0000" in stream.buffer.getvalue()


def test_standard_error(make_bar: Make, capsys: pytest.CaptureFixture[str]) -> None:
    FakeHost(make_bar(stream="stderr")).fit(1, 2, verbose=2)
    out, err = capsys.readouterr()
    assert not out
    assert err.startswith("Epoch 1/1  2/2")


def test_only_the_chief_writes(make_bar: Make, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    FakeHost(make_bar()).fit(1, 2, verbose=2)
    assert log.getvalue() == ""
