# /// script
# dependencies = ["livelossplot>=0.5.6", "matplotlib>=3.8"]
# ///
"""livelossplot's PlotLossesKeras: its `on_epoch_end(self, epoch, logs)` has no default, and it copies its logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pytest

if TYPE_CHECKING:
    from .conftest import Way

NAME = "livelossplot:PlotLossesKeras"

mpl.use("agg")


def test_the_metrics_of_every_epoch_are_kept_and_plotted(
    way: Way, model: Any, data: tuple[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = {"outputs": ["ExtremaPrinter"]}
    history = way.fit(model, *data, validation_split=0.25, epochs=3, callback=NAME, parameters=parameters)
    (theirs,) = (each for name, each in history.run.callbacks.items() if name.startswith("plot_losses"))
    kept = theirs.liveplot.logger.log_history
    assert set(kept) == set(history.history)
    for metric, values in history.history.items():
        assert [item.step for item in kept[metric]] == [0, 1, 2]
        assert [item.value for item in kept[metric]] == pytest.approx(values)
    assert f"cur: {history.history['loss'][-1]:8.3f}" in capsys.readouterr().out


def test_evaluate_and_predict_plot_nothing(
    named: Way, model: Any, data: tuple[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    parameters = {"outputs": ["ExtremaPrinter"]}
    named.call("evaluate", model, *data, callback=NAME, parameters=parameters)
    named.call("predict", model, data[0], callback=NAME, parameters=parameters)
    assert capsys.readouterr().out == ""
