"""Keras as the host of a script that knows nothing of epochal: each `fit`, `evaluate` and `predict` in it is a run.

Keras is not imported here. Once the script imports it, the three methods of `keras.Model` are replaced; a model's own
`fit` that calls that of its base class is driven there, and sees the callbacks that it was given.
"""

from __future__ import annotations

import functools
import inspect
import sys
from typing import TYPE_CHECKING, Any

from ..warn import warn_user
from .keras import drive, is_callback_list

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.machinery import ModuleSpec
    from types import ModuleType

STAGES = {"fit": "train", "evaluate": "test", "predict": "predict"}
_NOT_DRIVEN = (
    "{} are not driven by `epochal run`: what they do goes on without epochal. Single callbacks work there: "
    "model.fit(callbacks=[…])."
)


def drive_keras() -> None:
    """Have every Keras model of this process driven, whether Keras is imported already or will be.

    What it changes stays: the threads and the exit functions of a script may use models after its end.
    """
    sys.meta_path.insert(0, _Finder())
    for name in _PATCHES:
        if name in sys.modules:
            _PATCHES[name](sys.modules[name])


class _Finder:
    """Finds Keras as the other finders do, and acts when it has been executed; to find it may not be to import it."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in _PATCHES:
            return None
        for finder in sys.meta_path:
            spec = finder.find_spec(name, path, target) if finder is not self else None
            if spec is not None:
                _after_execution(spec, _PATCHES[name])
                return spec
        return None


def _after_execution(spec: ModuleSpec, act: Callable[[ModuleType], None]) -> None:
    loader: Any = spec.loader
    execute = loader.exec_module

    def exec_module(module: ModuleType) -> None:
        execute(module)
        act(module)

    loader.exec_module = exec_module


def _patch_keras(module: ModuleType) -> None:
    if str(getattr(module, "__version__", "3")).startswith("2."):
        _patch_legacy(module)
    else:
        _replace_methods(module, _driven)


def _patch_legacy(module: ModuleType) -> None:
    _replace_methods(module, functools.partial(_not_driven, _NotDriven(module.__name__)))


_PATCHES = {"keras": _patch_keras, "tf_keras": _patch_legacy}


def _replace_methods(module: ModuleType, replacement: Callable[[Callable[..., Any], str], Callable[..., Any]]) -> None:
    model = getattr(module, "Model", None)
    if model is None or hasattr(model.fit, "epochal_original"):  # a package of that name, or Keras executed again
        return
    for name, stage in STAGES.items():
        original = getattr(model, name)
        method = functools.wraps(original)(replacement(original, stage))
        method.epochal_original = original  # type: ignore[attr-defined]
        setattr(model, name, method)


def _driven(original: Callable[..., Any], stage: str) -> Callable[..., Any]:
    """Make the method that calls the original as a run."""
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
    """Tell whether callbacks are driven already: by a run of ours, or by a fit of the script's own that validates."""
    if isinstance(given, (list, tuple)):
        return any(_has_a_driver(each, stage) for each in given)
    if hasattr(given, "epochal_driven"):
        return True
    return is_callback_list(given) and (stage != "train" or _has_a_driver(given.callbacks, stage))


class _NotDriven:
    """Says once that the models of a package are not driven."""

    def __init__(self, package: str) -> None:
        self._message = _NOT_DRIVEN.format(f"The models of {package}")
        self._said = False

    def __call__(self) -> None:
        if not self._said:
            self._said = True
            warn_user(self._message)


def _not_driven(say: _NotDriven, original: Callable[..., Any], _stage: str) -> Callable[..., Any]:
    def method(*args: Any, **kwargs: Any) -> Any:
        say()
        return original(*args, **kwargs)

    return method
