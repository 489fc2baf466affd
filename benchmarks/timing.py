"""Measuring on a machine that does other things too: the sides in turn, many short repetitions, robust summaries."""

from __future__ import annotations

import gc
import random
import statistics
from contextlib import contextmanager
from math import exp, log
from time import perf_counter
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    Times = dict[str, list[float]]

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def interleaved(sides: Mapping[str, Callable[[], object]], repetitions: int) -> Times:
    """Time functions in turn, in random order within each repetition.

    Returns:
        The seconds of each side. The n-th values of two sides were measured next to each other.
    """
    order = random.Random(0)
    times: Times = {name: [] for name in sides}
    names = list(sides)
    with no_collection():
        for side in sides.values():
            side()
        for _ in range(repetitions):
            order.shuffle(names)
            for name in names:
                begin = perf_counter()
                sides[name]()
                times[name].append(perf_counter() - begin)
    return times


def ratio(above: Sequence[float], below: Sequence[float]) -> float:
    """Return the median of the paired ratios: a disturbance hits one pair, not the result."""
    return statistics.median(first / second for first, second in zip(above, below, strict=True))


def ratio_interval(above: Sequence[float], below: Sequence[float]) -> tuple[float, float]:
    """Return the 95 % interval of the median paired ratio, by bootstrap over the logarithms."""
    logs = [log(first / second) for first, second in zip(above, below, strict=True)]
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(logs, k=len(logs))) for _ in range(4000))
    return exp(medians[100]), exp(medians[-101])


def microseconds(times: Sequence[float], calls: int) -> float:
    """Return the median time of one call, of repetitions that made so many calls each."""
    return statistics.median(times) / calls * 1e6


def fresh(function: _Function) -> _Function:
    """Copy a function with its code.

    CPython specializes code to the types that it sees. Two sides that go through one function would spoil that for
    each other; in a real fit only one of them is there.
    """
    assert isinstance(function, FunctionType)
    code, scope = function.__code__.replace(), function.__globals__
    return cast("_Function", FunctionType(code, scope, function.__name__, function.__defaults__, function.__closure__))


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the garbage collector from running in one side and not in the other."""
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
