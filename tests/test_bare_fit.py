"""`model.fit(callbacks=epochal.callbacks(…))`, and single epochal callbacks, where Keras owns the call."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import weakref
from functools import partial
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import epochal
from epochal_csv_logger import CSVLogger
from epochal_early_stopping import EarlyStopping

from .recording import KerasRecorder, OurRecorder, notes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Data = tuple[Any, Any]


class Ended(epochal.Callback):
    """Remembers how its runs ended."""

    def __init__(self) -> None:
        self.outcomes: list[epochal.Outcome] = []

    def on_run_end(self, outcome: epochal.Outcome) -> None:
        self.outcomes.append(outcome)


@pytest.mark.parametrize("joined", [False, True], ids=["alone", "with a callback of Keras's"])
def test_it_sends_what_plain_keras_sends(joined: bool, make_model: Callable[..., Any], data: Data) -> None:
    theirs, ours = KerasRecorder(), OurRecorder()
    arguments: dict[str, Any] = {"validation_split": 0.25, "epochs": 2, "verbose": 0}
    model = make_model()
    keras.utils.set_random_seed(1)
    plain = model.fit(*data, **arguments, callbacks=[theirs])
    model = make_model()
    keras.utils.set_random_seed(1)
    others = [keras.callbacks.TerminateOnNaN()] if joined else []
    history = model.fit(*data, **arguments, callbacks=epochal.callbacks(ours) + others)
    assert ours.calls == theirs.calls
    assert dict(ours.run.params) == theirs.params
    assert history.history == plain.history
    assert ours.run.outcome.status == "completed"


def test_fit_returns_our_history_and_shows_no_second_bar(
    model: Any, data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    from epochal_history import History

    history = model.fit(*data, epochs=2, callbacks=epochal.callbacks())
    assert isinstance(history, History)
    assert isinstance(history, keras.callbacks.History)
    assert model.history is history
    printed = capsys.readouterr().out
    assert "\b" not in printed
    assert printed.count("Epoch 1/2") == 1


def test_verbose_0_is_silent(model: Any, data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    model.fit(*data, verbose=0, callbacks=epochal.callbacks())
    assert capsys.readouterr().out == ""


def test_the_list_serves_one_fit_after_the_other(model: Any, data: Data) -> None:
    ended = Ended()
    callbacks = epochal.callbacks(ended)
    for _ in range(2):
        model.fit(*data, epochs=2, verbose=0, callbacks=callbacks)
    assert [outcome.status for outcome in ended.outcomes] == ["completed", "completed"]
    assert model.history.epoch == [0, 1, 0, 1]


def test_evaluate_and_predict_take_the_list_too_and_leave_the_fits_history(model: Any, data: Data) -> None:
    history = model.fit(*data, verbose=0, callbacks=epochal.callbacks())
    recorder, ended = OurRecorder(), Ended()
    result = model.evaluate(*data, verbose=0, callbacks=epochal.callbacks(recorder, ended))
    assert result == model.evaluate(*data, verbose=0)
    assert recorder.run.stage == "test"
    assert model.history is history
    outputs = model.predict(data[0], verbose=0, callbacks=epochal.callbacks(recorder, ended))
    assert np.array_equal(outputs, model.predict(data[0], verbose=0))
    assert [outcome.status for outcome in ended.outcomes] == ["completed", "completed"]


def test_the_list_deep_copies_before_and_after_a_fit(make_model: Callable[..., Any], data: Data) -> None:
    recorder = OurRecorder()
    callbacks = epochal.callbacks(recorder)
    for _ in range(2):
        copied = copy.deepcopy(callbacks)
        history = make_model().fit(*data, verbose=0, callbacks=copied)
        assert history.epoch == [0]
        assert recorder.calls == []
    make_model().fit(*data, verbose=0, callbacks=callbacks)
    assert recorder.calls != []
    assert copy.deepcopy(callbacks)[0].run_history.epoch == [0]


def test_our_history_copies_and_pickles_after_a_fit(model: Any, data: Data) -> None:
    history = epochal.fit(model, *data, verbose=0)
    for made in (copy.deepcopy(history), pickle.loads(pickle.dumps(history))):  # the plain class comes back
        assert made.history == history.history
        assert made.to_rows() == history.to_rows()


@pytest.mark.parametrize("split", [0.0, 0.5])
@pytest.mark.parametrize("joined", [False, True], ids=["alone", "with a callback of Keras's"])
def test_whether_there_is_validation_is_known_as_in_a_fit_of_ours(
    joined: bool, split: float, model: Any, data: Data
) -> None:
    class Watch(epochal.Callback):
        known: Any = ()

        def on_train_begin(self, logs: Any = None) -> None:
            assert self.run is not None
            self.known = (*self.known, self.run.validates)

    watch = Watch()
    theirs = [keras.callbacks.Callback()] if joined else []
    model.fit(*data, validation_split=split, verbose=0, callbacks=epochal.callbacks(watch) + theirs)
    epochal.fit(model, *data, validation_split=split, verbose=0, callbacks=[watch, *theirs])
    assert watch.known == (bool(split), bool(split))


def test_what_ours_write_kerass_see_and_the_other_way_round(model: Any, data: Data) -> None:
    class Writer(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["ours"] = 1.0

    class Reader(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.read = logs["ours"]
            logs["theirs"] = 2.0

    reader = Reader()
    history = model.fit(*data, epochs=2, verbose=0, callbacks=[*epochal.callbacks(Writer()), reader])
    assert reader.read == 1.0
    assert history.history["ours"] == [1.0, 1.0]
    assert history.history["theirs"] == [2.0, 2.0]


@pytest.mark.parametrize(
    "event", ["on_run_begin", "on_train_begin", "on_train_batch_end", "on_epoch_end", "on_test_end"]
)
def test_an_error_of_ours_ends_the_run_at_once(event: str, model: Any, data: Data) -> None:
    def fail(self: Any, *_: Any) -> None:
        raise ArithmeticError("ours")

    def fail_by_name(self: Any) -> None:
        raise ArithmeticError("ours")

    breaker = type("Breaker", (epochal.Callback,), {event: fail_by_name if event == "on_run_begin" else fail})()
    ended = Ended()
    with pytest.raises(ArithmeticError) as caught:
        model.fit(*data, validation_data=data, verbose=0, callbacks=epochal.callbacks(ended, breaker))
    assert [outcome.status for outcome in ended.outcomes] == ["failed"]
    assert ended.outcomes[0].exception is caught.value
    assert "'breaker'" in notes(caught.value)[0]


@pytest.mark.parametrize("bare", [True, False], ids=["bare", "own"])
@pytest.mark.parametrize(
    ("event", "error"),
    [
        ("on_train_batch_end", tf.errors.OutOfRangeError(None, None, "mine")),
        ("on_test_batch_begin", StopIteration("mine")),
    ],
    ids=["train", "test"],
)
def test_what_keras_would_take_for_the_end_of_the_data_is_an_error_of_the_callback(
    event: str, error: Exception, bare: bool, model: Any, data: Data
) -> None:
    def fail(self: Any, *_: Any, **__: Any) -> None:
        raise error

    breaker, ended = type("Breaker", (keras.callbacks.Callback,), {event: fail})(), Ended()
    train = model.fit if bare else partial(epochal.fit, model)
    callbacks = epochal.callbacks(ended, breaker) if bare else [ended, breaker]
    with pytest.raises(RuntimeError, match=rf"'breaker' .* in {event} raised {type(error).__name__}: mine") as caught:
        train(*data, validation_data=data, epochs=2, verbose=0, callbacks=callbacks)
    (outcome,) = ended.outcomes
    assert outcome.status == "failed"
    assert outcome.exception is caught.value
    assert notes(caught.value) == [f"raised by the callback 'breaker' (module {__name__}) in {event}"]


@pytest.mark.parametrize(
    ("event", "error"),
    [
        ("on_train_batch_end", tf.errors.OutOfRangeError(None, None, "mine")),
        ("on_test_batch_begin", StopIteration("mine")),
        ("on_predict_batch_end", StopIteration("mine")),
    ],
    ids=["train", "test", "predict"],
)
def test_of_a_single_callback_of_ours_it_is_an_error_too(event: str, error: Exception, model: Any, data: Data) -> None:
    def fail(self: Any, *_: Any, **__: Any) -> None:
        raise error

    callbacks = [type("Breaker", (epochal.Callback,), {event: fail})()]
    call = partial(model.fit, *data, validation_data=data, verbose=0, callbacks=callbacks)
    if "predict" in event:
        call = partial(model.predict, data[0], verbose=0, callbacks=callbacks)
    with pytest.raises(RuntimeError, match=rf"'breaker' .* in {event} raised {type(error).__name__}: mine"):
        call()


def test_a_repeat_and_a_shared_path_of_single_callbacks_are_warned_of(tmp_path: Path, model: Any, data: Data) -> None:
    path = str(tmp_path / "log.csv")
    first, second = CSVLogger(path), CSVLogger(path, append=True)
    stop = EarlyStopping("loss")
    with pytest.warns(UserWarning, match="more than once|both") as said:
        model.fit(*data, verbose=0, callbacks=[first, stop, second, stop])
    assert [str(each.message).partition(" (")[0].split(", and")[0] for each in said] == [
        "the same EarlyStopping object is passed more than once",
        "'csv_logger'",
    ]
    assert f"both write to {path!r}" in str(said[1].message)


def test_what_a_run_in_keras_list_calls_is_checked_by_the_run_alone(model: Any, data: Data) -> None:
    class Checked(epochal.Callback):
        checks = 0

        def preflight(self) -> None:
            self.checks += 1

    both, single = Checked(), Checked()
    with pytest.warns(UserWarning, match="Checked object .* runs once"):
        model.fit(*data, verbose=0, callbacks=[*epochal.callbacks(both), both, single])
    assert (both.checks, single.checks) == (1, 1)


def test_after_any_other_error_the_run_ends_when_keras_lets_go(model: Any, data: Data) -> None:
    class Breaker(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            raise ArithmeticError("theirs")

    ended = Ended()
    callbacks = [*epochal.callbacks(ended), Breaker()]
    with pytest.raises(ArithmeticError) as caught:
        model.fit(*data, verbose=0, callbacks=callbacks)
    assert ended.outcomes == []  # the exception still holds on to the fit
    del caught
    gc.collect()
    assert [outcome.status for outcome in ended.outcomes] == ["failed"]


def test_at_the_latest_the_next_fit_ends_the_run(model: Any, data: Data) -> None:
    class Breaker(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            raise ArithmeticError("theirs")

    ended = Ended()
    ours = epochal.callbacks(ended)
    with pytest.raises(ArithmeticError) as caught:
        model.fit(*data, verbose=0, callbacks=[*ours, Breaker()])
    model.fit(*data, verbose=0, callbacks=ours)
    assert [outcome.status for outcome in ended.outcomes] == ["failed", "completed"]
    assert caught.value.args == ("theirs",)


_AT_EXIT = """
import keras, numpy as np, epochal

class Ended(epochal.Callback):
    def on_run_end(self, outcome):
        print("ended:", outcome.status, flush=True)

class Breaker(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        raise ArithmeticError("theirs")

model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
try:
    model.fit(np.zeros((8, 4)), np.zeros((8, 1)), verbose=0, callbacks=[*epochal.callbacks(Ended()), Breaker()])
except ArithmeticError as error:
    kept = error
print("exit", flush=True)
"""


def test_at_the_latest_the_end_of_the_program_ends_the_run() -> None:
    done = subprocess.run([sys.executable, "-c", _AT_EXIT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["exit", "ended: failed"]


def test_sigterm_ends_the_run_and_then_the_program(model: Any, data: Data) -> None:
    class Killer(epochal.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    ended, handled = Ended(), []
    before = signal.signal(signal.SIGTERM, lambda *_: handled.append(list(ended.outcomes)))
    try:
        with pytest.raises(SystemExit) as caught:
            model.fit(*data, epochs=3, verbose=0, callbacks=epochal.callbacks(Killer(), ended))
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.code == 143
    assert [outcome.reason for outcome in ended.outcomes] == ["SIGTERM"]
    assert handled == [ended.outcomes]


# A single callback as a plain object, without any epochal run


def test_a_plain_object_gets_kerass_events_and_no_run(make_model: Callable[..., Any], data: Data) -> None:
    theirs, ours = KerasRecorder(), OurRecorder()
    make_model().fit(*data, validation_data=data, epochs=2, verbose=0, callbacks=[theirs, ours])
    assert ours.calls == theirs.calls
    assert ours.run is None
    assert ours.params == theirs.params
    assert not isinstance(ours, keras.callbacks.Callback)


def test_the_alias_fires_once_in_a_plain_fit_and_in_a_run(make_model: Callable[..., Any], data: Data) -> None:
    class Alias(epochal.Callback):
        def __init__(self) -> None:
            self.batches: list[int] = []

        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches.append(batch)

    plain, run = Alias(), Alias()
    make_model().fit(*data, batch_size=10, verbose=0, callbacks=[plain])
    epochal.fit(make_model(), *data, batch_size=10, verbose=0, callbacks=[run])
    assert plain.batches == run.batches == [0, 1, 2, 3]


def test_our_history_and_base_logger_work_as_plain_objects(model: Any, data: Data) -> None:
    from epochal_base_logger import BaseLogger
    from epochal_history import History

    ours = History()
    plain = model.fit(*data, validation_data=data, epochs=2, verbose=0, callbacks=[BaseLogger(), ours])
    assert ours.history == plain.history
    assert ours.epoch == plain.epoch


def test_a_plain_object_works_in_tf_keras_too() -> None:
    import tf_keras

    model = tf_keras.Sequential([tf_keras.layers.Dense(1, input_shape=(4,))])
    model.compile("sgd", "mse")
    ours = OurRecorder()
    model.fit(np.zeros((8, 4)), np.zeros((8, 1)), batch_size=4, epochs=2, verbose=0, callbacks=[ours])
    events = [event for event, _, _ in ours.calls]
    assert events.count("on_epoch_end") == 2
    assert events.count("on_train_batch_end") == 4
    assert set(ours.params) >= {"epochs", "steps", "verbose"}


def test_a_model_that_was_fitted_is_let_go_of(make_model: Callable[..., Any], data: Data) -> None:
    model = make_model()
    model.fit(*data, verbose=0, callbacks=epochal.callbacks())
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None
