"""What two callbacks both write to or change, as far as they declare it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from ..paths import is_remote

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_Owner = TypeVar("_Owner")


def declared(callback: Any, name: str) -> tuple[Any, ...]:
    """Return what a callback declares, one name as a tuple of it; nothing if it is of a kind that declares nothing."""
    value = getattr(callback, name, None) or ()
    return (value,) if isinstance(value, (str, os.PathLike)) else value


def keras_paths(callback: Any) -> list[str]:
    """Return the paths that a callback of Keras's writes to, as far as its attributes have the names of Keras's own."""
    paths = (getattr(callback, name, None) for name in ("filepath", "filename"))
    return [path for path in paths if isinstance(path, str) and path]


def shared_paths(written: Iterable[tuple[_Owner, Iterable[Any]]]) -> Iterator[tuple[_Owner, _Owner, str]]:
    """Yield two that write to one path, and what is to be said of it.

    Args:
        written: Callbacks, or what stands for them, each with its paths.
    """
    writers: dict[str, _Owner] = {}
    for owner, paths in written:
        for path in paths:
            text = os.fspath(path)
            other = writers.setdefault(text if is_remote(text) else os.path.abspath(text), owner)
            if other is not owner:
                yield (
                    other,
                    owner,
                    f"both write to {text!r}, and the one that is later may destroy what the other wrote.",
                )


def shared_changes(changed: Iterable[tuple[_Owner, Iterable[str]]]) -> Iterator[tuple[_Owner, _Owner, str]]:
    """Yield two that change one thing, the learning rate for example, and what is to be said of it.

    Args:
        changed: Callbacks, or what stands for them, each with what it changes.
    """
    changers: dict[str, _Owner] = {}
    for owner, things in changed:
        for thing in things:
            other = changers.setdefault(thing, owner)
            if other is not owner:
                yield other, owner, f"both change {thing}, and the one that is later wins."
