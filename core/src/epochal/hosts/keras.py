"""Keras as the host: `fit`, `evaluate`, `predict`, and the callbacks for a bare `model.fit`."""

from __future__ import annotations

import reprlib
from inspect import signature
from typing import TYPE_CHECKING, Any

from ..choosing.selection import select
from ..engine.driver import Driver
from ..engine.faults import add_note
from ..engine.signals import Terminated
from ..errors import RunError
from ..run import Run
from .stand_in import is_stand_in

if TYPE_CHECKING:
    from collections.abc import Callable


def fit(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: Any = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: Any = 1,
    **others: Any,
) -> Any:
    """Train a Keras model with the active callbacks: `keras.Model.fit`, driven as an epochal run.

    All arguments but `model` and `callbacks` are those of Keras's own `fit`.

    Args:
        model: A compiled Keras model.
        callbacks: Callbacks (ours, marked modules or functions, Keras's own, anybody's) and names of installed ones.
        **others: Further arguments of the model's own `fit`.

    Returns:
        The run's History; it is also a `keras.callbacks.History`. After SIGTERM, if the program's own handler lets it
        go on, the history up to there.

    Raises:
        CallbackError, OrderError: A callback cannot be used; nothing has been trained.
        BaseException: Whatever the model or a callback raises, of its own type. Every callback whose run began has had
            its `on_run_end` then, and `model.history` is the partial history.
    """
    arguments = {
        "x": x,
        "y": y,
        "batch_size": batch_size,
        "epochs": epochs,
        "verbose": verbose,
        "validation_split": validation_split,
        "validation_data": validation_data,
        "shuffle": shuffle,
        "class_weight": class_weight,
        "sample_weight": sample_weight,
        "initial_epoch": initial_epoch,
        "steps_per_epoch": steps_per_epoch,
        "validation_steps": validation_steps,
        "validation_batch_size": validation_batch_size,
        "validation_freq": validation_freq,
    }
    return drive(model, _method(model, "fit"), "train", callbacks, _given(fit, arguments) | others)


def evaluate(
    model: Any,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    verbose: str | int = "auto",
    sample_weight: Any = None,
    steps: int | None = None,
    callbacks: Any = None,
    return_dict: bool = False,
    **others: Any,
) -> Any:
    """Evaluate a Keras model with the active callbacks: `keras.Model.evaluate`, driven as an epochal run.

    Arguments and result are Keras's; `callbacks` and errors are as in `fit`. After SIGTERM, if the program's own
    handler lets it go on, the result is that of the batches up to there.
    """
    arguments = {
        "x": x,
        "y": y,
        "batch_size": batch_size,
        "verbose": verbose,
        "sample_weight": sample_weight,
        "steps": steps,
        "return_dict": return_dict,
    }
    return drive(model, _method(model, "evaluate"), "test", callbacks, _given(evaluate, arguments) | others)


def predict(
    model: Any,
    x: Any,
    batch_size: int | None = None,
    verbose: str | int = "auto",
    steps: int | None = None,
    callbacks: Any = None,
    **others: Any,
) -> Any:
    """Predict with a Keras model and the active callbacks: `keras.Model.predict`, driven as an epochal run.

    Arguments and result are Keras's; `callbacks` and errors are as in `fit`. After SIGTERM, if the program's own
    handler lets it go on, the result is that of the batches up to there.
    """
    arguments = {"x": x, "batch_size": batch_size, "verbose": verbose, "steps": steps}
    return drive(model, _method(model, "predict"), "predict", callbacks, _given(predict, arguments) | others)


def _given(function: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    """Leave out what has its default, for models whose own method takes fewer arguments than Keras's."""
    parameters = signature(function).parameters
    return {name: value for name, value in arguments.items() if value is not parameters[name].default}


def drive(model: Any, method: Callable[..., Any], stage: str, callbacks: Any, arguments: dict[str, Any]) -> Any:
    """Call one of the model's methods as a run.

    Args:
        model: The model.
        method: The model's `fit`, `evaluate` or `predict`, bound.
        stage: "train", "test" or "predict".
        callbacks: What the caller gave as callbacks.
        arguments: All other arguments of the method, by name.
    """
    given = _own_callbacks(callbacks)
    # Keras is here already (the model is one of its), so this import costs nothing; importing epochal never does it.
    from .keras_list import HostList

    host = HostList(
        lambda first, last: Driver(Run(model, stage), select([first, given, last], stage=stage), gives_run=False)
    )
    try:
        result = method(**arguments, callbacks=host)
    except BaseException as error:
        if isinstance(error, UnboundLocalError) and host.has_no_batches:  # Keras joins the outputs of no batches
            add_note(error, "the data holds no batches, so there is nothing to predict")
        host.end(error)
        if not isinstance(error, Terminated):
            raise
        if stage == "train":
            return host.history
        raise  # a second signal cut it short: there is no result
    host.end()
    return result


def callbacks(*given: Any) -> list[Any]:
    """Return the active callbacks for a bare `model.fit(callbacks=…)`, where Keras owns the call.

    The list may be joined with other callbacks, deep-copied, and used for one fit after the other. Keras shows no
    progress bar of its own; `model.fit` returns our History. An error in one of our callbacks ends the run at once;
    after any other error the run ends when Keras lets go of the fit, at the latest when the program ends.

    Args:
        *given: Callbacks, and names of installed ones, in addition to those that are active anyway.

    Returns:
        A list for `callbacks=` of `model.fit`, `model.evaluate` or `model.predict`.

    Raises:
        CallbackError, OrderError: A callback cannot be used.

    Example:
        >>> model.fit(x, y, callbacks=epochal.callbacks("early_stopping"))  # doctest: +SKIP
    """
    members = select(_own_callbacks(given))
    from .bare_fit import bare_callbacks

    return bare_callbacks(members)


def _own_callbacks(given: Any) -> Any:
    """Take the callbacks out of what Keras accepts in their place: its CallbackList, and what `callbacks` gives."""
    if isinstance(given, (list, tuple)):
        return [_own_callbacks(each) for each in given]
    if is_callback_list(given):
        return _own_callbacks(given.callbacks)
    return given.given() if is_stand_in(given) else given


def is_callback_list(given: Any) -> bool:
    """Return whether an object is a CallbackList of Keras's, without importing Keras."""
    kinds = {f"{kind.__module__.partition('.')[0]}.{kind.__name__}" for kind in type(given).__mro__}
    return "keras.CallbackList" in kinds


def _method(model: Any, name: str) -> Callable[..., Any]:
    """Return a method of a model of Keras 3.

    Raises:
        RunError: It is a model of tf_keras, or no model.
    """
    packages = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    if "tf_keras" in packages:
        raise RunError(
            "epochal.fit, evaluate and predict drive Keras 3, and this is a model of tf_keras. Single callbacks work "
            "there: model.fit(callbacks=[…])."
        )
    if isinstance(model, type):
        raise RunError(f"{model.__qualname__} is a class, and a model is an instance of it.")
    method: Callable[..., Any] | None = getattr(model, name, None)
    if method is None:
        raise RunError(
            f"{reprlib.repr(model)} of type {type(model).__name__} is not a Keras model: it has no `{name}`. The "
            f"model is the first argument: `epochal.{name}(model, x, …)`. For a loop of your own there is epochal.loop."
        )
    return method
