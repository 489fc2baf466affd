"""A sample of the cases: a third of the parameters, each with one of its values, in one host after the other."""

from __future__ import annotations

from itertools import cycle, groupby
from random import Random

import pytest

from .cases import Case, cases
from .fits import Trainer, fault

HOSTS = ("bare", "epochal.fit", "epochal.callbacks", "epochal run")


def _sample() -> list[Case]:
    random = Random(11)
    by_parameter = groupby(cases(), key=lambda case: (id(case.subject), case.parameter))
    groups = [list(group) for _, group in by_parameter]
    return [random.choice(group) for group in random.sample(groups, len(groups) // 3)]


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer()


def test_what_trains_with_keras_trains_with_ours(trainer: Trainer) -> None:
    faults = []
    for case, host in zip(_sample(), cycle(HOSTS), strict=False):
        message = fault(case, trainer.with_keras(case), trainer.with_ours(case, host))
        faults += [f"{case}, {host}: {message}"] if message else []
    assert not faults, "\n".join(faults)
