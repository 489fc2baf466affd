"""The metrics of every epoch, as rows of a CSV file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epochal import Callback, Priority
from epochal.arguments import FilePath, OrNone, State, Switch, Text, Whole
from epochal.chief import is_chief
from epochal.paths import is_remote

from .fields import Fields
from .table import Table

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from .table import Row

    Logs = Mapping[str, Any] | None


class LocalPath(FilePath):
    """The path of a file of this machine."""

    def check(self, value: Any) -> str:
        """Return the path."""
        path = super().check(value)
        if not path:
            raise ValueError("has to be a path, 'log.csv' for example")
        if is_remote(path):
            raise ValueError(
                "is an address, and rows are appended to a file of this machine. Write one, and copy it there when "
                "training has ended."
            )
        return path


class Separator(Text):
    """What stands between two fields."""

    def check(self, value: Any) -> str:
        """Return the character."""
        separator = super().check(value)
        if len(separator) != 1 or separator in '"\r\n\0':
            raise ValueError("has to be one character that is no quotation mark and no end of a line")
        return separator


class CSVLogger(Callback):
    """Writes a row for every epoch: the epoch, counted from 0, and its metrics.

    The header is that of the first epoch: `epoch`, then the metrics, sorted. What comes later is a further column. A
    metric that did not come is "NA"; a list or array is one field, `"[1, 2]"`, and with more than 1,000 values a
    description, "array of shape (400, 400)". Text is written as it is, up to 32,767 characters. A row is in the file
    when its epoch ends, whatever ends the process then; when training ends, all of them are synced to the disk.

    A run begins with an empty file, or with `append` behind the rows that are there. The rows of epochs that it trains
    again are replaced. It trains epochs again if its state was restored, and also if it is to append, its first epoch
    is not 0 (`initial_epoch`) and the last rows of the file have reached that epoch already. A run that appends and
    begins with epoch 0 takes nothing away.

    Args:
        filename: The file. Folders that are missing are made.
        separator: What stands between two fields, one character.
        append: Whether to keep the rows that are in the file.

    Raises:
        TypeError, ValueError: A parameter is not usable.

    Attributes:
        filename, sep, append: As given.
        rows_before: How many rows of the file are of other runs, before this one; None before its first epoch. It is
            the state.
    """

    priority = Priority.REPORT
    provides = ()
    critical = False

    filename = LocalPath()
    sep = Separator()
    append = Switch()

    rows_before = State(OrNone(Whole(least=0)))

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = filename
        self.sep = Separator().checked(self, separator, "separator")  # Keras names the two so
        self.append = append
        self.rows_before = None
        self._table: Table | None = None
        self._begun = False
        self._row: Fields | None = None

    @filename.then
    def _follow_filename(self) -> None:
        self.writes = (self.filename,)

    def on_train_begin(self, logs: Logs = None) -> None:
        """See that the file can be written; what is in it stays until an epoch begins."""
        if self.starts_afresh():
            self.rows_before = None
        chief = self.run.is_chief if self.run is not None else is_chief()
        self._table = Table(Path(self.filename), self.sep) if chief else None
        self._begun = False
        if self._table is not None:
            self._table.open()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Make the file ready when the first epoch begins.

        Not earlier: whoever restores the state may do it as late as in its own `on_train_begin`, and a fit that has no
        epoch left to train leaves the file alone.
        """
        if self._table is not None and not self._begun:
            self._begin(self._table, epoch)
            self._begun = True

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Write the row of the epoch."""
        self.on_epoch_begin(epoch)
        if self._table is not None:
            self._row = Fields(epoch, logs or {})
            self._table.append(self._row.texts)

    def on_train_end(self, logs: Logs = None) -> None:
        """See the rows reach the disk."""
        self._close()

    def on_run_end(self) -> None:
        """See the rows reach the disk where training did not get to its end."""
        self._close()

    def _close(self) -> None:
        table, self._table = self._table, None
        if table is not None:
            table.sync()

    def on_epoch_finalized(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Write the row anew, if a callback behind this one changed the metrics."""
        if self._table is None:
            return
        row = Fields(epoch, logs, before=self._row)
        if self._row is None or row.texts != self._row.texts:
            self._table.replace_last(row.texts)

    def _begin(self, table: Table, epoch: int) -> None:
        self.starts_afresh()  # a state that came after `on_train_begin` is in its place, and serves this fit only
        if self.rows_before is None and not self.append:
            table.clear()
            self.rows_before = 0
            return
        rows = table.read()
        restored = self.rows_before is not None
        if self.rows_before is None:
            self.rows_before = len(rows) if epoch == 0 else _begin_of_last_run(table, rows)
        elif self.rows_before > len(rows):
            warnings.warn(
                f"CSVLogger: {self.filename} had {self.rows_before} rows of other runs when this run began, and has "
                f"{len(rows)} now that it goes on. The rows that are there are kept.",
                stacklevel=4,
            )
            self.rows_before = len(rows)
        others, own = rows[: self.rows_before], rows[self.rows_before :]
        kept = [row for row in own if (table.epoch_of(row) or 0) < epoch]
        if len(kept) < len(own):
            table.keep([*others, *kept])
            if not restored:
                self.print(
                    f"CSVLogger: training goes on with epoch {epoch}, so the rows of {self.filename} from that epoch "
                    f"on ({len(own) - len(kept)}) are replaced."
                )


def _begin_of_last_run(table: Table, rows: Sequence[Row]) -> int:
    """Give where the last rows begin that belong to one run: those whose epochs go up."""
    begin = len(rows)
    later: int | None = None
    while begin:
        epoch = table.epoch_of(rows[begin - 1])
        if epoch is None or (later is not None and epoch >= later):
            break
        begin, later = begin - 1, epoch
    return begin
