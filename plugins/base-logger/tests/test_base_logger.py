"""BaseLogger, driven by a host without a framework."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import epochal
from epochal.state import dump_state, parse_state
from epochal.testing import FakeHost
from epochal_base_logger import BaseLogger


class Last(epochal.Callback):
    """Keeps the logs that come after BaseLogger."""

    priority = epochal.Priority.REPORT

    def __init__(self) -> None:
        self.epochs: list[dict[str, Any]] = []
        self.tests: list[dict[str, Any]] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epochs.append(dict(logs or {}))

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        self.tests.append(dict(logs or {}))


def _epoch(batches: list[dict[str, Any]], *stateful: str, base_logger: BaseLogger | None = None) -> dict[str, Any]:
    """Send one epoch of raw batches, as a hand-written loop does: the epoch's logs are BaseLogger's alone."""
    callback = base_logger or BaseLogger(stateful)
    callback.on_epoch_begin(0)
    for number, batch in enumerate(batches):
        callback.on_train_batch_end(number, batch)
    logs: dict[str, Any] = {}
    callback.on_epoch_end(0, logs)
    return logs


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.integers(1, 512), st.integers(1, 8)),
        min_size=1,
        max_size=250,
    )
)
def test_the_mean_is_weighted_by_size_and_steps(batches: list[tuple[float, int, int]]) -> None:
    logs = _epoch([{"loss": value, "size": size, "num_steps": steps} for value, size, steps in batches])
    total = sum(value * size * steps for value, size, steps in batches)
    weight = sum(size * steps for _, size, steps in batches)
    assert logs == {"loss": pytest.approx(total / weight, rel=1e-9, abs=1e-6)}


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_of_what_is_stateful_the_last_value_counts(values: list[float]) -> None:
    assert _epoch([{"auc": value, "size": 3} for value in values], "auc") == {"auc": values[-1]}


def test_a_batch_without_size_counts_as_one_example() -> None:
    assert _epoch([{"loss": 1.0}, {"loss": 4.0, "size": 2}]) == {"loss": 3.0}


def test_an_epoch_of_no_batches_adds_nothing() -> None:
    assert _epoch([]) == {}


def test_batches_of_no_examples_divide_by_nothing() -> None:
    assert _epoch([{"loss": 2.0, "size": 0}]) == {"loss": 0.0}


def test_a_metric_that_comes_in_some_batches_is_the_mean_of_those() -> None:
    assert _epoch([{"loss": 1.0}, {"loss": 3.0, "extra": 5.0}]) == {"extra": 5.0, "loss": 2.0}


def test_a_value_that_the_epoch_has_already_is_left() -> None:
    callback = BaseLogger()
    callback.on_epoch_begin(0)
    callback.on_train_batch_end(0, {"loss": 1.0})
    logs = {"loss": 9.0, "val_loss": 8.0}
    callback.on_epoch_end(0, logs)
    assert logs == {"loss": 9.0, "val_loss": 8.0}


def test_every_epoch_begins_anew_and_keys_are_sorted() -> None:
    callback = BaseLogger()
    _epoch([{"loss": 1.0, "accuracy": 0.5}], base_logger=callback)
    logs = _epoch([{"loss": 3.0, "accuracy": 0.7}], base_logger=callback)
    assert list(logs.items()) == [("accuracy", 0.7), ("loss", 3.0)]


@pytest.mark.parametrize("value", ["adam", [1, 2], None, np.array(["a", "b"])], ids=["text", "list", "None", "array"])
def test_the_last_value_counts_of_what_has_no_mean(value: Any) -> None:
    logs = _epoch([{"loss": 1.0, "name": "first"}, {"loss": 3.0, "name": value}])
    assert list(logs) == ["loss", "name"]
    assert logs["loss"] == 2.0
    assert logs["name"] is value


@pytest.mark.parametrize("name", ["size", "num_steps"])
@pytest.mark.parametrize("value", [None, "many", np.zeros(2)], ids=["None", "text", "array"])
def test_a_weight_that_is_no_number_is_an_error_that_names_it(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"'{name}' of a batch is .*, and it has to be a number"):
        _epoch([{"loss": 1.0, name: value}])


def test_values_of_every_example_are_an_error_that_names_them_and_tells_to_log_their_mean() -> None:
    with pytest.raises(ValueError, match=r"'loss' have the shapes \(3,\) and \(2,\).* log the mean of each batch"):
        _epoch([{"loss": np.ones(3)}, {"loss": np.ones(2)}])


def test_the_mean_of_arrays_is_taken_element_by_element() -> None:
    logs = _epoch([{"recall": np.array([0.0, 1.0]), "size": 3}, {"recall": np.array([1.0, 1.0]), "size": 1}])
    assert logs["recall"].tolist() == [0.25, 1.0]


def test_in_a_run_the_others_find_the_means_of_training_and_validation() -> None:
    last = Last()

    def values(epoch: int, batch: int) -> dict[str, Any]:
        return {"accuracy": float(batch), "auc": 10.0 + batch, "size": 1 + batch}

    host = FakeHost(BaseLogger(["auc"]), last, stateful_metrics=())
    host.fit(epochs=2, steps=3, validation_steps=2, values=values)
    train, validation = {"accuracy": (2 + 6) / 6, "auc": 12.0}, {"accuracy": 2 / 3, "auc": 11.0}
    assert last.tests == [validation] * 2
    assert last.epochs == [{**train, **{f"val_{key}": value for key, value in validation.items()}}] * 2


def test_where_every_metric_is_stateful_it_listens_to_no_batch() -> None:
    class Untouchable:
        def __float__(self) -> float:
            raise AssertionError("fetched")

    base_logger = BaseLogger()
    host = FakeHost(base_logger)
    run = host.fit(steps=3, values=lambda epoch, batch: {"loss": Untouchable() if batch < 2 else 0.5})
    assert run.outcome is not None
    assert run.outcome.status == "completed"


def test_nothing_is_fetched_before_a_hundred_batches_or_the_end() -> None:
    class Tensor:
        fetched = 0

        def __float__(self) -> float:
            Tensor.fetched += 1
            return 1.0

    callback = BaseLogger()
    callback.on_epoch_begin(0)
    for batch in range(99):
        callback.on_train_batch_end(batch, epochal.Logs({"loss": Tensor()}))
    assert Tensor.fetched == 0
    callback.on_train_batch_end(99, epochal.Logs({"loss": Tensor()}))
    assert Tensor.fetched == 100


def test_what_later_callbacks_write_into_a_batch_is_not_averaged() -> None:
    callback = BaseLogger()
    callback.on_epoch_begin(0)
    logs = epochal.Logs({"loss": 1.0})
    callback.on_train_batch_end(0, logs)
    logs["loss"] = 100.0
    written: dict[str, Any] = {}
    callback.on_epoch_end(0, written)
    assert written == {"loss": 1.0}


def test_one_name_in_the_place_of_several_is_an_error() -> None:
    with pytest.raises(TypeError, match=r"\['auc'\]"):
        BaseLogger(stateful_metrics="auc")


@pytest.mark.parametrize("wrong", [0, 1.5, (1, 2), b"auc", [None]])
def test_what_is_no_names_is_an_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"BaseLogger: stateful_metrics=.* has to be names of metrics"):
        BaseLogger(stateful_metrics=wrong)


def test_what_one_run_left_is_not_written_into_the_next() -> None:
    base_logger, last = BaseLogger(), Last()
    FakeHost(base_logger, stateful_metrics=()).fit(values=lambda epoch, batch: {"stale": 7.0})
    FakeHost(base_logger, last).fit(values=lambda epoch, batch: {"loss": 0.5})
    assert last.epochs == [{"loss": 0.5}]


@pytest.mark.parametrize("late", [False, True], ids=["before the run", "in on_train_begin"])
def test_an_epoch_that_goes_on_after_a_restart_has_the_means_of_one_that_was_never_stopped(late: bool) -> None:
    """The state is taken after two of four batches of the second epoch."""
    values: dict[int, dict[str, Any]] = {
        batch: {"loss": float(batch), "size": batch + 1, "auc": batch / 4} for batch in range(4)
    }
    taken: list[bytes] = []

    class Take(epochal.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                taken.append(dump_state(whole.state_dict()))

    whole, seen = BaseLogger(["auc"]), Last()
    FakeHost(whole, Take(), seen, stateful_metrics=()).fit(
        epochs=2, steps=4, values=lambda epoch, batch: {**values[batch], "loss": values[batch]["loss"] + epoch}
    )

    resumed, rest = BaseLogger(["auc"]), Last()
    state = parse_state(taken[-1])

    class Restore(epochal.Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            resumed.load_state_dict(state)

    if not late:
        resumed.load_state_dict(state)
        assert resumed.state_dict() == state
    FakeHost(resumed, *[Restore()] * late, rest, stateful_metrics=()).fit(
        epochs=2,
        initial_epoch=1,
        steps=2,
        values=lambda epoch, batch: {**values[batch + 2], "loss": values[batch + 2]["loss"] + epoch},
    )
    assert rest.epochs[0] == seen.epochs[1]


def test_an_epoch_that_begins_after_a_restart_has_means_of_its_own() -> None:
    first, seen = BaseLogger(), Last()
    FakeHost(first, stateful_metrics=()).fit(epochs=1, values=lambda epoch, batch: {"loss": 9.0})
    second = BaseLogger()
    second.load_state_dict(first.state_dict())
    FakeHost(second, seen, stateful_metrics=()).fit(
        epochs=2, initial_epoch=1, values=lambda epoch, batch: {"loss": 1.0}
    )
    assert seen.epochs == [{"loss": 1.0}]


def test_what_is_no_state_is_refused() -> None:
    good: dict[str, Any] = {"epoch": 1, "totals": {"loss": 1.0}, "weights": {"loss": 2.0}}
    wrong = [
        *({"epoch": 1}, None, good | {"epoch": -1}, good | {"epoch": "1"}, good | {"totals": {"loss": "x"}}),
        *(good | {"totals": []}, good | {"weights": {"loss": None}}, good | {"weights": {}}),
    ]
    for means in wrong:
        logger = BaseLogger()
        with pytest.raises(epochal.StateError, match=r"^this is not a state of BaseLogger: means="):
            logger.load_state_dict({"means": means})
        assert logger.state_dict() == BaseLogger().state_dict()
    BaseLogger().load_state_dict({"means": good})


def test_names_that_are_set_between_two_fits_count_in_the_second() -> None:
    logger = BaseLogger()
    for names, expected in ([], 1.5), (["auc"], 2.0):
        logger.stateful_metrics = names
        batches = [{"auc": 1.0}, {"auc": 2.0}]
        assert _epoch(batches, base_logger=logger)["auc"] == expected
