"""`epochal new`: the names, the package, and what is said when there can be none."""

from __future__ import annotations

import ast
import json
import keyword
import re
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import epochal.new
from epochal.cli import main
from epochal.errors import EpochalError
from epochal.new.folder import write_folder
from epochal.new.package_names import LONGEST, Names, read_names
from epochal.new.render import TEMPLATE, render
from epochal.settings.names import snake_case
from epochal.settings.toml import parse_toml

if TYPE_CHECKING:
    from .conftest import Site

SOURCE = Path(epochal.new.__file__).parent / "template"
TESTS = "tests/test_my_callback.py"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Run the command, which has to refuse, and give what it says."""
    before = sorted(Path.cwd().rglob("*"))
    assert main(["new", *words]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("epochal: ")
    assert "Traceback" not in told.err
    assert sorted(Path.cwd().rglob("*")) == before
    return told.err.removeprefix("epochal: ").rstrip("\n")


# Names


@pytest.mark.parametrize(
    "word",
    ["my-callback", "my_callback", "epochal-my-callback", "epochal_my_callback", "MyCallback", "EpochalMyCallback",
     "MY_CALLBACK", "My-Callback"],
)  # fmt: skip
def test_all_forms_mean_the_same(word: str) -> None:
    names = read_names(word)
    assert names == Names("my_callback", "MyCallback")
    assert (names.distribution, names.package) == ("epochal-my-callback", "epochal_my_callback")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("csv-writer", "CSVWriter"),
        ("reduce-lr", "ReduceLR"),
        ("stop-on-nan", "StopOnNaN"),
        ("StopOnNaN", "StopOnNaN"),
        ("HTTPPing", "HTTPPing"),
        ("MyCsvThing", "MyCsvThing"),
        ("csv-gpu", "CsvGpu"),  # CSVGPU would be one word
        ("f1-score", "F1Score"),
        ("CSV-Writer", "CSVWriter"),
        ("epochalize", "Epochalize"),
    ],
)
def test_the_class_has_the_fields_spelling(word: str, kind: str) -> None:
    names = read_names(word)
    assert names.kind == kind
    assert snake_case(kind) == names.entry


@given(st.from_regex(r"(epochal-)?[a-zA-Z0-9]{1,6}([-_][a-zA-Z0-9]{1,6}){0,3}", fullmatch=True))
def test_a_name_is_refused_or_found_again_from_each_of_its_forms(word: str) -> None:
    try:
        names = read_names(word)
    except EpochalError:
        return
    for form in (names.entry, names.dashed, names.distribution, names.package, names.kind):
        found = read_names(form)
        assert (found.entry, found.distribution) == (names.entry, names.distribution)
    assert snake_case(names.kind) == names.entry
    for each in (names.entry, names.package, names.kind):
        assert each.isidentifier()
        assert not keyword.iskeyword(each)


@given(st.text(alphabet="abAB3é-_ .", max_size=8) | st.sampled_from(["class-", "-os", "3", "épochal!", "x" * 50]))
def test_a_name_that_is_suggested_can_be_had(word: str) -> None:
    try:
        read_names(word)
    except EpochalError as error:
        suggested = str(error).rpartition(" ")[2].strip("?.'") or str(error)
        assert render(read_names(suggested))


@given(st.text())
def test_whatever_is_typed_is_a_name_or_a_sentence(word: str) -> None:
    try:
        said = read_names(word).entry
    except EpochalError as error:
        said = str(error)
    assert re.fullmatch("[a-z][a-z0-9_]*|.*[.?]", said, flags=re.DOTALL)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("", "a name is needed, like 'my-callback'."),
        ("  ", "a name is needed"),
        ("__", "a name is needed"),
        ("my callback", "it has a space in it. Did you mean 'my-callback'?"),
        ("naïve", "it is not letters (a to z) and digits, with - between. Did you mean 'naive'?"),
        ("回调", "it is not letters (a to z) and digits, with - between. Did you mean 'my-callback'?"),
        ("a.b", "Did you mean 'ab'?"),
        ("../loss", "Did you mean 'loss'?"),
        ("my--loss", "Did you mean 'my-loss'?"),
        ("3d-loss", "it begins with a digit. Did you mean 'my3d-loss'?"),
        ("epochal-3d", "it begins with a digit"),
        ("class-", "Did you mean 'my-class'?"),
        ("_logging", "Did you mean 'my-logging'?"),
        ("epochal.epochal", "Did you mean 'epochal-epochal'?"),
        ("class", "'class' is a word of Python's own. Make it longer, like 'my-class'."),
        ("none", "'None' is a word of Python's own"),
        ("logging", "'logging' is a module of Python's standard library, which its own would hide."),
        ("value-error", "its class would be ValueError, which Python has already"),
        ("epochal", "it is one of Epochal's own"),
        ("epochal-core", "it is one of Epochal's own"),
        ("epochal-epochal", "it is one of Epochal's own"),
        ("mapping", "its class would be Mapping, a name that its code has another use for"),
        ("fake-host", "its class would be FakeHost, a name that its code has another use for"),
        ("top-5", "its class would be Top5, whose name is 'top5'. Did you mean that?"),
        ("x" * (LONGEST + 1), f"it has {LONGEST + 1} letters. Keep it to {LONGEST}, like '{'x' * LONGEST}'."),
        ("a-long-name-" * 4 + "x", "Keep it to 40, like 'a-long-name-a-long-name-a-long-name-a'."),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_the_reason(
    word: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert expected in refused(capsys, word)


def test_a_name_that_an_installed_callback_has_is_refused(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.distribution("fake-things", "2.0", callbacks={"my_callback": "fake_things:Mine"})
    said = refused(capsys, "MyCallback")
    assert said.startswith("fake-things 2.0 brings a callback 'my_callback' already. Choose another name, like 'my-")


# The package


def test_the_table_of_files_is_the_template() -> None:
    there = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*")
        if path.is_file() and not re.search(r"__pycache__|_cache/|\.nox/", path.as_posix().removeprefix(str(SOURCE)))
    }
    assert there == {*TEMPLATE}


def test_the_template_is_what_its_own_names_give() -> None:
    for path, text in render(Names("my_callback", "MyCallback")).items():
        assert (SOURCE / path).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("word", ["a", "csv-writer", "x" * LONGEST, "-".join(["stop"] * 8)])
def test_no_name_of_the_template_is_left_and_no_line_gets_too_long(word: str) -> None:
    texts = render(read_names(word))
    for path, text in texts.items():
        assert not re.search("my.?callback", path + text, flags=re.IGNORECASE)
        if path.endswith(".py"):
            ast.parse(text)
            assert max(map(len, text.splitlines()), default=0) <= 120


def test_the_package_needs_this_core_and_has_its_license() -> None:
    project = parse_toml((SOURCE / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == [f"epochal-core>={'.'.join(version('epochal-core').split('.')[:2])}"]
    own = Path(__file__).parents[1] / "LICENSE"
    if own.exists():  # not where these tests run alone
        assert (SOURCE / "LICENSE").read_bytes() == own.read_bytes()


class Outcomes:
    """Collects the outcomes of a pytest run."""

    def __init__(self) -> None:
        self.by_test: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            self.by_test[report.nodeid.partition("::")[2]] = f"{report.outcome} {report.longreprtext}".rstrip()


@pytest.mark.parametrize(
    ("word", "entry", "kind"), [("stop-on-nan", "stop_on_nan", "StopOnNaN"), ("tests", "tests", "Tests")]
)
def test_a_package_as_it_was_made_passes_its_tests_and_is_listed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], word: str, entry: str, kind: str
) -> None:
    folder = site.folder / "made"
    assert main(["new", word, "--folder", str(folder)]) == 0
    project = parse_toml((folder / "pyproject.toml").read_text())["project"]
    site.distribution(
        project["name"],
        project["version"],
        callbacks=project["entry-points"]["epochal.callbacks"],
        requires=project["dependencies"],
    )
    monkeypatch.syspath_prepend(str(folder / "src"))
    outcomes = Outcomes()
    words = ["-p", "no:cacheprovider", "-c", str(folder / "pyproject.toml"), str(folder)]
    assert pytest.main(words, plugins=[outcomes]) == 0, outcomes.by_test
    assert {*outcomes.by_test.values()} == {"passed"}
    assert {"test_conformance[typed]", "test_a_second_fit_begins_anew"} <= outcomes.by_test.keys()
    capsys.readouterr()
    assert main(["list", "--json"]) == 0
    found = {each["name"]: each for each in json.loads(capsys.readouterr().out)["callbacks"]}
    assert found[entry]["status"] == "ok"
    assert found[entry]["entry_point"] == f"epochal_{entry}:{kind}"


# The folder


def test_what_was_made_and_what_to_type_next_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "my-callback"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "epochal-my-callback is a package now, with the callback my_callback, class MyCallback."
    assert [line.strip() for line in lines[lines.index("Next:") + 1 :]] == [
        "python -m pip install -e ./epochal-my-callback pytest",
        "python -m pytest ./epochal-my-callback",
        "epochal run --enable my_callback train.py",
    ]
    for path in TEMPLATE:
        assert any(line.split()[:1] == [path] for line in lines), path
    assert sorted(each.name for each in here.iterdir()) == ["epochal-my-callback"]


def test_the_json_is_the_documented_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "csv-writer", "--folder", "a folder", "--json"]) == 0
    found: Any = json.loads(capsys.readouterr().out)
    fields = {field.partition("[")[0] for field in import_module("epochal.cli.new").JSON}
    assert found.keys() == fields
    assert (found["callback"], found["class"]) == ("csv_writer", "CSVWriter")
    assert (found["distribution"], found["package"]) == ("epochal-csv-writer", "epochal_csv_writer")
    assert found["folder"] == str(Path("a folder").absolute())
    assert "src/epochal_csv_writer/csv_writer.py" in [each["path"] for each in found["files"]]
    assert found["next"][1] == "python -m pytest './a folder'"
    assert all(Path("a folder", each["path"]).is_file() for each in found["files"])


@pytest.mark.parametrize("there", [[], [".git"]])
def test_a_folder_that_is_empty_is_filled_also_a_fresh_clone(here: Path, there: list[str]) -> None:
    for name in there:
        (here / name).mkdir()
    assert main(["new", "my-callback", "--folder", "."]) == 0
    assert {*there, "pyproject.toml", "src", ".github"} <= {each.name for each in here.iterdir()}
    assert not [each for each in here.iterdir() if "epochal" in each.name]


def test_a_folder_that_cannot_be_filled_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "full").mkdir()
    (here / "full" / "notes.txt").touch()
    (here / "file").touch()
    (here / "epochal-my-callback").symlink_to("nowhere")
    words = ["my-callback", "--folder"]
    assert refused(capsys, *words, "full") == (
        "the folder 'full' is not empty: 'notes.txt' is in it. Choose another one with --folder."
    )
    assert "'file' exists, and is not a folder" in refused(capsys, *words, "file")
    assert "there is no folder 'a/b' to make 'c' in" in refused(capsys, *words, "a/b/c")
    assert "exists, and is not a folder" in refused(capsys, "my-callback")
    assert "cannot be written: " in refused(capsys, *words, "x" * 300)


@pytest.mark.parametrize("exists", [False, True])
@pytest.mark.parametrize("failing", ["mkdir", "write_bytes", "rename"])
def test_what_fails_in_the_middle_leaves_nothing(
    here: Path, exists: bool, failing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = here / "made"
    if exists:
        folder.mkdir()
    calls = []
    real = getattr(Path, failing)

    def fail(path: Path, *arguments: Any, **options: Any) -> Any:
        calls.append(path)
        if len(calls) > (1 if failing != "rename" or exists else 0):
            raise OSError(28, "No space left on device")
        return real(path, *arguments, **options)

    monkeypatch.setattr(Path, failing, fail)
    with pytest.raises(EpochalError, match="'made' cannot be written: No space left on device"):
        write_folder(folder, {"a.txt": "a", "b/c.txt": "c", "d.txt": "d"})
    assert [each.name for each in here.iterdir()] == (["made"] if exists else [])
    assert not exists or not [*folder.iterdir()]
