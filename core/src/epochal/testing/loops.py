"""The loops of Keras 3, without a framework: which events come, in which order, with which arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from .model import FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Values = Callable[[int, int], dict[str, Any]]

Ended = TypeVar("Ended")


class Receiver(Protocol):
    """What takes the events, as methods, those of batches as functions of `batch`: a driver, or callbacks without one.

    The end of a test returns its logs as they are then.
    """

    batch: Any

    def finalize_epoch(self) -> None: ...  # noqa: D102
    def __getattr__(self, event: str) -> Callable[..., Any]: ...


def falling(epoch: int, batch: int) -> dict[str, Any]:
    """Return a loss that falls."""
    return {"loss": 1.0 / (1 + epoch + batch / 100)}


def nothing(*_: int) -> None:
    """Do nothing in a step."""


class Loops(Generic[Ended]):
    """Keras's three loops. What a host does with their events is up to its `_drive`.

    Args:
        model: The model that callbacks get. None: a FakeModel.
    """

    running_means = True
    """Whether values of batches are running means, so that the last batch's are the epoch's."""

    def __init__(self, model: Any = None) -> None:
        self.model = FakeModel() if model is None else model

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
        values: Values = falling,
        step: Callable[[int, int], None] = nothing,
    ) -> Ended:
        """Send the events of a `fit`.

        Args:
            epochs, initial_epoch, steps_per_execution, verbose: As Keras's.
            steps: Batches an epoch.
            validation_steps: Batches of validation at the end of every epoch; 0: no validation.
            steps_known: Whether `params["steps"]` tells the steps, or is None as for a generator.
            values: Gives the logs of `(epoch, batch)`; those of an epoch are its last batch's, those of validation
                the same with the prefix `val_`.
            step: Called with `(epoch, batch)` in every training batch, between its begin and its end; may raise.

        Returns:
            The run, with its outcome. What `step` or a callback raises is raised, after the run has ended.
        """
        self.model.stop_training = False

        def events(to: Receiver) -> None:
            to.on_train_begin()
            logs: dict[str, Any] = {}
            for epoch in range(initial_epoch, epochs):
                to.on_epoch_begin(epoch)
                logs = {}
                for first, last in _batches(steps, steps_per_execution):
                    to.batch.on_train_batch_begin(first)
                    step(epoch, last)
                    logs = values(epoch, last)
                    to.batch.on_train_batch_end(last, logs)
                    if self.model.stop_training:
                        break
                logs = self._of_epoch(logs)
                if validation_steps:
                    validated = self._test(to, validation_steps, steps_per_execution, values, epoch)
                    logs.update({f"val_{key}": value for key, value in validated.items()})
                to.on_epoch_end(epoch, logs)
                to.finalize_epoch()
                if self.model.stop_training:
                    break
            to.on_train_end(logs)

        params = {"verbose": verbose, "epochs": epochs, "steps": steps if steps_known else None}
        return self._drive("train", params, events, validates=validation_steps > 0)

    def evaluate(
        self,
        steps: int = 3,
        *,
        steps_per_execution: int = 1,
        steps_known: bool = True,
        verbose: int | str = 0,
        values: Values = falling,
        step: Callable[[int], None] = nothing,
    ) -> Ended:
        """Send the events of an `evaluate`; arguments as of `fit`, `values` with epoch 0, `step` with the batch."""
        self.model.stop_evaluating = False

        def events(to: Receiver) -> None:
            self._test(to, steps, steps_per_execution, values, 0, step)

        return self._drive("test", {"verbose": verbose, "epochs": 1, "steps": steps if steps_known else None}, events)

    def predict(
        self,
        steps: int = 3,
        *,
        steps_per_execution: int = 1,
        steps_known: bool = True,
        verbose: int | str = 0,
        step: Callable[[int], None] = nothing,
    ) -> Ended:
        """Send the events of a `predict`; arguments as of `evaluate`. The outputs are None."""
        self.model.stop_predicting = False

        def events(to: Receiver) -> None:
            to.on_predict_begin()
            for first, last in _batches(steps, steps_per_execution):
                to.batch.on_predict_batch_begin(first)
                step(last)
                to.batch.on_predict_batch_end(last, {"outputs": None})
                if self.model.stop_predicting:
                    break
            to.on_predict_end()

        params = {"verbose": verbose, "epochs": 1, "steps": steps if steps_known else None}
        return self._drive("predict", params, events)

    def _drive(
        self,
        stage: str,
        params: dict[str, Any],
        events: Callable[[Receiver], None],
        validates: bool | None = None,
    ) -> Ended:
        """Begin, send the events, and end."""
        raise NotImplementedError

    def _test(
        self,
        to: Receiver,
        steps: int,
        steps_per_execution: int,
        values: Values,
        epoch: int,
        step: Callable[[int], None] = nothing,
    ) -> Mapping[str, Any]:
        to.on_test_begin()
        logs: dict[str, Any] = {}
        for first, last in _batches(steps, steps_per_execution):
            to.batch.on_test_batch_begin(first)
            step(last)
            logs = values(epoch, last)
            to.batch.on_test_batch_end(last, logs)
            if self.model.stop_evaluating:
                break
        ended: Mapping[str, Any] = to.on_test_end(self._of_epoch(logs))
        return ended

    def _of_epoch(self, last: dict[str, Any]) -> dict[str, Any]:
        return dict(last) if self.running_means else {}


def _batches(steps: int, steps_per_execution: int) -> list[tuple[int, int]]:
    """Return the first and the last number of each execution, as Keras counts them: also of one that is not full."""
    return [(first, first + steps_per_execution - 1) for first in range(0, steps, steps_per_execution)]
