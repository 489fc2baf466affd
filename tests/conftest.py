"""What the tests with real TensorFlow share. TensorFlow is imported once, for all of them."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

collect_ignore = ["others"]  # each needs an environment of its own: nox -s others

# Two devices, so that a strategy has two replicas; only possible before TensorFlow touches its devices.
_CPUS = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(_CPUS[0], [tf.config.LogicalDeviceConfiguration()] * 2)


@pytest.fixture(autouse=True, scope="module")
def _frozen_imports() -> None:
    """Freeze what the garbage collector finds before a file's tests.

    TensorFlow, JAX and the others are a million objects, and Keras collects garbage in every `clear_session`.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _clean_slate() -> None:
    """Start every test with fresh names and the same random numbers."""
    keras.backend.clear_session()
    keras.utils.set_random_seed(7)


@pytest.fixture(scope="session")
def data() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return 40 examples of 4 features, and labels that can be learned from them."""
    random = np.random.default_rng(3)
    x = random.normal(size=(40, 4)).astype("float32")
    return x, (x.sum(axis=1, keepdims=True) > 0).astype("float32")


@pytest.fixture
def make_model() -> Callable[..., Any]:
    """Return a function that makes the same small compiled model each time."""

    def make(**compile_arguments: Any) -> Any:
        keras.utils.set_random_seed(7)
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"], **compile_arguments)
        return model

    return make


@pytest.fixture
def model(make_model: Callable[..., Any]) -> Any:
    """Return a small compiled model."""
    return make_model()


@pytest.fixture
def make_strategy() -> Callable[..., Any]:
    """Return a function that makes a strategy of so many replicas.

    Two strategies in one process number their collective operations alike, and TensorFlow refuses all of them once the
    shapes of two differ. So these reduce without any.
    """

    def make(replicas: int = 2) -> Any:
        devices = [f"CPU:{number}" for number in range(replicas)]
        return tf.distribute.MirroredStrategy(devices, cross_device_ops=tf.distribute.ReductionToOneDevice())

    return make
