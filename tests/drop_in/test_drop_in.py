"""A sample of the cases: each parameter of each built-in once, each with another value and in another host."""

from __future__ import annotations

from itertools import cycle, groupby
from random import Random

import pytest

from .cases import DIFFERENCES, Case, cases, difference
from .fits import Trainer, fault

HOSTS = ("bare", "epochal.fit", "epochal.callbacks", "epochal run")


def _sample() -> list[Case]:
    random = Random(11)
    by_parameter = groupby(cases(), key=lambda case: (id(case.subject), case.parameter))
    return [random.choice(list(group)) for _, group in by_parameter]


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer()


def test_what_trains_with_keras_trains_with_ours(trainer: Trainer) -> None:
    faults = []
    for case, host in zip(_sample(), cycle(HOSTS), strict=False):
        message = fault(case, trainer.with_keras(case), trainer.with_ours(case, host))
        faults += [f"{case}, {host}: {message}"] if message else []
    assert not faults, "\n".join(faults)


def test_every_difference_is_one(trainer: Trainer) -> None:
    """A difference that has gone is to be removed from the table."""
    for expected in DIFFERENCES:
        covered = (case for case in cases() if difference(case) is expected)
        assert any(_differs(case, trainer) for case in covered), expected.reason


def _differs(case: Case, trainer: Trainer) -> bool:
    with_keras, with_ours = trainer.with_keras(case), trainer.with_ours(case, "epochal.fit")
    return with_keras.error is None and (with_ours.error is not None or bool(with_ours.differs_from(with_keras)))
