"""Which metrics a Keras model reports, under which keys of the logs, and in which direction each is better.

Keras names them when it has seen a batch, in `CompileMetrics.result`; the rules of that method stand here once more, so
that the keys are known before, and so that the metric behind a key is.
"""

from __future__ import annotations

import sys
from collections import Counter
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .base import direction_by_name
from .keras_code import changes_training, is_own, mentions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# The methods of a model that decide what it reports in training, and in validation.
_REPORTING = ("train_step", "compute_metrics", "get_metrics_result", "make_train_function")
_EVALUATING = ("evaluate", "test_step", "make_test_function")


def log_keys(model: Any) -> frozenset[str] | None:
    """Return the keys that the logs will have in training, without those of validation; None if not known."""
    if not getattr(model, "compiled", False) or not all(_is_keras_own(model, name) for name in _REPORTING):
        return None
    try:
        return frozenset(_keys(model))
    except Exception:  # of the result of a metric of the user's, before its first batch, or of Keras's own parts
        return None


def validation_keys(model: Any) -> frozenset[str] | None:
    """Return the keys that an evaluation gives, without `val_`; None if not known."""
    return log_keys(model) if all(_is_keras_own(model, name) for name in _EVALUATING) else None


def are_certain(model: Any) -> bool:
    """Return whether nothing in the code of a model, its layers and its metrics can give other keys than `log_keys`."""
    if not isinstance(model, sys.modules["keras"].Model):
        return False
    parts = _parts(model)
    metrics = [part for part in parts if isinstance(part, sys.modules["keras"].Metric)]
    return not (changes_training(model) or any(map(is_own, metrics)) or mentions(parts, "metric"))


def may_log_validation(model: Any) -> bool:
    """Return whether a training step may give a `val_…` key without any validation, by code of the user's own.

    Nobody names a metric of training so, but it can be done; then the name stands in some code of the model.
    """
    if not isinstance(model, sys.modules["keras"].Model):
        return True
    drives_itself = not all(_is_keras_own(model, name) for name in ("fit", "evaluate"))
    named = any(key.startswith("val_") for key, _ in named_metrics(model))
    return drives_itself or named or mentions(_parts(model), "val_")


def _parts(model: Any) -> list[Any]:
    """Return a model, its layers, and all metrics that are known, also those that `compile` was given."""
    compiled = getattr(model, "_compile_metrics", None)
    given = [] if compiled is None else [compiled._user_metrics, compiled._user_weighted_metrics]
    leaves = _leaves([list(each.values()) if isinstance(each, dict) else each for each in given])
    metrics = [each for each in leaves if isinstance(each, sys.modules["keras"].Metric)]
    return [model, *model._flatten_layers(include_self=False), *(each for _, each in named_metrics(model)), *metrics]


def direction_of(model: Any, key: str) -> str | None:
    """Return whether less ("min") or more ("max") of what is reported under a key is better; None if not known.

    Keras's metrics declare it. The name of any other may leave no doubt; so may that of a key about which nothing is
    known. A key that is known not to come is misspelt, and then nothing is guessed, but for a loss.
    """
    for name, metric in named_metrics(model):
        if name == key:
            declared = {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))
            return declared or direction_by_name(key)
    for _, metric in named_metrics(model):
        if metric.name == key and hasattr(
            metric, "_direction"
        ):  # without its output's name, which Keras leaves out too
            return "max" if metric._direction == "up" else "min"
    known = log_keys(model)
    if known is not None and key in known:  # named in `compile`, and not built before the first batch
        return _declared_direction(model, key) or direction_by_name(key)
    if known is None or key.endswith("_loss"):
        return direction_by_name(key)
    return None


def named_metrics(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield the metrics of a model that are known by now, each with its key."""
    if not isinstance(model, sys.modules["keras"].Model):  # in a loop only the optimizer may be Keras's
        return
    for metric in model.metrics:
        if metric is getattr(model, "_compile_metrics", None):
            yield from _named_compiled(metric)
        else:
            yield metric.name, metric


def _named_compiled(compiled: Any) -> Iterator[tuple[str, Any]]:
    """Yield the metrics of `compile`, named as `CompileMetrics.result` names them."""
    if not compiled.built:
        return
    taken: Counter[str] = Counter()
    for lists, mark in ((compiled._flat_metrics, ""), (compiled._flat_weighted_metrics, "weighted_")):
        for each in filter(None, lists):
            output = f"{each.output_name}_" if each.output_name else ""
            for metric in each.metrics:
                name = f"{output}{metric.name}"
                if name in taken:
                    name = f"{output}{mark}{metric.name}"
                taken[name] += 1
                yield (name if taken[name] == 1 else f"{name}_{taken[name] - 1}"), metric


class _NotKnownError(Exception):
    """What a model reports shows with its first batch only."""


def _keys(model: Any) -> Iterator[str]:
    compiled, loss = model._compile_metrics, model._compile_loss
    pending = [part for part in (compiled, loss) if part is not None and not part.built]
    if pending:
        _require_one_output(model, loss)
    for key, metric in named_metrics(model):
        yield from _keys_of(key, metric)
    if compiled in pending:
        yield from _declared_keys(compiled)


def _keys_of(key: str, metric: Any) -> Iterable[str]:
    """Return the keys of one metric: what gives a dict has those of the dict."""
    if _package(metric) == "keras" or not hasattr(metric, "result"):
        return (key,)  # no metric of Keras gives a dict, and some have no result before their first batch
    result = metric.result()
    return _flat_keys(result) if isinstance(result, dict) else (key,)


def _flat_keys(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        yield from _flat_keys(value) if isinstance(value, dict) else (key,)


def _require_one_output(model: Any, loss: Any) -> None:
    """See to it that a model which has not seen a batch has one output and one loss.

    With several Keras names metrics after the outputs. And a layer of the user's may bring metrics when it is built.
    """
    layers = list(model._flatten_layers())
    if any(_package(layer) != "keras" and not layer.built for layer in layers) or _package(model) != "keras":
        raise _NotKnownError
    if loss is not None and len(_leaves(loss._user_loss)) > 1:
        raise _NotKnownError
    # A Sequential that is not built yet knows no outputs; it has one, unless its last layer gives its state too.
    if len(model.outputs) != 1 if model.built else getattr(layers[-1], "return_state", False):
        raise _NotKnownError


def _declared_keys(compiled: Any) -> Iterator[str]:
    """Yield the keys of metrics that are declared and not built yet, for one output."""
    declared = [*_leaves(compiled._user_metrics), *_leaves(compiled._user_weighted_metrics)]
    names = [_declared_name(each) for each in declared]
    if len(set(names)) < len(names):
        raise _NotKnownError
    for name, metric in zip(names, declared, strict=True):
        yield from _keys_of(name, metric)


def _declared_direction(model: Any, key: str) -> str | None:
    """Return the direction of a metric that `compile` was given.

    A metric declares it, and for a text Keras's class of that name does.
    """
    compiled = model._compile_metrics
    declared = [*_leaves(compiled._user_metrics), *_leaves(compiled._user_weighted_metrics)] if compiled else []
    metric = next((each for each in declared if _declared_name(each) == key), None)
    if getattr(metric, "__module__", "").startswith("keras.src.losses"):
        return "min"  # a function or a loss; so does Keras when it makes a metric of it
    if isinstance(metric, str):
        try:
            metric = sys.modules["keras"].metrics.get(metric)
        except ValueError:  # Keras knows "acc" in `compile` only
            return None
    return {"up": "max", "down": "min"}.get(getattr(metric, "_direction", ""))


def _declared_name(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    if isinstance(metric, (type, dict)):  # it gets its name when it is made
        raise _NotKnownError
    name: str = import_module("keras.src.utils.naming").get_object_name(metric)
    return name


def _leaves(nested: Any) -> list[Any]:
    """Return what is in nested lists and tuples."""
    if isinstance(nested, (list, tuple)):
        return [leaf for each in nested for leaf in _leaves(each)]
    return [] if nested is None else [nested]


def _is_keras_own(model: Any, method: str) -> bool:
    return getattr(getattr(model, method, None), "__func__", None) is getattr(sys.modules["keras"].Model, method)


def _package(thing: Any) -> str:
    return type(thing).__module__.partition(".")[0]
