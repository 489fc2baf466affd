"""A callback that raises in a script under `epochal run`, with Keras's own loops. The whole table is core's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

from epochal import Callback, hookimpl
from epochal.launch.patching import _driven

if TYPE_CHECKING:
    from epochal import Outcome


class Witness(Callback):
    """Notes how the run ends."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def on_run_end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)


def _breaker(role: str, event: str, error: BaseException) -> Any:
    """Make a callback that raises in one event."""

    def fail(self: Any, *_: Any, **__: Any) -> None:
        raise error

    if role == "keras":
        return type("Breaker", (keras.callbacks.Callback,), {event: fail})()
    if role == "marked":
        return type("Breaker", (), {"own": hookimpl(specname=event)(lambda self: fail(self))})()
    return type("Breaker", (Callback,), {event: fail, "critical": role == "critical"})()


@pytest.fixture(scope="module")
def model() -> Any:
    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def _fit(model: Any, callbacks: list[Any]) -> Any:
    data = (np.zeros((2, 1)), np.zeros((2, 1)))
    fit = _driven(keras.Model.fit, "train")
    return fit(model, *data, batch_size=1, validation_data=data, verbose=0, callbacks=callbacks)


@pytest.mark.parametrize(
    ("role", "event", "kind"),
    [
        ("critical", "on_train_batch_end", ValueError),
        ("critical", "on_train_batch_begin", StopIteration),
        ("critical", "on_test_begin", SystemExit),
        ("keras", "on_test_batch_end", StopIteration),
        ("keras", "on_epoch_end", KeyboardInterrupt),
        ("keras", "on_train_begin", ValueError),
        ("marked", "on_epoch_begin", ValueError),
        ("marked", "on_train_batch_end", StopIteration),
        ("reporter", "on_train_batch_end", KeyboardInterrupt),
    ],
)
def test_what_a_callback_raises_leaves_the_script_and_ends_the_run_once(
    role: str, event: str, kind: type[BaseException], model: Any
) -> None:
    error, first, last = kind("bad"), Witness(), Witness()
    with pytest.raises(RuntimeError if kind is StopIteration else kind) as caught:
        _fit(model, [first, _breaker(role, event, error), last])
    is_fault = issubclass(kind, Exception)
    if kind is StopIteration:  # Keras's filter of tracebacks takes the cause away
        assert "StopIteration: bad" in str(caught.value)
    else:
        assert caught.value is error
    for witness in (first, last):
        assert [each.status for each in witness.outcomes] == ["interrupted" if kind is KeyboardInterrupt else "failed"]
        assert ("'breaker'" in witness.outcomes[0].reason) == is_fault
    assert sum("'breaker'" in note for note in getattr(caught.value, "__notes__", [])) == is_fault


@pytest.mark.parametrize("event", ["on_train_begin", "on_train_batch_end", "on_test_end"])
@pytest.mark.parametrize("kind", [ValueError, StopIteration])
def test_a_reporter_that_fails_is_shown_and_the_script_goes_on(
    event: str, kind: type[Exception], model: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    witness = Witness()
    history = _fit(model, [_breaker("reporter", event, kind("bad")), witness])
    assert history.history.keys() == {"loss", "val_loss"}
    assert [each.status for each in witness.outcomes] == ["completed"]
    shown = capsys.readouterr().out
    # Where it failed; and at the end, unless that was before anything else was shown.
    assert shown.count(f"failed in {event}") == (1 if event == "on_train_begin" else 2)
    assert f"{kind.__name__}: bad" in shown
