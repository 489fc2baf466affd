"""A CSV file that grows by rows, and in which no row disagrees with the header."""

from __future__ import annotations

import csv
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epochal.warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .places import Place

MISSING = "NA"
_END = "\r\n"
_BYTE_ORDER_MARK = "\ufeff"  # spreadsheets put it first
_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "surrogateescape"}  # whatever is in the file stays as it is


@dataclass(frozen=True)
class Row:
    """One row of the file.

    Attributes:
        fields: Its values, as text.
        text: The row as it stands in the file, with its end.
    """

    fields: list[str]
    text: str

    def widened(self, names: Sequence[str], separator: str) -> Row:
        """Return the row with further fields at its end."""
        more = _as_line(names, separator)
        return Row([*self.fields, *names], f"{self.text.rstrip(_END)}{separator}{more}")


class NotALogError(ValueError):
    """A file is not a log that rows can be appended to."""


_NO_HEADER = Row([], "")


class Table:
    """A CSV file: a header, then rows, each written whole.

    A row whose columns the file has is appended, and outlives this process when `append` returns; `sync` sees all rows
    reach the disk, which takes longer than everything else. Whatever changes what is there already replaces the whole
    file at once. If somebody deletes the file meanwhile, a warning says so, and it begins anew.

    Args:
        place: The file.
        separator: What stands between two fields.
    """

    def __init__(self, place: Place, separator: str) -> None:
        self.path = place.path
        self.separator = separator
        self._place = place
        self._header = _NO_HEADER
        self._state: object = None

    @property
    def columns(self) -> list[str]:
        """The names in the header; none: the file has no header yet."""
        return self._header.fields

    def open(self) -> None:
        """Make sure, before anything is trained, that the file can be written. What is in it stays.

        Raises:
            OSError: It cannot.
        """
        self._place.check()

    def clear(self) -> None:
        """Begin with an empty file."""
        self._replace(_NO_HEADER, b"")

    def read(self) -> list[Row]:
        """Read the rows behind the header. A last row without an end is taken out of the file, with a warning.

        Raises:
            NotALogError: It is no log of this class, or one of its rows disagrees with the header.
            OSError: It cannot be read.
        """
        content = self._place.read()
        text = content.decode(**_TEXT)
        mark = text[: text.startswith(_BYTE_ORDER_MARK)]
        rows, cut = self._parse(text[len(mark) :])
        if cut:
            self._take_off(content, cut)
        self._state = self._place.state()
        header, rows = (Row(rows[0].fields, mark + rows[0].text), rows[1:]) if rows else (_NO_HEADER, [])
        self._check(header, rows)
        self._header = header
        return rows

    def epoch_of(self, row: Row) -> int | None:
        """Return the epoch that a row tells of; None if that is no number."""
        try:
            return int(row.fields[self.columns.index("epoch")])
        except ValueError:
            return None

    def append(self, values: Mapping[str, str]) -> None:
        """Write a row. Where it has a column that the file has not, every earlier row gets "NA" there.

        Args:
            values: Column to field.

        Raises:
            OSError: It cannot be written; the file is as it was.
        """
        self._look()
        header = self._header_with(values)
        if header is self._header:
            self._append(self._line(header, values))
        elif self.columns:
            self._write(header, self.read(), values)
        else:
            self._append(header.text + self._line(header, values))
            self._header = header

    def replace_last(self, values: Mapping[str, str]) -> None:
        """Write a row in the place of the last one, as of `append`."""
        self._write(self._header_with(values), self.read()[:-1], values)

    def keep(self, rows: Sequence[Row]) -> None:
        """Take all rows but these out of the file."""
        self._write(self._header, rows)

    def sync(self) -> None:
        """See every row reach the disk, so that it outlives the machine too."""
        if self._place.state() is None:
            self._say_it_is_gone()
        else:
            self._place.sync()

    def _look(self) -> None:
        """See whether somebody else wrote to the file, or took it away."""
        state = self._place.state()
        if state is None and self._state is not None:
            self._say_it_is_gone()
            self._place.check()
        if state != self._state:
            self.read()

    def _say_it_is_gone(self) -> None:
        if self.columns:
            warn_user(f"CSVLogger: {self.path} was deleted while training, and the rows that it held are lost.")

    # Reading

    def _parse(self, text: str) -> tuple[list[Row], str]:
        """Return the rows of a text, and what stands behind the end of the last one."""
        lines = list(io.StringIO(text, newline=""))
        whole = lines if not lines or lines[-1].endswith(("\n", "\r")) else lines[:-1]
        reader = csv.reader(iter(whole), delimiter=self.separator, strict=True)
        rows, begin = [], 0
        try:
            for fields in reader:
                if fields:  # no empty line
                    rows.append(Row(fields, "".join(whole[begin : reader.line_num])))
                begin = reader.line_num
        except csv.Error as error:
            raise self._unusable(f"cannot be read from its line {begin + 1} on ({error})") from None
        return rows, "".join(lines[len(whole) :])

    def _take_off(self, content: bytes, cut: str) -> None:
        self._place.replace(content[: len(content) - len(cut.encode(**_TEXT))])
        warnings.warn(
            f"CSVLogger: the last row of {self.path} has no end, as if what wrote it had been killed. "
            f"It is taken out: {cut!r}",
            stacklevel=5,
        )

    def _check(self, header: Row, rows: Sequence[Row]) -> None:
        if header.fields and "epoch" not in header.fields:
            raise self._unusable(f"has no column 'epoch' in its header, read with the separator {self.separator!r}")
        for row in rows:
            if len(row.fields) != len(header.fields):
                raise self._unusable(
                    f"has a row of {len(row.fields)} fields under a header of {len(header.fields)}: {row.text.strip()}"
                )

    def _unusable(self, what: str) -> NotALogError:
        return NotALogError(
            f"CSVLogger: {self.path} {what}, so no rows can be appended to it. Mend it or move it away, or begin with "
            "epoch 0 and append=False to have it overwritten."
        )

    # Writing

    def _header_with(self, values: Mapping[str, str]) -> Row:
        """Return the header with what it lacks at its end: the epoch first, the others sorted, as in Keras."""
        new = sorted(values.keys() - set(self.columns), key=lambda name: (name != "epoch", name))
        if not self.columns:
            return Row(new, _as_line(new, self.separator))
        return self._header.widened(new, self.separator) if new else self._header

    def _line(self, header: Row, values: Mapping[str, str]) -> str:
        fields = [values.get(name, MISSING) for name in header.fields]
        return _as_line(fields, self.separator)

    def _write(self, header: Row, rows: Sequence[Row], values: Mapping[str, str] | None = None) -> None:
        """Write the whole file: a header that may be wider than before, the rows, and a last row."""
        new = len(header.fields) - len(self.columns)
        if new:
            rows = [row.widened([MISSING] * new, self.separator) for row in rows]
        last = "" if values is None else self._line(header, values)
        content = "".join([header.text, *(row.text for row in rows), last]).encode(**_TEXT)
        self._replace(header, content)

    def _replace(self, header: Row, content: bytes) -> None:
        self._place.replace(content)
        self._header, self._state = header, self._place.state()

    def _append(self, text: str) -> None:
        self._place.append(text.encode(**_TEXT))
        self._state = self._place.state()


def _as_line(fields: Sequence[Any], separator: str) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, delimiter=separator, lineterminator=_END).writerow(fields)
    return line.getvalue()
