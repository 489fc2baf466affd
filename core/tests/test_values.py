from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal.settings.values import parse_value, spelling_hint, split_assignment


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("1e-3", 0.001),
        ("inf", math.inf),
        ("true", True),
        ("[1, 'a']", [1, "a"]),
        ("{a = 1}", {"a": 1}),
        ("2026-01-02", dt.date(2026, 1, 2)),
        ('"3"', "3"),
        ("'val_loss'", "val_loss"),
        ("val_loss", "val_loss"),
        ("", ""),
        ("True", "True"),
        ("None", "None"),
        ("logs/{epoch}.csv", "logs/{epoch}.csv"),
        ("#fff", "#fff"),
        ("3\nother = 4", "3\nother = 4"),
        ("1\n[x]", "1\n[x]"),
        ("[1, 2", "[1, 2"),
        ("package.module:Class", "package.module:Class"),
        ("[" * 5000, "[" * 5000),
        ("1" * 5000, "1" * 5000),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_value_is_toml_or_text(text: str, value: Any) -> None:
    found = parse_value(text)
    assert (type(found), found) == (type(value), value)


@given(st.text())
def test_whatever_is_typed_is_a_value(text: str) -> None:
    parse_value(text)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("patience=3", ("patience", "3")),
        ("path=a=b", ("path", "a=b")),
        ("monitor=", ("monitor", "")),
        ("patience", None),
        ("=3", None),
        ("a.b=3", None),
        ("--patience=3", None),
    ],
)
def test_an_assignment_is_split_at_its_first_sign(word: str, expected: Any) -> None:
    assert split_assignment(word) == expected


def test_pythons_spelling_is_hinted_at() -> None:
    assert spelling_hint("True") == " In a config file it is written true."
    assert "leave the parameter out" in spelling_hint("None")
    assert spelling_hint("-.5") == " In a config file it is written -0.5."
    assert spelling_hint("5.") == " In a config file it is written 5.0."
    assert spelling_hint("true") == spelling_hint("1.5") == spelling_hint("a.5") == ""
