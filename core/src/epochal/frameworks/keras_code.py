"""What the classes of a Keras model, of its layers and metrics, change in what a training reports."""

from __future__ import annotations

import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from .packages import KERAS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def changes_training(model: Any) -> bool:
    """Return whether a model has something of its own in the place of what Keras's training consists of."""
    trainers = [kind for kind in sys.modules["keras"].Model.__mro__ if "trainer" in kind.__module__]
    parts = {name: part for kind in trainers for name, part in vars(kind).items() if not name.startswith("__")}
    if any(name in parts for kind in _own_classes(model) for name in vars(kind)):
        return True
    return any(callable(part) and callable(vars(model).get(name)) for name, part in parts.items())


def mentions(things: Iterable[Any], word: str) -> bool:
    """Return whether the code of the classes of some objects, as far as they are not the framework's, has a word in it.

    Args:
        things: A model, its layers, its metrics.
        word: Part of a name or of a text.
    """
    for thing in things:
        for attributes in (*map(vars, _own_classes(thing)), vars(thing)):
            for function in _functions(attributes.values()):
                if any(word in text for text in _texts(function.__code__)):
                    return True
    return False


def is_own(thing: Any) -> bool:
    """Return whether an object's class is not the framework's."""
    return next(_own_classes(thing), None) is not None


def _own_classes(thing: Any) -> Iterator[type]:
    """Yield the classes of an object that are neither the framework's nor what those are made of."""
    kinds = type(thing).__mro__
    frameworks = [kind for kind in kinds if kind.__module__.partition(".")[0] in KERAS]
    for kind in kinds:
        if not any(issubclass(each, kind) for each in frameworks):
            yield kind


def _functions(values: Iterable[Any]) -> Iterator[FunctionType]:
    """Yield the functions among some attributes, also those behind properties, class methods and `tf.function`."""
    for value in list(values):
        held = (value, *(getattr(value, name, None) for name in ("fget", "__func__", "python_function", "__wrapped__")))
        for each in held:
            if isinstance(each, FunctionType) and each.__module__.partition(".")[0] not in KERAS:
                yield each


def _texts(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, str):
            yield constant
        elif isinstance(constant, tuple):
            yield from (each for each in constant if isinstance(each, str))
        elif isinstance(constant, CodeType):
            yield from _texts(constant)
