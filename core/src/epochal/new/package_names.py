"""The names of a new callback's package, from any one of them."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from dataclasses import dataclass
from unicodedata import normalize

from ..errors import EpochalError
from ..settings.names import snake_case

LONGEST = 40
"""The letters that a name may have, so that no line of the package gets too long."""

_OWN = ("core", "epochal")  # distributions of ours would have these names
_PREFIX = re.compile(r"(?i:epochal)(?:[-_]+|(?=[A-Z]))")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+)*")
_ACRONYMS = ("API", "AUC", "AWS", "CPU", "CSV", "EMA", "GPU", "HTML", "HTTP", "JSON", "LR", "NaN", "SGD", "SQL", "URL")
_SPELLINGS = {word.lower(): word for word in _ACRONYMS}


@dataclass(frozen=True)
class Names:
    """The names of a callback, and of the package that brings it.

    Attributes:
        entry: The callback's name, `my_callback`.
        kind: Its class's name, `MyCallback`.
    """

    entry: str
    kind: str

    @property
    def dashed(self) -> str:
        """The callback's name with dashes, `my-callback`."""
        return self.entry.replace("_", "-")

    @property
    def distribution(self) -> str:
        """The name that is installed, `epochal-my-callback`."""
        return f"epochal-{self.dashed}"

    @property
    def package(self) -> str:
        """The name that is imported, `epochal_my_callback`."""
        return f"epochal_{self.entry}"


def read_names(word: str) -> Names:
    """Make all names from one: `my-callback`, `my_callback`, `epochal-my-callback` and `MyCallback` mean the same.

    Raises:
        EpochalError: No package can have such a name; the message says why, and names the nearest one that can be.

    Example:
        >>> read_names("epochal-csv-writer")
        Names(entry='csv_writer', kind='CSVWriter')
    """
    rest = _PREFIX.sub("", word, count=1) if _PREFIX.match(word) else word
    if not re.search(r"[^\W_]", rest):
        raise EpochalError("a name is needed, like 'my-callback'.")
    if not _WORD.fullmatch(rest):
        hint = f"Did you mean {_nearest_name(rest)!r}?"
        raise EpochalError(f"{word!r} cannot be the name of a package: {_oddity(rest)}. {hint}")
    names = _names(rest)
    reason = _objection(names)
    if reason:
        raise EpochalError(f"{word!r} cannot be the name of a package: {reason}")
    return names


def _names(word: str) -> Names:
    pieces = re.split("[-_]", word)
    entry = "_".join(map(snake_case, pieces))
    return Names(entry, _class_name(pieces, entry))


def _class_name(pieces: list[str], entry: str) -> str:
    """Return the class's name: as it is typed, else with the acronyms that are known, else as plain words."""
    words = entry.split("_")
    typed = "".join(piece[0].upper() + piece[1:] for piece in pieces)
    known = "".join(_SPELLINGS.get(word, word.capitalize()) for word in words)
    is_typed = any(piece != piece.lower() for piece in pieces)
    good = [each for each in ([typed, known] if is_typed else [known]) if snake_case(each) == entry]
    return good[0] if good else "".join(map(str.capitalize, words))


def _oddity(rest: str) -> str:
    if " " in rest:
        return "it has a space in it"
    return "it begins with a digit" if rest[0].isdecimal() else "it is not letters (a to z) and digits, with - between"


def _nearest_name(rest: str) -> str:
    """Return the nearest name that a package can have."""
    letters = normalize("NFKD", rest).encode("ascii", "ignore").decode()
    near = re.sub("[^A-Za-z0-9]+", "-", letters).strip("-").lower()
    # A word that begins with a digit, or of one letter, is none in the name of a class: `My3dLoss` is `my3d_loss`.
    forms = (near, f"my-{near}", near.replace("-", ""), f"my{near}") if near else ()
    candidates = [each for each in forms if _WORD.fullmatch(each)]
    return next((each for each in candidates if not _objection(_names(each))), "my-callback")


def _objection(names: Names) -> str:
    """Say why a name that is spelt well cannot be taken; empty: it can."""
    entry, kind, dashed = names.entry, names.kind, names.dashed
    if entry in _OWN:
        return "it is one of Epochal's own. Choose another, like 'my-callback'."
    if len(entry) > LONGEST:
        shorter = dashed[: LONGEST + 1].rpartition("-")[0] or dashed[:LONGEST]
        return f"it has {len(entry)} letters. Keep it to {LONGEST}, like {shorter!r}."
    longer = f"Make it longer, like 'my-{dashed}'."
    if keyword.iskeyword(entry) or keyword.iskeyword(kind):
        return f"{entry if keyword.iskeyword(entry) else kind!r} is a word of Python's own. {longer}"
    if entry in sys.stdlib_module_names:
        return f"{entry!r} is a module of Python's standard library, which its own would hide. {longer}"
    if hasattr(builtins, kind):
        return f"its class would be {kind}, which Python has already. {longer}"
    if snake_case(kind) != entry:
        return f"its class would be {kind}, whose name is {snake_case(kind)!r}. Did you mean that?"
    return ""
