"""Embeddings for the projector."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard
from epochal_tensorboard.projector import as_lines


@pytest.fixture
def model(model: Any) -> Any:
    model.matrices = {"words": np.arange(6.0).reshape(3, 2)}
    return model


def _config(logs: Path) -> Any:
    return text_format.Parse((logs / "train" / "projector_config.pbtxt").read_text(), ProjectorConfig())


def _matrix(logs: Path, path: str) -> list[list[float]]:
    return [[float(value) for value in line.split("\t")] for line in (logs / "train" / path).read_text().splitlines()]


def test_a_matrix_and_the_way_to_it(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs, embeddings_freq=1), model=model).fit()
    (entry,) = _config(logs).embeddings
    assert (entry.tensor_name, list(entry.tensor_shape)) == ("words", [3, 2])
    assert _matrix(logs, entry.tensor_path) == [[0, 1], [2, 3], [4, 5]]
    assert not entry.metadata_path


def test_the_last_one_is_kept(model: Any, logs: Path) -> None:
    def step(epoch: int, batch: int) -> None:
        model.matrices["words"] = np.full((3, 2), float(epoch))

    FakeHost(TensorBoard(logs, embeddings_freq=2), model=model).fit(epochs=4, step=step)
    assert _matrix(logs, "embeddings/words.tsv") == [[2, 2]] * 3


def test_it_is_there_when_training_begins(model: Any, logs: Path) -> None:
    board = TensorBoard(logs, embeddings_freq=5)
    board.set_model(model)
    board.on_train_begin()
    assert _matrix(logs, "embeddings/words.tsv") == [[0, 1], [2, 3], [4, 5]]
    board.on_train_end()


def test_off(model: Any, logs: Path) -> None:
    FakeHost(TensorBoard(logs), model=model).fit()
    assert not (logs / "train" / "projector_config.pbtxt").exists()


@pytest.mark.parametrize("beginning", ["log_dir", "working directory", "absolute"])
def test_metadata_are_copied_to_where_the_projector_takes_them(
    model: Any, logs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beginning: str
) -> None:
    monkeypatch.chdir(tmp_path)
    logs.mkdir()
    file = (logs if beginning == "log_dir" else tmp_path) / "labels.tsv"
    file.write_text("a\nb\nc\n")
    given = str(file) if beginning == "absolute" else "labels.tsv"
    FakeHost(TensorBoard("logs", embeddings_freq=1, embeddings_metadata={"words": given}), model=model).fit()
    (entry,) = _config(logs).embeddings
    assert (logs / "train" / entry.metadata_path).read_text() == "a\nb\nc\n"


def test_one_file_for_all_layers(model: Any, logs: Path) -> None:
    logs.mkdir()
    (logs / "labels.tsv").write_text("a\nb\nc\n")
    model.matrices["more words"] = np.zeros((3, 4))
    FakeHost(TensorBoard(logs, embeddings_freq=1, embeddings_metadata=Path("labels.tsv")), model=model).fit()
    entries = _config(logs).embeddings
    assert [entry.tensor_name for entry in entries] == ["words", "more words"]
    assert [entry.tensor_path for entry in entries] == ["embeddings/words.tsv", "embeddings/more_words.tsv"]
    assert all((logs / "train" / entry.metadata_path).read_text() == "a\nb\nc\n" for entry in entries)


def test_a_file_that_is_not_there_is_said_once(model: Any, logs: Path) -> None:
    board = TensorBoard(logs, embeddings_freq=1, embeddings_metadata={"words": "labels.tsv"})
    with pytest.warns(UserWarning, match="embeddings_metadata names 'labels.tsv' for the layer 'words'") as said:
        FakeHost(board, model=model).fit(epochs=3)
    assert len(said) == 1
    (entry,) = _config(logs).embeddings
    assert not entry.metadata_path


def test_a_layer_that_is_not_there(model: Any, logs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = TensorBoard(logs, embeddings_freq=1, embeddings_metadata={"word": "labels.tsv"})
    FakeHost(board, model=model).fit()
    assert re.search(r"names 'word', which is not an `Embedding` layer.*Did you mean 'words'", capsys.readouterr().out)


def test_a_layer_that_is_not_there_in_a_bare_fit(model: Any, logs: Path, bare_fit: Any) -> None:
    board = TensorBoard(logs, embeddings_freq=1, embeddings_metadata={"word": "labels.tsv"})
    with pytest.raises(ValueError, match="Did you mean 'words'"):
        bare_fit(board, model)


def test_a_model_that_is_built_by_its_first_batch(model: Any, logs: Path) -> None:
    matrices, model.matrices = model.matrices, {}

    def step(epoch: int, batch: int) -> None:
        model.matrices = matrices

    FakeHost(TensorBoard(logs, embeddings_freq=1), model=model).fit(step=step)
    assert _matrix(logs, "embeddings/words.tsv") == [[0, 1], [2, 3], [4, 5]]


def test_no_embedding_layer_is_said(model: Any, logs: Path) -> None:
    model.matrices = {}
    with pytest.warns(UserWarning, match="embeddings_freq is set, and the model has no embedding layer"):
        FakeHost(TensorBoard(logs, embeddings_freq=1), model=model).fit()
    assert not (logs / "train" / "projector_config.pbtxt").exists()


@given(arrays.arrays(np.float32, (3, 2), elements=st.floats(width=32)))
def test_the_numbers_are_whole(matrix: Any) -> None:
    lines = as_lines(matrix).decode().splitlines()
    read = np.array([[float(value) for value in line.split("\t")] for line in lines], np.float32)
    np.testing.assert_array_equal(read, matrix)
