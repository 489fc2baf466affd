"""SwapEMAWeights, driven by a host without a framework."""

from __future__ import annotations

import copy
import gc
import pickle
import warnings
import weakref
from typing import Any

import numpy as np
import pytest

import epochal
from epochal.errors import PreflightError
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost, FakeModel
from epochal_swap_ema_weights import SwapEMAWeights


def make_model(averages: dict[str, Any] | None = None) -> FakeModel:
    model = FakeModel({"w": 1.0})
    model.averages = {"w": -1.0} if averages is None else averages
    model.iterations = 1
    return model


def train(model: FakeModel) -> Any:
    """Return a training step: the weight goes up by 1, its average is the negative of it."""

    def step(epoch: int, batch: int) -> None:
        model.weights = {"w": model.weights["w"] + 1.0}
        model.averages = {"w": -model.weights["w"]}
        model.iterations += 1

    return step


class Watch(epochal.Callback):
    """Notes what the model holds in every event that it implements."""

    after = ("swap_ema_weights",)

    def __init__(self, *events: str) -> None:
        self.seen: list[tuple[str, float]] = []
        for event in events:
            setattr(self, event, self._noting(event))

    def _noting(self, event: str) -> Any:
        def note(*_: Any, **__: Any) -> None:
            self.seen.append((event, self.model.weights["w"]))

        return note

    def in_event(self, event: str) -> list[float]:
        return [value for each, value in self.seen if each == event]


class Fail(epochal.Callback):
    """Raises in an event, the `number`th time."""

    after = ("swap_ema_weights",)

    def __init__(self, event: str, number: int = 1, error: type[BaseException] = ArithmeticError) -> None:
        self.left = number
        self.error = error
        setattr(self, event, self._fail)

    def _fail(self, *_: Any, **__: Any) -> None:
        self.left -= 1
        if self.left == 0:
            raise self.error


# What is evaluated, trained and saved


def test_validation_is_of_the_averages_and_training_of_the_weights() -> None:
    model = make_model()
    watch = Watch("on_test_batch_begin", "on_train_batch_begin", "on_epoch_end", "on_epoch_begin")
    FakeHost(watch, SwapEMAWeights(), model=model).fit(epochs=2, steps=2, validation_steps=1, step=train(model))
    assert watch.in_event("on_test_batch_begin") == [-3.0, -5.0]
    assert watch.in_event("on_train_batch_begin") == [1.0, 2.0, 3.0, 4.0]
    assert watch.in_event("on_epoch_end") == [3.0, 5.0]
    assert (model.weights, model.averages) == ({"w": 5.0}, {"w": -5.0})


def test_swap_on_epoch_has_the_averages_in_the_model_from_an_epochs_end_to_the_next_ones_begin() -> None:
    model = make_model()
    watch = Watch("on_test_batch_begin", "on_train_batch_begin", "on_epoch_end", "on_epoch_begin", "on_train_end")
    FakeHost(watch, SwapEMAWeights(swap_on_epoch=True), model=model).fit(
        epochs=2, steps=2, validation_steps=1, step=train(model)
    )
    assert watch.in_event("on_test_batch_begin") == [-3.0, -5.0]
    assert watch.in_event("on_train_batch_begin") == [1.0, 2.0, 3.0, 4.0]
    assert watch.in_event("on_epoch_end") == [-3.0, -5.0]
    assert watch.in_event("on_epoch_begin") == [1.0, 3.0]
    assert watch.in_event("on_train_end") == [-5.0]


@pytest.mark.parametrize("stopped_after", [1, 2, 3], ids=["first epoch", "middle", "last epoch"])
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_what_writes_the_averages_into_the_model_at_the_end_finds_averages(
    swap_on_epoch: bool, stopped_after: int
) -> None:
    model = make_model()

    class Stop(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch + 1 == stopped_after:
                self.stop_training("enough")

    class Finalize(epochal.Callback):
        """Does what Keras's fit does between the last epoch and the end of training."""

        before = ("swap_ema_weights",)

        def on_train_end(self, logs: Any = None) -> None:
            self.model.weights = dict(self.model.averages)

    FakeHost(SwapEMAWeights(swap_on_epoch), Stop(), Finalize(), model=model).fit(
        epochs=3, steps=2, validation_steps=1, step=train(model)
    )
    assert model.weights == {"w": -(1.0 + 2 * stopped_after)}
    assert model.averages == model.weights


@pytest.mark.parametrize("way", ["evaluate", "predict"])
def test_afterwards_the_model_has_its_own_weights_again(way: str) -> None:
    model = make_model()
    watch = Watch("on_test_batch_begin", "on_predict_batch_begin")
    host = FakeHost(watch, SwapEMAWeights(), model=model)
    for _ in range(2):
        getattr(host, way)(steps=1)
        assert (model.weights, model.averages) == ({"w": 1.0}, {"w": -1.0})
    assert [value for _, value in watch.seen] == [-1.0, -1.0]


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_one_object_serves_fit_evaluate_predict_and_fit_again(swap_on_epoch: bool) -> None:
    model = make_model()
    watch = Watch("on_train_batch_begin")
    host = FakeHost(watch, SwapEMAWeights(swap_on_epoch), model=model)
    host.fit(steps=1, validation_steps=1, step=train(model))
    after = copy.deepcopy((model.weights, model.averages))
    host.evaluate()
    host.predict()
    assert (model.weights, model.averages) == after
    model.weights, model.averages = {"w": 2.0}, {"w": -2.0}
    host.fit(steps=1, validation_steps=1, step=train(model))
    assert watch.in_event("on_train_batch_begin") == [1.0, 2.0]


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("second", [False, True])
def test_two_of_them_do_not_undo_each_other(first: bool, second: bool) -> None:
    model = make_model()
    watch = Watch("on_test_batch_begin", "on_train_batch_begin", "on_epoch_end")
    host = FakeHost(SwapEMAWeights(first), SwapEMAWeights(second), watch, model=model)
    host.fit(epochs=2, steps=1, validation_steps=1, step=train(model))
    assert watch.in_event("on_test_batch_begin") == [-2.0, -3.0]
    assert watch.in_event("on_train_batch_begin") == [1.0, 2.0]
    assert watch.in_event("on_epoch_end") == ([-2.0, -3.0] if first or second else [2.0, 3.0])


def test_an_evaluation_inside_the_end_of_an_epoch_leaves_the_averages_for_those_that_save_then() -> None:
    model = make_model()
    swap = SwapEMAWeights(swap_on_epoch=True)

    class Evaluate(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            swap.on_test_begin()
            swap.on_test_end()

    watch = Watch("on_epoch_end", "on_train_batch_begin")
    watch.after = ("evaluate",)
    FakeHost(swap, Evaluate(), watch, model=model).fit(epochs=2, steps=1, step=train(model))
    assert watch.in_event("on_epoch_end") == [-2.0, -3.0]
    assert watch.in_event("on_train_batch_begin") == [1.0, 2.0]


# Order


def test_it_stands_ahead_of_those_that_stop_and_save() -> None:
    class ModelCheckpoint(epochal.Callback):
        priority = 5

    run = FakeHost(ModelCheckpoint(), Watch(), SwapEMAWeights(), model=make_model()).evaluate()
    assert [place.name for place in run.order] == ["swap_ema_weights", "model_checkpoint", "watch"]
    assert SwapEMAWeights.priority < epochal.Priority.CONTROL
    assert SwapEMAWeights.critical is True


# What goes wrong


@pytest.mark.parametrize("error", [ArithmeticError, KeyboardInterrupt])
@pytest.mark.parametrize(
    "event",
    ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_epoch_end", "on_train_batch_begin"],
)
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_a_fit_that_is_broken_off_leaves_the_models_own_weights(
    swap_on_epoch: bool, event: str, error: type[BaseException]
) -> None:
    model = make_model()
    host = FakeHost(SwapEMAWeights(swap_on_epoch), Fail(event, 2, error), model=model)
    with pytest.raises(error):
        host.fit(epochs=3, steps=1, validation_steps=1, step=train(model))
    own = model.weights["w"]
    assert own > 0
    assert model.averages == {"w": -own}


def test_an_evaluation_that_is_broken_off_leaves_the_models_own_weights() -> None:
    model = make_model()
    with pytest.raises(ArithmeticError):
        FakeHost(SwapEMAWeights(), Fail("on_predict_batch_end"), model=model).predict()
    assert model.weights == {"w": 1.0}


def bare(swap: SwapEMAWeights, model: FakeModel) -> SwapEMAWeights:
    """Set the callback's model as Keras does in a bare fit, and return the callback."""
    swap.set_params({"epochs": 2, "steps": 1, "verbose": 0})
    swap.set_model(model)
    return swap


@pytest.mark.parametrize("again", ["same object", "new object"])
def test_in_a_bare_fit_the_next_training_begins_with_the_models_own_weights(again: str) -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(), model)
    swap.on_train_begin()
    swap.on_epoch_begin(0)
    train(model)(0, 0)
    swap.on_test_begin()
    assert model.weights == {"w": -2.0}  # and here the fit is broken off
    swap = bare(swap if again == "same object" else SwapEMAWeights(), model)
    with pytest.warns(UserWarning, match="broken off.*It has its own weights again"):
        swap.on_train_begin()
    assert (model.weights, model.averages) == ({"w": 2.0}, {"w": -2.0})


def test_in_a_bare_fit_that_was_broken_off_at_the_end_of_an_epoch_too() -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(swap_on_epoch=True), model)
    swap.on_train_begin()
    swap.on_epoch_end(0)
    assert (model.weights, model.averages) == ({"w": -1.0}, {"w": -1.0})
    with pytest.warns(UserWarning, match="It has its own weights again"):
        bare(SwapEMAWeights(), model).on_train_begin()
    assert (model.weights, model.averages) == ({"w": 1.0}, {"w": -1.0})


def test_in_a_bare_evaluation_after_one_that_was_broken_off_the_averages_are_evaluated() -> None:
    model = make_model()
    bare(SwapEMAWeights(), model).on_test_begin()
    swap = bare(SwapEMAWeights(), model)
    swap.on_predict_begin()
    assert model.weights == {"w": -1.0}
    swap.on_predict_end()
    assert model.weights == {"w": 1.0}


class Compiled(FakeModel):
    """A model with an optimizer that can be another one."""

    optimizer: Any = "first"


@pytest.mark.parametrize("steps", [0, 1])
def test_after_the_model_was_compiled_anew_it_has_its_own_weights_again_unless_it_was_trained(steps: int) -> None:
    model = Compiled({"w": 1.0})
    model.averages, model.iterations = {"w": -1.0}, 5
    bare(SwapEMAWeights(), model).on_test_begin()
    model.optimizer, model.iterations = "second", steps
    with pytest.warns(UserWarning, match="broken off"):
        bare(SwapEMAWeights(), model).on_train_begin()
    assert model.weights == {"w": -1.0 if steps else 1.0}


def test_what_was_trained_since_is_not_overwritten() -> None:
    model = make_model()
    bare(SwapEMAWeights(), model).on_test_begin()
    train(model)(0, 0)
    expected = copy.deepcopy((model.weights, model.averages))
    with pytest.warns(UserWarning, match="keeps the weights that it has"):
        bare(SwapEMAWeights(), model).on_train_begin()
    assert (model.weights, model.averages) == expected


def test_an_evaluation_that_was_broken_off_and_trained_over_is_no_reason_to_evaluate_other_weights() -> None:
    model = make_model()
    bare(SwapEMAWeights(), model).on_test_begin()
    train(model)(0, 0)
    own = dict(model.weights)
    swap = bare(SwapEMAWeights(), model)
    swap.on_test_begin()
    assert model.averages == own
    swap.on_test_end()
    assert model.weights == own


def test_an_evaluation_that_is_broken_off_and_caught_inside_a_fit_does_not_reach_training() -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(), model)
    swap.on_train_begin()
    swap.on_epoch_begin(0)
    swap.on_test_begin()
    swap.on_train_batch_begin(0)
    assert model.weights == {"w": 1.0}
    swap.on_test_begin()
    swap.on_epoch_end(0)
    assert model.weights == {"w": 1.0}
    swap.on_test_begin()
    swap.on_epoch_begin(1)
    assert (model.weights, model.averages) == ({"w": 1.0}, {"w": -1.0})


def test_a_run_that_ends_late_does_not_reach_into_the_next_one() -> None:
    model = make_model()
    late = FakeHost(model=model).evaluate()
    swap = SwapEMAWeights()
    host = FakeHost(swap, model=model)

    class Late(epochal.Callback):
        after = ("swap_ema_weights",)

        def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
            swap.on_run_end(late)
            assert model.weights == {"w": -1.0}

    FakeHost(swap, Late(), model=model).evaluate(steps=1)
    host.evaluate()
    assert model.weights == {"w": 1.0}


def test_a_model_is_not_kept_alive() -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(), model)
    swap.on_test_begin()
    gone = weakref.ref(model)
    del model, swap
    gc.collect()
    assert gone() is None


# Bad input


def test_swap_on_epoch_is_true_or_false() -> None:
    values: list[Any] = [None, 2, []]
    assert [SwapEMAWeights(value).swap_on_epoch for value in values] == [False, True, False]
    undecided: Any = np.ones(2)
    with pytest.raises(TypeError, match=r"SwapEMAWeights: swap_on_epoch=.* has to be True or False"):
        SwapEMAWeights(undecided)


def test_a_misspelt_parameter_is_an_error() -> None:
    with pytest.raises(TypeError, match="swap_on_epochs"):
        SwapEMAWeights(swap_on_epochs=True)  # type: ignore[call-arg]


@pytest.mark.parametrize("way", ["fit", "evaluate", "predict"])
def test_an_optimizer_without_averages_is_an_error_before_anything_runs(way: str) -> None:
    model = FakeModel({"w": 1.0})
    watch = Watch("on_train_batch_begin", "on_test_batch_begin", "on_predict_batch_begin")
    kind = PreflightError if way == "fit" else ValueError
    with pytest.raises(kind, match="SwapEMAWeights must be used when `use_ema=True` is set on the optimizer"):
        getattr(FakeHost(SwapEMAWeights(swap_on_epoch=True), watch, model=model), way)()
    assert watch.seen == []


def test_an_optimizer_without_averages_is_an_error_in_a_bare_fit_too() -> None:
    host = BareHost(SwapEMAWeights(), model=FakeModel({"w": 1.0}))
    for begin in (host.fit, host.evaluate, host.predict):
        with pytest.raises(ValueError, match="SwapEMAWeights must be used when `use_ema=True` is set"):
            begin()


@pytest.mark.parametrize("way", ["evaluate", "predict"])
def test_averages_that_no_step_has_filled_are_not_evaluated(way: str) -> None:
    model = make_model({})
    with pytest.raises(ValueError, match="the optimizer has made no step yet"):
        getattr(FakeHost(SwapEMAWeights(), model=model), way)()
    assert model.weights == {"w": 1.0}


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_inside_a_training_that_has_made_no_step_the_weights_are_used_and_that_is_said_once(
    swap_on_epoch: bool,
) -> None:
    model = make_model({})
    watch = Watch("on_test_batch_begin", "on_epoch_end")
    host = FakeHost(SwapEMAWeights(swap_on_epoch), watch, model=model)
    with pytest.warns(UserWarning, match="the weights themselves are used") as said:
        host.fit(epochs=2, validation_steps=1)
    assert len(said) == 1
    assert {value for _, value in watch.seen} == {1.0}
    assert (model.weights, model.averages) == ({"w": 1.0}, {})


# State


def restored(swap: SwapEMAWeights, **arguments: Any) -> SwapEMAWeights:
    made = SwapEMAWeights(**arguments)
    made.load_state_dict(parse_state(dump_state(swap.state_dict())))
    return made


@pytest.mark.parametrize("stop", range(4))
@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_a_run_in_two_parts_trains_what_one_run_trains(swap_on_epoch: bool, stop: int) -> None:
    """The state is taken when an epoch ends, as what persists it does, and with it what the model holds then."""

    class Backup(epochal.Callback):
        priority = epochal.Priority.CHECKPOINT

        def __init__(self, swap: SwapEMAWeights) -> None:
            self.swap = swap
            self.bundles: list[Any] = []

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            made = restored(self.swap, swap_on_epoch=swap_on_epoch)
            self.bundles.append((made, copy.deepcopy(self.model)))

    def run(model: FakeModel, swap: SwapEMAWeights, first: int) -> tuple[list[Any], list[Any]]:
        watch = Watch("on_test_batch_begin", "on_train_batch_begin", "on_epoch_end")
        backup = Backup(swap)
        FakeHost(swap, watch, backup, model=model).fit(
            initial_epoch=first, epochs=4, steps=2, validation_steps=1, step=train(model)
        )
        return watch.seen, backup.bundles

    model = make_model()
    whole, bundles = run(model, SwapEMAWeights(swap_on_epoch), 0)
    made, kept = bundles[stop]
    second, _ = run(kept, made, stop + 1)
    an_epoch = len(whole) // 4
    assert second == whole[an_epoch * (stop + 1) :]


def test_state_that_is_taken_inside_a_validation_says_where_the_own_weights_are() -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(), model)
    swap.on_train_begin()
    swap.on_test_begin()
    made = restored(swap)
    kept = copy.deepcopy(model)  # own weights and averages are exchanged in it
    assert made.state_dict() == {"lent": {"own_weights": None}}
    bare(made, kept)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made.on_train_begin()
        made.on_epoch_begin(0)
    assert (kept.weights, kept.averages) == ({"w": 1.0}, {"w": -1.0})
    assert made.state_dict() == {"lent": None}


@pytest.mark.parametrize("early", [True, False], ids=["before training begins", "in its begin"])
def test_the_state_may_come_until_the_first_epoch_begins(early: bool) -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(swap_on_epoch=True), model)
    swap.on_train_begin()
    swap.on_epoch_end(0)
    state, kept = parse_state(dump_state(swap.state_dict())), copy.deepcopy(model)
    made, fresh = SwapEMAWeights(swap_on_epoch=True), make_model()

    class Restore(epochal.Callback):
        after = ("swap_ema_weights",)

        def on_train_begin(self, logs: Any = None) -> None:
            if not early:
                made.load_state_dict(state)
            fresh.weights, fresh.averages = kept.weights, kept.averages

    if early:
        made.load_state_dict(state)
    watch = Watch("on_train_batch_begin")
    FakeHost(made, Restore(), watch, model=fresh).fit(initial_epoch=1, epochs=2, steps=1, step=train(fresh))
    assert watch.in_event("on_train_batch_begin") == [1.0]


def test_a_state_that_is_restored_when_no_epoch_is_left_is_forgotten() -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(swap_on_epoch=True), model)
    swap.on_train_begin()
    swap.on_epoch_end(0)
    made = restored(swap)
    FakeHost(made, model=model).fit(initial_epoch=1, epochs=1)
    watch = Watch("on_train_batch_begin")
    FakeHost(made, watch, model=model).fit(epochs=1, steps=1)
    assert watch.in_event("on_train_batch_begin") == [-1.0]


def test_a_restored_state_counts_for_one_training() -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(swap_on_epoch=True), model)
    swap.on_train_begin()
    swap.on_epoch_end(0)
    made = restored(swap, swap_on_epoch=True)
    host = FakeHost(made, model=model)
    host.fit(epochs=1, steps=1, step=train(model))
    model.weights = {"w": 7.0}
    watch = Watch("on_train_batch_begin")
    FakeHost(made, watch, model=model).fit(epochs=1, steps=1, step=train(model))
    assert watch.in_event("on_train_batch_begin") == [7.0]


@pytest.mark.parametrize(
    "state",
    [
        *({}, {"lent": 1}, {"lent": {}}, {"lent": None, "more": 1}),
        *({"lent": {"own_weights": "x"}}, {"lent": {"own_weights": [None]}}),
    ],
)
def test_what_is_no_state_is_refused(state: dict[str, Any]) -> None:
    swap = SwapEMAWeights()
    with pytest.raises(epochal.StateError):
        swap.load_state_dict(state)
    assert swap.state_dict() == {"lent": None}


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_also_when_its_model_holds_the_averages(copied: Any) -> None:
    model = make_model()
    swap = bare(SwapEMAWeights(swap_on_epoch=True), model)
    swap.on_train_begin()
    swap.on_epoch_end(0)
    made = copied(swap)
    other = make_model()
    FakeHost(made, model=other).evaluate()
    assert other.weights == {"w": 1.0}
    assert made.swap_on_epoch is True
