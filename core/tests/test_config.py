from __future__ import annotations

import os
import re
import sys
import sysconfig
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from epochal.settings import toml
from epochal.settings.layers import Layer, Setting
from epochal.settings.names import CallbackName
from epochal.settings.reading import (
    KEYS,
    LARGEST,
    VARIABLES,
    config_file,
    find_config,
    load_settings,
    read_environment,
    read_file,
    set_command_line,
)
from epochal.settings.toml import header_of

if TYPE_CHECKING:
    from collections.abc import Callable

FULL = """
enable = ["terminate_on_nan"]
disable = ["progbar_logger"]
autoload = false

[prefer]
progbar_logger = "their-dist"

[priority]
csv_logger = 45

[on_error]
csv_logger = "raise"

[after]
csv_logger = ["early_stopping"]

[callbacks.early_stopping]
monitor = "val_loss"
patience = 3

[[callbacks.csv_logger]]
filename = "a.csv"

[[callbacks.csv_logger]]
filename = "b.csv"
"""


@pytest.fixture(autouse=True)
def _here(no_variables: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_every_key_is_read_with_its_place(tmp_path: Path) -> None:
    layer = read_file(write(tmp_path / "epochal.toml", FULL))
    assert layer.problems == ()
    assert layer.enable == {"terminate_on_nan": Setting(True, "epochal.toml, line 2, enable", "file")}
    assert list(layer.disable) == ["progbar_logger"]
    assert layer.autoload == Setting(False, "epochal.toml, line 4, autoload", "file")
    assert layer.prefer[CallbackName("progbar_logger")] == Setting(
        "their-dist", "epochal.toml, line 7, prefer.progbar_logger", "file"
    )
    assert layer.priority[CallbackName("csv_logger")].value == 45
    assert layer.on_error[CallbackName("csv_logger")].value == "raise"
    assert layer.after[CallbackName("csv_logger")].value == [CallbackName("early_stopping")]
    (table,) = layer.tables[CallbackName("early_stopping")]
    assert table.place == "epochal.toml, line 18, callbacks.early_stopping"
    assert table.parameters["patience"] == Setting(
        3, "epochal.toml, line 20, callbacks.early_stopping.patience", "file"
    )
    first, second = layer.tables[CallbackName("csv_logger")]
    assert (first.parameters["filename"].value, second.parameters["filename"].value) == ("a.csv", "b.csv")
    assert second.parameters["filename"].place == "epochal.toml, line 26, callbacks.csv_logger.filename"


def test_pyproject_has_the_same_below_tool_epochal(tmp_path: Path) -> None:
    text = "\n".join(
        line.replace("[", "[tool.epochal.", 1) if line.startswith("[") and not line.startswith("[[") else line
        for line in FULL.replace("[[", "[[tool.epochal.").splitlines()
    )
    text = text.replace("enable =", "[tool.epochal]\nenable =", 1)
    own, project = (
        read_file(write(tmp_path / "a/epochal.toml", FULL)),
        read_file(write(tmp_path / "pyproject.toml", text)),
    )
    assert project.problems == ()
    assert project.tables.keys() == own.tables.keys()
    assert project.priority[CallbackName("csv_logger")].place.endswith("tool.epochal.priority.csv_logger")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("enabel = []", "line 1, enabel: there is no such key. Did you mean 'enable'?"),
        ("enable = 'early_stopping'", "line 1, enable: a list of names is expected"),
        ("enable = [1]", "line 1, enable: a list of names is expected"),
        ("disable = ['']", "line 1, disable: a list of names is expected"),
        ("autoload = 0", "line 1, autoload: true or false is expected, and 0 stands there"),
        ("prefer = 3", "line 1, prefer: a table of name = value is expected"),
        ("[prefer]\nx = 1", "line 2, prefer.x: the name of a distribution is expected"),
        ("[callback.x]\ny = 1", "line 1, callback: there is no such key. Did you mean 'callbacks'?"),
        ("[tool.epochal]\nenable = []", "line 1, tool: in epochal.toml the keys stand without 'tool.epochal'"),
        ("[priority]\nx = '1'", "line 2, priority.x: a whole number is expected, and '1' stands there"),
        ("[priority]\nx = true", "line 2, priority.x: a whole number is expected, and true stands there"),
        ("[on_error]\nx = 'rise'", 'line 2, on_error.x: "raise" or "disable" is expected, and \'rise\' stands there.'),
        (
            "[after]\nx = 'y'",
            'line 2, after.x: a list of names, like ["csv_logger"], is expected',
        ),
        (
            "[before]\nx = [1]",
            'line 2, before.x: a list of names, like ["csv_logger"], is expected, and [1] stands there',
        ),
        ("callbacks = []", "line 1, callbacks: a table for each callback is expected"),
        (
            "[callbacks]\nx = 3",
            "line 2, callbacks.x: a table of parameters is expected, [callbacks.x], and 3 stands there",
        ),
        ("[callbacks]\nx = []", "line 2, callbacks.x: a table of parameters is expected"),
        ("x = ", "not valid TOML"),
        ("enable = ['a']\ndisable = ['a']", "'a' is switched on here, and off in epochal.toml, line 2, disable"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, expected: str, tmp_path: Path) -> None:
    write(tmp_path / "epochal.toml", text)
    (problem,) = load_settings().problems
    assert expected in problem
    assert "epochal.toml" in problem


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    assert len(read_file(write(tmp_path / "epochal.toml", "a = 1\nautoload = 3\n[priority]\nx = 'y'")).problems) == 3


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"\xff\xfee\x00", "is UTF-16 text. Save it as UTF-8."),
        (b"\xfe\xff\x00e", "is UTF-16 text. Save it as UTF-8."),
        (b"enable = []\n\x00\x81", "is not UTF-8 text: byte 0x81 in line 2 cannot be decoded."),
        (b"\xef\xbb\xbfenable = []", "begins with a byte order mark. Save it as UTF-8 without one."),
        (b"\n" * (LARGEST + 1), "is 4 MiB large; a config file has at most 4 MiB."),
    ],
)
def test_a_file_that_is_no_text_is_a_mistake(content: bytes, expected: str, tmp_path: Path) -> None:
    path = tmp_path / "epochal.toml"
    path.write_bytes(content)
    (problem,) = load_settings(tmp_path).problems
    assert problem == f"{path} {expected}"


@pytest.mark.parametrize("name", ["epochal.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (Path.mkdir, "is a folder and not a file."),
        (os.mkfifo, "is a pipe and not a file."),
        (lambda path: path.symlink_to(path.name), "cannot be read: it is a symbolic link to '{name}': "),
        (lambda path: path.symlink_to("gone"), "cannot be read: it is a symbolic link to 'gone': "),
        (lambda path: path.symlink_to(os.devnull), "is a device and not a file."),
    ],
)
def test_what_is_no_file_is_a_mistake_or_where_it_may_have_settings_a_warning(
    name: str, make: Callable[[Path], None], expected: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    make(path)
    expected = f"{path} {expected.format(name=name)}"
    if name == "epochal.toml":
        (problem,) = load_settings(tmp_path).problems
        assert problem.startswith(expected)
    else:
        with pytest.warns(UserWarning, match=re.escape(expected)):
            assert load_settings(tmp_path).problems == ()


def test_a_named_file_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    expectations = {"/dev/zero": "is a device", str(tmp_path / "pipe"): "is a pipe", "none": "cannot be read"}
    for named, expected in expectations.items():
        monkeypatch.setenv("EPOCHAL_CONFIG", named)
        (problem,) = load_settings().problems
        assert problem.startswith(f"{named} {expected}")


def test_a_folder_that_may_not_be_entered_has_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any, **_: Any) -> Any:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(os, "stat", refuse)
        patch.setattr(os, "lstat", refuse)
        found = find_config(tmp_path)
    assert found is None


def test_the_lines_of_many_settings_are_found_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []

    def note(line: str) -> tuple[str, ...] | None:
        looked_at.append(line)
        return header_of(line)

    monkeypatch.setattr(toml, "header_of", note)
    text = "[callbacks.a]\n" + "".join(f"x{number}.y.z = 1\n" for number in range(200))
    (table,) = read_file(write(tmp_path / "epochal.toml", text)).tables[CallbackName("a")]
    assert [each.place.split(", ")[1] for each in table.parameters.values()][::199] == ["line 2", "line 201"]
    assert len(looked_at) == 202


# Which file


def test_the_nearest_file_upwards_counts(tmp_path: Path) -> None:
    far = write(tmp_path / "pyproject.toml", "[tool.epochal]\n")
    write(tmp_path / "a/pyproject.toml", "[project]\nname = 'x'\n")
    assert find_config(tmp_path / "a/b") == far
    near = write(tmp_path / "a/epochal.toml", "")
    assert find_config(tmp_path / "a/b") == near


@pytest.mark.parametrize(
    "text",
    [
        "[tool.epochal]",
        "[tool.epochal.callbacks.x]",
        "[[tool.epochal.callbacks.x]]",
        '[tool."epochal"]',
        "['tool' . epochal]",
        "tool.epochal.enable = []",
        "[tool]\nepochal = {enable = []}",
        "[tool.epochal\nenable = []",
        "[tool.epochal]\nenable = [",
    ],
)
def test_tool_epochal_makes_it_a_config_however_it_is_written_and_also_if_it_is_no_toml(
    text: str, tmp_path: Path
) -> None:
    assert find_config(tmp_path) is None
    path = write(tmp_path / "pyproject.toml", text)
    assert find_config(tmp_path) == path


@pytest.mark.parametrize(
    "text",
    [
        "[project]\ndependencies = ['epochal']",
        "[tool.epochal-extra]",
        "[tool.other]\nepochal = 1",
        "tool = 'epochal'",
        "[project]\ndependencies = ['epochal",
        "[tool.epochal-extra]\nx = [",
    ],
)
def test_a_project_that_only_speaks_of_it_has_no_settings(text: str, tmp_path: Path) -> None:
    write(tmp_path / "pyproject.toml", text)
    assert find_config(tmp_path) is None


def test_settings_in_both_files_of_a_folder_are_a_mistake(tmp_path: Path) -> None:
    write(tmp_path / "epochal.toml", "")
    write(tmp_path / "pyproject.toml", "[tool.epochal]\n")
    assert "Keep one of them" in load_settings().problems[0]


def test_it_is_looked_for_from_the_script_and_without_one_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = write(tmp_path / "epochal.toml", "")
    there = write(tmp_path / "scripts/epochal.toml", "")
    main = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", main)
    assert config_file() == here  # a notebook, the prompt
    main.__file__ = str(tmp_path / "scripts/train.py")
    assert config_file() == there
    main.__spec__ = __spec__  # python -m
    assert config_file() == here


def test_an_installed_command_is_no_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = write(tmp_path / "epochal.toml", "")
    write(tmp_path / "venv/bin/epochal.toml", "")
    main = ModuleType("__main__")
    main.__file__ = str(tmp_path / "venv/bin/pytest")
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv/bin/python"))
    assert config_file() == here
    main.__file__ = str(Path(sysconfig.get_path("scripts")) / "pytest")
    assert config_file() == here


def test_a_folder_to_begin_in_can_be_given(tmp_path: Path) -> None:
    there = write(tmp_path / "other/epochal.toml", "enable = ['a']")
    assert config_file(tmp_path / "other/deep") == there
    assert load_settings(tmp_path / "other").enabled() == ["a"]


def test_a_variable_names_the_file_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "epochal.toml", "enable = ['a']")
    other = write(tmp_path / "other.toml", "enable = ['b']")
    monkeypatch.setenv("EPOCHAL_CONFIG", str(other))
    assert load_settings().enabled() == ["b"]
    monkeypatch.setenv("EPOCHAL_CONFIG", "")
    assert load_settings().enabled() == []


# Precedence


def test_the_command_line_is_above_the_environment_and_that_above_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "epochal.toml", "enable = ['a', 'b', 'c']\nautoload = true")
    monkeypatch.setenv("EPOCHAL_DISABLE", "a, b")
    monkeypatch.setenv("EPOCHAL_AUTOLOAD", "0")
    settings = load_settings(command_line=Layer(enable={CallbackName("b"): Setting(True, "--enable", "command line")}))
    assert settings.enabled() == ["b", "c"]
    assert settings.disabled(CallbackName("a")) == Setting(False, "EPOCHAL_DISABLE", "environment")
    assert settings.autoload == Setting(False, "EPOCHAL_AUTOLOAD", "environment")
    assert load_settings().enabled() == ["c"]


def test_a_table_switches_on_and_disable_in_the_same_file_switches_off_again(tmp_path: Path) -> None:
    path = write(tmp_path / "epochal.toml", "[callbacks.a]\n[callbacks.b]\n")
    assert load_settings().enabled() == ["a", "b"]
    write(path, "disable = ['a']\n[callbacks.a]\n[callbacks.b]\n")
    assert load_settings().enabled() == ["b"]
    assert load_settings().problems == ()


def test_single_values_of_the_command_line_replace_those_of_a_table(tmp_path: Path) -> None:
    write(tmp_path / "epochal.toml", "[[callbacks.a]]\nx = 1\ny = 2\n[[callbacks.a]]\nx = 3\n")
    one, other = CallbackName("a"), CallbackName("a#2")
    given = {(one, "x"): Setting(7, "--set", "command line"), (other, "z"): Setting(8, "--set", "command line")}
    first, second = load_settings(command_line=Layer(overrides=given)).tables[CallbackName("a")]
    assert {key: each.value for key, each in first.parameters.items()} == {"x": 7, "y": 2}
    assert {key: each.value for key, each in second.parameters.items()} == {"x": 3, "z": 8}


def test_a_single_value_alone_switches_on() -> None:
    settings = load_settings(
        command_line=Layer(overrides={(CallbackName("a"), "x"): Setting(7, "--set", "command line")})
    )
    assert settings.enabled() == ["a"]
    assert settings.tables[CallbackName("a")][0].parameters["x"].value == 7


@pytest.mark.parametrize("instance", ["a#4", "a#0", "a#x", "a#-1", "a#99999999999"])
def test_a_value_for_an_instance_that_there_is_not_is_a_mistake(instance: str, tmp_path: Path) -> None:
    write(tmp_path / "epochal.toml", "[[callbacks.a]]\n[[callbacks.a]]\n")
    given = {(CallbackName(instance), "x"): Setting(7, f"--set {instance}.x", "command line")}
    (problem,) = load_settings(command_line=Layer(overrides=given)).problems
    assert problem == f"--set {instance}.x: there is no instance {instance!r}; the last one is number 2."


def test_values_may_make_further_instances_whatever_their_order() -> None:
    names = map(CallbackName, ("a#3", "a", "a#2"))
    given = {(name, "x"): Setting(name, "--set", "command line") for name in names}
    settings = load_settings(command_line=Layer(overrides=given))
    assert [table.parameters["x"].value for table in settings.tables[CallbackName("a")]] == ["a", "a#2", "a#3"]
    assert settings.problems == ()


def test_a_value_for_what_is_switched_off_beside_it_is_a_mistake() -> None:
    off, given = Setting(True, "--disable", "command line"), Setting(7, "--set a.x", "command line")
    layer = Layer(disable={CallbackName("a"): off}, overrides={(CallbackName("a"), "x"): given})
    assert load_settings(command_line=layer).problems == (
        "--set a.x: 'a' gets a value here, and is switched off in --disable. Keep one of them.",
    )


def test_the_command_line_names_the_file_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHAL_CONFIG", str(write(tmp_path / "one.toml", "enable = ['a']")))
    other = write(tmp_path / "other.toml", "enable = ['b']")
    assert load_settings(command_line=Layer(config=Setting(other, "--config", "command line"))).enabled() == ["b"]
    assert load_settings(command_line=Layer(config=Setting(None, "--config", "command line"))).enabled() == []
    assert load_settings().enabled() == ["a"]


def test_the_command_line_of_the_process_holds_in_threads_too() -> None:
    seen: list[str] = []
    set_command_line(Layer(enable={CallbackName("a"): Setting(True, "--enable", "command line")}))
    try:
        thread = Thread(target=lambda: seen.extend(load_settings().enabled()))
        thread.start()
        thread.join()
    finally:
        set_command_line(None)
    assert seen == ["a"]


def test_a_misspelt_or_senseless_variable_is_a_mistake() -> None:
    (problem,) = read_environment({"EPOCHAL_ENABEL": "a"}).problems
    assert "Did you mean 'EPOCHAL_ENABLE'?" in problem
    (problem,) = read_environment({"EPOCHAL_AUTOLOAD": "perhaps"}).problems
    assert "has to be 0 or 1" in problem
    assert read_environment({"EPOCHAL_OF_A_PLUGIN": "x", "HOME": "/"}).problems == ()


def test_every_key_and_variable_is_described() -> None:
    assert all(KEYS.values())
    assert all(VARIABLES.values())


@pytest.mark.parametrize("table", ["tool.epochal", "epochal"])
def test_an_epochal_toml_has_its_keys_without_a_table_around_them(table: str, tmp_path: Path) -> None:
    layer = read_file(write(tmp_path / "epochal.toml", f"[{table}]\nenable = ['a']\n"))
    assert f"in epochal.toml the keys stand without '{table}'" in layer.problems[0]
