from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from epochal.settings.layers import Setting, Table
from epochal.settings.parameters import make_arguments

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike as Written

    from not_there import Unknown  # type: ignore[import-not-found]  # what cannot be told is not checked


class Typed:
    """Has a parameter of every kind of type that a plugin may have."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        patience: int = 0,
        rate: float = 0.1,
        verbose: bool = False,
        metrics: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        schedule: Callable[[int], float] | None = None,
        unknown: Unknown = None,
        other: Written[str] = Path(),
        bare: Any = None,
    ) -> None: ...


class Untyped:
    def __init__(self, value=None, schedule=None): ...  # type: ignore[no-untyped-def]  # as others write them


def arguments(kind: Any, **values: Any) -> tuple[dict[str, Any], list[str]]:
    parameters = {key: Setting(value, f"there.{key}", "file") for key, value in values.items()}
    return make_arguments(kind, Table("there", "file", parameters))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("path", "a"),
        ("patience", 3),
        ("rate", 3),
        ("rate", 0.5),
        ("verbose", True),
        ("metrics", ["a", "b"]),
        ("headers", {"a": "b"}),
        ("unknown", [1]),
        ("bare", {"a": [1]}),
    ],
)
def test_a_value_of_the_type_is_taken_as_it_is(key: str, value: Any) -> None:
    assert arguments(Typed, **{"path": "p", key: value}) == ({"path": "p", key: value}, [])


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("path", 3, "there.path: str | os.PathLike[str] is expected, and 3 (int) stands there."),
        ("patience", "3", "there.patience: int is expected, and '3' (str) stands there."),
        ("patience", 3.5, "there.patience: int is expected, and 3.5 (float) stands there."),
        ("patience", True, "there.patience: int is expected, and True (bool) stands there."),
        ("rate", True, "there.rate: float is expected, and True (bool) stands there."),
        ("verbose", 1, "there.verbose: bool is expected, and 1 (int) stands there."),
        ("metrics", [1], "there.metrics: Sequence[str] is expected, and [1] (list) stands there."),
        ("headers", {"a": 1}, "there.headers: Mapping[str, str] | None is expected, and {'a': 1} (dict) stands there."),
        ("schedule", 3, 'and 3 (int) stands there. It is given as "package.module:name".'),
    ],
)
def test_a_value_of_another_type_is_a_mistake(key: str, value: Any, expected: str) -> None:
    (problem,) = arguments(Typed, **{"path": "p", key: value})[1]
    assert problem.endswith(expected)


def test_a_function_is_named_by_where_it_is() -> None:
    assert arguments(Typed, path="p", schedule="math:floor") == ({"path": "p", "schedule": math.floor}, [])


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("math:flor", "'math:flor' cannot be imported: AttributeError: module 'math' has no attribute 'flor'"),
        ("no_such_module:x", "'no_such_module:x' cannot be imported: ModuleNotFoundError"),
        ("math:pi", "Callable[[int], float] | None is expected, and 'math:pi' is 3.14"),
    ],
)
def test_a_name_that_leads_nowhere_or_to_something_else_is_a_mistake(reference: str, expected: str) -> None:
    (problem,) = arguments(Typed, path="p", schedule=reference)[1]
    assert expected in problem


def test_text_that_looks_like_a_name_stays_text_where_text_is_taken() -> None:
    assert arguments(Typed, path="math:floor") == ({"path": "math:floor"}, [])


def test_without_a_type_a_name_that_leads_somewhere_is_followed() -> None:
    assert arguments(Untyped, schedule="math:floor", value="no:where") == (
        {"schedule": math.floor, "value": "no:where"},
        [],
    )


def test_an_unknown_key_and_a_missing_one_are_told_with_what_there_is() -> None:
    problems = arguments(Typed, patiense=3)[1]
    assert problems[0].startswith(
        "there.patiense: Typed has no parameter 'patiense'. Did you mean 'patience'? There are: path"
    )
    assert problems[1] == "there: Typed needs path."


def test_a_class_that_takes_any_keyword_takes_any_key() -> None:
    class Open:
        def __init__(self, **anything: Any) -> None: ...

    assert arguments(Open, a=1) == ({"a": 1}, [])


def test_a_class_without_parameters_says_so() -> None:
    class Closed:
        pass

    assert arguments(Closed, a=1)[1] == ["there.a: Closed has no parameter 'a'. It has none."]


def test_a_function_may_make_the_callback() -> None:
    def make(patience: int) -> None: ...

    assert arguments(make, patience=1) == ({"patience": 1}, [])
    assert arguments(make, patience="1")[1] == ["there.patience: int is expected, and '1' (str) stands there."]


def test_what_shows_no_signature_is_called_as_it_is() -> None:
    assert arguments(dict, a=1) == ({"a": 1}, [])
