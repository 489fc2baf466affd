"""EarlyStopping, driven by a host without a framework."""

from __future__ import annotations

import copy
import math
import pickle
import signal
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost, FakeModel
from epochal_early_stopping import EarlyStopping

if TYPE_CHECKING:
    from collections.abc import Sequence


def _train(callback: EarlyStopping, losses: Sequence[float], *others: Any, **arguments: Any) -> tuple[epochal.Run, Any]:
    """Train one epoch for every `val_loss`, in which the weights become the epoch; gives the run and the weights."""
    model = FakeModel(weights={"w": np.array([-1.0])})
    run = FakeHost(callback, *others, model=model).fit(
        epochs=len(losses),
        validation_steps=1,
        values=lambda epoch, batch: {"loss": losses[epoch]},
        step=lambda epoch, batch: model.weights.update(w=np.array([float(epoch)])),
        **arguments,
    )
    return run, model.weights["w"].item()


def _train_bare(callback: EarlyStopping, losses: Sequence[float], first: int = 0) -> tuple[int, Any]:
    """Send what a bare fit sends; gives the number of the last epoch, and the weights."""
    model = FakeModel(weights={"w": np.array([-1.0])})
    callback.set_params({"epochs": len(losses), "steps": 1, "verbose": 0})
    callback.set_model(model)
    callback.on_train_begin({})
    epoch = first
    for epoch in range(first, len(losses)):
        model.weights["w"] = np.array([float(epoch)])
        callback.on_epoch_end(epoch, {"loss": 0.0, "val_loss": losses[epoch]})
        if model.stop_training:
            break
    callback.on_train_end({})
    return epoch, model.weights["w"].item()


def _decisions(callback: EarlyStopping) -> tuple[Any, ...]:
    return callback.wait, callback.best, callback.best_epoch, callback.stopped_epoch


# The rules


def _expected(
    losses: Sequence[float], *, patience: int, min_delta: float, baseline: float | None, start: int, largest: bool
) -> tuple[int, float | None, int, int]:
    """Return what the rules say: the epoch that stops (or the last), the best value, its epoch, and the wait."""
    sign = -1.0 if largest else 1.0
    best, best_epoch, last_good = math.inf, 0, start - 1
    found = None
    for epoch, loss in enumerate(losses):
        value = sign * loss
        if epoch < start:
            continue
        if not math.isnan(value) and (found is None or value + min_delta < best):
            best, best_epoch, found = value, epoch, loss
            if baseline is None or value + min_delta < sign * baseline:
                last_good = epoch
        elif epoch - last_good >= patience and epoch > 0:
            return epoch, found, best_epoch, epoch - last_good
    return len(losses) - 1, found, best_epoch, max(0, len(losses) - 1 - last_good)


_LOSSES = st.lists(
    st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5, math.nan, math.inf, -math.inf]) | st.floats(width=16), max_size=14
)


@settings(deadline=None)
@given(
    losses=_LOSSES,
    patience=st.integers(0, 4),
    min_delta=st.sampled_from([0.0, 0.1, 0.25, -0.1]),
    baseline=st.none() | st.sampled_from([0.15, 0.35]),
    start=st.integers(0, 3),
    largest=st.booleans(),
)
def test_it_follows_the_rules(
    losses: list[float], patience: int, min_delta: float, baseline: float | None, start: int, largest: bool
) -> None:
    callback = EarlyStopping(
        patience=patience,
        min_delta=min_delta,
        baseline=baseline,
        start_from_epoch=start,
        mode="max" if largest else "min",
        restore_best_weights=True,
    )
    last, weights = _train_bare(callback, losses)
    expected_last, best, best_epoch, wait = _expected(
        losses, patience=patience, min_delta=abs(min_delta), baseline=baseline, start=start, largest=largest
    )
    if losses:
        assert (last, callback.best, callback.best_epoch, callback.wait) == (expected_last, best, best_epoch, wait)
        assert weights == (last if best is None else best_epoch)
    again = copy.deepcopy(callback)
    run, weights_in_run = _train(again, losses)
    assert _decisions(again) == _decisions(callback)
    assert weights_in_run == weights
    assert (run.outcome is not None and run.outcome.status == "stopped") == (callback.stopped_epoch > 0)


@pytest.mark.parametrize("patience", [0, 1, 2, 3])
def test_it_stops_after_so_many_epochs_without_an_improvement(patience: int) -> None:
    callback = EarlyStopping(patience=patience)
    run, _ = _train(callback, [10, 9, 8, 9, 8.9, 8.8, 8.7, 8.6, 8.5])
    assert callback.stopped_epoch == run.epoch == max(patience, 1) + 2
    assert callback.best == 8


def test_the_first_epoch_never_stops_training() -> None:
    callback = EarlyStopping(patience=0)
    run, _ = _train(callback, [math.nan, math.nan])
    assert run.epoch == 1


def test_a_nan_in_the_first_epoch_is_not_the_best() -> None:
    callback = EarlyStopping(patience=2, restore_best_weights=True)
    run, weights = _train(callback, [math.nan, 0.9, 0.8, 0.9, 0.9, 0.9])
    assert (callback.best, callback.best_epoch, run.epoch, weights) == (0.8, 2, 4, 2)


def test_epochs_before_the_first_one_that_counts_seed_no_best_value() -> None:
    callback = EarlyStopping(patience=2, start_from_epoch=2)
    run, _ = _train(callback, [0.1, 0.1, 0.9, 0.8, 0.85, 0.84, 0.83])
    assert (callback.best, run.epoch) == (0.8, 5)


def test_the_wait_begins_anew_only_when_a_value_beats_the_best_and_the_baseline() -> None:
    callback = EarlyStopping(patience=3, baseline=0.5)
    _train(callback, [0.9, 0.8, 0.45, 0.48, 0.49])
    assert (callback.wait, callback.best) == (2, 0.45)
    callback = EarlyStopping(patience=5, baseline=0.5)
    run, _ = _train(callback, [0.9, 0.8, 0.7, 0.71, 0.72, 0.73])
    assert (callback.wait, callback.best, run.epoch) == (5, 0.7, 4)


def test_an_epoch_that_is_the_best_does_not_stop_training_even_under_the_baseline() -> None:
    callback = EarlyStopping(patience=1, baseline=0.1)
    run, _ = _train(callback, [0.9, 0.8, 0.7, 0.7])
    assert run.epoch == 3


def test_a_resumed_epoch_counts_by_its_number() -> None:
    callback = EarlyStopping(patience=1, start_from_epoch=5)
    run, _ = _train(callback, [0.9] * 9, initial_epoch=4)
    assert run.epoch == 6


@pytest.mark.parametrize(("mode", "stopped"), [("auto", 2), ("max", 2), ("min", 1)])
def test_the_direction_is_the_metrics_own_or_the_mode(mode: str, stopped: int) -> None:
    model = FakeModel(metrics={"loss": "min", "score": "max"})
    callback = EarlyStopping("score", mode=mode)
    scores = [0.1, 0.2, 0.15, 0.1]
    FakeHost(callback, model=model).fit(epochs=4, values=lambda epoch, batch: {"loss": 1.0, "score": scores[epoch]})
    assert callback.stopped_epoch == stopped


def test_a_model_that_nobody_knows_has_a_loss_that_is_to_fall() -> None:
    callback = EarlyStopping(patience=1)
    callback.set_model(object())
    callback.on_train_begin()
    callback.on_epoch_end(0, {"val_loss": 1.0})
    callback.on_epoch_end(1, {"val_loss": 0.5})
    assert (callback.best, callback.wait) == (0.5, 0)


def test_a_metric_of_every_second_epoch_is_counted_when_it_comes() -> None:
    callback = EarlyStopping("score", mode="max", patience=2)
    scores = [None, 0.5, None, 0.4, None, 0.3, None]
    host = FakeHost(callback)
    with pytest.warns(UserWarning, match="monitors 'score', which is not in the logs. There are: loss"):
        host.fit(epochs=7, values=lambda epoch, batch: {"score": s} if (s := scores[epoch]) else {"loss": 1.0})
    assert (callback.stopped_epoch, callback.wait) == (5, 2)


# The end


def test_the_reason_says_what_and_how_long_and_the_best() -> None:
    run, _ = _train(EarlyStopping(patience=3), [0.9, 0.123456, 0.5, 0.5, 0.5])
    assert run.outcome == epochal.Outcome(
        "stopped", "early_stopping: val_loss did not improve for 3 epochs; best 0.12346 in epoch 2"
    )


@pytest.mark.parametrize(
    ("callback", "losses", "reason"),
    [
        (EarlyStopping(), [0.9, 1.0], "val_loss did not improve for 1 epoch; best 0.9 in epoch 1"),
        (EarlyStopping(patience=2), [math.nan] * 3, "val_loss was nan for 2 epochs"),
        (
            EarlyStopping(patience=2, baseline=0.5),
            [0.9, 0.8, 0.85],
            "val_loss did not improve on the baseline 0.5 for 3 epochs; best 0.8 in epoch 2",
        ),
        (
            EarlyStopping(patience=2, baseline=0.5),
            [0.4, 0.8, 0.85],
            "val_loss did not improve for 2 epochs; best 0.4 in epoch 1",
        ),
    ],
)
def test_the_reason_is_true_for_every_way_to_stop(callback: EarlyStopping, losses: list[float], reason: str) -> None:
    run, _ = _train(callback, losses)
    assert run.stop_reason == f"early_stopping: {reason}"


def _printed(
    capsys: pytest.CaptureFixture[str], callback: EarlyStopping, losses: list[float], *others: Any
) -> list[str]:
    _train(callback, losses, *others)
    in_run = capsys.readouterr().out
    if not others:
        _train_bare(callback, losses)
        assert capsys.readouterr().out.strip() == in_run.strip()
    return in_run.splitlines()


def test_the_closing_line_says_why_it_stopped_and_what_it_restored(capsys: pytest.CaptureFixture[str]) -> None:
    losses = [0.9, 0.5, 0.6]
    stopped = "Epoch 3: early stopping: val_loss did not improve for 1 epoch; best 0.5 in epoch 2."
    restored = "The weights of epoch 2 are restored (val_loss 0.5)."
    assert _printed(capsys, EarlyStopping(verbose=1), losses) == [stopped]
    assert _printed(capsys, EarlyStopping(verbose=1, restore_best_weights=True), losses) == [f"{stopped} {restored}"]
    assert _printed(capsys, EarlyStopping(verbose=1, patience=5, restore_best_weights=True), losses) == [restored]
    assert _printed(capsys, EarlyStopping(verbose=1, patience=5), losses) == []
    assert _printed(capsys, EarlyStopping(restore_best_weights=True), losses) == []


def test_the_best_weights_come_back_when_the_epochs_run_out() -> None:
    assert _train(EarlyStopping(patience=9, restore_best_weights=True), [0.9, 0.5, 0.6])[1] == 1
    assert _train(EarlyStopping(patience=9), [0.9, 0.5, 0.6])[1] == 2


def test_the_best_weights_come_back_when_somebody_else_stops() -> None:
    class Stopper(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                self.stop_training("enough")

    run, weights = _train(EarlyStopping(patience=9, restore_best_weights=True), [0.9, 0.5, 0.6, 0.4], Stopper())
    assert (run.epoch, weights) == (2, 1)


def test_without_any_number_no_weights_are_restored() -> None:
    callback = EarlyStopping(patience=1, restore_best_weights=True)
    assert _train(callback, [math.nan, math.nan])[1] == 1
    assert callback.best_weights is None


class Breaker(epochal.Callback):
    """Raises in the fourth epoch, and keeps what the model holds when the run ends."""

    priority = epochal.Priority.CHECKPOINT

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error
        self.persisted: list[Any] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 3:
            raise self.error

    def on_run_end(self) -> None:
        self.persisted = copy.deepcopy(self.model.weights["w"].tolist())


@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
def test_the_best_weights_come_back_after_an_error_when_everybody_else_has_ended(error: type[BaseException]) -> None:
    callback, breaker = EarlyStopping(patience=9, restore_best_weights=True), Breaker(error)
    model = FakeModel(weights={"w": np.array([-1.0])})
    losses = [0.9, 0.5, 0.6, 0.4]
    with pytest.raises(error):
        FakeHost(callback, breaker, model=model).fit(
            epochs=4,
            validation_steps=1,
            values=lambda epoch, batch: {"loss": losses[epoch]},
            step=lambda epoch, batch: model.weights.update(w=np.array([float(epoch)])),
        )
    assert model.weights["w"].tolist() == [1.0]
    assert breaker.persisted == [2.0]


def test_a_run_that_fails_before_its_training_restores_nothing_of_the_one_before() -> None:
    class EarlyBreaker(epochal.Callback):
        priority = epochal.Priority.METRICS

        def on_train_begin(self, logs: Any = None) -> None:
            raise ArithmeticError

    callback = EarlyStopping(patience=9, restore_best_weights=True)
    _train_bare(callback, [0.5, 0.6])
    callback.on_train_begin()  # of a bare fit that never got to its end
    model = FakeModel(weights={"w": np.array([7.0])})
    callback.best_weights = [np.array([0.0])]
    with pytest.raises(ArithmeticError):
        FakeHost(callback, EarlyBreaker(), model=model).fit(validation_steps=1)
    assert model.weights["w"].tolist() == [7.0]


def test_evaluate_and_predict_leave_the_weights_alone() -> None:
    callback = EarlyStopping(patience=9, restore_best_weights=True)
    _train(callback, [0.5, 0.6])
    model = FakeModel(weights={"w": np.array([7.0])})
    host = FakeHost(callback, model=model)
    host.evaluate()
    host.predict()
    assert model.weights["w"].tolist() == [7.0]


class Signal(epochal.Callback):
    """Gets SIGTERM in the third epoch."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if epoch == 2:
            signal.raise_signal(signal.SIGTERM)


def test_the_best_weights_come_back_after_sigterm() -> None:
    before = signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        run, weights = _train(EarlyStopping(patience=9, restore_best_weights=True), [0.5, 0.9, 0.9], Signal())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert run.outcome == epochal.Outcome("interrupted", "SIGTERM")
    assert weights == 0


def test_weights_that_came_with_a_state_are_not_set_unasked() -> None:
    callback, other = EarlyStopping(patience=9, restore_best_weights=True), EarlyStopping(patience=9)
    _train(callback, [0.1, 0.2])
    other.load_state_dict(callback.state_dict())
    assert _train(other, [0.5, 0.6])[1] == 1


def test_what_was_said_of_a_fit_is_not_said_of_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    callback = EarlyStopping(verbose=1)
    _train(callback, [0.1, 0.2])
    capsys.readouterr()
    _train(callback, [0.2, 0.1])
    assert capsys.readouterr().out == ""


# State


def test_its_state_is_all_that_it_knows() -> None:
    callback = EarlyStopping(patience=1, restore_best_weights=True)
    _train(callback, [0.1, 0.2])
    assert callback.state_dict() == {
        "wait": 1,
        "best": 0.1,
        "best_epoch": 0,
        "best_weights": [np.array([0.0])],
        "stopped_epoch": 1,
    }


@settings(deadline=None)
@given(losses=st.lists(st.sampled_from([0.1, 0.2, 0.3, math.nan, math.inf]), min_size=1, max_size=10), data=st.data())
def test_a_run_that_was_stopped_in_the_middle_decides_as_one_that_was_not(losses: list[float], data: Any) -> None:
    def make() -> EarlyStopping:
        return EarlyStopping(patience=2, baseline=0.25, restore_best_weights=True)

    whole = make()
    last, weights = _train_bare(whole, losses)
    middle = data.draw(st.integers(0, last))
    first, second = make(), make()
    _train_bare(first, losses[:middle])
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    assert _train_bare(second, losses, first=middle) == (last, weights)
    assert _decisions(second) == _decisions(whole)
    np.testing.assert_equal(second.best_weights, whole.best_weights)


def test_a_second_fit_begins_anew() -> None:
    callback = EarlyStopping(patience=1, restore_best_weights=True)
    _train(callback, [0.1, 0.2])
    run, weights = _train(callback, [0.9, 0.8, 0.85])
    assert (callback.best, run.epoch, weights) == (0.8, 2, 1)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_a_copy_goes_its_own_way(copied: Any) -> None:
    callback = EarlyStopping(patience=1)
    _train(callback, [0.5, 0.4, 0.4])
    made = copied(callback)
    assert _decisions(made) == _decisions(callback)
    _train(made, [0.1, 0.2])
    assert (made.best, callback.best) == (0.1, 0.4)


def test_parameters_may_be_changed_between_fits() -> None:
    callback = EarlyStopping("loss")
    callback.monitor, callback.mode, callback.min_delta, callback.patience = "score", "max", 0.5, 2
    scores = [1.0, 1.4, 1.6, 1.7, 1.8]
    FakeHost(callback).fit(epochs=5, values=lambda epoch, batch: {"score": scores[epoch]})
    assert (callback.best, callback.stopped_epoch) == (1.6, 4)


# What is wrong


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"patience": -1}, ValueError, "EarlyStopping: patience=-1 has to be 0 or more"),
        ({"patience": math.nan}, ValueError, "EarlyStopping: patience=nan has to be a number, and not NaN"),
        ({"patience": "3"}, TypeError, "patience='3'"),
        ({"patience": None}, TypeError, "patience=None"),
        ({"start_from_epoch": None}, TypeError, "start_from_epoch=None"),
        ({"min_delta": "0"}, TypeError, "min_delta='0'"),
        ({"min_delta": math.nan}, ValueError, "min_delta=nan"),
        ({"baseline": math.nan}, ValueError, "baseline=nan"),
        ({"baseline": "low"}, TypeError, "baseline='low'"),
        ({"monitor": ["loss"]}, TypeError, "monitor=\\['loss'\\]"),
        ({"restore_best_weights": np.ones(2)}, TypeError, "restore_best_weights=array"),
        ({"verbose": "auto"}, TypeError, "verbose='auto'"),
        ({"patients": 3}, TypeError, "patients"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        EarlyStopping(**arguments)


@pytest.mark.parametrize(
    ("patience", "epochs"),
    [(99e99, 9), (math.inf, 9), (10**400, 9), (2.0, 4), (2.5, 5), (True, 3), (np.float32(2), 4), (np.int64(2), 4)],
)
def test_patience_is_any_number_that_epochs_can_be_compared_with(patience: Any, epochs: int) -> None:
    run, _ = _train(EarlyStopping(patience=patience), [0.2, 0.1, *[0.5] * 7])
    assert run.epoch == epochs - 1


@pytest.mark.parametrize("first", [-1, False, 1.5, 2.0, math.inf])
def test_the_first_epoch_that_counts_is_any_number(first: Any) -> None:
    callback = EarlyStopping(start_from_epoch=first, patience=9)
    _train(callback, [0.1, 0.2, 0.3, 0.4])
    assert callback.best == ([0.1, 0.2, 0.3, 0.4][math.ceil(max(first, 0))] if first < math.inf else None)


@pytest.mark.parametrize("verbose", [None, False, 0, -1, -0.5])
def test_what_is_not_more_than_zero_prints_nothing(verbose: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run, _ = _train(EarlyStopping(verbose=verbose), [0.1, 0.2, 0.3])
    assert run.epoch == 1
    assert capsys.readouterr().out == ""


def test_a_subclass_that_watches_what_is_in_no_logs() -> None:
    """The StopperCallback of concrete-autoencoder, which trains with Keras's class."""

    class Stopper(EarlyStopping):
        def __init__(self, target: float) -> None:
            self.target = target
            self.asked: list[float] = []
            super().__init__(monitor="", patience=float("inf"), verbose=1, mode="max", baseline=self.target)

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.asked.append(self.get_monitor_value(logs))

        def get_monitor_value(self, logs: Any) -> Any:
            return np.float32(len(self.asked))

    stopper = Stopper(0.998)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run, _ = _train(stopper, [0.5] * 4)
    assert run.epoch == 3
    assert (stopper.best, stopper.best_epoch, stopper.asked) == (4.0, 3, [0, 1, 2, 3])


def test_an_unknown_mode_warns_and_counts_as_auto() -> None:
    with pytest.warns(UserWarning, match="mode 'mim' is unknown, and counts as 'auto'. Did you mean 'min'"):
        assert EarlyStopping(mode="mim").mode == "auto"


def test_a_metric_that_is_known_not_to_come_is_said_once_and_before_training() -> None:
    class Watch(epochal.Callback):
        said_before_training = False

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 0:
                Watch.said_before_training = len(warned) == 1

    model = FakeModel(metrics={"loss": "min", "accuracy": "max"})
    with pytest.warns(UserWarning, match="Did you mean 'val_accuracy'") as warned:
        FakeHost(EarlyStopping("val_acuracy", mode="max"), Watch(), model=model).fit(epochs=3, validation_steps=1)
    assert Watch.said_before_training
    assert len(warned) == 1


def test_in_a_bare_fit_too_it_is_said_before_training() -> None:
    model = FakeModel(metrics={"loss": "min", "accuracy": "max"})
    with pytest.warns(UserWarning, match="Did you mean 'accuracy'"):
        BareHost(EarlyStopping("acuracy", mode="max"), model=model).fit(epochs=0)


def test_it_adds_nothing_to_the_logs_and_stands_between_what_does_and_what_persists() -> None:
    class Need(epochal.Callback):
        priority = epochal.Priority.CHECKPOINT
        provides = ()
        requires = ("learning_rate",)

    class Schedule(epochal.Callback):
        priority = epochal.Priority.SCHEDULE
        provides = ()

    host = FakeHost(Need(), EarlyStopping("loss"), Schedule(), model=FakeModel(metrics={"loss": "min"}))
    with pytest.raises(epochal.PreflightError, match="requires 'learning_rate'"):
        host.fit()
    assert host.run is not None
    assert list(host.run.callbacks) == ["schedule", "early_stopping", "need"]


def test_a_fit_without_validation_data_is_said_before_training() -> None:
    model = FakeModel(metrics={"loss": "min"})
    with pytest.warns(UserWarning, match="this fit has no validation data") as warned:
        FakeHost(EarlyStopping(), model=model).fit(epochs=2)
    assert len(warned) == 1


def test_auto_that_cannot_find_out_is_an_error() -> None:
    with (
        pytest.warns(UserWarning, match="'unknown', which is not in the logs"),
        pytest.raises(ValueError, match="EarlyStopping monitors 'unknown', and nothing tells"),
    ):
        FakeHost(EarlyStopping("unknown")).fit(epochs=2)


def test_what_is_no_scalar_is_said_once_and_not_counted() -> None:
    callback = EarlyStopping(patience=1)
    with pytest.warns(UserWarning, match="'val_loss', which is not a scalar") as warned:
        _train(callback, [[1.0, 2.0]] * 3)  # type: ignore[list-item]  # that is the point
    assert (len(warned), callback.wait, callback.best) == (1, 0, None)
