"""The averages of the weights that Keras's optimizers keep, with `use_ema=True`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from .keras_state import array

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


def are_filled(optimizers: Sequence[Any]) -> bool:
    """Return whether a step has filled the averages."""
    built = [each for each in optimizers if each.built]
    return bool(built) and all(int(array(each._iterations)) > 0 for each in built)


def swap(optimizers: Sequence[Any]) -> None:
    """Exchange the weights and their averages."""
    for optimizer in optimizers:
        for variable, average in _pairs(optimizer):
            _change(optimizer, variable, average, _swap)


def settle(optimizers: Sequence[Any]) -> None:
    """Set the averages to the weights."""
    for optimizer in optimizers:
        for variable, average in _pairs(optimizer):
            _change(optimizer, average, variable, _set)


def _pairs(optimizer: Any) -> Iterator[tuple[Any, Any]]:
    if not optimizer.built:  # no step was made, or as one of several it has no variables
        return
    averages = optimizer._model_variables_moving_average
    for variable, average in zip(optimizer._trainable_variables, averages, strict=True):
        if average is not None:
            yield variable, average


def _change(optimizer: Any, first: Any, second: Any, change: Callable[[Any, Any], None]) -> None:
    """Change two variables; in a strategy of `tf.distribute` on every replica."""
    strategy = getattr(optimizer, "_distribution_strategy", None)
    if strategy is None:
        change(first, second)
        return
    first, second = getattr(first, "value", first), getattr(second, "value", second)
    strategy.extended.update(first, change, args=(second,))


def _swap(first: Any, second: Any) -> None:
    kept = _copy(first)
    first.assign(second)
    second.assign(kept)


def _set(variable: Any, value: Any) -> None:
    variable.assign(_copy(value))


def _copy(value: Any) -> Any:
    """Copy what a variable holds now. Two variables with one buffer JAX would refuse to train."""
    return sys.modules["keras"].ops.copy(value)
