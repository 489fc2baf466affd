"""A host without a framework: it sends the events of Keras's loops, in their order, and trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..choosing.given import without_repeats
from ..choosing.selection import arrange
from ..engine.driver import Driver
from ..engine.member import make_member
from ..engine.signals import Terminated
from ..frameworks.fit_call import FitCall
from ..inspection.identity import default_name
from ..run import Run
from .loops import Loops

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..engine.member import Member
    from .loops import Receiver


class FakeHost(Loops[Run]):
    """Drives callbacks through runs as Keras 3's loops do.

    Callbacks of every kind: subclasses of `epochal.Callback`, objects, modules and functions with `@epochal.hookimpl`,
    and Keras's own.

    Args:
        *callbacks: Callbacks, put in order as in any run; only these, nothing that is installed is added.
        model: The model that they get. None: a FakeModel.
        stateful_metrics: As of `epochal.Run`. None: values of batches are running means, and the last batch's are the
            epoch's, as in Keras 3. Names, also none: values are raw, and an epoch has only what callbacks write, as
            in a hand-written loop.
        profile: Whether to measure the callbacks, into `run.timings`. None: as the settings say.

    Attributes:
        run: The last run; None before the first.

    Example:
        >>> class Counter(Callback):
        ...     epochs = 0
        ...
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         self.epochs += 1
        >>> counter = Counter()
        >>> FakeHost(counter).fit(epochs=3).outcome.status, counter.epochs
        ('completed', 3)
    """

    def __init__(
        self,
        *callbacks: Any,
        model: Any = None,
        stateful_metrics: Sequence[str] | None = None,
        profile: bool | None = None,
    ) -> None:
        super().__init__(model)
        self.running_means = stateful_metrics is None
        self.run: Run | None = None
        self._members = _members(callbacks)
        self._stateful_metrics = stateful_metrics
        self._profile = profile
        self._driver: Driver | None = None

    def _drive(
        self,
        stage: str,
        params: dict[str, Any],
        events: Callable[[Receiver], None],
        validates: bool | None = None,
    ) -> Run:
        self.run = Run(self.model, stage, self._stateful_metrics)
        self.run.fit_call = FitCall(validates)
        driver = self._driver = Driver(self.run, self._members, profile=self._profile)
        try:
            driver.begin(params)
            events(driver)
        except Terminated:
            driver.end(Terminated())
            return driver.run
        except BaseException as error:
            driver.end(error)
            raise
        driver.end()
        return driver.run


def _members(callbacks: Sequence[Any]) -> list[Member]:
    members: dict[str, Member] = {}
    for position, callback in enumerate(without_repeats(callbacks)):
        name = default_name(callback).unique(members)
        members[name] = make_member(name, callback, None, position)
    return arrange(members.values())
