"""Text from elsewhere, made safe to print: names in metadata and messages of exceptions may hold anything."""

from __future__ import annotations

import re

_INVISIBLE = re.compile(r"[^\n\t -~]")


def printable(text: str) -> str:
    r"""Replace what a terminal would obey and not show, one character for one; newlines and tabs stay.

    >>> printable("red: \x1b[31m")
    'red: ␛[31m'
    """
    return _INVISIBLE.sub(_shown, text)


def _shown(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return chr(0x2400 + code) if code < 0x20 else "\u2421"  # Unicode's pictures of the control characters
    is_surrogate = 0xD800 <= code < 0xE000  # of a path that is not UTF-8; the stream escapes it
    is_space = character.isspace() and code > 0x9F
    # What is left out are C1 controls, and marks that turn the direction of writing around; joiners are part of words.
    is_shown = character.isprintable() or is_space or is_surrogate or character in "\u200c\u200d"
    return character if is_shown else "\N{REPLACEMENT CHARACTER}"
