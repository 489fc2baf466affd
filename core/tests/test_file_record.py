"""A callback in a file, named by its path: in the settings, on the command line, and what is said when it is wrong."""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from epochal.choosing.choice import Choice, find_record
from epochal.choosing.selection import select
from epochal.cli import main
from epochal.errors import CallbackImportError, ConfigError, InvalidCallbackError
from epochal.installed.discovery import Catalogue, discover
from epochal.launch.early_check import check_settings
from epochal.settings.layers import Layer, Setting, merge
from epochal.settings.names import CallbackName
from epochal.settings.reading import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Site

MARKED = """
import epochal

priority = 90

@epochal.hookimpl
def on_epoch_end(epoch): ...
"""
PRINTER = """
import epochal

class LossPrinter(epochal.Callback):
    def __init__(self, every: int = 1):
        self.every = every

    def on_epoch_end(self, epoch, logs=None): ...

class Box:
    Inner = LossPrinter
"""

TWO = """
import epochal

class _Base(epochal.Callback):
    def on_epoch_end(self, epoch, logs=None): ...

class First(_Base): ...
class Second(_Base): ...

Same = First

class Third:
    @epochal.hookimpl
    def on_epoch_end(self, epoch): ...
"""


@pytest.fixture(autouse=True)
def here(no_variables: None, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("EPOCHAL_AUTOLOAD", "0")  # whatever else is installed
    site.pinned()
    folder = tmp_path / "here"
    (folder / "sub").mkdir(parents=True)
    (folder / "marked.py").write_text(MARKED)
    (folder / "printer.py").write_text(PRINTER)
    (folder / "two.py").write_text(TWO)
    monkeypatch.chdir(folder)
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        if str(folder) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def load(name: str) -> Any:
    return find_record(CallbackName(name), Catalogue()).load()


def active(**given: Any) -> list[str]:
    """Return the names of what a run begins with, less the pinned two."""
    return [member.name for member in select(settings=load_settings(Path.cwd()), **given)][2:]


def problems(*names: str) -> list[str]:
    """Return what is wrong when names are switched on."""
    layer = Layer(enable={CallbackName(name).absolute(): Setting(True, name, "command line") for name in names})
    with pytest.raises(ConfigError) as caught:
        select(settings=load_settings(Path.cwd(), layer))
    return list(caught.value.problems)


def test_a_home_folder_is_known(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(here))
    monkeypatch.setenv("USERPROFILE", str(here))
    assert load("~/printer.py:LossPrinter").__name__ == "LossPrinter"


# What is in the file


def test_a_file_is_run_once_and_is_the_module_that_an_import_finds(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = load("./marked.py")
    assert module is load("sub/../marked.py") is sys.modules["marked"]
    monkeypatch.syspath_prepend(str(here))
    import printer  # type: ignore[import-not-found]

    assert load("./printer.py:LossPrinter") is printer.LossPrinter
    assert load("./printer.py:Box.Inner") is printer.LossPrinter


def test_a_file_that_defines_one_callback_class_means_that_class(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load("./printer.py").__name__ == "LossPrinter"
    (here / "epochal.toml").write_text('[callbacks."printer.py"]\nevery = 3\n')
    (member,) = select(settings=load_settings(here))[2:]
    assert (member.name, type(member.callback).__name__, member.callback.every) == ("printer", "LossPrinter", 3)
    assert main(["info", "printer.py", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["import"] == "from printer import LossPrinter"


def test_a_keras_callback_class_is_meant_too_and_one_that_is_imported_or_private_is_not(here: Path) -> None:
    (here / "plain.py").write_text(
        "from two import First\nclass Keras:\n    def set_model(self, model): ...\n"
        "class _Base(Keras): ...\nclass Plain(_Base): ...\ndel Keras\n"
    )
    sys.path.append(str(here))
    try:
        assert load("./plain.py").__name__ == "Plain"
    finally:
        sys.path.remove(str(here))


def test_marked_functions_are_meant_where_a_class_is_beside_them(here: Path) -> None:
    (here / "both.py").write_text(MARKED + "class Helper(epochal.Callback): ...\n")
    assert load("./both.py").priority == 90


def test_a_file_hides_no_other_module(here: Path) -> None:
    (here / "logging.py").write_text(MARKED)
    (here / "my-callback.py").write_text(MARKED)
    assert load("./logging.py") is not logging
    assert sys.modules["logging"] is logging
    assert [find_record(CallbackName(f"./{name}.py"), Catalogue()).name for name in ("logging", "my-callback")] == [
        "logging",
        "my_callback",
    ]


def test_a_file_that_fails_is_forgotten_and_can_be_mended(here: Path) -> None:
    file = here / "failing.py"
    file.write_text("import epochal\nraise RuntimeError('not today')\n")
    with pytest.raises(CallbackImportError, match=r"^failing.py, line 2, cannot be run: RuntimeError: not today$"):
        load("./failing.py")
    assert "failing" not in sys.modules
    file.write_text(MARKED + "# a file of another size\n")
    assert load("./failing.py").priority == 90


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("./markd.py", None, "file markd.py cannot be used: there is no such file. Did you mean 'marked.py'?"),
        ("./sub", None, "file sub cannot be used: it is a folder, and the file in it has to be named."),
        (
            "./wrong.py",
            "import epochal\n\ndef on_epoch_end(epoch:\n    pass\n",
            "file wrong.py cannot be used: line 3 is not valid Python, ",
        ),
        ("./wrong.py", "x = 1\0", "file wrong.py cannot be used: "),
        ("./printer.py:LosPrinter", None, "there is no 'LosPrinter' in printer.py. Did you mean 'LossPrinter'?"),
        ("./printer.py:Box.Outer", None, "there is no 'Box.Outer' in printer.py."),
        (
            "./two.py",
            None,
            "two.py defines 3 callbacks. Name one of them: ./two.py:First or ./two.py:Second or ./two.py:Third.",
        ),
        (
            "./wrong.py",
            "def on_epoch_end(): ...\n",
            "no function marked with @epochal.hookimpl. Put @epochal.hookimpl above on_epoch_end.",
        ),
        ("./wrong.py", "from two import First\n", "wrong.py defines no callback: no subclass of epochal.Callback"),
        ("./printer.py:Box", None, "implements no event"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_place(
    here: Path, name: str, source: str | None, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if source is not None:
        (here / "wrong.py").write_text(source)
    assert main(["plan", "--json", "--enable", name]) == 1
    told = capsys.readouterr()
    (problem,) = json.loads(told.out)["problems"]
    assert expected in problem
    assert told.err == ""


def test_a_file_that_ends_python_is_an_error_and_ends_nothing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "ending.py").write_text("raise SystemExit(5)")
    assert main(["info", "./ending.py"]) == 1
    assert capsys.readouterr().err == "epochal: ending.py, line 1, cannot be run: SystemExit: 5\n"
    assert "ending" not in sys.modules


def test_info_of_a_default_that_cannot_be_shown_names_its_type(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "odd.py").write_text(
        "import epochal\nclass Odd:\n    def __repr__(self): 1 / 0\n"
        "class Taking(epochal.Callback):\n    def __init__(self, x=Odd()): ...\n"
    )
    assert main(["info", "./odd.py"]) == 0
    assert "x = <Odd, whose repr raises ZeroDivisionError>" in capsys.readouterr().out


def test_a_line_that_is_no_python_is_shown(here: Path) -> None:
    (here / "wrong.py").write_text("x = 1\nx ==== 2\n")
    (problem,) = problems("./wrong.py")
    assert problem.endswith("line 2 is not valid Python, invalid syntax: 'x ==== 2'")


def test_the_script_that_runs_is_no_file_of_a_callback(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["__main__"], "__file__", str(here / "marked.py"), raising=False)
    (problem,) = problems("./marked.py")
    assert "it is the script that runs" in problem


def test_two_files_of_one_name_are_told_and_so_is_a_file_with_the_name_of_an_active_callback(here: Path) -> None:
    for file in (here / "sub" / "marked.py", here / "history.py"):
        file.write_text(MARKED)
    assert problems("./marked.py", "sub/marked.py", "history.py") == [
        "sub/marked.py: file marked.py and file sub/marked.py would both be the callback 'marked'. "
        "Give one of them another name.",
        "history.py: epochal-history 1.0 and file history.py would both be the callback 'history'. "
        "Give one of them another name.",
    ]


# In the settings


def test_in_a_config_file_a_path_begins_in_its_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "epochal.toml").write_text(
        'enable = ["./marked.py"]\n[callbacks."printer.py:LossPrinter"]\nevery = 3\n[priority]\nloss_printer = 7\n'
    )
    monkeypatch.chdir(here / "sub")
    members = select(settings=load_settings(Path.cwd()))[2:]
    assert [(member.name, member.priority) for member in members] == [("loss_printer", 7), ("marked", 90)]
    assert members[0].callback.every == 3
    assert members[1].origin == f"file {here / 'marked.py'}"


def test_in_the_environment_and_in_code_it_begins_in_the_working_directory(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here / "sub")
    monkeypatch.setenv("EPOCHAL_ENABLE", "../marked.py")
    assert active(given=["../printer.py:LossPrinter"]) == ["loss_printer", "marked"]


@pytest.mark.parametrize("off", ["../marked.py", "marked"])
def test_it_is_switched_off_by_its_path_from_elsewhere_and_by_its_name(
    here: Path, off: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "epochal.toml").write_text('enable = ["./marked.py"]\n')
    monkeypatch.chdir(here / "sub")
    monkeypatch.setenv("EPOCHAL_DISABLE", off)
    assert active() == []


def test_the_higher_layer_counts_when_one_goes_by_path_and_one_by_name(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "epochal.toml").write_text('disable = ["marked"]\n')
    monkeypatch.setenv("EPOCHAL_ENABLE", "./marked.py")
    assert active() == ["marked"]


def test_an_object_of_the_code_takes_its_place(here: Path) -> None:
    (here / "epochal.toml").write_text('enable = ["./printer.py:LossPrinter"]\n')
    printer = load("./printer.py:LossPrinter")(every=9)
    with pytest.warns(UserWarning, match="the code gives its own 'loss_printer', so epochal.toml, line 1"):
        members = select(printer, settings=load_settings(Path.cwd()))
    assert [member.callback for member in members[2:]] == [printer]


# The commands


def test_list_and_config_tell_of_files_without_running_them(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "raising.py").write_text("raise AssertionError\n")
    (here / "epochal.toml").write_text('enable = ["./raising.py:Printer", "./nowhere.py"]\n')
    assert main(["list", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["callbacks"]}
    assert (found["printer"]["active"], found["printer"]["distribution"]) == (True, "file raising.py")
    assert (found["nowhere"]["status"], found["nowhere"]["reason"]) == ("broken", "there is no such file.")
    assert main(["config", "--json"]) == 1
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert problem == "epochal.toml, line 1, enable: file nowhere.py cannot be used: there is no such file."


def test_info_describes_what_is_in_a_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "epochal.toml").write_text('[callbacks."printer.py:LossPrinter"]\nevery = 3\n')
    assert main(["info", "./printer.py:LossPrinter", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["class"], found["active"]) == ("loss_printer", "LossPrinter", True)
    assert found["parameters"][0]["set"][0]["value"] == 3
    assert main(["info", "marked.py"]) == 0
    assert capsys.readouterr().out.startswith("marked: marked of file marked.py\n")


def test_plan_takes_the_switches_of_run(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "epochal.toml").write_text('enable = ["./marked.py"]\n')
    words = ["plan", "--set", "./printer.py:LossPrinter.every=True", "--disable", "marked", "--json"]
    assert main(words) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["problems"] == [
        "--set ./printer.py:LossPrinter.every: int is expected, and 'True' (str) stands there. "
        "In a config file it is written true."
    ]
    assert "marked" not in [each["name"] for each in found["callbacks"]]


def test_enable_and_disable_write_the_path_as_the_config_file_sees_it(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = here / "epochal.toml"
    config.write_text('enable = ["marked.py"]\n')
    monkeypatch.chdir(here / "sub")
    assert main(["enable", "../marked.py"]) == 0  # it is there, spelt in another way
    assert config.read_text() == 'enable = ["marked.py"]\n'
    assert main(["enable", "../printer.py:LossPrinter", "every=3"]) == 0
    assert main(["enable", "../printer.py:LossPrinter#2", "every=4"]) == 0
    assert active() == ["loss_printer", "loss_printer#2", "marked"]
    assert main(["disable", "../printer.py:LossPrinter#2"]) == 0
    assert main(["disable", "../marked.py"]) == 0
    assert '"./printer.py:LossPrinter"' in config.read_text()
    assert active() == ["loss_printer"]
    capsys.readouterr()
    assert main(["enable", "../printer.py:LossPrinter", "evry=3"]) == 1
    assert "Did you mean 'every'?" in capsys.readouterr().err


def test_check_runs_the_suite_against_a_file(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(here / "sub")
    assert main(["check", "../printer.py:LossPrinter", "every=2", "--json"]) == 0, capsys.readouterr().out
    found = json.loads(capsys.readouterr().out)
    assert (found["name"], found["holds"]) == ("loss_printer", True)
    assert main(["check", "../pinter.py:LossPrinter", "--json"]) == 1
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert check["detail"].endswith("cannot be used: there is no such file. Did you mean 'printer.py'?")


def test_a_bare_name_of_a_file_is_told_how_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "marked"]) == 1
    assert capsys.readouterr().err.endswith("The file marked.py is named as './marked.py'.\n")


# Before a script


def test_a_file_is_checked_before_a_script_begins(here: Path) -> None:
    layer = Layer(enable={CallbackName(str(here / "two.py")): Setting(True, "--enable two.py", "command line")})
    with pytest.raises(ConfigError, match=r"Name one of them: \./two\.py:First or"):
        check_settings(Choice(discover(), merge([layer])))


def test_a_file_that_needs_a_framework_is_checked_when_a_run_begins(here: Path) -> None:
    (here / "needy.py").write_text("import torch\n")
    layer = Layer(enable={CallbackName(str(here / "needy.py")): Setting(True, "--enable", "command line")})
    check_settings(Choice(discover(), merge([layer])))
    assert "needy" not in sys.modules


def test_an_error_of_a_file_names_the_callback(here: Path) -> None:
    with pytest.raises(InvalidCallbackError) as caught:
        load("./two.py")
    assert caught.value.callback == "two"
