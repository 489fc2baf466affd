"""Saves the state of the model with Orbax, in the background."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from epochal import RunError
from epochal.arguments import FilePath, Most, Switch
from epochal.errors import one_line
from epochal.frameworks import adapt
from epochal.paths import is_remote
from epochal.saving import SavingCallback
from epochal.warn import warn_user

from .folder import CheckpointFolder

if TYPE_CHECKING:
    from collections.abc import Mapping

_BESIDE_WEIGHTS = ("optimizer_variables", "metrics_variables")


class FolderPath(FilePath):
    """The path of a folder, absolute, or an address."""

    def check(self, value: Any) -> str:
        """Return the path."""
        path = super().check(value)
        if not path:
            raise ValueError("has to be the path of a folder")
        return path if is_remote(path) else os.path.abspath(path)


class OrbaxCheckpoint(SavingCallback):
    """Saves the state of the model with Orbax, in the background.

    A checkpoint holds what Keras's OrbaxCheckpoint writes, in the same form: `keras.saving.load_model(directory)` and
    `model.load_weights(directory)` of Keras 3.14 and later read the latest one, and Orbax itself reads each.

    Checkpoints have rising numbers: the epoch, counted from 0, or with `save_freq=N` the steps that the optimizer has
    made. Where the folder already has that number or a higher one, as after a first fit, the next free number is taken.
    So the latest checkpoint has the highest number, and none is ever overwritten.

    Training waits while the variables are copied, and while the checkpoint before is still being written; the rest is
    done in the background. A kill at any moment leaves the checkpoints that were whole. Whatever ends a run of epochal,
    the last checkpoint is waited for, and an error in writing it is raised; in a bare `model.fit` that is so when
    training comes to its end.

    Of several processes that train together the chief writes. Variables that are spread over several JAX processes are
    not covered, and an error.

    Args:
        directory: The folder of the checkpoints. A relative one counts from where the callback is made, or the
            attribute is set.
        monitor: The metric's key in the logs; with `save_best_only`.
        verbose: 1: a line for every checkpoint, and for every one that was not worth it.
        save_best_only: Whether to save only when the metric is better than at every save before. NaN never is.
        mode: "min", "max", or "auto", which finds out from the metric.
        save_freq: "epoch", or a number of batches; they are counted across epochs.
        initial_value_threshold: The value to be better than at first; with `save_best_only`.
        max_to_keep: How many checkpoints the folder keeps, the latest; None: all.
        save_on_background: Whether training goes on while a checkpoint is written.
        save_weights_only: Whether to leave out the optimizer, the metrics, and what `load_model` needs to make the
            model again.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range.
        MissingDependencyError: When training begins: Orbax is not installed.
        RunError: Before training: the model's state or config cannot be had (in a run of epochal a PreflightError).
            While training: a checkpoint could not be written.

    Attributes:
        directory: The folder, absolute.
        best: The metric at the last save; None before the first one. It survives a second fit and, as part of the
            state, a restart.

    Example:
        >>> OrbaxCheckpoint("/tmp/checkpoints", monitor="val_loss", save_best_only=True).max_to_keep
        1
    """

    provides = ()
    _folder: CheckpointFolder | None = None

    directory = FolderPath()
    max_to_keep = Most()
    save_on_background = Switch()
    save_weights_only = Switch()

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: float | None = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | float = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(monitor, verbose, save_best_only, mode, save_freq, initial_value_threshold)
        self.directory = directory
        self.max_to_keep = max_to_keep
        self.save_on_background = save_on_background
        self.save_weights_only = save_weights_only

    @directory.then
    def _follow_directory(self) -> None:
        self.writes = (self.directory,)

    def __getstate__(self) -> dict[str, Any]:
        """Leave the open folder out of copies and pickles."""
        return {key: value for key, value in super().__getstate__().items() if key != "_folder"}

    def preflight(self) -> None:
        """See that the model can be saved, and that the metric will come."""
        super().preflight()
        if self.is_chief and (self.run is None or self.run.stage == "train"):
            self._content()

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Open the folder."""
        self._abandon()
        super().on_train_begin(logs)
        if self.is_chief:
            self._folder = CheckpointFolder(self.directory, self.max_to_keep)

    def path_of(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        """Return the folder of a checkpoint, which has its number for a name."""
        number = epoch if batch is None else adapt(self).iterations or 0
        return f"{self.directory}/{number if self._folder is None else self._folder.free(number)}"

    def save(self, path: str) -> bool:
        """Begin to write a checkpoint."""
        assert self._folder is not None  # the chief opened it
        self._folder.save(int(path.rpartition("/")[2]), self._content())
        if self.save_on_background:
            return False
        self._folder.wait()
        return True

    def wait_until_finished(self) -> None:
        """Wait until the last checkpoint is on the disk.

        Raises:
            RunError: It could not be written.
        """
        if self._folder is not None:
            self._folder.wait()

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Wait for the last checkpoint."""
        self._close()

    def on_run_end(self) -> None:
        """Wait for the last checkpoint also where training did not come to its end."""
        self._close()

    def _content(self) -> dict[str, Any]:
        """Return what a checkpoint holds, under the names that Keras gives it."""
        adapter = adapt(self)
        tree = adapter.state_tree()
        if self.save_weights_only:
            return {"pytree": {key: value for key, value in tree.items() if key not in _BESIDE_WEIGHTS}}
        content: dict[str, Any] = {"pytree": tree}
        try:
            config, assets = adapter.config(), adapter.assets()
        except Exception as error:  # whatever a layer's get_config or save_assets raises
            raise RunError(
                "OrbaxCheckpoint saves what the model can be made from again, and this model does not give it: "
                f"{one_line(error)}. With save_weights_only=True only the weights are saved."
            ) from error
        if config is not None:
            content["model_config"] = {"config": config}
        if assets:
            content["assets"] = assets
        return content

    def _close(self) -> None:
        folder, self._folder = self._folder, None
        if folder is not None:
            folder.close()

    def _abandon(self) -> None:
        """Close what a fit left open that an exception ended, of which a bare fit tells nothing."""
        try:
            self._close()
        except RunError as error:
            warn_user(f"OrbaxCheckpoint, in the fit before this one: {error}")
