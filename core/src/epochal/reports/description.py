"""What one installed callback does and takes, read off its class. The one callback is imported, and no other."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from inspect import Parameter
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any

from ..callback import Callback, Priority
from ..choosing.activity import Activity, activity_of
from ..choosing.choice import find_record
from ..errors import shown
from ..inspection.events import events_of
from ..settings.names import CallbackName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..choosing.choice import Choice
    from ..installed.discovery import Record
    from ..settings.layers import Setting, Settings

_SECTION = re.compile(r"^(\w[\w ]*):\s*$")
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:, *\*{0,2}\w+)*)(?: *\([^)]*\))?:(?: +|$)(.*)$")


@dataclass(frozen=True)
class ParameterDescription:
    """A parameter of a callback's class.

    Attributes:
        name: Its name; with stars in front where it stands for any number of them.
        type: The type as its author wrote it; empty if nobody did.
        default: The default as Python writes it; None: it has none.
        text: What the class's docstring says of it.
        required: Whether it has to be given.
        given: What the settings give, by the name of the instance.
    """

    name: str
    type: str
    default: str | None
    text: str
    required: bool
    given: Mapping[str, Setting]


@dataclass(frozen=True)
class Description:
    """A callback, as its class tells.

    Attributes:
        record: Where it is installed.
        activity: Whether it takes part in a run, and why.
        kind: "class", "object", "function" or "module".
        class_name: What the entry point names, as it is imported.
        text: What it does; empty if its authors do not say.
        parameters: Its parameters, in their order.
        events: The events that it implements; those that depend on its parameters may be missing.
        priority: Its priority; None: that is decided when it is created.
        before, after: The names that it runs before and after.
        on_error: "raise" or "disable": what happens when it fails.
        file: The file with its code; empty if there is none.
        line: The line in which its code begins.
        is_callback: Whether it is one at all, as far as that can be told without creating it.
    """

    record: Record
    activity: Activity
    kind: str
    class_name: str
    text: str
    parameters: tuple[ParameterDescription, ...]
    events: tuple[str, ...]
    priority: int | None
    before: tuple[str, ...]
    after: tuple[str, ...]
    on_error: str
    file: str
    line: int | None
    is_callback: bool

    @property
    def role(self) -> str:
        """What its priority stands for; empty if nothing."""
        return next((each.name for each in Priority if each == self.priority), "")

    @property
    def import_line(self) -> str:
        """The statement that imports it."""
        module, name = self.record.module, self.record.value.attribute
        if not name and self.kind == "class":  # the one class of a file
            name = self.class_name
        return f"from {module} import {name}" if name.isidentifier() else f"import {module}"


def describe(text: str, choice: Choice) -> Description:
    """Import one callback, and describe it.

    Args:
        text: Its name, or `package.module:Class`.
        choice: The installed callbacks, and the settings, which may prefer a distribution and give parameters.

    Raises:
        CallbackError: It is not installed, or cannot be used.
    """
    name = CallbackName(text).absolute().base
    record = find_record(name, choice.catalogue)
    found = record.load()
    text, about = _docstring(found)
    priority = getattr(found, "priority", Priority.CONTROL)
    is_number = isinstance(priority, int) and not isinstance(priority, bool)
    file, line = _place(found)
    return Description(
        record=record,
        activity=activity_of(name, choice) or Activity(record, False, ""),
        kind=_kind(found),
        class_name=getattr(found, "__qualname__", None) or getattr(found, "__name__", None) or record.value,
        text=text,
        parameters=tuple(_parameters(found, about, _given(name, choice.settings))),
        events=events_of(found),
        priority=int(priority) if is_number else None,
        before=_names(found, "before"),
        after=_names(found, "after"),
        on_error="disable" if getattr(found, "critical", True) is False else "raise",
        file=file,
        line=line,
        is_callback=is_callback(found),
    )


def is_callback(found: Any) -> bool:
    """Return whether an entry point names a callback, as far as that can be told without creating it."""
    kind = found if isinstance(found, type) else type(found)
    is_factory = callable(found) and not isinstance(found, type)
    return bool(events_of(found)) or issubclass(kind, Callback) or hasattr(kind, "set_model") or is_factory


def _kind(found: Any) -> str:
    kinds: dict[str, Any] = {"class": type, "module": ModuleType, "function": (FunctionType, MethodType)}
    return next((kind for kind, types in kinds.items() if isinstance(found, types)), "object")


def _names(found: Any, attribute: str) -> tuple[str, ...]:
    names = getattr(found, attribute, ())
    return tuple(map(str, names)) if isinstance(names, (tuple, list, set, frozenset)) else ()


def _place(found: Any) -> tuple[str, int | None]:
    """Return the file and the line of the code."""
    has_code = isinstance(found, (type, ModuleType, FunctionType, MethodType))
    owner = found if has_code else type(found)
    try:
        file = inspect.getsourcefile(owner) or inspect.getfile(owner)
        line = None if isinstance(owner, ModuleType) else inspect.getsourcelines(owner)[1]
    except (OSError, TypeError):  # made in C, or without its source
        return getattr(owner, "__file__", None) or "", None
    return file, line


# Parameters


def _given(name: CallbackName, settings: Settings) -> dict[str, Mapping[str, Setting]]:
    tables = settings.tables.get(name, ())
    return {name.instance(number): table.parameters for number, table in enumerate(tables, 1)}


def _parameters(
    found: Any, about: Mapping[str, str], given: Mapping[str, Mapping[str, Setting]]
) -> Iterator[ParameterDescription]:
    if not isinstance(found, type):
        return
    try:
        parameters = inspect.signature(found).parameters.values()
    except (TypeError, ValueError):  # nothing to read
        return
    stars: dict[Any, str] = {Parameter.VAR_POSITIONAL: "*", Parameter.VAR_KEYWORD: "**"}
    for each in parameters:
        is_open = each.kind in stars
        yield ParameterDescription(
            name=stars.get(each.kind, "") + each.name,
            type=_type(each.annotation),
            default=None if each.default is Parameter.empty else _written(each.default),
            text=about.get(each.name, ""),
            required=each.default is Parameter.empty and not is_open,
            given={instance: table[each.name] for instance, table in given.items() if each.name in table},
        )


def _type(annotation: Any) -> str:
    if annotation is Parameter.empty:
        return ""
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _written(default: Any) -> str:
    """Return a default as Python writes it; of code its name, as its address tells nothing."""
    if isinstance(default, (type, FunctionType, BuiltinFunctionType)):
        return f"{default.__module__}.{default.__qualname__}".removeprefix("builtins.")
    return shown(default)


# Docstrings


def _docstring(found: Any) -> tuple[str, dict[str, str]]:
    """Return what a docstring says before its first section, and what it says of the parameters."""
    own = vars(found).get("__doc__") if isinstance(found, type) else getattr(found, "__doc__", None)
    lines = inspect.cleandoc(own).splitlines() if isinstance(own, str) else []
    first = next((place for place, line in enumerate(lines) if _SECTION.match(line)), len(lines))
    about = dict(_entries(lines, "Args")) if isinstance(found, type) else {}
    if isinstance(found, type):  # many write it below the constructor
        init = getattr(vars(found).get("__init__"), "__doc__", None) or ""
        about = {**dict(_entries(inspect.cleandoc(init).splitlines(), "Args")), **about}
    return "\n".join(lines[:first]).strip(), about


def _entries(lines: list[str], section: str) -> Iterator[tuple[str, str]]:
    """Yield the entries of a section: `name: text`, the text going on in lines that are indented more."""
    names: list[str] = []
    words: list[str] = []
    inside, indent = False, None
    for line in lines:
        heading = _SECTION.match(line)
        if heading or not inside:
            inside = inside if heading is None else heading[1] in (section, "Arguments", "Parameters")
            continue
        if not line.strip():
            continue
        own = len(line) - len(line.lstrip())
        indent = own if indent is None else indent
        entry = _ENTRY.match(line.strip()) if own == indent else None
        if entry:
            yield from ((name, " ".join(words)) for name in names)
            names, words = [name.strip(" *") for name in entry[1].split(",")], [entry[2]] if entry[2] else []
        else:
            words.append(line.strip())
    yield from ((name, " ".join(words)) for name in names)
