"""Many installed plugins and many callbacks in a list: everything stays right, and nothing grows out of hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from epochal import Callback, Priority
from epochal.choosing.activity import activities
from epochal.choosing.choice import Choice
from epochal.choosing.selection import select
from epochal.installed.discovery import Status
from epochal.reports.plan import make_plan, order_events
from epochal.settings.layers import Settings
from epochal.testing import FakeHost

if TYPE_CHECKING:
    from .conftest import Site

PLUGINS = 500
CALLBACKS = 100

SOURCE = """
import epochal

class Many(epochal.Callback):
    def on_epoch_end(self, epoch, logs=None): ...
"""


@pytest.fixture
def crowded(site: Site) -> Site:
    site.pinned()
    site.package("many", SOURCE)
    for number in range(PLUGINS):
        site.distribution(f"epochal-many-{number}", callbacks={f"many_{number}": "many:Many"})
    return site


def test_every_one_of_many_plugins_is_there_and_only_what_is_asked_for_is_active(crowded: Site) -> None:
    catalogue = crowded.catalogue()
    assert len(catalogue.records) == PLUGINS + 2
    assert {record.status for record in catalogue.records} == {Status.OK}
    assert sum(each.active for each in activities(Choice(catalogue, Settings()))) == 2
    members = select([f"many_{PLUGINS - 1}", "many_3"], catalogue, Settings())
    assert [member.name for member in members[2:]] == [f"many_{PLUGINS - 1}", "many_3"]
    plan = make_plan(Choice(catalogue, Settings()))
    assert (len(plan.members), len(plan.left_out), plan.problems) == (2, PLUGINS, ())


def test_many_callbacks_come_in_their_order_and_are_called_in_it(crowded: Site) -> None:
    called: list[int] = []

    class Numbered(Callback):
        def __init__(self, number: int) -> None:
            self.number = number
            if number % 3:
                self.priority = (Priority.REPORT, Priority.SCHEDULE)[number % 2]

        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            called.append(self.number)

    given = [Numbered(number) for number in range(CALLBACKS)]
    members = select(given, crowded.catalogue(), Settings())
    # The last odd one declares SCHEDULE, and all that declare nothing stand ahead of it, but for the very last.
    early = [number for number in range(CALLBACKS) if (number % 3 == 0 and number < 97) or (number % 3 and number % 2)]
    middle = [number for number in range(97, CALLBACKS) if number % 3 == 0]
    late = [number for number in range(CALLBACKS) if number % 3 and not number % 2]
    assert [member.callback.number for member in members[2:]] == [*early, *middle, *late]
    events, problems = order_events(members)
    assert (len(events["on_epoch_end"]), problems) == (CALLBACKS, [])
    FakeHost(*given).fit()
    assert called == [*early, *middle, *late]
