"""History's views that need a package of their own."""

from __future__ import annotations

import math
from typing import Any

from epochal_history import History


def _history() -> History:
    history = History()
    history.on_epoch_end(0, {"loss": 3.0})
    history.on_epoch_end(1, {"loss": 2.0, "val_loss": 2.5, "accuracy": 0.5})
    history.on_epoch_end(2, {"loss": 1.0})
    return history


def test_the_frame_has_an_epoch_a_row_and_nan_where_nothing_came() -> None:
    frame = _history().to_frame()
    assert list(frame.index) == [0, 1, 2]
    assert list(frame.columns) == ["loss", "val_loss", "accuracy"]
    assert frame["loss"].tolist() == [3.0, 2.0, 1.0]
    assert math.isnan(frame["val_loss"][0])
    assert History().to_frame().empty


def _lines(axes: Any) -> dict[str, list[tuple[float, float]]]:
    return {line.get_label(): [tuple(point) for point in line.get_xydata()] for line in axes.get_lines()}


def test_the_plot_draws_each_metric_beside_its_validation() -> None:
    figure = _history().plot()
    loss, accuracy = figure.axes
    assert _lines(loss) == {"loss": [(1, 3.0), (2, 2.0), (3, 1.0)], "val_loss": [(2, 2.5)]}
    assert _lines(accuracy) == {"accuracy": [(2, 0.5)]}
    assert len(_history().plot(["loss"]).axes) == 1
    assert _history().plot([]).axes == []
