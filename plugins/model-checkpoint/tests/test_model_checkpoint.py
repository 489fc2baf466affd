"""ModelCheckpoint, driven by a host without a framework."""

from __future__ import annotations

import copy
import errno
import json
import math
import os
import pickle
import shutil
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import epochal
from epochal.errors import PreflightError
from epochal.state import dump_state, parse_state
from epochal.testing import FakeHost, FakeModel
from epochal_model_checkpoint import ModelCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def steps_of(model: FakeModel) -> Any:
    """Give a training step that counts the batches in the model's weight."""

    def step(epoch: int, batch: int) -> None:
        model.weights = {"w": model.weights["w"] + 1}

    return step


def fit(*callbacks: Any, model: FakeModel | None = None, **arguments: Any) -> FakeModel:
    """Train a model whose weight is the number of its executions."""
    model = model or FakeModel({"w": 0})
    arguments.setdefault("steps", 1)
    FakeHost(*callbacks, model=model).fit(step=steps_of(model), **arguments)
    return model


def losses(*values: float) -> Any:
    """Give logs with a loss of these values, one an epoch."""
    return lambda epoch, batch: {"loss": values[epoch]}


def bare(checkpoint: ModelCheckpoint, model: FakeModel | None = None, steps: int | None = None) -> ModelCheckpoint:
    """Give the callback its model as Keras does in a bare fit."""
    checkpoint.set_params({"epochs": 9, "steps": steps, "verbose": 0})
    checkpoint.set_model(model or FakeModel({"w": 0}))
    return checkpoint


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


def weight(path: Path) -> Any:
    return json.loads(path.read_text())["w"]


# When and where to


def test_it_saves_at_the_end_of_every_epoch(tmp_path: Path) -> None:
    fit(ModelCheckpoint(tmp_path / "deep" / "{epoch:02d}.keras"), epochs=3, steps=2)
    assert names(tmp_path / "deep") == ["01.keras", "02.keras", "03.keras"]
    assert [weight(tmp_path / "deep" / f"0{epoch}.keras") for epoch in (1, 2, 3)] == [2, 4, 6]


def test_a_path_without_fields_is_written_over(tmp_path: Path) -> None:
    fit(ModelCheckpoint(str(tmp_path / "model.keras")), epochs=3)
    assert names(tmp_path) == ["model.keras"]
    assert weight(tmp_path / "model.keras") == 3


def test_a_relative_path_counts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fit(ModelCheckpoint("model.keras"))
    assert names(tmp_path) == ["model.keras"]


def test_every_key_of_the_logs_may_stand_in_the_path(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{val_loss:.2f}-{loss:.1f}.keras")
    fit(checkpoint, epochs=1, validation_steps=1, values=losses(0.125))
    assert names(tmp_path) == ["1-0.12-0.1.keras"]


def test_weights_alone_and_the_whole_model(tmp_path: Path) -> None:
    saved: list[str] = []

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            for name in ("save", "save_weights"):
                setattr(adapter, name, self._noting(name))
            return adapter

        def _noting(self, name: str) -> Any:
            def save(path: str) -> None:
                saved.append(name)
                Path(path).write_text("{}")

            return save

    whole = ModelCheckpoint(tmp_path / "a.keras")
    weights = ModelCheckpoint(tmp_path / "a.weights.h5", save_weights_only=True)
    fit(whole, weights, model=Model({"w": 0}))
    assert saved == ["save", "save_weights"]
    assert names(tmp_path) == ["a.keras", "a.weights.h5"]


def test_an_integer_save_freq_counts_batches_across_epochs(tmp_path: Path) -> None:
    fit(ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4), epochs=4, steps=3)
    assert names(tmp_path) == ["2-1.keras", "3-2.keras", "4-3.keras"]
    assert [weight(tmp_path / name) for name in names(tmp_path)] == [4, 8, 12]


def test_several_steps_in_an_execution_are_counted_as_steps(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=4)
    fit(checkpoint, epochs=2, steps=5, steps_per_execution=2)
    # Steps 2, 4, 5, then 7, 9, 10: due at 4, then at 9, which is the fourth or more since.
    assert names(tmp_path) == ["1-4.keras", "2-4.keras"]


def test_the_last_execution_of_an_epoch_may_have_fewer_steps_than_its_number_says(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=10)
    fit(checkpoint, epochs=2, steps=5, steps_per_execution=4)
    assert names(tmp_path) == ["2-5.keras"]


@settings(deadline=None, max_examples=50)
@given(
    save_freq=st.integers(1, 12),
    epochs=st.integers(1, 4),
    steps=st.integers(1, 9),
    each=st.integers(1, 4),
    known=st.booleans(),
)
def test_it_saves_at_the_first_end_of_an_execution_at_which_enough_batches_have_ended(
    tmp_path_factory: pytest.TempPathFactory, save_freq: int, epochs: int, steps: int, each: int, known: bool
) -> None:
    folder = tmp_path_factory.mktemp("saves")
    checkpoint = ModelCheckpoint(folder / "{epoch}-{batch}.keras", save_freq=save_freq)
    fit(checkpoint, epochs=epochs, steps=steps, steps_per_execution=each, steps_known=known)
    expected, since = [], 0
    for epoch in range(epochs):
        for first in range(0, steps, each):
            end = min(first + each, steps) if known else first + each
            since += end - first
            if since >= save_freq:
                since = 0
                expected.append(f"{epoch + 1}-{end}.keras")
    assert names(folder) == sorted(expected)


def test_two_in_one_run_do_not_mind_each_other(tmp_path: Path) -> None:
    best = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    last = ModelCheckpoint(tmp_path / "last.keras")
    fit(best, last, epochs=3, values=losses(1.0, 0.5, 2.0))
    assert (weight(tmp_path / "best.keras"), weight(tmp_path / "last.keras")) == (2, 3)


def test_two_that_write_to_one_path_train_with_a_warning_as_in_keras(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="both write to"):
        fit(ModelCheckpoint(tmp_path / "a.keras"), ModelCheckpoint(tmp_path / "a.keras", save_freq=1))
    assert names(tmp_path) == ["a.keras"]


def test_evaluation_and_prediction_save_nothing(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras")
    FakeHost(checkpoint).evaluate()
    FakeHost(checkpoint).predict()
    assert names(tmp_path) == []


def test_batches_are_left_out_of_a_run_where_they_are_not_counted(tmp_path: Path) -> None:
    class Counting(ModelCheckpoint):
        calls = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.calls += 1

    by_epoch, by_batch = Counting(tmp_path / "a.keras"), Counting(tmp_path / "b.keras", save_freq=2)
    fit(by_epoch, by_batch, steps=3)
    assert (by_epoch.calls, by_batch.calls) == (0, 3)
    assert (by_epoch.async_safe, by_batch.async_safe) == (True, False)


# The best


@pytest.mark.parametrize(
    ("mode", "values", "saved"),
    [
        ("min", (3.0, 1.0, 2.0, 0.5), [1, 2, 4]),
        ("max", (3.0, 1.0, 4.0, 4.0), [1, 3]),
        ("auto", (3.0, 1.0, 2.0, 0.5), [1, 2, 4]),
        ("min", (math.nan, 3.0, math.nan, 2.0), [2, 4]),
        ("max", (math.nan, -math.inf, 3.0, math.inf), [2, 3, 4]),
        ("min", (math.nan, math.nan), []),
    ],
)
def test_with_save_best_only_it_saves_what_is_better(
    mode: str, values: Sequence[float], saved: list[int], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", mode=mode, save_best_only=True)
    fit(checkpoint, epochs=len(values), values=losses(*values))
    assert names(tmp_path) == [f"{epoch}.keras" for epoch in saved]
    assert checkpoint.best == (values[saved[-1] - 1] if saved else None)


def test_with_an_integer_save_freq_too(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{batch}.keras", monitor="loss", save_best_only=True, save_freq=2)
    fit(checkpoint, steps=8, values=lambda epoch, batch: {"loss": [9, 5, 9, 7, 9, 4, 9, 3][batch]})
    assert names(tmp_path) == ["2.keras", "6.keras", "8.keras"]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(), max_size=8), st.sampled_from(["min", "max"]))
def test_what_was_saved_last_is_the_best_of_all(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], mode: str
) -> None:
    folder = tmp_path_factory.mktemp("best")
    checkpoint = ModelCheckpoint(folder / "best.keras", monitor="loss", mode=mode, save_best_only=True)
    fit(checkpoint, epochs=len(values), values=losses(*values))
    numbers = [value for value in values if not math.isnan(value)]
    if not numbers:
        assert (names(folder), checkpoint.best) == ([], None)
        return
    best = min(numbers) if mode == "min" else max(numbers)
    assert checkpoint.best == best
    assert weight(folder / "best.keras") == values.index(best) + 1


@pytest.mark.parametrize(
    ("threshold", "values", "saved"),
    [
        (0.5, (1.0, 0.4), [2]),
        (0, (1.0, 0.4), []),
        (math.inf, (1.0, 0.4), [1, 2]),
        (-math.inf, (1.0, 0.4), []),
        (None, (1.0, 0.4), [1, 2]),
    ],
)
def test_the_first_save_has_to_be_better_than_the_threshold(
    threshold: float | None, values: Sequence[float], saved: list[int], tmp_path: Path
) -> None:
    checkpoint = ModelCheckpoint(
        tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True, initial_value_threshold=threshold
    )
    fit(checkpoint, epochs=len(values), values=losses(*values))
    assert names(tmp_path) == [f"{epoch}.keras" for epoch in saved]


def test_the_best_counts_on_in_a_second_fit(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    model = fit(checkpoint, epochs=2, values=losses(2.0, 1.0))
    fit(checkpoint, model=model, epochs=2, values=losses(1.5, 1.2))
    assert (checkpoint.best, weight(tmp_path / "best.keras")) == (1.0, 2)


def test_a_metric_that_does_not_come_saves_nothing_and_is_said_once(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="val_loss", save_best_only=True)
    with pytest.warns(UserWarning, match="monitors 'val_loss', and this fit has no validation data.") as said:
        fit(checkpoint, epochs=3)
    assert len(said) == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("value", [[1.0, 2.0], "low"])
def test_a_metric_that_is_no_scalar_saves_nothing_and_is_said_once(value: Any, tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "best.keras", monitor="loss", save_best_only=True)
    with pytest.warns(UserWarning, match="which is not a scalar") as said:
        fit(checkpoint, epochs=3, values=lambda epoch, batch: {"loss": value})
    assert len(said) == 1
    assert names(tmp_path) == []


def test_a_metric_that_is_known_not_to_come_is_said_before_training(tmp_path: Path) -> None:
    checkpoint = bare(
        ModelCheckpoint(tmp_path / "a.keras", monitor="val_los", save_best_only=True, mode="min"),
        FakeModel({"w": 0}, metrics={"loss": "min"}),
    )
    with pytest.warns(UserWarning, match="monitors 'val_los', and the model does not report it"):
        checkpoint.on_train_begin()


def test_without_save_best_only_nobody_asks_for_the_metric(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="anything")
    fit(checkpoint, epochs=2, model=FakeModel({"w": 0}, metrics={"loss": "min"}))
    assert (names(tmp_path), checkpoint.best) == (["1.keras", "2.keras"], None)


def test_a_direction_that_nobody_knows_is_an_error(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a.keras", monitor="score", save_best_only=True)
    with pytest.raises(ValueError, match="Pass mode='min' or mode='max'"):
        fit(checkpoint, values=lambda epoch, batch: {"score": 1.0})


# Keeping some


def test_keep_removes_the_older_files_that_it_wrote_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "0.keras").write_text("somebody else's")
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=2)
    fit(checkpoint, epochs=5)
    assert names(tmp_path) == ["0.keras", "4.keras", "5.keras"]
    assert checkpoint.written == [str(tmp_path / "4.keras"), str(tmp_path / "5.keras")]


def test_keep_with_save_best_only_keeps_the_best(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", monitor="loss", save_best_only=True, keep=1)
    fit(checkpoint, epochs=5, values=losses(5.0, 4.0, 3.0, 9.0, 9.0))
    assert names(tmp_path) == ["3.keras"]


def test_a_file_that_is_written_again_counts_once_and_as_new(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{loss:.0f}.keras", keep=2)
    fit(checkpoint, epochs=4, values=losses(1, 2, 1, 3))
    assert names(tmp_path) == ["1.keras", "3.keras"]


def test_older_files_are_found_also_after_the_working_directory_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "one")
    checkpoint = ModelCheckpoint("{epoch}.keras", keep=1)
    fit(checkpoint, epochs=1)
    (tmp_path / "two" / "1.keras").write_text("somebody else's")
    monkeypatch.chdir(tmp_path / "two")
    fit(checkpoint, epochs=2, initial_epoch=1)
    assert (names(tmp_path / "one"), names(tmp_path / "two")) == ([], ["1.keras", "2.keras"])


def test_a_file_that_somebody_removed_already_is_no_error(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    fit(checkpoint, epochs=1)
    (tmp_path / "1.keras").unlink()
    fit(checkpoint, epochs=2, initial_epoch=1)
    assert names(tmp_path) == ["2.keras"]


def test_a_file_that_cannot_be_removed_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unlink = os.unlink

    def refuse(path: Any) -> None:
        if str(path).endswith("1.keras"):
            raise PermissionError(errno.EACCES, "Permission denied")
        unlink(path)

    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    monkeypatch.setattr(os, "unlink", refuse)
    with pytest.warns(UserWarning, match="ModelCheckpoint keeps .*1.keras, which it was to remove: Permission denied"):
        fit(checkpoint, epochs=3)
    assert names(tmp_path) == ["1.keras", "3.keras"]


def test_without_keep_it_remembers_no_files(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras")
    fit(checkpoint, epochs=3)
    assert checkpoint.written == []


# What it says


def test_what_it_says_about_every_epoch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "best.keras"
    checkpoint = bare(ModelCheckpoint(path, monitor="loss", save_best_only=True, verbose=1))
    checkpoint.on_train_begin()
    for epoch, loss in enumerate((0.5, 0.75, math.nan, 0.25)):
        checkpoint.on_epoch_begin(epoch)
        checkpoint.on_epoch_end(epoch, {"loss": loss})
    assert [line for line in capsys.readouterr().out.splitlines() if line] == [
        f"Epoch 1: loss improved from None to 0.50000, saving model to {path}",
        f"Epoch 1: finished saving model to {path}",
        "Epoch 2: loss did not improve from 0.50000",
        "Epoch 3: loss did not improve from 0.50000",
        f"Epoch 4: loss improved from 0.50000 to 0.25000, saving model to {path}",
        f"Epoch 4: finished saving model to {path}",
    ]


def test_what_it_says_in_a_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(ModelCheckpoint(tmp_path / "{epoch}.keras", verbose=1))
    path = tmp_path / "1.keras"
    assert capsys.readouterr().out == f"Epoch 1: saving model to {path}\nEpoch 1: finished saving model to {path}\n"


def test_it_is_silent_by_default(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(ModelCheckpoint(tmp_path / "{epoch}.keras"), epochs=2)
    assert capsys.readouterr().out == ""


# Runs that failed, and processes that are not the chief


class Fail(epochal.Callback):
    """Says in the second epoch that the run has failed."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch == 1:
            self.stop_training("loss is nan", failed=True)


def test_a_run_that_failed_saves_nothing_more_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixed, numbered = ModelCheckpoint(tmp_path / "model.keras"), ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    fit(Fail(), fixed, numbered, epochs=5)
    assert names(tmp_path) == ["1.keras", "model.keras"]
    assert weight(tmp_path / "model.keras") == 1
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 2: the run has failed, so the model is not saved to {tmp_path / name}"
        for name in ("model.keras", "2.keras")
    ]


def test_a_run_that_failed_says_so_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class FailAtOnce(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert self.run is not None
            self.run.stop("loss is nan", failed=True)
            self.model.stop_training = False  # so that more batches come

    model = FakeModel({"w": 0})
    fit(FailAtOnce(), ModelCheckpoint(tmp_path / "{batch}.keras", save_freq=1), model=model, steps=4)
    assert names(tmp_path) == []
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_the_best_is_saved_also_in_a_run_that_failed(tmp_path: Path) -> None:
    fit(Fail(), ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", save_best_only=True), epochs=2)
    assert names(tmp_path) == ["1.keras", "2.keras"]


@pytest.mark.parametrize(("index", "saved"), [(0, ["2.keras"]), (1, ["1.keras"])])
def test_of_several_processes_the_chief_writes_and_removes(
    index: int, saved: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = {"cluster": {"worker": ["a:1", "b:1"]}, "task": {"type": "worker", "index": index}}
    (tmp_path / "1.keras").write_text("the chief's")
    monkeypatch.setenv("TF_CONFIG", json.dumps(workers))
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", 1, save_best_only=True, keep=1)
    other = copy.deepcopy(checkpoint)
    fit(checkpoint, epochs=2)
    assert names(tmp_path) == saved
    bare(other).on_train_begin()
    other.on_epoch_end(2, {"loss": 0.1})
    assert names(tmp_path) == (["2.keras", "3.keras"] if index == 0 else saved)
    assert (capsys.readouterr().out == "") is (index == 1)
    assert checkpoint.best == pytest.approx(0.5)  # each knows it


# Bad input


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


def test_every_fold_has_the_path_that_is_set_for_it(tmp_path: Path) -> None:
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


def test_parameters_that_do_not_suit_each_other_are_found_before_training(tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "a.keras")
    checkpoint.save_weights_only = True
    with pytest.raises((PreflightError, ValueError), match=r"has to end in '\.weights\.h5'"):
        bare(checkpoint).on_train_begin()
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


KNOWN = {"loss": "min", "kl_loss": "min"}


def modeled(**options: Any) -> Any:
    return FakeModel({"w": 0}, metrics=KNOWN, **options)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{epoch}-{los}", "names 'los', and the model does not report it. Did you mean 'loss'"),
        ("{epoch}-{val_loss:.3f}", "names 'val_loss', and this fit has no validation data. Pass validation_data or"),
        ("{batch}", "'batch', which has a value only when save_freq is a number of batches"),
        ("{loss:d}", "names 'loss', and its value does not take the format: Unknown format code 'd'"),
        ("{epoch:x>3.1d}", "names 'epoch', and its value does not take the format"),
    ],
)
def test_a_field_that_is_certain_to_fail_is_an_error_before_training(path: str, message: str, tmp_path: Path) -> None:
    model = modeled()
    with pytest.raises(PreflightError, match=message) as raised:
        fit(ModelCheckpoint(tmp_path / f"{path}.keras"), model=model)
    assert model.weights == {"w": 0}
    assert "kl_loss'?" not in str(raised.value)


def test_a_field_of_validation_is_an_error_also_if_the_models_keys_are_not_known(tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="names 'val_loss', and this fit has no validation data"):
        fit(ModelCheckpoint(tmp_path / "{val_loss}.keras"))


@pytest.mark.parametrize("save_freq", [1, 10**6])
def test_batches_have_no_values_of_validation(save_freq: int, tmp_path: Path) -> None:
    checkpoint = ModelCheckpoint(tmp_path / "{val_loss}-{batch}.keras", save_freq=save_freq)
    message = "names 'val_loss', and batches have no values of validation"
    if save_freq == 1:
        with pytest.raises(PreflightError, match=message):
            fit(checkpoint, model=modeled(), validation_steps=1)
    else:  # nothing is ever saved
        with pytest.warns(UserWarning, match=message):
            fit(checkpoint, model=modeled(), validation_steps=1)


def test_a_field_that_another_callback_may_give_is_a_warning_and_then_filled(tmp_path: Path) -> None:
    class Rate(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["val_rate"] = 0.5

    message = "names 'val_rate', and this fit has no validation data, unless rate adds it"
    with pytest.warns(UserWarning, match=message):
        fit(ModelCheckpoint(tmp_path / "{val_rate}.keras"), Rate(), model=modeled())
    assert names(tmp_path) == ["0.5.keras"]


def test_in_a_bare_fit_of_which_nothing_is_known_a_field_that_does_not_come_is_a_warning(tmp_path: Path) -> None:
    checkpoint = bare(ModelCheckpoint(tmp_path / "{epoch}-{val_los}.keras"), modeled())
    with pytest.warns(UserWarning, match="names 'val_los'.*Did you mean 'val_loss'"):
        checkpoint.on_train_begin()
    bare(ModelCheckpoint(tmp_path / "{epoch}-{batch}-{loss}.keras", save_freq=1), modeled()).on_train_begin()


def test_a_field_that_did_not_come_is_a_key_error_as_in_keras(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"names 'acc', which has no value\. There are: loss, epoch"):
        fit(ModelCheckpoint(tmp_path / "{acc}.keras"))
    assert names(tmp_path) == []


@pytest.mark.parametrize("in_run", [True, False])
def test_a_path_that_is_a_folder_is_found_before_training(in_run: bool, tmp_path: Path) -> None:
    (tmp_path / "model.keras").mkdir()
    checkpoint = ModelCheckpoint(tmp_path / "model.keras")
    with pytest.raises((PreflightError, OSError), match="specify a non-directory filepath for ModelCheckpoint"):
        fit(checkpoint) if in_run else bare(checkpoint).on_train_begin()


def test_a_path_with_fields_that_becomes_a_folder_is_an_error_when_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "1.keras").mkdir()
    with pytest.raises(OSError, match=r"Filepath used is an existing directory: .*1\.keras"):
        fit(ModelCheckpoint(tmp_path / "{epoch}.keras"))


def test_a_path_below_a_file_is_found_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PreflightError, match="file is no folder"):
        fit(ModelCheckpoint(tmp_path / "file" / "{epoch}" / "model.keras"))


def test_a_folder_that_allows_no_writing_is_said_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.warns(UserWarning, match=f"may not be able to write to .*: {tmp_path} allows no writing"):
        bare(ModelCheckpoint(tmp_path / "new" / "{epoch}.keras")).on_train_begin()


@pytest.mark.parametrize("path", ["gs://bucket/{epoch}.keras", "s3://bucket/model.keras"])
def test_an_address_is_handed_to_the_framework_as_it_is(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[Any] = []

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            monkeypatch.setattr(adapter, "save", saved.append)
            return adapter

    monkeypatch.chdir(tmp_path)
    fit(ModelCheckpoint(path), model=Model({"w": 0}))
    assert saved == [path.format(epoch=1)]
    assert names(tmp_path) == []


# A file is whole or not there


def failing_model(error: BaseException | None = None) -> tuple[FakeModel, Callable[[], None]]:
    """Give a model whose save writes half of the file and raises, once the function that comes with it was called."""
    broken = False

    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            save = adapter.save

            def half(path: Any) -> None:
                save(path)
                if broken:
                    Path(path).write_text(Path(path).read_text()[:3])
                    raise error or OSError(errno.ENOSPC, "No space left on device")

            adapter.save = half  # type: ignore[method-assign]
            return adapter

    def begin_to_fail() -> None:
        nonlocal broken
        broken = True

    return Model({"w": 0}), begin_to_fail


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
@pytest.mark.parametrize("best", [True, False])
def test_a_save_that_fails_leaves_the_file_of_before(best: bool, error: BaseException, tmp_path: Path) -> None:
    model, begin_to_fail = failing_model(error)
    checkpoint = ModelCheckpoint(tmp_path / "model.keras", "loss", save_best_only=best)
    fit(checkpoint, model=model, values=losses(1.0))
    begin_to_fail()
    with pytest.raises(type(error)):
        fit(checkpoint, model=model, values=losses(0.5))
    assert names(tmp_path) == ["model.keras"]
    assert weight(tmp_path / "model.keras") == 1
    assert checkpoint.best == (1.0 if best else None)  # what is in the file


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_is_an_error_that_says_what_and_where(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = fit(ModelCheckpoint(tmp_path / "model.keras"))

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, call, full)
    path = tmp_path / "model.keras"
    with pytest.raises(
        OSError, match=rf"ModelCheckpoint could not write {path}, and left what was there: No space left on device"
    ) as caught:
        fit(ModelCheckpoint(path), model=model)
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    assert (names(tmp_path), weight(path)) == (["model.keras"], 1)


def test_a_folder_that_cannot_be_synced_is_a_warning_as_the_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fsync = tmp_path / "model.keras", os.fsync
    path.write_text("old")

    def fail(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.warns(UserWarning, match=f"wrote {path}, but a power failure may still undo that: .*Input/output"):
        fit(ModelCheckpoint(path))
    assert weight(path) == 1


def test_a_full_disk_is_named_also_where_the_error_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, words = tmp_path / "model.h5", "Can't destroy cache (slist already enabled?)"  # h5py's, for the older format
    model, begin_to_fail = failing_model(RuntimeError(words))
    begin_to_fail()
    with pytest.raises(RuntimeError, match="Can't destroy cache"):  # there is room, so it is something else
        fit(ModelCheckpoint(path), model=model)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=0))
    with pytest.raises(OSError, match=f"could not write {path}, and left what was there: No space left") as caught:
        fit(ModelCheckpoint(path), model=model)
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value.__cause__) == words


def test_an_error_without_a_number_keeps_its_words(tmp_path: Path) -> None:
    model, begin_to_fail = failing_model(OSError("the words of h5py"))
    begin_to_fail()
    with pytest.raises(OSError, match=r"and left what was there: the words of h5py") as caught:
        fit(ModelCheckpoint(tmp_path / "model.keras"), model=model)
    assert caught.value.errno is None


def test_a_save_that_fails_is_not_counted_by_keep(tmp_path: Path) -> None:
    model, begin_to_fail = failing_model()
    checkpoint = ModelCheckpoint(tmp_path / "{epoch}.keras", keep=1)
    fit(checkpoint, model=model)
    begin_to_fail()
    with pytest.raises(OSError, match="No space left"):
        fit(checkpoint, model=model, epochs=2, initial_epoch=1)
    assert names(tmp_path) == ["1.keras"]
    assert checkpoint.written == [str(tmp_path / "1.keras")]


# State


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


def test_a_run_that_goes_on_in_the_middle_of_an_epoch_counts_on(tmp_path: Path) -> None:
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


def test_a_resumed_run_never_overwrites_a_better_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "best.keras"
    first = ModelCheckpoint(path, "loss", save_best_only=True)
    model = fit(first, epochs=2, values=losses(1.0, 0.5))
    second = ModelCheckpoint(path, "loss", save_best_only=True)
    second.load_state_dict(state_of(first))
    fit(second, model=model, initial_epoch=2, epochs=4, values=losses(0, 0, 0.9, 0.7))
    assert (second.best, weight(path)) == (0.5, 2)


def test_a_state_that_was_restored_for_a_training_without_epochs_is_of_no_later_one(tmp_path: Path) -> None:
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
    with pytest.raises(epochal.StateError, match=r"no state of ModelCheckpoint.* best, .*written"):
        checkpoint.load_state_dict({"wait": 3})
    assert checkpoint.best is None


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_before_and_after_a_fit(copied: Any, tmp_path: Path) -> None:
    checkpoint = copied(ModelCheckpoint(tmp_path / "{epoch}.keras", "loss", save_best_only=True, keep=1))
    fit(checkpoint)
    made = copied(checkpoint)
    fit(made, epochs=2, initial_epoch=1, values=losses(0.0, 0.1))
    assert (checkpoint.best, made.best) == (1.0, 0.1)
    assert (checkpoint.written, made.written) == ([str(tmp_path / "1.keras")], [str(tmp_path / "2.keras")])


def test_it_stands_behind_those_that_decide() -> None:
    assert (ModelCheckpoint.priority, ModelCheckpoint.critical) == (epochal.Priority.CHECKPOINT, True)
