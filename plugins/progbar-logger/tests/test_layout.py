from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal_progbar_logger.layout import (
    NO_BREAK,
    Overall,
    Row,
    View,
    flow,
    line_rows,
    live_rows,
    pairs,
    plain,
    sentence,
    width,
)

names = st.text(st.characters(categories=["L", "N", "Pc"]), min_size=1, max_size=50)
metrics = st.lists(st.tuples(names, st.just("0.1234")), max_size=12).map(tuple)
totals = st.none() | st.integers(0, 10**6)
seconds = st.floats(0, 10**6)
overalls = st.none() | st.builds(Overall, st.floats(0, 10), st.just(10), seconds, st.none() | seconds)
views = st.builds(
    View,
    st.sampled_from(["Epoch  3/10", "Evaluate"]),
    st.integers(0, 10**6),
    totals,
    seconds,
    st.none() | seconds,
    st.none() | seconds,
    metrics,
    validating=st.booleans(),
    first=st.sampled_from(["", "first step 2.31 s"]),
    run_left=st.none() | seconds,
    overall=overalls,
)
columns = st.integers(10, 250)


def text_of(rows: list[Row]) -> str:
    """Return all that the rows say, however it is broken."""
    return "".join(plain(row) for row in rows).replace(" ", "")


@given(views, columns, st.booleans())
def test_no_live_row_is_wider_than_the_terminal_and_no_metric_is_cut(
    view: View, columns: int, ascii_only: bool
) -> None:
    rows = live_rows(view, columns, ascii_only=ascii_only)
    assert all(width(row) <= columns for row in rows)
    assert all(f"{name}{value}" in text_of(rows) for name, value in view.metrics)
    assert text_of(rows).startswith(view.title.replace(" ", ""))


@given(views, columns | st.none())
def test_no_row_that_stays_is_wider_than_the_terminal_and_no_metric_is_cut(view: View, columns: int | None) -> None:
    rows = line_rows(view, columns)
    if columns is None:
        assert len(rows) == 1
    else:
        assert all(width(row) <= columns for row in rows)
    assert all(f"{name}{value}" in text_of(rows) for name, value in view.metrics)


@given(views, columns)
def test_a_metric_that_fits_into_a_row_is_not_broken(view: View, columns: int) -> None:
    rows = [plain(row) for row in line_rows(view, columns)]
    for name, value in view.metrics:
        piece = f"{name} {value}"
        if width([(piece, "")]) <= columns - 2:
            assert any(piece in row for row in rows)


VIEW = View("Epoch 3/10", 45, 100, 12.0, 15.0, 0.27, (("accuracy", "0.8123"), ("loss", "0.4512")))


def texts(rows: list[Row]) -> list[str]:
    return [plain(row) for row in rows]


def test_wide() -> None:
    assert texts(live_rows(VIEW, 160)) == [
        "Epoch 3/10  ━━━━━━━━━━━━━─────────────────   45/100  270 ms/step  0:12, 0:15 left  "
        "accuracy 0.8123  loss 0.4512"
    ]


def test_the_bar_gives_way_before_the_metrics_do() -> None:
    assert texts(live_rows(VIEW, 80)) == [
        "Epoch 3/10  ━━━━━───────   45/100  0:12, 0:15 left  accuracy 0.8123  loss 0.4512"
    ]


def test_narrow() -> None:
    assert texts(live_rows(VIEW, 40)) == [
        "Epoch 3/10  ━━━─────   45/100  0:15 left",
        "  accuracy 0.8123  loss 0.4512",
    ]


def test_very_narrow() -> None:
    assert texts(line_rows(VIEW, 20)) == [
        "Epoch 3/10   45/100",
        "  0:12  270 ms/step",
        "  accuracy 0.8123",
        "  loss 0.4512",
    ]


def test_ascii() -> None:
    assert plain(live_rows(VIEW, 160, ascii_only=True)[0]).isascii()


def test_unknown_total() -> None:
    view = View("Epoch 1/3", 45, None, 12.0, pace=0.27)
    assert texts(live_rows(view, 100)) == ["Epoch 1/3  45 steps  270 ms/step  0:12"]


RUN = replace(VIEW, metrics=(), run_left=166.0, first="first step 2.31 s")


@pytest.mark.parametrize(
    ("columns", "row"),
    [
        (
            120,
            "Epoch 3/10  ━━━━━━━━━━━━━─────────────────   45/100  270 ms/step  first step 2.31 s  "
            "0:12, 0:15 left, run 2:46 left",
        ),
        (90, "Epoch 3/10  ━━━━━━━━━━──────────────   45/100  270 ms/step  0:12, 0:15 left, run 2:46 left"),
        (70, "Epoch 3/10  ━━━━━━━──────────   45/100  0:12, 0:15 left, run 2:46 left"),
        (60, "Epoch 3/10  ━━━━━────────   45/100  0:15 left, run 2:46 left"),
        (50, "Epoch 3/10  ━━━━━━────────   45/100  run 2:46 left"),
        (40, "Epoch 3/10   45/100  run 2:46 left"),
    ],
)
def test_the_time_that_the_run_will_take_is_the_last_to_go(columns: int, row: str) -> None:
    assert texts(live_rows(RUN, columns)) == [row]


@given(names, st.integers(26, 250))
def test_a_value_is_never_in_a_row_without_the_end_of_its_name(name: str, columns: int) -> None:
    *_, last = texts(flow(pairs([(name, "0.1234")]), columns))
    beside = last.removesuffix(" 0.1234").strip()
    assert last.endswith(" 0.1234")
    assert beside
    assert name.endswith(beside)


def test_a_long_name_is_broken_before_its_end() -> None:
    rows = texts(flow(pairs([("x" * 80, "0.1234"), ("loss", "0.5000")]), 60))
    assert rows == ["x" * 60, f"  {'x' * 20} 0.1234  loss 0.5000"]
    assert texts(flow(pairs([("x" * 60, "0.1234")]), 60)) == ["x" * 52, f"  {'x' * 8} 0.1234"]


def test_a_sentence_is_broken_between_words() -> None:
    text = f"Completed 5 epochs in 0:05 (best{NO_BREAK}loss{NO_BREAK}0.2)"
    assert texts(sentence(text, "", 34)) == ["Completed 5 epochs in 0:05", "  (best loss 0.2)"]
    assert texts(sentence(text, "", None)) == [text.replace(NO_BREAK, " ")]


def test_validation() -> None:
    view = View("Epoch 1/3", 12, 40, 12.0, 1.0, validating=True)
    assert texts(live_rows(view, 100)) == [
        "Epoch 1/3  ━━━━━━━━━─────────────────────  validating 12/40  0:12, 0:01 left"
    ]


def test_overall() -> None:
    view = View("Epoch  3/10", 45, 100, 12.0, overall=Overall(2.45, 10, 60.0, 180.0))
    assert texts(live_rows(view, 100))[1] == "Total        ━━━━━━━───────────────────────  2/10 epochs  1:00, 3:00 left"
