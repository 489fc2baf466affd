from __future__ import annotations

import math
from typing import Any

import pytest

from epochal.editing.toml_edit import add_key, add_name, add_table, make_array, put, remove_name, replace_value, written
from epochal.settings.toml import parse_toml


@pytest.mark.parametrize(
    ("value", "typed", "expected"),
    [
        (0.001, "1e-3", "1e-3"),
        (16, " 0x10 ", "0x10"),
        ("val_loss", "val_loss", '"val_loss"'),
        ("val_loss", "'val_loss'", "'val_loss'"),
        ("a\nb", "a\nb", '"a\\nb"'),
        (True, None, "true"),
        ([1, "a"], None, '[1, "a"]'),
        (math.nan, "nan", "nan"),
    ],
)
def test_a_value_is_written_as_it_was_typed_if_that_is_toml(value: Any, typed: str | None, expected: str) -> None:
    assert written(value, typed) == expected


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = []\n", 'x = ["b"]\n'),
        ('x = ["a"]  # why\ny = 1', 'x = ["a", "b"]  # why\ny = 1'),
        ('x = [\n    "a",  # first\n]\n', 'x = [\n    "a",  # first\n    "b",\n]\n'),
        ('[t]\nx = ["a"]\n', None),
        ('t = {x = ["a"]}\n', None),
    ],
)
def test_a_name_comes_last_in_a_list(before: str, after: str | None) -> None:
    keys = ("x",) if after else ("t", "x")
    text = add_name(before, keys, "b")
    assert text == (after or before.replace('"a"', '"a", "b"'))


def test_a_name_is_taken_out_wherever_it_is_and_comments_of_the_others_stay() -> None:
    text = 'x = [\n    "a",  # first\n    "b",  # second\n    "a",\n]  # end\n# tail\n'
    assert remove_name(text, ("x",), "a") == 'x = [\n    "b",  # second\n]  # end\n# tail\n'


@pytest.mark.parametrize(
    ("text", "keys", "number", "after"),
    [
        ("[t]\na = 1   # one\nb = 2\n", ("t", "a"), 0, "[t]\na = 5   # one\nb = 2\n"),
        ("[[t]]\na = 1\n\n[[t]]\na = 2 # two\n", ("t", "a"), 1, "[[t]]\na = 1\n\n[[t]]\na = 5 # two\n"),
        ("t = {a = 1}\n", ("t", "a"), 0, "t = {a = 5}\n"),
        ("t.a = 1\n", ("t", "a"), 0, "t.a = 5\n"),
    ],
)
def test_a_value_is_replaced_in_its_place(text: str, keys: tuple[str, ...], number: int, after: str) -> None:
    assert replace_value(text, keys, number, "5") == after


@pytest.mark.parametrize(
    ("text", "table", "number", "after"),
    [
        ("", (), 0, "k = 1\n"),
        ("# a file\n", (), 0, "# a file\nk = 1\n"),
        ("a = 0  # first\n\n# about t\n[t]\n", (), 0, "a = 0  # first\nk = 1\n\n# about t\n[t]\n"),
        ("# a file\n\n# about t\n[t]\nx = 1\n", (), 0, "# a file\n\nk = 1\n\n# about t\n[t]\nx = 1\n"),
        ("[t]\nx = 1", (), 0, "k = 1\n\n[t]\nx = 1\n"),
        ("[t]\nx = 1\n# x = 2\n\n# about u\n[u]\n", ("t",), 0, "[t]\nx = 1\nk = 1\n# x = 2\n\n# about u\n[u]\n"),
        ("[t]\n[u]\n", ("t",), 0, "[t]\nk = 1\n[u]\n"),
        ("[t]\n  x = [\n  1,\n  ]\n[u]\n", ("t",), 0, "[t]\n  x = [\n  1,\n  ]\n  k = 1\n[u]\n"),
        ("[[t]]\nx = 1\n[[t]]\nx = 2\n", ("t",), 1, "[[t]]\nx = 1\n[[t]]\nx = 2\nk = 1\n"),
        ("[a]\n\n# about t.u\n[t.u]\nx = 1\n", ("t",), 0, "[a]\n\n[t]\nk = 1\n\n# about t.u\n[t.u]\nx = 1\n"),
        ("[a]\nx = 1\n\n\n", ("t", "u"), 0, "[a]\nx = 1\n\n[t.u]\nk = 1\n"),
    ],
)
def test_a_new_key_comes_behind_the_last_of_its_table(
    text: str, table: tuple[str, ...], number: int, after: str
) -> None:
    found = add_key(text, table, number, "k", "1")
    assert found == after
    parse_toml(found)


@pytest.mark.parametrize(
    ("text", "keys", "array", "after"),
    [
        ("", ("c", "n"), False, "[c.n]\nk = 1\n"),
        ("x = 1\n", ("c", "n"), False, "x = 1\n\n[c.n]\nk = 1\n"),
        ("[c.a]\nx = 1\n\n# end\n", ("c", "n"), False, "[c.a]\nx = 1\n\n[c.n]\nk = 1\n\n# end\n"),
        ("[c.a]\nx = 1\n[z]\n", ("c", "n"), False, "[c.a]\nx = 1\n\n[c.n]\nk = 1\n\n[z]\n"),
        (
            "[t.e]\ny = 1\n\n[z]\n",
            ("t", "e", "c", "n"),
            False,
            "[t.e]\ny = 1\n\n[t.e.c.n]\nk = 1\n\n[z]\n",
        ),
        ("[t.ruff]\ny = 1\n\n[z]\n", ("t", "e", "c", "n"), False, "[t.ruff]\ny = 1\n\n[z]\n\n[t.e.c.n]\nk = 1\n"),
        ("[[c.n]]\nx = 1\n\n[c.o]\n", ("c", "n"), True, "[[c.n]]\nx = 1\n\n[[c.n]]\nk = 1\n\n[c.o]\n"),
        ("[c.a]\n", ("c", "m:N"), False, '[c.a]\n\n[c."m:N"]\nk = 1\n'),
    ],
)
def test_a_new_table_comes_behind_those_beside_it(text: str, keys: tuple[str, ...], array: bool, after: str) -> None:
    found = add_table(text, keys, {"k": "1"}, array=array)
    assert found == after
    parse_toml(found)


def test_a_table_becomes_the_first_of_an_array_and_keeps_its_comment() -> None:
    assert make_array("[a]\n  [c.n]  # why\nx = 1\n", ("c", "n")) == "[a]\n  [[c.n]]  # why\nx = 1\n"


def test_a_key_is_put_into_whatever_there_is() -> None:
    assert parse_toml(put("t = {a = 1}  # why\n", ("t", "b"), 0, 2)) == {"t": {"a": 1, "b": 2}}
    assert parse_toml(put("", ("t", "u", "b"), 0, {"x": 1})) == {"t": {"u": {"b": {"x": 1}}}}
