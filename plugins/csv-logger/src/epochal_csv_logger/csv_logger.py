"""The metrics of every epoch, as rows of a CSV file."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING, Any

from epochal import Callback, Logs, Priority
from epochal.arguments import FilePath, OrNone, State, Switch, Text, Whole
from epochal.warn import warn_user

from .fields import Fields
from .places import place_of
from .table import NotALogError, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .table import Row

    OrNoLogs = Mapping[str, Any] | None


class LogPath(FilePath):
    """The path of a file, or its address."""

    def check(self, value: Any) -> str:
        """Return the path."""
        path = super().check(value)
        if not path:
            raise ValueError("has to be a path, 'log.csv' for example")
        return path


class Separator(Text):
    """What stands between two fields."""

    def check(self, value: Any) -> str:
        """Return the character."""
        separator = super().check(value)
        if len(separator) != 1 or separator in '"\r\n\0':
            raise ValueError("has to be one character other than a quotation mark or a line break")
        return separator


class CSVLogger(Callback):
    """Writes a row for every epoch: the epoch, counted from 0, and its metrics.

    The header is that of the first epoch: `epoch`, then the metrics, sorted. What comes later is a further column. A
    metric that did not come is "NA"; a list or array is one field, `"[1, 2]"`, and with more than 1,000 values a
    description, "array of shape (400, 400)". Text is written as it is, up to 32,767 characters. A row is in the file
    when its epoch ends, whatever ends the process then; when training ends, all of them are synced to the disk.

    A run that begins with epoch 0 begins with an empty file, or with `append` behind the rows that are there. One that
    begins with a later epoch (`initial_epoch`), or whose state was restored, goes on with the file: the rows of epochs
    that it trains again are replaced, all others stay.

    A file that no row can be appended to stays as it is, with a warning, and the rows go to `NAME-2.csv` beside it.

    Args:
        filename: The file, or its address, `gs://bucket/log.csv` for example. Folders that are missing are made.
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

    filename = LogPath()
    sep = Separator()
    append = Switch()

    rows_before = State(OrNone(Whole(least=0)))

    def __init__(self, filename: str | os.PathLike[str], separator: str = ",", append: bool = False) -> None:
        self.filename = filename
        self.separator = separator
        self.append = append
        self.rows_before = None
        self._table: Table | None = None
        self._begun = False
        self._row: Fields | None = None

    @property
    def separator(self) -> str:
        """What stands between two fields; `sep` is Keras's name for it."""
        return self.sep

    @separator.setter
    def separator(self, value: str) -> None:
        self.sep = Separator().checked(self, value, "separator")

    @filename.then
    def _follow_filename(self) -> None:
        self.writes = (self.filename,)

    def on_train_begin(self, logs: OrNoLogs = None) -> None:
        """See that the file can be written; what is in it stays until an epoch begins."""
        if self.starts_afresh():
            self.rows_before = None
        self._table, self._begun, self._row = None, False, None
        if self.is_chief:
            table = Table(place_of(self.filename), self.sep)
            table.open()
            self._table = table  # not before: what cannot be opened has nothing to be closed either

    def on_epoch_begin(self, epoch: int, logs: OrNoLogs = None) -> None:
        """Make the file ready when the first epoch begins.

        Not earlier: whoever restores the state may do it as late as in its own `on_train_begin`, and a fit that has no
        epoch left to train leaves the file alone.
        """
        if self._table is not None and not self._begun:
            self._begun = True
            try:
                self._begin(self._table, epoch)
            except NotALogError as error:  # Keras appends to whatever is there
                self._go_elsewhere(error)

    def on_epoch_end(self, epoch: int, logs: OrNoLogs = None) -> None:
        """Write the row of the epoch."""
        self.on_epoch_begin(epoch)
        if self._table is not None:
            row = Fields(epoch, logs or {})
            try:
                self._table.append(row.texts)
            except NotALogError as error:  # somebody wrote something else to the file while training
                self._go_elsewhere(error).append(row.texts)
            # Other logs than the event's, a subclass has chosen; then nothing is added to them later.
            self._row = row if isinstance(logs, Logs) else None

    def on_train_end(self, logs: OrNoLogs = None) -> None:
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
        written, self._row = self._row, None
        if self._table is None or written is None:
            return
        row = Fields(epoch, logs, before=written)
        if row.texts != written.texts:
            self._table.replace_last(row.texts)

    def _go_elsewhere(self, error: NotALogError) -> Table:
        """Leave a file that no row can be appended to as it is, and begin another one beside it."""
        filename = _free(self.filename)
        warn_user(f"{error} The rows of this run go to {filename}.")
        self._table = table = Table(place_of(filename), self.sep)
        table.open()
        self.rows_before = 0
        return table

    def _begin(self, table: Table, epoch: int) -> None:
        if self.rows_before is None and not self.append and epoch == 0:
            table.clear()
            self.rows_before = 0
            return
        rows = table.read()
        restored = self.rows_before is not None
        if self.rows_before is None:
            self.rows_before = len(rows) if epoch == 0 else _begin_of_last_run(table, rows)
        elif self.rows_before > len(rows):
            warn_user(
                f"CSVLogger: {self.filename} had {self.rows_before} rows of other runs when this run began, and has "
                f"{len(rows)} now that it goes on. The rows that are there are kept."
            )
            self.rows_before = len(rows)
        others, own = rows[: self.rows_before], rows[self.rows_before :]
        kept = [row for row in own if (table.epoch_of(row) or 0) < epoch]
        replaced = len(own) - len(kept)
        if replaced:
            table.keep([*others, *kept])
        if not restored:
            self._warn_of_rows(epoch, 0 if self.append else len(kept), replaced)

    def _warn_of_rows(self, epoch: int, kept: int, replaced: int) -> None:
        """Warn of rows that Keras would have wiped, and of those that it would have left."""
        what = [f"those of the epochs before it ({kept}) stay"] if kept else []
        if replaced:
            what.append(f"those from that epoch on ({replaced}) are replaced")
        if what:
            cure = " Delete the file to begin an empty one." if kept else ""
            warn_user(
                f"CSVLogger: training begins with epoch {epoch}, so of the rows of {self.filename} "
                f"{' and '.join(what)}.{cure}"
            )


def _free(filename: str) -> str:
    """Return the first of `log-2.csv`, `log-3.csv`, … that is not there or empty."""
    stem, end = os.path.splitext(filename)
    return next(name for number in itertools.count(2) if not place_of(name := f"{stem}-{number}{end}").read())


def _begin_of_last_run(table: Table, rows: Sequence[Row]) -> int:
    """Return where the last rows begin that belong to one run: those whose epochs go up."""
    begin = len(rows)
    later: int | None = None
    while begin:
        epoch = table.epoch_of(rows[begin - 1])
        if epoch is None or (later is not None and epoch >= later):
            break
        begin, later = begin - 1, epoch
    return begin
