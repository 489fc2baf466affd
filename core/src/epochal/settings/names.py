"""The names of callbacks, parsed once: what is installed, a further instance, a place in a package, a file."""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

_NAME = re.compile(
    r"(?P<base>(?P<path>.+?)(?::(?P<attribute>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))?)(?:#(?P<number>[^#:./\\]*))?",
    re.DOTALL,
)


def snake_case(name: str) -> str:
    """Turn a class's name into a callback's.

    >>> snake_case("ReduceLROnPlateau"), snake_case("CSVLogger"), snake_case("TerminateOnNaN")
    ('reduce_lr_on_plateau', 'csv_logger', 'terminate_on_nan')
    """
    spaced = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])", "_", name)
    # "NaN" is one word: without this it would become na_n.
    return re.sub(r"_?na_n(?![a-z0-9])", lambda match: "_nan" if match[0].startswith("_") else "nan", spaced.lower())


class CallbackName(str):
    """The name of a callback, in any of its forms; it is made where a name comes in, and passed on as this type.

    It is its own text, and equal to it: a plain `"csv_logger#2"` finds what is kept under the name.

    >>> [(name.base, name.number) for name in map(CallbackName, ["csv_logger", "csv_logger#2", "printer.py#x"])]
    [('csv_logger', 1), ('csv_logger', 2), ('printer.py', 0)]
    >>> [
    ...     (name.path, name.attribute)
    ...     for name in map(CallbackName, ["./printer.py:LossPrinter#2", "package.module:A.B"])
    ... ]
    [('./printer.py', 'LossPrinter'), ('package.module', 'A.B')]
    """

    __slots__ = ("_parts",)
    _parts: dict[str, str | None]

    def __new__(cls, text: str) -> CallbackName:
        """Parse a name; one that is parsed already is returned as it is."""
        if isinstance(text, cls):
            return text
        self = super().__new__(cls, text)
        found = _NAME.fullmatch(text)
        self._parts = found.groupdict() if found is not None else {}
        return self

    @property
    def base(self) -> CallbackName:
        """The name without its instance number."""
        return self if self._parts.get("number") is None else CallbackName(self._parts["base"] or "")

    @property
    def number(self) -> int:
        """The number of the instance: 1 where none is written, 0 for what is not a number."""
        text = self._parts.get("number")
        return 1 if text is None else int(text) if text.isdecimal() and len(text) < 9 else 0

    @property
    def path(self) -> str:
        """The file, or the module, that the callback is in; of a plain name the name."""
        return self._parts.get("path") or ""

    @property
    def attribute(self) -> str:
        """What is named in the file or module; empty: the file or module itself."""
        return self._parts.get("attribute") or ""

    @property
    def is_file(self) -> bool:
        """Whether it is the path of a file: it has a separator in it, or ends with `.py`.

        >>> [CallbackName(name).is_file for name in ("./my_callback", "printer.py:LossPrinter", "my.package:Logger")]
        [True, True, False]
        """
        return "/" in self.path or os.sep in self.path or self.path.endswith(".py")

    @property
    def is_place(self) -> bool:
        """Whether it says where the callback is: `package.module:Class`, or the path of a file."""
        return ":" in self or self.is_file

    @property
    def short(self) -> CallbackName:
        """The name in a run of a callback that is named by its place; any other name as it is.

        >>> [CallbackName(name).short for name in ("tqdm.keras:TqdmCallback", "./my-callback.py", "csv_logger#2")]
        ['tqdm_callback', 'my_callback', 'csv_logger#2']
        """
        if not self.is_place:
            return self
        last = self.attribute or self.path.rpartition(":")[2]
        stem = re.sub(r"^(?=\d)|\W", "_", Path(self.path).stem)
        short = stem if self.is_file and not self.attribute else snake_case(last.rpartition(".")[2])
        return CallbackName(short + self.removeprefix(self.base))

    def instance(self, number: int) -> CallbackName:
        """Return the name of an instance of this callback; the first has no number."""
        return self.base if number == 1 else CallbackName(f"{self.base}#{number}")

    def unique(self, taken: Container[str]) -> CallbackName:
        """Return the name, or the first of `name#2`, `name#3`, … that is not taken."""
        return next(name for name in map(self.instance, count(1)) if name not in taken)

    def absolute(self, folder: Path | None = None) -> CallbackName:
        """Return the one spelling of a name that is a path: absolute, `~` expanded. Any other name stays as it is.

        Args:
            folder: The folder that a relative path begins in. None: the working directory.
        """
        if not self.is_file:
            return self
        path = os.path.abspath((folder or Path.cwd()) / os.path.expanduser(self.path))
        return CallbackName(path + self[len(self.path) :])

    def relative(self, folder: Path) -> CallbackName:
        """Return an absolute path as a file in a folder spells it, with slashes. Any other name stays as it is."""
        if not self.is_file:
            return self
        path, rest = Path(self.path), self[len(self.path) :]
        is_below = path.is_relative_to(folder)
        return CallbackName(
            f"./{path.relative_to(folder).as_posix()}{rest}" if is_below else f"{path.as_posix()}{rest}"
        )

    def is_there(self) -> bool:
        """Return whether it is the path of a file that exists."""
        return self.is_file and os.path.exists(os.path.expanduser(self.path))


def split_names(text: str) -> list[CallbackName]:
    """Split a list of names as it is typed, at commas and spaces; neither splits the path of a file that is there.

    >>> split_names("csv_logger, early_stopping terminate_on_nan,")
    ['csv_logger', 'early_stopping', 'terminate_on_nan']
    """
    names: list[CallbackName] = []
    whole = CallbackName(text.strip())
    for piece in [whole] if whole.is_there() else map(CallbackName, map(str.strip, text.split(","))):
        words = [CallbackName(word) for word in piece.split()]
        # A path that is mistyped stays whole too, so that the error shows it as it was meant.
        is_one = piece.is_file and (piece.is_there() or any(word.is_file and not word.is_there() for word in words))
        names += [piece] if is_one else words
    return names
