"""Evaluates and saves with the moving average of the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from epochal import Callback, Priority, StateError
from epochal.arguments import Arrays, OrNone, Switch
from epochal.errors import shown
from epochal.forecast import Forecast
from epochal.frameworks import adapt
from epochal.warn import warn_user

from .averages import exchange, forget, give_back, is_untouched, loan_of, note, put_in_for_good, set_aside

if TYPE_CHECKING:
    from collections.abc import Mapping

    from epochal import Run
    from epochal.frameworks import ModelAdapter


class SwapEMAWeights(Callback):
    """Evaluates, predicts and saves with the moving average of the weights, and trains on with the weights themselves.

    The optimizer keeps the average (`use_ema=True`): after each step `average = m * average + (1 - m) * weight` with
    its `ema_momentum` m, known as Polyak averaging. The averages are put into the model when an evaluation or a
    prediction begins, and the model's own weights when it ends. Both are exchanged in place, on the device, and come
    back bit for bit.

    With `swap_on_epoch` the averages are also in the model from the end of an epoch to the beginning of the next one,
    for those that save the model then. In that time the own weights are kept in memory.

    At the end of training the averages are the model's weights, as Keras's `fit` has it for every optimizer with
    `use_ema=True`, however training ended. In `epochal.loop` the callback sees to that itself.

    When an evaluation is broken off by an error or Ctrl-C, the model has its own weights again when the run ends. In a
    bare `model.fit` nobody tells a callback of that: there it has them when the next training with any SwapEMAWeights
    begins, which warns, or at the end of the next evaluation or prediction with one.

    Args:
        swap_on_epoch: Whether the averages are in the model at the end of an epoch too.

    Raises:
        TypeError: `swap_on_epoch` is neither true nor false, as an array of several elements.
        ValueError: When training, evaluation or prediction begins: the optimizer keeps no averages, or an evaluation
            or prediction begins before a step has filled them.

    Example:
        >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
        True
    """

    priority = Priority.SCHEDULE
    provides = ()
    before = ("model_checkpoint", "orbax_checkpoint")
    state_attributes = ("lent",)

    swap_on_epoch = Switch()

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        self._training = False
        self._warned = False
        self._given: list[dict[str, Any] | None] = []  # by a state, until an epoch begins: `lent` as it was then

    @property
    def lent(self) -> dict[str, Any] | None:
        """What a restart needs, or None if the model holds its own weights.

        Else `own_weights` holds them, or None if they stand in the optimizer in the place of the averages.
        """
        if self._given:
            return self._given[0]
        loan = None if self.model is None else loan_of(self.model)
        return None if loan is None else {"own_weights": loan.own}

    @lent.setter
    def lent(self, value: Any) -> None:
        if value is not None:
            if not isinstance(value, dict) or set(value) != {"own_weights"}:
                raise StateError(
                    f"this is not a state of SwapEMAWeights: lent={shown(value)} has to hold own_weights alone"
                )
            OrNone(Arrays()).checked(self, value["own_weights"], "own_weights")
        self._given = [value]

    # Training

    def preflight(self) -> None:
        """Check that the optimizer keeps averages. A fit that never needs them trains, as in Keras."""
        try:
            self._checked()
        except ValueError as error:
            if self.swap_on_epoch or not Forecast.of(self).call.why_never():
                raise
            warn_user(f"{error} This fit does not evaluate, so SwapEMAWeights does nothing.")

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Begin with the model's own weights."""
        adapter = adapt(self)
        self._training, self._warned = True, False
        if self._given:
            forget(self.model)  # its weights come from a file too
        else:
            self._recover(adapter)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Train on with the model's own weights."""
        adapter = adapt(self)
        # Here and not earlier, because whoever restores states and weights may do it in its own `on_train_begin`.
        for lent in self._given:
            if lent is not None:
                note(adapter, lent["own_weights"])
        self._given = []
        give_back(adapter)

    def on_train_batch_begin(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Train with the model's own weights also where an evaluation in this epoch was broken off, and caught."""
        if loan_of(self.model) is not None:
            give_back(adapt(self))

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Put the averages into the model, if they are wanted there."""
        loan = loan_of(self.model)
        adapter = adapt(self)
        if loan is not None and loan.own is None:  # an evaluation was broken off, and caught
            give_back(adapter)
            loan = None
        if self.swap_on_epoch and loan is None and self._has_averages(adapter):
            set_aside(adapter, self._run_id)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Leave the averages as the model's weights."""
        self._training = False
        self._given = []  # restored, and no epoch was left to train
        if loan_of(self.model) is not None:
            forget(self.model)
            return
        # Keras's own `fit` has written them into the model by now, and a callback may have set others since then. In a
        # hand-written loop nobody has.
        adapter = adapt(self)
        run = self.run
        if run is not None and run.is_loop and run.epoch is not None and adapter.has_averages():
            put_in_for_good(adapter)

    # Evaluation and prediction

    def on_test_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Put the averages into the model."""
        self._begin_evaluation()

    def on_test_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Restore what the model held before."""
        self._end_evaluation()

    def on_predict_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Put the averages into the model."""
        self._begin_evaluation()

    def on_predict_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Restore what the model held before."""
        self._end_evaluation()

    def _begin_evaluation(self) -> None:
        adapter = self._checked()
        loan = loan_of(self.model)
        if loan is not None and is_untouched(adapter, loan):
            return
        forget(self.model)
        if self._has_averages(adapter):
            exchange(adapter, self._run_id)

    def _end_evaluation(self) -> None:
        loan = loan_of(self.model)
        if loan is not None and loan.own is None:  # else they are there for the end of an epoch
            give_back(adapt(self))

    # The end, whatever happened

    def on_run_end(self, run: Run) -> None:
        """Restore the model's own weights where the run was broken off."""
        self._training = False
        loan = loan_of(run.model)
        if loan is None or loan.run != run.id or self.model is not run.model:
            return
        adapter = adapt(self)
        if is_untouched(adapter, loan):
            give_back(adapter)
        else:  # the run ends long after its call was broken off
            forget(run.model)

    # What several events need

    @property
    def _run_id(self) -> str | None:
        return None if self.run is None else self.run.id

    def _checked(self) -> ModelAdapter:
        adapter = adapt(self)
        try:
            adapter.check_averages()
        except ValueError as error:
            raise ValueError(
                f"SwapEMAWeights must be used when `use_ema=True` is set on the optimizer: {error}"
            ) from None
        return adapter

    def _has_averages(self, adapter: ModelAdapter) -> bool:
        """Return whether there are averages yet: before the first step of the optimizer they are zeros."""
        if adapter.has_averages():
            return True
        if not self._training:
            raise ValueError(
                "SwapEMAWeights evaluates the averages of the weights, and there are none: the optimizer has made no "
                "step yet. Train the model first, or load it together with its optimizer."
            )
        if not self._warned:
            self._warned = True
            warn_user(
                "SwapEMAWeights: the optimizer has made no step yet, so there are no averages of the weights, and the "
                "weights themselves are used."
            )
        return False

    def _recover(self, adapter: ModelAdapter) -> None:
        """Undo what an earlier fit or evaluation left that was broken off."""
        loan = loan_of(self.model)
        if loan is None:
            return
        if is_untouched(adapter, loan):
            give_back(adapter)
            result = "It has its own weights again."
        else:
            forget(self.model)
            result = "It was trained or loaded since then, and keeps the weights that it has."
        warn_user(
            "SwapEMAWeights: an earlier fit or evaluation of this model was broken off while it held the averages of "
            f"its weights. {result}"
        )
