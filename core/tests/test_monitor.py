"""The metric that a callback watches."""

from __future__ import annotations

import copy
import math
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from epochal import Callback, Priority, RunError
from epochal.logs import Logs
from epochal.monitor import Monitor, MonitorCallback
from epochal.settings.names import snake_case
from epochal.testing import BareHost, FakeHost, FakeModel

if TYPE_CHECKING:
    from collections.abc import Callable

# Eighths, so that sums and differences are exact.
VALUES = st.integers(-80, 80).map(lambda eighths: eighths / 8) | st.sampled_from([math.inf, -math.inf, math.nan])
DELTAS = st.integers(-40, 40).map(lambda eighths: eighths / 8)
DIRECTIONS = st.sampled_from(["min", "max"])


class Watcher(Callback):
    """Keeps the best value of what it watches."""

    def __init__(self, metric: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        self._monitor = Monitor(self, metric, mode, min_delta)
        self.best: float | None = None
        self.values: list[float | None] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self._monitor.begin()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = self._monitor.read(logs)
        self.values.append(value)
        if value is not None and self._monitor.is_better(value, self.best):
            self.best = value


def _watching(
    metric: str, mode: str = "auto", metrics: dict[str, str | None] | None = None, min_delta: float = 0.0
) -> Monitor:
    owner = Callback()
    owner.set_model(FakeModel(metrics=metrics))
    return Monitor(owner, metric, mode, min_delta)


# Which of two values is better


def _plainly_better(value: float, reference: float | None, direction: str, min_delta: float) -> bool:
    """State the rule once more: the gain has to be larger than `min_delta`; NaN is no value."""
    if math.isnan(value):
        return False
    if reference is None or math.isnan(reference):
        return True
    gain = reference - value if direction == "min" else value - reference
    return gain > abs(min_delta)


@given(VALUES, VALUES | st.none(), DIRECTIONS, DELTAS)
@example(math.nan, None, "min", 0.0)
@example(math.inf, math.nan, "min", 0.0)
@example(math.inf, math.inf, "max", 0.0)
def test_better_is_what_gains_more_than_min_delta(
    value: float, reference: float | None, direction: str, min_delta: float
) -> None:
    monitor = _watching("score", direction, min_delta=min_delta)
    assert monitor.is_better(value, reference) is _plainly_better(value, reference, direction, min_delta)


@given(st.floats(), st.floats() | st.none(), DIRECTIONS, st.floats(allow_nan=False, allow_infinity=False))
def test_the_sign_of_min_delta_does_not_matter_and_nothing_is_better_than_itself(
    value: float, reference: float | None, direction: str, min_delta: float
) -> None:
    one, other = (_watching("score", direction, min_delta=delta) for delta in (min_delta, -min_delta))
    assert one.min_delta == other.min_delta >= 0
    assert one.is_better(value, reference) is other.is_better(value, reference)
    assert not one.is_better(value, value) or math.isnan(value)
    assert not one.is_better(math.nan, reference)


@given(st.lists(VALUES), DIRECTIONS)
def test_the_best_of_a_run_is_its_least_or_largest_number(values: list[float], direction: str) -> None:
    watcher = Watcher("score", direction)
    FakeHost(watcher).fit(epochs=len(values), steps=1, values=lambda epoch, _: {"score": values[epoch]})
    numbers = [value for value in values if not math.isnan(value)]
    assert watcher.best == ({"min": min, "max": max}[direction](numbers) if numbers else None)


# Which direction is better


@pytest.mark.parametrize(
    ("metric", "metrics", "direction"),
    [
        ("loss", None, "min"),
        ("val_loss", None, "min"),
        ("loss", {"loss": "max"}, "min"),
        ("val_f1", {"f1": "max"}, "max"),
        ("f1", {"f1": "max"}, "max"),
        ("perplexity", {"perplexity": "min"}, "min"),
        ("accuracy", {"accuracy": "min"}, "min"),
        ("val_accuracy", None, "max"),
        ("val_auc", None, "max"),
        ("sparse_categorical_acc", None, "max"),
        ("val_out_loss", None, "min"),
        ("mean_squared_error", None, "min"),
    ],
)
def test_auto_finds_the_direction(metric: str, metrics: Any, direction: str) -> None:
    monitor = _watching(metric, metrics=metrics)
    assert monitor.direction is None
    assert monitor.is_better(0.0, 1.0) is (direction == "min")
    assert monitor.is_better(1.0, 0.0) is (direction == "max")
    assert monitor.direction == direction


@pytest.mark.parametrize("metric", ["val_score", "mse", "lossy"])
def test_a_direction_that_nothing_tells_is_an_error(metric: str) -> None:
    declared: dict[str, str | None] = {metric.removeprefix("val_"): None}
    for metrics in (None, declared):
        monitor = _watching(metric, metrics=metrics)
        with pytest.raises(
            ValueError, match=f"^Callback monitors '{metric}', and nothing tells whether less or more of it is better"
        ):
            monitor.is_better(1.0, None)


def test_auto_looks_anew_when_a_run_begins_as_the_model_may_be_another() -> None:
    watcher = Watcher("score")
    for direction, best in (("max", 2.0), ("min", 1.0)):
        watcher.best = None
        host = FakeHost(watcher, model=FakeModel(metrics={"score": direction}))
        host.fit(epochs=2, values=lambda epoch, _: {"score": 1.0 + epoch})
        assert watcher.best == best


def test_a_mode_that_is_given_counts_whatever_the_model_declares() -> None:
    monitor = _watching("f1", "min", {"f1": "max"})
    assert monitor.is_better(0.0, 1.0)
    monitor.begin()
    assert monitor.direction == "min"


def test_without_a_model_only_the_loss_has_a_direction() -> None:
    assert Monitor(Callback(), "val_loss").is_better(0.0, 1.0)
    with pytest.raises(RunError, match="has no model before its run begins"):
        Monitor(Callback(), "val_f1").is_better(0.0, 1.0)


# What cannot be watched


@pytest.mark.parametrize(("mode", "near"), [("highest", ""), ("mx", " Did you mean 'max'?"), ("", ""), ("MIN", "")])
def test_an_unknown_mode_warns_and_counts_as_auto(mode: str, near: str) -> None:
    with pytest.warns(UserWarning, match="mode") as warned:
        monitor = Watcher("val_loss", mode)._monitor
    text = f"Watcher mode {mode!r} is unknown, and counts as 'auto'.{near} There are: auto, min, max."
    assert [(str(each.message), each.filename) for each in warned] == [(text, __file__)]
    assert (monitor.mode, monitor.direction) == ("auto", None)


@pytest.mark.parametrize("metric", [["loss"], {}, bytearray(b"loss")])
def test_a_metric_that_nothing_can_be_looked_up_by_is_a_type_error(metric: Any) -> None:
    with pytest.raises(TypeError, match=r"^Watcher: monitor=.* has to be text"):
        Watcher(metric)


@pytest.mark.parametrize("metric", [1, b"loss", ("loss",)])
def test_what_no_metric_is_called_is_warned_of_and_never_comes(metric: Any) -> None:
    with pytest.warns(UserWarning, match=r"^Watcher: monitor=.* is not text, and no metric is called so"):
        watcher = Watcher(metric, "min")
    with pytest.warns(UserWarning, match="is not in the logs"):
        assert watcher._monitor.read({"loss": 1.0}) is None


def test_a_callback_without_the_attribute_monitor_has_to_name_a_metric() -> None:
    with pytest.raises(TypeError, match=r"^Callback: monitor=None has to be text"):
        Monitor(Callback())


@pytest.mark.parametrize("mode", [None, 1, b"min", min, np.zeros(2)])
def test_a_mode_that_is_no_text_counts_as_auto(mode: Any) -> None:
    with pytest.warns(UserWarning, match="Watcher mode .* is unknown, and counts as 'auto'"):
        assert Watcher("loss", mode)._monitor.mode == "auto"


@pytest.mark.parametrize(
    ("min_delta", "error"), [(math.nan, ValueError), ("0", TypeError), (None, TypeError), (np.ones(2), TypeError)]
)
def test_a_min_delta_that_is_no_number_is_an_error(min_delta: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="Watcher: min_delta="):
        Watcher(min_delta=min_delta)


def test_with_an_infinite_min_delta_nothing_is_better_than_the_first_number() -> None:
    monitor = _watching("loss", min_delta=-math.inf)
    assert monitor.is_better(1.0, None)
    assert not monitor.is_better(-1e300, 1.0)


# A base class for those that watch


class Best(MonitorCallback):
    """Keeps the best value."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.begin_monitoring()
        self.best: float | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        value = self.monitored_value(logs)
        if value is not None and self.is_improvement(value, self.best):
            self.best = value


def _best(callback: Best, model: FakeModel | None = None) -> float | None:
    FakeHost(callback, model=model).fit(epochs=3, values=lambda epoch, _: {"loss": 3.0 - epoch, "f1": 1.0 + epoch})
    return callback.best


def test_what_is_set_between_two_fits_counts_in_the_second() -> None:
    callback = Best("loss")
    assert _best(callback) == 1.0
    callback.monitor = "f1"
    assert _best(callback, FakeModel(metrics={"loss": None, "f1": "max"})) == 3.0
    callback.mode = "min"
    assert _best(callback) == 1.0
    callback.monitor, callback.mode, callback.min_delta = "loss", "max", -math.inf
    assert _best(callback) == 3.0
    assert callback.min_delta == math.inf


def test_the_direction_follows_the_metric_and_the_mode_also_within_a_run() -> None:
    callback = Best("val_loss")
    assert callback.is_improvement(0.0, 1.0)
    callback.monitor = "val_accuracy"
    callback.set_model(FakeModel())
    assert callback.is_improvement(1.0, 0.0)
    callback.mode = "min"
    assert callback.is_improvement(0.0, 1.0)


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array([0.5])])
def test_a_subclass_may_watch_what_is_in_no_logs(value: Any) -> None:
    class Temperature(Best):
        def get_monitor_value(self, logs: Any) -> Any:
            return value

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert _best(Temperature("", mode="max"), FakeModel(metrics={"loss": "min"})) == 0.5


def test_a_subclass_may_add_to_what_is_read_and_leave_an_epoch_out() -> None:
    class Doubled(Best):
        def get_monitor_value(self, logs: Any) -> Any:
            value = super().get_monitor_value(logs)
            return 2 * value if value < 3 else None

    assert _best(Doubled("f1", mode="max")) == 4.0


# What is known before training


@pytest.mark.parametrize(
    ("metric", "metrics", "validated", "said"),
    [
        ("loss", ["loss", "f1"], False, None),
        ("val_f1", ["loss", "f1"], True, None),
        ("val_f1", None, True, None),
        ("anything", None, False, None),
        ("val_own", ["loss", "val_own"], False, None),
        ("val_loss", ["loss"], False, "Watcher monitors 'val_loss', and this fit has no validation data."),
        (
            "recal",
            ["recall", "loss"],
            False,
            "Watcher monitors 'recal', and the model does not report it. Did you mean 'recall'? "
            "There are: loss, recall.",
        ),
        (
            "val_los",
            ["loss"],
            True,
            "Watcher monitors 'val_los', and the model does not report it. Did you mean 'val_loss'? "
            "There are: loss, val_loss.",
        ),
    ],
)
def test_a_metric_that_is_known_not_to_come_is_warned_of_before_training(
    metric: str, metrics: list[str] | None, validated: bool, said: str | None
) -> None:
    model = FakeModel(metrics=None if metrics is None else dict.fromkeys(metrics))
    watcher = Watcher(metric, "min")
    trained: list[int] = []

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        FakeHost(watcher, model=model).fit(
            epochs=2,
            validation_steps=int(validated),
            values=lambda *_: dict.fromkeys(metrics or ("loss", "f1", "anything"), 0.5),
            step=lambda *_: trained.append(len(warned)),
        )
    assert [str(each.message) for each in warned] == ([] if said is None else [said])
    assert set(trained) == {len(warned)}  # all was said before the first batch
    assert {each.filename for each in warned} <= {__file__}


def test_a_metric_that_another_callback_says_it_provides_is_not_warned_of() -> None:
    class Adding(Callback):
        provides = ("f2",)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["f2"] = 0.5

    watcher = Watcher("f2", "max")
    FakeHost(Adding(), watcher, model=FakeModel(metrics={"loss": "min"})).fit()
    assert watcher.best == 0.5


def test_in_a_bare_fit_validation_is_not_known() -> None:
    for metric in ("val_loss", "loss"):
        monitor = _watching(metric, metrics={"loss": "min"})
        monitor.begin()
    with pytest.warns(UserWarning, match="There are: loss, val_loss"):
        _watching("los", "min", metrics={"loss": "min"}).begin()


def test_what_is_missing_is_said_again_in_the_next_run() -> None:
    host = FakeHost(Watcher("f1", "max"))
    for _ in range(2):
        with pytest.warns(UserWarning, match="'f1', which is not in the logs") as warned:
            host.fit(epochs=3)
        assert len(warned) == 1
        assert warned[0].filename == __file__


def test_two_callbacks_that_miss_something_both_say_so_also_with_pythons_own_filters() -> None:
    class Other(Watcher): ...

    with warnings.catch_warnings(record=True) as warned:
        warnings.resetwarnings()
        FakeHost(Watcher("f1", "max"), Other("f1", "max"), Watcher("f2", "max")).fit(epochs=2)
    assert [str(each.message).partition(",")[0] for each in warned] == [
        "Watcher monitors 'f1'",
        "Other monitors 'f1'",
        "Watcher monitors 'f2'",
    ]


def test_a_metric_that_comes_at_times_is_said_once_and_watched() -> None:
    watcher = Watcher("f1", "max")
    with pytest.warns(UserWarning, match="not in the logs") as warned:
        FakeHost(watcher).fit(epochs=4, values=lambda epoch, _: {"f1": epoch / 4} if epoch % 2 else {"loss": 0.0})
    assert len(warned) == 1
    assert watcher.values == [None, 0.25, None, 0.75]


def test_a_copied_callback_watches_for_itself() -> None:
    watcher = Watcher()
    copied = copy.deepcopy(watcher)
    assert copied._monitor is not watcher._monitor
    assert copied._monitor.owner is copied


# Reading values


class Tensor:
    """A scalar of some framework."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


@pytest.mark.parametrize("value", [0.5, np.float16(0.5), Fraction(1, 2), Decimal("0.5"), Tensor(0.5), np.array(0.5)])
def test_any_scalar_is_read_as_a_float(value: Any) -> None:
    for logs in ({"loss": value}, Logs({"loss": value})):
        read = _watching("loss").read(logs)
        assert (type(read), read) == (float, 0.5)


@pytest.mark.parametrize("value", [True, 0, -0.0, math.inf, -math.inf, 2**70, np.int8(1)])
def test_any_number_is_read(value: Any) -> None:
    assert _watching("loss").read({"loss": value}) == value


def test_nan_is_a_value_and_read() -> None:
    read = _watching("loss").read({"loss": np.float32("nan")})
    assert read is not None
    assert math.isnan(read)


@pytest.mark.parametrize("value", ["0.5", b"0.5", "nan", 1j, {}, object(), 10**400])
def test_what_is_no_number_is_read_as_nothing(value: Any) -> None:
    with pytest.warns(UserWarning, match="monitors 'loss', which is not a scalar: "):
        assert _watching("loss").read({"loss": value}) is None


@pytest.mark.parametrize("logs", [None, {}, {"loss": None}, Logs({})])
def test_no_value_is_read_as_nothing(logs: Any) -> None:
    with pytest.warns(UserWarning, match=f"monitors 'loss', which is {'None' if logs else 'not in the logs'}"):
        assert _watching("loss").read(logs) is None


def test_a_metric_that_does_not_come_and_whose_direction_nothing_tells_is_an_error() -> None:
    with (
        pytest.warns(UserWarning, match="'val_skore', which is not in the logs. Did you mean 'val_score'"),
        pytest.raises(ValueError, match="mode='min' or mode='max'"),
    ):
        _watching("val_skore").read({"val_score": 1.0})


@pytest.mark.parametrize(
    "monitor", [_watching("val_skore", "max"), _watching("val_loss"), _watching("val_f1", metrics={"f1": "max"})]
)
def test_a_metric_that_does_not_come_is_warned_of_once(monitor: Monitor) -> None:
    with pytest.warns(UserWarning, match="not in the logs") as warned:
        assert [monitor.read({"val_score": 1.0}), monitor.read(None)] == [None, None]
    assert len(warned) == 1


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.array(0.5), np.array([0.5]), np.array([[0.5]])])
def test_an_array_of_one_value_is_a_scalar_too(value: Any) -> None:
    assert _watching("val_f1", "max").read({"val_f1": value}) == 0.5


@pytest.mark.parametrize("value", [[0.5], np.array([0.5, 0.5]), np.array([]), "high"], ids=str)
def test_anything_else_is_said_once_and_read_as_nothing(value: Any) -> None:
    monitor = _watching("val_f1", "max")
    with pytest.warns(UserWarning, match="monitors 'val_f1', which is not a scalar: ") as warned:
        assert [monitor.read({"val_f1": value}) for _ in range(2)] == [None, None]
    assert len(warned) == 1


# A metric that comes too late


class Adds(Callback):
    """Adds a metric to the logs of every epoch."""

    def __init__(self, priority: int = Priority.REPORT) -> None:
        self.priority = priority

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs["f1"] = 0.5


class KerasLike:
    """Somebody's Keras callback."""

    def set_model(self, model: Any) -> None: ...

    def set_params(self, params: Any) -> None: ...

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs.update(f1=0.5)


def _late(run: Callable[[], Any]) -> list[str]:
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        run()
    return [str(each.message) for each in warned if "looked for" in str(each.message)]


@pytest.mark.parametrize("adder", [Adds(), KerasLike()])
@pytest.mark.parametrize("known", [None, {"loss": "min"}])
def test_who_adds_a_metric_too_late_is_said_once_with_the_cure(adder: Any, known: Any) -> None:
    class First(Watcher):
        priority = Priority.METRICS

    watcher = First("f1", "max")
    name = snake_case(type(adder).__name__)
    assert _late(lambda: FakeHost(watcher, adder, model=FakeModel(metrics=known)).fit(epochs=3)) == [
        f"First looked for 'f1', which {name!r} added after it. List {name!r} before it, give {name!r} a priority of "
        f"less than 10, or put {name!r} into its `after`."
    ]
    assert watcher.values == [None] * 3


def test_a_metric_that_comes_in_time_or_never_is_not_late() -> None:
    assert not _late(lambda: FakeHost(Adds(Priority.METRICS), Watcher("f1", "max")).fit(epochs=3))
    assert not _late(lambda: FakeHost(Adds(), Watcher("f2", "max")).fit(epochs=3))
    values = lambda epoch, _: {"f1": 0.5} if epoch % 2 else {"loss": 0.5}  # noqa: E731
    assert not _late(lambda: FakeHost(Watcher("f1", "max")).fit(epochs=4, values=values))


def test_in_a_bare_fit_it_is_seen_in_the_next_epoch() -> None:
    assert _late(lambda: BareHost(Watcher("f1", "max"), Adds()).fit(epochs=3)) == [
        "Watcher looked for 'f1', which another callback added after it. List that callback before it."
    ]
    assert not _late(lambda: BareHost(Adds(), Watcher("f1", "max")).fit(epochs=3))
