"""What `strategy.run` gives once a replica, made one value of each."""

from __future__ import annotations

import sys
from typing import Any


def merge_replicas(values: dict[str, Any], size: str = "size") -> dict[str, Any]:
    """Make one value of each that `strategy.run` gave once a replica.

    `size` is summed over the replicas; everything else is averaged, weighted by the replicas' sizes where `size` came
    once a replica too. The arithmetic is the framework's own, so nothing is fetched from the device.

    Args:
        values: Names to values; one with a value a replica has them as the tuple `.values`.
        size: The name of the batch size.
    """
    sizes = _replicas(values.get(size))
    merged = {}
    for name, value in values.items():
        replicas = _replicas(value)
        if replicas is None:
            merged[name] = value
        elif name == size:
            merged[name] = sum(replicas[1:], replicas[0])
        else:
            merged[name] = _mean(replicas, sizes)
    return merged


def _replicas(value: Any) -> tuple[Any, ...] | None:
    """Return the values of TensorFlow's PerReplica (and its like), None for anything else."""
    values = getattr(value, "values", None)
    return values if isinstance(values, tuple) and values else None


def _mean(values: tuple[Any, ...], sizes: tuple[Any, ...] | None) -> Any:
    if sizes is None or len(sizes) != len(values):
        return sum(values[1:], values[0]) / len(values)
    weighted = [value * _like(size, value) for value, size in zip(values, sizes, strict=True)]
    total = sum(sizes[1:], sizes[0])
    return sum(weighted[1:], weighted[0]) / _like(total, values[0])


def _like(number: Any, tensor: Any) -> Any:
    """Bring a tensor of sizes to the type of the values; TensorFlow multiplies no int by a float."""
    dtype = getattr(tensor, "dtype", None)
    if dtype is not None and hasattr(number, "dtype") and number.dtype != dtype:
        return sys.modules["tensorflow"].cast(number, dtype)
    return number
