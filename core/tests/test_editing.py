from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tomlkit.exceptions import ParseError

from epochal.editing.switching import disable, enable, file_to_edit
from epochal.errors import CallbackImportError, ConfigError, EpochalError, UnknownCallbackError
from epochal.installed.discovery import Catalogue
from epochal.settings.names import CallbackName
from epochal.settings.reading import read_file
from epochal.settings.toml import parse_toml

if TYPE_CHECKING:
    from pathlib import Path

    from epochal.editing.draft import Edit

    from .conftest import Site

THINGS = """
import epochal

class Stopper(epochal.Callback):
    def __init__(self, patience: int = 0, monitor: str = "val_loss", verbose: bool = False, delta: float = 0.0):
        if patience < 0:
            raise ValueError("patience has to be 0 or more")

class Writer(epochal.Callback):
    def __init__(self, filename: str):
        if filename == "offline":
            raise RuntimeError("call start() first")

class Odd(epochal.Callback):
    priority = "high"

@epochal.hookimpl
def on_epoch_end(): ...
"""
FILE = """\
# mine
enable = ["writer"]  # always
disable = [
    "stopper",  # too early
    "bar",
]

# when to stop
[callbacks.stopper]
patience = 3  # epochs

# the end
"""


@pytest.fixture(autouse=True)
def _here(no_variables: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def full(site: Site) -> Site:
    site.package("fake_things", THINGS)
    callbacks = {"stopper": "fake_things:Stopper", "writer": "fake_things:Writer", "module": "fake_things"}
    callbacks["odd"] = "fake_things:Odd"
    site.distribution("fake-things", callbacks=callbacks)
    return site


def on(site: Site, path: Path, name: str, **given: str) -> Edit:
    return enable(path, [CallbackName(name)], given, site.catalogue())


def whats(edit: Edit) -> list[str]:
    return [f"{each.place}: {each.what}" for each in edit.changes]


# Switching on


def test_switching_on_takes_the_name_out_of_the_other_list_and_keeps_everything_else(
    full: Site, tmp_path: Path
) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text(FILE)
    edit = on(full, path, "stopper")
    assert edit.text == FILE.replace('    "stopper",  # too early\n', "")
    assert whats(edit) == ["epochal.toml, line 3: 'stopper' removed from disable"]
    assert path.read_text() == FILE
    edit.write()
    assert path.read_text() == edit.text


def test_parameters_go_into_the_table(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text(FILE)
    edit = on(full, path, "stopper", patience="5", monitor="loss", delta="1e-3")
    new = 'patience = 5  # epochs\nmonitor = "loss"\ndelta = 1e-3\n'
    assert edit.text == FILE.replace('    "stopper",  # too early\n', "").replace("patience = 3  # epochs\n", new)
    assert whats(edit)[1:] == [
        "epochal.toml, line 9: stopper: patience = 5, was 3",
        'epochal.toml, line 10: stopper: monitor = "loss"',
        "epochal.toml, line 11: stopper: delta = 1e-3",
    ]


def test_a_file_that_is_not_there_is_made(full: Site, tmp_path: Path) -> None:
    edit = on(full, tmp_path / "epochal.toml", "stopper")
    assert (edit.text, edit.creates) == ('enable = ["stopper"]\n', True)
    edit = on(full, tmp_path / "epochal.toml", "stopper", patience="3")
    assert edit.text == "[callbacks.stopper]\npatience = 3\n"
    assert whats(edit) == ["epochal.toml, line 1: stopper: patience = 3"]


def test_in_a_pyproject_it_stands_below_tool_epochal(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[project]\nname = 'x'\n\n[tool.ruff]\nline-length = 100\n")
    on(full, path, "stopper").write()
    assert path.read_text().endswith('line-length = 100\n\n[tool.epochal]\nenable = ["stopper"]\n')
    on(full, path, "stopper", patience="3").write()
    assert path.read_text().endswith("\n\n[tool.epochal.callbacks.stopper]\npatience = 3\n")
    assert read_file(path).problems == ()


def test_nothing_new_is_nothing_written(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text("# a\n[callbacks.stopper]\npatience = 3\n")
    os.utime(path, (0, 0))
    for given_ in ({}, {"patience": "3"}):
        edit = on(full, path, "stopper", **given_)
        assert edit.changes == ()
        edit.write()
    assert path.stat().st_mtime == 0


def test_instances_are_added_one_after_the_other(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text('[callbacks.writer]  # logs\nfilename = "a"\n')
    on(full, path, "writer#2", filename="b").write()
    assert path.read_text() == '[[callbacks.writer]]  # logs\nfilename = "a"\n\n[[callbacks.writer]]\nfilename = "b"\n'
    on(full, path, "writer#3", filename="c").write()
    edit = on(full, path, "writer#2", filename="B")
    assert whats(edit) == ['epochal.toml, line 5: writer#2: filename = "B", was "b"']
    assert [each["filename"] for each in parse_toml(edit.text)["callbacks"]["writer"]] == ["a", "B", "c"]
    with pytest.raises(EpochalError, match="the next one is writer#4"):
        on(full, path, "writer#5", filename="x")


def test_an_instance_beside_one_that_is_only_in_the_list(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text('enable = ["stopper"]\n')
    edit = on(full, path, "stopper#2", patience="2")
    assert parse_toml(edit.text)["callbacks"]["stopper"] == [{}, {"patience": 2}]
    with pytest.raises(EpochalError, match="the first one is to be enabled before, as stopper"):
        on(full, tmp_path / "other.toml", "stopper#2")


@pytest.mark.parametrize("name", ["stopper#1", "stopper#0", "stopper#", "stopper#x", "stopper#²"])
def test_what_is_no_instance_is_an_error(full: Site, tmp_path: Path, name: str) -> None:
    with pytest.raises(EpochalError, match="is not an instance: the second one is stopper#2"):
        on(full, tmp_path / "epochal.toml", name)
    with pytest.raises(EpochalError, match="is not an instance"):
        disable(tmp_path / "epochal.toml", [CallbackName(name)], Catalogue())


def test_a_class_is_switched_on_by_where_it_is(full: Site, tmp_path: Path) -> None:
    edit = on(full, tmp_path / "epochal.toml", "fake_things:Writer", filename="a")
    assert edit.text == '[callbacks."fake_things:Writer"]\nfilename = "a"\n'


def test_a_pinned_callback_needs_no_switch(full: Site, tmp_path: Path) -> None:
    full.pinned()
    assert on(full, tmp_path / "epochal.toml", "history").changes == ()


@pytest.mark.parametrize(
    ("name", "given_", "expected"),
    [
        ("stopper", {"patiens": "3"}, "patiens=3: Stopper has no parameter 'patiens'. Did you mean 'patience'?"),
        ("stopper", {"patience": "x"}, "patience=x: int is expected, and 'x' (str) stands there."),
        ("stopper", {"verbose": "True"}, "stands there. In a config file it is written true."),
        ("stopper", {"patience": "None"}, "A config file has no None; leave the parameter out."),
        ("stopper", {"patience": "-1"}, "stopper: ValueError: patience has to be 0 or more"),
        ("writer", {}, "writer: Writer needs filename."),
        ("module", {"x": "3"}, "'module' is not a class, and has no parameters."),
        ("odd", {}, "the priority of 'odd' (module fake_things) is 'high'"),
    ],
)
def test_a_wrong_parameter_is_found_before_anything_is_written(
    full: Site, tmp_path: Path, name: str, given_: dict[str, str], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        on(full, tmp_path / "epochal.toml", name, **given_)
    assert expected in str(caught.value)
    assert not (tmp_path / "epochal.toml").exists()


def test_what_a_constructor_lacks_in_this_place_is_no_wrong_parameter_and_is_warned_of(
    full: Site, tmp_path: Path
) -> None:
    with pytest.warns(UserWarning, match=r"creating 'writer' failed here: RuntimeError: call start\(\) first"):
        assert on(full, tmp_path / "epochal.toml", "writer", filename="offline").changes


def test_what_cannot_be_used_is_not_switched_on(full: Site, tmp_path: Path) -> None:
    with pytest.raises(UnknownCallbackError, match="Did you mean 'stopper'"):
        on(full, tmp_path / "epochal.toml", "stoper")
    full.distribution("broken", callbacks={"broken": "no_such_package:X"})
    with pytest.raises(CallbackImportError):
        on(full, tmp_path / "epochal.toml", "broken")


def test_of_two_claims_the_one_that_the_file_prefers_is_checked(full: Site, tmp_path: Path) -> None:
    full.distribution("other", callbacks={"stopper": "fake_things:Writer"})
    path = tmp_path / "epochal.toml"
    path.write_text("[prefer]\nstopper = 'other'\n")
    assert on(full, path, "stopper", filename="x").changes


# Switching off


def test_switching_off_takes_the_name_out_of_the_other_list_and_keeps_the_table(tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text('enable = ["a", "b"]\n\n[callbacks.a]\nx = 1\n')
    edit = disable(path, [CallbackName("a")], Catalogue())
    assert edit.text == 'enable = ["b"]\ndisable = ["a"]\n\n[callbacks.a]\nx = 1\n'
    assert whats(edit) == [
        "epochal.toml, line 1: 'a' removed from enable",
        "epochal.toml, line 2: 'a' added to disable",
    ]
    edit.write()
    assert disable(path, [CallbackName("a")], Catalogue()).changes == ()


@pytest.mark.parametrize("name", ["base_logger", "history"])
def test_the_pinned_two_cannot_be_switched_off(tmp_path: Path, name: str) -> None:
    with pytest.raises(EpochalError, match="pinned"):
        disable(tmp_path / "epochal.toml", [CallbackName(name)], Catalogue())


def test_on_and_off_again_and_again(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text(FILE)
    for _ in range(2):
        on(full, path, "stopper").write()
        assert parse_toml(path.read_text())["disable"] == ["bar"]
        disable(path, [CallbackName("stopper")], Catalogue()).write()
        assert parse_toml(path.read_text())["disable"] == ["bar", "stopper"]
    for comment in ("# mine", "# always", "# when to stop", "# epochs", "# the end"):
        assert path.read_text().count(comment) == 1


# Files of every kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "# only a comment",
        "callbacks = {stopper = {patience = 1}}\n",
        "callbacks.stopper.patience = 1\n",
        "[callbacks]\nstopper = {patience = 1}\n",
        "[callbacks]\nstopper.patience = 1\n[priority]\nx = 1\n",
        "[[callbacks.stopper]]\n",
        "callbacks.stopper = [{patience = 1}]\n",
        "[callbacks . 'stopper']\n'patience'=1",
        "enable = ['stopper', 'stopper']\ndisable = ['stopper',\n'stopper']",
        "x = '''\n[callbacks.stopper]\npatience = 4\n'''\n",
        "autoload = false\n[priority]\nstopper = 3\n",
        "[prefer]\n",
        "enable = ['stopper']\r\n\r\n[callbacks.other]\r\nx = 1\r\n",
    ],
)
@pytest.mark.parametrize("given_", [{}, {"patience": "7"}, {"patience": "7", "monitor": "loss"}], ids=str)
def test_however_a_file_is_written_it_says_then_what_it_should(
    full: Site, tmp_path: Path, text: str, given_: dict[str, str]
) -> None:
    path = tmp_path / "epochal.toml"
    path.write_bytes(text.encode())
    before = parse_toml(text)
    on(full, path, "stopper", **given_).write()
    after = parse_toml(path.read_bytes().decode())
    tables = after.get("callbacks", {}).get("stopper", {})
    table = tables[0] if isinstance(tables, list) else tables
    old = before.get("callbacks", {}).get("stopper", {})
    values = {"patience": 7, "monitor": "loss"}
    expected = (old[0] if isinstance(old, list) else old) | {key: values[key] for key in given_}
    assert table == expected
    assert "stopper" in after.get("enable", ()) or "stopper" in after["callbacks"]
    assert "stopper" not in after.get("disable", ())
    for key in before.keys() - {"enable", "disable", "callbacks"}:
        assert after[key] == before[key]
    if "\r" in text:
        assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")
    disable(path, [CallbackName("stopper")], Catalogue()).write()
    assert "stopper" in parse_toml(path.read_bytes().decode())["disable"]


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_comments_and_the_other_lines_stay(tmp_path: Path, data: st.DataObject) -> None:
    """Blocks in any order: every line that was there is there afterwards, in the same order."""
    blocks = ["# a comment\n", "\n", "[callbacks.a]\nx = 1  # one\n# y = 2\n", "[priority]\nb = 3\n", "# tail\n\n"]
    text = "".join(data.draw(st.permutations(blocks)))
    path = tmp_path / "epochal.toml"
    path.write_text(text)
    edit = disable(path, [CallbackName(data.draw(st.sampled_from(["a", "other"])))], Catalogue())
    kept = [line for line in text.splitlines() if line]
    new = [line for line in edit.text.splitlines() if line]
    assert [line for line in new if line in kept] == kept
    assert len(new) == len(kept) + 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("enable = 'stopper'", "line 1, enable: a list of names is expected"),
        ("callbacks = []", "callbacks: a table for each callback is expected"),
        ("[callbacks]\nstopper = 3", "callbacks.stopper: a table of parameters is expected"),
        ("x = ", "not valid TOML"),
    ],
)
def test_a_file_with_mistakes_where_it_is_edited_is_left_alone(
    full: Site, tmp_path: Path, text: str, expected: str
) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=expected):
        on(full, path, "stopper")
    with pytest.raises(ConfigError, match=expected):
        disable(path, [CallbackName("stopper")], Catalogue())
    assert path.read_text() == text


def test_a_file_that_cannot_be_read_or_whose_section_is_no_table_is_left_alone(full: Site, tmp_path: Path) -> None:
    (tmp_path / "epochal.toml").mkdir()
    with pytest.raises(ConfigError, match="is a folder and not a file"):
        on(full, tmp_path / "epochal.toml", "stopper")
    (tmp_path / "pyproject.toml").write_text("[tool]\nepochal = 3\n")
    with pytest.raises(ConfigError, match=r"tool\.epochal has to be a table"):
        on(full, tmp_path / "pyproject.toml", "stopper")


def test_mistakes_elsewhere_do_not_stand_in_the_way(full: Site, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text("autolod = 1\n")
    assert on(full, path, "stopper").text == 'autolod = 1\nenable = ["stopper"]\n'


@pytest.mark.parametrize("mistake", [{}, {"z": 2}, {"disable": "a"}, ParseError(1, 1)], ids=repr)
def test_what_cannot_be_edited_safely_is_said_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mistake: Any
) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text("x = 1\n")

    def fail(document: Any, *_: Any) -> None:
        if isinstance(mistake, Exception):
            raise mistake
        document.update(mistake)

    monkeypatch.setattr("epochal.editing.draft.add_name", fail)
    with pytest.raises(EpochalError, match=r"Do it by hand: disable: 'a' added to disable"):
        disable(path, [CallbackName("a")], Catalogue())
    assert path.read_text() == "x = 1\n"


def test_a_layout_that_tomlkit_would_change_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text("[[tool.x]]\na = 1\n[tool.y]\n# more\n[[tool.x]]\na = 2\n")
    with pytest.raises(EpochalError, match=r"Do it by hand: tool\.epochal\.disable: 'a' added to disable"):
        disable(path, [CallbackName("a")], Catalogue())


def test_a_file_that_cannot_be_written_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "epochal.toml"
    path.write_text("x = 1\n")
    edit = disable(path, [CallbackName("a")], Catalogue())

    def full_disk(*_: Any) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full_disk)
        with pytest.raises(EpochalError, match=r"epochal\.toml cannot be written: No space left on device"):
            edit.write()
    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        with pytest.raises(EpochalError, match="read-only"):
            edit.write()
    assert path.read_text() == "x = 1\n"
    assert os.listdir(tmp_path) == ["epochal.toml"]


# Which file


def test_the_file_that_counts_is_edited_else_one_is_made_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "a/b"
    here.mkdir(parents=True)
    assert file_to_edit(here) == here / "epochal.toml"
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    assert file_to_edit(here) == here / "epochal.toml"
    (here / "pyproject.toml").write_text("[project]\n")
    assert file_to_edit(here) == here / "pyproject.toml"
    (tmp_path / "epochal.toml").touch()
    assert file_to_edit(here) == tmp_path / "epochal.toml"
    monkeypatch.setenv("EPOCHAL_CONFIG", str(tmp_path / "other.toml"))
    assert file_to_edit(here) == tmp_path / "other.toml"
    monkeypatch.setenv("EPOCHAL_CONFIG", "")
    with pytest.raises(EpochalError, match="EPOCHAL_CONFIG is empty"):
        file_to_edit(here)
