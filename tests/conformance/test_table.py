"""The table names what there is, each entry with a reason, and it cannot grow unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.version import Version

from . import harness, sources
from .harness import counts, edits, is_meant, left_out
from .replacing import SUBJECTS
from .sources import KERAS_VERSION, EditError, Source, keras_sources
from .table import EDITS, LEFT_OUT, Edit, LeftOut

SOURCES = keras_sources()
KNOWN = {
    "3.15.1": {"tests": 84, "as they are": 63, "edited": 11, "left out": 10},
    "3.12.4": {"tests": 61, "as they are": 39, "edited": 12, "left out": 10},
}
"""What runs, by the version of Keras. A number goes down only together with a line of the table."""

WITH_TESTS = pytest.mark.skipif(not SOURCES, reason=f"the wheel of Keras {KERAS_VERSION} holds no tests")
ENTRIES = [*filter(is_meant, EDITS), *filter(is_meant, LEFT_OUT)]


def test_the_wheel_holds_tests_since_keras_3_15_1() -> None:
    assert SOURCES or Version(KERAS_VERSION) < Version("3.15.1"), f"Keras {KERAS_VERSION} came without its tests"


@WITH_TESTS
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.file}-{entry.test}")
def test_every_entry_names_a_test_that_is_there(entry: Edit | LeftOut) -> None:
    assert entry.file in SOURCES, f"Keras {KERAS_VERSION} has no {entry.file}; tell its versions in the table"
    tests = SOURCES[entry.file].tests
    assert entry.test == "*" or entry.test in tests, f"{entry.file} of Keras {KERAS_VERSION} has no {entry.test}"
    assert entry.reason


@WITH_TESTS
@pytest.mark.parametrize("name", sorted(SOURCES))
def test_every_edit_can_be_made(name: str) -> None:
    source = SOURCES[name]
    for edit in edits(source):
        source = source.edited(edit.test, edit.old, edit.new)


@WITH_TESTS
def test_no_test_is_both_edited_and_left_out() -> None:
    for source in SOURCES.values():
        assert not set(left_out(source)) & {edit.test for edit in edits(source)}


@WITH_TESTS
def test_it_is_known_what_each_file_tests() -> None:
    assert not set(SOURCES) - set(SUBJECTS)


@WITH_TESTS
@pytest.mark.skipif(KERAS_VERSION not in KNOWN, reason=f"nobody has counted the tests of Keras {KERAS_VERSION} yet")
def test_how_many_run_is_known() -> None:
    assert counts() == KNOWN[KERAS_VERSION]


# The harness itself


TEST = """
import pytest
from keras.src import callbacks
from keras.src import testing
from keras.src.callbacks import TerminateOnNaN
from keras.src.callbacks.early_stopping import EarlyStopping

class SomeTest(testing.TestCase):
    def test_ours(self):
        assert callbacks.EarlyStopping is EarlyStopping
        assert callbacks.EarlyStopping(patience=3).patience == 3
        assert callbacks.TerminateOnNaN is TerminateOnNaN
        assert type(callbacks.EarlyStopping()).__mro__[1].__module__.startswith("epochal_")

    def test_keras_itself(self):
        import keras.src.callbacks.early_stopping
"""


def _run(text: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source(Path("early_stopping_test.py"), text)
    monkeypatch.setattr(harness, "KERAS_ITSELF", False)
    (kind,) = harness._with_ours(source).values()
    getattr(kind(name), name)()


def test_our_classes_stand_in_the_place_of_keras_s(monkeypatch: pytest.MonkeyPatch) -> None:
    _run(TEST, "test_ours", monkeypatch)


def test_another_way_to_keras_s_classes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportError, match="would give Keras's own callbacks"):
        _run(TEST, "test_keras_itself", monkeypatch)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("callbacks.TerminateOnNaN()", "made no EarlyStopping of ours"),
        ("import sys; sys.modules['keras'].callbacks.EarlyStopping()", "made a EarlyStopping of Keras's"),
    ],
)
def test_a_test_that_ran_something_else_fails(body: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEST.replace("import keras.src.callbacks.early_stopping", body)
    with pytest.raises((AssertionError, pytest.fail.Exception), match=message):
        _run(text, "test_keras_itself", monkeypatch)


def test_an_edit_whose_text_is_not_there_fails_its_test(monkeypatch: pytest.MonkeyPatch) -> None:
    edit = Edit("early_stopping_test", "test_ours", "a reason", "patience=4", "patience=5")
    monkeypatch.setattr(harness, "EDITS", [edit])
    with pytest.raises(pytest.fail.Exception, match=r"has this text 0 times instead of once"):
        _run(TEST, "test_ours", monkeypatch)


def test_an_edit_is_made_in_its_test_only() -> None:
    text = "class T:\n    def test_a(self):\n        x = 1\n\n    def test_b(self):\n        x = 1\n"
    edited = Source(Path("some_test.py"), text).edited("test_b", "x = 1", "x = 2")
    assert edited.text == text[: text.rindex("x = 1")] + "x = 2\n"
    with pytest.raises(EditError, match="has no test_c"):
        edited.edited("test_c", "x", "y")


def test_without_replacement_they_are_keras_s(monkeypatch: pytest.MonkeyPatch) -> None:
    text = TEST.replace(
        "import keras.src.callbacks.early_stopping", "assert not hasattr(callbacks.EarlyStopping(), 'run')"
    )
    (kind,) = harness._as_it_is(Source(Path("early_stopping_test.py"), text)).values()
    kind("test_keras_itself").test_keras_itself()


def test_a_wheel_without_tests_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_folder", lambda: Path("nowhere"))
    assert keras_sources() == {}
    with pytest.raises(pytest.skip.Exception, match="holds no tests"):
        harness.make_classes()
