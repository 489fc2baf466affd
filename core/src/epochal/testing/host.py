"""A host without a framework: it sends the events of Keras's loops, in their order, and trains nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..driver import Driver
from ..member import default_name, make_member
from ..ordering import unique_name
from ..run import Run
from ..selection import arrange
from ..signals import Terminated
from .model import FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..member import Member

    Values = Callable[[int, int], dict[str, Any]]


def _falling(epoch: int, batch: int) -> dict[str, Any]:
    return {"loss": 1.0 / (1 + epoch + batch / 100)}


class FakeHost:
    """Drives callbacks through runs as Keras 3's loops do.

    Args:
        *callbacks: Callbacks, put in order as in any run; only these, nothing that is installed is added.
        model: The model that they get. None: a FakeModel.
        stateful_metrics: As of `epochal.Run`. None: values of batches are running means, and the last batch's are the
            epoch's, as in Keras 3. Names, also none: values are raw, and an epoch has only what callbacks write, as
            in a hand-written loop.

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

    def __init__(self, *callbacks: Any, model: Any = None, stateful_metrics: Sequence[str] | None = None) -> None:
        self.model = FakeModel() if model is None else model
        self.run: Run | None = None
        self._members = _members(callbacks)
        self._stateful_metrics = stateful_metrics

    def fit(
        self,
        epochs: int = 1,
        steps: int = 3,
        *,
        initial_epoch: int = 0,
        validation_steps: int = 0,
        steps_per_execution: int = 1,
        steps_known: bool = True,
        verbose: int | str = 0,
        values: Values = _falling,
        step: Callable[[int, int], None] = lambda epoch, batch: None,
    ) -> Run:
        """Send the events of a `fit`.

        Args:
            epochs, initial_epoch, steps_per_execution, verbose: As Keras's.
            steps: Batches an epoch.
            validation_steps: Batches of validation at the end of every epoch; 0: no validation.
            steps_known: Whether `params["steps"]` tells the steps, or is None as for a generator.
            values: Gives the logs of `(epoch, batch)`; those of an epoch are its last batch's, those of validation
                the same with the prefix `val_`.
            step: Called in every training batch, between its begin and its end; may raise.

        Returns:
            The run, with its outcome. What `step` or a callback raises is raised, after the run has ended.
        """
        driver = self._driver("train")
        driver.run.validates = validation_steps > 0
        self.model.stop_training = False

        def drive() -> None:
            driver.on_train_begin()
            logs: dict[str, Any] = {}
            for epoch in range(initial_epoch, epochs):
                driver.on_epoch_begin(epoch)
                logs = {}
                for first in range(0, steps, steps_per_execution):
                    last = first + steps_per_execution - 1
                    driver.batch.on_train_batch_begin(first)
                    step(epoch, last)
                    logs = values(epoch, last)
                    driver.batch.on_train_batch_end(last, logs)
                    if self.model.stop_training:
                        break
                logs = self._of_epoch(logs)
                if validation_steps:
                    validated = self._test(driver, validation_steps, lambda batch, e=epoch: values(e, batch))  # type: ignore[misc]
                    logs.update({f"val_{key}": value for key, value in validated.items()})
                driver.on_epoch_end(epoch, logs)
                driver.finalize_epoch()
                if self.model.stop_training:
                    break
            driver.on_train_end(logs)

        params = {"verbose": verbose, "epochs": epochs, "steps": steps if steps_known else None}
        return self._drive(driver, params, drive)

    def evaluate(
        self, steps: int = 3, *, steps_known: bool = True, verbose: int | str = 0, values: Values = _falling
    ) -> Run:
        """Send the events of an `evaluate`; arguments as of `fit`, `values` with epoch 0."""
        driver = self._driver("test")
        self.model.stop_evaluating = False
        params = {"verbose": verbose, "epochs": 1, "steps": steps if steps_known else None}
        return self._drive(driver, params, lambda: self._test(driver, steps, lambda batch: values(0, batch)))

    def predict(self, steps: int = 3, *, steps_known: bool = True, verbose: int | str = 0) -> Run:
        """Send the events of a `predict`; arguments as of `fit`. The outputs are None."""
        driver = self._driver("predict")
        self.model.stop_predicting = False

        def drive() -> None:
            driver.on_predict_begin()
            for batch in range(steps):
                driver.batch.on_predict_batch_begin(batch)
                driver.batch.on_predict_batch_end(batch, {"outputs": None})
                if self.model.stop_predicting:
                    break
            driver.on_predict_end()

        params = {"verbose": verbose, "epochs": 1, "steps": steps if steps_known else None}
        return self._drive(driver, params, drive)

    def _driver(self, stage: str) -> Driver:
        self.run = Run(self.model, stage, self._stateful_metrics)
        return Driver(self.run, self._members)

    def _drive(self, driver: Driver, params: dict[str, Any], events: Callable[[], Any]) -> Run:
        try:
            driver.begin(params)
            events()
        except Terminated:
            driver.end(Terminated())
            return driver.run
        except BaseException as error:
            driver.end(error)
            raise
        driver.end()
        return driver.run

    def _test(self, driver: Driver, steps: int, values: Callable[[int], dict[str, Any]]) -> dict[str, Any]:
        driver.on_test_begin()
        logs: dict[str, Any] = {}
        for batch in range(steps):
            driver.batch.on_test_batch_begin(batch)
            logs = values(batch)
            driver.batch.on_test_batch_end(batch, logs)
            if self.model.stop_evaluating:
                break
        return driver.on_test_end(self._of_epoch(logs))

    def _of_epoch(self, last: dict[str, Any]) -> dict[str, Any]:
        return dict(last) if self._stateful_metrics is None else {}


def _members(callbacks: Sequence[Any]) -> list[Member]:
    members: dict[str, Member] = {}
    for position, callback in enumerate(callbacks):
        name = unique_name(default_name(callback), members)
        members[name] = make_member(name, callback, None, position)
    return arrange(members.values())
