"""The parameters of TensorBoard and its state, each declared with what it takes."""

from __future__ import annotations

import math
import os
from fractions import Fraction
from typing import Any

from epochal import Callback
from epochal.arguments import Argument, Count, FilePath, State, Switch, Whole

from .folders import TRAIN, VALIDATION, joined
from .profile import batch_range


class LogDir(FilePath):
    """A folder, or its address. What is not a path is its text, as in Keras."""

    def check(self, value: Any) -> str:
        """Return the path."""
        return super().check(value) if isinstance(value, (str, bytes, os.PathLike)) else str(value)

    def remark(self, value: Any) -> str:
        """Warn of what is not a path."""
        return (
            "" if isinstance(value, (str, bytes, os.PathLike)) else f"is not a path, and the folder is {str(value)!r}"
        )


class Every(Count):
    """Every so many epochs; 0 and None: never."""

    def check(self, value: Any) -> float:
        """Return the number."""
        return 0 if value is None else super().check(value)


class UpdateFrequency(Argument[str | float]):
    """When the values of a batch are written."""

    def check(self, value: Any) -> str | float:
        """Return "epoch", or a number of batches."""
        if isinstance(value, str):
            if value not in ("epoch", "batch"):
                raise ValueError("has to be 'epoch', 'batch' or a number of batches")
            return 1 if value == "batch" else value
        number = Count().check(value)
        if not number:
            raise ValueError("has to be 'epoch', 'batch' or a number of batches other than 0")
        return number


class ProfileBatch(Argument[Any]):
    """The batches to profile."""

    def check(self, value: Any) -> Any:
        """Return them as they are given."""
        batch_range(value)
        return tuple(value) if isinstance(value, list) else value


class Metadata(Argument[Any]):
    """The files with labels for embeddings. As in Keras nothing of it matters where no embeddings are written."""

    def check(self, value: Any) -> Any:
        """Return what is given; of a mapping a copy, so that the caller's stays as it is."""
        return dict(value) if hasattr(value, "items") else value


class Parameters(Callback):
    """The parameters of TensorBoard, and what follows from them whenever they are set."""

    log_dir = LogDir()
    histogram_freq = Every()
    write_graph = Switch()
    write_images = Switch()
    write_steps_per_second = Switch()
    update_freq = UpdateFrequency()
    profile_batch = ProfileBatch()
    embeddings_freq = Every()
    embeddings_metadata = Metadata()

    train_steps = State(Whole(least=0))
    test_steps = State(Whole(least=0))

    _every = 0  # of how many batches one is written; 0: none
    _profiled: tuple[int, int] | None = None
    _counts = False  # whether anything depends on the batches

    @log_dir.then
    def _follow_log_dir(self) -> None:
        self.writes = (joined(self.log_dir, TRAIN), joined(self.log_dir, VALIDATION))

    @write_steps_per_second.then
    @update_freq.then
    @profile_batch.then
    def _follow_batches(self) -> None:
        if not {"write_steps_per_second", "update_freq", "profile_batch"} <= vars(self).keys():
            return  # the constructor has not set them all
        frequency = self.update_freq
        if isinstance(frequency, str) or math.isinf(frequency):
            self._every = 0
        else:  # Keras writes the steps that it divides without a rest: of 1.5 every third
            self._every = abs(Fraction(frequency).numerator)
        self._profiled = batch_range(self.profile_batch)
        self._counts = bool(self._every or self.write_steps_per_second or self._profiled)

    def check_metadata(self) -> None:
        """Check `embeddings_metadata`, if embeddings are written.

        Raises:
            TypeError: It is neither a path nor a mapping of layers to paths.
        """
        given = self.embeddings_metadata
        if not self.embeddings_freq or given is None or isinstance(given, (str, os.PathLike)):
            return
        if not isinstance(given, dict):
            raise TypeError(
                f"TensorBoard: embeddings_metadata={given!r} has to be a path, or a mapping of layers to paths"
            )
        for layer, path in given.items():
            if not isinstance(layer, str) or not isinstance(path, (str, os.PathLike)):
                raise TypeError(f"TensorBoard: embeddings_metadata has {layer!r}: {path!r}, and not a layer and a path")
