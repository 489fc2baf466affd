"""The host that a subject is driven by: every error of it comes out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...choosing.selection import arrange
from ...settings.names import CallbackName
from ..host import FakeHost
from ..model import FakeModel
from .check import BrokenPromiseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...engine.faults import Fault
    from ...run import Run
    from .subject import Subject


class Stage(FakeHost):
    """Drives a callback of a subject, under its own name, with the subject's model and values.

    Args:
        subject: The subject.
        callback: What it made. None: it makes one.
        others: Callbacks beside it.
        model: The model. None: the subject makes one.
        stateful_metrics, profile: As of `FakeHost`.

    Attributes:
        callback: The callback.
        own_name: Its name in the runs.
    """

    def __init__(
        self,
        subject: Subject,
        callback: Any = None,
        others: Sequence[Any] = (),
        model: Any = None,
        stateful_metrics: Sequence[str] | None = None,
        profile: bool = False,
    ) -> None:
        self.callback = subject.create() if callback is None else callback
        model = subject.model() if model is None else model
        super().__init__(*others, model=model, stateful_metrics=stateful_metrics, profile=profile)
        self._subject = subject
        # An error of a reporter would be shown and forgotten; here it is to be seen.
        own = replace(subject.member(self.callback), critical=True)
        self.own_name = CallbackName(own.name).unique([each.name for each in self._members])
        self._members = arrange([replace(own, name=self.own_name), *self._members])

    def train(self, epochs: int = 6, steps: int = 3, **arguments: Any) -> Run:
        """Send the events of a fit, in which the model changes."""
        given = {"step": train_step(self.model), "values": self._subject.values, **arguments}
        return self.fit(epochs, steps, **given)

    def test(self, **arguments: Any) -> Run:
        """Send the events of an evaluation."""
        return self.evaluate(values=self._subject.values, **arguments)

    @property
    def had_its_end(self) -> bool:
        """Whether the last run ended for the callback too: it began, and `on_run_end` was sent to it if it has one."""
        driver = self._driver
        if driver is None or driver.run.outcome is None:
            return False
        return any(each.name == self.own_name for each in driver._begun)

    @property
    def errors_at_end(self) -> list[Fault]:
        """What callbacks raised in the last run's `on_run_end`."""
        return [] if self._driver is None else self._driver._faults.kept


def train_step(model: Any) -> Callable[[int, int], None]:
    """Return a step that changes a fake model as training would, each time the same; any other is left as it is."""

    def step(epoch: int, batch: int) -> None:
        if not isinstance(model, FakeModel):
            return
        model.iterations += 1
        rate = next(iter(model.__epochal_adapter__(None).learning_rates().values()), 0.0)
        model.weights = {name: _moved(value, rate) for name, value in model.weights.items()}
        if model.averages is not None:
            model.averages = {name: _moved(value, rate / 2) for name, value in model.weights.items()}

    return step


def _moved(value: Any, rate: float) -> Any:
    if isinstance(value, list):
        return [_moved(each, rate) for each in value]
    return value * (1 - rate) + rate


def expect(condition: bool, message: str) -> None:
    """Break the promise, unless a condition holds.

    Raises:
        BrokenPromiseError: It does not.
    """
    if not condition:
        raise BrokenPromiseError(message)
