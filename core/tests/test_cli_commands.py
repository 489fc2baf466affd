"""What each command prints, and the code that it ends with."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from epochal.cli import main
from epochal.settings.layers import Layer, Setting, Table, merge
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Site

THINGS = """
import epochal

class Stopper(epochal.Callback):
    \"\"\"Stops when it
    is enough.

        an example
        in two lines

    Args:
        patience: How long.
    \"\"\"
    before = ("late",)
    after = ("writer",)

    def __init__(self, patience: int = 0): ...
    def on_epoch_end(self, epoch, logs=None): ...

class Writer(epochal.Callback):
    priority = epochal.Priority.REPORT
    critical = False

    def __init__(self, path: str, **others): ...
    @epochal.hookimpl(trylast=True)
    def on_epoch_end(self): ...
"""


@pytest.fixture(autouse=True)
def project(empty_project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EPOCHAL_AUTOLOAD", "0")  # whatever else is installed
    return empty_project


@pytest.fixture
def full(site: Site) -> Site:
    site.pinned()
    site.package("fake_things", THINGS)
    site.distribution(
        "fake-things", "2.0", callbacks={"stopper": "fake_things:Stopper", "writer": "fake_things:Writer"}
    )
    return site


class Told:
    """Runs a command and keeps what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = ""

    def __call__(self, *words: str, code: int = 0) -> str:
        assert main(words) == code
        told = self._capsys.readouterr()
        assert told.err == ""
        self.out = told.out
        return told.out

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def epochal(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


def row(printed: str, first: str) -> str:
    """Return the row of a table that begins with a word, its gaps as bars."""
    (line,) = (line for line in printed.splitlines() if line.split()[:1] == [first])
    return " | ".join(cell.strip() for cell in line.split("  ") if cell.strip())


# list


def test_list_tells_who_is_active_and_why(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text(
        'disable = ["late"]\n\n[[callbacks.writer]]\npath = "a"\n[[callbacks.writer]]\npath = "b"\n'
    )
    printed = epochal("list")
    assert row(printed, "base_logger") == "base_logger | always | epochal-base-logger | 1.0"
    assert row(printed, "stopper") == "stopper | no | fake-things | 2.0"
    assert row(printed, "writer") == "writer | yes, 2 instances: epochal.toml, line 3 | fake-things | 2.0"
    assert "mistake" not in printed
    found = {each["name"]: each for each in epochal.json("list")["callbacks"]}
    assert found["writer"]["active"] is True
    assert found["writer"]["instances"] == 2
    assert found["stopper"]["entry_point"] == "fake_things:Stopper"


def test_list_says_what_is_wrong_with_what_cannot_be_used(full: Site, epochal: Told) -> None:
    full.distribution("fake-broken", callbacks={"broken": "no_such_package:X"})
    reason, _, printed = epochal("list").partition("\n\n")
    assert row(printed, "broken") == "broken | unusable: broken | fake-broken | 1.0"
    assert reason.startswith("broken of fake-broken 1.0: its package 'no_such_package' is not there. Reinstall it")
    (found,) = (each for each in epochal.json("list")["callbacks"] if each["name"] == "broken")
    assert (found["status"], found["active"]) == ("broken", False)
    assert "Reinstall it" in found["reason"]


def test_list_tells_once_that_two_claim_a_name(full: Site, epochal: Told) -> None:
    full.distribution("other-things", callbacks={"stopper": "fake_things:Stopper"})
    first = epochal("list").splitlines()[0]
    assert first.startswith("stopper: fake-things 2.0 and other-things 1.0 both claim its name.")
    assert epochal.out.count("both claim") == 1


@pytest.mark.parametrize(
    ("width", "header", "line"),
    [
        (200, "callback active distribution version", "stopper yes: epochal.toml, line 1 fake-things 2.0"),
        (60, "callback active version", "stopper yes: epochal.toml, line 1 2.0"),
        (46, "callback active", "stopper yes: epochal.toml, line 1"),
        (40, "callback active", "stopper yes"),
    ],
)
def test_list_keeps_a_line_for_each_callback_however_narrow_the_terminal(
    site: Site, epochal: Told, project: Path, monkeypatch: pytest.MonkeyPatch, width: int, header: str, line: str
) -> None:
    site.package("fake_things")
    names = ("stopper", "long_name_of_it")
    site.distribution("fake-things", "2.0", callbacks=dict.fromkeys(names, "fake_things:Stopper"))
    monkeypatch.setattr("epochal.choosing.choice.discover", site.catalogue)
    (project / "epochal.toml").write_text('enable = ["stopper"]\n')
    console = Console(width=width, force_terminal=True, color_system=None)
    monkeypatch.setattr("epochal.cli.list.open_console", lambda: console)
    lines = [" ".join(each.split()) for each in epochal("list").splitlines()]
    assert header in lines
    assert line in lines
    assert all(len(each) <= width for each in lines)


def test_what_a_terminal_would_obey_is_shown(full: Site, epochal: Told, capsys: pytest.CaptureFixture[str]) -> None:
    full.distribution("fake-red", callbacks={"red\x1b[31m": "fake_things:X\x1b[31m", "left\u202e": "fake_things"})
    printed = epochal("list")
    assert "red␛[31m" in printed
    assert "left\N{REPLACEMENT CHARACTER}" in printed
    for words in (["info", "red\x1b[31m"], ["plan", "--enable", "red\x1b[31m"], ["doctor"], ["list", "--json"]):
        main(words)
        told = capsys.readouterr()
        assert not re.search("[\x1b\u202e]", told.out + told.err), words


def test_list_says_that_the_settings_have_mistakes(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text('enable = ["stoper"]\nautolod = 1\n')
    assert "The settings have 2 mistakes, and a run begun here would fail. `epochal config` says more." in epochal(
        "list"
    )
    assert len(epochal.json("list")["problems"]) == 2


def test_list_without_callbacks_says_how_to_get_some(epochal: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("epochal.installed.discovery.distributions", lambda: ())
    assert epochal("list") == "No callbacks are installed. `pip install epochal` brings the default ones.\n"
    assert epochal.json("list")["callbacks"] == []


# info


def test_info_shows_what_a_callback_does_and_takes(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text("[callbacks.stopper]\npatience = 5\n")
    printed = epochal("info", "stopper")
    lines = printed.splitlines()
    assert lines[0] == "stopper: Stopper of fake-things 2.0"
    assert "Stops when it is enough." in lines
    assert "    in two lines" in lines
    assert row(printed, "active") == "active | yes: epochal.toml, line 1"
    assert row(printed, "import") == "import | from fake_things import Stopper"
    assert row(printed, "events") == "events | on_epoch_end"
    assert row(printed, "priority") == "priority | 50 (CONTROL)"
    assert row(printed, "before") == "before | late"
    assert row(printed, "after") == "after | writer"
    assert "on error     raise: its errors end the run" in lines
    assert (
        f"fake_things/__init__.py, line {THINGS.splitlines().index('class Stopper(epochal.Callback):') + 1}" in printed
    )
    assert lines[lines.index("Parameters") + 1 :] == [
        "  patience: int = 0",
        "      How long.",
        "      Set here: 5, epochal.toml, line 2",
    ]


def test_info_shows_what_has_to_be_given(full: Site, epochal: Told) -> None:
    lines = epochal("info", "writer").splitlines()
    assert "on error     disable: it is left out, and the run goes on" in lines
    assert not [line for line in lines if line.startswith(("before", "after"))]
    assert lines[lines.index("Parameters") + 1 :] == ["  path: str, has to be given", "  **others"]


def test_info_of_what_is_none_says_so(epochal: Told) -> None:
    assert "events       none, so it is not a callback" in epochal("info", "os:path").splitlines()


# plan


def test_plan_shows_the_order_the_events_and_what_is_left_out(
    full: Site, epochal: Told, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "epochal.toml").write_text('[callbacks.writer]\npath = "a"\n')
    monkeypatch.setenv("EPOCHAL_DISABLE", "stopper")
    printed = epochal("plan")
    assert printed.startswith("config file: epochal.toml\n")
    assert row(printed, "writer") == "writer | epochal.toml, line 1 | priority 90 (REPORT)"
    assert row(printed, "on_epoch_finalized") == "on_epoch_finalized | history"
    assert row(printed, "on_epoch_end") == "on_epoch_end | writer (behind the others, by trylast=True)"
    assert "No callback implements: on_run_begin, " in printed
    assert row(printed, "stopper") == "stopper | no: switched off by EPOCHAL_DISABLE"
    found = epochal.json("plan")
    assert [each["name"] for each in found["callbacks"]] == ["base_logger", "history", "writer"]
    assert found["callbacks"][2]["on_error"] == "disable"
    assert found["events"]["on_epoch_end"] == [
        {"name": "writer", "reason": "priority 90 (REPORT); behind the others, by trylast=True"}
    ]
    assert found["events"]["on_test_end"] == []


def test_plan_shows_one_event_with_its_reasons(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text('enable = ["stopper"]\n[callbacks.writer]\npath = "a"\n')
    printed = epochal("plan", "--event", "on_epoch_end")
    assert printed.splitlines()[2:] == [
        "on_epoch_end calls, in this order",
        "callback  why there",
        "stopper   priority 50 (CONTROL); runs after writer; not active: late",
        "writer    priority 90 (REPORT); behind the others, by trylast=True",
    ]
    assert list(epochal.json("plan", "--event", "on_epoch_end")["events"]) == ["on_epoch_end"]
    assert "on_train_batch_end calls nobody" in epochal("plan", "--event", "on_batch_end")


def test_plan_says_what_a_run_would_fail_of(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text('enable = ["stopper"]\n[callbacks.writer]\npth = "a"\n')
    printed = epochal("plan", code=1)
    assert row(printed, "on_epoch_end") == "on_epoch_end | stopper"
    assert printed.splitlines()[:3] == [
        "A run begun here would fail:",
        "  epochal.toml, line 2, callbacks.writer: Writer needs path. `epochal enable writer path=…` sets it.",
        "",
    ]


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["--enable", "writer"], "Add `--set writer.path=…`."),
        (["--set", "writer.pth=a"], "Add `--set writer.path=…`."),
        (["--set", "writer.path=a", "--set", "writer#2.pth=a"], "Add `--set writer#2.path=…`."),
    ],
)
def test_plan_says_how_a_missing_parameter_is_typed(full: Site, epochal: Told, words: list[str], remedy: str) -> None:
    (problem,) = epochal.json("plan", *words, code=1)["problems"]
    assert problem.endswith(f" needs path. {remedy}")


def test_what_the_environment_switches_on_without_its_parameters_is_told_how_to_be_set(
    full: Site, epochal: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHAL_ENABLE", "writer")
    (problem,) = epochal.json("plan", code=1)["problems"]
    assert problem.endswith(" needs path. `epochal enable writer path=…` sets it.")


# config


def test_config_shows_every_setting_with_its_source(
    full: Site, epochal: Told, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "pyproject.toml").write_text(
        "[tool.epochal.callbacks.stopper]\npatience = 3\n[tool.epochal.priority]\nstopper = 7\n"
    )
    monkeypatch.setenv("EPOCHAL_DISABLE", "writer")
    printed = epochal("config")
    assert printed.startswith("config file: pyproject.toml\n")
    assert row(printed, "disable") == 'disable | ["writer"] | EPOCHAL_DISABLE'
    assert row(printed, "autoload") == "autoload | false | EPOCHAL_AUTOLOAD"
    assert row(printed, "profile") == "profile | false | the default"
    assert row(printed, "traceback") == "traceback | false | the default"
    assert row(printed, "priority.stopper") == "priority.stopper | 7 | pyproject.toml, line 4"
    assert row(printed, "callbacks.stopper.patience") == "callbacks.stopper.patience | 3 | pyproject.toml, line 2"
    assert row(printed, "traceback") == "traceback | false | the default"
    found = {each["key"]: each for each in epochal.json("config")["settings"]}
    assert found["callbacks.stopper.patience"] == {
        "key": "callbacks.stopper.patience",
        "value": 3,
        "layer": "file",
        "place": "pyproject.toml, line 2, tool.epochal.callbacks.stopper.patience",
    }


def test_config_shows_settings_as_a_file_has_them(full: Site, epochal: Told, project: Path) -> None:
    (project / "mine.py").touch()
    (project / "epochal.toml").write_text(
        'enable = ["stopper", "./mine.py"]\n[callbacks.writer]\npath = "a\\tb"\nmore = [1, {x = true}]\n'
        '[callbacks."odd:Name"]\n[after]\nstopper = ["writer"]\n'
    )
    printed = epochal("config", code=0)
    assert row(printed, "enable") == 'enable | ["stopper", "./mine.py"] | epochal.toml, line 1'
    assert row(printed, "callbacks.writer.path") == r'callbacks.writer.path | "a\tb" | epochal.toml, line 3'
    assert row(printed, "callbacks.writer.more") == "callbacks.writer.more | [1, {x = true}] | epochal.toml, line 4"
    assert row(printed, 'callbacks."odd:Name"') == 'callbacks."odd:Name" | {} | epochal.toml, line 5'
    assert row(printed, "after.stopper") == 'after.stopper | ["writer"] | epochal.toml, line 7'


def test_config_shows_a_name_that_is_enabled_and_has_a_table_in_both(epochal: Told, full: Site, project: Path) -> None:
    (project / "epochal.toml").write_text('enable = ["writer", "stopper"]\n[callbacks.writer]\npath = "a"\n')
    printed = epochal("config", code=0)
    assert row(printed, "enable") == 'enable | ["writer", "stopper"] | epochal.toml, line 1'
    assert row(printed, "callbacks.writer.path") == 'callbacks.writer.path | "a" | epochal.toml, line 3'


def test_config_warns_of_names_that_look_misspelt(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text('disable = ["stoper"]\n[after]\nwritr = ["stopper"]\n')
    assert epochal("config").splitlines()[:2] == [
        "warning: epochal.toml, line 1, disable: no callback has the name 'stoper'. Did you mean 'stopper'?",
        "warning: epochal.toml, line 3, after.writr: no callback has the name 'writr'. Did you mean 'writer'?",
    ]
    assert len(epochal.json("config")["warnings"]) == 2


def test_config_without_a_file_says_where_it_looked(epochal: Told) -> None:
    assert epochal("config").startswith("There is no config file: no epochal.toml and no [tool.epochal]")
    assert epochal.json("config")["config_file"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("enable = [", "is not valid TOML"),
        ("autolod = 1", "Did you mean 'autoload'?"),
        ('enable = ["stoper"]', "Did you mean 'stopper'?"),
        ('disable = ["history"]', "'history' is pinned"),
    ],
)
def test_config_lists_mistakes_and_ends_with_1(
    full: Site, epochal: Told, project: Path, text: str, expected: str
) -> None:
    (project / "epochal.toml").write_text(text)
    printed = epochal("config", code=1)
    assert printed.startswith("The settings have a mistake:\n  ")
    assert expected in printed.splitlines()[1]


def test_the_entries_of_settings_name_every_key() -> None:
    one, two = (Setting(value, "p, k", "file") for value in ("a", "b"))
    layer = Layer(
        enable={CallbackName("x"): one},
        disable={CallbackName("y"): two},
        prefer={CallbackName("x"): one},
        on_error={CallbackName("x"): two},
        tables={CallbackName("z"): (Table("p, z", "file", {"k": one}), Table("p, z", "file", {"k": two}))},
    )
    assert {key: each.value for key, each in merge([layer]).entries()} == {
        "enable.z": True,
        "enable.x": True,
        "disable.y": True,
        "autoload": True,
        "profile": False,
        "traceback": False,
        "prefer.x": "a",
        "on_error.x": "b",
        "callbacks.z.k": "a",
        "callbacks.z#2.k": "b",
    }


# enable, disable


def test_enable_writes_the_file_and_says_what_changed_and_where(full: Site, epochal: Told, project: Path) -> None:
    assert epochal("enable", "stopper").splitlines() == [
        "epochal.toml is new.",
        "epochal.toml, line 1: 'stopper' added to enable",
        "active: yes, epochal.toml, line 1",
    ]
    assert epochal("enable", "stopper", "patience=3").splitlines() == [
        "epochal.toml, line 3: stopper: patience = 3",
        "active: yes, epochal.toml, line 1",
    ]
    assert (project / "epochal.toml").read_text() == 'enable = ["stopper"]\n\n[callbacks.stopper]\npatience = 3\n'
    assert (
        epochal("enable", "stopper", "patience=3").splitlines()[0]
        == "epochal.toml has it already; nothing was changed."
    )
    found = epochal.json("enable", "stopper", "patience=4")
    assert found["changes"] == [{"place": "epochal.toml, line 4", "what": "stopper: patience = 4, was 3"}]
    assert (found["created"], found["active"]) == (False, True)


def test_enable_says_when_something_else_switches_it_off(
    full: Site, epochal: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EPOCHAL_DISABLE", "stopper")
    assert epochal("enable", "stopper").splitlines()[-1] == "active: no, switched off by EPOCHAL_DISABLE"


def test_enable_of_a_pinned_one_says_that_it_is_always_active(full: Site, epochal: Told, project: Path) -> None:
    said = ["'history' needs no switch; nothing was changed.", "active: always"]
    assert epochal("enable", "history").splitlines() == said
    assert not (project / "epochal.toml").exists()


def test_enable_uses_the_file_above_and_disable_the_same(full: Site, epochal: Told, project: Path) -> None:
    above = project.parent / "pyproject.toml"
    above.write_text("[tool.epochal]\n")
    epochal("enable", "stopper")
    assert above.read_text() == '[tool.epochal]\nenable = ["stopper"]\n'
    printed = epochal("disable", "stopper").splitlines()
    assert printed[-1].startswith("active: no, switched off by ")
    assert above.read_text() == '[tool.epochal]\nenable = []\ndisable = ["stopper"]\n'


def test_disable_of_a_name_that_is_not_installed_says_so(full: Site, epochal: Told) -> None:
    printed = epochal("disable", "my_stopper")
    assert "No callback of the name 'my_stopper' is installed. Did you mean 'stopper'? If the code gives one" in printed
    assert epochal.json("disable", "my_stopper")["active"] is False


def test_disable_takes_a_misspelt_name_that_is_in_the_file(full: Site, epochal: Told, project: Path) -> None:
    (project / "epochal.toml").write_text('enable = ["stoper"]\n')
    epochal("disable", "stoper")
    assert (project / "epochal.toml").read_text() == 'enable = []\ndisable = ["stoper"]\n'


@pytest.mark.parametrize("words", [["stopper,late"], ["stopper", "late"], ["stopper, late,"], ["stopper late"]])
def test_several_are_switched_on_and_off_at_once(full: Site, epochal: Told, project: Path, words: list[str]) -> None:
    full.distribution("late", callbacks={"late": "fake_things:Stopper"})
    assert epochal("enable", *words).splitlines()[1:] == [
        "epochal.toml, line 1: 'stopper' added to enable",
        "epochal.toml, line 1: 'late' added to enable",
        "active stopper: yes, epochal.toml, line 1",
        "active late: yes, epochal.toml, line 1",
    ]
    assert [each["name"] for each in epochal.json("plan", "--disable", " ".join(words))["callbacks"]][2:] == []
    found = epochal.json("disable", *words)
    assert (project / "epochal.toml").read_text() == 'enable = []\ndisable = ["stopper", "late"]\n'
    assert [(each["name"], each["active"]) for each in found["callbacks"]] == [("stopper", False), ("late", False)]


def test_one_instance_of_several_can_be_switched_off(full: Site, epochal: Told, project: Path) -> None:
    epochal("enable", "writer", "path=a")
    epochal("enable", "writer#2", "path=b")
    assert epochal("disable", "writer#2").splitlines()[-1] == "active: no, switched off by epochal.toml, line 1"
    assert [each["name"] for each in epochal.json("plan")["callbacks"]] == ["base_logger", "history", "writer"]


# completion


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_for_the_shell(epochal: Told, shell: str) -> None:
    assert "epochal" in epochal("completion", shell)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("epochal en", ["enable"]),
        ("epochal info stop", ["stopper"]),
        ("epochal enable stopper pat", ["patience="]),
        ("epochal run --set stop", ["stopper.patience="]),
        ("epochal plan --event on_epoch_e", ["on_epoch_end"]),
    ],
)
def test_a_shell_that_asks_gets_an_answer(full: Site, tmp_path: Path, line: str, expected: list[str]) -> None:
    answer = tmp_path / "answer"
    asking = {
        "PYTHONPATH": str(full.folder),
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_SHELL": "fish",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
    }
    subprocess.run([sys.executable, "-m", "epochal"], env={**os.environ, **asking}, check=True, capture_output=True)
    assert [each.partition("\t")[0] for each in answer.read_text().split("\n")] == expected


def test_names_events_and_parameters_are_completed(full: Site) -> None:
    from argparse import Namespace

    from epochal.cli import build_parser
    from epochal.cli.completion import complete_names, complete_overrides, complete_parameters

    assert {"stopper", "writer", "history"} <= {*complete_names()}
    assert complete_parameters(Namespace(name="writer")) == ["path="]
    assert complete_parameters(Namespace(name="nobody")) == []
    assert complete_overrides("writer.pa") == complete_overrides("writ") == ["writer.path="]
    assert {"stopper.", "writer."} <= {*complete_overrides("")}
    assert complete_overrides("nobody") == []
    commands: Any = next(action for action in build_parser(["plan"])._actions if action.dest == "command")
    event: Any = next(action for action in commands.choices["plan"]._actions if action.dest == "event")
    assert "on_epoch_end" in event.completer()
