from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal.settings.names import CallbackName, split_names


@pytest.mark.parametrize(
    ("name", "base", "number"),
    [
        ("csv_logger", "csv_logger", 1),
        ("csv_logger#1", "csv_logger", 1),
        ("csv_logger#12", "csv_logger", 12),
        ("package.module:Class#2", "package.module:Class", 2),
        ("./my#file.py", "./my#file.py", 1),
        ("./my#file.py#3", "./my#file.py", 3),
        ("./my#2/file.py", "./my#2/file.py", 1),
        *[(f"csv_logger#{number}", "csv_logger", 0) for number in ("", "0", "x", "-1", "9" * 40)],
    ],
)
def test_an_instance_has_a_number(name: str, base: str, number: int) -> None:
    parsed = CallbackName(name)
    assert (parsed.base, parsed.number) == (base, number)


def test_unique_names_count_on_from_two() -> None:
    name = CallbackName("a")
    assert name.unique([]) == "a"
    assert name.unique(["a"]) == "a#2"
    assert name.unique(["a", "a#2", "b"]) == "a#3"
    assert name.unique(["a#2"]) == "a"


def test_a_name_is_its_text() -> None:
    name = CallbackName("./printer.py:LossPrinter#2")
    assert CallbackName(name) is name
    assert "./printer.py:LossPrinter#2" in {name: 1}
    for other in (copy.deepcopy(name), pickle.loads(pickle.dumps(name))):  # our own bytes
        assert (other, other.attribute, other.number) == (name, "LossPrinter", 2)


@pytest.mark.parametrize(
    ("name", "path", "attribute", "short"),
    [
        ("./my_callback.py", "./my_callback.py", "", "my_callback"),
        ("my_callback.py", "my_callback.py", "", "my_callback"),
        ("../a b/c.py:Loss.Printer", "../a b/c.py", "Loss.Printer", "printer"),
        ("c.py:Loss#2", "c.py", "Loss", "loss#2"),
        ("c.py#2", "c.py", "", "c#2"),
        ("./c", "./c", "", "c"),
        ("./2-c.py", "./2-c.py", "", "_2_c"),
        ("a:b/c.py", "a:b/c.py", "", "c"),
    ],
)
def test_a_file_has_a_separator_or_ends_with_py(name: str, path: str, attribute: str, short: str) -> None:
    parsed = CallbackName(name)
    assert parsed.is_file
    assert parsed.is_place
    assert (parsed.path, parsed.attribute, parsed.short) == (path, attribute, short)


@pytest.mark.parametrize("name", ["early_stopping", "package.module:Class", "csv_logger#2", "py", "", ":", "a.b:c.py"])
def test_any_other_name_is_none(name: str) -> None:
    parsed = CallbackName(name)
    assert not parsed.is_file
    assert parsed.is_place is (":" in name)
    assert parsed.absolute(Path("/x")) is parsed.relative(Path("/x")) is parsed


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("a,b", ["a", "b"]),
        (" a , b,, ", ["a", "b"]),
        ("a b", ["a", "b"]),
        ("", []),
        ("./marked.py,printer.py:LossPrinter", ["./marked.py", "printer.py:LossPrinter"]),
        ("./marked.py a", ["./marked.py", "a"]),
        ("a dir/x.py", ["a dir/x.py"]),
        ("a, b.py", ["a, b.py"]),
        ("a, b.py:X", ["a, b.py:X"]),
        ("a dir/typo.py", ["a dir/typo.py"]),
    ],
)
def test_names_are_split_at_commas_and_spaces_but_not_the_path_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str, names: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a dir").mkdir()
    for path in ("a dir/x.py", "a, b.py", "marked.py", "printer.py"):
        Path(path).touch()
    assert split_names(typed) == names


@given(
    st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=3),
    st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), max_size=2),
    st.sampled_from(["", ":Printer", ":Printer#2", "#2"]),
)
def test_a_name_is_the_same_from_everywhere(parts: list[str], folder: list[str], rest: str) -> None:
    name, start = CallbackName("./" + "/".join(parts) + ".py" + rest), Path("/", *folder).absolute()
    absolute = name.absolute(start)
    assert absolute.absolute(Path("/elsewhere")) == absolute
    assert absolute.relative(start).absolute(start) == absolute
    assert CallbackName("sub/../" + name).absolute(start) == absolute
