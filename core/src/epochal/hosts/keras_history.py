"""Our History as an instance of Keras's class too. Importing this module imports Keras."""

from __future__ import annotations

from typing import Any

import keras


def adopt_history(history: Any) -> None:
    """Make a History of ours an instance of Keras's class too, as whoever gets it from `fit` may expect.

    KerasTuner refuses anything else. The object stays the same; only its class gets Keras's as a further base.
    """
    if not isinstance(history, keras.callbacks.History):
        history.__class__ = _keras_history(type(history))


_keras_kinds: dict[type, type] = {}


def _keras_history(kind: type) -> type:
    if kind not in _keras_kinds:
        namespace = {"__module__": kind.__module__, "__qualname__": kind.__qualname__, "__reduce_ex__": _reduce}
        _keras_kinds[kind] = type(kind.__name__, (kind, keras.callbacks.History), namespace)
    return _keras_kinds[kind]


def _reduce(history: Any, _protocol: Any) -> tuple[Any, ...]:
    """Copy and pickle as the class that can be imported."""
    return _blank, (type(history).__bases__[0],), history.__getstate__()


def _blank(kind: Any) -> Any:
    return kind.__new__(kind)
