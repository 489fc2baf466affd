"""Warnings that point to the user's line."""

from __future__ import annotations

import sys
import types
import warnings
from typing import Any

import pytest

from epochal.warn import warn_user


def module(name: str, source: str, **names: Any) -> Any:
    """Make a module of a name; its source begins in line 1 of the file `NAME.py`."""
    made = types.ModuleType(name)
    vars(made).update(names)
    exec(compile(source, f"{name}.py", "exec"), vars(made))
    return made


def pointed_to(call: Any) -> list[tuple[str, int, str]]:
    """Return file, line and text of every warning, as Python shows them without any option."""
    with warnings.catch_warnings(record=True) as said:
        warnings.resetwarnings()
        warnings.simplefilter("default")
        call()
    return [(each.filename, each.lineno, str(each.message)) for each in said]


CALLBACK = "def on_epoch_end(text='text'):\n    warn_user(text)"
BETWEEN = "def fit(inner):\n    return inner()"


@pytest.mark.parametrize(
    "between",
    [
        "epochal.engine.driver",
        "epochal_early_stopping",
        "epochal_early_stopping.rules",
        "keras.src.trainers",
        "tf_keras",
        "tensorflow.python.eager",
        "pluggy._callers",
        "contextlib",
    ],
)
def test_a_warning_points_to_the_line_that_called_the_framework(between: str) -> None:
    callback = module("epochal_watcher", CALLBACK, warn_user=warn_user)
    framework = module(between, BETWEEN)
    user = module("train", "\n\ndef main():\n    fit(callback)", fit=framework.fit, callback=callback.on_epoch_end)
    assert pointed_to(user.main) == [("train.py", 4, "text")]


@pytest.mark.parametrize("name", ["keras_tuner", "epochalize", "my.epochal", "__main__", "tensorflow_probability"])
def test_a_package_with_a_similar_name_is_the_users(name: str) -> None:
    user = module(name, "def main():\n    warn_user('text')", warn_user=warn_user)
    assert pointed_to(user.main) == [(f"{name}.py", 2, "text")]


def test_code_of_no_module_is_the_users() -> None:
    scope: dict[str, Any] = {"warn_user": warn_user}
    assert pointed_to(lambda: exec(compile("warn_user('text')", "cell", "exec"), scope)) == [("cell", 1, "text")]


def test_where_all_is_ours_it_points_to_where_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    inner = module("epochal.cli.demo", "def demo():\n    warn_user('text')", warn_user=warn_user)
    real = sys._getframe

    def getframe(depth: int = 0) -> Any:
        return _Outermost(real(depth + 1))

    monkeypatch.setattr(sys, "_getframe", getframe)
    assert pointed_to(inner.demo) == [("epochal.cli.demo.py", 2, "text")]


class _Outermost:
    """A frame that nothing called."""

    f_back = None

    def __init__(self, frame: Any) -> None:
        self.f_globals, self.f_code, self.f_lineno = frame.f_globals, frame.f_code, frame.f_lineno


def test_each_text_of_a_line_is_shown_and_each_once() -> None:
    user = module(
        "train",
        "def main():\n    for text in ('a', 'b', 'a'): say(text)\ndef other():\n    say('a')",
        say=module("epochal_watcher", CALLBACK, warn_user=warn_user).on_epoch_end,
    )

    def both() -> None:
        user.main()
        user.other()

    assert pointed_to(both) == [("train.py", 2, "a"), ("train.py", 2, "b"), ("train.py", 4, "a")]


def test_a_warning_can_be_an_error() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="text"):
            warn_user("text")
