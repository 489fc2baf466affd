"""`epochal.fit`, `evaluate` and `predict` against plain Keras, for the same calls."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

import epochal

from .recording import KerasRecorder, OurRecorder, notes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Data = tuple[Any, Any]


class _Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras has no types
    def __init__(self, data: Data) -> None:
        super().__init__()
        self._data = data

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Data:
        part = slice(10 * index, 10 * (index + 1))
        return self._data[0][part], self._data[1][part]


def _generator(data: Data) -> Iterator[Data]:
    batches = _Batches(data)
    for index in range(len(batches)):
        yield batches[index]


def _endless(data: Data) -> Iterator[Data]:
    while True:
        yield from _generator(data)


def _dataset(data: Data) -> Any:
    return tf.data.Dataset.from_tensor_slices(data).batch(10)


FITS: dict[str, Callable[[Data], dict[str, Any]]] = {
    "arrays": lambda d: {"x": d[0], "y": d[1]},
    "epochs of zero": lambda d: {"x": d[0], "y": d[1], "epochs": 0},
    "validation_split": lambda d: {"x": d[0], "y": d[1], "validation_split": 0.25},
    "validation_data": lambda d: {"x": d[0], "y": d[1], "validation_data": d, "validation_batch_size": 7},
    "validation_freq": lambda d: {"x": d[0], "y": d[1], "validation_data": d, "validation_freq": 2, "epochs": 4},
    "initial_epoch": lambda d: {"x": d[0], "y": d[1], "initial_epoch": 2, "epochs": 4},
    "batch_size and shuffle": lambda d: {"x": d[0], "y": d[1], "batch_size": 7, "shuffle": False},
    "steps_per_epoch": lambda d: {"x": _dataset(d).repeat(), "steps_per_epoch": 3},
    "dataset": lambda d: {"x": _dataset(d), "validation_data": _dataset(d)},
    "dataset of unknown size": lambda d: {"x": _dataset(d).filter(lambda x, y: True)},
    "generator": lambda d: {"x": _generator(d), "epochs": 1},
    "endless generator": lambda d: {"x": _endless(d), "steps_per_epoch": 3, "epochs": 2},
    "PyDataset": lambda d: {"x": _Batches(d), "validation_data": _Batches(d)},
    "weights": lambda d: {"x": d[0], "y": d[1], "class_weight": {0: 1.0, 1: 2.0}},
    "verbose 2": lambda d: {"x": d[0], "y": d[1], "verbose": 2},
    "verbose auto": lambda d: {"x": d[0], "y": d[1], "verbose": "auto"},
}


@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True` was passed")
@pytest.mark.parametrize("steps_per_execution", [1, 3])
@pytest.mark.parametrize("case", FITS)
def test_a_fit_sends_what_plain_keras_sends(
    case: str, steps_per_execution: int, make_model: Callable[..., Any], data: Data
) -> None:
    theirs, ours = KerasRecorder(), OurRecorder()
    arguments = {"epochs": 2, "verbose": 0}
    model = make_model(steps_per_execution=steps_per_execution)
    keras.utils.set_random_seed(1)
    plain = model.fit(**arguments | FITS[case](data), callbacks=[theirs])
    model = make_model(steps_per_execution=steps_per_execution)
    keras.utils.set_random_seed(1)
    history = epochal.fit(model, **arguments | FITS[case](data), callbacks=[ours])

    assert dict(ours.run.params) == theirs.params
    assert ours.params == theirs.params
    assert ours.calls == theirs.calls
    assert [list(logs) for _, _, logs in ours.calls] == [list(logs) for _, _, logs in theirs.calls]
    assert history.history == plain.history
    assert list(history.history) == list(plain.history)
    assert history.epoch == plain.epoch
    assert model.history is history


@pytest.mark.parametrize("case", ["arrays", "dataset", "generator", "PyDataset", "dataset of unknown size"])
@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True` was passed")
def test_an_evaluation_sends_and_gives_what_plain_keras_does(case: str, model: Any, data: Data) -> None:
    theirs, ours = KerasRecorder(), OurRecorder()

    def arguments() -> dict[str, Any]:
        given = FITS[case](data)
        return {key: given[key] for key in ("x", "y") if key in given}

    plain = model.evaluate(**arguments(), verbose=0, callbacks=[theirs], return_dict=True)
    result = epochal.evaluate(model, **arguments(), verbose=0, callbacks=[ours], return_dict=True)
    assert result == plain
    assert dict(ours.run.params) == theirs.params
    assert ours.calls == theirs.calls
    assert ours.run.stage == "test"
    assert epochal.evaluate(model, *data, verbose=0) == model.evaluate(*data, verbose=0)


def test_a_prediction_sends_and_gives_what_plain_keras_does(model: Any, data: Data) -> None:
    theirs, ours = KerasRecorder(), OurRecorder()
    plain = model.predict(data[0], batch_size=16, verbose=0, callbacks=[theirs])
    result = epochal.predict(model, data[0], batch_size=16, verbose=0, callbacks=[ours])
    assert np.array_equal(result, plain)
    assert dict(ours.run.params) == theirs.params
    assert ours.calls == theirs.calls


def test_the_signatures_are_those_of_keras() -> None:
    from inspect import signature

    for name in ("fit", "evaluate", "predict"):
        theirs = [(p.name, p.default) for p in signature(getattr(keras.Model, name)).parameters.values()][1:]
        ours = [(p.name, p.default) for p in signature(getattr(epochal, name)).parameters.values()][1:]
        assert [each for each in ours if each[0] != "others"] == [each for each in theirs if each[0] != "kwargs"]


def test_the_history_is_ours_second_in_the_order_and_of_kerass_class(model: Any, data: Data) -> None:
    from epochal_history import History

    history = epochal.fit(model, *data, verbose=0)
    assert isinstance(history, History)
    assert isinstance(history, keras.callbacks.History)
    assert list(history.run.callbacks)[:2] == ["base_logger", "history"]
    assert history.params == {"verbose": 0, "epochs": 1, "steps": 2}


def test_a_callback_that_reads_history_sees_this_epoch_and_later_keys_come_into_it(model: Any, data: Data) -> None:
    seen = []

    class Reader(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert self.run is not None
            seen.append(len(self.run.history.history["loss"]))
            logs["late"] = epoch * 10

    history = epochal.fit(model, *data, epochs=3, verbose=0, callbacks=[Reader()])
    assert seen == [1, 2, 3]
    assert history.history["late"] == [0, 10, 20]


def test_the_callers_history_takes_the_place_of_ours_and_goes_on_in_step(model: Any, data: Data) -> None:
    from epochal_history import History

    mine = History()
    for _ in range(2):
        assert epochal.fit(model, *data, epochs=2, verbose=0, callbacks=[mine]) is mine
    assert mine.epoch == [0, 1, 0, 1]
    assert len(mine.history["loss"]) == 4


def test_validation_belongs_to_the_same_run(model: Any, data: Data) -> None:
    stages = []

    class Stages(epochal.Callback):
        def on_test_begin(self, logs: Any = None) -> None:
            stages.append((self.run, self.run and self.run.stage))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            stages.append((self.run, self.run and self.run.stage))

    history = epochal.fit(model, *data, validation_data=data, verbose=0, callbacks=[Stages()])
    assert stages == [(history.run, "validate"), (history.run, "train")]


def test_reading_nothing_forces_no_sync(model: Any, data: Data) -> None:
    kinds = []

    class Peek(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            kinds.append(type(logs.raw("loss")))
            kinds.append(type(logs["loss"]))

    epochal.fit(model, *data, verbose=0, callbacks=[Peek()])
    assert issubclass(kinds[0], tf.Tensor)
    assert kinds[1] is float


def test_kerass_own_callbacks_work_unchanged(model: Any, data: Data) -> None:
    stopper = keras.callbacks.EarlyStopping(monitor="loss", mode="max")
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss")
    history = epochal.fit(model, *data, epochs=9, verbose=0, callbacks=[stopper, plateau, keras.callbacks.History()])
    assert len(history.epoch) == 2
    assert history.history["learning_rate"] == [pytest.approx(0.001)] * 2
    assert model.history is history
    assert history.run.outcome == epochal.Outcome("stopped", "early_stopping: it set model.stop_training")
    assert list(history.run.callbacks)[2:] == ["early_stopping", "reduce_lr_on_plateau", "history#2", "progbar_logger"]


def test_kerass_own_progress_bar_replaces_ours(model: Any, data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    bar = keras.callbacks.ProgbarLogger()
    history = epochal.fit(model, *data, verbose=2, callbacks=[bar])
    assert history.run.callbacks["progbar_logger"] is bar
    assert capsys.readouterr().out.count("loss:") == 1


def test_a_keras_callback_list_is_taken_apart(model: Any, data: Data) -> None:
    recorder = KerasRecorder()
    history = epochal.fit(model, *data, verbose=0, callbacks=keras.callbacks.CallbackList([recorder]))
    assert recorder.params == dict(history.run.params)


def test_a_stop_request_is_sticky_and_remembers_who_asked(model: Any, data: Data) -> None:
    class Nested(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert self.run is not None
            self.run.stop("seen enough")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.fit(*data, verbose=0)  # Keras takes the request back here

    history = epochal.fit(model, *data, epochs=5, verbose=0, callbacks=[Nested()])
    assert len(history.epoch) == 1
    assert history.run.outcome == epochal.Outcome("stopped", "nested: seen enough")


def test_an_error_of_a_callback_leaves_fit_as_it_is_with_a_note(model: Any, data: Data) -> None:
    class Boom(Exception):
        pass

    class Breaker(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise Boom("here")

    ended = []

    class Last(epochal.Callback):
        def on_run_end(self, outcome: epochal.Outcome) -> None:
            ended.append(outcome)

    with pytest.raises(Boom) as caught:
        epochal.fit(model, *data, epochs=3, verbose=0, callbacks=[Breaker(), Last()])
    assert "'breaker'" in notes(caught.value)[0]
    assert "on_epoch_end" in notes(caught.value)[0]
    assert [outcome.status for outcome in ended] == ["failed"]
    assert ended[0].exception is caught.value
    assert model.history.epoch == [0, 1]


def test_a_failing_reporter_is_taken_out_and_training_goes_on(
    model: Any, data: Data, capsys: pytest.CaptureFixture[str]
) -> None:
    class Reporter(epochal.Callback):
        critical = False

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            raise ConnectionError("no network")

    history = epochal.fit(model, *data, epochs=2, verbose=0, callbacks=[Reporter()])
    printed = capsys.readouterr().out
    assert len(history.epoch) == 2
    assert "Traceback" not in printed
    assert "'reporter' (module " in printed
    assert "training goes on" in printed
    assert printed.rstrip().endswith(": ConnectionError: no network")


def test_ctrl_c_ends_the_run_with_the_history_so_far(model: Any, data: Data) -> None:
    class Impatient(epochal.Callback):
        outcome = None

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

        def on_run_end(self, outcome: epochal.Outcome) -> None:
            self.outcome = outcome

    impatient = Impatient()
    with pytest.raises(KeyboardInterrupt):
        epochal.fit(model, *data, epochs=5, verbose=0, callbacks=[impatient])
    assert impatient.outcome is not None
    assert impatient.outcome.status == "interrupted"
    assert model.history.epoch == [0, 1]


def test_sigterm_ends_a_fit_at_the_next_batch_of_validation_too(model: Any, data: Data) -> None:
    handled = []
    batches = []

    class Killer(epochal.Callback):
        def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
            batches.append(batch)
            if batch == 1:
                os.kill(os.getpid(), signal.SIGTERM)

    def handler(*_: Any) -> None:
        handled.append(True)

    before = signal.signal(signal.SIGTERM, handler)
    try:
        history = epochal.fit(
            model, *data, validation_data=data, validation_batch_size=5, epochs=3, verbose=0, callbacks=[Killer()]
        )
        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
    assert handled == [True]
    assert batches == [0, 1]
    assert history.run.outcome.status == "interrupted"
    assert history.run.outcome.reason == "SIGTERM"
    assert history.epoch == []


def test_sigterm_ends_an_evaluation_with_what_it_has(model: Any, data: Data) -> None:
    class Killer(epochal.Callback):
        batches = 0

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.batches += 1
            os.kill(os.getpid(), signal.SIGTERM)

    killer = Killer()
    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        result = epochal.evaluate(model, *data, batch_size=5, verbose=0, return_dict=True, callbacks=[killer])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert killer.batches == 1
    assert set(result) == {"accuracy", "loss"}
    assert killer.run is not None
    assert killer.run.outcome == epochal.Outcome("interrupted", "SIGTERM")


@pytest.mark.filterwarnings("ignore:Your input ran out of data", "ignore:`shuffle=True` was passed")
def test_no_batches_at_all_gives_what_keras_gives(make_model: Any, data: Data) -> None:
    empty = tf.data.Dataset.from_tensor_slices(data).take(0).batch(10)

    def result(fit: Callable[..., Any]) -> Any:
        try:
            return fit(make_model(), x=empty, epochs=2, verbose=0).history
        except Exception as error:  # whatever Keras makes of it, ours has to be the same
            return type(error), str(error)

    assert result(epochal.fit) == result(keras.Model.fit)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_to_predict_no_batches_is_kerass_own_error_with_a_note_that_explains_it(model: Any, data: Data) -> None:
    with pytest.raises(UnboundLocalError) as caught:
        epochal.predict(model, data[0][:0], verbose=0)
    assert notes(caught.value) == ["the data holds no batches, so there is nothing to predict"]


def test_a_wrong_call_is_kerass_own_error(model: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)data cardinality|number of samples|same"):
        epochal.fit(model, np.zeros((3, 4)), np.zeros((4, 1)), verbose=0)


def test_a_model_with_a_fit_of_its_own_gets_its_arguments_and_no_others(data: Data) -> None:
    class Special(keras.Sequential):  # type: ignore[misc]  # Keras has no types
        def fit(self, x: Any, y: Any, flavour: str, verbose: int = 1, callbacks: Any = None) -> Any:
            self.flavour = flavour
            return super().fit(x, y, verbose=verbose, callbacks=callbacks)

    model = Special([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    epochal.fit(model, *data, verbose=0, flavour="vanilla")
    assert model.flavour == "vanilla"


def test_callbacks_are_checked_before_anything_trains(model: Any, data: Data) -> None:
    class Empty:
        pass

    before = model.get_weights()
    with pytest.raises(epochal.UnknownCallbackError, match="Did you mean 'history'"):
        epochal.fit(model, *data, verbose=0, callbacks=["histroy"])
    with pytest.raises(epochal.InvalidCallbackError, match=r"OurRecorder|Recorder\(\)"):
        epochal.fit(model, *data, verbose=0, callbacks=[OurRecorder])
    with pytest.raises(epochal.InvalidCallbackError, match="implements no event"):
        epochal.fit(model, *data, verbose=0, callbacks=[Empty()])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_model_whose_fit_delegates_to_another_gets_the_others_params(make_model: Any, data: Data) -> None:
    class Outer(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.inner = make_model()

        def fit(self, *args: Any, **kwargs: Any) -> Any:
            return self.inner.fit(*args, **kwargs)

    history = epochal.fit(Outer(), *data, epochs=2, verbose=0)
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 2}
    assert history.epoch == [0, 1]


def test_the_steps_are_counted_also_where_an_execution_has_fewer(make_model: Any, data: Data) -> None:
    model = make_model(steps_per_execution=3)
    history = epochal.fit(model, *data, batch_size=10, epochs=2, verbose=0)
    assert history.run.step == 8


def test_what_callbacks_gives_is_taken_apart(model: Any, data: Data) -> None:
    recorder = OurRecorder()
    history = epochal.fit(model, *data, verbose=0, callbacks=epochal.callbacks(recorder))
    assert list(history.run.callbacks) == ["base_logger", "history", "recorder", "progbar_logger"]


def test_a_second_sigterm_in_an_evaluation_ends_the_program(model: Any, data: Data) -> None:
    class Killer(epochal.Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        with pytest.raises(SystemExit) as caught:
            epochal.evaluate(model, *data, verbose=0, callbacks=[Killer()])
    finally:
        signal.signal(signal.SIGTERM, before)
    assert caught.value.code == 143


def test_what_is_no_model_of_keras_3_is_refused_in_a_sentence(data: Data) -> None:
    import tf_keras

    with pytest.raises(epochal.RunError, match="is a model of tf_keras"):
        epochal.fit(tf_keras.Sequential(), *data)
    with pytest.raises(epochal.RunError, match=r"'m' of type str is not a Keras model.* `epochal.fit\(model, x, …\)`"):
        epochal.fit("m", *data)
    with pytest.raises(epochal.RunError, match="of type ndarray is not a Keras model") as raised:
        epochal.fit(*data)  # the model is forgotten
    assert len(str(raised.value)) < 300, "the data does not belong into the message"
    with pytest.raises(epochal.RunError, match="Sequential is a class, and a model is an instance of it"):
        epochal.fit(keras.Sequential, *data)
