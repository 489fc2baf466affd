"""LambdaCallback."""

from __future__ import annotations

from typing import Any

import pytest

from . import behaviour


@behaviour(
    "lambda_callback",
    "A misspelt event is an error",
    keras="Any keyword is taken. A function for an event that does not exist is never called, without a word.",
    ours="It is an error at once, with the nearest name.",
    fails_with=pytest.fail.Exception,
)
def misspelt_events_are_errors(LambdaCallback: Any) -> None:
    with pytest.raises(TypeError, match="Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_ends=lambda epoch, logs: logs["loss"])


@behaviour(
    "lambda_callback",
    "What cannot be called is an error before anything is trained",
    keras="A value that is no function, or a function of other arguments, fails when its event comes: after an epoch.",
    ours="It is an error where it is given.",
    fails_with=pytest.fail.Exception,
)
def wrong_functions_are_errors(LambdaCallback: Any) -> None:
    for wrong in ("no function", lambda epoch: epoch + 1):
        with pytest.raises(TypeError, match="on_epoch_end"):
            LambdaCallback(on_epoch_end=wrong)


@behaviour(
    "lambda_callback",
    "The arguments of a function for batches have any name",
    keras="The logs are given by name, so a function that calls them otherwise fails with the first batch.",
    ours="They are given by position where they have another name.",
    fails_with=TypeError,
)
def arguments_have_any_name(LambdaCallback: Any, model: Any, data: Any) -> None:
    batches: list[int] = []
    model.fit(*data, verbose=0, callbacks=[LambdaCallback(on_train_batch_end=lambda b, _: batches.append(b))])
    assert batches == [0, 1]
