"""What values of logs and parameters are: numbers, arrays, or anything else, which is shown as text whatever it is."""

from __future__ import annotations

import math
import operator
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Answer = TypeVar("_Answer")

MOST_VALUES = 1000
"""How many values of a list or array are written out; a larger one is described."""

LONGEST_TEXT = 32_767
"""How many characters of a text are written: what a cell of a spreadsheet holds."""

_NO_NUMBER = (TypeError, ValueError, OverflowError, NotImplementedError)
"""What is raised by what is not a scalar, or not a number."""

_TEXT = (str, bytes, bytearray, memoryview)
_NUMBERS = "biuf"
_DEPTH = 20


def read_value(value: Any) -> Any:
    """Return a scalar of any framework as a float, a larger tensor as a NumPy array, anything else as it is.

    Raises:
        Exception: Whatever the device raises: it is the user's to see.
    """
    if type(value) is float or isinstance(value, _TEXT):
        return value
    if type(value).__module__ == "numpy":  # it is on no device
        return _as_element(value)
    try:
        return float(value)
    except _NO_NUMBER:
        pass
    except Exception:
        # A scalar tensor's error is the device's. Frameworks have words of their own for "not a scalar", and anything
        # else than a tensor may raise what it likes.
        if attribute(value, "dtype") is not None and not has_axes(value):
            raise
    # Tables (of pandas, Polars, xarray) have `__array__` too, and are more than their values.
    if attribute(value, "__array__") is None or attribute(value, "to_numpy") is not None:
        return value
    try:
        return _as_element(read_array(value))
    except _NO_NUMBER:  # a symbolic tensor, which has no values
        return value
    except Exception:
        if attribute(value, "dtype") is not None:
            raise
        return value


def _as_element(array: Any) -> Any:
    """Return a NumPy number as a float, and an array of one if `float` takes it: from NumPy 2.4 on it does not."""
    if not _is_one_number(array):
        return array
    if array.ndim == 0:
        return float(array)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of NumPy before 2.4
        try:
            return float(array)
        except TypeError:
            return array


def _is_one_number(array: Any) -> bool:
    dtype = getattr(array, "dtype", None)  # a ufunc has none
    return dtype is not None and dtype.kind in _NUMBERS and array.size == 1


def read_array(tensor: Any) -> Any:
    """Return a tensor of any framework as a NumPy array."""
    import numpy as np

    if hasattr(tensor, "detach"):  # PyTorch gives no array of what is on a GPU or part of a gradient
        tensor = tensor.detach().cpu()
    return np.asarray(tensor)


def as_number(value: Any) -> float | None:
    """Return a number, or the one of an array of one, as a float; None if it is something else.

    Raises:
        Exception: Whatever the device raises, as of `read_value`.
    """
    number = read_value(value)
    if isinstance(number, float):
        return number
    is_array = type(number).__module__ == "numpy" and _is_one_number(number)
    return float(number.item()) if is_array else None


def to_float(value: Any) -> float:
    """Return a parameter's scalar as a float; NaN also if it has a value that no float can come near to.

    Unlike `as_number`, it takes what `float` takes, Fraction and Decimal for example.

    Raises:
        TypeError: It is not a scalar.
    """
    if isinstance(value, (str, bytes, bytearray)):
        raise TypeError("has to be a number")
    if getattr(value, "ndim", 0):
        if value.size != 1:
            raise TypeError("has to be a number")
        value = value.item()
    try:
        return float(value)
    except OverflowError:  # an int that no float holds
        return math.inf if value > 0 else -math.inf
    except ValueError:  # a signalling NaN of decimal
        return math.nan
    except Exception:  # TypeError, or whatever a framework raises for what is not a scalar
        raise TypeError("has to be a number") from None


def to_int(value: Any) -> int:
    """Return a whole number as an int, at full length also where a float would not have all digits."""
    with suppress(TypeError):
        return operator.index(value)
    return int(to_float(value))


def is_same(one: Any, other: Any) -> bool:
    """Return whether two values are known to be the same: one object, or equal numbers; NaN is the same as NaN."""
    if one is other:
        return True
    return type(one) is type(other) is float and (one == other or (one != one and other != other))


def as_text(value: Any) -> str:
    """Return what `str` makes of a value, of at most `LONGEST_TEXT` characters; it never raises.

    Lone surrogates, which no file takes, are written as escapes.
    """
    try:
        text = str(value)
    except Exception as error:
        text = f"<{type(value).__name__}, whose text raises {type(error).__name__}>"
    if len(text) > LONGEST_TEXT:
        text = f"{text[: LONGEST_TEXT - 1]}…"
    return text.encode("utf-8", "backslashreplace").decode()


def describe_large(value: Any) -> str:
    """Return "array of shape (400, 400)" for what has more than `MOST_VALUES` values, nothing for anything smaller."""
    shape = shape_of(value)
    if shape is not None:
        count = 1
        for size in shape:
            count *= size
        return f"array of shape {shape}" if count > MOST_VALUES else ""
    count = 0 if isinstance(value, str) else _asked(lambda: len(value), 0)
    return f"{type(value).__name__} of {count} values" if count > MOST_VALUES else ""


def is_array(value: Any) -> bool:
    """Return whether a value is an array, of NumPy or any framework."""
    return hasattr(value, "dtype") and hasattr(value, "shape")


def shape_of(value: Any) -> tuple[int, ...] | None:
    """Return the shape of an array or tensor of any framework; None if it is not one, or its shape is not known."""
    return _asked(lambda: tuple(int(size) for size in value.shape), None)


def as_state(value: Any, depth: int = 0) -> Any:
    """Return a value in a form that a state can hold: JSON values and arrays of numbers; anything else is its text."""
    if value is None or type(value) in (bool, float, str) or (type(value) is int and value.bit_length() < 64):
        return value
    if type(value).__module__ == "numpy" and has_axes(value) and value.dtype.kind in "biufc":
        return value.copy()
    if isinstance(value, (list, tuple)) and depth < _DEPTH:
        return [as_state(each, depth + 1) for each in value]
    if isinstance(value, dict) and depth < _DEPTH:
        return {as_text(key): as_state(each, depth + 1) for key, each in value.items()}
    return as_text(value)


def has_axes(value: Any) -> bool:
    """Return whether a value is an array or tensor of at least one dimension; it never raises."""
    return bool(attribute(value, "ndim", 0))


def attribute(value: Any, name: str, default: Any = None) -> Any:
    """Return an attribute of a value whose attributes may raise what they like."""
    return _asked(lambda: getattr(value, name, default), default)


def _asked(question: Callable[[], _Answer], default: _Answer) -> _Answer:
    """Return what a value answers, or the default where it raises.

    Anything can be in the logs, and its own `__len__`, `shape` or `__getattr__` may raise whatever it likes. What it
    raises says nothing but that there is no answer.
    """
    try:
        return question()
    except Exception:
        return default
