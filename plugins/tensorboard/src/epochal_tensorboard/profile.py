"""Profiling some of the batches."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epochal.arguments import Whole
from epochal.errors import one_line
from epochal.paths import is_remote
from epochal.warn import warn_user

from .folders import copy_tree

if TYPE_CHECKING:
    from epochal.frameworks import ModelAdapter


def batch_range(given: Any) -> tuple[int, int] | None:
    """Read the parameter `profile_batch`: a batch, a pair, or either as text, `"10,20"`.

    Returns:
        The first and the last; None: no batch, as for None, 0, and a pair that begins with the batch 0, which never
        comes.

    Raises:
        TypeError, ValueError: It is something else. The message says what it has to be.
    """
    if given is None:
        return None
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, (tuple, list)) else (given,)
    if isinstance(given, str):
        try:
            parts = [int(part) for part in parts]
        except ValueError:
            raise ValueError("has to be one or two numbers, '10,20' for example") from None
    batches = [Whole(least=0).check(part) for part in parts]
    if len(batches) not in (1, 2):
        raise ValueError("has to be a batch, or a pair of the first and the last")
    first, last = batches[0], batches[-1]
    if last < first:
        raise ValueError("has to end with the batch that it begins with, or a later one")
    return (first, last) if first else None


class Profile:
    """Records where the time goes, from one batch to another. What fails in it is said, and training goes on.

    Args:
        first, last: The batches, counted from 1.
        folder: Where the recording goes. To an address it is copied when it is complete.
    """

    def __init__(self, first: int, last: int, folder: str) -> None:
        self._first = first
        self._last = last
        self._folder = folder
        self._recording = ExitStack()
        self._batch = ExitStack()
        self._is_recording = False
        self._is_over = False

    def begin_batch(self, step: int, adapter: ModelAdapter) -> None:
        """Begin to record, if it is time.

        Args:
            step: The batch, or the first of several.
            adapter: Knows the profiler.
        """
        if self._is_over or step < self._first:
            return
        try:
            if not self._is_recording:
                adapter.start_profiler(self._place())
                self._is_recording = True
                self._recording.callback(adapter.stop_profiler)
            self._batch.enter_context(adapter.profiled_step(step))
        except Exception as error:
            self._failed("begin", error)

    def _place(self) -> str:
        """Return the folder that a profiler records to; not every profiler writes to an address."""
        if not is_remote(self._folder):
            return self._folder
        place = self._recording.enter_context(tempfile.TemporaryDirectory(prefix="epochal-profile-"))
        self._recording.callback(copy_tree, Path(place), self._folder)
        return place

    def end_batch(self, step: int) -> bool:
        """Stop recording, if it is time; tells whether something was recorded and is complete now.

        Args:
            step: The batch that ended.
        """
        if self._is_over or not self._is_recording:
            return False
        self._batch.close()
        return step >= self._last and self.stop()

    def stop(self) -> bool:
        """Stop recording; tells whether something was recorded."""
        was_recording, self._is_recording = self._is_recording, False
        self._is_over = self._is_over or was_recording
        try:
            self._batch.close()
            self._recording.close()
        except Exception as error:
            self._failed("end", error)
            return False
        return was_recording

    def _failed(self, what: str, error: Exception) -> None:
        self._is_over = True
        warn_user(f"TensorBoard: the profiler could not {what}, and training goes on without it. {one_line(error)}")
