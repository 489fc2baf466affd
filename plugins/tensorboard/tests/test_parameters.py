"""What TensorBoard takes, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochal import Priority
from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard


def test_defaults_are_keras_s() -> None:
    board = TensorBoard()
    assert board.log_dir == "logs"
    assert (board.histogram_freq, board.write_graph, board.write_images) == (0, True, False)
    assert (board.write_steps_per_second, board.update_freq) == (False, "epoch")
    assert (board.embeddings_freq, board.embeddings_metadata) == (0, None)


def test_it_is_a_reporter() -> None:
    assert TensorBoard.priority == Priority.REPORT
    assert not TensorBoard.critical
    assert TensorBoard("a").writes == (str(Path("a", "train")), str(Path("a", "validation")))


def test_batch_is_every_batch() -> None:
    assert TensorBoard(update_freq="batch").update_freq == 1
    assert TensorBoard(update_freq=np.int64(7)).update_freq == 7


def test_a_path_object() -> None:
    assert TensorBoard(Path("a") / "b").log_dir == str(Path("a", "b"))


@pytest.mark.parametrize("given", [0, "0", (0, 0), "0,0"])
def test_no_profile(given: Any) -> None:
    assert TensorBoard(profile_batch=given)._profiled is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [(2, (2, 2)), ("2", (2, 2)), ((2, 5), (2, 5)), ([2, 5], (2, 5)), ("2,5", (2, 5)), (" 2 , 5 ", (2, 5))],
)
def test_profiled_batches(given: Any, expected: tuple[int, int]) -> None:
    assert TensorBoard(profile_batch=given)._profiled == expected


@pytest.mark.parametrize(
    ("parameter", "value", "error", "message"),
    [
        ("log_dir", 3, TypeError, "log_dir=3 has to be a path"),
        ("log_dir", b"logs", TypeError, "log_dir=b'logs' has to be a path"),
        ("log_dir", "", ValueError, "log_dir is empty"),
        ("histogram_freq", -1, ValueError, "histogram_freq=-1 has to be 0 or more"),
        ("histogram_freq", 1.5, TypeError, "histogram_freq=1.5 has to be an int"),
        ("histogram_freq", True, TypeError, "histogram_freq=True has to be an int"),
        ("write_graph", "yes", TypeError, "write_graph='yes' has to be True or False"),
        ("write_images", 2, TypeError, "write_images=2 has to be True or False"),
        ("write_steps_per_second", None, TypeError, "write_steps_per_second=None has to be True or False"),
        ("update_freq", "batches", ValueError, "update_freq='batches' has to be 'epoch', 'batch' or a number"),
        ("update_freq", 0, ValueError, "update_freq=0 has to be 1 or more"),
        ("update_freq", 1.5, TypeError, "update_freq=1.5 has to be an int"),
        ("update_freq", None, TypeError, "update_freq=None has to be an int"),
        ("profile_batch", -1, ValueError, "profile_batch=-1 has to be 0 or more"),
        ("profile_batch", (5, 2), ValueError, r"profile_batch=\(5, 2\) has to begin with batch 1"),
        ("profile_batch", (0, 2), ValueError, r"profile_batch=\(0, 2\) has to begin with batch 1"),
        ("profile_batch", (1, 2, 3), ValueError, r"profile_batch=\(1, 2, 3\) has to be a batch, or a pair"),
        ("profile_batch", "one", ValueError, "profile_batch='one' has to be one or two numbers"),
        ("profile_batch", 1.5, TypeError, "profile_batch=1.5 has to be an int"),
        ("profile_batch", None, TypeError, "profile_batch=None has to be an int"),
        ("embeddings_freq", "1", TypeError, "embeddings_freq='1' has to be an int"),
        ("embeddings_metadata", 3, TypeError, "embeddings_metadata=3 has to be a path, or a mapping"),
        ("embeddings_metadata", {"words": 3}, TypeError, "embeddings_metadata has 'words': 3"),
        ("embeddings_metadata", {3: "words.tsv"}, TypeError, "embeddings_metadata has 3: 'words.tsv'"),
    ],
)
def test_what_is_refused(parameter: str, value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^TensorBoard: {message}"):
        TensorBoard(**{parameter: value})


def test_a_misspelt_parameter() -> None:
    with pytest.raises(TypeError, match="histogramm_freq"):
        TensorBoard(histogramm_freq=1)  # type: ignore[call-arg]


def test_the_caller_s_metadata_stay_as_they_are(model: Any, logs: Path) -> None:
    (logs).mkdir()
    (logs / "words.tsv").write_text("a\nb\n")
    given = {"words": "words.tsv"}
    model.matrices = {"words": np.zeros((2, 2))}
    board = TensorBoard(logs, embeddings_freq=1, embeddings_metadata=given)
    FakeHost(board, model=model).fit()
    assert given == {"words": "words.tsv"}
    given.clear()
    assert board.embeddings_metadata == {"words": "words.tsv"}


def test_copies_also_after_a_fit(model: Any, logs: Path, events: Any) -> None:
    board = TensorBoard(logs, update_freq=1, embeddings_freq=1, profile_batch=1)
    model.matrices = {"words": np.zeros((2, 2))}
    for copied in (copy.deepcopy(board), pickle.loads(pickle.dumps(board))):
        FakeHost(copied, model=model).fit()
    FakeHost(board, model=model).fit()
    before = len(events(logs / "train"))
    copied = copy.deepcopy(board)
    assert copied.train_steps == 3
    FakeHost(copied, model=model).fit()
    assert copied.train_steps == 6
    assert board.train_steps == 3
    assert len(events(logs / "train")) > before
