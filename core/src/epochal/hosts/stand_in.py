"""What hosts put into Keras's own list of callbacks in the place of ours."""

from __future__ import annotations

from typing import Any, Protocol, TypeGuard


class StandIn(Protocol):
    """An object in Keras's list that stands for epochal callbacks, and may drive their run.

    Attributes:
        epochal_driven: True; nothing else has this attribute, so it tells what is a stand-in without importing Keras.
    """

    epochal_driven: bool

    @property
    def has_run(self) -> bool:
        """Whether it drives a run, or has driven one."""

    def given(self) -> list[Any]:
        """Return the callbacks that it stands for, for a run where Keras does not own the call."""

    def end(self, error: BaseException | None) -> None:
        """End its run, if it has one; called by a host that knows that the call is over, and why."""


def is_stand_in(callback: Any) -> TypeGuard[StandIn]:
    """Return whether an object in a list of callbacks stands for some of ours."""
    return getattr(callback, "epochal_driven", None) is True
