from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import importlib_metadata
import pytest

from epochal.choosing.choice import Choice
from epochal.cli import main
from epochal.cli.doctor import JSON
from epochal.installed.discovery import Catalogue
from epochal.installed.place_record import place_record
from epochal.reports.doctor import Diagnosis, Finding, diagnose, environment, plugins
from epochal.settings.layers import Settings
from epochal.settings.names import CallbackName

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .conftest import Site

GOOD = "import epochal\nclass Good(epochal.Callback): ...\n"


@pytest.fixture(autouse=True)
def project(empty_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in environment.OTHER_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EPOCHAL_AUTOLOAD", "0")  # whatever else is installed
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "nowhere"))
    return empty_project


@pytest.fixture
def full(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The pinned two, which the process that imports finds too."""
    monkeypatch.setenv("PYTHONPATH", str(site.folder))
    site.pinned()
    return site


def add(site: Site, name: str, source: str = GOOD, **more: Any) -> None:
    package = f"fake_{name}"
    site.package(package, source)
    site.distribution(f"fake-{name}", callbacks={name: f"{package}:Good"}, **more)


def errors(findings: Iterable[Finding]) -> list[str]:
    return [each.what for each in findings if each.is_error]


# The callbacks


def test_nothing_wrong_is_nothing_found(full: Site, project: Path) -> None:
    add(full, "good")
    catalogue = full.catalogue()
    assert [*plugins.unusable(Choice(catalogue, Settings())), *plugins.missing(catalogue)] == []
    own = Catalogue((catalogue.find("good"),))  # the pinned two may hide installed ones
    assert [*plugins.installed_twice(own), *plugins.unmet_requirements(own)] == []
    assert [
        *plugins.mistakes_of(Choice(catalogue, Settings())),
        *plugins.failing(Choice(catalogue, Settings()), project),
    ] == []


def test_what_cannot_be_used_is_an_error(full: Site) -> None:
    full.distribution("fake-broken", callbacks={"broken": "no_such_package:X"})
    full.distribution("fake-future", callbacks={"future": "no_such_package:X"}, requires=["epochal-core>=99"])
    add(full, "good")
    full.distribution("other-good", callbacks={"good": "fake_good:Good"})
    found = errors(plugins.unusable(Choice(full.catalogue(), Settings())))
    assert [each.partition(":")[0] for each in dict.fromkeys(found)] == [
        "broken of fake-broken 1.0 is broken",
        "future of fake-future 1.0 is incompatible",
        "good",
    ]
    assert "fake-good 1.0 and other-good 1.0 both claim its name" in found[-1]


def test_the_pinned_two_are_missed() -> None:
    found = list(plugins.missing(Catalogue()))
    assert [each.remedy for each in found] == [
        "Run `pip install epochal-base-logger`.",
        "Run `pip install epochal-history`.",
    ]


def test_an_older_copy_that_is_left_is_told(full: Site) -> None:
    add(full, "good", version="2.0")
    full.distribution("fake-good", "1.0", callbacks={"good": "fake_good:Good"})
    (found,) = plugins.installed_twice(Catalogue((full.catalogue().find("good"),)))
    assert not found.is_error
    assert "fake-good is installed 2 times: " in found.what
    assert "pip uninstall fake-good" in found.remedy


def test_what_is_named_by_no_distribution_has_no_metadata_to_look_at(full: Site) -> None:
    record = place_record(CallbackName("fake:X"))
    catalogue = Catalogue((record,))
    assert [*plugins.installed_twice(catalogue), *plugins.unmet_requirements(catalogue)] == []
    assert [name for name, _ in plugins.facts(catalogue)] == [name for name, _ in plugins.facts(Catalogue())]


def test_what_a_distribution_needs_has_to_be_there(full: Site) -> None:
    requires = [
        "no-such-distribution>=1",
        "pluggy>=99",
        "pluggy>=1",
        "never-here; python_version < '3'",
        "only-for-an-extra; extra == 'more'",
        "not a requirement!",
    ]
    add(full, "good", requires=requires)
    found = list(plugins.unmet_requirements(full.catalogue()))
    assert [each.remedy for each in found] == [
        'Run `pip install "no-such-distribution>=1"`.',
        'Run `pip install "pluggy>=99"`.',
    ]
    assert "fake-good needs pluggy>=99, and " in found[1].what


def test_another_core_that_is_needed_is_told_once(full: Site) -> None:
    add(full, "newer", requires=["epochal-core>=99"])
    assert [each.what for each in plugins.unusable(Choice(full.catalogue(), Settings())) if "99" in each.what]
    assert list(plugins.unmet_requirements(full.catalogue())) == []


def test_mistakes_of_the_settings_are_errors(full: Site, project: Path) -> None:
    (project / "epochal.toml").write_text('enable = ["nobody"]\n')
    assert "'nobody'" in " ".join(errors(diagnose(project).findings))


# What only an import tells


def test_every_callback_is_imported_whatever_the_others_do(full: Site, project: Path) -> None:
    add(full, "a_raising", "raise RuntimeError('no luck')")
    add(full, "b_ending", "import os\nprint('dying', flush=True)\nos._exit(3)")
    add(full, "d_misspelt", "class Goood: ...")
    add(full, "e_empty", "class Good: ...")
    add(full, "f_leaving", "raise SystemExit('bye')")
    add(full, "g_good", f"print('hello')\n{GOOD}")
    add(full, "h_near", GOOD.replace(" ...", "\n    def on_epoch_ends(self, epoch, logs=None): ..."))
    found = errors(plugins.failing(Choice(full.catalogue(), Settings()), project))
    for each, part in zip(
        found,
        [
            "'a_raising' of fake-a_raising 1.0 cannot be imported from 'fake_a_raising:Good': RuntimeError: no luck",
            "importing the callback 'b_ending' of fake-b_ending 1.0 ended Python with code 3: dying",
            "'d_misspelt' of fake-d_misspelt 1.0 cannot be imported",
            "the callback 'e_empty' of fake-e_empty 1.0 is 'fake_e_empty:Good', which is none",
            "'f_leaving' of fake-f_leaving 1.0 cannot be imported from 'fake_f_leaving:Good': SystemExit: bye",
            "the callback 'h_near' of fake-h_near 1.0 defines 'on_epoch_ends', which is not an event and would",
        ],
        strict=True,
    ):
        assert part in each


def test_an_import_that_hangs_is_told_and_the_others_go_on(
    full: Site, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(full, "a_hanging")
    add(full, "b_good")
    run, asked = subprocess.run, []

    def hangs(*arguments: Any, **options: Any) -> Any:
        asked.append(json.loads(options["input"]))
        if len(asked) == 1:
            raise subprocess.TimeoutExpired("python", options["timeout"], output=b'{"begins": 0}\n')
        return run(*arguments, **options)

    monkeypatch.setattr(subprocess, "run", hangs)
    only = Catalogue(tuple(record for record in full.catalogue().records if record.distribution.startswith("fake-")))
    (found,) = errors(plugins.failing(Choice(only, Settings()), project))
    assert (
        found == f"importing the callback 'a_hanging' of fake-a_hanging 1.0 took more than {plugins.PATIENCE} seconds."
    )
    assert [[name for _, name, *_ in each] for each in asked] == [["a_hanging", "b_good"], ["b_good"]]


def test_what_is_known_from_its_import_is_not_told_again_of_the_run(full: Site, project: Path) -> None:
    add(full, "good", "import no_such_module")
    (project / "epochal.toml").write_text('enable = ["good"]\n')
    assert sum("no_such_module" in each for each in errors(diagnose(project).findings)) == 1


def test_what_a_run_would_fail_of_is_told_once(full: Site, project: Path) -> None:
    add(full, "good", "import epochal\nclass Good(epochal.Callback):\n    def __init__(self, path: str): ...\n")
    (project / "epochal.toml").write_text('enable = ["nobody"]\n[callbacks.good]\npath = 3\n')
    found = errors(diagnose(project).findings)
    assert sum("'nobody'" in each for each in found) == 1
    (planned,) = (each for each in found if each.startswith("a run begun here would fail"))
    assert "epochal.toml, line 3, callbacks.good.path: str is expected" in planned


def test_a_folder_in_which_python_breaks_is_told(full: Site, project: Path) -> None:
    (project / "dataclasses.py").write_text("raise ImportError('mine')\n")
    found = errors(plugins.failing(Choice(full.catalogue(), Settings()), project))
    assert found == ["importing epochal in this folder ended Python with code 1: ImportError: mine."]


def test_a_plan_that_ends_python_is_told(full: Site, project: Path) -> None:
    add(full, "good", "import epochal, os\nclass Good(epochal.Callback):\n    def __init__(self): os._exit(5)\n")
    (project / "epochal.toml").write_text('enable = ["good"]\n')
    assert "planning a run, which creates the active callbacks, ended Python with code 5: it said nothing." in errors(
        diagnose(project).findings
    )


# The environment


class Installed:
    """Makes versions of frameworks appear and disappear."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, **versions: str) -> list[Finding]:
        there = {name.replace("_", "-"): number for name, number in versions.items()}

        def version(name: str) -> str:
            if name not in there:
                raise importlib_metadata.PackageNotFoundError(name)
            return there[name]

        self._monkeypatch.setattr(environment, "version", version)
        return list(environment.frameworks())


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    return Installed(monkeypatch)


def test_keras_with_its_backend_is_fine(installed: Installed) -> None:
    assert installed(keras="3.15.1", tensorflow="2.21.0") == []


def test_no_keras_is_a_warning_with_the_command_that_installs_it(installed: Installed) -> None:
    (found,) = installed(tensorflow="2.21.0")
    assert not found.is_error
    assert 'pip install "epochal[tensorflow]"' in found.remedy


def test_a_backend_that_is_not_there_is_an_error(
    installed: Installed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (found,) = installed(keras="3.15.1")
    assert found.is_error
    assert "tensorflow (the default), and tensorflow is not installed" in found.what
    (found,) = installed(keras="3.15.1", jax="0.10")
    assert "Set KERAS_BACKEND=jax" in found.remedy
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere/keras.json").write_text('{"backend": "torch"}')
    (found,) = installed(keras="3.15.1", tensorflow="2.21.0")
    assert f"torch (by {tmp_path / 'nowhere/keras.json'})" in found.what
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    (found,) = installed(keras="3.15.1", tensorflow="2.21.0")
    assert "jax (by KERAS_BACKEND)" in found.what
    monkeypatch.setenv("KERAS_BACKEND", "numpy")
    assert installed(keras="3.15.1") == []


@pytest.mark.parametrize("text", ["{", "[]", '{"backend": 3}'])
def test_a_keras_json_that_makes_no_sense_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "nowhere").mkdir()
    (tmp_path / "nowhere/keras.json").write_text(text)
    assert environment.keras_backend() == ("tensorflow", "the default")


def test_two_distributions_of_one_package_are_told(installed: Installed) -> None:
    (found,) = installed(keras="3.15.1", tensorflow="2.21.0", tensorflow_cpu="2.20.0")
    assert "tensorflow and tensorflow-cpu are all installed" in found.what
    assert "pip uninstall tensorflow tensorflow-cpu" in found.remedy


def test_both_kerases_are_told_and_which_of_them_is_tensorflows(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = {"keras": "3.15.1", "tensorflow": "2.21.0", "tf_keras": "2.21.0"}
    (found,) = installed(**there)
    assert "`tf.keras` is keras." in found.what
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    (found,) = installed(**there)
    assert "`tf.keras` is tf_keras (TF_USE_LEGACY_KERAS is set)." in found.what
    del there["tf_keras"]
    (found,) = installed(**there)
    assert found.is_error
    assert "tf-keras is not installed" in found.what
    (found,) = (each for each in installed(tf_keras="2.21.0") if "Keras is not" not in each.what)
    assert "TF_USE_LEGACY_KERAS is set, so" in found.what


def test_a_keras_that_is_too_old_for_what_the_extra_asks_for_is_an_error(site: Site, installed: Installed) -> None:
    site.distribution(
        "epochal", requires=["keras>=3.11; extra == 'tensorflow'", "rubbish!", "tensorflow>=2; extra == 'tensorflow'"]
    )
    (found,) = installed(keras="3.5.0", tensorflow="2.21.0")
    assert found.is_error
    assert found.remedy == 'Run `pip install "keras>=3.11"`.'
    assert installed(keras="3.11.0", tensorflow="2.21.0") == []


def test_a_file_that_hides_a_package_is_told(tmp_path: Path) -> None:
    (tmp_path / "keras.py").touch()
    (tmp_path / "epochal").mkdir()
    (tmp_path / "epochal/__init__.py").touch()
    (tmp_path / "logging.py").touch()
    (tmp_path / "training.py").touch()
    found = [each.what for each in environment.shadows(tmp_path)]
    assert [each.partition(" is what")[0] for each in found] == [
        str(tmp_path / "epochal/__init__.py"),
        str(tmp_path / "keras.py"),
        str(tmp_path / "logging.py"),
    ]


def test_the_package_itself_hides_nothing() -> None:
    from pathlib import Path

    import epochal

    assert list(environment.shadows(Path(epochal.__file__).parent.parent)) == []


def test_the_facts_name_what_is_set(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "epochal.toml").touch()
    monkeypatch.setenv("EPOCHAL_ENABLE", "")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    facts = dict(environment.facts(project))
    assert facts["config file"] == str(project / "epochal.toml")
    assert facts["EPOCHAL_ENABLE"] == "(empty)"
    assert facts["EPOCHAL_AUTOLOAD"] == "0"
    assert facts["backend of keras"] == "jax, by KERAS_BACKEND"
    assert facts["terminal"] == "no, plain lines are printed"
    assert facts["python"].startswith(".".join(map(str, __import__("sys").version_info[:2])))


# The command


@pytest.mark.parametrize(
    ("findings", "code", "last"),
    [
        ((), 0, "Nothing is wrong."),
        ((Finding("warning", "odd", "look"),), 0, "1 warning found."),
        (
            (Finding("error", "bad", ""), Finding("error", "worse", "mend"), Finding("warning", "odd")),
            1,
            "2 errors and 1 warning found.",
        ),
    ],
)
def test_the_exit_code_tells_of_errors(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    findings: tuple[Finding, ...],
    code: int,
    last: str,
) -> None:
    monkeypatch.setattr("epochal.reports.doctor.diagnose", lambda _: Diagnosis((("python", "3"),), findings))
    assert main(["doctor"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-3:] == [last, "", "python  3"]
    for each in findings:
        assert f"{each.severity}: {each.what}" in lines
        assert not each.remedy or f"  {each.remedy}" in lines
    assert {*JSON} == {"facts[].name", "facts[].value", *(f"findings[].{each}" for each in Finding.__annotations__)}
    assert main(["doctor", "--json"]) == code
    assert json.loads(capsys.readouterr().out) == {
        "facts": [{"name": "python", "value": "3"}],
        "findings": [{"severity": each.severity, "what": each.what, "remedy": each.remedy} for each in findings],
    }


def test_errors_come_first_and_each_once(full: Site, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd, bad = Finding("warning", "odd"), Finding("error", "bad")
    for name in ("missing", "installed_twice"):
        monkeypatch.setattr(plugins, name, lambda _: [odd, bad])
    monkeypatch.setattr(plugins, "failing", lambda *_: [])
    found = [each for each in diagnose(project).findings if each in (odd, bad)]
    assert found == [bad, odd]
    assert os.getcwd() == str(project)
