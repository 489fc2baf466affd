"""Every check of the suite holds for a callback that keeps its promise, and fails for one that breaks it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from epochal.testing import Subject, conformance
from epochal.testing.checks.cost import Cost, measure
from epochal.testing.checks.examination import make_subject, run_checks
from epochal.testing.checks.suite import checks_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Site

    Outcome = Callable[[Subject, str], tuple[bool, str]]


def install(site: Site, source: str, *, requires: tuple[str, ...] = ("epochal-core>=0.1",), typed: bool = True) -> None:
    site.package("epochal_careful", source)
    if typed:
        (site.folder / "epochal_careful/py.typed").touch()
    site.distribution("epochal-careful", callbacks={"careful": "epochal_careful:Careful"}, requires=requires)


def test_a_callback_that_keeps_its_promises_passes_every_check(site: Site, careful: str) -> None:
    install(site, careful)
    subject = Subject("careful")
    results = list(run_checks(subject))
    assert {result.check.name: result.detail for result in results if not result.holds} == {}
    assert [result.check for result in results] == list(checks_of(subject))
    details = {result.check.name: result.detail for result in results}
    assert details["found"] == "epochal_careful:Careful of epochal-careful 1.0, a class"
    assert details["events"] == "on_run_begin, on_train_begin, on_epoch_end, on_run_end"
    assert details["logs"] == "it adds waited"
    assert details["state"] == "wait, best"
    assert details["resume"] == "7 epochs, resumed behind epoch 1, 4, 5, 6"


def test_checks_have_names_of_their_own_and_sentences(site: Site) -> None:
    checks = checks_of(Subject("careful"))
    assert len({check.name for check in checks}) == len(checks) > 30
    assert all(check.promise[0].islower() and check.promise[-1] != "." for check in checks)


# What only an installed one can break


@pytest.mark.parametrize(
    ("check", "message", "source", "requires", "typed"),
    [
        ("requires-core", "does not require epochal-core", "", (), True),
        ("requires-core", "without a lower bound", "", ("epochal-core<99",), True),
        ("requires-no-framework", "requires TensorFlow_CPU", "", ("epochal-core>=0.1", "TensorFlow_CPU>=2"), True),
        ("typed", "there is no py.typed in", "", ("epochal-core>=0.1",), False),
        ("documented", "has no docstring", "import epochal\nclass Careful(epochal.Callback): ...", (), True),
        ("found", "NameError: name 'nonsense' is not defined", "nonsense", (), True),
        ("imports", "NameError: name 'nonsense' is not defined", "nonsense", (), True),
        ("imports", "ended Python with code 3", "import os; os._exit(3)", (), True),
        ("imports-no-framework", "epochal_careful imports tensorflow", "import tensorflow", (), True),
        ("imports-in-silence", "prints 'hello'", "print('hello')", (), True),
    ],
)  # fmt: skip
def test_a_promise_of_the_package_is_broken(
    site: Site,
    outcome: Outcome,
    careful: str,
    check: str,
    message: str,
    source: str,
    requires: tuple[str, ...],
    typed: bool,
) -> None:
    # No framework is imported, whether it is there or not.
    site.package("tensorflow")
    install(site, source or careful, requires=requires, typed=typed)
    holds, detail = outcome(Subject("careful"), check)
    assert not holds
    assert message in detail


def test_the_names_follow_one_another(site: Site, outcome: Outcome, careful: str) -> None:
    site.package("acme", careful)
    site.distribution("acme-callbacks", callbacks={"stopper": "acme:Careful"})
    subject = Subject("stopper")
    for check, message in {
        "distribution-name": "named 'acme-callbacks', and the convention is 'epochal-stopper'",
        "package-name": "in the package 'acme', and the convention is 'epochal_stopper'",
        "class-name": "the class Careful is 'careful' as a name, and its entry is 'stopper'",
    }.items():
        holds, detail = outcome(subject, check)
        assert not holds
        assert message in detail


def test_a_class_is_to_be_imported_from_its_package(site: Site, outcome: Outcome, careful: str) -> None:
    site.package("epochal_careful")
    (site.folder / "epochal_careful/deep.py").write_text(careful)
    site.distribution("epochal-careful", callbacks={"careful": "epochal_careful.deep:Careful"})
    assert outcome(Subject("careful"), "class-name") == (
        False,
        "`from epochal_careful import Careful` does not work. Import the class in epochal_careful/__init__.py.",
    )


def test_no_callback_needs_the_code_of_another(site: Site, outcome: Outcome, careful: str) -> None:
    site.package("epochal_other", careful)
    site.distribution("epochal-other", callbacks={"other": "epochal_other:Careful"})
    install(site, "import epochal_other", requires=("epochal-core>=0.1", "epochal-other"))
    holds, detail = outcome(Subject("careful"), "imports-no-callback")
    assert not holds
    assert "epochal_careful imports epochal_other" in detail
    holds, detail = outcome(Subject("careful"), "requires-no-framework")
    assert not holds
    assert "requires epochal-other, which brings another callback" in detail


def test_to_ask_whether_a_framework_is_there_is_not_to_import_it(site: Site, outcome: Outcome) -> None:
    install(site, "from importlib.util import find_spec\nfind_spec('keras')")
    assert outcome(Subject("careful"), "imports-no-framework") == (True, "")


def test_without_an_import_nothing_else_is_tried(site: Site) -> None:
    install(site, "nonsense")
    (result,) = run_checks(Subject("careful"))
    assert (result.check.name, result.holds) == ("found", False)


# Callbacks of every kind


def test_marked_functions_in_a_module_are_checked_too(site: Site) -> None:
    site.package("epochal_careful", "import epochal\n@epochal.hookimpl\ndef on_epoch_end(epoch, logs): ...")
    site.distribution("epochal-careful", callbacks={"careful": "epochal_careful"}, requires=["epochal-core>=0.1"])
    failed = {result.check.name for result in run_checks(Subject("careful")) if not result.holds}
    assert failed == {"typed", "documented"}


def test_a_keras_callback_of_somebody_else_is_checked_too(site: Site) -> None:
    site.package(
        "epochal_careful",
        """
class Careful:
    def set_model(self, model): self.model = model
    def set_params(self, params): self.params = params
    def _nothing(self, first=None, logs=None): ...
    on_train_begin = on_train_end = on_epoch_begin = on_train_batch_begin = on_train_batch_end = _nothing
    on_test_begin = on_test_end = on_test_batch_begin = on_test_batch_end = _nothing
    on_predict_begin = on_predict_end = on_predict_batch_begin = on_predict_batch_end = _nothing

    def on_epoch_end(self, epoch, logs=None):
        self.last = logs["loss"] if "loss" in logs else None
""",
    )
    failed = {each.check.name: each.detail for each in run_checks(Subject("epochal_careful:Careful")) if not each.holds}
    assert failed == {}


def test_a_subject_may_be_made_by_a_function_and_have_values_of_its_own(
    site: Site, outcome: Outcome, careful: str
) -> None:
    site.package("epochal_careful", careful.replace('logs.get("loss", 0.0)', 'logs.get("f1", 0.0)'))
    made: list[object] = []

    def make() -> object:
        made.append(subject.found(patience=1))
        return made[-1]

    subject = Subject("epochal_careful:Careful", make=make, values=lambda epoch, batch: {"f1": abs(epoch - 2)})
    assert outcome(subject, "resume") == (True, "4 epochs, resumed behind epoch 1")
    assert all(callback.patience == 1 for callback in made)  # type: ignore[attr-defined]


# The surroundings


def test_a_check_is_run_in_an_empty_folder_without_settings_and_in_silence(
    site: Site, outcome: Outcome, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EPOCHAL_PROFILE", "1")
    monkeypatch.setenv("EPOCHAL_CONFIG", "mine.toml")
    site.package(
        "epochal_careful",
        """
import os, epochal
class Careful(epochal.Callback):
    def on_train_begin(self, logs=None):
        print("loud")
        assert "EPOCHAL_PROFILE" not in os.environ and not os.listdir()
""",
    )
    before = os.getcwd()
    assert outcome(Subject("epochal_careful:Careful"), "fit") == (True, "")
    assert os.getcwd() == before
    assert (os.environ["EPOCHAL_PROFILE"], os.environ["EPOCHAL_CONFIG"]) == ("1", "mine.toml")
    assert capfd.readouterr().out == ""


# As a test of pytest


def test_the_line_of_a_plugin_gives_one_test_a_check(site: Site, careful: str) -> None:
    install(site, careful)
    (site.folder / "test_it.py").write_text(
        """
from epochal.testing import Subject, conformance

test_conformance = conformance("careful", patience=3)
test_broken = conformance(Subject("careful", {"patience": 0}, expected_failures={"fit": "it is too small"}))

def test_fixtures(epochal_host, epochal_recorder, epochal_model, epochal_isolated):
    assert epochal_host().fit(epochs=2).model is epochal_model
    assert epochal_recorder.names.count("on_epoch_end") == 2
    assert not list(epochal_isolated.iterdir())
"""
    )
    off = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    settings = ["-c", os.devnull, "--rootdir=.", "-W", "error", "-q", "-rA"]
    command = [sys.executable, "-m", "pytest", *off, *settings, "test_it.py", "-k", "fixtures or fit or typed"]
    done = subprocess.run(
        command,
        cwd=site.folder,
        env={**os.environ, "PYTHONPATH": str(site.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    for check in ("typed", "fit", "bare-fit", "second-fit"):
        assert f"PASSED test_it.py::test_conformance[{check}]" in done.stdout
    assert "PASSED test_it.py::test_fixtures" in done.stdout
    assert "PASSED test_it.py::test_broken[typed]" in done.stdout
    assert "XFAIL test_it.py::test_broken[fit] - it is too small" in done.stdout
    assert "FAILED test_it.py::test_broken[bare-fit]" in done.stdout
    assert "ValueError: patience is too small" in done.stdout
    assert "epochal/testing/checks" not in done.stdout.split("short test summary")[1]


def test_every_check_is_a_case_of_the_test() -> None:
    (mark,) = conformance("careful").pytestmark  # type: ignore[attr-defined]
    assert [case.id for case in mark.args[1]] == [check.name for check in checks_of(Subject("careful"))]


def test_the_line_is_refused_where_it_makes_no_sense() -> None:
    with pytest.raises(ValueError, match="there is no check 'fitt'; there are found, "):
        conformance(Subject("careful", expected_failures={"fitt": ""}))
    with pytest.raises(TypeError, match="are part of it"):
        conformance(Subject("careful"), patience=3)


def test_importing_a_test_imports_no_callback(site: Site, careful: str) -> None:
    install(site, careful)
    conformance("careful")
    assert "epochal_careful" not in sys.modules


# What it costs


def test_what_a_callback_reads_in_every_batch_is_told(site: Site) -> None:
    source = "import epochal\n" + "".join(
        f"\nclass {name}(epochal.Callback):\n    def on_train_batch_end(self, batch, logs=None): {body}\n"
        for name, body in {"Reads": "logs['loss']", "ReadsOne": "logs.read('loss')", "Counts": "len(logs)"}.items()
    )
    site.package("epochal_careful", source)
    fetches = {name: measure(Subject(f"epochal_careful:{name}")).fetches for name in ("Reads", "ReadsOne", "Counts")}
    assert fetches == {"Reads": True, "ReadsOne": True, "Counts": False}


def test_what_is_slow_is_a_sentence_and_no_failure() -> None:
    assert Cost(batch=1e-6, epoch=1.0, fetches=False, importing=0.1).slow == ()
    slow = Cost(batch=2e-3, epoch=0.0, fetches=True, importing=12.0).slow
    assert [sentence.split(".")[0] for sentence in slow] == [
        "It takes 2 ms of every batch; a training step of a tiny model takes about 1 ms",
        "It reads the values of every batch, and training waits for the device each time",
        "Importing it takes 12 s",
    ]


# Parameters as they are typed


def test_parameters_are_read_and_checked_as_in_a_config(site: Site, careful: str) -> None:
    install(site, careful)
    assert make_subject("careful", {"patience": "3"}).parameters == {"patience": 3}
    assert make_subject("careful", {}).create().patience == 2
