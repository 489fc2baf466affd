"""ProgbarLogger."""

from __future__ import annotations

import contextlib
import io
import re
from typing import Any

import keras

from . import behaviour


@behaviour(
    "progbar_logger",
    "A log file holds lines",
    keras="It draws its bar into files too: control characters for every step, 39.6 kB and 12,123 backspaces for 1,000 "
    "steps.",
    ours="In a file there is one line an epoch, whatever the number of steps.",
)
def a_file_holds_lines(ProgbarLogger: Any, model: Any, data: Any) -> None:
    file = io.StringIO()
    with contextlib.redirect_stdout(file):
        model.fit(*data, batch_size=1, epochs=2, verbose="auto", callbacks=[ProgbarLogger()])
    assert not set(file.getvalue()) & {"\b", "\r", "\x1b"}
    assert len([line for line in file.getvalue().splitlines() if line.startswith("Epoch")]) == 2


@behaviour(
    "progbar_logger",
    "One object shows fit, then evaluate",
    keras="Once it was used in a fit it takes every evaluation for the validation of a fit, and shows nothing.",
    ours="The same object shows fit, evaluate and predict, as often as they are called.",
)
def it_shows_evaluate_too(ProgbarLogger: Any, model: Any, data: Any) -> None:
    bar, file = ProgbarLogger(), io.StringIO()
    model.fit(*data, verbose=0, callbacks=[bar])
    with contextlib.redirect_stdout(file):
        model.evaluate(*data, verbose=1, callbacks=[bar])
    assert len([line for line in file.getvalue().splitlines() if "loss" in line]) == 1
    assert not set(file.getvalue()) & {"\b", "\r", "\x1b"}


@behaviour(
    "progbar_logger",
    "Values stand below each other, the loss first",
    keras="Values follow one another at places that depend on their lengths, sorted by name: `accuracy` before `loss`.",
    ours="Every value stands at the same place in every epoch: `loss`, the other metrics, `val_loss`, the other "
    "`val_…`. On a terminal and in a notebook they have one header.",
)
def values_stand_below_each_other(ProgbarLogger: Any, model: Any, data: Any) -> None:
    file = io.StringIO()
    late = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(a=1e-7**epoch))
    with contextlib.redirect_stdout(file):
        model.fit(*data, epochs=2, verbose=2, validation_data=data, callbacks=[late, ProgbarLogger()])
    lines = [line for line in file.getvalue().splitlines() if "val_loss" in line and "/step" in line]
    assert len(lines) == 2
    for names in (("loss", "a"), ("a", "val_loss")):
        before, after = ([re.search(rf"(?<!\w){name}\b", line) for line in lines] for name in names)
        assert all(left and right and left.start() < right.start() for left, right in zip(before, after, strict=True))
    assert len({line.index("val_loss") for line in lines}) == 1
