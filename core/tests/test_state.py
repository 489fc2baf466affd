"""The state of callbacks as bytes."""

from __future__ import annotations

import collections
import copy
import datetime as dt
import enum
import io
import json
import math
import pickle
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from epochal import StateError
from epochal.state import dump_state, parse_state

KEYS = (
    st.sampled_from(["$array", "$", "$$", "$$array", "", "0", "state.json", "\ud800", "é", "\x00", "a.b"]) | st.text()
)
NUMBERS = st.integers() | st.floats() | st.booleans() | st.sampled_from([-0.0, 5e-324, 2**64, -(10**500), math.nan])
SHAPES = npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
KINDS = st.one_of(
    npst.boolean_dtypes(),
    npst.integer_dtypes(endianness="?"),
    npst.unsigned_integer_dtypes(endianness="?"),
    npst.floating_dtypes(endianness="?"),
    npst.complex_number_dtypes(endianness="?"),
)
ARRAYS = npst.arrays(KINDS, SHAPES)
TREES = st.recursive(
    st.none() | NUMBERS | st.text() | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
STATES = st.dictionaries(KEYS, TREES, max_size=4)


def same(one: Any, other: Any) -> bool:
    """Compare with types, signs of zero and NaN, and the order of keys."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return repr(one) == repr(other)


# The way there and back


@given(STATES)
@example({"$array": "0"})
@example({"a": {"$array": "0"}, "b": np.zeros(2)})
@example({"a": {"$array": np.ones(1), "$": []}})
@example({"": {"": {"": None}}})
@example({"a": -0.0, "b": math.inf, "c": -math.inf, "d": math.nan, "e": 1, "f": 1.0, "g": True})
def test_a_state_comes_back_the_same_in_every_value_and_type(state: dict[str, Any]) -> None:
    assert same(parse_state(dump_state(state)), state)


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12).reshape(3, 4).T,
        np.arange(12)[::2],
        np.arange(12)[::-1],
        np.broadcast_to(np.float16(3), (2, 2)),
        np.asfortranarray(np.ones((2, 3), "F")),
        np.array(7, ">i2"),
        np.zeros((0, 3), "<u8"),
        np.array([True, False]),
        np.array([1 + 2j], ">c16"),
        np.ones(2, "longdouble") / 3,
        np.frombuffer(b"read only", "u1"),
    ],
    ids=lambda array: f"{array.dtype.str}{array.shape}",
)
def test_an_array_comes_back_whatever_its_memory_looks_like(array: Any) -> None:
    back = parse_state(dump_state({"array": array}))["array"]
    assert (type(back), back.dtype, back.shape) == (np.ndarray, array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_dumping_leaves_the_state_as_it_is_and_what_is_parsed_is_a_copy() -> None:
    state = {"best": [np.zeros(2), {"$array": 1}], "wait": 3}
    kept = copy.deepcopy(state)
    content = dump_state(state)
    assert same(state, kept)
    parse_state(content)["best"][0][:] = 1
    assert same(parse_state(content), kept)


def test_one_array_in_two_places_comes_back_as_two() -> None:
    array = np.zeros(2)
    back = parse_state(dump_state({"a": array, "b": [array]}))
    assert same(back, {"a": array, "b": [array]})
    assert back["a"] is not back["b"][0]


def test_the_same_state_gives_the_same_bytes_also_at_another_time(monkeypatch: pytest.MonkeyPatch) -> None:
    content = dump_state({"best": np.arange(3)})
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert dump_state({"best": np.arange(3)}) == content


def test_the_bytes_are_a_file_that_other_programs_read_too() -> None:
    with zipfile.ZipFile(io.BytesIO(dump_state({"wait": 1, "best": np.arange(3)}))) as archive:
        assert json.loads(archive.read("state.json")) == {"wait": 1, "best": {"$array": "0"}}
        assert np.load(io.BytesIO(archive.read("0.npy"))).tolist() == [0, 1, 2]


def test_numpy_is_imported_only_where_there_is_an_array() -> None:
    script = (
        "import sys; from epochal.state import *; parse_state(dump_state({'a': [1]})); print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "False\n"


# What a state cannot hold


class Colour(enum.IntEnum):
    RED = 1


class Text(str): ...


class Point(NamedTuple):
    x: int


class Subclass(np.ndarray): ...


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    "value",
    [
        (1, 2),
        {1, 2},
        frozenset(),
        b"bytes",
        bytearray(b"bytes"),
        1 + 2j,
        range(3),
        object(),
        Unprintable(),
        len,
        int,
        Colour.RED,
        Text("text"),
        Path(),
        dt.datetime(2020, 1, 1),
        collections.OrderedDict(a=1),
        Point(1),
        np.float64(1),
        np.float32(1),
        np.int64(1),
        np.bool_(True),
        np.str_("text"),
        np.array(["text"]),
        np.array([b"bytes"]),
        np.array([None]),
        np.array([1, "two"], dtype=object),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
        np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]),
        np.ma.masked_array([1, 2], [True, False]),
        np.zeros(2).view(Subclass),
    ],
    ids=lambda value: type(value).__name__,
)
def test_anything_else_is_an_error_that_tells_where(value: Any) -> None:
    with pytest.raises(StateError, match=r"state\['a'\]\[1\]\['b c'\] is of type .* A state holds"):
        dump_state({"a": [0, {"b c": value}]})


@pytest.mark.parametrize("key", [1, None, True, 1.5, ("a",), b"a", Text("a"), np.str_("a")])
def test_a_key_that_is_no_text_is_an_error_that_tells_where(key: Any) -> None:
    with pytest.raises(StateError, match=r"^state\['a'\] has the key .*, and a key has to be text"):
        dump_state({"a": {key: 1}})


@pytest.mark.parametrize("state", [None, [], 1, "text", np.zeros(2), collections.OrderedDict()])
def test_only_a_dict_is_a_state(state: Any) -> None:
    with pytest.raises(StateError, match=r"^the state is .*, and it has to be a dict"):
        dump_state(state)


def test_an_int_that_python_would_not_read_again_is_an_error_that_tells_where() -> None:
    with pytest.raises(StateError, match=r"^state\['a'\] is an int of 16610 bits"):
        dump_state({"a": 10**5000})


def test_what_contains_itself_or_is_too_deep_is_an_error() -> None:
    circle: dict[str, Any] = {}
    circle["again"] = [circle]
    deep: list[Any] = []
    for _ in range(sys.getrecursionlimit()):
        deep = [deep]
    for state in (circle, {"deep": deep}):
        with pytest.raises(StateError, match="too deep"):
            dump_state(state)


# What is no state, or was one


def test_bytes_that_are_too_deep_are_an_error() -> None:
    depth = 10 * sys.getrecursionlimit()
    with pytest.raises(StateError, match="cannot be read"):
        parse_state(archive_of({"state.json": '{"a":' + "[" * depth + "]" * depth + "}"}))


def archive_of(members: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


def npy(array: Any, **options: Any) -> bytes:
    content = io.BytesIO()
    np.lib.format.write_array(content, array, **options)
    return content.getvalue()


WHOLE_STATE = {"wait": 1, "best": 0.5, "weights": [np.arange(20, dtype="float32"), np.ones((2, 2))], "text": "a" * 40}
WHOLE = dump_state(WHOLE_STATE)


def parsed_or_refused(content: bytes) -> None:
    try:
        state = parse_state(content)
    except StateError:
        pass
    else:
        assert same(state, WHOLE_STATE)


def test_a_state_that_was_cut_off_is_an_error() -> None:
    for cut in range(len(WHOLE)):
        for content in (WHOLE[:cut], WHOLE[len(WHOLE) - cut :]):
            with pytest.raises(StateError, match="cannot be read"):
                parse_state(content)


def test_every_bit_that_flips_is_found_or_changes_nothing() -> None:
    for place in range(len(WHOLE)):
        for bit in range(8):
            damaged = bytearray(WHOLE)
            damaged[place] ^= 1 << bit
            parsed_or_refused(bytes(damaged))


@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=6))
@settings(max_examples=500)
def test_bytes_that_change_are_found_or_change_nothing(changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(WHOLE)
    for place, value in changes:
        damaged[place] = value
    parsed_or_refused(bytes(damaged))


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=30))
def test_bytes_that_are_missing_or_too_many_are_found_or_change_nothing(begin: int, end: int, put: bytes) -> None:
    parsed_or_refused(WHOLE[: min(begin, end)] + put + WHOLE[max(begin, end) :])


@given(st.binary())
@example(b"")
@example(b"PK\x05\x06" + bytes(18))
def test_any_other_bytes_are_an_error(content: bytes) -> None:
    with pytest.raises(StateError, match=r"^the state cannot be read: "):
        parse_state(content)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"other.json": "{}"},
        {"state.json": ""},
        {"state.json": "{'wait': 1}"},
        {"state.json": b"\xff\xfe\x00"},
        {"state.json": '{"wait": 1' + "0" * 5000 + "}"},
        {"state.json": '{"best": {"$array": "0"}}'},
        {"state.json": '{"best": {"$array": ["0"]}}'},
        {"state.json": '{"best": {"$array": "../0"}}', "../0.npy": "text"},
        {"state.json": '{"best": {"$array": "0"}}', "0.npy": ""},
        {"state.json": '{"best": {"$array": "0"}}', "0.npy": npy(np.zeros(100))[:-1]},
        {"state.json": '{"best": {"$array": "0"}}', "0.npy": npy(np.array(["text"]))},
        {"state.json": '{"best": {"$array": "0"}}', "0.npy": npy(np.zeros(2, "V4"))},
        {
            "state.json": '{"best": {"$array": "0"}}',
            "0.npy": npy(np.zeros(2)).replace(b"(2,), }          ", b"(2**60,)*9, }    "),
        },
        {
            "state.json": '{"best": {"$array": "0"}}',
            "0.npy": npy(np.zeros(2)).replace(b"(2,), }                ", b"(1152921504606846,), } "),
        },
    ],
)
def test_an_archive_that_is_no_state_is_an_error(members: dict[str, Any]) -> None:
    with pytest.raises(StateError, match=r"^the state cannot be read: "):
        parse_state(archive_of(members))


@pytest.mark.parametrize("text", ["null", "[]", "1", '"text"', '{"$array": "0"}'])
def test_what_holds_no_dict_is_an_error(text: str) -> None:
    with pytest.raises(StateError, match="has to be a dict"):
        parse_state(archive_of({"state.json": text, "0.npy": npy(np.zeros(2))}))


# What would take more room than it looks


def test_a_compressed_archive_is_refused_before_it_is_unpacked() -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.json", '{"text": "' + " " * 10**7 + '"}')
    assert len(content.getvalue()) < 20_000
    with pytest.raises(StateError, match="it is compressed, and a state never is"):
        parse_state(content.getvalue())


def test_members_that_share_their_bytes_are_refused() -> None:
    array = npy(np.zeros(1000))
    whole = bytearray(archive_of({"state.json": '{"a": {"$array": "0"}, "b": {"$array": "1"}}', "0.npy": array}))
    # The directory at the end lists 0.npy a second time, as 1.npy, and the end record counts it.
    begin, end = whole.rindex(b"PK\x01\x02"), whole.rindex(b"PK\x05\x06")
    entry = bytes(whole[begin:end]).replace(b"0.npy", b"1.npy")
    closing = bytearray(whole[end:])
    closing[8:10] = closing[10:12] = (3).to_bytes(2, "little")
    closing[12:16] = (int.from_bytes(closing[12:16], "little") + len(entry)).to_bytes(4, "little")
    with pytest.raises(StateError, match="claims to hold more than"):
        parse_state(bytes(whole[:end]) + entry + bytes(closing))


def test_one_array_under_many_names_is_refused() -> None:
    text = json.dumps({"many": [{"$array": "0"}] * 1000})
    with pytest.raises(StateError, match=r"0\.npy is missing, or is named a second time"):
        parse_state(archive_of({"state.json": text, "0.npy": npy(np.zeros(1000))}))


def test_an_array_whose_header_claims_more_than_it_has_is_refused() -> None:
    array = npy(np.zeros(2)).replace(b"(2,), }         ", b"(1000000000,), }")
    with pytest.raises(StateError, match="cannot reshape array of size 2"):
        parse_state(archive_of({"state.json": '{"best": {"$array": "0"}}', "0.npy": array}))


class Bomb:
    """Says so when it is unpickled."""

    exploded = False

    def __reduce__(self) -> Any:
        return _explode, ()


def _explode() -> None:
    Bomb.exploded = True


def test_an_array_with_pickled_objects_is_refused_and_runs_no_code() -> None:
    bomb = npy(np.array([Bomb()]), allow_pickle=True)
    with pytest.raises(StateError, match="Object arrays cannot be loaded"):
        parse_state(archive_of({"state.json": '{"best": {"$array": "0"}}', "0.npy": bomb}))
    for content in (pickle.dumps(Bomb()), archive_of({"state.json": pickle.dumps(Bomb())})):
        with pytest.raises(StateError):
            parse_state(content)
    assert not Bomb.exploded
