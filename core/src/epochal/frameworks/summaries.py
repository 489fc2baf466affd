"""What the code of a model writes by `tf.summary` in its steps, caught for a callback that writes event files.

TensorFlow's summaries go to the writer that is the default while a function is traced, and the traced function keeps
it: it writes there in every later fit too. So there is one writer for training and one for validation in a process,
never closed, and what arrives in their files is taken out again.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import MissingDependencyError

if TYPE_CHECKING:
    from collections.abc import Iterator

_channels: dict[str, SummaryChannel] = {}
_left: list[ExitStack] = []
"""What could not be undone, as it was not the last that was done. It is kept, since dropping it would undo it."""


def summary_channel(name: str) -> SummaryChannel:
    """Return the channel of a name, `train` for example; there is one in a process."""
    if name not in _channels:
        _channels[name] = SummaryChannel()
    return _channels[name]


def tensorflow_summary() -> Any:
    """Return `tf.summary`, whatever the backend is.

    Raises:
        MissingDependencyError: TensorFlow is not installed.
    """
    try:
        return import_module("tensorflow").summary
    except ImportError as error:
        raise MissingDependencyError(
            f"tf.summary is TensorFlow's, which cannot be imported ({error}): pip install tensorflow"
        ) from error


class SummaryChannel:
    """A writer of `tf.summary` whose records can be taken out."""

    def __init__(self) -> None:
        tf = self._tf = sys.modules["tensorflow"]
        folder = tempfile.mkdtemp(prefix="epochal-summaries-")
        atexit.register(_remove, folder, os.getpid())
        with tf.init_scope(), tf.device("CPU:0"):
            self._writer = tf.summary.create_file_writer(folder)
            self._writer.flush()
            self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
            self._records = tf.Variable(False, trainable=False)
        (self._file,) = Path(folder).iterdir()
        self._taken = self._file.stat().st_size  # the version of the format
        self._now = (0, False)
        self._was_recording = False
        self._is_used = False

    @contextmanager
    def open(self) -> Iterator[None]:
        """Catch what is written; summaries get the step that `set_step` gave last."""
        self.take()  # what a fit that ended by an exception has left
        stack = ExitStack()
        stack.enter_context(self._writer.as_default(self._step))
        stack.enter_context(self._tf.summary.record_if(self._is_recording))
        try:
            yield
        finally:
            self.set_step(self._now[0], records=False)  # traced functions go on asking
            if self._tf.summary.experimental.get_step() is self._step:
                stack.close()
            else:  # another callback's writer was set behind this one and has not been taken back
                _left.append(stack)

    def set_step(self, step: int, *, records: bool) -> None:
        """Say which step comes, and whether what it writes is wanted. It costs nothing in a model that writes nothing.

        Args:
            step: The step.
            records: Whether its summaries are kept.
        """
        self._now = (step, records)
        if self._is_used:
            self._assign()

    def take(self) -> bytes:
        """Return what was written since the last call, as whole records of an event file."""
        if not self._is_used:
            return b""
        self._writer.flush()
        with open(self._file, "rb") as file:
            file.seek(self._taken)
            records = file.read()
        self._taken += len(records)
        return records

    def _is_recording(self) -> Any:
        """Answer TensorFlow, which asks where a summary is traced, or executed eagerly."""
        if not self._is_used:
            self._is_used = True
            with self._tf.init_scope():
                self._assign()
        return self._records.read_value()

    def _assign(self) -> None:
        step, records = self._now
        if records:
            self._step.assign(step)
        if records != self._was_recording:  # an assignment costs as much as a small operation of the model
            self._records.assign(records)
            self._was_recording = records


def _remove(folder: str, process: int) -> None:
    if os.getpid() == process:  # a forked child ends without it
        shutil.rmtree(folder, ignore_errors=True)
