"""MyCallback, driven by a host without a framework."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal.testing import FakeHost, conformance

from epochal_my_callback import MyCallback

if TYPE_CHECKING:
    import pytest

test_conformance = conformance("my_callback")  # what is asked of every callback


def _losses(*values: float) -> Any:
    return lambda epoch, batch: {"loss": values[epoch]}


def test_every_epoch_is_printed_with_the_lowest_value_so_far(capsys: pytest.CaptureFixture[str]) -> None:
    FakeHost(MyCallback()).fit(epochs=3, values=_losses(2.0, 1.0, 1.5))
    assert capsys.readouterr().out.splitlines() == [
        "epoch 1: loss 2, lowest 2",
        "epoch 2: loss 1, lowest 1",
        "epoch 3: loss 1.5, lowest 1",
    ]


def test_an_epoch_without_the_metric_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    callback = MyCallback("val_loss")
    callback.on_epoch_end(0, {"loss": 1.0})
    assert "there is no val_loss in the logs" in capsys.readouterr().out


def test_a_second_fit_begins_anew() -> None:
    callback = MyCallback()
    FakeHost(callback).fit(values=_losses(1.0))
    FakeHost(callback).fit(values=_losses(3.0))
    assert callback.lowest == 3.0


def test_after_a_restart_the_lowest_value_is_known() -> None:
    before, after = MyCallback(), MyCallback()
    FakeHost(before).fit(values=_losses(1.0))
    after.load_state_dict(before.state_dict())
    FakeHost(after).fit(values=_losses(3.0))
    assert after.lowest == 1.0
