"""OrbaxCheckpoint in whole runs."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from epochal import Callback, Priority, RunError
from epochal.errors import PreflightError
from epochal.frameworks import ModelAdapter
from epochal.state import dump_state, parse_state
from epochal.testing import BareHost, FakeHost, FakeModel
from epochal_orbax_checkpoint import OrbaxCheckpoint

if TYPE_CHECKING:
    from pathlib import Path


def _numbers(folder: Path) -> list[int]:
    return sorted(int(name) for name in os.listdir(folder) if name.isdigit())


def _load(folder: Path, number: int) -> Any:
    from orbax.checkpoint import v1

    return v1.load_checkpointables(folder / str(number))


def _weight(folder: Path, number: int) -> float:
    return float(_load(folder, number)["pytree"]["weights"]["weight"])


def _bare(checkpoint: OrbaxCheckpoint, model: FakeModel) -> OrbaxCheckpoint:
    """Set the callback's model as Keras does in a bare fit, and return the callback."""
    checkpoint.set_model(model)
    return checkpoint


class Trained:
    """A model whose weight tells how many batches it was trained for."""

    def __init__(self) -> None:
        self.model = FakeModel({"weight": 0.0}, metrics={"loss": "min"})

    def step(self, epoch: int, batch: int) -> None:
        self.model.iterations += 1
        self.model.weights["weight"] += 1.0


@pytest.fixture
def trained() -> Trained:
    return Trained()


def test_importing_it_imports_neither_orbax_nor_jax_nor_numpy() -> None:
    code = (
        "import sys, epochal_orbax_checkpoint as package; package.OrbaxCheckpoint('x');"
        "print([name for name in ('orbax', 'jax', 'numpy', 'tensorflow', 'keras') if name in sys.modules])"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_it_saves_every_epoch_under_the_epochs_number(tmp_path: Path, trained: Trained) -> None:
    checkpoint = OrbaxCheckpoint(tmp_path, max_to_keep=None)
    FakeHost(checkpoint, model=trained.model).fit(epochs=3, steps=2, step=trained.step)
    assert {number: _weight(tmp_path, number) for number in _numbers(tmp_path)} == {0: 2.0, 1: 4.0, 2: 6.0}


def test_it_keeps_one_unless_asked_for_more(tmp_path: Path, trained: Trained) -> None:
    FakeHost(OrbaxCheckpoint(tmp_path), model=trained.model).fit(epochs=3)
    assert _numbers(tmp_path) == [2]


def test_batches_are_numbered_by_the_optimizers_steps(tmp_path: Path, trained: Trained) -> None:
    checkpoint = OrbaxCheckpoint(tmp_path, save_freq=4, max_to_keep=None)
    FakeHost(checkpoint, model=trained.model).fit(epochs=3, steps=3, step=trained.step)
    assert {number: _weight(tmp_path, number) for number in _numbers(tmp_path)} == {4: 4.0, 8: 8.0}


def test_a_model_without_an_optimizer_has_its_batches_numbered_one_by_one(tmp_path: Path) -> None:
    checkpoint = OrbaxCheckpoint(tmp_path, save_freq=2, max_to_keep=None)
    FakeHost(checkpoint, model=FakeModel({"weight": 0.0}, learning_rate=None)).fit(epochs=2, steps=3)
    assert _numbers(tmp_path) == [0, 1, 2]


@pytest.mark.parametrize("save_freq", ["epoch", 2])
def test_a_second_fit_goes_on_behind_the_first(tmp_path: Path, trained: Trained, save_freq: Any) -> None:
    checkpoint = OrbaxCheckpoint(tmp_path, save_freq=save_freq, max_to_keep=None)
    for _ in range(2):
        FakeHost(checkpoint, model=trained.model).fit(epochs=2, steps=2, step=trained.step)
    assert _numbers(tmp_path) == ([0, 1, 2, 3] if save_freq == "epoch" else [2, 4, 6, 8])
    assert _weight(tmp_path, _numbers(tmp_path)[-1]) == 8.0


def test_another_training_in_the_same_folder_has_the_latest_checkpoint(tmp_path: Path, trained: Trained) -> None:
    FakeHost(OrbaxCheckpoint(tmp_path), model=trained.model).fit(epochs=5, step=trained.step)
    other = FakeModel({"weight": 0.5})
    FakeHost(OrbaxCheckpoint(tmp_path), model=other).fit(epochs=1)
    assert {number: _weight(tmp_path, number) for number in _numbers(tmp_path)} == {5: 0.5}


def test_only_the_best_is_saved(tmp_path: Path, trained: Trained) -> None:
    checkpoint = OrbaxCheckpoint(tmp_path, monitor="loss", save_best_only=True, max_to_keep=None)
    losses = [float("nan"), 0.5, 0.7, 0.4, 0.4]
    host = FakeHost(checkpoint, model=trained.model)
    host.fit(epochs=5, steps=1, step=trained.step, values=lambda epoch, batch: {"loss": losses[epoch]})
    assert _numbers(tmp_path) == [1, 3]
    assert checkpoint.best == 0.4


def test_only_the_best_is_saved_at_batches_too(tmp_path: Path, trained: Trained) -> None:
    losses = iter([0.9, 0.8, 1.0, 0.7])
    checkpoint = OrbaxCheckpoint(tmp_path, monitor="loss", save_best_only=True, save_freq=1, max_to_keep=None)
    host = FakeHost(checkpoint, model=trained.model)
    host.fit(epochs=2, steps=2, step=trained.step, values=lambda epoch, batch: {"loss": next(losses)})
    assert _numbers(tmp_path) == [1, 2, 4]


def test_a_failed_run_saves_nothing_more(tmp_path: Path, trained: Trained) -> None:
    class Failing(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                self.stop_training("the loss is NaN", failed=True)

    host = FakeHost(Failing(), OrbaxCheckpoint(tmp_path), model=trained.model)
    assert host.fit(epochs=3, steps=1, step=trained.step).outcome.status == "failed"  # type: ignore[union-attr]
    assert {number: _weight(tmp_path, number) for number in _numbers(tmp_path)} == {0: 1.0}


def test_the_weights_alone(tmp_path: Path) -> None:
    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            tree = {"trainable_variables": {"a": 1.5}, "optimizer_variables": {"b": 2}, "metrics_variables": {}}
            adapter.state_tree = lambda: tree  # type: ignore[method-assign]
            return adapter

    FakeHost(OrbaxCheckpoint(tmp_path / "all"), model=Model()).fit()
    FakeHost(OrbaxCheckpoint(tmp_path / "weights", save_weights_only=True), model=Model()).fit()
    assert set(_load(tmp_path / "all", 0)) == {"pytree", "model_config"}
    assert set(_load(tmp_path / "all", 0)["pytree"]) == {
        "trainable_variables",
        "optimizer_variables",
        "metrics_variables",
    }
    assert _load(tmp_path / "weights", 0) == {"pytree": {"trainable_variables": {"a": 1.5}}}


def test_assets_are_saved(tmp_path: Path) -> None:
    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)
            adapter.assets = lambda: {"layers": {"words.txt": np.frombuffer(b"cat", np.uint8)}}  # type: ignore[method-assign]
            return adapter

    FakeHost(OrbaxCheckpoint(tmp_path), model=Model({"weight": 1.0})).fit()
    assert _load(tmp_path, 0)["assets"]["layers"]["words.txt"].tobytes() == b"cat"


def test_in_the_foreground_a_checkpoint_is_there_when_the_epoch_has_ended(tmp_path: Path) -> None:
    seen = []

    class Look(Callback):
        priority = Priority.REPORT

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            seen.append(_numbers(tmp_path))

    FakeHost(OrbaxCheckpoint(tmp_path, save_on_background=False), Look(), model=FakeModel({"weight": 1.0})).fit(
        epochs=2
    )
    assert seen == [[0], [1]]


def test_waiting_until_it_is_finished(tmp_path: Path) -> None:
    seen = []
    checkpoint = OrbaxCheckpoint(tmp_path)

    class Look(Callback):
        priority = Priority.REPORT

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            checkpoint.wait_until_finished()
            seen.append(_numbers(tmp_path))

    checkpoint.wait_until_finished()  # nothing to wait for
    FakeHost(checkpoint, Look(), model=FakeModel({"weight": 1.0})).fit(epochs=2)
    checkpoint.wait_until_finished()
    assert seen == [[0], [1]]


@pytest.mark.parametrize("error", [ValueError("bad data"), KeyboardInterrupt()])
def test_after_an_error_the_last_checkpoint_is_waited_for(tmp_path: Path, error: BaseException) -> None:
    def step(epoch: int, batch: int) -> None:
        if epoch == 1:
            raise error

    with pytest.raises(type(error)):
        FakeHost(OrbaxCheckpoint(tmp_path), model=FakeModel({"weight": 1.0})).fit(epochs=3, step=step)
    assert os.listdir(tmp_path) == ["0"]


def test_the_same_object_works_after_an_error(tmp_path: Path, trained: Trained) -> None:
    def fail(epoch: int, batch: int) -> None:
        raise ValueError("bad data")

    host = FakeHost(OrbaxCheckpoint(tmp_path), model=trained.model)
    with pytest.raises(ValueError, match="bad data"):
        host.fit(step=fail)
    host.fit(step=trained.step)
    assert _weight(tmp_path, 0) == 3.0


def test_an_error_in_the_background_is_raised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Response:
        def result(self) -> None:
            raise OSError(28, "No space left on device")

    checkpoint = OrbaxCheckpoint(tmp_path)

    class Break(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            orbax: Any = checkpoint._folder._checkpointer  # type: ignore[union-attr]
            monkeypatch.setattr(orbax, "save_checkpointables_async", lambda *given, **named: Response())

    with pytest.raises(RunError, match=r"checkpoint 0 could not be written to .* No space left on device"):
        FakeHost(checkpoint, Break(), model=FakeModel({"weight": 1.0})).fit()
    assert checkpoint._folder is None


def test_what_a_bare_fit_left_behind_is_said_at_the_next(tmp_path: Path) -> None:
    checkpoint = _bare(OrbaxCheckpoint(tmp_path), FakeModel({"weight": 1.0}))
    checkpoint.on_train_begin()

    class Folder:
        def close(self) -> None:
            raise RunError("checkpoint 3 could not be written")

    checkpoint._folder = Folder()  # type: ignore[assignment]
    with pytest.warns(UserWarning, match="in the fit before this one: checkpoint 3 could not be written"):
        checkpoint.on_train_begin()
    checkpoint.on_train_end()


def test_two_in_one_folder_train_with_a_warning(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="both write to"):
        FakeHost(OrbaxCheckpoint(tmp_path), OrbaxCheckpoint(tmp_path, save_freq=1)).fit()


def test_evaluation_and_prediction_open_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    host = FakeHost(OrbaxCheckpoint(folder))
    host.evaluate()
    host.predict()
    assert not folder.exists()


def test_a_model_whose_state_nobody_knows_is_an_error_before_training(tmp_path: Path) -> None:
    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            return ModelAdapter(self, optimizer)

    def step(epoch: int, batch: int) -> None:
        raise AssertionError("it trains")

    with pytest.raises(PreflightError, match="the state of the model is not known"):
        FakeHost(OrbaxCheckpoint(tmp_path), model=Model()).fit(step=step)
    FakeHost(OrbaxCheckpoint(tmp_path), model=Model()).predict()
    with pytest.raises(RunError, match="the state of the model is not known"):
        BareHost(OrbaxCheckpoint(tmp_path), model=Model()).fit()


def test_a_model_that_cannot_be_described_is_an_error_that_names_the_way_out(tmp_path: Path) -> None:
    class Model(FakeModel):
        def __epochal_adapter__(self, optimizer: Any) -> Any:
            adapter = super().__epochal_adapter__(optimizer)

            def config() -> str:
                raise NotImplementedError("MyLayer has no get_config")

            adapter.config = config  # type: ignore[method-assign]
            return adapter

    with pytest.raises(
        PreflightError, match=r"MyLayer has no get_config. With save_weights_only=True only the weights"
    ):
        FakeHost(OrbaxCheckpoint(tmp_path), model=Model({"weight": 1.0})).fit()
    FakeHost(OrbaxCheckpoint(tmp_path, save_weights_only=True), model=Model({"weight": 1.0})).fit()
    assert _numbers(tmp_path) == [0]


def test_only_the_chief_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    checkpoint = OrbaxCheckpoint(tmp_path / "x", monitor="loss", save_best_only=True, verbose=1)
    FakeHost(checkpoint, model=FakeModel({"weight": 1.0})).fit(values=lambda epoch, batch: {"loss": 0.5})
    assert not (tmp_path / "x").exists()
    assert checkpoint.best == 0.5
    assert capsys.readouterr().out == ""


def test_it_says_what_it_saves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = FakeModel({"weight": 1.0})
    FakeHost(OrbaxCheckpoint(tmp_path, verbose=1), model=model).fit()
    FakeHost(OrbaxCheckpoint(tmp_path, verbose=1, save_on_background=False), model=model).fit()
    assert capsys.readouterr().out.splitlines() == [
        f"Epoch 1: saving model to {tmp_path}/0",
        f"Epoch 1: saving model to {tmp_path}/1",
        f"Epoch 1: finished saving model to {tmp_path}/1",
    ]


def test_a_relative_folder_counts_from_where_it_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint = OrbaxCheckpoint("checkpoints")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    FakeHost(checkpoint, model=FakeModel({"weight": 1.0})).fit()
    assert checkpoint.directory == str(tmp_path / "checkpoints")
    assert _numbers(tmp_path / "checkpoints") == [0]


def test_an_address_is_left_as_it_is() -> None:
    assert OrbaxCheckpoint("gs://bucket/checkpoints").directory == "gs://bucket/checkpoints"


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_before_within_and_after_a_fit(tmp_path: Path, copied: Any, trained: Trained) -> None:
    within: list[OrbaxCheckpoint] = []

    class Copy(Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            within.append(copied(checkpoint))

    checkpoint = copied(OrbaxCheckpoint(tmp_path, max_to_keep=None))
    FakeHost(checkpoint, Copy(), model=trained.model).fit(step=trained.step)
    for each in (within[0], copied(checkpoint)):
        FakeHost(each, model=trained.model).fit(step=trained.step)
    assert _numbers(tmp_path) == [0, 1, 2]


def test_it_goes_on_where_it_was_after_a_restart(tmp_path: Path) -> None:
    losses = [0.5, 0.7, 0.6, 0.4]
    parameters: dict[str, Any] = {"monitor": "loss", "save_best_only": True, "max_to_keep": None}

    def fit(name: str, state: bytes | None, **arguments: Any) -> bytes:
        checkpoint = OrbaxCheckpoint(tmp_path / name, **parameters)
        if state is not None:
            checkpoint.load_state_dict(parse_state(state))
        host = FakeHost(checkpoint, model=FakeModel({"weight": 1.0}))
        host.fit(values=lambda epoch, batch: {"loss": losses[epoch]}, **arguments)
        return dump_state(checkpoint.state_dict())

    whole = fit("whole", None, epochs=4)
    resumed = fit("resumed", fit("resumed", None, epochs=2), epochs=4, initial_epoch=2)
    assert resumed == whole
    assert _numbers(tmp_path / "resumed") == _numbers(tmp_path / "whole") == [0, 3]


@pytest.mark.parametrize(
    ("parameter", "value", "error"),
    [
        ("directory", "", ValueError),
        ("directory", 5, TypeError),
        ("max_to_keep", 0, ValueError),
        ("max_to_keep", -1, ValueError),
        ("max_to_keep", 1.5, ValueError),
        ("save_on_background", np.ones(2), TypeError),
        ("monitor", [3], TypeError),
    ],
)
def test_a_wrong_parameter_is_an_error(parameter: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"OrbaxCheckpoint: {parameter}"):
        OrbaxCheckpoint(**{"directory": "checkpoints", parameter: value})
