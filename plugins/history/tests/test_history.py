"""History, driven by a host without a framework."""

from __future__ import annotations

import copy
import os
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
    with pytest.raises(KeyError, match="no metric 'accuracy'"):
        history.plot("accuracy")


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


@pytest.mark.parametrize(
    "change",
    [
        *({"history": None}, {"history": {"loss": 1.0}}, {"epoch": [-1]}, {"epoch": ["0"]}, {"_rows": {}}),
        *({"_rows": [1]}, {"epoch": [0]}, {"history": {"loss": [1.0]}}, {"history": {}, "_rows": []}),
    ],
)
def test_a_state_that_does_not_fit_is_an_error_and_changes_nothing(change: dict[str, Any]) -> None:
    history = History()
    FakeHost(history).fit(epochs=2, values=lambda epoch, _: {"loss": 1.0 - epoch / 4})
    state = history.state_dict()
    with pytest.raises(epochal.StateError, match=r"^this is not a state of History: "):
        history.load_state_dict(state | change)
    assert history.state_dict() == state


def _shown(history: Any, columns: int = 80) -> list[str]:
    from rich.console import Console

    with open(os.devnull, "w") as nowhere:
        console = Console(width=columns, file=nowhere, record=True)
        console.print(history)
    return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def test_it_shows_itself_as_a_table_in_reading_order() -> None:
    history = History()
    history.on_epoch_end(0, {"accuracy": 0.5, "loss": 3.0})
    history.on_epoch_end(1, {"accuracy": 0.75, "loss": float("nan"), "val_accuracy": 0.5, "val_loss": 1e-7})
    title = "2 epochs, best val_loss 1.00e-07 in epoch 2"
    assert repr(history) == f"<History: {title}>"
    shown = _shown(history)
    assert shown[0] == title
    assert shown[1].split() == ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert shown[3].split() == ["1", "3.0000", "0.5000"]
    assert shown[4].split() == ["2", "nan", "0.7500", "1.00e-07", "0.5000"]


def test_what_users_wrote_is_escaped_in_html_and_is_no_markup() -> None:
    history = History()
    history.on_epoch_end(0, {"<b>": 1.0, "[red]x[/]": "<script>", "array": Shaped()})
    html = history._repr_html_()
    assert "&lt;b&gt;" in html
    assert "&lt;script&gt;" in html
    assert "<b>" not in html
    assert "<script>" not in html
    assert "[red]x[/]" in " ".join(_shown(history))
    assert "array(2, 2)" in " ".join(_shown(history))


class Shaped:
    shape = (2, 2)


def test_an_empty_history_and_a_long_one() -> None:
    history = History()
    assert repr(history) == "<History: 0 epochs>"
    assert "0 epochs" in history._repr_html_()
    assert _shown(history)[0] == "0 epochs"
    for epoch in range(1000):
        history.on_epoch_end(epoch, {"loss": float("nan")})
    assert len(_shown(history)) < 30
    assert history._repr_html_().count("<tr>") == 22


def test_it_says_how_a_run_ended_that_did_not_complete() -> None:
    class Stopper(epochal.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.stop_training("it is good enough")

    run = FakeHost(History(), Stopper()).fit(3, 2, verbose=0, values=lambda *_: {"loss": 0.5})
    assert repr(run.history) == "<History: 1 epoch, best loss 0.5000 in epoch 1; stopped: stopper: it is good enough>"
