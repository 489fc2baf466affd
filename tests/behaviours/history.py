"""History."""

from __future__ import annotations

from typing import Any

import keras

import epochal

from . import behaviour


@behaviour(
    "history",
    "After a second fit epochs and values are still in step",
    keras="`epoch` begins anew, `history` goes on: 2 epochs against 4 values.",
    ours="Both go on.",
)
def a_second_fit_stays_in_step(History: Any, model: Any, data: Any) -> None:
    history = History()
    for _ in range(2):
        model.fit(*data, epochs=2, verbose=0, callbacks=[history])
    assert len(history.epoch) == len(history.history["loss"]) == 4


@behaviour(
    "history",
    "What a later callback adds to the epoch is in it",
    keras="It records when its turn comes. What callbacks behind it add to the logs is lost.",
    ours="It is second in the order, so that everybody can read it, and records once more when the epoch is final.",
    fails_with=KeyError,
)
def late_keys_are_recorded(History: Any, model: Any, data: Any) -> None:
    class Late(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["late"] = 1.0

    history = History()
    x, y = data
    epochal.fit(model, x, y, verbose=0, callbacks=[history, Late()])
    assert history.history["late"] == [1.0]


@behaviour(
    "history",
    "Metrics that come every other epoch stay aligned with the others",
    keras="There are lists of different lengths, and nothing tells which value belongs to which epoch.",
    ours="`to_rows()` has a row for every epoch, with None where a metric did not come; `to_frame()` is a DataFrame.",
    fails_with=AttributeError,
)
def rare_metrics_are_aligned(History: Any, model: Any, data: Any) -> None:
    history = History()
    model.fit(*data, epochs=3, verbose=0, validation_split=0.5, validation_freq=2, callbacks=[history])
    assert [row["val_loss"] is None for row in history.to_rows()] == [True, False, True]


@behaviour(
    "history",
    "A plot is one call",
    keras="There is none; everybody writes it anew.",
    ours="`plot()` gives a figure of matplotlib, every metric beside that of validation.",
    fails_with=AttributeError,
)
def a_plot_is_one_call(History: Any, model: Any, data: Any) -> None:
    history = History()
    model.fit(*data, epochs=2, verbose=0, validation_split=0.5, callbacks=[history])
    figure = history.plot(["loss"])
    assert [line.get_label() for line in figure.axes[0].lines] == ["loss", "val_loss"]
