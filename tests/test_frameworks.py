"""What callbacks do with real models of Keras 3 and of tf_keras, through their adapters."""

from __future__ import annotations

import inspect
import json
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tf_keras

import epochal
from epochal.frameworks import ModelAdapter, adapt
from epochal.monitor import Monitor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

X = np.random.default_rng(1).normal(size=(8, 4)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
FRAMEWORKS = pytest.mark.parametrize("framework", [keras, tf_keras], ids=["keras", "tf_keras"])


def adapted(model: Any, optimizer: Any = None) -> ModelAdapter:
    callback = epochal.Callback()
    callback.set_model(model)
    if optimizer is not None:
        callback.run = epochal.Run(model, "train")
        callback.run.optimizer = optimizer
    return adapt(callback)


def small(framework: Any, optimizer: Any = "sgd") -> Any:
    layers = framework.layers
    hidden, head = layers.Dense(3, name="hidden"), layers.Dense(1, name="head")
    model = framework.Sequential([layers.Input((4,)), hidden, layers.BatchNormalization(), head], name="net")
    model.compile(optimizer, "mse", run_eagerly=True)
    return model


def train(model: Any) -> None:
    """Make two steps. `fit` would set the weights to their averages at its end."""
    for part in (slice(4), slice(4, 8)):
        model.train_on_batch(X[part], Y[part])


def arrays(variables: Any) -> list[Any]:
    return [np.array(keras.ops.convert_to_numpy(each)) for each in variables]


def same(one: list[Any], other: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


# Learning rates


def loss_scaled(framework: Any) -> Any:
    return framework.mixed_precision.LossScaleOptimizer(framework.optimizers.SGD(0.5))


KINDS: dict[str, Callable[[Any], Any]] = {
    "SGD": lambda framework: framework.optimizers.SGD(0.5),
    "Adam": lambda framework: framework.optimizers.Adam(0.5),
    "loss scaled": loss_scaled,
}


@FRAMEWORKS
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_the_learning_rate_is_read_and_set_also_behind_loss_scaling(make: Any, framework: Any) -> None:
    model = small(framework, make(framework))
    adapter = adapted(model)
    for rate in (0.5, 0.25):
        if rate != 0.5:
            adapter.check_learning_rate("Mine")
            adapter.set_learning_rate("learning_rate", rate)
        assert adapter.learning_rates() == {"learning_rate": rate}
        assert type(adapter.learning_rates()["learning_rate"]) is float
        assert float(model.optimizer.learning_rate) == rate
        train(model)
    assert adapter.iterations == 4


@FRAMEWORKS
@pytest.mark.parametrize("wrap", [False, True])
def test_a_schedule_is_read_at_the_steps_made_and_cannot_be_set(wrap: bool, framework: Any) -> None:
    schedule = framework.optimizers.schedules.ExponentialDecay(0.5, 1, 0.5)
    optimizer = framework.optimizers.SGD(schedule)
    model = small(framework, framework.mixed_precision.LossScaleOptimizer(optimizer) if wrap else optimizer)
    adapter = adapted(model)
    assert adapter.learning_rates() == {"learning_rate": 0.5}
    train(model)
    assert adapter.learning_rates() == {"learning_rate": 0.125}
    message = "sets the learning rate, and that of SGD is a schedule, ExponentialDecay. Take one of the two"
    with pytest.raises(epochal.LearningRateError, match=f"^Mine {message}"):
        adapter.check_learning_rate("Mine")
    with pytest.raises(epochal.LearningRateError, match=f"^Callback {message}"):
        adapter.set_learning_rate("learning_rate", 1.0)
    assert adapter.learning_rates() == {"learning_rate": 0.125}


@pytest.mark.parametrize("schedule", [None, 0.5, "cosine"])
def test_the_legacy_optimizers_of_tf_keras_work_too(schedule: Any) -> None:
    given = tf_keras.optimizers.schedules.CosineDecay(0.5, 10) if schedule == "cosine" else 0.5
    model = small(tf_keras, tf_keras.optimizers.legacy.SGD(given))
    adapter = adapted(model)
    train(model)
    assert adapter.iterations == 2
    if schedule == "cosine":
        assert 0 < adapter.learning_rates()["learning_rate"] < 0.5
        with pytest.raises(epochal.LearningRateError, match="is a schedule, CosineDecay"):
            adapter.check_learning_rate("Mine")
    else:
        adapter.set_learning_rate("learning_rate", 0.25)
        assert adapter.learning_rates() == {"learning_rate": 0.25}
        assert float(model.optimizer.learning_rate) == 0.25


def test_a_function_as_the_rate_is_a_schedule() -> None:
    adapter = adapted(small(keras, keras.optimizers.SGD(lambda: 0.5)))
    assert adapter.learning_rates() == {"learning_rate": 0.5}
    with pytest.raises(epochal.LearningRateError, match="that of SGD is a schedule, function"):
        adapter.check_learning_rate("Mine")


several = pytest.mark.skipif(not hasattr(keras.optimizers, "MultiOptimizer"), reason="this Keras has no MultiOptimizer")


@several
def test_each_of_several_optimizers_has_a_key_of_its_own_also_with_one_name() -> None:
    optimizers = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.125, name="sgd"))
    optimizers["net/head.*"] = keras.optimizers.SGD(0.5, name="sgd")
    optimizers["net/hidden.*"] = keras.optimizers.SGD(0.25, name="sgd")
    model = small(keras, keras.optimizers.MultiOptimizer(optimizers))
    adapter = adapted(model)
    adapter.check_learning_rate("Mine")
    rates = {"learning_rate_sgd": 0.5, "learning_rate_sgd_1": 0.25, "learning_rate_sgd_2": 0.125}
    assert adapter.learning_rates() == rates
    train(model)
    for key, rate in rates.items():
        adapter.set_learning_rate(key, rate / 2)
    assert adapter.learning_rates() == {key: rate / 2 for key, rate in rates.items()}
    assert float(optimizers["net/head/kernel"].learning_rate) == 0.25
    assert adapter.iterations == 2


@several
def test_several_optimizers_that_are_chosen_by_a_function_are_known_when_they_are_built() -> None:
    head, rest = keras.optimizers.SGD(0.5, name="head"), keras.optimizers.SGD(0.25, name="rest")
    model = small(keras, keras.optimizers.MultiOptimizer(lambda variable: head if "head" in variable.path else rest))
    adapter = adapted(model)
    adapter.check_learning_rate("Mine")
    assert adapter.learning_rates() == {}
    train(model)
    assert adapter.learning_rates() == {"learning_rate_head": 0.5, "learning_rate_rest": 0.25}


@several
def test_a_schedule_of_one_of_several_optimizers_is_found() -> None:
    optimizers = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.5))
    optimizers["net/head.*"] = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.5, 10))
    adapter = adapted(small(keras, keras.optimizers.MultiOptimizer(optimizers)))
    with pytest.raises(epochal.LearningRateError, match="that of Adam is a schedule, CosineDecay"):
        adapter.check_learning_rate("Mine")


@FRAMEWORKS
def test_without_an_optimizer_there_is_no_rate(framework: Any) -> None:
    adapter = adapted(framework.Sequential([framework.layers.Dense(1)]))
    assert (adapter.learning_rates(), adapter.iterations) == ({}, None)
    with pytest.raises(epochal.RunError, match=r"and there is no optimizer.*epochal\.loop\(model, optimizer="):
        adapter.check_learning_rate("Mine")


def test_the_optimizer_of_a_loop_counts_with_any_model() -> None:
    optimizer = keras.optimizers.SGD(0.5)
    for model in (small(keras), object()):
        adapter = adapted(model, optimizer)
        adapter.set_learning_rate("learning_rate", 0.25)
        assert adapter.learning_rates() == {"learning_rate": 0.25}
        optimizer.learning_rate = 0.5


def test_the_rate_of_an_optimizer_of_nobody_is_not_set_in_silence() -> None:
    class Theirs:
        """An optimizer of another framework, which keeps its rate elsewhere."""

    adapter = adapted(small(keras), theirs := Theirs())
    assert (adapter.learning_rates(), adapter.iterations) == ({}, None)
    with pytest.raises(epochal.RunError, match="nothing tells how that of Theirs is set"):
        adapter.set_learning_rate("learning_rate", 0.25)
    assert not hasattr(theirs, "learning_rate")


# Weights


@FRAMEWORKS
def test_the_weights_are_copies_that_training_leaves_alone(framework: Any) -> None:
    model = small(framework)
    adapter = adapted(model)
    kept = adapter.get_weights()
    copied = [each.copy() for each in kept]
    assert [each.shape for each in kept] == [tuple(each.shape) for each in model.weights]
    train(model)
    assert same(kept, copied)
    assert not same(kept, adapter.get_weights())
    adapter.set_weights(kept)
    assert same(adapter.get_weights(), copied)
    train(model)
    assert same(kept, copied)


@FRAMEWORKS
def test_the_weights_of_a_model_of_nobody_are_copies_also_with_an_optimizer_of_keras(framework: Any) -> None:
    weights = [np.zeros(2)]
    model = SimpleNamespace(get_weights=lambda: weights)
    kept = adapted(model, framework.optimizers.SGD()).get_weights()
    weights[0] += 1
    assert kept[0].tolist() == [0, 0]


@FRAMEWORKS
def test_every_weight_is_named_once(framework: Any) -> None:
    layers = framework.layers
    given = layers.Input((4,))
    shared = layers.Dense(4, name="shared", use_bias=False)
    inner = framework.Sequential([layers.Input((4,)), layers.Dense(2, name="deep")], name="inner")
    model = framework.Model(given, inner(shared(shared(given))))
    named = list(adapted(model).named_weights())
    assert [name.removesuffix("_0").rpartition("/")[2] for name, _ in named] == ["kernel", "kernel", "bias"]
    assert len({name for name, _ in named}) == 3
    assert not any(":" in name for name, _ in named)
    assert same([value for _, value in named], [np.array(each) for each in model.get_weights()])
    named[0][1][:] = 0
    assert np.any(model.get_weights()[0])


def test_the_weights_of_a_model_itself_are_named_too() -> None:
    class Own(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.scale = self.add_weight(shape=(), name="scale")

    assert [name.rpartition("/")[2] for name, _ in adapted(Own()).named_weights()] == ["scale"]


@FRAMEWORKS
def test_the_embeddings_are_found_also_in_models_inside(framework: Any) -> None:
    layers = framework.layers
    inner = framework.Sequential([layers.Input((2,)), layers.Embedding(5, 3, name="words")])
    given = layers.Input((2,))
    outputs = [inner(given), layers.Embedding(7, 2, name="tags")(given)]
    model = framework.Model(given, outputs)
    matrices = adapted(model).embeddings()
    assert {name: each.shape for name, each in matrices.items()} == {"words": (5, 3), "tags": (7, 2)}
    matrices["tags"][:] = 9
    assert not np.any(np.array(model.get_layer("tags").get_weights()[0]) == 9)
    assert adapted(framework.Sequential([layers.Dense(3)])).embeddings() == {}


def test_an_embedding_that_is_not_built_yet_has_no_matrix() -> None:
    assert adapted(keras.Sequential([keras.layers.Embedding(3, 2)])).embeddings() == {}


# Averages


def averaging(framework: Any = keras) -> Any:
    return framework.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)


def averages(optimizer: Any) -> list[Any]:
    return arrays(optimizer._model_variables_moving_average)


def test_a_swap_exchanges_weights_and_averages_and_a_second_one_undoes_it() -> None:
    model = small(keras, averaging())
    adapter = adapted(model)
    adapter.check_averages()
    assert not adapter.has_averages()
    train(model)
    assert adapter.has_averages()
    weights, means = arrays(model.trainable_variables), averages(model.optimizer)
    assert not same(weights, means)
    adapter.swap_averages()
    assert same(arrays(model.trainable_variables), means)
    assert same(averages(model.optimizer), weights)
    adapter.swap_averages()
    assert same(arrays(model.trainable_variables), weights)
    assert same(averages(model.optimizer), means)
    adapter.settle_averages()
    assert same(arrays(model.trainable_variables), weights)
    assert same(averages(model.optimizer), weights)


def test_averages_are_swapped_on_every_replica(make_strategy: Callable[..., Any]) -> None:
    strategy = make_strategy()

    class Swapping(epochal.Callback):
        ended = False

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            model, adapter = self.model, adapt(self)
            weights, means = arrays(model.trainable_variables), averages(model.optimizer)
            assert not same(weights, means)
            for swapped in (True, False):
                adapter.swap_averages()
                for each, weight, mean in zip(model.trainable_variables, weights, means, strict=True):
                    replicas = strategy.experimental_local_results(each.value)
                    assert len(replicas) == 2
                    assert same([replica.numpy() for replica in replicas], [mean if swapped else weight] * 2)
            adapter.settle_averages()
            assert same(averages(model.optimizer), weights)
            assert same([value for _, value in adapter.named_weights()], arrays(model.weights))
            assert same(adapter.get_weights(), arrays(model.weights))
            self.ended = True

    with strategy.scope():
        model = small(keras, averaging())
        model.compile(model.optimizer, "mse", jit_compile=False)
    model.fit(X, Y, batch_size=4, verbose=0, callbacks=[swapping := Swapping()])
    assert swapping.ended


@pytest.mark.parametrize("optimizer", ["sgd", None])
def test_an_optimizer_without_averages_is_an_error(optimizer: str | None) -> None:
    adapter = adapted(keras.Sequential() if optimizer is None else small(keras, optimizer))
    named = "there is none" if optimizer is None else "SGD"
    for use in (adapter.check_averages, adapter.has_averages, adapter.swap_averages, adapter.settle_averages):
        with pytest.raises(ValueError, match=rf"keeps no moving average of the weights \({named}\). Make it with"):
            use()


def test_before_the_first_step_there_is_nothing_to_swap() -> None:
    model = small(keras, averaging())
    weights = arrays(model.trainable_variables)
    adapter = adapted(model)
    adapter.swap_averages()
    adapter.settle_averages()
    assert same(arrays(model.trainable_variables), weights)
    assert not adapter.has_averages()


def test_in_tf_keras_averages_are_not_known() -> None:
    adapter = adapted(small(tf_keras, averaging(tf_keras)))
    with pytest.raises(epochal.RunError, match=r"the average of the weights is not known for a model of type tf_keras"):
        adapter.check_averages()


# Files and state


@FRAMEWORKS
def test_a_saved_model_and_saved_weights_load_again(framework: Any, tmp_path: Path) -> None:
    model = small(framework)
    train(model)
    adapter = adapted(model)
    adapter.save(tmp_path / "whole.keras")
    adapter.save_weights(tmp_path / "part.weights.h5")
    weights = model.get_weights()
    assert same(framework.models.load_model(tmp_path / "whole.keras").get_weights(), weights)
    train(model)
    adapter.save(tmp_path / "whole.keras")  # in the place of the one before, without a question
    model.load_weights(tmp_path / "part.weights.h5")
    assert same(model.get_weights(), weights)


def test_the_state_tree_holds_every_variable_as_an_array_of_its_own() -> None:
    model = small(keras, "adam")
    train(model)
    tree = adapted(model).state_tree()
    assert set(tree) == {"trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"}
    iteration = tree["optimizer_variables"]["adam"]["iteration"]
    assert (iteration, iteration.shape) == (2, ())
    kernel = tree["trainable_variables"]["net"]["head"]["kernel"]
    assert np.array_equal(kernel, model.get_layer("head").kernel)
    kept = kernel.copy()
    train(model)
    assert np.array_equal(kernel, kept)
    with pytest.raises(epochal.RunError, match="the state of the model is not known for a model of type builtins"):
        adapted(object(), model.optimizer).state_tree()


# What shows a model


@FRAMEWORKS
def test_the_architecture_is_json_of_its_layers(framework: Any) -> None:
    text = adapted(small(framework)).architecture()
    assert text is not None
    names = [layer["config"]["name"] for layer in json.loads(text)["config"]["layers"]]
    assert {"hidden", "head"} <= set(names)


@FRAMEWORKS
def test_a_subclassed_model_tells_no_architecture(framework: Any) -> None:
    kind = type("Own", (framework.Model,), {"call": lambda self, x: x})
    assert adapted(kind()).architecture() is None


def test_a_layer_that_cannot_be_written_is_warned_of_at_the_users_line() -> None:
    class Broken(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def get_config(self) -> Any:
            raise TypeError("not today")

    model = keras.Sequential([keras.layers.Input((4,)), Broken()])
    with pytest.warns(UserWarning, match="cannot be written as JSON, so its graph is not shown: .*not today") as warned:
        assert adapted(model).architecture() is None
    assert warned[0].filename == __file__


def test_the_images_are_those_that_keras_is_set_to() -> None:
    adapter = adapted(small(keras))
    found = [adapter.channels_last]
    keras.config.set_image_data_format("channels_first")
    try:
        found.append(adapter.channels_last)
    finally:
        keras.config.set_image_data_format("channels_last")
    assert found == [True, False]
    assert adapted(small(tf_keras)).channels_last


def test_in_tf_keras_keys_are_not_known_and_directions_are_guessed_as_it_does() -> None:
    adapter = adapted(small(tf_keras))
    assert adapter.log_keys() is None
    directions = [adapter.direction_of(key) for key in ("loss", "mse", "accuracy", "acc", "auc", "f1")]
    assert directions == ["min", "min", "max", "max", "max", "min"]


# Warnings


class Watcher(epochal.Callback):
    """Watches a metric that does not come."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        assert Monitor(self, "val_f1", "max").read(logs) is None


# As if a package of callbacks had it; what the script itself defines is the user's.
Watcher.on_epoch_end = FunctionType(  # type: ignore[method-assign]
    Watcher.on_epoch_end.__code__, {**globals(), "__name__": "epochal_watcher"}, "on_epoch_end", (None,)
)


def in_a_run(model: Any) -> None:
    epochal.fit(model, X, Y, verbose=0, callbacks=[Watcher()])


def in_a_bare_fit(model: Any) -> None:
    model.fit(X, Y, verbose=0, callbacks=[Watcher()])


def in_the_list(model: Any) -> None:
    model.fit(X, Y, verbose=0, callbacks=epochal.callbacks(Watcher()))


def in_a_loop(model: Any) -> None:
    with epochal.loop(model, verbose=0, callbacks=[Watcher()]) as run:
        for _ in run.epochs():
            run.log(loss=1.0)


@pytest.mark.parametrize("train", [in_a_run, in_a_bare_fit, in_the_list, in_a_loop])
def test_a_warning_points_to_the_users_line(train: Callable[[Any], None]) -> None:
    model = small(keras)
    with pytest.warns(UserWarning, match="Watcher monitors 'val_f1', which is not in the logs") as warned:
        train(model)
    lines, first = inspect.getsourcelines(train)
    assert [each.filename for each in warned] == [__file__]
    assert first <= warned[0].lineno < first + len(lines)


def test_a_warning_points_to_the_users_line_in_tf_keras_too() -> None:
    model = small(tf_keras)
    with pytest.warns(UserWarning, match="'val_f1', which is not in the logs") as warned:
        in_a_bare_fit(model)
    assert [each.filename for each in warned] == [__file__]
