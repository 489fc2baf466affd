"""The parameters and the state of a callback, each declared once on its class.

An argument is a descriptor that checks what an attribute is set to, in the constructor and at any time after it. It has
no `__get__`: reading the attribute costs what reading any attribute costs. A state is checked by the same declarations
before anything of it is taken.

::

    class Patient(Callback):
        patience = Count(least=0)  # a parameter
        baseline = OrNone(Number())  # another one, None is fine
        wait = State(Whole(least=0))  # part of the state

        def __init__(self, patience: float = 3, baseline: float | None = None) -> None:
            self.patience = patience
            self.baseline = baseline
            self.wait = 0

A callback with a plain attribute, and with its name in `state_attributes`, works as well; then nothing is checked.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import StateError, nearest, shown
from .log_values import is_array, to_float, to_int
from .warn import warn_user

if TYPE_CHECKING:
    from typing import overload

    from typing_extensions import Self

    from .callback import Callback

T = TypeVar("T")
_Method = TypeVar("_Method", bound=Callable[..., Any])


class _Attribute(Generic[T]):
    """For type checkers, an attribute of the class that is read from an object as a `T`."""

    if TYPE_CHECKING:

        @overload
        def __get__(self, instance: None, owner: type) -> Self: ...
        @overload
        def __get__(self, instance: object, owner: type) -> T: ...
        def __get__(self, instance: object | None, owner: type) -> Any: ...


class Argument(_Attribute[T]):
    """A parameter that is checked whenever it is set. A subclass says what it takes, by `check`.

    Keras's callbacks check little, so that a value which works there should pass here too: `check` is there to refuse
    what is certain to fail later, or would destroy something. For what is doubtful there is `remark`.
    """

    name = "argument"
    _follow_up: str | None = None

    def check(self, value: Any) -> T:
        """Return what the attribute is to hold.

        Raises:
            TypeError, ValueError: The value cannot be used. The message says what it has to be, "has to be text" for
                example; callback, name and value are put before it.
        """
        raise NotImplementedError

    def remark(self, value: Any) -> str:
        """Return what to warn of, if the value is taken and is probably a mistake; else nothing."""
        return ""

    def remarked(self, owner: Any, value: Any, remark: str) -> str:
        """Return the warning for a remark."""
        return f"{_title(owner)}: {self.name}={shown(value)} {remark}"

    def then(self, method: _Method) -> _Method:
        """Mark a method that is called, without arguments, whenever the attribute has been set."""
        self._follow_up = method.__name__
        return method

    def checked(self, owner: Any, value: Any, name: str = "") -> T:
        """Check a value as setting the attribute does, for an owner that is named in messages."""
        try:
            return self.check(value)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{_title(owner)}: {name or self.name}={shown(value)} {error}") from None

    def __set_name__(self, owner: type, name: str) -> None:
        """Take the attribute's name."""
        self.name = name

    def __set__(self, instance: Any, value: Any) -> None:
        """Check a value, and set the attribute to what came of it."""
        vars(instance)[self.name] = self.checked(instance, value)
        remark = self.remark(value)
        if remark:
            warn_user(self.remarked(instance, value, remark))
        if self._follow_up is not None:
            getattr(instance, self._follow_up)()


class State(_Attribute[T]):
    """An attribute that is part of the state.

    Its name is added to `state_attributes`, and what a state holds for it is checked before the state is taken. While
    training it is an attribute like any other, at no cost.

    Args:
        argument: What a state may hold for it.
    """

    def __init__(self, argument: Argument[T]) -> None:
        self.argument = argument

    def check(self, value: Any) -> T:
        """Return what the attribute is to hold; errors as of `Argument.check`.

        Raises:
            TypeError: True or False where a number belongs. Keras takes them for one, and no callback saves them.
        """
        checked = self.argument.check(value)
        if isinstance(value, bool) and not isinstance(checked, bool):
            raise TypeError("has to be a number")
        return checked

    def __set_name__(self, owner: Any, name: str) -> None:
        """Take the attribute's name, and add it to the state of the class."""
        self.argument.name = name
        if name not in owner.state_attributes:
            owner.state_attributes = (*owner.state_attributes, name)

    if TYPE_CHECKING:

        def __set__(self, instance: Any, value: T) -> None: ...


def declared(kind: type, name: str) -> Argument[Any] | State[Any] | None:
    """Return what a class declares for an attribute; None if that is nothing."""
    declaration = next((vars(base)[name] for base in kind.__mro__ if name in vars(base)), None)
    return declaration if isinstance(declaration, (Argument, State)) else None


def check_state(callback: Callback, state: Any) -> dict[str, Any]:
    """Return a copy of a state, its values as the callback's declarations have them.

    Raises:
        StateError: It is not the state of such a callback.
    """
    title, names = type(callback).__name__, callback.state_attributes
    if not isinstance(state, Mapping):
        raise StateError(f"this is not a state of {title}, but of type {type(state).__name__}")
    parts = {
        "missing": [name for name in names if name not in state],
        "unknown": [name for name in state if name not in names],
    }
    wrong = "; ".join(f"{what} are {', '.join(map(str, found))}" for what, found in parts.items() if found)
    if wrong:
        raise StateError(f"this is not a state of {title}: {wrong}")
    checked = copy.deepcopy(dict(state))
    for name, value in checked.items():
        declaration = declared(type(callback), name)
        try:
            checked[name] = value if declaration is None else declaration.check(value)
        except (TypeError, ValueError) as error:
            raise StateError(f"this is not a state of {title}: {name}={shown(value)} {error}") from None
    return checked


# Numbers


class Number(Argument[float]):
    """A number, infinity included, as a float. NaN is refused: nothing is more or less than it.

    Bools count as 0 and 1, and arrays of one element as this element, as they do in Python's and NumPy's comparisons.

    Args:
        least: The least value that it may have. None: there is none.
        above: What it has to be more than. None: nothing.
    """

    def __init__(self, least: float | None = None, above: float | None = None) -> None:
        self._least = least
        self._above = above

    def check(self, value: Any) -> float:
        """Return the number."""
        found = to_float(value)
        if math.isnan(found):
            raise ValueError("has to be a number, and not NaN")
        if self._least is not None and found < self._least:
            raise ValueError(f"has to be {self._least:g} or more")
        if self._above is not None and found <= self._above:
            raise ValueError(f"has to be more than {self._above:g}")
        return found


class Count(Number):
    """A number of epochs or batches that others are compared with: an int wherever it is whole.

    Like Keras, it takes 3.5 and infinity too. Where only a whole number makes sense, there are `Whole` and `Most`.
    """

    def check(self, value: Any) -> float:
        """Return the number."""
        found = super().check(value)
        if isinstance(found, float) and found.is_integer():
            return to_int(value)
        return found


class Whole(Argument[int]):
    """A whole number, as an int; floats that are whole count.

    Args:
        least: The least value that it may have. None: there is none.
    """

    def __init__(self, least: int | None = None) -> None:
        self._count = Count(least)

    def check(self, value: Any) -> int:
        """Return the number."""
        found = self._count.check(value)
        if not isinstance(found, int):
            raise ValueError("has to be a whole number")
        return found


class Most(Argument[int | None]):
    """The most that there may be of something: a whole number of 1 or more. None and infinity: there is no limit."""

    def check(self, value: Any) -> int | None:
        """Return the number; None: no limit."""
        if value is None or (isinstance(value, float) and value == math.inf):
            return None
        return Whole(least=1).check(value)


class Verbosity(Count):
    """How much is printed: more than 0 is something. Like Keras it takes what is less than 0, and None for nothing."""

    def check(self, value: Any) -> float:
        """Return the number."""
        return 0 if value is None else super().check(value)


# Other kinds of values


class Switch(Argument[bool]):
    """On or off: whatever Python takes for true or false, None and 0 for example, as in Keras."""

    def check(self, value: Any) -> bool:
        """Return whether it is on."""
        try:
            return bool(value)
        except Exception:  # an array of several elements
            raise TypeError("has to be True or False") from None

    def remark(self, value: Any) -> str:
        """Warn of text that says "no", and is true in Python."""
        says_no = isinstance(value, str) and value.lower() in ("false", "no", "off", "0", "none")
        return "is text, and any text counts as True" if says_no else ""


class Text(Argument[str]):
    """Text, empty or not."""

    def check(self, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str):
            raise TypeError("has to be text")
        return value


class Choice(Argument[str]):
    """One of several texts.

    Args:
        choices: The texts.
    """

    def __init__(self, *choices: str) -> None:
        self._choices = choices

    def check(self, value: Any) -> str:
        """Return the text."""
        if not isinstance(value, str) or value not in self._choices:
            near = nearest(value, self._choices) if isinstance(value, str) else ""
            raise ValueError(f"has to be one of: {', '.join(map(repr, self._choices))}.{near}")
        return value


class Key(Argument[str]):
    """What is looked up in a dict. That is text, but as in Keras anything that can be looked up passes."""

    def check(self, value: Any) -> str:
        """Return the key."""
        try:
            hash(value)
        except TypeError:
            raise TypeError("has to be text") from None
        return value  # type: ignore[no-any-return]


class FilePath(Argument[str]):
    """A path, as text."""

    def check(self, value: Any) -> str:
        """Return the path."""
        if not isinstance(value, (str, bytes, os.PathLike)):
            raise TypeError("has to be a path, as text or as a pathlib.Path")
        return os.fsdecode(value)


class Arrays(Argument[list[Any]]):
    """A list of NumPy arrays or numbers, as the weights of a model are."""

    def check(self, value: Any) -> list[Any]:
        """Return the list."""
        if not isinstance(value, list) or not all(isinstance(each, (int, float)) or is_array(each) for each in value):
            raise TypeError("has to be a list of arrays")
        return value


class OrNone(Argument[T | None], Generic[T]):
    """What another argument takes, or None.

    Args:
        argument: The other argument.
    """

    def __init__(self, argument: Argument[T]) -> None:
        self._argument = argument

    def check(self, value: Any) -> T | None:
        """Return None, or what the other argument makes of it."""
        return None if value is None else self._argument.check(value)

    def remark(self, value: Any) -> str:
        """Warn of what the other argument warns of."""
        return "" if value is None else self._argument.remark(value)


def _title(owner: Any) -> str:
    return getattr(owner, "named_in_messages", None) or type(owner).__name__
