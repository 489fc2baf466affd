"""A fit of Keras in which no epochal run is: the list of callbacks that Keras made for it, found on the stack."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def calling_list(callback: Any) -> Any:
    """Find the list that is calling the callback; None if something else is."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        frame = frame.f_back
        owner = frame.f_locals.get("self")
        listed = getattr(owner, "callbacks", None)
        if isinstance(listed, list) and any(each is callback for each in listed):
            return owner
    return None


def silence_others(callbacks: Any, own: Any) -> None:
    """Silence Keras's own progress bar, which it adds to every fit; it listens to `verbose` again at the next call."""
    for other in getattr(callbacks, "callbacks", ()):
        if other is not own and any(kind.__name__ == "ProgbarLogger" for kind in type(other).__mro__):
            other.verbose = 0


def make_is_left(callbacks: Any) -> Callable[[], bool]:
    """Make the function that tells whether the fit of a list of callbacks was left, by an exception for example."""
    if callbacks is None:
        return lambda: False
    reference = weakref.ref(callbacks)

    def is_left() -> bool:
        owner = reference()
        frame = sys._getframe(1)
        while owner is not None and frame is not None:
            if frame.f_locals.get("self") is owner:
                return False
            frame = frame.f_back  # type: ignore[assignment]
        return True

    return is_left
