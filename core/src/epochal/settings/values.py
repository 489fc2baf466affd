"""Values as they are typed on a command line: TOML, and anything that is not TOML is text."""

from __future__ import annotations

import re
from typing import Any

from .toml import TOMLError, parse_toml

_PYTHON = {"True": "true", "False": "false"}


def parse_value(text: str) -> Any:
    """Read a value of a config file, or take it for text.

    >>> parse_value("3"), parse_value("[1, 2]"), parse_value("true"), parse_value("val_loss")
    (3, [1, 2], True, 'val_loss')
    """
    try:
        content = parse_toml(f"value = {text}")
    except TOMLError:
        return text
    return content["value"] if list(content) == ["value"] else text


def split_assignment(word: str) -> tuple[str, str] | None:
    """Split `parameter=value`; None if it is not of this form."""
    name, sign, value = word.partition("=")
    name = name.strip()
    return (name, value.strip()) if sign and name.isidentifier() else None


def spelling_hint(text: str) -> str:
    """Return the end of a sentence about a value that is text because it is written in Python's way, or nothing."""
    if text in _PYTHON:
        return f" In a config file it is written {_PYTHON[text]}."
    if re.fullmatch(r"[+-]?(\.\d+|\d+\.)", text):
        return f" In a config file it is written {float(text)}."
    return " A config file has no None; leave the parameter out." if text == "None" else ""
