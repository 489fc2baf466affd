"""A folder of Orbax checkpoints, each in a subfolder that has its number."""

from __future__ import annotations

import contextlib
import logging
import os
from typing import TYPE_CHECKING, Any

from epochal import MissingDependencyError, RunError
from epochal.errors import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class CheckpointFolder:
    """Writes checkpoints, one at a time, and removes those that are no longer wanted.

    Orbax writes a checkpoint under another name and gives it its own when all of it is on the disk, so that a folder
    with a number for a name is a whole checkpoint. Later checkpoints have higher numbers: a number is never used again,
    because Orbax would remove the checkpoint that has it first, and takes the highest one for the latest. A folder that
    has a number for a name and is not a checkpoint is never removed, and does not count.

    Args:
        directory: The folder; it is made if it is missing.
        max_to_keep: How many checkpoints to keep; None: all.

    Raises:
        MissingDependencyError: Orbax is not installed.
        RunError: Several JAX processes train together.
        OSError: The folder cannot be made, or there is a file of its name.
    """

    def __init__(self, directory: str, max_to_keep: int | None) -> None:
        if os.path.exists(directory) and not os.path.isdir(directory):
            raise NotADirectoryError(f"{directory} is a file, and a folder of checkpoints is to be there")
        training = _orbax_training()
        policies = training.preservation_policies
        keep = policies.PreserveAll() if max_to_keep is None else _Latest(max_to_keep, _other_folders(directory))
        self._checkpointer: Any = training.Checkpointer(directory, preservation_policy=keep)
        self._directory = directory
        latest = self._checkpointer.latest
        self._last: int | None = None if latest is None else latest.step
        self._response: Any = None
        self._is_broken = False
        _LOGGER.addFilter(_is_worth_a_line)

    def free(self, number: int) -> int:
        """Return a number that a checkpoint can have: this one, or the next if it or a higher one is taken."""
        return number if self._last is None else max(number, self._last + 1)

    def save(self, number: int, content: Mapping[str, Any]) -> None:
        """Begin to write a checkpoint. The content is copied before this returns; the writing goes on.

        Args:
            number: Its number, a free one.
            content: Name to nested dicts of arrays, numbers and text.

        Raises:
            RunError: It cannot be written, or the one before it could not.
        """
        self.wait()
        self._last = number
        try:
            self._response = self._checkpointer.save_checkpointables_async(number, dict(content), force=True)
        except Exception as error:  # whatever Orbax and the file system raise
            raise self._failed(error) from error

    def wait(self) -> None:
        """Wait until the last checkpoint is on the disk.

        Raises:
            RunError: It could not be written.
        """
        response, self._response = self._response, None
        if response is None:
            return
        try:
            response.result()
        except Exception as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Wait, and let go of the folder.

        Raises:
            RunError: The last checkpoint could not be written.
        """
        try:
            self.wait()
        finally:
            _LOGGER.removeFilter(_is_worth_a_line)
            # After an error Orbax raises the same again.
            with contextlib.suppress(*[Exception] if self._is_broken else []):
                self._checkpointer.close()

    def _failed(self, error: Exception) -> RunError:
        self._is_broken = True
        return RunError(
            f"checkpoint {self._last} could not be written to {self._directory}: {one_line(error)}. "
            "Those before it are as they were."
        )


class _Latest:
    """Tells Orbax which checkpoints to keep. Its own LatestN takes every folder with a number for a checkpoint.

    Args:
        count: How many, the latest.
        others: The numbers of folders that are not checkpoints.
    """

    def __init__(self, count: int, others: frozenset[int]) -> None:
        self._count = count
        self._others = others

    def should_preserve(self, checkpoints: Sequence[Any], *, context: Any) -> list[bool]:
        """Return for each checkpoint, oldest first, whether it is kept."""
        steps = [checkpoint.step for checkpoint in checkpoints]
        latest = [step for step in steps if step not in self._others][-self._count :]
        return [step in latest or step in self._others for step in steps]


def _other_folders(directory: str) -> frozenset[int]:
    """Return the numbers of folders that Orbax did not write: those of runs, for example, "runs/1" and "runs/2"."""
    with contextlib.suppress(OSError):  # the folder is not there yet, or at an address
        return frozenset(
            int(name)
            for name in os.listdir(directory)
            if name.isdecimal() and not os.path.exists(os.path.join(directory, name, "_CHECKPOINT_METADATA"))
        )
    return frozenset()


_LOGGER = logging.getLogger("absl")


def _is_worth_a_line(record: logging.LogRecord) -> bool:
    """Leave out what Orbax warns of at every save: that the model's config, which is text, has no arrays."""
    return not str(record.msg).startswith("[process=%s][thread=%s] Skipping merge of OCDBT checkpoints")


def _orbax_training() -> Any:
    """Import Orbax, and with it JAX, which takes seconds."""
    try:
        import jax
        import orbax.checkpoint
    except ImportError as error:
        raise MissingDependencyError(
            f"OrbaxCheckpoint needs Orbax, which cannot be imported ({one_line(error)}). "
            "Run `pip install orbax-checkpoint`."
        ) from error
    if jax.process_count() > 1:
        raise RunError(
            f"OrbaxCheckpoint saves what one process holds, and {jax.process_count()} JAX processes train together. "
            "Use keras.callbacks.OrbaxCheckpoint there."
        )
    return orbax.checkpoint.v1.training
