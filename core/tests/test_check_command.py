"""`epochal check`: what it prints, and the code that it ends with."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from epochal.cli import main
from epochal.cli.check import JSON
from epochal.testing import Subject
from epochal.testing.checks import cost
from epochal.testing.checks.examination import run_checks
from epochal.testing.checks.suite import checks_of

if TYPE_CHECKING:
    from .conftest import Site


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure little; what a number is does not matter here."""
    monkeypatch.setattr(cost, "_STEPS", 2)
    monkeypatch.setattr(cost, "_REPEATS", 1)


@pytest.fixture
def installed(site: Site, careful: str) -> Site:
    site.package("epochal_careful", careful)
    (site.folder / "epochal_careful/py.typed").touch()
    site.distribution("epochal-careful", callbacks={"careful": "epochal_careful:Careful"}, requires=["epochal-core>=0"])
    return site


def test_every_promise_is_a_line_and_0_means_that_all_hold(installed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "careful", "patience=3", "-v"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    first, *lines = printed.out.splitlines()
    assert first == "careful: epochal_careful:Careful of epochal-careful 1.0"
    checks = checks_of(Subject("careful"))
    assert [line for line in lines if line.startswith("holds  ")] == [
        f"holds  {check.promise} [{check.name}]" for check in checks
    ]
    assert re.search(r"^imports   \S+ \wm?s; nothing but Epochal and the standard library$", printed.out, re.MULTILINE)
    assert re.search(r"^a batch   \S+ \w+ above a callback that does nothing$", printed.out, re.MULTILINE)
    assert lines[-1] == f"{len(checks)} promises kept."


def test_without_v_a_check_that_passes_is_counted(installed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "careful"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line] == ["careful:", "imports", "a", "an", "34"]
    assert lines[-1] == f"{len(checks_of(Subject('careful')))} promises kept."


@pytest.mark.parametrize(
    ("where", "error", "expected"),
    [
        (
            "self.patience = patience",
            "ConnectionRefusedError(111, f'port {id(self)}')",
            "needs a network or a server",
        ),
        ("self.wait, self.best = 0, None", "ConnectionRefusedError(111, f'port {id(self)}')", "It needs a network"),
        ("self.wait, self.best = 0, None", "KeyError('API_KEY')", "If it needs a key or a server, have that ready"),
        ("self.wait, self.best = 0, None", "FileNotFoundError('gone')", "Every check runs in an empty folder"),
        ("self.patience = patience", "SystemExit('no key')", "If it needs a key or a server"),
        (
            "self.patience = patience",
            "ModuleNotFoundError('x', name='their_lib')",
            "Install the package that brings 'their_lib', and name it among the requirements of epochal-careful.",
        ),
    ],
)
def test_what_stops_several_checks_is_said_once_with_their_number_and_the_cure(
    installed: Site, careful: str, capsys: pytest.CaptureFixture[str], where: str, error: str, expected: str
) -> None:
    source = careful.replace(where, f"raise {error}")
    (installed.folder / "epochal_careful/__init__.py").write_text(source)
    assert main(["check", "careful", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    (cause,) = told["causes"]
    failed = [check["name"] for check in told["checks"] if not check["holds"]]
    assert cause["checks"] == failed
    assert len(failed) > 12
    assert expected in cause["remedy"]
    assert ("let it connect in on_train_begin" in cause["remedy"]) == ("patience" in where and "their_lib" not in error)
    assert main(["check", "careful"]) == 1
    printed = capsys.readouterr().out
    name = error.partition("(")[0]
    assert printed.count(name) == 1
    assert "\n\n\n" not in printed
    assert f"It stopped {len(failed)} of {len(told['checks'])} checks: " in printed
    assert printed.endswith(f"\n\n{len(told['checks']) - len(failed)} promises kept, {len(failed)} not.\n")


def test_a_constructor_that_waits_for_a_server_is_not_called_for_every_check(installed: Site) -> None:
    calls: list[int] = []

    def make() -> Any:
        calls.append(1)
        raise TimeoutError("no answer")

    results = [*run_checks(Subject("careful", make=make))]
    assert len(calls) == 1
    assert sum(not result.holds for result in results) > 20


def test_what_does_not_hold_is_said_below_it_and_the_code_is_1(
    installed: Site, careful: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Right in Keras 3, where the values of a batch are running means; wrong in a hand-written loop.
    source = careful.replace("logs.get(", "(0 / (self.run.stateful_metrics is None)) or logs.get(")
    (installed.folder / "epochal_careful/__init__.py").write_text(source)
    assert main(["check", "careful"]) == 1
    lines = capsys.readouterr().out.splitlines()
    place = lines.index("FAILS  it goes through a hand-written loop, where the values of a batch are raw [loop]")
    assert lines[place + 1].startswith("       ZeroDivisionError: division by zero (")
    assert lines[place + 1].endswith("in on_epoch_end)")
    assert "Traceback" not in "".join(lines)
    assert re.fullmatch(r"\d+ promises kept, \d+ not\.", lines[-1])


def test_what_cannot_be_imported_is_not_looked_at_further(installed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (installed.folder / "epochal_careful/__init__.py").write_text("import nonsense_that_is_missing")
    assert main(["check", "careful"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "FAILS  it is found through its entry point [found]"
    assert "It needs 'nonsense_that_is_missing', which is not installed" in lines[3]
    assert lines[-1] == "Nothing more can be checked before it can be imported."


def test_the_first_callback_of_the_readme_keeps_every_promise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my_callback.py").write_text(
        "import epochal\n\n\nclass LossPrinter(epochal.Callback):\n    priority = epochal.Priority.REPORT\n\n"
        "    def on_epoch_end(self, epoch, logs=None):\n        print(f\"epoch {epoch + 1}: {logs['loss']:.3f}\")\n"
    )
    assert main(["check", "./my_callback.py"]) == 0
    assert "FAILS" not in capsys.readouterr().out


def test_a_module_in_the_folder_is_checked_by_its_place(
    site: Site, careful: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    here = site.folder / "here"
    here.mkdir()
    (here / "my_careful.py").write_text(careful)
    monkeypatch.chdir(here)
    assert main(["check", "my_careful:Careful", "--verbose"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("careful: my_careful:Careful of module my_careful\n")
    assert "[fit]" in printed
    assert "[distribution-name]" not in printed
    assert {path.name for path in here.iterdir()} <= {"my_careful.py", "__pycache__"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["carefull"], "no installed callback has the name 'carefull'. Did you mean 'careful'?"),
        (["careful", "patince=3"], "patince=3: Careful has no parameter 'patince'. Did you mean 'patience'?"),
        (["careful", "patience=True"], "int is expected, and 'True' (str) stands there."),
        (["careful", "patience=0"], "careful: ValueError: patience is too small"),
        (["careful", "patience"], "'patience' is not of the form parameter=value"),
        (["careful", "patience=1", "patience=2"], "'patience' is given twice"),
        (["careful", "--patience=1"], "A parameter is written without dashes, patience=1"),
        (["needing"], "needing: Careful needs path."),
        (["module", "path=x"], "'module' is not a class, and has no parameters."),
        ([], "the following arguments are required: NAME"),
    ],
)
def test_called_wrongly_it_says_how_and_the_code_is_2(
    installed: Site, careful: str, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    installed.package("needing", careful.replace("self, patience: int = 2", "self, path: str, patience: int = 2"))
    installed.distribution("needing", callbacks={"needing": "needing:Careful", "module": "needing"})
    with pytest.raises(SystemExit) as ended:
        main(["check", *words])
    printed = capsys.readouterr()
    assert ended.value.code == 2
    assert printed.out == ""
    assert message in printed.err
    assert "usage: epochal check" in printed.err


def test_a_constructor_that_fails_otherwise_is_a_failure_and_no_traceback(
    installed: Site, careful: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = careful.replace('raise ValueError("patience is too small")', "raise OSError('no disk')")
    (installed.folder / "epochal_careful/__init__.py").write_text(source)
    assert main(["check", "careful", "patience=0"]) == 1
    printed = capsys.readouterr().out
    assert "OSError: no disk (" in printed
    assert "holds  " not in printed


def test_the_json_has_the_fields_that_are_documented(installed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "careful", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    fields = {name for name in told if name not in ("checks", "imports", "slow", "causes")} | {"imports[]", "slow[]"}
    fields |= {"causes[].error", "causes[].remedy", "causes[].checks[]"}
    fields |= {f"checks[].{name}" for check in told["checks"] for name in check}
    fields |= {f"cost.{name}" for name in told["cost"]}
    assert fields == set(JSON)
    assert told["holds"] is True
    assert told["imports"] == []
    assert [check["name"] for check in told["checks"]] == [check.name for check in checks_of(Subject("careful"))]


def test_without_a_fit_there_is_no_cost(installed: Site, capsys: pytest.CaptureFixture[str]) -> None:
    (installed.folder / "epochal_careful/__init__.py").write_text("print('loud'); 1 / 0")
    assert main(["check", "careful", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["holds"], told["imports"], told["cost"], told["slow"]) == (False, None, None, [])
