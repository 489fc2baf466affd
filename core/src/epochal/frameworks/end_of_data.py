"""Errors of a callback that a framework would take for the end of its data."""

from __future__ import annotations

from ..errors import one_line
from ..hookspecs import BATCH_EVENTS


def ends_the_data(error: BaseException, event: str) -> bool:
    """Return whether training would end at an error as if the data had.

    Python and Keras end an iteration where a StopIteration leaves it; TensorFlow's loop over the batches ends at an
    OutOfRangeError as well.

    Args:
        error: What a callback raised.
        event: The event in which it did.
    """
    kinds = type(error).__mro__
    return isinstance(error, StopIteration) or (
        event in BATCH_EVENTS
        and any(kind.__name__ == "OutOfRangeError" and kind.__module__.startswith("tensorflow.") for kind in kinds)
    )


def as_error(error: BaseException, place: str) -> RuntimeError:
    """Return what leaves an event in the place of an error that ends the data, as of a generator (PEP 479).

    Args:
        error: The error.
        place: The callback and the event.
    """
    # The message says it all, because Keras drops the cause of what leaves its `fit`.
    raised = RuntimeError(f"{place} raised {one_line(error)}").with_traceback(error.__traceback__)
    raised.__cause__ = error
    return raised
