"""A list of callbacks of which some declare no priority, with real Keras: what Keras's list order promises holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import pytest

import epochal
from epochal_early_stopping import EarlyStopping
from epochal_lambda_callback import LambdaCallback
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau

if TYPE_CHECKING:
    from collections.abc import Callable

Data = tuple[Any, Any]

pytestmark = pytest.mark.filterwarnings("ignore:.*monitors 'f1', and the model does not report it")


class F1Metric(keras.callbacks.Callback):  # type: ignore[misc]  # Keras has no types
    """Writes a value that never gets better."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["f1"] = 0.5


def plateau(kind: Any = ReduceLROnPlateau) -> Any:
    return kind(monitor="f1", mode="max", factor=0.5, patience=1)


def train_in_loop(model: Any, data: Data, callbacks: list[Any]) -> None:
    with epochal.loop(model, epochs=3, verbose=0, callbacks=callbacks) as run:
        for _ in run.epochs():
            run.log(loss=1.0)


HOSTS: dict[str, Callable[[Any, Data, list[Any]], Any]] = {
    "epochal.fit": lambda model, data, callbacks: epochal.fit(model, *data, epochs=3, verbose=0, callbacks=callbacks),
    "epochal.callbacks": lambda model, data, callbacks: model.fit(
        *data, epochs=3, verbose=0, callbacks=epochal.callbacks(*callbacks)
    ),
    "bare": lambda model, data, callbacks: model.fit(*data, epochs=3, verbose=0, callbacks=callbacks),
    "loop": train_in_loop,
}


@pytest.fixture(scope="module")
def shared() -> Any:
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("writer", ["Keras callback", "LambdaCallback"])
def test_a_value_that_a_callback_writes_is_there_for_those_behind_it(
    shared: Any, data: Data, host: str, writer: str
) -> None:
    def write(epoch: int, logs: Any) -> None:
        logs["f1"] = 0.5

    first = F1Metric() if writer == "Keras callback" else LambdaCallback(on_epoch_end=write)
    shared.optimizer.learning_rate = 0.08
    HOSTS[host](shared, (data[0][:4], data[1][:4]), [first, plateau()])
    assert float(shared.optimizer.learning_rate) == pytest.approx(0.02)  # halved in two of the three epochs


def test_the_reason_stands_in_the_order_of_the_run(shared: Any, data: Data) -> None:
    history = epochal.fit(shared, *data, verbose=0, callbacks=[F1Metric(), plateau()])
    reasons = {place.name: place.reason for place in history.run.order}
    assert reasons["f1_metric"] == (
        "priority 30 (SCHEDULE), listed before reduce_lr_on_plateau, given in code as number 1"
    )


@pytest.mark.parametrize("host", ["epochal.fit", "epochal.callbacks", "loop"])
def test_the_same_object_twice_runs_once(shared: Any, data: Data, host: str) -> None:
    stop = EarlyStopping("loss", baseline=-1.0, patience=99)
    with pytest.warns(UserWarning, match="the same EarlyStopping object is passed more than once"):
        HOSTS[host](shared, (data[0][:4], data[1][:4]), [stop, stop])
    assert stop.wait == 3


def test_an_object_that_is_in_the_list_and_in_ours_runs_once(shared: Any, data: Data) -> None:
    before, behind = (EarlyStopping("loss", baseline=-1.0, patience=99) for _ in range(2))
    ours = epochal.callbacks(before, behind)
    with pytest.warns(UserWarning, match="more than once") as warned:
        history = shared.fit(*data, epochs=3, verbose=0, callbacks=[before, *ours, behind, ours[0]])
    assert (before.wait, behind.wait, len(history.epoch)) == (3, 3, 3)
    assert len({str(warning.message) for warning in warned}) == 2
    assert history.run.outcome.status == "completed"
