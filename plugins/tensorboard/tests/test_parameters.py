"""What TensorBoard takes, and what it refuses."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from epochal import Priority, StateError
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
        ("histogram_freq", "1", TypeError, "histogram_freq='1' has to be a number"),
        ("histogram_freq", float("nan"), ValueError, "histogram_freq=nan has to be a number, and not NaN"),
        ("write_graph", np.ones(2), TypeError, "write_graph=.* has to be True or False"),
        ("update_freq", "batches", ValueError, "update_freq='batches' has to be 'epoch', 'batch' or a number"),
        ("update_freq", 0, ValueError, "update_freq=0 has to be 'epoch', 'batch' or a number of batches other than 0"),
        ("update_freq", None, TypeError, "update_freq=None has to be a number"),
        ("profile_batch", -1, ValueError, "profile_batch=-1 has to be 0 or more"),
        ("profile_batch", (5, 2), ValueError, r"profile_batch=\(5, 2\) has to end with the batch that it begins with"),
        ("profile_batch", (1, 2, 3), ValueError, r"profile_batch=\(1, 2, 3\) has to be a batch, or a pair"),
        ("profile_batch", "one", ValueError, "profile_batch='one' has to be one or two numbers"),
        ("profile_batch", 1.5, ValueError, "profile_batch=1.5 has to be a whole number"),
        ("embeddings_freq", "1", TypeError, "embeddings_freq='1' has to be a number"),
        ("embeddings_metadata", 3, TypeError, "embeddings_metadata=3 has to be a path, or a mapping"),
        ("embeddings_metadata", {"words": 3}, TypeError, "embeddings_metadata has 'words': 3"),
        ("embeddings_metadata", {3: "words.tsv"}, TypeError, "embeddings_metadata has 3: 'words.tsv'"),
    ],
)
def test_what_is_refused(parameter: str, value: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"^TensorBoard: {message}"):
        TensorBoard(**{"embeddings_freq": 1, parameter: value})


@pytest.mark.parametrize("given", [None, False, 0, (0, 7), "0,7"])
def test_what_profiles_nothing(given: Any) -> None:
    assert TensorBoard(profile_batch=given)._profiled is None


@pytest.mark.parametrize("value", [3, None, ["a"], {"words": 3}])
def test_metadata_without_embeddings_are_not_looked_at_as_in_keras(value: Any) -> None:
    board = TensorBoard(embeddings_metadata=value)
    board.embeddings_freq = 1
    if value is not None:
        with pytest.raises(TypeError, match="embeddings_metadata"):
            board.check_metadata()


@pytest.mark.parametrize(("value", "folder"), [(None, "None"), (5, "5")])
def test_what_is_no_path_is_its_text_as_in_keras_and_warned_of(value: Any, folder: str) -> None:
    with pytest.warns(UserWarning, match=f"TensorBoard: log_dir={value} is not a path, and the folder is '{folder}'"):
        assert TensorBoard(value).log_dir == folder


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("batch", [1, 2, 3, 4, 5, 6]),
        (True, [1, 2, 3, 4, 5, 6]),
        (2.0, [2, 4, 6]),
        (-3, [3, 6]),
        (1.5, [3, 6]),
        (float("inf"), []),
        ("epoch", []),
    ],
)
def test_an_update_frequency_that_is_set_between_fits_counts_in_the_next(
    value: Any, written: list[int], model: Any, logs: Path, events: Any
) -> None:
    board = TensorBoard(logs / "first")
    FakeHost(board, model=model).fit(epochs=1, steps=1)
    board.log_dir, board.update_freq = str(logs / "second"), value
    assert board.writes == (str(logs / "second" / "train"), str(logs / "second" / "validation"))
    board.train_steps = 0
    FakeHost(board, model=model).fit(epochs=2, steps=3)
    tags = [(each.step, value.tag) for each in events(logs / "second" / "train") for value in each.summary.value]
    assert [step for step, tag in tags if tag == "batch_loss"] == written


@pytest.mark.parametrize("value", [None, False, 0])
def test_a_frequency_of_none_is_off(value: Any, model: Any, logs: Path) -> None:
    board = TensorBoard(logs, histogram_freq=value, embeddings_freq=value)
    FakeHost(board, model=model).fit()
    assert (board.histogram_freq, board.embeddings_freq) == (0, 0)


@pytest.mark.parametrize("state", [{"train_steps": -1}, {"train_steps": "x"}, {"test_steps": 1.5}])
def test_a_state_that_does_not_fit_is_an_error_and_changes_nothing(state: dict[str, Any]) -> None:
    board = TensorBoard()
    with pytest.raises(StateError, match="this is not a state of TensorBoard: "):
        board.load_state_dict({"train_steps": 5, "test_steps": 5, **state})
    assert board.state_dict() == {"train_steps": 0, "test_steps": 0}


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
