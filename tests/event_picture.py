"""Draw the events of one fit, in their order, as an SVG: `python -m tests.event_picture`.

The order is that of `epochal.hookspecs.EVENTS`; `…_begin` opens a box and its `…_end` closes it. The picture has the
colours of the page that shows it, light or dark.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from epochal.hookspecs import EVENTS, OWN_EVENTS, comes_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "events.svg"

NOTES = {
    "on_run_begin": "model, params and stage are known",
    "on_test_begin": 'run.stage is "validate"',
    "on_epoch_end": "the logs hold the epoch's metrics",
    "on_epoch_finalized": "the logs are final and read-only",
    "on_train_end": "not after an error or an interrupt",
    "on_run_end": "always, whatever happened",
}
REPEATED = {
    "on_epoch_begin": "for every epoch",
    "on_train_batch_begin": "for every batch",
    "on_test_begin": "validation, if there is any",
    "on_test_batch_begin": "for every batch",
}

WIDTH, LINE, INDENT, PADDING = 700, 28, 22, 10

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>The events of one fit, in their order</title>
<style>
  :root {{ color-scheme: light dark; }}
  :root {{ --text: #1f2328; --soft: #59636e; --own: #8250df; --line: #b6bec8; --fill: #afb8c126; }}
  @media (prefers-color-scheme: dark) {{
    :root {{ --text: #e6edf3; --soft: #9da7b3; --own: #c297ff; --line: #4b545e; --fill: #6e768130; }}
  }}
  rect {{ fill: var(--fill); stroke: var(--line); }}
  text {{ font: 13px ui-sans-serif, system-ui, "Segoe UI", "DejaVu Sans", sans-serif; fill: var(--soft); }}
  .event {{ font: 14px ui-monospace, "SF Mono", Consolas, "DejaVu Sans Mono", monospace; fill: var(--text); }}
  .own {{ fill: var(--own); font-weight: 600; }}
</style>
"""


@dataclass
class Box:
    """What happens between the begin and the end of something: events and boxes, in their order."""

    label: str = ""
    parts: list[str | Box] = field(default_factory=list)


def events_of_a_fit() -> tuple[str, ...]:
    """Return the events of a fit with validation, each once, in their order."""
    return tuple(event for event in EVENTS if comes_in(event, "train"))


def boxes(events: Iterable[str]) -> Box:
    """Nest the events: `…_begin` opens a box, the `…_end` of the same name closes it."""
    outer = Box()
    opened = [outer]
    begun: list[str] = []
    closed_by: dict[str, Box] = {}
    for event in events:
        name, _, place = event.rpartition("_")
        if place not in ("begin", "end") and f"{name}_end" in closed_by:  # behind the end of its box, and part of it
            closed_by[f"{name}_end"].parts.append(event)
            continue
        if place == "begin":
            begun.append(name)
            box = Box(REPEATED.get(event, ""))
            opened[-1].parts.append(box)
            opened.append(box)
        opened[-1].parts.append(event)
        if place == "end" and name in begun:
            closed_by[event] = opened.pop()
    (whole,) = outer.parts
    assert isinstance(whole, Box)
    return whole


def render() -> str:
    """Return the picture."""
    whole = boxes(events_of_a_fit())
    height = _height(whole) + 2
    parts = [_HEAD.format(width=WIDTH, height=height), *_draw(whole, 1, 1, WIDTH - 2), "</svg>\n"]
    return "".join(parts)


def _height(part: str | Box) -> int:
    if isinstance(part, str):
        return LINE
    gaps = sum(PADDING for each in part.parts if isinstance(each, Box))
    return sum(map(_height, part.parts)) + 2 * PADDING + gaps


def _draw(box: Box, x: int, y: int, width: int) -> Iterator[str]:
    yield f'<rect x="{x}" y="{y}" width="{width}" height="{_height(box)}" rx="8"/>\n'
    if box.label:
        yield f'<text x="{x + width - 14}" y="{y + PADDING + 19}" text-anchor="end">{box.label}</text>\n'
    y += PADDING
    for part in box.parts:
        if isinstance(part, Box):
            y += PADDING // 2
            yield from _draw(part, x + INDENT, y, width - INDENT - PADDING)
            y += PADDING // 2
        else:
            yield from _draw_event(part, x + 14, y + 19)
        y += _height(part)


def _draw_event(event: str, x: int, y: int) -> Iterator[str]:
    kind = "event own" if event in OWN_EVENTS else "event"
    yield f'<text class="{kind}" x="{x}" y="{y}">{event}</text>\n'
    if event in NOTES:
        note = NOTES[event].replace('"', "&quot;")
        yield f'<text x="{max(290, x + 9 * len(event) + 14)}" y="{y}">{note}</text>\n'


def main() -> None:
    """Write the picture."""
    PICTURE.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
