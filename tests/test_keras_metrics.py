"""What is known of a real model's metrics before the first batch: the keys of its logs, and their directions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest

import epochal
from epochal.frameworks import adapt
from epochal.frameworks.keras_metrics import named_metrics

if TYPE_CHECKING:
    from collections.abc import Callable

kinds = keras.metrics
X = np.random.default_rng(1).normal(size=(12, 4)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")


# Forms of `metrics` that Keras 3.11 does not take.
NEWER = ("nested lists", "a tuple", "a dict by output", "outputs in a dict", "outputs in a tree")


def forms(table: dict[str, Any]) -> list[Any]:
    """Return the parameters of a test, each with its name."""
    is_old = tuple(map(int, keras.__version__.split(".")[:2])) < (3, 15)
    older = pytest.mark.skipif(is_old, reason="this Keras may not take such metrics")
    return [pytest.param(*each, id=name, marks=[older] if name in NEWER else []) for name, each in table.items()]


class Watch(epochal.Callback):
    """Notes what is known when training begins and ends, and what really comes."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.at_begin = adapt(self).log_keys()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.keys = frozenset(key for key in logs if not key.startswith("val_"))

    def on_train_end(self, logs: Any = None) -> None:
        self.at_end = adapt(self).log_keys()
        self.directions = {key: adapt(self).direction_of(key) for key in self.keys}


def watched(model: Any, y: Any = Y, **arguments: Any) -> Watch:
    watch = Watch()
    model.fit(X, y, verbose=0, callbacks=[watch], **arguments)
    return watch


def compiled(model: Any, **arguments: Any) -> Any:
    """Compile a model so that it is trained at once, without a graph to be made first."""
    model.compile(**{"optimizer": "sgd", "loss": "binary_crossentropy", "run_eagerly": True, **arguments})
    return model


def one_output() -> Any:
    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid", name="out")])


def two_outputs(kind: str = "list") -> Any:
    given = keras.Input((4,))
    a, b = (keras.layers.Dense(1, activation="sigmoid", name=name)(given) for name in ("a", "b"))
    outputs = {"list": [a, b], "dict": {"p": a, "q": b}, "nested": {"p": a, "n": [b, a]}}
    return keras.Model(given, outputs[kind])


def gap(y_true: Any, y_pred: Any) -> Any:
    return keras.ops.mean(keras.ops.abs(y_true - y_pred))


class CalledGap:
    def __call__(self, y_true: Any, y_pred: Any) -> Any:
        return gap(y_true, y_pred)


class Steps(keras.metrics.Metric):  # type: ignore[misc]  # Keras has no types
    """A metric of somebody's own."""

    def __init__(self, name: str = "steps") -> None:
        super().__init__(name=name)
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, *_: Any, **__: Any) -> None:
        self.count.assign_add(1.0)

    def result(self) -> Any:
        return self.count + 0.0


class Several(Steps):
    """A metric that gives a dict, in which there is another."""

    def result(self) -> Any:
        return {"first": self.count + 0.0, "inner": {"second": self.count + 1.0}}


class Unready(Steps):
    """A metric that has no result before its first batch."""

    seen = False

    def update_state(self, *_: Any, **__: Any) -> None:
        self.seen = True

    def result(self) -> Any:
        if not self.seen:
            raise ValueError("no batch yet")
        return super().result()


ONE_OUTPUT: dict[str, tuple[dict[str, Any], bool]] = {
    "no metrics": ({}, True),
    "none in a list": ({"metrics": []}, True),
    "names": ({"metrics": ["accuracy", "AUC", "mse", "mean_absolute_error"]}, True),
    "acc": ({"metrics": ["acc"]}, True),
    "objects": ({"metrics": [kinds.AUC(), kinds.F1Score(name="f"), kinds.Recall(name="Recall")]}, True),
    "objects of one kind": ({"metrics": [kinds.AUC(), kinds.AUC()]}, True),
    "functions": ({"metrics": [gap, kinds.binary_accuracy, keras.losses.mean_squared_error]}, True),
    "a lambda": ({"metrics": [lambda y_true, y_pred: keras.ops.mean(y_true)]}, True),
    "a partial": ({"metrics": [functools.partial(gap)]}, True),
    "an object that is called": ({"metrics": [CalledGap()]}, True),
    "a wrapped function": ({"metrics": [kinds.MeanMetricWrapper(gap, name="wrapped")]}, True),
    "nested lists": ({"metrics": [["mse", ["mae"]], ("AUC",)]}, True),
    "a tuple": ({"metrics": ("mse",)}, True),
    "weighted": ({"weighted_metrics": ["mse"]}, True),
    "both": ({"metrics": ["mae"], "weighted_metrics": ["mse"]}, True),
    "own": ({"metrics": [Steps()]}, True),
    "own that gives a dict": ({"metrics": [Several()]}, True),
    "a list of one loss": ({"loss": ["binary_crossentropy"]}, True),
    "a class": ({"metrics": [kinds.AUC]}, False),
    "one name twice": ({"metrics": ["mse", "mse", kinds.MeanSquaredError(name="mse")]}, False),
    "one name in both": ({"metrics": ["mse", "mse"], "weighted_metrics": ["mse", "mse"]}, False),
    "a dict by output": ({"metrics": {"out": ["mse", "mae"]}}, False),
    "two losses": ({"loss": ["binary_crossentropy", "mse"]}, False),
    "own without a result": ({"metrics": [Unready()]}, False),
}


@pytest.mark.parametrize(("arguments", "known"), forms(ONE_OUTPUT))
def test_the_keys_are_known_exactly_or_not_at_all(arguments: dict[str, Any], known: bool) -> None:
    model = one_output()
    compiled(model, **arguments)
    first = watched(model)
    assert first.at_begin == (first.keys if known else None)
    second = watched(model, validation_split=0.5)
    assert second.at_begin == second.at_end == first.at_end == second.keys == first.keys


TWO_OUTPUTS: dict[str, tuple[str, Any, dict[str, Any]]] = {
    "no metrics": ("list", [Y, Y], {}),
    "lists": ("list", [Y, Y], {"metrics": [["mse"], ["mae", "mse"]]}),
    "a dict": ("list", [Y, Y], {"metrics": {"a": "mse", "b": ["acc"]}}),
    "duplicates": ("list", [Y, Y], {"metrics": {"b": ["acc", "acc"]}, "weighted_metrics": {"b": ["acc", "acc"]}}),
    "outputs in a dict": ("dict", {"p": Y, "q": Y}, {"metrics": {"p": ["acc"]}}),
    "outputs in a tree": ("nested", {"p": Y, "n": [Y, Y]}, {"metrics": {"p": ["acc"], "n": [["mse"], ["mae"]]}}),
}


@pytest.mark.parametrize(("kind", "y", "arguments"), forms(TWO_OUTPUTS))
def test_the_keys_of_several_outputs_are_known_after_the_first_batch(kind: str, y: Any, arguments: Any) -> None:
    model = two_outputs(kind)
    compiled(model, **arguments)
    first = watched(model, y)
    assert first.at_begin is None
    assert first.at_end == first.keys
    second = watched(model, y)
    assert second.at_begin == second.keys == first.keys
    assert frozenset(key for key, _ in named_metrics(model)) == first.keys


class Counting(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """A layer with a metric."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = kinds.Mean(name="activity")

    def call(self, x: Any) -> Any:
        self.mean.update_state(x)
        return x


class CountingLate(Counting):
    """A layer that has its metric when it is built."""

    def __init__(self) -> None:
        keras.layers.Layer.__init__(self)

    def build(self, shape: Any) -> None:
        self.mean = kinds.Mean(name="activity")
        self.built = True


class Subclassed(keras.Model):  # type: ignore[misc]  # Keras has no types
    def __init__(self) -> None:
        super().__init__()
        self.dense = keras.layers.Dense(1, activation="sigmoid")

    def call(self, x: Any) -> Any:
        return self.dense(x)


class OwnStep(Subclassed):
    def train_step(self, data: Any) -> Any:
        super().train_step(data)
        return {"mine": 1.0}


class OwnMetrics(Subclassed):
    def compute_metrics(self, *arguments: Any, **named: Any) -> Any:
        return {**super().compute_metrics(*arguments, **named), "mine": 1.0}


class OwnResults(Subclassed):
    def get_metrics_result(self) -> Any:
        return {**super().get_metrics_result(), "mine": 1.0}


def with_metric_in_layer() -> Any:
    return keras.Sequential([keras.layers.Input((4,)), Counting(), keras.layers.Dense(1, activation="sigmoid")])


MODELS: dict[str, tuple[Callable[[], Any], bool, bool]] = {
    "not built": (lambda: keras.Sequential([keras.layers.Dense(1, activation="sigmoid")]), True, True),
    "with a metric in a layer": (with_metric_in_layer, True, True),
    "with a metric in a layer to come": (
        lambda: keras.Sequential([CountingLate(), keras.layers.Dense(1)]),
        False,
        True,
    ),
    "subclassed": (Subclassed, False, True),
    "with an own train_step": (OwnStep, False, False),
    "with own metrics": (OwnMetrics, False, False),
    "with own results": (OwnResults, False, False),
}


@pytest.mark.parametrize(("make", "before", "after"), MODELS.values(), ids=MODELS)
def test_the_keys_of_a_model_that_reports_its_own_are_not_known(
    make: Callable[[], Any], before: bool, after: bool
) -> None:
    model = make()
    compiled(model, metrics=["mse"])
    first = watched(model)
    assert first.at_begin == (first.keys if before else None)
    assert first.at_end == watched(model).at_begin == (first.keys if after else None)


def test_a_train_step_that_was_set_on_the_object_is_the_models_own() -> None:
    model = one_output()
    compiled(model)
    step = model.train_step
    model.train_step = lambda data: {**step(data), "mine": 1.0}
    assert watched(model).at_begin is None


def test_a_model_that_is_not_compiled_has_no_keys() -> None:
    watch = Watch()
    watch.set_model(one_output())
    assert adapt(watch).log_keys() is None


def test_under_a_strategy_the_keys_are_known_too(make_strategy: Callable[..., Any]) -> None:
    with make_strategy().scope():
        model = two_outputs()
        metrics = [["mse"], ["acc", kinds.AUC(name="auc")]]
        compiled(model, metrics=metrics, run_eagerly=False, jit_compile=False)
    watch = watched(model, [Y, Y])
    assert watch.at_begin == watch.at_end == watch.keys
    assert watch.directions["b_auc"] == "max"


def test_a_model_in_a_model_reports_the_outer_ones_metrics_alone() -> None:
    inner = one_output()
    compiled(inner, metrics=["mae"])
    model = keras.Sequential([keras.layers.Input((4,)), inner])
    compiled(model, metrics=["mse"])
    watch = watched(model)
    assert watch.at_begin == watch.keys == frozenset(["loss", "mse"])


# Directions

UP = """AUC Accuracy BinaryAccuracy BinaryIoU CategoricalAccuracy ConcordanceCorrelation CosineSimilarity F1Score
    FBetaScore IoU MeanIoU OneHotIoU OneHotMeanIoU PearsonCorrelation Precision PrecisionAtRecall R2Score Recall
    RecallAtPrecision SensitivityAtSpecificity SparseCategoricalAccuracy SparseTopKCategoricalAccuracy
    SpecificityAtSensitivity
    TopKCategoricalAccuracy"""
DOWN = """BinaryCrossentropy CategoricalCrossentropy CategoricalHinge Hinge KLDivergence LogCoshError MeanAbsoluteError
    MeanAbsolutePercentageError MeanSquaredError MeanSquaredLogarithmicError Poisson RootMeanSquaredError
    SparseCategoricalCrossentropy SquaredHinge"""
UNKNOWN = "FalseNegatives FalsePositives Mean MeanMetricWrapper Metric Sum TrueNegatives TruePositives"
NEEDED: dict[str, dict[str, Any]] = {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "BinaryIoU": {"target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


def test_all_of_keras_metrics_are_looked_at() -> None:
    found = {name for name, kind in vars(kinds).items() if isinstance(kind, type) and issubclass(kind, kinds.Metric)}
    assert found == {*UP.split(), *DOWN.split(), *UNKNOWN.split()}


@pytest.mark.parametrize(
    ("name", "direction"), [*((name, "max") for name in UP.split()), *((name, "min") for name in DOWN.split())]
)
def test_every_metric_of_keras_that_has_a_direction_is_read_in_it(name: str, direction: str) -> None:
    model = one_output()
    compiled(model, metrics=[getattr(kinds, name)(**NEEDED.get(name, {}), name="odd")])
    watch = Watch()
    watch.set_model(model)
    assert adapt(watch).direction_of("odd") == direction
    model._compile_metrics.build(Y, Y)
    assert adapt(watch).direction_of("odd") == direction


@pytest.mark.parametrize("name", ["FalseNegatives", "TruePositives"])
def test_a_metric_of_keras_without_a_direction_has_none(name: str) -> None:
    model = one_output()
    compiled(model, metrics=[getattr(kinds, name)(name="odd")])
    assert watched(model).directions == {"loss": "min", "odd": None}


def test_functions_of_keras_have_their_direction_and_others_one_by_name() -> None:
    def my_accuracy(y_true: Any, y_pred: Any) -> Any:
        return gap(y_true, y_pred)

    model = one_output()
    losses = keras.losses
    compiled(
        model,
        metrics=["mse", kinds.binary_accuracy, losses.poisson, losses.cosine_similarity, gap, my_accuracy],
    )
    expected = {
        "loss": "min",
        "mse": "min",
        "binary_accuracy": "max",
        "poisson": "min",
        "cosine_similarity": "min",
        "gap": None,
        "my_accuracy": "max",
    }
    watch = Watch()
    watch.set_model(model)
    assert {key: adapt(watch).direction_of(key) for key in expected} == expected
    assert watched(model).directions == expected


def test_metrics_of_one_name_have_each_its_own_direction() -> None:
    model = one_output()
    compiled(
        model,
        metrics=[kinds.Precision(name="x"), kinds.MeanSquaredError(name="x")],
        weighted_metrics=[kinds.AUC(name="x"), kinds.MeanAbsoluteError(name="x"), kinds.Recall(name="y_1")],
    )
    assert watched(model).directions == {
        "loss": "min",
        "x": "max",
        "x_1": "min",
        "weighted_x": "max",
        "weighted_x_1": "min",
        "y_1": "max",
    }


def test_metrics_of_several_outputs_have_their_direction() -> None:
    model = two_outputs()
    compiled(
        model,
        metrics=[[kinds.AUC(name="auc_1"), "mse"], [kinds.MeanSquaredError(name="a_auc"), Steps()]],
    )
    assert watched(model, [Y, Y]).directions == {
        "loss": "min",
        "a_loss": "min",
        "b_loss": "min",
        "a_auc_1": "max",
        "a_mse": "min",
        "b_a_auc": "min",
        "b_steps": None,
    }


def test_a_key_that_the_model_does_not_report_has_no_direction_but_for_a_loss() -> None:
    model = one_output()
    compiled(model, metrics=["accuracy"])
    watch = watched(model)
    adapter = adapt(watch)
    assert adapter.direction_of("accuracy") == "max"
    assert adapter.direction_of("acc") is None
    assert adapter.direction_of("other_loss") == "min"


def test_of_a_train_step_of_its_own_only_names_can_tell() -> None:
    model = OwnStep()
    compiled(model, metrics=["mse"])
    adapter = adapt(watched(model))
    assert [adapter.direction_of(key) for key in ("mine", "my_acc", "val_error")] == [None, "max", "min"]
