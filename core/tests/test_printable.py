from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal.cli.printable import printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("one\ttwo\nthree\r", "one\ttwo\nthree␍"),
        ("\x9b31m \x85 \x7f", "\N{REPLACEMENT CHARACTER}31m \N{REPLACEMENT CHARACTER} ␡"),
        ("abc\u202edef", "abc\N{REPLACEMENT CHARACTER}def"),
        (
            "naïve 回调 \N{WOMAN}\u200d\N{PERSONAL COMPUTER} \xa0",
            "naïve 回调 \N{WOMAN}\u200d\N{PERSONAL COMPUTER} \xa0",
        ),
        ("\udcff", "\udcff"),
    ],
)
def test_what_a_terminal_would_obey_is_shown_and_all_else_stays(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text())
def test_each_character_stays_one_character(text: str) -> None:
    shown = printable(text)
    assert len(shown) == len(text)
    assert printable(shown) == shown
