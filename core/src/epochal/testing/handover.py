"""The state of one callback given to another, as a backup and a restart would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..state import dump_state, parse_state

if TYPE_CHECKING:
    from ..callback import Callback


def transfer_state(source: Callback, target: Callback) -> dict[str, Any]:
    """Load the state of one callback into another, through the bytes of a file.

    Args:
        source: Where the state comes from.
        target: A new object, made with the same arguments; its next fit goes on where the other one was.

    Returns:
        The state.

    Raises:
        StateError: The state holds something else than JSON values and NumPy arrays, or the target does not take it.

    Example:
        >>> class Patience(Callback):
        ...     state_attributes = ("wait",)
        ...     wait = 0
        >>> old, new = Patience(), Patience()
        >>> old.wait = 2
        >>> transfer_state(old, new), new.wait
        ({'wait': 2}, 2)
    """
    state = parse_state(dump_state(source.state_dict()))
    target.load_state_dict(state)
    return state
