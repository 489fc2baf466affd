from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from epochal.editing.toml_edit import add_instance, add_name, add_table, edited, remove_name, set_key, written
from epochal.settings.toml import parse_toml

if TYPE_CHECKING:
    from collections.abc import Callable


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


def made(text: str, change: Callable[..., None], *arguments: Any) -> str:
    text = edited(text, lambda document: change(document, *arguments))
    parse_toml(text)
    return text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x = []\n", 'x = ["b"]\n'),
        ('x = ["a"]  # why\ny = 1', 'x = ["a", "b"]  # why\ny = 1\n'),
        ('x = [\n    "a",  # first\n]\n', 'x = [\n    "a",  # first\n    "b",\n]\n'),
    ],
)
def test_a_name_comes_last_in_a_list(before: str, after: str) -> None:
    assert made(before, add_name, ("x",), "b") == after
    assert made(f"[t]\n{before}", add_name, ("t", "x"), "b") == f"[t]\n{after}"
    assert made("t = {x = ['a']}", add_name, ("t", "x"), "b") == "t = {x = ['a', \"b\"]}\n"


def test_a_name_is_taken_out_wherever_it_is_and_comments_of_the_others_stay() -> None:
    text = 'x = [\n    "a",  # first\n    "b",  # second\n    "a",\n]  # end\n# tail\n'
    assert made(text, remove_name, ("x",), "a") == 'x = [\n    "b",  # second\n]  # end\n# tail\n'


@pytest.mark.parametrize(
    ("text", "keys", "number", "after"),
    [
        ("[t]\na = 1   # one\nb = 2\n", ("t", "a"), 0, "[t]\na = 5   # one\nb = 2\n"),
        ("[[t]]\na = 1\n\n[[t]]\na = 2 # two\n", ("t", "a"), 1, "[[t]]\na = 1\n\n[[t]]\na = 5 # two\n"),
        ("t = {a = 1}\n", ("t", "a"), 0, "t = {a = 5}\n"),
        ("t = [{a = 1}, {a = 2}]\n", ("t", "a"), 1, "t = [{a = 1}, {a = 5}]\n"),
        ("t.a = 1\n", ("t", "a"), 0, "t.a = 5\n"),
        ("[t.a]\nx = 1\n[u]\n[t]\nx = 2 # two\n", ("t", "x"), 0, "[t.a]\nx = 1\n[u]\n[t]\nx = 5 # two\n"),
    ],
)
def test_a_value_is_replaced_in_its_place(text: str, keys: tuple[str, ...], number: int, after: str) -> None:
    assert made(text, set_key, keys, number, "5") == after


@pytest.mark.parametrize(
    ("text", "table", "number", "after"),
    [
        ("", (), 0, "k = 1\n"),
        ("# a file\n", (), 0, "# a file\nk = 1\n"),
        ("a = 0  # first\n\n# about t\n[t]\n", (), 0, "a = 0  # first\nk = 1\n\n# about t\n[t]\n"),
        ("# a file\n\n# about t\n[t]\nx = 1\n", (), 0, "# a file\nk = 1\n\n# about t\n[t]\nx = 1\n"),
        ("[t]\nx = 1\n", (), 0, "k = 1\n\n[t]\nx = 1\n"),
        ("[t]\nx = 1\n# x = 2\n\n# about u\n[u]\n", ("t",), 0, "[t]\nx = 1\n# x = 2\nk = 1\n\n# about u\n[u]\n"),
        ("[t]\n[u]\n", ("t",), 0, "[t]\nk = 1\n[u]\n"),
        ("[t]\n\n# about u\n[u]\n", ("t",), 0, "[t]\nk = 1\n\n# about u\n[u]\n"),
        ("  [t]\n  x = 1\n[u]\n", ("t",), 0, "  [t]\n  x = 1\n  k = 1\n[u]\n"),
        ("[[t]]\nx = 1\n[[t]]\nx = 2\n", ("t",), 1, "[[t]]\nx = 1\n[[t]]\nx = 2\nk = 1\n"),
        ("[a]\n\n# about t\n[t.u]\nx = 1\n", ("t",), 0, "[a]\n\n[t]\nk = 1\n\n# about t\n[t.u]\nx = 1\n"),
        ("[a]\nx = 1\n\n# end\n", ("t", "u"), 0, "[a]\nx = 1\n\n[t.u]\nk = 1\n\n# end\n"),
        ("[t.a]\n[b]\n[t.c]\n[d]\n", ("t", "e"), 0, "[t.a]\n\n[t.e]\nk = 1\n[b]\n[t.c]\n[d]\n"),
        ("[t.a]\n[b]\n[t.c]\n[d]\n", ("t",), 0, "[t]\nk = 1\n\n[t.a]\n[b]\n[t.c]\n[d]\n"),
        ("t.x = 1\n", ("t",), 0, "t.x = 1\nt.k = 1\n"),
        ("t = {x = 1}  # why\n", ("t",), 0, "t = {x = 1,k = 1}  # why\n"),
    ],
)
def test_a_new_key_comes_behind_the_last_of_its_table(
    text: str, table: tuple[str, ...], number: int, after: str
) -> None:
    assert made(text, set_key, (*table, "k"), number, "1") == after


@pytest.mark.parametrize(
    ("text", "keys", "after"),
    [
        ("", ("c", "n"), "[c.n]\nk = 1\n"),
        ("x = 1\n", ("c", "n"), "x = 1\n\n[c.n]\nk = 1\n"),
        ("# a file\n", ("c", "n"), "# a file\n\n[c.n]\nk = 1\n"),
        ("[c.a]\nx = 1\n\n# end\n", ("c", "n"), "[c.a]\nx = 1\n\n[c.n]\nk = 1\n\n# end\n"),
        ("[c.a]\nx = 1\n# y = 2\n\n# z\n[z]\n", ("c", "n"), "[c.a]\nx = 1\n# y = 2\n\n[c.n]\nk = 1\n\n# z\n[z]\n"),
        ("[t.e]\ny = 1\n\n[z]\n", ("t", "e", "c", "n"), "[t.e]\ny = 1\n\n[t.e.c.n]\nk = 1\n\n[z]\n"),
        ("[t.ruff]\ny = 1\n\n[z]\n", ("t", "e", "c", "n"), "[t.ruff]\ny = 1\n\n[t.e.c.n]\nk = 1\n\n[z]\n"),
        ("[c.a]\n", ("c", "m:N"), '[c.a]\n\n[c."m:N"]\nk = 1\n'),
    ],
)
def test_a_new_table_comes_behind_those_beside_it(text: str, keys: tuple[str, ...], after: str) -> None:
    assert made(text, add_table, keys, {"k": "1"}) == after


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("[[c.n]]\nx = 1\n\n[c.o]\n", "[[c.n]]\nx = 1\n\n[[c.n]]\nk = 1\n\n[c.o]\n"),
        ("[a]\n  [c.n]  # why\nx = 1\n", "[a]\n  [[c.n]]  # why\nx = 1\n\n[[c.n]]\nk = 1\n"),
        ("[c.n]\n[c.n.x]\ny = 1\n\n# z\n[z]\n", "[[c.n]]\n[c.n.x]\ny = 1\n\n[[c.n]]\nk = 1\n\n# z\n[z]\n"),
        ("[c]\nn = [{x = 1}]\n", "[c]\nn = [{x = 1}, {k = 1}]\n"),
        ("[c]\nn = {x = 1}\n", "[c]\n\n[[c.n]]\nx = 1\n[[c.n]]\nk = 1\n"),
        ("c.n.x = 1\n", "[[c.n]]\nx = 1\n\n[[c.n]]\nk = 1\n"),
        ("y = 1\n", "y = 1\n\n[[c.n]]\n\n[[c.n]]\nk = 1\n"),
    ],
)
def test_a_new_instance_comes_behind_the_others_and_comments_stay(text: str, after: str) -> None:
    assert made(text, add_instance, ("c", "n"), {"k": "1"}) == after
