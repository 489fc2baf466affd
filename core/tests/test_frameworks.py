"""Which adapter a callback's model gets; the adapters of the frameworks are tried with the frameworks themselves."""

from __future__ import annotations

import inspect
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import epochal
from epochal import Callback, Run, RunError
from epochal.frameworks import ModelAdapter, adapt
from epochal.frameworks.base import direction_by_name
from epochal.frameworks.keras import KerasAdapter
from epochal.frameworks.tf_keras import TfKerasAdapter
from epochal.testing import FakeModel
from epochal.testing.model import FakeAdapter


def of_package(module: str, *bases: type) -> Any:
    """Make an object of a class that a module defines."""
    return type("Thing", bases, {"__module__": module})()


def adapted(model: Any, optimizer: Any = None) -> ModelAdapter:
    callback = Callback()
    callback.set_model(model)
    if optimizer is not None:
        callback.run = Run(model, "train")
        callback.run.optimizer = optimizer
    return adapt(callback)


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        (of_package("keras.src.models.sequential"), KerasAdapter),
        (of_package("keras"), KerasAdapter),
        (of_package("tf_keras.src.engine.training"), TfKerasAdapter),
        (of_package("train", type(of_package("keras.src.models.model"))), KerasAdapter),
        (of_package("train", type(of_package("tf_keras.src.engine.training"))), TfKerasAdapter),
        (of_package("keras_hub.src.models"), ModelAdapter),
        (of_package("torch.nn.modules.module"), ModelAdapter),
        (object(), ModelAdapter),
        (FakeModel(), FakeAdapter),
    ],
    ids=lambda case: getattr(case, "__name__", "") or type(case).__module__,
)
def test_the_package_of_a_models_class_or_of_a_base_tells_its_adapter(model: Any, kind: type[ModelAdapter]) -> None:
    adapter = adapted(model)
    assert type(adapter) is kind
    assert adapter.model is model
    assert adapter.optimizer is None


def test_without_a_model_there_is_no_adapter() -> None:
    with pytest.raises(RunError, match=r"^Callback has no model before its run begins$"):
        adapt(Callback())


def test_the_optimizer_is_that_of_the_loop_or_else_the_models() -> None:
    model, given = SimpleNamespace(optimizer="its own"), object()
    assert adapted(model).optimizer == "its own"
    assert adapted(model, given).optimizer is given
    callback = Callback()
    callback.set_model(model)
    callback.run = Run(model, "train")
    assert adapt(callback).optimizer == "its own"


def test_an_optimizer_of_keras_makes_the_adapter_keras_also_with_a_model_of_nobody() -> None:
    model = object()
    assert type(adapted(model, of_package("keras.src.optimizers"))) is KerasAdapter
    assert type(adapted(model, of_package("tf_keras.src.optimizers"))) is TfKerasAdapter
    assert type(adapted(model, of_package("torch.optim"))) is ModelAdapter


def test_a_model_may_bring_an_adapter_of_its_own() -> None:
    class Mine(ModelAdapter):
        def direction_of(self, metric: str) -> str | None:
            return "max"

    class Model:
        optimizer = "its own"

        def __epochal_adapter__(self, optimizer: Any) -> ModelAdapter:
            return Mine(self, optimizer)

    adapter = adapted(Model())
    assert type(adapter) is Mine
    assert adapter.optimizer == "its own"
    assert adapted(Model(), "the loop's").optimizer == "the loop's"
    assert adapter.direction_of("loss") == "max"


# What is known of a model of nobody


def test_what_only_tells_something_tells_that_nothing_is_known() -> None:
    adapter = ModelAdapter(object(), None)
    assert adapter.log_keys() is None
    assert adapter.iterations is None
    assert adapter.learning_rates() == {}
    assert adapter.embeddings() == {}
    assert adapter.architecture() is None
    assert adapter.train_graph() is None
    assert adapter.config() is None
    assert adapter.assets() == {}
    assert adapter.channels_last is True


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("set_learning_rate", ("learning_rate", 0.1)),
        ("check_learning_rate", ("Mine",)),
        ("get_weights", ()),
        ("set_weights", ([],)),
        ("named_weights", ()),
        ("check_averages", ()),
        ("has_averages", ()),
        ("swap_averages", ()),
        ("settle_averages", ()),
        ("save", ("path",)),
        ("save_weights", ("path",)),
        ("state_tree", ()),
        ("start_profiler", ("folder",)),
        ("stop_profiler", ()),
    ],
)
def test_what_would_do_something_is_a_clear_error(method: str, arguments: tuple[Any, ...]) -> None:
    message = (
        r"^.* is not known for a model of type builtins\.object\. It is for Keras models; any other brings its own"
    )
    with pytest.raises(RunError, match=message):
        getattr(ModelAdapter(object(), None), method)(*arguments)


@pytest.mark.parametrize("kind", [KerasAdapter, TfKerasAdapter, FakeAdapter])
def test_an_adapter_has_nothing_that_the_base_does_not_promise(kind: type[ModelAdapter]) -> None:
    public = {name for name in dir(kind) if not name.startswith("_")}
    assert public == {name for name in dir(ModelAdapter) if not name.startswith("_")}
    for name in public:
        theirs, ours = inspect.getattr_static(kind, name), inspect.getattr_static(ModelAdapter, name)
        if callable(ours):
            assert list(inspect.signature(theirs).parameters) == list(inspect.signature(ours).parameters), name
        else:
            assert isinstance(theirs, property), name


@pytest.mark.parametrize(
    ("metric", "direction"),
    [
        ("acc", "max"),
        ("accuracy", "max"),
        ("binary_accuracy", "max"),
        ("auc", "max"),
        ("loss", "min"),
        ("out_loss", "min"),
        ("mean_squared_error", "min"),
        ("mse", None),
        ("f1", None),
        ("accuracy_of_nothing", None),
        ("", None),
    ],
)
def test_some_names_leave_no_doubt_of_the_direction(metric: str, direction: str | None) -> None:
    assert direction_by_name(metric) == direction
    assert ModelAdapter(object(), None).direction_of(metric) == direction


def test_adapters_import_no_framework() -> None:
    script = "import sys, epochal.frameworks.keras, epochal.frameworks.tf_keras; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert not {"keras", "tf_keras", "tensorflow", "jax", "torch"} & set(done.stdout.split())
    assert epochal.__name__ in done.stdout
