"""ModelCheckpoint goes on where a run before it ended: its state, and its copies."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from epochal.testing import FakeModel


def state_of(checkpoint: ModelCheckpoint) -> dict[str, Any]:
    return parse_state(dump_state(checkpoint.state_dict()))


@settings(deadline=None, max_examples=60)
@given(
    save_freq=st.one_of(st.just("epoch"), st.integers(1, 7)),
    keep=st.one_of(st.none(), st.integers(1, 3)),
    best=st.booleans(),
    values=st.lists(st.integers(0, 5), min_size=4, max_size=4),
    stop=st.integers(0, 3),
    early=st.booleans(),
)
def test_a_run_in_two_parts_saves_what_one_run_saves(
    fit: Callable[..., FakeModel],
    losses: Callable[..., Any],
    names: Callable[[Path], list[str]],
    tmp_path_factory: pytest.TempPathFactory,
    save_freq: int | str,
    keep: int | None,
    best: bool,
    values: list[int],
    stop: int,
    early: bool,
) -> None:
    def make(folder: Path) -> ModelCheckpoint:
        path = folder / ("{epoch}.keras" if save_freq == "epoch" else "{epoch}-{batch}.keras")
        return ModelCheckpoint(path, "loss", save_best_only=best, save_freq=save_freq, keep=keep)

    def run(checkpoint: ModelCheckpoint, first: int, last: int, state: dict[str, Any] | None = None) -> None:
        class Restore(epochal.Callback):
            after = ("model_checkpoint",)

            def on_train_begin(self, logs: Any = None) -> None:
                if state is not None:
                    checkpoint.load_state_dict(state)

        fit(checkpoint, Restore(), initial_epoch=first, epochs=last, steps=5, values=losses(*values))

    one, two = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("two")
    run(make(one), 0, 4)
    first, second = make(two), make(two)
    run(first, 0, stop)
    state = state_of(first)
    if early:
        second.load_state_dict(state)
    run(second, stop, 4, None if early else state)
    assert names(two) == names(one)


def test_a_run_that_goes_on_in_the_middle_of_an_epoch_counts_on(
    bare: Callable[..., ModelCheckpoint], names: Callable[[Path], list[str]], tmp_path: Path
) -> None:
    first = bare(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=7), steps=5)
    first.on_train_begin()
    for epoch, batches in ((0, 5), (1, 1)):
        first.on_epoch_begin(epoch)
        for batch in range(batches):
            first.on_train_batch_end(batch)
    assert names(tmp_path) == []
    for numbers in ((1, 2), (0, 1)):  # numbered on, and numbered anew
        second = bare(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=7), steps=5)
        second.load_state_dict(state_of(first))
        second.on_train_begin()
        second.on_epoch_begin(1)
        second.on_train_batch_end(numbers[0])
        assert names(tmp_path) == [f"2-{numbers[0] + 1}.keras"]
        (tmp_path / names(tmp_path)[0]).unlink()


def test_a_resumed_run_never_overwrites_a_better_checkpoint(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], weight: Callable[[Path], Any], tmp_path: Path
) -> None:
    path = tmp_path / "best.keras"
    first = ModelCheckpoint(path, "loss", save_best_only=True)
    model = fit(first, epochs=2, values=losses(1.0, 0.5))
    second = ModelCheckpoint(path, "loss", save_best_only=True)
    second.load_state_dict(state_of(first))
    fit(second, model=model, initial_epoch=2, epochs=4, values=losses(0, 0, 0.9, 0.7))
    assert (second.best, weight(path)) == (0.5, 2)


def test_a_state_that_was_restored_for_a_training_without_epochs_is_of_no_later_one(
    fit: Callable[..., FakeModel],
    bare: Callable[..., ModelCheckpoint],
    names: Callable[[Path], list[str]],
    tmp_path: Path,
) -> None:
    first = bare(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=5))
    first.on_train_begin()
    first.on_epoch_begin(0)
    first.on_train_batch_end(2)
    second = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=5)
    second.load_state_dict(state_of(first))
    fit(second, epochs=0)
    fit(second, epochs=1, steps=3)
    assert names(tmp_path) == ["1-2.keras"]


def test_the_state_of_another_callback_is_refused(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a.keras")
    with pytest.raises(epochal.StateError, match=r"not a state of ModelCheckpoint.* best, .*written"):
        checkpoint.load_state_dict({"wait": 3})
    assert checkpoint.best is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_before_and_after_a_fit(
    fit: Callable[..., FakeModel], losses: Callable[..., Any], copied: Any, tmp_path: Path
) -> None:
    checkpoint = copied(ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", save_best_only=True, keep=1))
    fit(checkpoint)
    made = copied(checkpoint)
    fit(made, epochs=2, initial_epoch=1, values=losses(0.0, 0.1))
    assert (checkpoint.best, made.best) == (1.0, 0.1)
    assert (checkpoint.written, made.written) == ([str(tmp_path / "1.keras")], [str(tmp_path / "2.keras")])
