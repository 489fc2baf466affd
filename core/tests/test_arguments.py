"""Parameters and state that are declared on a callback's class."""

from __future__ import annotations

import copy
import math
import pickle
import warnings
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from epochal import Callback, StateError
from epochal.arguments import (
    Argument,
    Arrays,
    Choice,
    Count,
    FilePath,
    Most,
    Number,
    OrNone,
    State,
    Switch,
    Text,
    Verbosity,
    Whole,
    declared,
)
from epochal.errors import shown


class Even(Argument[int]):
    """An even number."""

    def check(self, value: Any) -> int:
        if value % 2:
            raise ValueError("has to be even")
        return int(value)

    def remark(self, value: Any) -> str:
        return "is much" if value > 100 else ""


class Sample(Callback):
    """A callback with parameters and state."""

    patience = Count(least=0)
    path = FilePath()
    pairs = Even()

    wait = State(Whole(least=0))
    best = State(OrNone(Number()))

    def __init__(self, patience: float = 3, path: str = "a", pairs: int = 2) -> None:
        self.patience = patience
        self.path = path
        self.pairs = pairs
        self.wait = 0
        self.best = None

    @path.then
    def _follow(self) -> None:
        self.writes = (self.path,)


class Further(Sample):
    """A subclass with more state, some of it not declared."""

    state_attributes = (*Sample.state_attributes, "plain")
    weights = State(OrNone(Arrays()))

    def __init__(self) -> None:
        super().__init__()
        self.plain: Any = "x"
        self.weights = None


class Tensor:
    """A scalar of some framework."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __float__(self) -> float:
        return self.value


class Unprintable:
    """Has no repr."""

    def __repr__(self) -> str:
        raise RuntimeError


# Setting


def test_a_parameter_is_checked_in_the_constructor_and_whenever_it_is_set() -> None:
    sample = Sample(patience=4.0)
    assert (type(sample.patience), sample.patience) == (int, 4)
    sample.patience = np.int64(7)
    assert (type(sample.patience), sample.patience) == (int, 7)
    for make in (lambda: Sample(patience=-1), lambda: setattr(sample, "patience", -1)):
        with pytest.raises(ValueError, match=r"^Sample: patience=-1 has to be 0 or more$"):
            make()
    assert sample.patience == 7


def test_what_follows_from_a_parameter_follows_whenever_it_is_set() -> None:
    sample = Sample(path="a")
    assert sample.writes == ("a",)
    sample.path = Path("b")
    assert (sample.path, sample.writes) == ("b", ("b",))


def test_an_argument_of_the_authors_own_needs_one_method() -> None:
    with pytest.raises(ValueError, match=r"^Sample: pairs=3 has to be even$"):
        Sample(pairs=3)
    with pytest.raises(TypeError, match=r"^Sample: pairs=None unsupported operand"):
        Sample(pairs=None)  # type: ignore[arg-type]


def test_a_doubtful_value_is_taken_with_a_warning_that_points_to_the_users_line() -> None:
    with pytest.warns(UserWarning, match=r"^Sample: pairs=102 is much$") as warned:
        sample = Sample(pairs=102)
    assert sample.pairs == 102
    assert warned[0].filename == __file__


def test_reading_costs_what_reading_any_attribute_costs() -> None:
    assert not hasattr(type(vars(Sample)["patience"]), "__get__")
    assert vars(Sample())["patience"] == 3


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_and_pickles_have_the_values_and_go_on_checking(duplicate: Any) -> None:
    again = duplicate(Sample(patience=math.inf))
    assert again.patience == math.inf
    with pytest.raises(TypeError, match="patience"):
        again.patience = "x"
    assert vars(duplicate(again)) == vars(again)


def test_a_subclass_may_have_an_attribute_of_its_own_in_the_place_of_an_argument() -> None:
    class Fixed(Sample):
        patience = 5

    assert Fixed().patience == 3
    assert declared(Fixed, "patience") is None
    assert isinstance(declared(Further, "patience"), Count)


# State


def test_declared_state_is_the_state_in_the_order_of_its_declarations() -> None:
    assert Sample.state_attributes == ("wait", "best")
    assert Further.state_attributes == ("wait", "best", "plain", "weights")
    assert Callback.state_attributes == ()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"wait": "x", "best": None}, "wait='x' has to be a number"),
        ({"wait": -5, "best": None}, "wait=-5 has to be 0 or more"),
        ({"wait": 1.5, "best": None}, "wait=1.5 has to be a whole number"),
        ({"wait": math.inf, "best": None}, "wait=inf has to be a whole number"),
        ({"wait": None, "best": None}, "wait=None has to be a number"),
        ({"wait": True, "best": None}, "wait=True has to be a number"),
        ({"wait": 1, "best": False}, "best=False has to be a number"),
        ({"wait": 1, "best": [1]}, r"best=\[1\] has to be a number"),
        ({"wait": 1, "best": math.nan}, "best=nan has to be a number, and not NaN"),
        ({"wait": 1}, "missing are best"),
        ({"wait": 1, "best": None, "worst": 0}, "unknown are worst"),
        (["wait", "best"], "but of type list"),
    ],
)
def test_a_state_that_does_not_fit_is_an_error_and_changes_nothing(state: Any, message: str) -> None:
    sample = Sample()
    sample.wait = 2
    before = copy.deepcopy(vars(sample))
    with pytest.raises(StateError, match=rf"^this is not a state of Sample.*{message}"):
        sample.load_state_dict(state)
    assert vars(sample) == before
    assert sample.starts_afresh()


def test_a_state_that_fits_is_taken_as_declared_and_copied() -> None:
    weights = [np.zeros(2)]
    further = Further()
    further.load_state_dict({"wait": 2.0, "best": 1, "plain": ["anything"], "weights": weights})
    assert (type(further.wait), further.wait, type(further.best)) == (int, 2, float)
    weights[0][:] = 1
    assert further.weights is not None
    assert further.weights[0].tolist() == [0, 0]
    assert not further.starts_afresh()


def test_while_training_state_is_an_attribute_like_any_other() -> None:
    sample = Sample()
    sample.wait = "x"  # type: ignore[assignment]
    assert vars(sample)["wait"] == "x"


def test_a_property_that_refuses_its_part_of_a_state_leaves_the_others_as_they_were() -> None:
    class Picky(Sample):
        state_attributes = (*Sample.state_attributes, "last")

        @property
        def last(self) -> int:
            return 0

        @last.setter
        def last(self, value: int) -> None:
            raise ValueError(f"{value} is not mine")

    picky = Picky()
    with pytest.raises(StateError, match="this is not a state of Picky: ValueError: 1 is not mine"):
        picky.load_state_dict({"wait": 3, "best": 1.0, "last": 1})
    assert (picky.wait, picky.best, picky.starts_afresh()) == (0, None, True)


# Numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1, 1.0),
        (-2.5, -2.5),
        (True, 1.0),
        (np.False_, 0.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(0.25), 0.25),
        (np.array([0.25]), 0.25),
        (np.array([[3]]), 3.0),
        (Fraction(1, 4), 0.25),
        (Decimal("1.5"), 1.5),
        (Tensor(2.0), 2.0),
        (10**300, 1e300),
        (99e99, 99e99),
        (10**400, math.inf),
        (-(10**400), -math.inf),
        (-math.inf, -math.inf),
    ],
)
def test_a_number_is_given_as_a_float(value: Any, expected: float) -> None:
    found = Number().checked(Callback(), value, "factor")
    assert (type(found), found) == (float, expected)


@pytest.mark.parametrize(
    "value",
    [
        *("1", b"1", bytearray(b"1"), np.str_("1"), None, 1j, np.datetime64("2020-01-01")),
        *([], [1.0], np.ones(2), np.ones(0), object(), float, Unprintable()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_number_is_a_type_error(value: Any) -> None:
    for argument in (Number(), Count(), Whole()):
        with pytest.raises(TypeError, match=r"^Callback: factor=.* has to be a number$"):
            argument.checked(Callback(), value, "factor")


@pytest.mark.parametrize("value", [math.nan, np.float32("nan"), Decimal("NaN"), Decimal("sNaN"), np.array([math.nan])])
def test_nan_is_no_limit(value: Any) -> None:
    for argument in (Number(), Count(), Whole()):
        with pytest.raises(ValueError, match=r"^Callback: factor=.* has to be a number, and not NaN$"):
            argument.checked(Callback(), value, "factor")


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9))
def test_a_number_may_have_a_bound(value: float, bound: float) -> None:
    if value >= bound:
        assert Number(bound).check(value) == value
    else:
        with pytest.raises(ValueError, match=r"^has to be .* or more$"):
            Number(bound).check(value)
    if value > bound:
        assert Number(above=bound).check(value) == value
    else:
        with pytest.raises(ValueError, match=r"^has to be more than "):
            Number(above=bound).check(value)


WHOLE = [(0, 0), (np.uint8(7), 7), (np.array(3), 3), (10**300, 10**300), (3.0, 3), (True, 1), (Fraction(4, 2), 2)]


@pytest.mark.parametrize(("value", "expected"), WHOLE)
def test_a_whole_number_is_given_as_an_int(value: Any, expected: int) -> None:
    for found in (Count().check(value), Whole().check(value)):
        assert (type(found), found) == (int, expected)


def test_a_count_that_is_only_compared_may_be_any_number() -> None:
    assert [Count().check(value) for value in (3.5, math.inf, -2, 99e99)] == [3.5, math.inf, -2, int(99e99)]


@pytest.mark.parametrize("value", [1.5, np.float32(0.5), math.inf, Decimal("2.5")])
def test_a_whole_number_is_whole(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^Callback: patience=.* has to be a whole number$"):
        Whole().checked(Callback(), value, "patience")


@pytest.mark.parametrize(("value", "least"), [(-1, 0), (0, 1), (np.int8(-1), 0), (-(10**300), 0), (-0.5, 0)])
def test_a_count_that_is_too_small_is_an_error(value: Any, least: int) -> None:
    with pytest.raises(ValueError, match=rf"^Callback: patience=.* has to be {least} or more$"):
        Whole(least).checked(Callback(), value, "patience")


def test_a_limit_may_be_missing() -> None:
    assert [Most().check(value) for value in (None, math.inf, 1, 2.0)] == [None, None, 1, 2]
    for value in (0, -1, 1.5, "1"):
        with pytest.raises((TypeError, ValueError)):
            Most().check(value)


def test_verbosity_is_any_number_or_none() -> None:
    values = (False, True, 0, 1, 2, -1, None, 0.5)
    assert [Verbosity().check(value) for value in values] == [0, 1, 0, 1, 2, -1, 0, 0.5]
    with pytest.raises(TypeError, match="Callback: verbose='auto' has to be a number"):
        Verbosity().checked(Callback(), "auto", "verbose")


# Others


@pytest.mark.parametrize("value", [True, False, 0, 1, np.True_, np.False_, None, 2, -1, 0.0, [], "yes", object(), {}])
def test_a_switch_is_what_python_takes_for_true_or_false(value: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Switch().check(value) is bool(value)
        assert Switch().remark(value) == ""


def test_what_is_neither_true_nor_false_is_no_switch() -> None:
    with pytest.raises(TypeError, match=r"Callback: raise_error=array\(\[1., 1.\]\) has to be True or False"):
        Switch().checked(Callback(), np.ones(2), "raise_error")


@pytest.mark.parametrize("value", ["False", "no", "OFF", "0", "None"])
def test_text_that_says_no_is_true_and_warned_of(value: str) -> None:
    assert Switch().check(value) is True
    assert Switch().remark(value) == "is text, and any text counts as True"


def test_text_choices_and_paths() -> None:
    assert (Text().check(""), Choice("a", "b").check("b"), FilePath().check(b"a")) == ("", "b", "a")
    with pytest.raises(TypeError, match="has to be text"):
        Text().check(b"")
    with pytest.raises(ValueError, match=r"has to be one of: 'stdout', 'stderr'\. Did you mean 'stdout'\?"):
        Choice("stdout", "stderr").check("stdot")
    with pytest.raises(ValueError, match=r"has to be one of: 'a'\.$"):
        Choice("a").check(None)
    with pytest.raises(TypeError, match="has to be a path"):
        FilePath().check(1)


def test_arrays_are_a_list_of_arrays() -> None:
    arrays = [np.zeros(2), np.array(1.0), 1.0]
    assert Arrays().check(arrays) is arrays
    for value in (arrays[0], ["x"], "weights", None):
        with pytest.raises(TypeError, match="has to be a list of arrays"):
            Arrays().check(value)


def test_or_none_passes_on_what_is_not_none() -> None:
    argument = OrNone(Switch())
    assert (argument.check(None), argument.check(0)) == (None, False)
    assert (argument.remark(None), argument.remark("no")) == ("", "is text, and any text counts as True")


def test_a_value_is_shown_in_one_line_of_bounded_length() -> None:
    assert shown(np.zeros((2, 2))) == "array([[0., 0.], [0., 0.]])"
    assert shown("x" * 1000) == "'" + "x" * 198 + "…"
    assert shown(Unprintable()) == "<Unprintable, whose repr raises RuntimeError>"
