"""BaseLogger, against tf-keras 2's."""

from __future__ import annotations

from typing import Any

from . import behaviour

_TF_KERAS = "tf_keras.callbacks:BaseLogger"


def _mean(callback: Any, *batches: dict[str, float], **params: Any) -> float:
    """Send the batches of one epoch; gives the loss that the callback writes into the epoch's logs."""
    callback.set_params({"epochs": 1, "steps": len(batches), "verbose": 0, **params})
    callback.on_epoch_begin(0)
    for number, logs in enumerate(batches):
        callback.on_train_batch_end(number, logs)
    logs = {}
    callback.on_epoch_end(0, logs)
    return logs["loss"]


@behaviour(
    "base_logger",
    "It works with what fit tells a callback",
    keras="tf-keras reads `params['metrics']`, which fit has not given since TensorFlow 2.2: KeyError.",
    ours="It averages what comes in the logs.",
    fails_with=KeyError,
    keras_class=_TF_KERAS,
)
def needs_no_list_of_metrics(BaseLogger: Any) -> None:
    assert _mean(BaseLogger(), {"loss": 1.0, "size": 3}, {"loss": 2.0, "size": 1}) == 1.25


@behaviour(
    "base_logger",
    "A batch of several steps counts for all of them",
    keras="tf-keras counts the examples of all steps and adds the values of one: the mean comes out too small.",
    ours="The weight of a batch is its examples times its steps, above and below the line.",
    keras_class=_TF_KERAS,
)
def several_steps_count(BaseLogger: Any) -> None:
    batches = [{"loss": 1.0, "size": 4, "num_steps": 2}, {"loss": 1.0, "size": 4, "num_steps": 2}]
    assert _mean(BaseLogger(), *batches, metrics=["loss"]) == 1.0


@behaviour(
    "base_logger",
    "A batch that does not tell its size counts as one example",
    keras="tf-keras counts it as none: ZeroDivisionError at the end of the epoch.",
    ours="Every such batch has weight 1.",
    fails_with=ZeroDivisionError,
    keras_class=_TF_KERAS,
)
def a_batch_without_a_size_counts(BaseLogger: Any) -> None:
    assert _mean(BaseLogger(), {"loss": 1.0}, {"loss": 2.0}, metrics=["loss"]) == 1.5


@behaviour(
    "base_logger",
    "An epoch without examples has a mean too",
    keras="Batches that are all empty are a ZeroDivisionError at the end of the epoch.",
    ours="The mean of nothing is 0.",
    fails_with=ZeroDivisionError,
    keras_class=_TF_KERAS,
)
def nothing_is_divided_by(BaseLogger: Any) -> None:
    assert _mean(BaseLogger(), {"loss": 1.0, "size": 0}, metrics=["loss"]) == 0.0
