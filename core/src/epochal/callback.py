"""What a callback is: the base class and its place in the order."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from .errors import StateError, one_line

if TYPE_CHECKING:
    import weakref
    from collections.abc import Callable, Mapping

    from .run import Run

# What only a run needs is imported in it: pluggy, the frameworks' adapters. Every plugin's import, and `epochal list`,
# would take half as long again.

_Method = TypeVar("_Method", bound="Callable[..., Any]")


class Priority(IntEnum):
    """When a callback runs, by its role. Lower runs earlier; any other `int` may be used as well."""

    METRICS = 10
    """Adds values to the logs."""
    SCHEDULE = 30
    """Changes the optimizer."""
    CONTROL = 50
    """Decides whether to go on. The default."""
    CHECKPOINT = 70
    """Persists."""
    REPORT = 90
    """Shows or writes what the others produced."""


@dataclass(frozen=True)
class Place:
    """One callback's place in the order, why it stands there, and the priority that counts."""

    name: str
    reason: str
    priority: int = Priority.CONTROL


def up_to_date(model: Any) -> Any:
    """Bring a model's variables up to date, and return the model.

    On JAX Keras keeps that elsewhere between the batches of an epoch, and asks its callbacks to fetch it.
    """
    fetch = getattr(model, "jax_state_sync", None)
    if fetch is not None:
        fetch()
    return model


def _default(method: _Method) -> _Method:
    """Mark a method as not overridden, in the way that Keras's own CallbackList looks for."""
    method._is_default = True  # type: ignore[attr-defined]
    return method


@dataclass(frozen=True)
class EndedRun:
    """What a callback has of a run that has ended.

    Attributes:
        run: The run.
        kept: What the callbacks that keep the run have of it: the run itself, or a copy.
        held: The same, in such a callback.
    """

    run: weakref.ref[Run]
    kept: weakref.ref[Run]
    held: Run | None

    def find(self) -> Run | None:
        """Return the run as long as somebody has it, then what is kept of it; None if that is gone too."""
        return self.run() or self.kept()


class Callback:
    """A callback. Override the events that it needs, with Keras's own method signatures.

    It runs in every epochal run, and is a drop-in object for a bare `model.fit(callbacks=[…])` of Keras 3 and of
    tf_keras: it satisfies their CallbackLists by duck typing and is no subclass of theirs. In a bare fit `run` is None
    and epochal's own events do not fire, so what has to happen there belongs in Keras's events.

    Epochal's own three events are implemented by defining them, with any subset of their arguments by name:
    `on_run_begin(self, run)`, `on_epoch_finalized(self, run, epoch, logs)`, `on_run_end(self, run, outcome)`.

    Attributes:
        priority: Its place in the order, lower is earlier. Any `int`.
        before: Names of callbacks that it runs before, where they are active.
        after: Names of callbacks that it runs after, where they are active.
        critical: Whether an error in it ends the run. If not (a reporter), the error is shown, the callback is out
            for the rest of the run, and training goes on.
        provides: Keys that it adds to the logs. None: not declared, so that it may add any.
        requires: Keys of the logs that it needs. Before training, one that nothing can give is an error.
        writes: Paths that it writes to; two callbacks that write to one path are warned of before training.
        changes: What it changes besides the logs, "learning_rate" for example; if two change one thing, a warning.
        state_attributes: Names of the attributes that hold its state: what it would need to go on after a restart.
            Their values are JSON values and NumPy arrays.
        model: The model of the run, once it began.
        params: `epochs`, `steps` and `verbose` of the run, as Keras gives them.
        run: The run, or None in a bare `model.fit`. After the run's end it is there as long as somebody holds the run:
            its History does, and after `evaluate` and `predict` the callbacks they were given.

    Example:
        >>> class LossPrinter(Callback):
        ...     priority = Priority.REPORT
        ...
        ...     def on_epoch_end(self, epoch, logs=None):
        ...         print(f"epoch {epoch}: {logs['loss']:.4f}")
    """

    in_place_of: ClassVar[Mapping[str, str]] = {}
    """Of a class with the name of one of Keras's: methods that only Keras's calls, with what to override instead."""

    priority: int = Priority.CONTROL
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    critical: bool = True
    provides: tuple[str, ...] | None = None
    requires: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    state_attributes: tuple[str, ...] = ()

    params: Mapping[str, Any] = {}  # never written to: every run sets an instance attribute

    _restored = False  # a state was loaded, and no training has got to an epoch with it
    _chief_worker_only: ClassVar[bool | None] = None  # tf_keras reads it

    _model: Any = None
    _run: Run | EndedRun | None = None

    @property
    def run(self) -> Run | None:
        """The run; None in a bare `model.fit`."""
        run = self._run
        return run.find() if isinstance(run, EndedRun) else run

    @run.setter
    def run(self, run: Run | None) -> None:
        self._run = run

    @property
    def model(self) -> Any:
        """The model of the run, its variables up to date; None before the run begins."""
        return up_to_date(self._model)

    @model.setter
    def model(self, model: Any) -> None:
        self._model = model

    @property
    def is_chief(self) -> bool:
        """Whether this process writes files and draws, of those that train together: in a run as it says."""
        if self.run is not None:
            return self.run.is_chief
        from .workers.chief import is_chief

        return is_chief()

    def set_model(self, model: Any) -> None:
        """Take the model. The host calls it before the first event; an epochal run then sets `run`."""
        from .frameworks.bare_list import meet_list
        from .inspection.misspelt import warn_of_misspelt
        from .inspection.overrides import warn_of_overrides

        self.model = model
        self.run = None  # what is left from a run before
        meet_list(self, Callback)
        warn_of_overrides(self, Callback)
        warn_of_misspelt(self)

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Take the parameters `epochs`, `steps` and `verbose`. The host calls it before the first event."""
        from .frameworks.bare_list import meet_list

        meet_list(self, Callback)  # a second time, for a subclass with a `set_model` of its own
        self.params = params

    def __getstate__(self) -> dict[str, Any]:
        """Leave the run and its model out of copies and pickles, so that a callback copies also after a fit."""
        return {key: value for key, value in self.__dict__.items() if key not in ("_model", "_run")}

    # For what a callback does, the same in an epochal run and in a bare fit

    def preflight(self) -> None:
        """Check, before anything is trained, what can be known to go wrong: warn or raise.

        It is called once a run or bare fit, when model and params are known, and before any `on_train_begin`. A run
        reports what all its callbacks find at once.
        """

    def stop_training(self, reason: str, *, failed: bool = False) -> None:
        """Ask the run to end after the epoch that runs; in a bare fit there is no place for the reason.

        Args:
            reason: Why, as a short phrase.
            failed: Whether the run has failed, as of `Run.stop`.
        """
        if self.run is not None:
            self.run.stop(reason, failed=failed)
        else:
            self.model.stop_training = True

    def print(self, text: str) -> None:
        """Print a line: in an epochal run on its console, above a progress bar; else where the framework prints."""
        if self.run is not None:
            self.run.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            from .frameworks import ModelAdapter, adapt

            adapter = ModelAdapter(None, None) if self.model is None else adapt(self)
            adapter.print(text)

    # State

    def state_dict(self) -> dict[str, Any]:
        """Return the state: JSON values and NumPy arrays, under the names of `state_attributes`."""
        return {name: copy.deepcopy(getattr(self, name)) for name in self.state_attributes}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take the state that `state_dict` gave, before training begins.

        What is declared for an attribute (see `epochal.arguments`) is what its value has to fit.

        Raises:
            StateError: It is not the state of such a callback; then nothing has changed.
        """
        from .arguments import check_state

        checked = check_state(self, state)
        before = dict(vars(self))
        try:
            for name, value in checked.items():
                setattr(self, name, value)
        except Exception as error:  # a property may check what it is set to
            vars(self).clear()
            vars(self).update(before)
            if isinstance(error, StateError):
                raise
            raise StateError(f"this is not a state of {type(self).__name__}: {one_line(error)}") from error
        self._restored = True

    def starts_afresh(self) -> bool:
        """Return whether training begins without a state that was loaded for it, so that the state is to be reset.

        A state is for one training: from `load_state_dict` until that training's first epoch has begun for all
        callbacks, or until it ended without an epoch. Up to then any event may ask; asking changes nothing.
        """
        return not self._restored

    def _settle_state(self) -> None:
        """Count a loaded state as used. Whatever drives a training calls it: a run, or Keras's list."""
        vars(self).pop("_restored", None)

    # Events

    @_default
    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin training."""

    @_default
    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """End training; `logs` holds the last epoch's metrics."""

    @_default
    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin an epoch."""

    @_default
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """End an epoch; `logs` holds its metrics, those of validation as `val_…`."""

    @_default
    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin a training batch."""
        self.on_batch_begin(batch, logs)

    @_default
    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """End a training batch."""
        self.on_batch_end(batch, logs)

    @_default
    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin a training batch: the alias of `on_train_batch_begin`."""

    @_default
    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """End a training batch: the alias of `on_train_batch_end`."""

    @_default
    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin an evaluation, or the validation inside a fit."""

    @_default
    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """End an evaluation or validation; `logs` holds its metrics."""

    @_default
    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin a batch of evaluation or validation."""

    @_default
    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """End a batch of evaluation or validation."""

    @_default
    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Begin a prediction."""

    @_default
    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """End a prediction."""

    @_default
    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Begin a batch of prediction."""

    @_default
    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """End a batch of prediction; `logs["outputs"]` holds the model's outputs."""

    # tf_keras asks each callback whether it needs the batch events at all.

    def _implements_train_batch_hooks(self) -> bool:
        return self._implements_steps("train")

    def _implements_test_batch_hooks(self) -> bool:
        return self._implements_steps("test")

    def _implements_predict_batch_hooks(self) -> bool:
        return self._implements_steps("predict")

    def _implements_steps(self, stage: str) -> bool:
        from .hookspecs import STEPS, names_of

        names = (name for event in STEPS[stage] for name in names_of(event))
        return any(not getattr(getattr(self, name), "_is_default", False) for name in names)
