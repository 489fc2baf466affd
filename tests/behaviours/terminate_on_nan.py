"""TerminateOnNaN."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import epochal

from . import behaviour


def _spoilt(data: Any) -> tuple[Any, Any]:
    """Make the 20th example NaN: with batches of 8 the loss is NaN in the third."""
    x = data[0].copy()
    x[19] = math.nan
    return x, data[1]


@behaviour(
    "terminate_on_nan",
    "A training that was ended by NaN has failed",
    keras="It stops training as EarlyStopping does, so everybody takes it for a success: BackupAndRestore deletes its "
    "backup.",
    ours="The outcome of the run is `failed`, which every callback is told at its end.",
)
def the_outcome_is_failed(TerminateOnNaN: Any, model: Any, data: Any) -> None:
    history = epochal.fit(model, *_spoilt(data), epochs=3, verbose=0, callbacks=[TerminateOnNaN()])
    assert history.epoch == [0]
    assert history.run.outcome.status == "failed"


@behaviour(
    "terminate_on_nan",
    "The batch is named as the progress bar counts it, and the epoch too",
    keras='"Batch 2: Invalid loss" means the third batch, of an epoch that it does not name.',
    ours="The value, the batch and the epoch are named, counted from 1.",
)
def the_batch_and_the_epoch_are_named(TerminateOnNaN: Any, model: Any, data: Any, capsys: Any) -> None:
    model.fit(*_spoilt(data), batch_size=8, shuffle=False, verbose=0, callbacks=[TerminateOnNaN()])
    assert "Loss is nan at batch 3 of epoch 1" in capsys.readouterr().out


@behaviour(
    "terminate_on_nan",
    "A loss that is not in the logs is said",
    keras="Where a `train_step` reports its loss under another name, nothing is looked at, in silence.",
    ours="It warns, once, and lists what there is.",
)
def a_missing_loss_is_said(TerminateOnNaN: Any) -> None:
    callback = TerminateOnNaN()
    callback.on_train_begin()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for batch in range(3):
            callback.on_batch_end(batch, {"total_loss": np.nan})
    assert len(said) == 1
    assert "There are: total_loss" in str(said[0].message)
