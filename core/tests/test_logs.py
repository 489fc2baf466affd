from __future__ import annotations

import contextlib
import copy
import json
import math
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal import Logs

if TYPE_CHECKING:
    from collections.abc import Callable


class Tensor:
    """A scalar on a device: reading it is counted."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.fetches = 0

    def __float__(self) -> float:
        self.fetches += 1
        return float(self.value)


class Opaque:
    """Something that is no number."""


def pythonify(logs: dict[str, Any]) -> dict[str, Any]:
    """Keras's own `pythonify_logs`, for values that are no tensors of Keras's backend."""
    result: dict[str, Any] = {}
    for key, value in sorted(logs.items()):
        if isinstance(value, dict):
            result.update(pythonify(value))
        else:
            try:
                result[key] = float(value)
            except Exception:
                result[key] = value
    return result


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one) and math.isnan(other):
        return True
    return type(one) is type(other) and bool(one == other)


def same_items(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return list(one) == list(other) and all(same(one[key], other[key]) for key in other)


OPAQUE = Opaque()
leaves = (
    st.floats()
    | st.integers(-(2**60), 2**60)
    | st.booleans()
    | st.none()
    | st.sampled_from(["high", "", OPAQUE, [1.0], (1, 2), 2j])
    | st.floats(width=32).map(np.float32)
    | st.floats().map(np.float64)
    | st.integers(-100, 100).map(np.int64)
    | st.booleans().map(np.bool_)
    | st.floats(allow_nan=False).map(Tensor)
)
keys = st.sampled_from(["loss", "accuracy", "val_loss", "lr", "a", "B", "é", "0"])
host_logs = st.recursive(
    st.dictionaries(keys, leaves, max_size=5),
    lambda inner: st.dictionaries(keys, leaves | inner, max_size=5),
    max_leaves=12,
)


def fresh() -> tuple[Logs, Tensor, Tensor]:
    loss, accuracy = Tensor(0.5), Tensor(1)
    return Logs({"loss": loss, "accuracy": accuracy}), loss, accuracy


PLAIN = {"accuracy": 1.0, "loss": 0.5}


def keywords(**values: Any) -> dict[str, Any]:
    return values


def spread(logs: Logs) -> dict[str, Any]:
    target: dict[str, Any] = {}
    target.update(logs)
    return target


def joined(logs: Logs) -> dict[str, Any]:
    target: dict[str, Any] = {}
    target |= logs
    return target


READING: dict[str, tuple[Callable[[Logs], Any], Any]] = {
    "logs[key]": (lambda logs: logs["loss"], 0.5),
    "get": (lambda logs: logs.get("loss"), 0.5),
    "items": (lambda logs: list(logs.items()), [("accuracy", 1.0), ("loss", 0.5)]),
    "values": (lambda logs: list(logs.values()), [1.0, 0.5]),
    "sorted items": (lambda logs: sorted(logs.items()), [("accuracy", 1.0), ("loss", 0.5)]),
    "comprehension": (lambda logs: {key: logs[key] for key in logs}, PLAIN),
    "dict": (dict, PLAIN),
    "dict with stars": (lambda logs: dict(**logs), PLAIN),
    "display with stars": (lambda logs: {**logs}, PLAIN),
    "call with stars": (lambda logs: keywords(**logs), PLAIN),
    "call with more stars": (lambda logs: keywords(x=1, **logs), {"x": 1, **PLAIN}),
    "str.format": (lambda logs: "{loss:.2f}".format(**logs), "0.50"),
    "str.format_map": (lambda logs: "{loss:.2f}".format_map(logs), "0.50"),
    "percent": (lambda logs: "%(loss).1f" % logs, "0.5"),  # noqa: UP031  # its reading is what is tried
    "update of a dict": (spread, PLAIN),
    "|= of a dict": (joined, PLAIN),
    "json": (json.dumps, '{"accuracy": 1.0, "loss": 0.5}'),
    "json with indent": (lambda logs: json.loads(json.dumps(logs, indent=1)), PLAIN),
    "json with sorted keys": (lambda logs: json.dumps(logs, sort_keys=True), '{"accuracy": 1.0, "loss": 0.5}'),
    "json nested": (lambda logs: json.dumps([{"logs": logs}]), '[{"logs": {"accuracy": 1.0, "loss": 0.5}}]'),
    "copy": (lambda logs: logs.copy(), PLAIN),
    "copy.copy": (copy.copy, PLAIN),
    "copy.deepcopy": (copy.deepcopy, PLAIN),
    "pickle": (lambda logs: pickle.loads(pickle.dumps(logs)), PLAIN),
    "pickle of 0": (lambda logs: pickle.loads(pickle.dumps(logs, protocol=0)), PLAIN),
    "|": (lambda logs: logs | {"x": 1}, {**PLAIN, "x": 1}),
    "| of a dict": (lambda logs: {"x": 1} | logs, {"x": 1, **PLAIN}),
    "| of two": (lambda logs: logs | logs, PLAIN),
    "==": (lambda logs: logs == PLAIN, True),
    "== of a dict": (lambda logs: logs == PLAIN, True),
    "!=": (lambda logs: logs != PLAIN, False),
    "repr": (repr, "{'accuracy': 1.0, 'loss': 0.5}"),
    "str": (str, "{'accuracy': 1.0, 'loss': 0.5}"),
    "format": (lambda logs: f"{logs}", "{'accuracy': 1.0, 'loss': 0.5}"),
    "max": (lambda logs: max(logs.values()), 1.0),
    "reversed items": (lambda logs: list(reversed(logs.items())), [("loss", 0.5), ("accuracy", 1.0)]),  # type: ignore[call-overload]
    "setdefault": (lambda logs: logs.setdefault("loss", 9.0), 0.5),
    "match": (lambda logs: _matched(logs), 0.5),
}


def _matched(logs: Logs) -> Any:
    match logs:
        case {"loss": loss}:
            return loss
    return None


@pytest.mark.parametrize(("read", "expected"), READING.values(), ids=READING)
def test_every_way_of_reading_sees_python_floats_and_fetches_all_exactly_once(
    read: Callable[[Logs], Any], expected: Any
) -> None:
    logs, loss, accuracy = fresh()
    assert read(logs) == expected
    assert read(logs) == expected
    assert (loss.fetches, accuracy.fetches) == (1, 1)


def _loop_over_keys(logs: Logs) -> list[str]:
    return [key for key in logs]  # noqa: C416


QUIET: dict[str, tuple[Callable[[Logs], Any], Any]] = {
    "len": (len, 2),
    "bool": (bool, True),
    "in": (lambda logs: "loss" in logs, True),
    "not in": (lambda logs: "nothing" in logs, False),
    "keys": (lambda logs: list(logs.keys()), ["accuracy", "loss"]),
    "in keys": (lambda logs: "loss" in logs.keys(), True),  # noqa: SIM118
    "list": (list, ["accuracy", "loss"]),
    "iteration": (_loop_over_keys, ["accuracy", "loss"]),
    "sorted": (sorted, ["accuracy", "loss"]),
    "reversed": (lambda logs: list(reversed(logs)), ["loss", "accuracy"]),
    "set": (set, {"accuracy", "loss"}),
    "isinstance": (lambda logs: isinstance(logs, dict), True),
    "write": (lambda logs: logs.__setitem__("x", 1.0), None),
    "overwrite": (lambda logs: logs.__setitem__("loss", 1.0), None),
    "write a tensor": (lambda logs: logs.__setitem__("x", Tensor(1)), None),
    "delete": (lambda logs: logs.__delitem__("loss"), None),
    "update": (lambda logs: logs.update({"x": Tensor(1)}, y=2.0), None),
    "update with pairs": (lambda logs: logs.update([("x", Tensor(1))]), None),
    "|=": (lambda logs: logs.__ior__({"x": Tensor(1)}) is logs, True),
    "clear": (lambda logs: logs.clear(), None),
    "pop of what is not there": (lambda logs: logs.pop("nothing", 3), 3),
}


@pytest.mark.parametrize(("use", "expected"), QUIET.values(), ids=QUIET)
def test_keys_and_writes_fetch_nothing(use: Callable[[Logs], Any], expected: Any) -> None:
    logs, loss, accuracy = fresh()
    assert use(logs) == expected
    assert (loss.fetches, accuracy.fetches) == (0, 0)


@pytest.mark.parametrize("use", [lambda logs: logs.get("nothing", 3), lambda logs: logs["nothing"]], ids=["get", "[]"])
def test_asking_for_what_is_not_there_fetches_nothing(use: Callable[[Logs], Any]) -> None:
    logs, loss, _ = fresh()
    with contextlib.suppress(KeyError):
        use(logs)
    assert loss.fetches == 0


def test_making_logs_fetches_nothing() -> None:
    _, loss, accuracy = fresh()
    assert (loss.fetches, accuracy.fetches) == (0, 0)


def test_a_single_value_can_be_read_without_the_others() -> None:
    loss, accuracy = Tensor(0.5), Tensor(1.0)
    logs = Logs({"loss": loss, "accuracy": accuracy})
    assert [logs.read("loss"), logs.read("loss"), logs.read("lossy"), logs.read("lossy", 3)] == [0.5, 0.5, None, 3]
    assert (loss.fetches, accuracy.fetches) == (1, 0)
    assert logs == {"accuracy": 1.0, "loss": 0.5}
    assert (loss.fetches, accuracy.fetches) == (1, 1)
    assert logs.raw("loss") is loss
    assert logs.read("accuracy") == 1.0


def test_what_reading_a_single_value_raises_is_raised_again() -> None:
    class Lost:
        ndim = 0
        dtype = "float32"

        def __float__(self) -> float:
            raise RuntimeError("the device is lost")

    logs = Logs({"loss": Lost(), "accuracy": 1})
    for _ in range(2):
        with pytest.raises(RuntimeError, match="lost"):
            logs.read("loss")
    assert logs.read("accuracy") == 1.0


def test_raw_gives_the_tensor_before_and_after_the_fetch() -> None:
    logs, loss, _ = fresh()
    assert logs.raw("loss") is loss
    assert loss.fetches == 0
    assert logs["loss"] == 0.5
    assert logs.raw("loss") is loss


def test_raw_gives_what_was_written_last() -> None:
    logs, loss, _ = fresh()
    logs.fetch()
    logs["loss"] = 2.0
    assert logs.raw("loss") == 2.0
    other = Tensor(3)
    logs["loss"] = other
    assert logs.raw("loss") is other
    assert logs["loss"] == 3.0
    assert logs.raw("loss") is other
    assert loss.fetches == 1


@pytest.mark.parametrize("fetched", [False, True])
def test_raw_of_what_is_not_there_is_a_key_error(fetched: bool) -> None:
    logs, _, _ = fresh()
    if fetched:
        logs.fetch()
    with pytest.raises(KeyError, match="nothing"):
        logs.raw("nothing")


@pytest.mark.parametrize(
    "remove",
    [
        lambda logs: logs.__delitem__("loss"),
        lambda logs: logs.pop("loss"),
        lambda logs: logs.popitem(),
        lambda logs: logs.clear(),
    ],
    ids=["del", "pop", "popitem", "clear"],
)
def test_raw_of_what_was_removed_after_the_fetch_is_a_key_error(remove: Callable[[Logs], Any]) -> None:
    logs, _, _ = fresh()
    logs.fetch()
    remove(logs)
    with pytest.raises(KeyError):
        logs.raw("loss")


def test_raw_finds_what_was_nested() -> None:
    tensor = Tensor(1)
    assert Logs({"outer": {"loss": tensor}}).raw("loss") is tensor


@given(host_logs)
def test_values_keys_and_their_order_are_those_of_keras(values: dict[str, Any]) -> None:
    expected = pythonify(values)
    logs = Logs(values)
    assert list(logs) == list(expected)
    assert len(logs) == len(expected)
    assert same_items(dict(logs), expected)
    assert same_items({**Logs(values)}, expected)
    assert same_items(dict(Logs(values).items()), expected)
    assert same_items(Logs(values).copy(), expected)


@given(host_logs)
def test_the_mapping_of_the_host_is_copied_and_never_changed(values: dict[str, Any]) -> None:
    before = list(values.items())
    logs = Logs(values)
    logs["new"] = 1.0
    logs.fetch()
    assert all(one is other for (_, one), (_, other) in zip(values.items(), before, strict=True))
    assert list(values) == [key for key, _ in before]


def test_the_same_key_twice_takes_the_last_value_and_the_first_place() -> None:
    values = {"a": 1, "b": {"a": 2, "c": 3}}
    assert list(Logs(values).items()) == list(pythonify(values).items()) == [("a", 2.0), ("c", 3.0)]


def test_nested_empty_dicts_leave_nothing() -> None:
    logs = Logs({"outer": {"inner": {}}})
    assert len(logs) == 0
    assert not logs
    assert json.dumps(logs) == "{}"


def test_no_logs_are_empty_and_equal_to_an_empty_dict() -> None:
    assert Logs() == {}
    assert Logs(()) == {}
    assert not Logs()


def test_nan_and_infinity_stay() -> None:
    logs = Logs({"nan": Tensor(math.nan), "inf": np.float32(math.inf)})
    assert math.isnan(logs["nan"])
    assert logs["inf"] == math.inf
    assert json.dumps(logs) == '{"inf": Infinity, "nan": NaN}'


@pytest.mark.parametrize(
    "scalar", [np.float16(0.5), np.float32(0.5), np.float64(0.5), np.array(0.5), np.array(0.5, np.float32)], ids=repr
)
def test_numpy_scalars_read_as_python_floats(scalar: Any) -> None:
    logs = Logs({"loss": scalar})
    assert type(logs["loss"]) is float
    assert logs["loss"] == 0.5


@pytest.mark.parametrize("scalar", [np.float16(0.5), np.float32(0.5), np.array(0.5)], ids=repr)
def test_numpy_scalars_that_are_written_read_as_python_floats(scalar: Any) -> None:
    logs = Logs()
    logs["loss"] = scalar
    assert type(logs["loss"]) is float
    assert logs.raw("loss") is scalar


def test_a_float64_of_numpy_that_is_written_reads_as_a_python_float() -> None:
    logs = Logs()
    logs["loss"] = np.float64(0.5)
    assert type(logs["loss"]) is float


def test_arrays_stay_arrays() -> None:
    array = np.arange(3.0)
    logs = Logs({"confusion": array, "loss": Tensor(1)})
    assert logs["confusion"] is array
    assert logs["loss"] == 1.0


def test_larger_tensors_become_arrays_when_read() -> None:
    class Vector:
        def __float__(self) -> float:
            raise TypeError("only scalars")

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.arange(3.0, dtype=dtype)

    vector = Vector()
    logs = Logs({"v": vector})
    assert logs.raw("v") is vector
    assert list(logs["v"]) == [0.0, 1.0, 2.0]
    assert isinstance(logs["v"], np.ndarray)


def test_larger_tensors_of_pytorch_are_taken_off_the_graph_and_the_device() -> None:
    class Torch:
        ndim = 1

        def __float__(self) -> float:
            raise RuntimeError("a Tensor with 2 elements cannot be converted to Scalar")

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise AssertionError("it is on another device")

        def detach(self) -> Torch:
            return self

        def cpu(self) -> Any:
            return np.ones(2)

    assert list(Logs({"v": Torch()})["v"]) == [1.0, 1.0]


def test_an_error_of_the_device_is_not_hidden() -> None:
    class Lost:
        dtype = "float32"
        ndim = 0

        def __float__(self) -> float:
            raise RuntimeError("CUDA error")

    with pytest.raises(RuntimeError, match="CUDA error"):
        Logs({"v": Lost()})["v"]


@pytest.mark.parametrize(
    "value", ["high", "1.5", b"2", None, OPAQUE, [1.0], (1, 2), 2j], ids=lambda value: type(value).__name__
)
def test_what_is_no_scalar_is_left_as_it_is(value: Any) -> None:
    assert Logs({"v": value})["v"] is value


@pytest.mark.parametrize("error", [NotImplementedError, AttributeError, ZeroDivisionError, KeyError])
def test_an_object_that_refuses_to_be_a_float_in_its_own_way_is_left_as_it_is(error: type[Exception]) -> None:
    class Odd:
        def __float__(self) -> float:
            raise error

    odd = Odd()
    assert Logs({"v": odd})["v"] is odd


@pytest.mark.parametrize("value", [1, True, 0.5, "text", None, b"bytes"], ids=repr)
def test_plain_values_are_kept_as_written(value: Any) -> None:
    logs = Logs({"loss": 1})
    logs["x"] = value
    assert logs["x"] is value
    logs.fetch()
    assert logs["x"] is value


def test_writes_before_the_fetch_are_read_and_leave_the_others_as_they_are() -> None:
    logs, loss, _ = fresh()
    logs["loss"] = 7
    logs["new"] = Tensor(3)
    assert logs == {"accuracy": 1.0, "loss": 7, "new": 3.0}
    assert loss.fetches == 0
    assert list(logs) == ["accuracy", "loss", "new"]


def test_writes_after_the_fetch_are_read_and_nothing_is_fetched_again() -> None:
    logs, loss, accuracy = fresh()
    logs.fetch()
    logs["loss"], logs["new"] = 7, Tensor(3)
    assert logs == {"accuracy": 1.0, "loss": 7, "new": 3.0}
    assert (loss.fetches, accuracy.fetches) == (1, 1)


def test_pop_gives_the_float_and_removes_it() -> None:
    logs, _, _ = fresh()
    assert logs.pop("loss") == 0.5
    assert logs == {"accuracy": 1.0}
    with pytest.raises(KeyError):
        logs.pop("loss")
    assert logs.pop("loss", None) is None


def test_popitem_gives_the_last_as_a_float() -> None:
    logs, _, _ = fresh()
    assert logs.popitem() == ("loss", 0.5)
    assert logs.popitem() == ("accuracy", 1.0)
    with pytest.raises(KeyError):
        logs.popitem()


def test_setdefault_writes_what_is_not_there() -> None:
    logs, _, _ = fresh()
    assert logs.setdefault("x", Tensor(4)) == 4.0
    assert logs.setdefault("none") is None
    assert logs["none"] is None


def test_deleting_what_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        del Logs({"loss": 1})["nothing"]


def test_copies_are_plain_dicts_of_their_own() -> None:
    logs, _, _ = fresh()
    for copied in (logs.copy(), copy.copy(logs), copy.deepcopy(logs), pickle.loads(pickle.dumps(logs)), logs | {}):
        assert type(copied) is dict
        copied["loss"] = 9.0
    assert logs["loss"] == 0.5


def test_logs_are_equal_to_logs_with_the_same_values() -> None:
    assert fresh()[0] == fresh()[0]
    assert Logs({"loss": Tensor(1)}) != Logs({"loss": Tensor(2)})
    assert {"loss": 1.0} == Logs({"loss": Tensor(1)})  # noqa: SIM300  # the other side's method is what is tried


def test_logs_cannot_be_hashed_as_dicts_cannot() -> None:
    with pytest.raises(TypeError):
        hash(Logs())


def test_an_iteration_that_reads_goes_on_undisturbed() -> None:
    logs, _, _ = fresh()
    assert {key: logs[key] for key in logs} == PLAIN
    assert [(key, logs[key]) for key, _ in logs.items()] == list(PLAIN.items())


def test_fetch_and_finalize_give_the_logs_themselves() -> None:
    logs, _, _ = fresh()
    assert logs.fetch() is logs
    assert logs.finalize() is logs


WRITING: dict[str, Callable[[Logs], Any]] = {
    "set": lambda logs: logs.__setitem__("x", 1),
    "overwrite": lambda logs: logs.__setitem__("loss", 1),
    "delete": lambda logs: logs.__delitem__("loss"),
    "update": lambda logs: logs.update(x=1),
    "|=": lambda logs: logs.__ior__({"x": 1}),
    "setdefault": lambda logs: logs.setdefault("x", 1),
    "pop": lambda logs: logs.pop("loss"),
    "pop with a default": lambda logs: logs.pop("nothing", None),
    "popitem": lambda logs: logs.popitem(),
    "clear": lambda logs: logs.clear(),
}


@pytest.mark.parametrize("write", WRITING.values(), ids=WRITING)
def test_final_logs_refuse_every_way_of_writing_and_can_be_read(write: Callable[[Logs], Any]) -> None:
    logs, loss, _ = fresh()
    logs.finalize()
    assert loss.fetches == 1
    with pytest.raises(TypeError, match="final"):
        write(logs)
    assert logs == PLAIN
    assert logs.get("loss") == 0.5
    assert logs.setdefault("loss", 3) == 0.5
    assert logs.copy() == PLAIN


operation = st.one_of(
    st.tuples(st.just("set"), keys, leaves),
    st.tuples(st.just("delete"), keys),
    st.tuples(st.just("pop"), keys),
    st.tuples(st.just("popitem")),
    st.tuples(st.just("setdefault"), keys, leaves),
    st.tuples(st.just("update"), st.dictionaries(keys, leaves, max_size=3)),
    st.tuples(st.just("clear")),
    st.tuples(st.just("read")),
)


def _plain(value: Any) -> Any:
    """What a written value reads as."""
    return float(value) if isinstance(value, (Tensor, np.generic)) else value


@given(host_logs, st.lists(operation, max_size=12))
def test_any_sequence_of_writes_and_reads_acts_as_on_a_dict_of_floats(
    values: dict[str, Any], operations: list[tuple[Any, ...]]
) -> None:
    logs, model = Logs(values), pythonify(values)
    for name, *arguments in operations:
        if name == "set":
            logs[arguments[0]] = arguments[1]
            model[arguments[0]] = _plain(arguments[1])
        elif name == "delete" and arguments[0] in model:
            del logs[arguments[0]]
            del model[arguments[0]]
        elif name == "pop":
            assert same(logs.pop(arguments[0], None), model.pop(arguments[0], None))
        elif name == "popitem" and model:
            key, value = logs.popitem()
            expected_key, expected = model.popitem()
            assert key == expected_key
            assert same(value, expected)
        elif name == "setdefault":
            assert same(logs.setdefault(*arguments), model.setdefault(arguments[0], _plain(arguments[1])))
        elif name == "update":
            logs.update(arguments[0])
            model.update({key: _plain(value) for key, value in arguments[0].items()})
        elif name == "clear":
            logs.clear()
            model.clear()
        elif name == "read":
            assert same_items(dict(logs), model)
        assert list(logs) == list(model)
        assert len(logs) == len(model)
    assert same_items(logs.copy(), model)
