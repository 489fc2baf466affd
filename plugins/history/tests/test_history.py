"""History, driven by a host without a framework."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal.testing import FakeHost
from epochal_history import History

_LOGS = st.dictionaries(st.sampled_from(["loss", "accuracy", "val_loss", "lr"]), st.floats(allow_nan=False), max_size=4)


@given(st.lists(st.tuples(_LOGS, _LOGS), max_size=6))
def test_history_holds_exactly_what_was_final_in_every_epoch(
    epochs: list[tuple[dict[str, float], dict[str, float]]],
) -> None:
    history = History()
    for epoch, (early, late) in enumerate(epochs):
        history.on_epoch_end(epoch, early)
        history.on_epoch_finalized({**early, **late})
    final = [{**early, **late} for early, late in epochs]
    assert history.epoch == list(range(len(epochs)))
    assert history.history == {
        key: [logs[key] for logs in final if key in logs] for key in dict.fromkeys(k for logs in final for k in logs)
    }
    assert [{k: v for k, v in row.items() if k != "epoch" and v is not None} for row in history.to_rows()] == final


def test_it_is_complete_and_still_readable_by_those_that_come_after_it() -> None:
    class Late(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            assert logs is not None
            assert len(history.history["loss"]) == epoch + 1
            logs["learning_rate"] = 0.1 * epoch
            logs["loss"] = -1.0

    history = History()
    FakeHost(history, Late()).fit(epochs=2)
    assert history.history == {"loss": [-1.0, -1.0], "learning_rate": [0.0, 0.1]}


def test_a_second_fit_keeps_epoch_and_history_in_step() -> None:
    history = History()
    host = FakeHost(history)
    host.fit(epochs=2)
    host.fit(epochs=2)
    assert history.epoch == [0, 1, 0, 1]
    assert len(history.history["loss"]) == 4


def test_metrics_of_every_second_epoch_stay_alignable() -> None:
    history = History()
    history.on_epoch_end(0, {"loss": 3.0})
    history.on_epoch_end(1, {"loss": 2.0, "val_loss": 2.5})
    assert history.to_rows() == [
        {"epoch": 0, "loss": 3.0, "val_loss": None},
        {"epoch": 1, "loss": 2.0, "val_loss": 2.5},
    ]


def test_it_keeps_what_there_was_when_training_fails() -> None:
    class Breaker(epochal.Callback):
        def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            if epoch == 2:
                raise ArithmeticError

    history = History()
    with pytest.raises(ArithmeticError):
        FakeHost(history, Breaker()).fit(epochs=5)
    assert history.epoch == [0, 1]
    assert history.run is not None
    assert history.run.outcome is not None
    assert history.run.outcome.status == "failed"


@pytest.mark.parametrize("copied", [copy.deepcopy, copy.copy, lambda each: pickle.loads(pickle.dumps(each))])
def test_it_copies_and_pickles_without_its_run(copied: Any) -> None:
    history = History()
    FakeHost(history).fit(epochs=2)
    made = copied(history)
    assert made.history == history.history
    assert made.run is None


@pytest.mark.parametrize(
    ("method", "package", "extra"), [("to_frame", "pandas", "frame"), ("plot", "matplotlib", "plot")]
)
def test_a_missing_package_is_named_with_the_command_that_brings_it(
    method: str, package: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.figure", None)
    with pytest.raises(epochal.MissingDependencyError, match=rf"pip install 'epochal-history\[{extra}\]'"):
        getattr(History(), method)()


def test_a_metric_that_was_never_recorded_cannot_be_plotted() -> None:
    history = History()
    history.on_epoch_end(0, {"loss": 3.0, "val_loss": 2.0})
    with pytest.raises(KeyError, match="there are: loss"):
        history.plot(["accuracy"])


def test_a_run_that_goes_on_with_its_state_has_the_history_of_one_that_was_never_stopped() -> None:
    def values(epoch: int, batch: int) -> dict[str, Any]:
        return {"loss": 1 / (epoch + 1), **({"rare": float(epoch)} if epoch % 2 else {})}

    whole, first, second = History(), History(), History()
    FakeHost(whole).fit(epochs=5, values=values)
    FakeHost(first).fit(epochs=2, values=values)
    second.load_state_dict(parse_state(dump_state(first.state_dict())))
    FakeHost(second).fit(epochs=5, initial_epoch=2, values=values)
    assert (second.history, second.epoch) == (whole.history, whole.epoch)
    assert second.to_rows() == whole.to_rows()
    assert first.epoch == [0, 1]
