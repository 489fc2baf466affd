"""What Keras's callbacks get wrong and ours do not: one function a fault, run against both classes.

A function here states the right behaviour. It takes the class under test, named as the class, and fixtures. The tests
run it with our class, where it has to pass, and with Keras's, where it has to fail; the page "Keras behaviours we fix"
is written from it. So it has to be short and read well.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Behaviour:
    """A fault of a Keras callback.

    Attributes:
        callback: The callback's name, `early_stopping` for example.
        kind: The name of the class, ours and Keras's.
        title: The right behaviour, as a headline.
        keras: What Keras does instead, in a sentence or two.
        ours: What ours does, in a sentence or two.
        fails_with: What the function raises with Keras's class.
        keras_class: Where Keras's class is, "module:name".
        check: The function.
    """

    callback: str
    kind: str
    title: str
    keras: str
    ours: str
    fails_with: type[BaseException] | tuple[type[BaseException], ...]
    keras_class: str
    check: Callable[..., None]


BEHAVIOURS: list[Behaviour] = []


def behaviour(
    callback: str,
    title: str,
    *,
    keras: str,
    ours: str,
    fails_with: type[BaseException] | tuple[type[BaseException], ...] = AssertionError,
    keras_class: str | None = None,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Enter a function as the statement of a behaviour; its first parameter is named as the class under test."""

    def enter(check: Callable[..., Any]) -> Callable[..., Any]:
        kind = check.__code__.co_varnames[0]
        where = keras_class or f"keras.callbacks:{kind}"
        BEHAVIOURS.append(Behaviour(callback, kind, title, keras, ours, fails_with, where, check))
        return check

    return enter


def all_behaviours() -> list[Behaviour]:
    """Import every module here, and give what they entered, by callback."""
    for path in sorted(Path(__file__).parent.glob("[a-z]*.py")):
        if path.stem != "page":
            importlib.import_module(f".{path.stem}", __package__)
    return sorted(BEHAVIOURS, key=lambda behaviour: behaviour.callback)
