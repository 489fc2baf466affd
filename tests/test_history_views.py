"""History's views that need a package of their own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from epochal_history import History

if TYPE_CHECKING:
    from pathlib import Path


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


def test_the_plot_goes_into_axes_that_are_passed_and_gives_them_back() -> None:
    from matplotlib.figure import Figure

    single = Figure().subplots()
    assert _history().plot(ax=single) is single
    assert set(_lines(single)) == {"loss", "val_loss", "accuracy"}
    both = Figure().subplots(2)
    assert _history().plot(ax=both) is both
    assert [set(_lines(axes)) for axes in both] == [{"loss", "val_loss"}, {"accuracy"}]
    with pytest.raises(ValueError, match="ax has 2 Axes for 1 metrics"):
        _history().plot(["loss"], ax=both)


def test_what_is_not_a_number_is_not_drawn() -> None:
    history = History()
    history.on_epoch_end(0, {"loss": 3.0, "note": "warm", "confusion": [[1, 2], [3, 4]], "nan": math.nan})
    assert [axes.get_ylabel() for axes in history.plot().axes] == ["loss", "nan"]


def test_a_plot_in_a_script_opens_no_window_and_leaves_pyplot_alone(tmp_path: Path) -> None:
    import sys

    before = "matplotlib.pyplot" in sys.modules
    _history().plot().savefig(tmp_path / "metrics.png")
    assert (tmp_path / "metrics.png").read_bytes().startswith(b"\x89PNG")
    assert ("matplotlib.pyplot" in sys.modules) is before


_RECORD = """
from epochal_history import History
history = History()
history.on_epoch_end(0, {"loss": 3.0, "<i>": 1.0})
history.on_epoch_end(1, {"loss": 2.0})
"""
_CELLS = {
    "last line": "history.plot()",
    "middle": "figure = history.plot()\nprint(type(figure).__mro__[1].__name__)",
    "two": "history.plot(['loss'])\nhistory.plot(['<i>'])",
    "again": "figure",
    "history": "history",
    "inline": "%matplotlib inline\nhistory.plot()",
    "pyplot": "import matplotlib.pyplot as plt\nfig, axes = plt.subplots()\nhistory.plot(ax=axes)",
    "nothing": "1 + 1",
}


@pytest.mark.filterwarnings("ignore")  # those of the notebook's own machinery
def test_a_fresh_notebook_shows_each_plot_once() -> None:
    nbclient = pytest.importorskip("nbclient", reason="nbclient runs notebooks")
    nbformat = pytest.importorskip("nbformat", reason="nbformat writes notebooks")
    pytest.importorskip("ipykernel", reason="ipykernel is what a notebook runs in")
    cells = [nbformat.v4.new_code_cell(source) for source in (_RECORD, *_CELLS.values())]
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=600).execute()
    outputs = {name: cell.outputs for name, cell in zip(_CELLS, notebook.cells[1:], strict=True)}
    images = {name: sum("image/png" in output.get("data", {}) for output in of) for name, of in outputs.items()}
    assert images == {
        "last line": 1,
        "middle": 1,
        "two": 2,
        "again": 1,
        "history": 0,
        "inline": 1,
        "pyplot": 1,
        "nothing": 0,
    }
    assert outputs["middle"][0]["text"] == "Figure\n"
    (shown,) = outputs["history"]
    assert "<table>" in shown["data"]["text/html"]
    assert "&lt;i&gt;" in shown["data"]["text/html"]
    assert "<i>" not in shown["data"]["text/html"]
    assert shown["data"]["text/plain"] == "<History: 2 epochs, best loss 2.0000 in epoch 2>"
