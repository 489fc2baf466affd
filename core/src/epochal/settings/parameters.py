"""The parameters that the settings give to a callback, checked against its constructor before anything trains."""

from __future__ import annotations

import collections.abc
import inspect
import os
import pathlib
import re
import sys
import typing
from importlib import import_module
from inspect import Parameter
from typing import TYPE_CHECKING, Any

from ..errors import nearest, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from .layers import Setting, Table

_REFERENCE = re.compile(r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$")


def assignments(command: str, names: Iterable[str]) -> str:
    """Return the sentence that says how parameters are typed behind a command.

    >>> assignments("epochal enable csv_logger", ["filename"])
    '`epochal enable csv_logger filename=…` sets it.'
    """
    typed = [f"{name}=…" for name in names]
    return f"`{' '.join([command, *typed])}` sets {'it' if len(typed) == 1 else 'them'}."


def make_arguments(
    kind: Callable[..., Any], table: Table, remedy: Callable[[Sequence[str]], str] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """Check a table against a constructor's signature and type hints.

    A text `"package.module:name"` stands for the object of this name, where the parameter does not take text.

    Args:
        kind: The class, or whatever makes the callback.
        table: The parameters.
        remedy: Returns the sentence that says how missing parameters are given.

    Returns:
        The arguments for the call, and what is wrong with them, each as a sentence with its place.
    """
    try:
        parameters = inspect.signature(kind).parameters
    except (TypeError, ValueError):  # nothing to read; the call will tell
        return {key: setting.value for key, setting in table.parameters.items()}, []
    title = getattr(kind, "__name__", str(kind))
    named = {
        name: each for name, each in parameters.items() if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    }
    takes_any = any(each.kind is Parameter.VAR_KEYWORD for each in parameters.values())
    arguments: dict[str, Any] = {}
    problems = []
    for key, setting in table.parameters.items():
        if key in named:
            arguments[key], problem = _argument(kind, named[key], setting)
            problems += [f"{setting.place}: {problem}"] if problem else []
        elif takes_any:
            arguments[key] = setting.value
        else:
            there = f"There are: {', '.join(named)}." if named else "It has none."
            problems.append(f"{setting.place}: {title} has no parameter {key!r}.{nearest(key, named)} {there}")
    missing = [name for name, each in named.items() if each.default is Parameter.empty and name not in table.parameters]
    if missing:
        how = f" {remedy(missing)}" if remedy is not None else ""
        problems.append(f"{table.place}: {title} needs {', '.join(missing)}.{how}")
    return arguments, problems


def _argument(kind: Callable[..., Any], parameter: Parameter, setting: Setting) -> tuple[Any, str]:
    """Return the value for one parameter, and what is wrong with it."""
    value, hint = setting.value, type_hint(kind, parameter)
    names_code = is_reference(value)
    if hint is Any:
        return _resolve(value) if names_code and _is_there(value) else (value, "")
    if fits(value, hint):
        return value, ""
    if names_code:
        found, problem = _resolve(value)
        if problem or fits(found, hint):
            return found, problem
        return None, f"{_written(parameter)} is expected, and {value!r} is {found!r}."
    how = ' It is given as "package.module:name".' if _is_code(hint) else ""
    return None, f"{_written(parameter)} is expected, and {value!r} ({type(value).__name__}) stands there.{how}"


def is_reference(value: Any) -> bool:
    """Return whether a value may stand for an object: a text like `"package.module:name"`."""
    return isinstance(value, str) and _REFERENCE.match(value) is not None


def fits(value: Any, hint: Any) -> bool:
    """Return whether a value is of a type; an int is a float, and True is no int."""
    if isinstance(value, bool) and hint in (int, float):
        return False
    from typeguard import TypeCheckError, check_type

    try:
        check_type(value, hint)
    except TypeCheckError:
        return False
    return True


def type_hint(kind: Callable[..., Any], parameter: Parameter) -> Any:
    """Return the type of a parameter; Any where there is none, or it cannot be told.

    Names that a module imports for types alone are found in the modules of the standard library that hints use.
    """
    annotation = parameter.annotation
    if annotation is Parameter.empty:
        return Any
    if not isinstance(annotation, str):
        return annotation
    owner = getattr(kind, "__init__", kind) if isinstance(kind, type) else kind
    scope = getattr(inspect.unwrap(owner), "__globals__", None) or vars(sys.modules.get(kind.__module__, typing))
    try:
        return eval(annotation, {}, _Scope(scope))  # noqa: S307  # the annotation is the plugin's own code
    except Exception:
        return Any


class _Scope(dict[str, Any]):
    """The names that an annotation may use; one that cannot be found is Any."""

    _EXTRA = (typing, collections.abc)

    def __init__(self, scope: Mapping[str, Any]) -> None:
        super().__init__({"os": os, "pathlib": pathlib, "Path": pathlib.Path, "PathLike": os.PathLike})
        self.update(scope)

    def __missing__(self, name: str) -> Any:
        builtins = vars(sys.modules["builtins"])
        if name in builtins:
            return builtins[name]
        return next((getattr(each, name) for each in self._EXTRA if hasattr(each, name)), Any)


def _written(parameter: Parameter) -> str:
    """Return a type as its author wrote it."""
    annotation = parameter.annotation
    return annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))


def _is_code(hint: Any) -> bool:
    return "Callable" in str(hint)


def _is_there(reference: str) -> bool:
    """Return whether a reference names something that can be imported, for a parameter that may take text as well."""
    _, problem = _resolve(reference)
    return not problem


def _resolve(reference: str) -> tuple[Any, str]:
    """Import what `package.module:name` names."""
    module, _, attributes = reference.partition(":")
    try:
        found: Any = import_module(module)
        for attribute in attributes.split("."):
            found = getattr(found, attribute)
    except (Exception, SystemExit) as error:
        return None, f"{reference!r} cannot be imported: {one_line(error)}."
    return found, ""
