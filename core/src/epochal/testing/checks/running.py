"""The kinds of runs that a callback goes through."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from ...callback import Callback
from ...engine.implementation import implementations, takes_logs_by_name
from ...engine.member import is_keras_callback
from ...engine.ordering import PINNED, Candidate, order
from ...errors import EpochalError
from ...hookspecs import EVENTS, KERAS_EVENTS, names_of, stage_of
from ...inspection.events import events_of
from ...inspection.misspelt import misspelt_events, unprefixed_events
from ...run import Run
from ..bare import BareHost
from ..recorder import Recorder
from .check import BrokenPromiseError, promise
from .stage import Stage, expect, train_step

if TYPE_CHECKING:
    from .subject import Subject


@promise("events", "it has events, and they take the right arguments")
def check_events(subject: Subject) -> str:
    """Find its implementations, as every run does before it begins."""
    callback = subject.create()
    try:
        found = implementations(subject.member(callback), Run(subject.model(), "train"))
    except EpochalError as error:
        raise BrokenPromiseError(str(error)) from None
    if is_keras_callback(callback):
        found = {event: found[event] for event in events_of(callback)}
        for event in found:
            _check_arguments(callback, event)
    for misspelt in (*misspelt_events(callback), *unprefixed_events(callback)):
        raise BrokenPromiseError(f"it {misspelt}")
    expect(bool(found), "it implements no event, so it does nothing in any run.")
    return ", ".join(event for event in EVENTS if event in found)


def _check_arguments(callback: Any, event: str) -> None:
    """Check that the methods of a Keras callback can be called as Keras does."""
    arguments = EVENTS[event][1:]
    for name in names_of(event):
        method = getattr(callback, name, None)
        if callable(method) and not takes_logs_by_name(method, event):
            try:
                inspect.signature(method).bind(*arguments)
            except TypeError:
                raise BrokenPromiseError(
                    f"{name}{inspect.signature(method)} cannot be called with ({', '.join(arguments)}) by position."
                ) from None


@promise("order", "it has a place in the order")
def check_order(subject: Subject) -> str:
    """Put it in order with the pinned two."""
    try:
        own = subject.member(subject.create()).candidate()
        pinned = [Candidate(name) for name in PINNED if name != own.name]
        places = order([*pinned, own])
    except EpochalError as error:
        raise BrokenPromiseError(str(error)) from None
    return next(place.reason for place in places if place.name == own.name)


@promise("fit", "it goes through a fit")
def check_fit(subject: Subject) -> None:
    """Fit, with and without anything shown."""
    for verbose in (0, 1, 2, "auto"):
        _check_outcome(Stage(subject).train(verbose=verbose))


@promise("validation", "it goes through a fit with validation")
def check_validation(subject: Subject) -> None:
    """Fit with validation, in every epoch and with none at all."""
    _check_outcome(Stage(subject).train(validation_steps=2))
    _check_outcome(Stage(subject).train(epochs=0, validation_steps=2))


@promise("evaluate", "it goes through an evaluate")
def check_evaluate(subject: Subject) -> None:
    """Evaluate, without a fit before it."""
    _check_outcome(Stage(subject).test())


@promise("predict", "it goes through a predict")
def check_predict(subject: Subject) -> None:
    """Predict, without a fit before it."""
    _check_outcome(Stage(subject).predict())


@promise("steps-per-execution", "it goes through runs with several steps in one execution")
def check_executions(subject: Subject) -> None:
    """Run with executions of three steps, the last of which is not full."""
    _check_outcome(Stage(subject).train(steps=7, validation_steps=4, steps_per_execution=3))
    _check_outcome(Stage(subject).test(steps=4, steps_per_execution=3))
    _check_outcome(Stage(subject).predict(steps=4, steps_per_execution=3))


@promise("unknown-steps", "it goes through runs whose number of steps nobody knows")
def check_unknown_steps(subject: Subject) -> None:
    """Run as with a generator."""
    _check_outcome(Stage(subject).train(validation_steps=2, steps_known=False))
    _check_outcome(Stage(subject).test(steps_known=False))
    _check_outcome(Stage(subject).predict(steps_known=False))


@promise("loop", "it goes through a hand-written loop, where the values of a batch are raw")
def check_loop(subject: Subject) -> None:
    """Fit with raw values, with their means in the epoch's logs, as in every run: BaseLogger is part of each."""
    # BaseLogger itself is checked without a stand-in that does its work before it.
    others = () if subject.member(subject.create()).name in PINNED else (_Means(),)
    _check_outcome(Stage(subject, others=others, stateful_metrics=()).train(validation_steps=2))


class _Means(Callback):
    """Stands in for BaseLogger, which is a plugin and may not be installed: writes the mean of the raw values."""

    priority = -(10**9)

    def __init__(self) -> None:
        self._batches: list[dict[str, Any]] = []
        self._tested: list[dict[str, Any]] = []

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._batches.clear()

    def on_test_begin(self, logs: Any = None) -> None:
        # Kept apart: the means of training are taken at the epoch's end, after its validation.
        self._tested.clear()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._batches.append(dict(logs))

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        self._tested.append(dict(logs))

    def on_test_end(self, logs: Any = None) -> None:
        _write_means(self._tested, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        _write_means(self._batches, logs)


def _write_means(batches: list[dict[str, Any]], logs: Any) -> None:
    for key in batches[0] if batches else ():
        if key not in logs:
            values = [batch[key] for batch in batches]
            numbers = all(isinstance(value, (int, float)) for value in values)
            logs[key] = sum(values) / len(values) if numbers else values[-1]


@promise("bare-fit", "it goes through a bare model.fit, where there is no run")
def check_bare_fit(subject: Subject) -> str | None:
    """Call it as Keras's own list does."""
    callback = subject.create()
    if not subject.runs_bare(callback):
        return "it has not Keras's methods, so it cannot be given to a bare fit"
    model = subject.model()
    host = BareHost(callback, model=model)
    host.fit(6, validation_steps=2, values=subject.values, step=train_step(model))
    host.evaluate(values=subject.values)
    host.predict()
    return None


@promise("second-fit", "one object goes through several runs, one after the other")
def check_second_fit(subject: Subject) -> None:
    """Use one object again and again, with the same model and with another."""
    first = Stage(subject)
    _check_outcome(first.train(validation_steps=2))
    _check_outcome(first.test())
    _check_outcome(first.predict())
    _check_outcome(first.train(epochs=12, initial_epoch=6, validation_steps=2))
    _check_outcome(Stage(subject, first.callback).train())


@promise("stopped", "it goes through a fit that another callback stops")
def check_stopped(subject: Subject) -> None:
    """Stop in the middle of an epoch, at once, and at the end of an epoch."""
    for event in ("on_train_begin", "on_train_batch_end", "on_epoch_end"):
        run = Stage(subject, others=[_Stop(event)]).train(validation_steps=2)
        expect(run.outcome is not None and run.outcome.status == "stopped", "the fit was not stopped.")


class _Stop(Callback):
    """Stops training in an event."""

    provides = ()

    def __init__(self, event: str) -> None:
        setattr(self, event, self._stop)

    def _stop(self, *_: Any) -> None:
        self.stop_training("a check of the suite")


@promise("logs", "it takes nothing out of the logs, and adds only what it provides")
def check_logs(subject: Subject) -> str:
    """Compare the logs ahead of it and behind it."""
    events = [event for event in KERAS_EVENTS if "logs" in EVENTS[event]]
    # Above all priorities that are, and below.
    ahead, behind = Recorder(*events, priority=-(10**9)), Recorder(*events, priority=10**9)
    stage = Stage(subject, others=[ahead, behind])
    stage.train(validation_steps=2)
    provides = getattr(stage.callback, "provides", None)
    added: dict[str, None] = {}
    for before, after in zip(ahead.events, behind.events, strict=True):
        gone = before["logs"].keys() - after["logs"].keys()
        expect(
            not gone,
            f"it takes {', '.join(sorted(gone))} out of the logs of {before.event}; others read them, and History "
            "records them.",
        )
        # What comes to the logs of a validation is in the epoch's under its name there.
        prefix = "val_" if stage_of(before.event) == "test" else ""
        added |= {f"{prefix}{key}": None for key in after["logs"] if key not in before["logs"]}
    undeclared = [key for key in added if provides is not None and {key, key.removeprefix("val_")}.isdisjoint(provides)]
    expect(
        not undeclared,
        f"it adds {', '.join(undeclared)} to the logs, and `provides` is {provides!r}. Name what it adds there: it is "
        "how the need of another callback is known to be met before training.",
    )
    return f"it adds {', '.join(added)}" if added else ""


def _check_outcome(run: Run) -> None:
    """Expect that a run came to an end of its own, or was stopped for a reason."""
    outcome = run.outcome
    assert outcome is not None
    expect(
        outcome.status in ("completed", "stopped") or run.has_failed,
        f"the {run.stage} run ended as {outcome.status}: {outcome.reason}.",
    )
