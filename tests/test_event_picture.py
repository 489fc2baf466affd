"""The picture of the events of one fit shows what a fit sends."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from epochal.hookspecs import EVENTS, OWN_EVENTS, hookimpl
from epochal.testing import FakeHost

from .event_picture import NOTES, PICTURE, REPEATED, Box, boxes, events_of_a_fit, render


def _sent() -> list[str]:
    """Return the events of a fit of one epoch of one batch, with validation, as they are sent."""
    sent: list[str] = []

    def note(event: str) -> Any:
        def implementation() -> None:
            sent.append(event)

        return hookimpl(specname=event)(implementation)

    FakeHost(*(note(event) for event in EVENTS)).fit(epochs=1, steps=1, validation_steps=1)
    return sent


def _texts(picture: str, kind: str) -> list[str]:
    root = ET.fromstring(picture)
    return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}text") if each.get("class") == kind]


def test_it_is_current() -> None:
    assert PICTURE.read_text(encoding="utf-8") == render(), "run `nox -s pages`"


def test_it_has_every_event_of_a_fit_in_the_order_in_which_they_are_sent() -> None:
    shown = re.findall(r'class="event[ \w]*"[^>]*>(\w+)<', render())
    assert shown == _sent() == list(events_of_a_fit())
    assert {event for event in EVENTS if event not in shown} == {each for each in EVENTS if "predict" in each}


def test_epochals_own_events_look_different() -> None:
    assert _texts(render(), "event own") == list(OWN_EVENTS)


def test_only_events_of_the_picture_have_a_note() -> None:
    assert {*NOTES, *REPEATED} <= set(events_of_a_fit())


def test_what_happens_in_an_epoch_is_in_its_box() -> None:
    (train,) = (part for part in boxes(events_of_a_fit()).parts if isinstance(part, Box))
    (epoch,) = (part for part in train.parts if isinstance(part, Box))
    names = [part if isinstance(part, str) else part.parts[0] for part in epoch.parts]
    assert names == ["on_epoch_begin", "on_train_batch_begin", "on_test_begin", "on_epoch_end", "on_epoch_finalized"]
    assert epoch.label == "for every epoch"
