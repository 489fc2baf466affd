from __future__ import annotations

import pytest

from epochal.toml import TOMLError, line_of, parse_toml


@pytest.mark.parametrize(
    ("text", "why"), [("x = ]", "line 1"), ("x = " + "[" * 5000, "deep"), ("x = " + "1" * 5000, "digits")]
)
def test_whatever_is_wrong_with_toml_is_one_kind_of_error(text: str, why: str) -> None:
    with pytest.raises(TOMLError, match=why):
        parse_toml(text)


@pytest.mark.parametrize(
    ("keys", "number", "line"),
    [
        (("a",), 0, 1),
        (("t",), 0, 3),
        (("t", "b"), 0, 4),
        (("t", "u"), 0, 5),
        (("t", "u", "v"), 0, 5),
        (("s", "x"), 0, 7),
        (("s", "x"), 1, 9),
        (("t", "none"), 0, 3),
        (("none",), 0, None),
    ],
)
def test_the_line_of_a_key(keys: tuple[str, ...], number: int, line: int | None) -> None:
    text = "a = 1\n\n[t]  # a table\n'b' = 2\nu.v = 3\n[[s]]\nx = 1\n[[s]]\nx = 2\n"
    assert line_of(text, keys, number) == line
