"""The recordings of the terminal are there, are shown by a page, and every character of them stands in its cell."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from .recordings import FOLDER, RECORDINGS
from .terminal_svg import BACKGROUND, CELL, COLOURS, PADDING, Style, draw

ROOT = Path(__file__).parents[1]
PAGES = "".join(page.read_text() for page in [*ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_shows_its_command_and_nothing_of_the_machine(name: str) -> None:
    picture = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    root = ET.fromstring(picture)
    texts = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert texts[0].startswith("$") or texts[0] == "$"
    assert RECORDINGS[name].command in "".join(texts[:3])
    assert not re.search(r"/(tmp|home|root|work|usr)\b|Traceback", picture)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == RECORDINGS[name].title


@pytest.mark.parametrize("name", RECORDINGS)
def test_a_recording_is_shown_by_a_page_with_its_title(name: str) -> None:
    assert re.search(rf"!\[{re.escape(RECORDINGS[name].title)}\]\(\S*images/{name}\.svg\)", PAGES)


def test_each_run_of_cells_of_one_style_is_as_wide_as_its_cells() -> None:
    red, plain = Style("red", bold=True), Style()
    picture = draw([[("a", red), ("&", red), ("c", plain)], []], columns=10, title="x < y")
    texts = list(ET.fromstring(picture).iter(f"{SVG}text"))
    assert [text.text for text in texts] == ["a&", "c"]
    assert [float(text.get("x", "")) for text in texts] == [PADDING, pytest.approx(PADDING + 2 * CELL, abs=0.01)]
    assert float(texts[0].get("textLength", "")) == pytest.approx(2 * CELL, abs=0.01)
    assert texts[0].get("fill") == COLOURS["red"]
    assert texts[0].get("font-weight") == "bold"


def test_a_background_is_drawn_behind_its_cells_and_spaces_are_not_drawn() -> None:
    picture = draw([[(" ", Style()), ("x", Style("default", "1f2e3d"))]], columns=5, title="")
    root = ET.fromstring(picture)
    assert [each.get("fill") for each in root.iter(f"{SVG}rect")] == [BACKGROUND, "#1f2e3d"]
    assert [each.text for each in root.iter(f"{SVG}text")] == ["x"]
