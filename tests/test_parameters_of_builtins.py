"""Every parameter of every built-in, given and set later: the same value comes of it, or the same error."""

from __future__ import annotations

import copy
import functools
import inspect
import math
import pickle
import types
import warnings
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from epochal import StateError
from epochal.arguments import declared
from epochal_base_logger import BaseLogger
from epochal_csv_logger import CSVLogger
from epochal_early_stopping import EarlyStopping
from epochal_history import History
from epochal_lambda_callback import LambdaCallback
from epochal_learning_rate_scheduler import LearningRateScheduler
from epochal_model_checkpoint import ModelCheckpoint
from epochal_orbax_checkpoint import OrbaxCheckpoint
from epochal_progbar_logger import ProgbarLogger
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau
from epochal_remote_monitor import RemoteMonitor
from epochal_swap_ema_weights import SwapEMAWeights
from epochal_tensorboard import TensorBoard
from epochal_terminate_on_nan import TerminateOnNaN

if TYPE_CHECKING:
    from collections.abc import Iterator


def _rate(epoch: int, lr: float) -> float:
    return lr / 2


def _epoch_alone(epoch: int) -> float:
    return 0.1


# Where a value is right only beside others, the others are so that most values are.
BASES: dict[Any, dict[str, Any]] = {
    BaseLogger: {},
    CSVLogger: {"filename": "log.csv"},
    EarlyStopping: {},
    History: {},
    LambdaCallback: {},
    LearningRateScheduler: {"schedule": _rate},
    ModelCheckpoint: {"filepath": "{epoch}.weights.h5"},
    OrbaxCheckpoint: {"directory": "checkpoints"},
    ProgbarLogger: {},
    ReduceLROnPlateau: {},
    RemoteMonitor: {},
    SwapEMAWeights: {},
    TensorBoard: {},
    TerminateOnNaN: {},
}

VALUES: tuple[Any, ...] = (
    *(None, True, False, np.True_, 0, 1, -1, 3, 2.0, 0.5, 3.5, -0.5, 99e99, math.inf, -math.inf, math.nan, 10**400),
    *(np.int64(2), np.float32(0.5), np.array(2), np.array([2]), np.array([1, 2]), np.float64("nan"), 1j),
    *("", "x", "auto", "epoch", "batch", "loss", "min", "max", ";", "stderr", "a/{epoch}.keras", "{epoch", "2,5", b"x"),
    *(
        "m.weights.h5",
        "gs://bucket/x",
        "http://host",
        "no",
        (),
        [1],
        (1, 2),
        (5, 2),
        ["a"],
        {},
        {"bar": "blue"},
        {1: 2},
    ),
    *(_rate, _epoch_alone, len, object),
)

STATES: tuple[Any, ...] = (None, "x", -5, 1.5, math.nan, math.inf, [1], {"a": 1}, ["x"], {"epoch": 1}, 10**400)


def _parameters() -> Iterator[Any]:
    for kind in BASES:
        for parameter in inspect.signature(kind).parameters.values():
            if parameter.kind is not parameter.VAR_KEYWORD:
                yield pytest.param(kind, parameter.name, id=f"{kind.__name__}-{parameter.name}")


def _plain(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """Return what can be compared, of whatever is in a callback."""
    if id(value) in seen:
        return "again"
    seen = (*seen, id(value))
    if isinstance(value, dict):
        return {key: _plain(each, seen) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *(_plain(each, seen) for each in value)]
    if isinstance(value, np.ndarray):
        return ["array", str(value.dtype), value.tolist()]
    if isinstance(value, float) and math.isnan(value):
        return "nan"
    if isinstance(value, functools.partial):
        return ["partial", _plain(value.func, seen), _plain(value.args, seen)]
    if isinstance(value, weakref.ref):
        return ["weakref", _plain(value(), seen)]
    if isinstance(value, (types.FunctionType, types.MethodType)):
        return value.__qualname__
    if type(value).__module__.startswith("epochal") and hasattr(value, "__dict__"):
        return [type(value).__name__, _plain(vars(value), seen)]
    return value if getattr(type(value), "__eq__", None) is not object.__eq__ else repr(value)


def _outcome(make: Any) -> tuple[Any, Any]:
    """Return the callback and nothing, or nothing and what was raised."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return make(), None
        except (TypeError, ValueError, KeyError) as error:
            return None, error


@pytest.mark.parametrize(("kind", "parameter"), list(_parameters()))
def test_a_parameter_is_the_same_given_and_set_later(kind: Any, parameter: str) -> None:
    base = BASES[kind]
    taken = 0
    for value in VALUES:
        given, error = _outcome(lambda value=value: kind(**{**base, parameter: value}))
        later = kind(**base)
        before = _plain(later)
        _, error_later = _outcome(lambda value=value, later=later: setattr(later, parameter, value))
        assert type(error_later) is type(error), f"{value!r}: {error!r} when it is given, {error_later!r} later"
        if error is not None:
            assert str(error_later) == str(error)
            assert kind.__name__ in str(error)
            assert _plain(later) == before, f"{value!r} is refused, and changes something"
            continue
        taken += 1
        assert _plain(later) == _plain(given), f"{value!r}"
        assert _plain(getattr(later, parameter, None)) == _plain(getattr(given, parameter, None))
        assert _plain(copy.deepcopy(later)) == _plain(later)
        assert _plain(pickle.loads(pickle.dumps(given))) == _plain(given)
    assert taken


@pytest.mark.parametrize(
    ("kind", "parameter"), [case for case in _parameters() if case.values[0] is not LambdaCallback]
)
def test_every_parameter_is_an_attribute_that_can_be_set_to_what_it_is(kind: Any, parameter: str) -> None:
    callback = kind(**BASES[kind])
    before = _plain(callback)
    setattr(callback, parameter, getattr(callback, parameter))
    assert _plain(callback) == before


def _refusal(callback: Any, state: dict[str, Any]) -> StateError | None:
    try:
        callback.load_state_dict(state)
    except StateError as error:
        return error
    return None


@pytest.mark.parametrize("kind", list(BASES))
def test_no_state_is_half_taken(kind: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in kind.state_attributes:
            for value in STATES:
                callback = kind(**BASES[kind])
                state, before = callback.state_dict(), _plain(callback)
                error = _refusal(callback, {**state, name: value})
                if error is not None:
                    assert kind.__name__ in str(error)
                    assert _plain(callback) == before
                else:
                    assert declared(kind, name) is not None or isinstance(getattr(kind, name), property)
                    assert _plain(callback.state_dict()[name]) == _plain(getattr(callback, name))
