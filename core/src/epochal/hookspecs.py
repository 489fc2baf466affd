"""The events: one pluggy hook spec each, and the contract of every argument.

The names and the arguments of Keras's events are Keras's own (`keras.callbacks.Callback`), with `run` in front.
An implementation marked with `@hookimpl` takes any subset of the arguments, by name. A subclass of
`epochal.Callback` takes Keras's arguments by position instead, and finds the run as `self.run`.

The specs are versioned by `SPEC_VERSION`. Arguments are only ever added, so an implementation written for an
older version goes on working. "Since" in a docstring is the version that added the event.

What the arguments are, in every event:

* `run` (`epochal.Run`): the run that the event belongs to.
* `epoch` (`int`): the epoch, counted from 0; with `initial_epoch` or after a resume the first one is larger.
* `batch` (`int`): the batch in its epoch, counted from 0. With `steps_per_execution=3` one event stands for three
  batches: begin gives the first one's number, end the last one's (0 and 2, 3 and 5, …).
* `logs` (`epochal.Logs`): the values of the event, one mapping shared by all callbacks of the event: what one
  callback writes, every later one reads.
* `outcome` (`epochal.Outcome`): how the run ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pluggy

if TYPE_CHECKING:
    from collections.abc import Callable

    from .logs import Logs
    from .run import Outcome, Run

PROJECT = "epochal"
SPEC_VERSION = 1

_Spec = TypeVar("_Spec", bound="Callable[..., None]")

hookspec = pluggy.HookspecMarker(PROJECT)
"""Mark the spec of an event that Keras has too."""


def own_hookspec(spec: _Spec) -> _Spec:
    """Mark the spec of an event that Keras does not have."""
    spec.is_own = True  # type: ignore[attr-defined]
    return hookspec(spec)


hookimpl = pluggy.HookimplMarker(PROJECT)
"""Mark a function or method as the implementation of the event that it is named after.

It takes any subset of the event's arguments, by name. `tryfirst=True` and `trylast=True` move this one
implementation ahead of or behind the others (never ahead of the pinned two); `wrapper=True` makes a generator that
encloses them; `specname="on_epoch_end"` names the event where the function has another name.
"""

ALIASES = {"on_batch_begin": "on_train_batch_begin", "on_batch_end": "on_train_batch_end"}
"""Keras's second names of two events. A callback that implements only the alias gets the event through it."""


@own_hookspec
def on_run_begin(run: Run) -> None:
    """Begin a run. Model, params and stage are known, and nothing has run. Since 1.

    Checks that can be made before training live here. A callback may drop an event that it does not need in this
    run with `run.drop(self, "on_train_batch_end")`: the event then costs it nothing.
    """


@hookspec
def on_train_begin(run: Run, logs: Logs) -> None:
    """Begin training, before the first epoch. `logs` is empty. Since 1."""


@hookspec
def on_epoch_begin(run: Run, epoch: int, logs: Logs) -> None:
    """Begin an epoch. `logs` is empty. Since 1."""


@hookspec
def on_train_batch_begin(run: Run, batch: int, logs: Logs) -> None:
    """Begin a training batch. `logs` is empty. Alias: `on_batch_begin`. Since 1."""


@hookspec
def on_train_batch_end(run: Run, batch: int, logs: Logs) -> None:
    """End a training batch. Alias: `on_batch_end`. Since 1.

    In a Keras run `logs` holds the running means of the metrics over the epoch so far, in a hand-written loop the
    values that the script gave for this batch. Reading a value fetches it from the device, which makes the
    training wait; not reading costs nothing.
    """


@hookspec
def on_test_begin(run: Run, logs: Logs) -> None:
    """Begin an evaluation or, with `run.stage == "validate"`, the validation inside a fit. `logs` is empty. Since 1."""


@hookspec
def on_test_batch_begin(run: Run, batch: int, logs: Logs) -> None:
    """Begin a batch of evaluation or validation. `logs` is empty. Since 1."""


@hookspec
def on_test_batch_end(run: Run, batch: int, logs: Logs) -> None:
    """End a batch of evaluation or validation. `logs` is as in `on_train_batch_end`. Since 1."""


@hookspec
def on_test_end(run: Run, logs: Logs) -> None:
    """End an evaluation or validation. `logs` holds the metrics over all of its batches. Since 1."""


@hookspec
def on_predict_begin(run: Run, logs: Logs) -> None:
    """Begin a prediction. `logs` is empty. Since 1."""


@hookspec
def on_predict_batch_begin(run: Run, batch: int, logs: Logs) -> None:
    """Begin a batch of prediction. `logs` is empty. Since 1."""


@hookspec
def on_predict_batch_end(run: Run, batch: int, logs: Logs) -> None:
    """End a batch of prediction. `logs["outputs"]` holds the model's outputs for the batch. Since 1."""


@hookspec
def on_predict_end(run: Run, logs: Logs) -> None:
    """End a prediction. `logs` is empty. Since 1."""


@hookspec
def on_epoch_end(run: Run, epoch: int, logs: Logs) -> None:
    """End an epoch. `logs` holds the epoch's metrics, those of validation as `val_…`. Since 1."""


@own_hookspec
def on_epoch_finalized(run: Run, epoch: int, logs: Logs) -> None:
    """Finalize an epoch: every `on_epoch_end` has run, `logs` is final and read-only. Since 1.

    What has to see everything that the callbacks contributed to the epoch belongs here.
    """


@hookspec
def on_train_end(run: Run, logs: Logs) -> None:
    """End training. `logs` holds the last epoch's metrics. Not sent when training fails or is interrupted. Since 1."""


@own_hookspec
def on_run_end(run: Run, outcome: Outcome) -> None:
    """End the run. Exactly once for each callback whose run began, whatever happened. Since 1.

    Also when training failed or was interrupted, and when another callback's own `on_run_end` raised. Files are
    closed and terminals restored here.
    """


# What follows is read off the specs above, and everything else that has to do with all events is made from it: an event
# is added by its spec alone.

_SPECS = {name: value for name, value in globals().items() if hasattr(value, f"{PROJECT}_spec")}

EVENTS: dict[str, tuple[str, ...]] = {
    name: spec.__code__.co_varnames[: spec.__code__.co_argcount] for name, spec in _SPECS.items()
}
"""Every event and its arguments, in the order of one run."""

OWN_EVENTS = tuple(event for event, spec in _SPECS.items() if hasattr(spec, "is_own"))
"""The events that Keras does not have."""

KERAS_EVENTS = tuple(event for event in EVENTS if event not in OWN_EVENTS)
"""The events that a Keras callback has."""

BATCH_EVENTS = tuple(event for event, arguments in EVENTS.items() if arguments[1:] == ("batch", "logs"))
"""The events that come once a batch, with its logs."""

HOOKS = (*EVENTS, *ALIASES)
"""Every name under which an event is implemented."""

STEPS = {
    event.split("_")[1]: (event, event.replace("_begin", "_end")) for event in EVENTS if event.endswith("_batch_begin")
}
"""Each stage ("train", "test", "predict") with the two events that a step of it begins and ends with."""


def names_of(event: str) -> tuple[str, ...]:
    """Return the names under which an event is implemented, its own first."""
    return (event, *(alias for alias, target in ALIASES.items() if target == event))


def stage_of(event: str) -> str | None:
    """Return the stage whose runs have an event, and no others; None if every run may have it.

    >>> stage_of("on_epoch_end"), stage_of("on_test_batch_end"), stage_of("on_run_end")
    ('train', 'test', None)
    """
    family = event.split("_")[1]
    return "train" if family == "epoch" else family if family in STEPS else None


def comes_in(event: str, stage: str) -> bool:
    """Return whether a run that begins with a stage may have an event; the validation inside a fit is a test."""
    return stage_of(event) in (None, stage) or (stage == "train" and stage_of(event) == "test")
