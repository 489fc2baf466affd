"""The table of a fit: what stands where, whatever the metrics are called and however wide the terminal is."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from epochal.views import number
from epochal_progbar_logger.layout import Row, plain
from epochal_progbar_logger.table import Entry, Table

names = st.text(st.characters(categories=["L", "N", "Pc"]), min_size=1, max_size=50)
values = st.floats().map(number)
epochs = st.lists(st.dictionaries(names, values, max_size=8), min_size=1, max_size=4)
FOUR = (("loss", "0.5000"), ("accuracy", "0.2500"), ("val_loss", "0.7500"), ("val_accuracy", "0.1250"))


def entry(number: int, metrics: tuple[tuple[str, str], ...], note: str = "") -> Entry:
    return Entry(f"{number:>2}/10", metrics, "100/100", "0:04", "35.2 ms", note)


def texts(rows: list[Row] | None) -> list[str]:
    assert rows is not None
    return [plain(row) for row in rows]


@settings(max_examples=50)
@given(epochs, st.integers(10, 250) | st.none())
def test_no_row_is_wider_than_the_terminal_and_none_ends_with_a_space(
    epochs: list[dict[str, str]], columns: int | None
) -> None:
    table = Table()
    for count, metrics in enumerate(epochs):
        rows = texts(table.write(entry(count, tuple(metrics.items()), "first step 2.31 s"), columns))
        assert columns is None or all(cell_len(row) <= columns for row in rows)
        assert all(row == row.rstrip() for row in rows)
        assert all(value in "".join(rows) for value in metrics.values()) or columns in range(20)


@pytest.mark.parametrize("columns", [118, 58, 38, None])
def test_values_stand_below_each_other_from_epoch_to_epoch(columns: int | None) -> None:
    table = Table()
    first = texts(table.write(entry(1, FOUR), columns))
    second = texts(table.write(entry(2, tuple((name, "9.99e-08") for name, _ in FOUR)), columns))
    header = first[: len(first) - len(second)]
    assert (header == []) is (columns in (38, None))
    for before, after in zip(first[len(header) :], second, strict=True):
        places = [match.span() for match in re.finditer("9.99e-08", after)]
        assert all(re.fullmatch(r" *0\.\d{4} *", before[start:end]) for start, end in places)
        assert len(places) == len(re.findall(r"0\.\d{4}", before))


def test_wide_and_at_60_columns() -> None:
    assert texts(Table().write(entry(1, FOUR), 118)) == [
        "epoch      loss  accuracy  val_loss  val_accuracy  time  per step",
        " 1/10    0.5000    0.2500    0.7500        0.1250  0:04   35.2 ms",
    ]
    assert texts(Table().write(entry(1, FOUR), 58)) == [
        "epoch      loss  accuracy  val_loss  val_accuracy  time",
        " 1/10    0.5000    0.2500    0.7500        0.1250  0:04",
    ]


def test_a_header_is_broken_behind_underscores_before_gaps_shrink() -> None:
    metrics = (*FOUR, ("learning_rate", "1.00e-03"))
    assert texts(Table().write(entry(1, metrics), 64)) == [
        "                           learning_                val_",
        "epoch      loss  accuracy       rate  val_loss  accuracy  time",
        " 1/10    0.5000    0.2500   1.00e-03    0.7500    0.1250  0:04",
    ]
    assert texts(Table().write(entry(1, metrics), 58))[1:] == [
        "epoch     loss accuracy      rate val_loss accuracy time",
        " 1/10   0.5000   0.2500  1.00e-03   0.7500   0.1250 0:04",
    ]


def test_without_an_edge_a_metric_that_an_epoch_does_not_have_leaves_its_place_empty() -> None:
    table = Table()
    lines = [texts(table.write(entry(1, FOUR[:2] if number % 2 else FOUR), None))[0] for number in range(1, 4)]
    assert lines == [
        " ".join(("Epoch  1/10  100/100  0:04  35.2 ms/step ", "loss 0.5000    accuracy 0.2500")),
        " ".join(("Epoch  1/10  100/100  0:04  35.2 ms/step ", "loss 0.5000    accuracy 0.2500    val_loss 0.7500   "))
        + " val_accuracy 0.1250",
        " ".join(("Epoch  1/10  100/100  0:04  35.2 ms/step ", "loss 0.5000    accuracy 0.2500")),
    ]
    late = texts(table.write(entry(1, (FOUR[0], FOUR[3])), None))[0]
    assert late == lines[1].replace("accuracy 0.2500", " " * 15, 1).replace("val_loss 0.7500", " " * 15)


def test_the_note_of_the_first_epoch_stands_beside_its_row_or_below_it() -> None:
    note = "first step 2.31 s"
    assert texts(Table().write(entry(1, FOUR, note), 118))[-1].endswith("35.2 ms  first step 2.31 s")
    assert texts(Table().write(entry(1, FOUR, note), 58))[-1] == "  first step 2.31 s"
    assert texts(Table().write(entry(1, FOUR, note), None))[0].endswith("  first step 2.31 s")


def test_a_preview_does_not_count_as_written() -> None:
    table = Table()
    assert len(texts(table.preview(Entry(" 1/10", FOUR[:2]), 118))) == 2
    assert len(texts(table.write(entry(1, FOUR), 118))) == 2
    assert texts(table.preview(Entry(" 2/10", FOUR[:1]), 118)) == [" 2/10    0.5000"]
    assert table.preview(Entry(" 2/10", FOUR[:1]), 30) is None
    table.turn_page()
    assert len(texts(table.preview(Entry(" 2/10", FOUR[:1]), 118))) == 2


def test_long_texts_are_cut_in_the_table() -> None:
    rows = texts(Table().write(entry(1, (("note", "a" * 100),)), 118))
    assert rows[1].startswith(f" 1/10  {'a' * 23}…  0:04")
