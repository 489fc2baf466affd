"""Our classes in the place of Keras's, for the files of Keras's tests, and the proof that it was ours that ran."""

from __future__ import annotations

import builtins
import functools
import importlib
from collections import Counter
from contextlib import ExitStack
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from keras import config
from keras.src import callbacks as keras_callbacks

import epochal

from .monitor_callback import MonitorCallback

if TYPE_CHECKING:
    from collections.abc import Callable

SUBJECTS = {
    "backup_and_restore_test": "BackupAndRestore",
    "callback_test": "Callback",
    "csv_logger_test": "CSVLogger",
    "early_stopping_test": "EarlyStopping",
    "lambda_callback_test": "LambdaCallback",
    "learning_rate_scheduler_test": "LearningRateScheduler",
    "model_checkpoint_test": "ModelCheckpoint",
    "monitor_callback_test": "MonitorCallback",
    "orbax_checkpoint_test": "OrbaxCheckpoint",
    "reduce_lr_on_plateau_test": "ReduceLROnPlateau",
    "remote_monitor_test": "RemoteMonitor",
    "swap_ema_weights_test": "SwapEMAWeights",
    "tensorboard_test": "TensorBoard",
    "terminate_on_nan_test": "TerminateOnNaN",
}
"""The class that each of Keras's test files tests."""

_MODULES = {
    "BaseLogger": "epochal_base_logger",
    "CSVLogger": "epochal_csv_logger",
    "EarlyStopping": "epochal_early_stopping",
    "History": "epochal_history",
    "LambdaCallback": "epochal_lambda_callback",
    "LearningRateScheduler": "epochal_learning_rate_scheduler",
    "ModelCheckpoint": "epochal_model_checkpoint",
    "OrbaxCheckpoint": "epochal_orbax_checkpoint",
    "ProgbarLogger": "epochal_progbar_logger",
    "ReduceLROnPlateau": "epochal_reduce_lr_on_plateau",
    "RemoteMonitor": "epochal_remote_monitor",
    "SwapEMAWeights": "epochal_swap_ema_weights",
    "TensorBoard": "epochal_tensorboard",
    "TerminateOnNaN": "epochal_terminate_on_nan",
}
_MADE_BY_FIT = ("History", "ProgbarLogger")  # by Keras's own fit, next to ours


class Replacements:
    """The import of a file of Keras's tests that gives our classes, and counts what is made of them.

    Args:
        subject: The class that the file tests. Keras's `Callback` is replaced only where it is the subject: a test
            that writes a callback of its own may have it from Keras.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.made: Counter[str] = Counter()
        classes = {name: getattr(importlib.import_module(module), name) for name, module in _MODULES.items()}
        classes["MonitorCallback"] = MonitorCallback
        if subject == "Callback":
            classes["Callback"] = epochal.Callback
        self._classes = {name: self._counting(kind) for name, kind in classes.items()}

    def _counting(self, kind: Any) -> type:
        """Return a subclass that looks the same and counts its objects."""

        def __init__(this: Any, *arguments: Any, **keywords: Any) -> None:
            self.made[kind.__name__] += 1
            kind.__init__(this, *arguments, **keywords)

        names = {"__init__": __init__, "__module__": kind.__module__, "__doc__": kind.__doc__}
        return type(kind.__name__, (kind,), names)

    def __call__(self, name: str, scope: Any = None, local: Any = None, names: Any = (), level: int = 0) -> Any:
        """Import as `builtins.__import__` does it."""
        if name == "conftest":
            return keras_conftest()
        module = builtins.__import__(name, scope, local, names, level)
        if name.partition(".")[0] != "keras":
            return module
        if not names:
            raise ImportError(f"`import {name}` in a test of Keras would give Keras's own callbacks")
        return self._overlay(module)

    def _overlay(self, module: Any) -> Any:
        name = module.__name__.replace("keras.src", "keras")
        if name == "keras":
            return _Overlay(module, {"callbacks": self._overlay(keras_callbacks)})
        if name == "keras.callbacks" or name.startswith("keras.callbacks."):
            return _Overlay(module, self._classes)
        return module

    def checked(self, test: Callable[..., None]) -> Callable[..., None]:
        """Return a test that fails also where it made nothing of our class, or something of Keras's."""

        @functools.wraps(test)
        def checked(*arguments: Any, **keywords: Any) -> None:
            self.made.clear()
            with ExitStack() as patches:
                for name, kind in self._classes.items():
                    keras_kind = getattr(keras_callbacks, name, None)
                    if keras_kind is not None and name not in _MADE_BY_FIT and not issubclass(kind, keras_kind):
                        patches.enter_context(_forbidden(keras_kind))
                test(*arguments, **keywords)
            assert self.made[self.subject], f"the test made no {self.subject} of ours"

        return checked


class _Overlay:
    """A module of which some names are replaced."""

    def __init__(self, module: Any, replaced: dict[str, Any]) -> None:
        self._module = module
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._module, name)


def _forbidden(kind: type) -> Any:
    def __init__(self: Any, *arguments: Any, **keywords: Any) -> None:
        # A class of Keras that nobody replaces may be derived from one that is.
        if type(self) is kind:
            pytest.fail(f"the test made a {kind.__name__} of Keras's")
        original(self, *arguments, **keywords)

    original = kind.__init__  # type: ignore[misc]
    return mock.patch.object(kind, "__init__", __init__)


def keras_conftest() -> Any:
    """Return what Keras's tests import from Keras's own conftest, which is not in the wheel."""
    return SimpleNamespace(
        skip_if_backend=lambda name, reason: pytest.mark.skipif(config.backend() == name, reason=reason)
    )
