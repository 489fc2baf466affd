"""Models with a `fit` of their own, which treats the callbacks as the list that a caller of Keras's would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import pytest

import epochal

from .recording import KerasRecorder

if TYPE_CHECKING:
    from collections.abc import Callable

Data = tuple[Any, Any]

JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "added": lambda given, extra: given + [extra],  # noqa: RUF005
    "added in place": lambda given, extra: given.__iadd__([extra]),
    "appended": lambda given, extra: given.append(extra) or given,
    "extended": lambda given, extra: given.extend([extra]) or given,
    "inserted behind": lambda given, extra: given.insert(1, extra) or given,
    "added in front": lambda given, extra: [extra] + given,  # noqa: RUF005
    "inserted": lambda given, extra: given.insert(0, extra) or given,
    "a list": lambda given, extra: [*given, extra],
    "a list in front": lambda given, extra: [extra, *given],
}


class Ending(epochal.Callback):
    def __init__(self) -> None:
        self.outcomes: list[str] = []

    def on_run_end(self, outcome: epochal.Outcome) -> None:
        self.outcomes.append(outcome.status)


def special(join: Callable[[Any], Any]) -> Any:
    class Special(keras.Sequential):  # type: ignore[misc]  # Keras has no types
        def fit(self, *args: Any, callbacks: Any = None, **kwargs: Any) -> Any:
            if callbacks is not None and len(callbacks):
                callbacks = join(callbacks)
            return super().fit(*args, callbacks=callbacks, **kwargs)

    model = Special([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize("way", JOINS)
def test_what_a_models_own_fit_adds_takes_part(way: str, data: Data, capsys: pytest.CaptureFixture[str]) -> None:
    extra, ending = KerasRecorder(), Ending()
    model = special(lambda given: JOINS[way](given, extra))
    history = epochal.fit(model, *data, epochs=2, verbose=2, validation_split=0.2, callbacks=[ending])
    assert history is model.history
    assert isinstance(history, keras.callbacks.History)
    assert (history.epoch, list(history.history)) == ([0, 1], ["loss", "val_loss"])
    assert history.params == {"verbose": 2, "epochs": 2, "steps": 1}
    assert ending.outcomes == ["completed"]
    assert [event for event, *_ in extra.calls].count("on_epoch_end") == 2
    assert capsys.readouterr().out.count("Epoch 2/2") == 1
    order = [each for each in history.run.callbacks.values() if each in (extra, ending)]
    if "list" in way:
        assert order == [ending]  # Keras drives the other
    else:
        assert order == ([extra, ending] if way in ("added in front", "inserted") else [ending, extra])


@pytest.mark.parametrize("way", ["added", "a list"])
def test_an_error_ends_the_run_however_the_list_was_made(way: str, data: Data) -> None:
    class Failing(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            raise RuntimeError("no more")

    ending = Ending()
    model = special(lambda given: JOINS[way](given, Failing()))
    with pytest.raises(RuntimeError, match="no more"):
        epochal.fit(model, *data, verbose=0, callbacks=[ending])
    assert ending.outcomes == ["failed"]


def test_looking_at_the_callbacks_changes_nothing(data: Data) -> None:
    ending = Ending()
    model = special(lambda given: [each for each in given if each is None] or given)
    history = epochal.fit(model, *data, epochs=2, verbose=0, callbacks=[ending])
    assert (history.epoch, ending.outcomes) == ([0, 1], ["completed"])


def test_nothing_can_be_added_once_the_run_goes_on(data: Data) -> None:
    seen: dict[str, Any] = {}

    class Late(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
        def on_train_begin(self, logs: Any = None) -> None:
            seen["given"].append(KerasRecorder())

    model = special(lambda given: seen.setdefault("given", given))
    with pytest.raises(epochal.RunError, match="until the run begins"):
        epochal.fit(model, *data, verbose=0, callbacks=[Late()])
