from __future__ import annotations

import pytest

from epochal.settings.toml import TOMLError, line_of, parse_toml


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x = ]", "line 1"),
        ("x = " + "[" * 5000, "deep"),
        ("x = " + "1" * 5000, "digits"),
        ("\n" + "a." * 100_000 + "b = 1", "the key in line 2 has more than 100 parts"),
        ("[" + "'a' . " * 100_000 + "b]", "the key in line 1 has more than 100 parts"),
        ("a = " + "{a.b" * 50 + ".a" * 100 + "=1", "the key in line 1 has more than 100 parts"),
    ],
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


def test_a_long_text_in_a_value_is_no_long_key() -> None:
    assert parse_toml(f"a = '{'x' * 10_000}. {'a, ' * 1000}'")
    assert parse_toml(".".join("a" * 100) + "=1")
