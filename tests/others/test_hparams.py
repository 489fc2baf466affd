# /// script
# dependencies = ["tensorboard>=2.16", "setuptools>=70,<81"]
# ///
"""TensorBoard's KerasCallback for hyperparameters: it raises when it is used for a second fit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import api
from tensorboard.plugins.hparams.metadata import (
    SESSION_END_INFO_TAG,
    SESSION_START_INFO_TAG,
    parse_session_end_info_plugin_data,
    parse_session_start_info_plugin_data,
)

import epochal
from tests.recording import notes

if TYPE_CHECKING:
    from .conftest import Way

NAME = "tensorboard.plugins.hparams.api:KerasCallback"
PARAMETERS = {"writer": "logs", "hparams": {"units": 8, "rate": 0.5}}


def test_the_hyperparameters_and_the_end_are_written_once(way: Way, model: Any, data: tuple[Any, Any]) -> None:
    way.fit(model, *data, epochs=2, callback=NAME, parameters=PARAMETERS)
    (path,) = Path("logs").iterdir()
    written = EventAccumulator(str(path)).Reload().PluginTagToContent("hparams")
    start = parse_session_start_info_plugin_data(written[SESSION_START_INFO_TAG])
    assert {name: value.number_value for name, value in start.hparams.items()} == {"units": 8, "rate": 0.5}
    assert parse_session_end_info_plugin_data(written[SESSION_END_INFO_TAG]).status == 1


def test_a_second_fit_with_the_same_object_is_its_own_error(model: Any, data: tuple[Any, Any], tmp_path: Path) -> None:
    theirs = api.KerasCallback(str(tmp_path), {"units": 8})
    epochal.fit(model, *data, verbose=0, callbacks=[theirs])
    with pytest.raises(RuntimeError, match="cannot be reused") as caught:
        epochal.fit(model, *data, verbose=0, callbacks=[theirs])
    assert notes(caught.value)[0].endswith("in on_train_begin")


def test_the_config_makes_one_for_each_fit(named: Way, model: Any, data: tuple[Any, Any]) -> None:
    for _ in range(2):
        named.fit(model, *data, callback=NAME, parameters=PARAMETERS)
    assert list(Path("logs").iterdir())
