"""LambdaCallback in real training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import pytest

import epochal
from epochal_lambda_callback import LambdaCallback

from .recording import EVENTS_WITH_INDEX, EVENTS_WITHOUT_INDEX, KerasRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

    Data = tuple[Any, Any]


def _recorder(
    events: tuple[str, ...] = (*EVENTS_WITH_INDEX, *EVENTS_WITHOUT_INDEX),
) -> tuple[LambdaCallback, list[Any]]:
    """Make a callback of functions, and the list that they write to."""
    calls: list[Any] = []

    def function(event: str) -> Any:
        if event in EVENTS_WITH_INDEX:
            return lambda index, logs: calls.append((event, index, sorted(logs)))
        return lambda logs: calls.append((event, None, sorted(logs)))

    return LambdaCallback(**{event: function(event) for event in events}), calls


def _use(model: Any, data: Data, callback: Any) -> None:
    model.fit(*data, epochs=2, verbose=0, validation_split=0.25, callbacks=[callback])
    model.evaluate(*data, verbose=0, callbacks=[callback])
    model.predict(data[0], verbose=0, callbacks=[callback])


def _use_in_runs(model: Any, data: Data, callback: Any) -> None:
    epochal.fit(model, *data, epochs=2, verbose=0, validation_split=0.25, callbacks=[callback])
    epochal.evaluate(model, *data, verbose=0, callbacks=[callback])
    epochal.predict(model, data[0], verbose=0, callbacks=[callback])


@pytest.mark.parametrize("use", [_use, _use_in_runs], ids=["bare", "epochal"])
def test_every_event_of_keras_comes_as_to_keras_own(use: Any, make_model: Callable[..., Any], data: Data) -> None:
    theirs = KerasRecorder()
    _use(make_model(), data, theirs)
    callback, calls = _recorder()
    use(make_model(), data, callback)
    assert calls == [(event, index, sorted(logs)) for event, index, logs in theirs.calls]


def test_in_a_loop(data: Data) -> None:
    callback, calls = _recorder(("on_epoch_end", "on_train_batch_end", "on_test_end"))
    with epochal.loop(None, epochs=1, verbose=0, callbacks=[callback]) as run:
        for _ in run.epochs():
            for _, value in run.batches([1.0, 2.0]):
                run.log(loss=value)
            with run.validation():
                run.log(loss=3.0)
    assert calls == [
        ("on_train_batch_end", 0, ["loss"]),
        ("on_train_batch_end", 1, ["loss"]),
        ("on_test_end", None, ["loss"]),
        ("on_epoch_end", 0, ["loss", "val_loss"]),
    ]


def test_it_stops_the_run(model: Any, data: Data) -> None:
    callback = LambdaCallback(on_epoch_finalized=lambda run, logs: run.stop("enough"))
    epochal.fit(model, *data, epochs=5, verbose=0, callbacks=[callback])
    assert model.history.epoch == [0]
    assert model.history.run.outcome == epochal.Outcome("stopped", "lambda_callback: enough")


def test_epochals_own_events_come_where_keras_owns_the_call(model: Any, data: Data) -> None:
    statuses: list[str] = []
    callback = LambdaCallback(on_run_end=lambda outcome: statuses.append(outcome.status))
    model.fit(*data, verbose=0, callbacks=epochal.callbacks(callback))
    assert statuses == ["completed"]
    with pytest.warns(UserWarning, match="on_run_end will not be called"):
        model.fit(*data, verbose=0, callbacks=[callback])
    assert statuses == ["completed"]


def test_an_event_that_nobody_gave_is_not_overridden_for_keras() -> None:
    callback = LambdaCallback(on_train_batch_end=print)
    is_default = keras.src.utils.is_default
    assert [is_default(getattr(callback, event)) for event in (*EVENTS_WITH_INDEX, *EVENTS_WITHOUT_INDEX)] == [
        event != "on_train_batch_end" for event in (*EVENTS_WITH_INDEX, *EVENTS_WITHOUT_INDEX)
    ]


def test_tf_keras(data: Data) -> None:
    tf_keras = pytest.importorskip("tf_keras")
    model = tf_keras.Sequential([tf_keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    calls: list[Any] = []
    callback = LambdaCallback(
        on_batch_end=lambda b, _: calls.append(b), on_epoch_end=lambda epoch, logs: calls.append(logs["loss"])
    )
    history = model.fit(*data, epochs=1, verbose=0, callbacks=[callback])
    assert calls == [0, 1, history.history["loss"][0]]
