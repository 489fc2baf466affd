"""Keras as the host of a script that knows nothing of epochal: each `fit`, `evaluate` and `predict` in it is a run.

Keras is not imported here. Once the script imports it, the three methods of `keras.Model` are replaced; a model's own
`fit` that calls that of its base class is driven there, and sees the callbacks that it was given.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

from ..frameworks.packages import KERAS
from ..hosts.keras import drive, is_callback_list
from ..hosts.stand_in import is_stand_in
from ..warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

STAGES = {"fit": "train", "evaluate": "test", "predict": "predict"}


def warn_not_driven(package: str) -> None:
    """Warn that the models of a package are left alone."""
    warn_user(
        f"the models of {package} are not driven by `epochal run`: what they do goes on without epochal. Single "
        "callbacks work there: model.fit(callbacks=[…])."
    )


def drive_keras(not_driven: Callable[[str], None] = warn_not_driven) -> None:
    """Drive every Keras model of this process, whether Keras is imported already or will be.

    What it changes stays: the threads and the exit functions of a script may use models after its end.

    Args:
        not_driven: Called with the name of a package whose models cannot be driven when one of them is first used.
    """
    told = functools.cache(not_driven)
    sys.meta_path.insert(0, _Finder(told))
    for name in KERAS:
        if name in sys.modules:
            _patch(sys.modules[name], told)


class _Finder:
    """Finds Keras as the other finders do, and acts when it has been executed; to find it may not be to import it."""

    def __init__(self, not_driven: Callable[[str], None]) -> None:
        self._not_driven = not_driven

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in KERAS:
            return None
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)  # Python 3.10 and 3.11 allow finders without it
            spec: ModuleSpec | None = find(name, path, target) if find is not None and finder is not self else None
            if spec is not None:
                _after_execution(spec, lambda module: _patch(module, self._not_driven))
                return spec
        return None


def _after_execution(spec: ModuleSpec, act: Callable[[ModuleType], None]) -> None:
    loader: Any = spec.loader
    execute = getattr(loader, "exec_module", None)
    if execute is None:  # a folder of that name, without a module
        return

    def exec_module(module: ModuleType) -> None:
        execute(module)
        act(module)

    loader.exec_module = exec_module


def _patch(module: ModuleType, not_driven: Callable[[str], None]) -> None:
    model = getattr(module, "Model", None)
    if not all(hasattr(model, name) for name in STAGES):  # another package of that name
        return
    version = str(getattr(module, "__version__", ""))
    is_keras_3 = module.__name__ == "keras" and not version.startswith("2.")
    for name, stage in STAGES.items():
        original = getattr(model, name)
        method = _driven(original, stage) if is_keras_3 else _told(original, module.__name__, not_driven)
        setattr(model, name, functools.wraps(original)(method))


def _driven(original: Callable[..., Any], stage: str) -> Callable[..., Any]:
    """Return the method that calls the original as a run."""
    signature = inspect.signature(original)

    def method(model: Any, /, *args: Any, **kwargs: Any) -> Any:
        try:
            call = signature.bind(model, *args, **kwargs)
        except TypeError:
            return original(model, *args, **kwargs)  # it raises an error of its own
        given = call.arguments.get("callbacks")
        if _has_a_driver(given, stage):
            return original(model, *args, **kwargs)

        def with_callbacks(*, callbacks: Any) -> Any:
            call.arguments["callbacks"] = callbacks
            return original(*call.args, **call.kwargs)

        return drive(model, with_callbacks, stage, given, {})

    return method


def _has_a_driver(given: Any, stage: str) -> bool:
    """Return whether callbacks are driven already: by an epochal run, or by a fit of the script that validates."""
    if isinstance(given, (list, tuple)):
        return any(_has_a_driver(each, stage) for each in given)
    if is_stand_in(given):
        return True
    return is_callback_list(given) and (stage != "train" or _has_a_driver(given.callbacks, stage))


def _told(original: Callable[..., Any], package: str, not_driven: Callable[[str], None]) -> Callable[..., Any]:
    """Make the method that calls the original, and tells that it is not driven."""

    def method(*args: Any, **kwargs: Any) -> Any:
        not_driven(package)
        return original(*args, **kwargs)

    return method
