"""The commands together: calling them wrongly, what they print to, and the shape of their JSON."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from epochal.cli import COMMANDS, build_parser, complain, main
from epochal.cli.command import PrintsJSON
from epochal.cli.output import count_of, folder, jsonable, print_table, say, say_below

if TYPE_CHECKING:
    from pathlib import Path

    from epochal.cli.command import Command

    from .conftest import Site

THINGS = """
import epochal

class Stopper(epochal.Callback):
    \"\"\"Stops.

    Args:
        patience: How long.
    \"\"\"
    before = ("late",)
    after = ("early",)
    def __init__(self, patience: int = 0): ...
    def on_epoch_end(self, epoch, logs=None): ...

class Writer(epochal.Callback):
    def __init__(self, path: str): ...
"""


@pytest.fixture(autouse=True)
def project(empty_project: Path) -> Path:
    return empty_project


@pytest.fixture
def full(site: Site) -> Site:
    site.pinned()
    site.package("fake_things", THINGS)
    site.distribution("fake-things", callbacks={"stopper": "fake_things:Stopper", "writer": "fake_things:Writer"})
    return site


# Called wrongly


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_tells_the_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"usage: epochal {name}")
    assert "Exit codes: 0 done, 1 a problem was found" in " ".join(printed.split())


def test_every_command_has_a_module_of_the_type_that_commands_have() -> None:
    from epochal.cli import check, completion, config, demo, disable, doctor, enable, info, new, plan, run
    from epochal.cli import list as list_

    modules: dict[str, Command] = {  # mypy compares each with the protocol
        "list": list_,
        "info": info,
        "plan": plan,
        "config": config,
        "enable": enable,
        "disable": disable,
        "run": run,
        "new": new,
        "check": check,
        "doctor": doctor,
        "completion": completion,
        "demo": demo,
    }
    assert modules.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_it_takes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command: Any = import_module(f"epochal.cli.{name}")
    for line in command.EXAMPLES:
        words = line.split()
        assert words[:2] == ["epochal", name]
        build_parser([name]).parse_args(command.split(words[1:])[0] if name == "run" else words[1:])
    with pytest.raises(SystemExit):
        main([name, "--help"])
    printed = capsys.readouterr().out.splitlines()
    assert all(any(shown.startswith(f"  {line} ") for shown in printed) for line in command.EXAMPLES)


def test_help_has_colours_on_a_terminal_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    help_ = build_parser(["enable"]).format_help()
    assert "\x1b[36mlist" in help_
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[36m" not in build_parser([]).format_help()
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" not in build_parser([]).format_help()


def test_what_looks_like_markup_stands_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["enable", "--help"])
    assert "[tool.epochal]" in capsys.readouterr().out


def test_no_command_shows_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    printed = capsys.readouterr().out
    assert all(f"    {name}" in printed for name in COMMANDS)


def test_only_the_named_command_is_imported() -> None:
    words = (
        "import sys, epochal.cli as cli; cli.build_parser(['list']);"
        "print([name for name in cli.COMMANDS if f'epochal.cli.{name}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert done.stdout == "['list']\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lst"], "there is no command 'lst'. Did you mean 'list'? There are: list, info"),
        (["--nothing"], "unrecognized arguments: --nothing"),
        (["list", "extra"], "epochal list: error: unrecognized arguments: extra"),
        (["list", "--jso"], "unrecognized arguments: --jso"),
        (["info"], "required: NAME"),
        (["plan", "--event"], "--event: expected one argument"),
        (["enable"], "required: NAME\n"),
        (["enable", "stopper", "patience", "=", "3"], "a parameter is written without spaces, like patience=3"),
        (["enable", "patience=3"], "the name of a callback is missing"),
        (["disable", "stopper", "patience=3"], "parameters are set by `epochal enable`: patience"),
        (["disable", ""], "the name of a callback is missing"),
        (["enable", "stopper", "patience=1", "patience=2"], "'patience' is given twice"),
        (["enable", "stopper", "--patience=3"], "A parameter is written without dashes, patience=3"),
        (["enable", "stopper", "--patience", "3"], "A parameter is written without dashes, patience=3"),
        (["disable"], "required: NAME"),
        (["new", "loss-printer", "--folder", ""], "the name of the folder is empty"),
        (["completion"], "required: SHELL"),
        (["completion", "tcsh"], "'tcsh'"),
    ],
)
def test_a_wrong_call_is_told_in_a_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    told = capsys.readouterr()
    assert message in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["info", "stoper"], "no installed callback has the name 'stoper'. Did you mean 'stopper'?"),
        (["info", "no.such:Thing"], "No module named 'no'. Is it spelt as it should be"),
        (["info", "..:"], "'..:' is not of the form package.module:Class."),
        (["plan", "--event", "on_epoch_ends"], "no event 'on_epoch_ends'. Did you mean 'on_epoch_end'?"),
        (["enable", "stoper"], "Did you mean 'stopper'?"),
        (["enable", "writer"], "nothing was written:\n  writer: Writer needs path."),
        (["enable", "os:path"], "implements no event"),
        (["disable", "history"], "'history' is pinned"),
        (["enable", "writer"], "`epochal enable writer path=…` sets it."),
        (["enable", "stopper", "patience"], "'patience' is a parameter of 'stopper', and is given with its value"),
        (["enable", "stopper,writer", "path=a"], "parameters are set for one callback at a time, and 2 are named"),
        (["enable", "stoper,wrter"], "nothing was written:\n  no installed callback has the name 'stoper'."),
        (["disable", "stoper"], "no callback has the name 'stoper'. Did you mean 'stopper'?"),
        (["disable", "Stopper"], "no callback has the name 'Stopper'. Did you mean 'stopper'?"),
        (["disable", "writer", "stoper#2", "history"], "nothing was written:\n  no callback has the name 'stoper'."),
        (["disable", "./nowhere.py"], "there is no file './nowhere.py'."),
    ],
)
def test_what_cannot_be_done_is_told_without_a_traceback(
    full: Site, words: list[str], message: str, capsys: pytest.CaptureFixture[str], project: Path
) -> None:
    assert main(words) == 1
    told = capsys.readouterr()
    assert told.err.startswith("epochal: ")
    assert message in told.err
    assert told.out == ""
    assert list(project.iterdir()) == []


def test_on_a_terminal_an_error_is_broken_between_words(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    complain("nothing was written:\n  a_long_name_that_is_not_broken=3: int is expected, and nothing else")
    assert capsys.readouterr().err.splitlines() == [
        "epochal: nothing was written:",
        "  a_long_name_that_is_not_broken=3:",
        "  int is expected, and",
        "  nothing else",
    ]


def test_an_interrupt_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("epochal.choosing.choice.discover", interrupt)
    assert main(["list"]) == 130
    assert capsys.readouterr().err == "epochal: interrupted\n"


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("epochal-core 0.")


# Where to


PRINTING = ["list", "plan", "config", "info epochal.callback:Callback", "completion bash"]


def _in_shell(command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command.replace("epochal ", f"{sys.executable} -m epochal "),
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
@pytest.mark.parametrize("words", PRINTING)
def test_a_full_disk_is_told_in_a_line(words: str) -> None:
    done = _in_shell(f"epochal {words} > /dev/full")
    assert (done.returncode, done.stderr) == (1, "epochal: No space left on device\n")


@pytest.mark.skipif(os.name == "nt", reason="the words are for a POSIX shell")
@pytest.mark.parametrize("words", PRINTING)
def test_a_closed_output_is_told_in_a_line(words: str) -> None:
    done = _in_shell(f"epochal {words} >&-")
    assert (done.returncode, done.stderr) == (1, "epochal: standard output is closed\n")


@pytest.mark.skipif(os.name == "nt", reason="the words are for a POSIX shell")
@pytest.mark.parametrize("words", ["list", "plan"])
def test_a_reader_that_goes_away_is_no_error(words: str) -> None:
    done = _in_shell(f"(epochal {words}; echo $? >&2) | true")
    assert done.stderr == "0\n"


def test_a_letter_that_the_output_does_not_know_is_spelt_out(full: Site, project: Path) -> None:
    (project / "epochal.toml").write_text("[callbacks.stopper]\npatience = 'süß'\n", encoding="utf-8")
    done = _in_shell("epochal config", PYTHONIOENCODING="ascii", PYTHONPATH=str(full.folder))
    assert "s\\xfc\\xdf" in done.stdout
    assert done.returncode == 0


def test_list_imports_no_framework_and_nothing_that_it_does_not_need() -> None:
    script = (
        "import sys, epochal.cli; epochal.cli.main(['list']);"
        "unwanted = {'keras', 'tensorflow', 'numpy', 'tomlkit', 'typeguard', 'argcomplete', 'pluggy', 'packaging'};"
        "print(unwanted & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_the_modules_of_the_folder_can_be_imported_and_only_while_the_command_runs(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (project / "mine_of_the_folder.py").write_text("import epochal\nclass Mine(epochal.Callback): ...\n")
    before = [*sys.path]
    assert main(["info", "mine_of_the_folder:Mine", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["class"] == "Mine"
    assert sys.path == before
    del sys.modules["mine_of_the_folder"]


def test_a_module_of_the_folder_does_not_hide_an_installed_one(full: Site, project: Path) -> None:
    (project / "fake_things.py").write_text("raise AssertionError")
    assert main(["info", "stopper"]) == 0


def test_what_a_callback_prints_while_it_is_imported_is_not_the_result(
    full: Site, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    full.package("fake_loud", f"print('hello')\n{THINGS}")
    full.distribution("fake-loud", callbacks={"loud": "fake_loud:Stopper"})
    for words in (["info", "loud"], ["enable", "loud"], ["plan"]):
        main([*words, "--json"])
        assert json.loads(capsys.readouterr().out)
        sys.modules.pop("fake_loud", None)


@pytest.mark.parametrize("words", [["info", "leaving"], ["enable", "leaving"]])
def test_a_callback_that_ends_python_is_told(words: list[str], full: Site, capsys: pytest.CaptureFixture[str]) -> None:
    full.package("fake_leaving", "raise SystemExit(3)")
    full.distribution("fake-leaving", callbacks={"leaving": "fake_leaving:X"})
    assert main(words) == 1
    assert "'leaving' of fake-leaving 1.0 cannot be imported from 'fake_leaving:X': SystemExit: 3" in (
        capsys.readouterr().err
    )


def test_a_folder_that_is_gone_is_told(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> Path:
        raise FileNotFoundError

    monkeypatch.setattr("epochal.cli.output.Path.cwd", gone)
    assert main(["list"]) == 1
    assert capsys.readouterr().err == "epochal: the working directory is no longer there.\n"


def test_warnings_are_told_in_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    import warnings

    with folder():
        warnings.simplefilter("always")
        warnings.warn("mind this", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "epochal: warning: mind this\n"


# Tables


def _terminal(width: int) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False)


def _printed(console: Console) -> list[str]:
    file: Any = console.file
    return [line.rstrip() for line in file.getvalue().splitlines()]


NAMES = ["learning_rate_scheduler", "a_very_long_name_of_a_callback_that_somebody_wrote"]
ROWS = [[name, f"yes: some/folder/epochal.toml, line {n}", f"epochal-{name}", "0.1.0"] for n, name in enumerate(NAMES)]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 130, 200])
def test_a_name_is_never_cut(width: int) -> None:
    console = _terminal(width)
    print_table(console, ["callback", "active", "distribution", "version"], ROWS, prose=1)
    lines = _printed(console)
    text = "".join(line.strip() for line in lines).replace(" ", "")
    for row in ROWS:
        for cell in row[:1] + row[2:]:
            assert cell.replace(" ", "") in text
    assert all(len(line) <= width for line in lines)
    if width >= 60:
        assert all(any(name in line.split() for line in lines) for name in NAMES)


def test_a_wide_terminal_has_a_row_a_line_and_a_narrow_one_breaks_the_prose() -> None:
    rows = [["one", "some words that may be broken", "0.1"]]
    wide, narrow, tiny = _terminal(60), _terminal(30), _terminal(18)
    for console in (wide, narrow, tiny):
        print_table(console, ["name", "why", "version"], rows, prose=1)
    assert _printed(wide) == [
        "name  why                            version",
        "one   some words that may be broken  0.1",
    ]
    assert _printed(narrow)[1:] == ["one   some words that  0.1", "      may be broken"]
    assert _printed(tiny) == ["one", "  why: some words", "  that may be", "  broken", "  version: 0.1"]


def test_a_file_gets_whole_lines_without_spaces_at_their_end() -> None:
    file = io.StringIO()
    console = Console(file=file, width=20, force_terminal=False)
    print_table(console, ["name", "why"], [["one", "words " * 20], ["two", ""]])
    assert file.getvalue().splitlines() == ["name  why", f"one   {'words ' * 20}".rstrip(), "two"]


def test_what_looks_like_markup_is_text() -> None:
    console = _terminal(60)
    print_table(console, ["a", "b"], [["[bold]x[/bold]", "[callbacks.x] :smile:"]])
    say(console, "[tool.epochal]")
    say_below(console, "[red]", 2)
    assert _printed(console) == [
        "a               b",
        "[bold]x[/bold]  [callbacks.x] :smile:",
        "[tool.epochal]",
        "  [red]",
    ]


def test_words_below_are_indented_in_every_line() -> None:
    console = _terminal(20)
    say_below(console, "one two three four five", 4)
    assert _printed(console) == ["    one two three", "    four five"]


def test_a_count_has_its_noun() -> None:
    assert (count_of(1, "mistake"), count_of(2, "mistake")) == ("a mistake", "2 mistakes")


# JSON


def paths(value: Any, prefix: str = "") -> set[str]:
    """Return the paths of the leaves: `callbacks[].name`."""
    if isinstance(value, dict):
        if prefix == "events":
            return {prefix, *(path for each in value.values() for path in paths(each, "events.EVENT"))}
        return {path for key, each in value.items() for path in paths(each, f"{prefix}.{key}" if prefix else key)}
    if isinstance(value, list):
        return {path for each in value for path in paths(each, f"{prefix}[]")}
    return {prefix}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["list"], 0),
        (["config"], 1),
        (["plan"], 1),
        (["info", "stopper"], 0),
        (["enable", "writer", "path=x"], 0),
        (["disable", "stopper"], 0),
    ],
    ids=lambda words: str(words),
)
def test_the_json_has_the_shape_that_is_documented(
    full: Site, project: Path, words: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'enable = ["nobody"]\n[callbacks.stopper]\npatience = 3\n'
    (project / "epochal.toml").write_text(text + "[priority]\nwritr = 3\n" * (words == ["config"]))
    assert main([*words, "--json"]) == code
    value = json.loads(capsys.readouterr().out)
    assert paths(value) == import_module(f"epochal.cli.{words[0]}").JSON.keys()


def test_every_command_that_documents_its_json_prints_it() -> None:
    parser = build_parser(COMMANDS)
    commands: Any = next(action for action in parser._actions if action.dest == "command")
    for name, command in commands.choices.items():
        has_option = any("--json" in action.option_strings for action in command._actions)
        assert has_option == isinstance(import_module(f"epochal.cli.{name}"), PrintsJSON), name


def test_what_json_does_not_know_is_text() -> None:
    import datetime as dt
    from pathlib import Path

    value = {"a": [float("nan"), float("inf"), 1.5, True, None], "b": dt.date(2026, 1, 2), "c": Path("x"), "d": (1,)}
    assert jsonable(value) == {"a": ["nan", "inf", 1.5, True, None], "b": "2026-01-02", "c": "x", "d": [1]}
    json.loads(json.dumps(jsonable(value), allow_nan=False))
