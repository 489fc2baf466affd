"""What is open while a run writes for TensorBoard."""

from __future__ import annotations

import os
from contextlib import ExitStack, nullcontext, suppress
from typing import TYPE_CHECKING, Any

from epochal.warn import warn_user

from . import summaries
from .batches import Batches
from .event_file import new_event_file
from .folders import TRAIN
from .values import LogValues

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from epochal.frameworks import ModelAdapter
    from epochal.frameworks.summaries import SummaryChannel

    from .event_file import EventFile
    from .profile import Profile


class Session:
    """The event files of a run, each made when something is written to it, and what is still to be written.

    `close` brings everything to the files, whatever happened before.

    Args:
        folders: The folder of each file.
    """

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders
        self._process = os.getpid()
        self._files: dict[str, EventFile] = {}
        self._values = LogValues()
        self._channels: dict[str, SummaryChannel] = {}
        self._open_channels: dict[str, ExitStack] = {}
        self._has_failed = False
        self.batches = Batches(self._values)
        self.profile: Profile | None = None

    def write(self, name: str, events: Sequence[bytes]) -> None:
        """Write events, after those of the batches before.

        Args:
            name: Which of the files, `train` or `validation`.
            events: The events, serialized.

        Raises:
            OSError: The file cannot be written.
        """
        if name == TRAIN:
            events = [*self.batches.take(), *events]
        if events:
            self._append(name, lambda file: file.write(events))

    def write_logs(self, name: str, tag: str, step: int, logs: Mapping[str, Any]) -> None:
        """Write values of logs; errors as of `write`.

        Args:
            name: Which of the files.
            tag: The values' tag, in which `{}` stands for the name in the logs.
            step: Their step.
            logs: The values.
        """
        values = list(self._values(tag, logs))
        if values:
            self.write(name, [summaries.event(step, values)])

    def flush(self) -> None:
        """Write what was collected: the values of batches, and what the model's own code has written."""
        self.write(TRAIN, [])
        for name, channel in self._channels.items():
            records = channel.take()
            if records:
                self._append(name, lambda file, records=records: file.append(records))

    def _append(self, name: str, write: Any) -> None:
        try:
            write(self._file(name))
        except OSError:
            self._has_failed = True
            raise

    def _file(self, name: str) -> EventFile:
        """Return a file that is there: one that somebody deleted while training is followed by a new one."""
        file = self._files.get(name)
        if file is not None and file.is_gone():
            del self._files[name]
            file.close()
            warn_user(
                f"TensorBoard: {file.path} was deleted or replaced while training, and what it held is lost. A new "
                "file in its folder takes what follows."
            )
            file = None
        if file is None:
            file = self._files[name] = new_event_file(self._folders[name])
        return file

    # What the model's own code writes

    def catch(self, name: str, adapter: ModelAdapter) -> None:
        """Take what the model's own code writes from now on, where its framework lets it."""
        channel = adapter.summaries(name)
        if channel is not None:
            self._channels[name] = channel
            self._open_channels[name] = stack = ExitStack()
            stack.enter_context(channel.open())

    def set_step(self, name: str, step: int, *, records: bool) -> None:
        """Say which step comes, for what the model's own code writes in it, and whether that is wanted."""
        if name in self._channels:
            self._channels[name].set_step(step, records=records)

    def release(self, name: str) -> None:
        """Take no more of what the model's own code writes."""
        if name in self._open_channels:
            self._open_channels.pop(name).close()

    def close(self) -> None:
        """Write what was collected, and close everything. A forked process, which has a copy of it, leaves it alone.

        Raises:
            OSError: A file cannot be written, and none has failed before.
        """
        if os.getpid() != self._process:
            return
        try:
            for name in reversed(list(self._open_channels)):
                self.release(name)
            if self.profile is not None:
                self.profile.stop()
            if not self._has_failed:
                self.flush()
        finally:
            for file in self._files.values():
                with suppress(OSError) if self._has_failed else nullcontext():
                    file.close()
