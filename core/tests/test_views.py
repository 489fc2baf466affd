"""How a run and its order show themselves, and the order in which metrics are read."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import epochal
from epochal.callback import Place
from epochal.testing import FakeHost
from epochal.views import Order, View, reading_order


class Stopper(epochal.Callback):
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.stop_training("<b>enough</b>")


def shown(thing: Any, columns: int = 100) -> list[str]:
    from rich.console import Console

    with open(os.devnull, "w") as nowhere:
        console = Console(width=columns, file=nowhere, record=True)
        console.print(thing)
    return [line.strip() for line in console.export_text().splitlines() if line.strip()]


def test_a_run_shows_what_it_is_and_how_it_ended() -> None:
    run = FakeHost(Stopper()).fit(3, 2, verbose=0)
    assert repr(run) == f"<Run {run.id[:8]} (train): stopped>"
    lines = shown(run)
    assert lines[0] == f"Run {run.id[:8]} (train)"
    assert [line.split()[0] for line in lines[1:]] == ["outcome", "epoch", "steps", "callbacks"]
    assert lines[1].endswith("stopped: stopper: <b>enough</b>")
    assert lines[2].endswith("1 of 3")
    html = run._repr_html_()
    assert "&lt;b&gt;enough&lt;/b&gt;" in html
    assert "<b>" not in html


def test_a_run_that_lasts_and_one_that_was_never_driven_show_themselves_too() -> None:
    seen: list[str] = []

    class Watcher(epochal.Callback):
        def on_run_begin(self) -> None:
            assert self.run is not None
            seen.append(repr(self.run))
            seen.extend(shown(self.run))

    FakeHost(Watcher()).fit(1, 1, verbose=0)
    assert seen[0].endswith("(train): running>")
    assert any(line.endswith("runs") for line in seen)
    assert epochal.Run(None, "train")._repr_html_()


def test_the_order_of_a_run_is_a_list_that_shows_itself_as_a_table() -> None:
    order = FakeHost(Stopper()).fit(1, 1, verbose=0).order
    assert isinstance(order, list)
    assert order == list(order)
    lines = shown(order)
    assert lines[0] == "The order of the callbacks"
    assert [line.split()[1] for line in lines[3:]] == [place.name for place in order]
    assert "&lt;b&gt;" in Order([Place("<b>", "[red]why[/]")])._repr_html_()
    assert "[red]why[/]" in " ".join(shown(Order([Place("x", "[red]why[/]")])))
    assert shown(Order())[0] == "The order of the callbacks"


@given(st.text(), st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_no_text_of_others_gets_into_the_html_as_html(title: str, rows: list[list[str]]) -> None:
    html = View(title, (), rows).html()
    assert html.count("<") == html.count(">") == 8 + 6 * len(rows)


def test_reading_order_keeps_the_order_of_equals() -> None:
    names = ["accuracy", "val_zeta", "loss", "val_alpha", "out_loss", "val_loss", "lr"]
    assert reading_order(names) == ["loss", "accuracy", "out_loss", "lr", "val_loss", "val_zeta", "val_alpha"]
    assert reading_order([]) == []
