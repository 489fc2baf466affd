"""The parameters of ModelCheckpoint, given and set later."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from epochal.errors import PreflightError
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from epochal.testing import FakeModel


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"filepath": 3}, TypeError, "filepath=3 has to be a path"),
        ({"filepath": None}, TypeError, "filepath=None has to be a path"),
        ({"filepath": ""}, KeyError, "ModelCheckpoint: the path is empty"),
        ({"filepath": "{epoch.keras"}, KeyError, "cannot be read"),
        ({"filepath": "{}.keras"}, KeyError, "cannot be read"),
        ({"filepath": "model"}, ValueError, r"has to end in '\.keras', or in '\.h5'"),
        ({"filepath": "model.pb"}, ValueError, "has to end in"),
        ({"filepath": "a.keras", "save_weights_only": True}, ValueError, r"has to end in '\.weights\.h5'"),
        ({"filepath": "a.h5", "save_weights_only": True}, ValueError, r"has to end in '\.weights\.h5'"),
        ({"monitor": ["loss"]}, TypeError, "monitor="),
        ({"verbose": "yes"}, TypeError, "verbose='yes' has to be a number"),
        ({"save_best_only": np.ones(2)}, TypeError, "save_best_only=.* has to be True or False"),
        *(({"save_freq": value}, ValueError, "Unrecognized save_freq") for value in ("batch", "5", 2.5, None, [1])),
        ({"initial_value_threshold": "low"}, TypeError, "initial_value_threshold='low' has to be a number"),
        (
            {"initial_value_threshold": math.nan},
            ValueError,
            "initial_value_threshold=nan has to be a number, and not NaN",
        ),
        ({"filepath": "{epoch}.keras", "keep": 0}, ValueError, "keep=0 has to be 1 or more"),
        ({"filepath": "{epoch}.keras", "keep": 1.5}, ValueError, "keep=1.5 has to be a whole number"),
        ({"filepath": "a.keras", "keep": 2}, ValueError, "keep=2 needs files of different names"),
        ({"filepath": "gs://b/{epoch}.keras", "keep": 2}, ValueError, "cannot at the address"),
        ({"save_best": True}, TypeError, "save_best"),
    ],
)
def test_parameters_are_checked_when_it_is_made(
    arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ModelCheckpoint(**({"filepath": "a.keras"} | arguments))


def test_what_python_takes_for_false_is_off_as_in_keras() -> None:
    off: Any = None
    made = ModelCheckpoint("a.keras", save_best_only=off, save_weights_only=off, verbose=off, keep=None)
    assert (made.save_best_only, made.save_weights_only, made.verbose) == (False, False, 0)


def test_every_fold_has_the_path_that_is_set_for_it(
    fit: Callable[..., FakeModel], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "fold-0.keras")
    for fold in range(3):
        checkpoint.filepath = str(tmp_path / f"fold-{fold}.keras")
        fit(checkpoint)
        assert checkpoint.writes == (checkpoint.filepath,)
    assert names(tmp_path) == ["fold-0.keras", "fold-1.keras", "fold-2.keras"]


def test_what_is_set_later_is_checked_as_what_is_given(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a.keras")
    with pytest.raises(ValueError, match=r"has to end in '\.keras'"):
        checkpoint.filepath = "model.pb"
    with pytest.raises(KeyError, match="cannot be read"):
        checkpoint.filepath = "{epoch.keras"
    assert checkpoint.filepath == str(tmp_path / "a.keras")


def test_parameters_that_do_not_suit_each_other_are_found_before_training(
    fit: Callable[..., FakeModel],
    bare: Callable[..., ModelCheckpoint],
    names: Callable[[Path], list[str]],
    tmp_path: Path,
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a.keras")
    checkpoint.save_weights_only = True
    with pytest.raises((PreflightError, ValueError), match=r"has to end in '\.weights\.h5'"):
        bare(checkpoint).preflight()
    checkpoint.filepath = str(tmp_path / "a.weights.h5")
    fit(checkpoint)
    checkpoint.keep = 2
    with pytest.raises(PreflightError, match="keep=2 needs files of different names"):
        fit(checkpoint)
    assert names(tmp_path) == ["a.weights.h5"]


def test_an_unknown_mode_warns_as_in_keras() -> None:
    with pytest.warns(UserWarning, match="ModelCheckpoint mode 'least' is unknown"):
        assert ModelCheckpoint("a.keras", mode="least").mode == "auto"


def test_positions_are_those_of_keras() -> None:
    made = ModelCheckpoint("a.weights.h5", "loss", 1, True, True, "max", 5, 0.5)
    assert (made.filepath, made.monitor, made.verbose, made.mode, made.save_freq) == (
        "a.weights.h5",
        "loss",
        1,
        "max",
        5,
    )
    assert (made.save_best_only, made.save_weights_only, made.best, made.keep) == (True, True, 0.5, None)
