# /// script
# dependencies = ["tqdm>=4.66"]
# ///
"""tqdm's TqdmCallback: its hooks are attributes of the object, replaced while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Way

NAME = "tqdm.keras:TqdmCallback"


@pytest.mark.parametrize("verbose", [1, 2])
def test_the_bars_count_epochs_and_batches(way: Way, model: Any, data: tuple[Any, Any], verbose: int) -> None:
    parameters = {"verbose": verbose, "ascii": True}
    history = way.fit(model, *data, epochs=3, batch_size=10, callback=NAME, parameters=parameters)
    theirs = history.run.callbacks["tqdm_callback"]
    assert (theirs.epoch_bar.n, theirs.epoch_bar.total) == (3, 3)
    assert f"loss={history.history['loss'][-1]:.3g}" in theirs.epoch_bar.postfix
    assert (theirs.batch_bar.n, theirs.batch_bar.total) == (4, 4)  # of the last epoch
    assert "loss=" in theirs.batch_bar.postfix


def test_the_bar_of_epochs_begins_where_a_continued_fit_does(named: Way, model: Any, data: tuple[Any, Any]) -> None:
    history = named.fit(model, *data, epochs=5, initial_epoch=3, callback=NAME, parameters={"verbose": 0})
    assert history.run.callbacks["tqdm_callback"].epoch_bar.n == 5


def test_evaluate_and_predict_show_no_bar_of_epochs(
    named: Way, model: Any, data: tuple[Any, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    named.call("evaluate", model, *data, callback=NAME, parameters={"verbose": 0})
    named.call("predict", model, data[0], callback=NAME, parameters={"verbose": 0})
    assert capsys.readouterr() == ("", "")
