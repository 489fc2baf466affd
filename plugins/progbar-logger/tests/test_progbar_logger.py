# ruff: noqa: T201  # what the user prints is what is tested
"""Parameters, and the object by itself in a fit of Keras, where no epochal run is."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest

from epochal import Callback, Priority
from epochal.testing import FakeHost
from epochal_progbar_logger import ProgbarLogger

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[..., ProgbarLogger]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"refresh_per_second": 0}, ValueError, "refresh_per_second=0 has to be more than 0"),
        ({"refresh_per_second": float("nan")}, ValueError, "refresh_per_second=nan has to be a number, and not NaN"),
        ({"refresh_per_second": "10"}, TypeError, "refresh_per_second='10' has to be a number"),
        ({"stream": "stdin"}, ValueError, "stream='stdin' has to be one of: 'stdout', 'stderr'"),
        ({"theme": "blue"}, TypeError, "theme='blue' has to be a mapping"),
        ({"theme": {"bar": 3}}, TypeError, "has to be a mapping of names to styles"),
        ({"theme": {"barr": "blue"}}, ValueError, "there is no style 'barr'. Did you mean 'bar'"),
        ({"theme": {"bar": "no such colour"}}, ValueError, "bar='no such colour' is not a rich style"),
    ],
)
def test_parameters_are_checked(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        ProgbarLogger(**arguments)
    assert message in str(caught.value)


def test_what_it_declares() -> None:
    assert ProgbarLogger.priority == Priority.REPORT
    assert ProgbarLogger.critical is False
    assert isinstance(ProgbarLogger(), Callback)


def test_the_documented_styles_are_those_that_there_are() -> None:
    from epochal_progbar_logger.theme import DEFAULT

    assert ProgbarLogger.__doc__ is not None
    documented = ProgbarLogger.__doc__.partition("default ones: ")[2].partition(".\n")[0]
    assert [name.strip() for name in documented.split(",")] == list(DEFAULT)


class KerasList:
    """Calls callbacks as Keras's own CallbackList does."""

    def __init__(self, *callbacks: Any, **params: Any) -> None:
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            callback.set_params(params)

    def call(self, event: str, *arguments: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(*arguments)

    def fit(self, epochs: int = 2, steps: int = 3, fails_at: int | None = None) -> None:
        self.call("on_train_begin")
        for epoch in range(epochs):
            self.call("on_epoch_begin", epoch)
            for batch in range(steps):
                if batch == fails_at:
                    raise ValueError("broken")
                self.call("on_train_batch_end", batch, {"loss": 0.5})
            self.call("on_test_begin")
            self.call("on_test_batch_end", 0, {"loss": 0.5})
            self.call("on_test_end", {"loss": 0.5})
            self.call("on_epoch_end", epoch, {"loss": 0.5, "val_loss": 0.5})
        self.call("on_train_end", {"loss": 0.5})

    def evaluate(self) -> None:
        self.call("on_test_begin")
        self.call("on_test_batch_end", 0, {"loss": 0.5})
        self.call("on_test_end", {"loss": 0.5})


PARAMS = {"epochs": 2, "steps": 3, "verbose": "auto"}
CLOSING = "Completed 2 epochs in 0:00 (best val_loss 0.5000 in epoch 1)"
LINES = [
    "Epoch 1/2  3/3  0:00  0.00 us/step  loss 0.5000    val_loss 0.5000",
    "Epoch 2/2  3/3  0:00  0.00 us/step  loss 0.5000    val_loss 0.5000",
    CLOSING,
]
TABLE = [
    "epoch      loss  val_loss  time  per step",
    "  1/2    0.5000    0.5000  0:00   0.00 us",
    "  2/2    0.5000    0.5000  0:00   0.00 us",
    CLOSING,
]


def test_a_bare_fit_in_a_file(make_bar: Make, log: Any) -> None:
    KerasList(make_bar(), **PARAMS).fit()
    assert log.getvalue().splitlines() == LINES


def test_a_bare_fit_on_a_terminal(make_bar: Make, terminal: Any) -> None:
    KerasList(make_bar(), **PARAMS).fit()
    assert terminal.screen() == TABLE


def test_a_bare_fit_that_was_stopped(make_bar: Make, log: Any) -> None:
    bar = make_bar()
    bar.set_model(type("Model", (), {"stop_training": True}))
    KerasList(bar, **PARAMS).fit()
    assert log.getvalue().splitlines()[-1] == (
        "Stopped after epoch 2/2 in 0:00 (best val_loss 0.5000 in epoch 1): model.stop_training was set"
    )


def test_a_bare_evaluation_and_prediction(make_bar: Make, log: Any) -> None:
    bar = make_bar()
    KerasList(bar, **PARAMS).fit()
    KerasList(bar, verbose=1, epochs=1, steps=1).evaluate()
    predict = KerasList(bar, verbose=1, epochs=1, steps=1)
    for event in ("on_predict_begin", "on_predict_end"):
        predict.call(event)
    assert log.getvalue().splitlines()[3:] == ["Evaluate  1/1  0:00  loss 0.5000", "Predict  0/1  0:00"]


def test_a_list_without_params(make_bar: Make, log: Any) -> None:
    listed = KerasList(**PARAMS)
    listed.callbacks.append(make_bar())
    listed.fit(epochs=1)
    assert log.getvalue().splitlines()[0].startswith("Epoch 1  3 steps")


def test_a_bare_fit_after_a_run_and_a_run_after_a_bare_fit(make_bar: Make, log: Any) -> None:
    bar = make_bar()
    FakeHost(bar).fit(1, 3, verbose=1)
    KerasList(bar, **PARAMS).fit()
    FakeHost(bar).fit(1, 3, verbose=1)
    lines = log.getvalue().splitlines()
    assert lines[2:5] == LINES
    assert len(lines) == 7


def test_the_terminal_is_given_back_when_keras_lets_go_of_a_fit_that_failed(make_bar: Make, terminal: Any) -> None:
    listed = KerasList(make_bar(), **PARAMS)
    with pytest.raises(ValueError, match="broken"):
        listed.fit(fails_at=2)
    print("the traceback")
    del listed
    gc.collect()
    shown = terminal.screen()
    assert terminal.getvalue().endswith("\n")
    assert shown[0] == "the traceback"
    assert shown[-1].startswith("Epoch 1/2  ━━━")
    assert sys.stdout is terminal


@pytest.mark.parametrize("same_object", [True, False])
def test_a_fit_after_one_that_failed(make_bar: Make, terminal: Any, same_object: bool) -> None:
    bar = make_bar()
    failed = KerasList(bar, **PARAMS)
    with pytest.raises(ValueError, match="broken") as kept:
        failed.fit(fails_at=2)
    KerasList(bar if same_object else make_bar(), **PARAMS).fit()
    assert kept.value is not None
    assert terminal.screen()[-4:] == TABLE
    assert "\r" in terminal.getvalue().split("Epoch 1/2")[-1], "the second fit is live as well"
    assert sys.stdout is terminal


def test_other_bars_are_silenced_in_a_bare_fit(make_bar: Make, log: Any) -> None:
    other = type("ProgbarLogger", (Callback,), {"verbose": 1})()
    bystander = Callback()
    bystander.verbose = 1  # type: ignore[attr-defined]
    KerasList(make_bar(), bystander, other, **PARAMS).fit()
    assert other.verbose == 0
    assert bystander.verbose == 1  # type: ignore[attr-defined]
