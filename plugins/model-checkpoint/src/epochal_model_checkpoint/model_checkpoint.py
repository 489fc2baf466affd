"""Saves the model while it trains, and never half of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal.arguments import Most, Switch
from epochal.frameworks import adapt
from epochal.paths import PathTemplate, is_remote
from epochal.saving import SavingCallback

from .fields import check_fields
from .files import TemplatePath, check_end, check_place, write, write_remote
from .written import Written

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    Logs = Mapping[str, Any] | None


class ModelCheckpoint(SavingCallback):
    """Saves the model, or its weights, at the end of epochs or every so many batches.

    A file is written in a temporary folder beside its place, brought to the disk and then put there: a kill, an error
    or a full disk at any moment leaves the file of before, or the new one, whole. An address
    (`gs://bucket/model.keras`) is handed to the framework as it is, and has no such guarantee.

    A model with a `save` or `save_weights` of its own is called as Keras calls it, with the path as text and
    `overwrite=True`. The path has the name that was asked for, and lies in the temporary folder, which is empty and is
    gone afterwards. Whatever is written there takes its place too, each file as a whole: further files, a folder, or
    nothing, as when the method writes elsewhere. Between two files a kill leaves some new and others old; a field in
    the path, `{epoch}` for example, keeps those of one save together.

    With `save_best_only` it saves when the metric is better than at every save before. NaN never is. When the metric
    does not come, or is no scalar, nothing is saved, which is said once. `best` counts on in a second fit with the same
    object, and is part of the state, so that a resumed run never overwrites a better checkpoint.

    Without `save_best_only` nothing more is saved once a callback has said that the run failed, because of NaN for
    example.

    Of several processes that train together the chief writes. No other one reads the weights then, which suits the
    mirrored variables of `tf.distribute`. A variable that is only summed up over the processes when it is read
    (`VariableSynchronization.ON_READ`) needs all of them; a model with such variables has to be saved in another way.

    Args:
        filepath: Where to. Fields are filled in as by `str.format`: `epoch`, `batch` (with an integer `save_freq`),
            both counted from 1, and every key of the logs. It ends in ".weights.h5" with `save_weights_only`, else in
            ".keras", or ".h5" for the older format. Folders that are missing are made.
        monitor: The metric's key in the logs.
        verbose: 1: one line says what was saved where, and why or why not.
        save_best_only: Whether to save only when the metric is better than ever.
        save_weights_only: Whether to save the weights, with the optimizer's state, instead of the whole model.
        mode: "min", "max", or "auto", which finds out from the metric.
        save_freq: "epoch", or a number of batches; they are counted across epochs. Where one execution has several
            steps, saving is due at the end of the execution that reaches the number, and the count begins anew.
        initial_value_threshold: The value to be better than at first.
        keep: How many of the files that this object wrote to keep: the latest. None: all. What a model's own method
            writes beside a file is removed with it if it has its name with another end (`3.json` beside `3.keras`).
            Nothing is removed outside of the folder that the path names before its first field, nor what does not
            match the path.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is out of its range, or the path has a wrong end. While training: `mode` is "auto", and
            nothing tells whether less or more of the metric is better.
        TemplateError: The path's braces cannot be read. When saving: the logs lack a field (it is a KeyError too).
        OSError: The file cannot be written; what was there is as it was.

    Attributes:
        best: The metric at the last save; None before the first one.

    Example:
        >>> ModelCheckpoint("{epoch:02d}-{val_loss:.2f}.keras", save_best_only=True, keep=3).keep
        3
    """

    provides = ()
    state_attributes = (*SavingCallback.state_attributes, "_written_names")

    filepath = TemplatePath()
    save_weights_only = Switch()
    keep = Most()

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: float | None = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: float | str = "epoch",
        initial_value_threshold: float | None = None,
        *,
        keep: int | None = None,
    ) -> None:
        super().__init__(monitor, verbose, save_best_only, mode, save_freq, initial_value_threshold)
        self.save_weights_only = save_weights_only
        self.filepath = filepath
        self.keep = keep
        self._check_together()

    @filepath.then
    def _follow_filepath(self) -> None:
        template, before = PathTemplate(self.filepath), vars(self).get("_template")
        if before is not None and before.text == template.text:
            return
        self._template = template
        self.writes = (self.filepath,)
        self._written = Written(template)  # what another path wrote, for another fold, stays

    def _check_together(self) -> None:
        """Check parameters that have to suit each other; in `preflight` anew, as they may be set one after another."""
        check_end(self.filepath, weights_only=self.save_weights_only)
        if self.keep is not None and is_remote(self.filepath):
            raise ValueError(
                f"ModelCheckpoint: keep={self.keep} removes files, and cannot at the address {self.filepath!r}"
            )
        if self.keep is not None and self.keep > 1 and not self._template.fields:
            raise ValueError(
                f"ModelCheckpoint: keep={self.keep} needs files of different names, and filepath={self.filepath!r} has "
                "no field, '{epoch}' for example"
            )

    @property
    def written(self) -> list[str]:
        """The files that `keep` counts, as absolute paths, oldest first.

        A relative path counts from the working directory at the time of the save. The state holds the names alone, so
        that they mean the files in the path's folder also after that folder was moved or copied.
        """
        return self._written.paths()

    @property
    def _written_names(self) -> list[list[str]]:
        return self._written.names()

    @_written_names.setter
    def _written_names(self, names: list[list[str]]) -> None:
        self._written = Written.restored(self._template, names)

    def preflight(self) -> None:
        """Check that there can be a file, that its fields will have values, and that the metric will come."""
        super().preflight()
        self._check_together()
        if self.is_chief:
            check_place(self._template, may_be_folder=adapt(self).overrides(self._method))
        check_fields(self, self._template)

    def path_of(self, epoch: int, batch: int | None, logs: Mapping[str, Any]) -> str:
        """Return the path of a file."""
        return self._template.format(logs, epoch=epoch, batch=batch)

    def save(self, path: str) -> bool:
        """Write a file, and remove those that are too many."""
        adapter = adapt(self)
        save = adapter.save_weights if self.save_weights_only else adapter.save
        if is_remote(path):
            write_remote(path, save, adapter.make_folder)
            return True
        names = write(path, save, own=adapter.overrides(self._method))
        if self.keep is not None:
            self._written.add(path, names)
            self._written.remove_older(self.keep)
        return True

    @property
    def _method(self) -> str:
        return "save_weights" if self.save_weights_only else "save"
