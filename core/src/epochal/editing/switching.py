"""Switch callbacks on and off in a config file, and keep its comments and its layout."""

from __future__ import annotations

import inspect
import os
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from ..choosing.choice import find_record
from ..choosing.mistakes import meant_name
from ..engine.dispatch import check_wrappers
from ..engine.implementation import implementations
from ..engine.member import make_member
from ..engine.ordering import PINNED
from ..errors import (
    CallbackError,
    ConfigError,
    EpochalError,
    UnknownCallbackError,
    one_line,
)
from ..run import Run
from ..settings.layers import Setting, Table
from ..settings.names import CallbackName
from ..settings.parameters import assignments, make_arguments
from ..settings.reading import FILE_NAME, PROJECT_FILE, config_file, read_text, short_path
from ..settings.values import spelling_hint
from ..warn import warn_user
from .draft import Draft

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ..installed.discovery import Catalogue
    from .draft import Edit

_NAME = re.compile(r"[^\s,]+")


def file_to_edit(start: Path) -> Path:
    """Return the config file that counts in a folder, or the one that is to be made there.

    That is `[tool.epochal]` in the folder's pyproject.toml, if it has one, else a new epochal.toml.

    Raises:
        EpochalError: The environment says that no file is to be read.
    """
    if os.environ.get("EPOCHAL_CONFIG") == "":
        raise EpochalError("EPOCHAL_CONFIG is empty, so no config file is read, and none is written. Unset it first.")
    found = config_file(start)
    if found is not None:
        return found
    project = start / PROJECT_FILE
    return project if project.is_file() else start / FILE_NAME


def enable(path: Path, names: Sequence[CallbackName], given: Mapping[str, str], catalogue: Catalogue) -> Edit:
    """Switch callbacks on, and set parameters of one. They are imported, and their parameters are checked.

    Args:
        path: The config file.
        names: The callbacks' names, `package.module:Class`, or that of a further instance, `csv_logger#2`.
        given: Parameter to its value, as it is typed; for one callback only.
        catalogue: The installed callbacks.

    Raises:
        CallbackError: The callback is not installed, or cannot be used.
        ConfigError: A parameter is wrong, the file has mistakes where it is to be edited, or one of several callbacks
            cannot be used.
        EpochalError: The file cannot be edited.
    """
    names = [*dict.fromkeys(names)]
    if given and len(names) > 1:
        raise EpochalError(
            f"parameters are set for one callback at a time, and {len(names)} are named: {', '.join(names)}."
        )
    draft = Draft(path)
    loaded = _load(names, catalogue.preferring(draft.preferences()))
    spelt = [_switch_on(draft, path, name, given) for name in names]
    edit = draft.edit()
    problems = [
        problem for found, name in zip(loaded, spelt, strict=True) for problem in _check(found, name, edit, given)
    ]
    if problems:
        raise ConfigError(problems)
    return edit


def _load(names: Sequence[CallbackName], catalogue: Catalogue) -> list[Any]:
    """Import callbacks; of several, all that cannot be used are told."""
    loaded: list[Any] = []
    errors: list[CallbackError] = []
    for name in names:
        _check_number(name)
        try:
            loaded.append(find_record(name.base, catalogue).load())
        except CallbackError as error:
            is_parameter = bool(loaded) and name in _parameters(loaded[0])
            what = f"{name!r} is a parameter of {names[0]!r}, and is given with its value, {name}=…."
            errors.append(UnknownCallbackError(name, what) if is_parameter else error)
    if errors and len(names) == 1:
        raise errors[0]
    if errors:
        raise ConfigError(map(str, errors))
    return loaded


def _parameters(found: Any) -> Mapping[str, Any]:
    try:
        return inspect.signature(found).parameters
    except (TypeError, ValueError):  # nothing to read
        return {}


def _switch_on(draft: Draft, path: Path, name: CallbackName, given: Mapping[str, str]) -> CallbackName:
    """Switch one callback on, and return its name as the file spells it."""
    name = _spelt(name, draft, path)
    kind, number = name.base, name.number
    for each in dict.fromkeys((name, kind)):
        draft.remove_name("disable", each)
    old = draft.tables(kind)
    # A table may be missing: the first instance is in the list then.
    count = len(old) if old else int(kind in draft.names("enable"))
    if number > count + 1:
        what = f"the next one is {kind}#{count + 1}" if count else f"the first one is to be enabled before, as {kind}"
        raise EpochalError(f"there is no {name!r} in {short_path(path)} yet: {what}.")
    if number <= len(old):
        draft.set_values(kind, number, given)
    elif number > 1:
        draft.add_instance(kind, number, given)
    elif given:
        draft.add_table(kind, given)
    elif kind not in PINNED:
        draft.add_name("enable", str(kind))
    return name


def disable(path: Path, names: Sequence[CallbackName], catalogue: Catalogue) -> Edit:
    """Switch callbacks off. What they are set to stays in the file.

    Args:
        path: The config file.
        names: The callbacks' names; they need not be installed, as the code may pass one of that name.
        catalogue: The installed callbacks.

    Raises:
        ConfigError: The file has mistakes where it is to be edited.
        EpochalError: A callback is pinned or its name is misspelt, or the file cannot be edited.
    """
    draft = Draft(path)
    known = [*PINNED, *(record.name for record in catalogue.records)]
    problems = [problem for name in dict.fromkeys(names) if (problem := _objection(name, draft, path, known))]
    if problems:
        raise EpochalError("\n  ".join(problems if len(problems) == 1 else ["nothing was written:", *problems]))
    for name in dict.fromkeys(names):
        spelt = _spelt(name, draft, path)
        draft.remove_name("enable", spelt)
        draft.add_name("disable", str(spelt))
    return draft.edit()


def _objection(name: CallbackName, draft: Draft, path: Path, known: Sequence[str]) -> str:
    """Return what keeps a name from being switched off; empty: nothing does."""
    _check_number(name)
    if not (_NAME.fullmatch(name) or name.is_file):
        return f"{name!r} is not the name of a callback."
    if name in PINNED:
        return f"{name!r} is pinned, in every run, and cannot be switched off."
    if _spelt(name, draft, path) in draft.all_names():
        return ""
    if name.is_file:
        return "" if name.is_there() else f"there is no file {name!r}."
    meant = meant_name(name.base, known)
    return f"no callback has the name {name.base!r}. Did you mean {meant!r}?" if meant else ""


def _check_number(name: CallbackName) -> None:
    if name != name.base and name.number < 2:
        raise EpochalError(f"{name!r} is not an instance: the second one is {name.base}#2, the first has no number.")


def _spelt(name: CallbackName, draft: Draft, path: Path) -> CallbackName:
    """Return a name as it is spelt in a config file: what is a path there begins in the file's folder."""
    folder, kind = path.absolute().parent, name.base.absolute()
    spelt = (CallbackName(each).base for each in draft.all_names())
    return next((each for each in spelt if each.absolute(folder) == kind), kind.relative(folder)).instance(name.number)


# The parameters


def _check(found: Any, name: CallbackName, edit: Edit, given: Mapping[str, str]) -> list[str]:
    """Return what is wrong with an instance's parameters, by the constructor's signature and by calling it."""
    tables = read_text(edit.path, edit.text).tables.get(name.base.absolute(edit.path.absolute().parent), ())
    parameters = dict(tables[name.number - 1].parameters) if tables else {}
    for key in given:
        parameters[key] = Setting(parameters[key].value, f"{key}={given[key]}", "command line")
    if not callable(found):
        return [f"{name!r} is not a class, and has no parameters."] if parameters else _no_callback(found, name)
    arguments, problems = make_arguments(
        found, Table(name, "command line", parameters), partial(assignments, f"epochal enable {name}")
    )
    problems = [problem + _hint(problem, given) for problem in problems]
    return problems or _refusal(found, name, arguments)


def _hint(problem: str, given: Mapping[str, str]) -> str:
    """Say how a value that was taken for text is written, where no text is expected."""
    text = next((text for key, text in given.items() if problem.startswith(f"{key}={text}:")), "")
    return spelling_hint(text) if text not in ("True", "False") or "bool" in problem else ""


def _refusal(found: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> list[str]:
    """Return what the constructor says about the values; what else may fail there depends on the place of the run."""
    try:
        created = found(**arguments)
    except (TypeError, ValueError, SystemExit) as error:
        return [f"{name}: {one_line(error)}"]
    except Exception as error:
        warn_user(f"creating {name!r} failed here: {one_line(error)}. A run fails of it if it is so where that begins.")
        return []
    return _no_callback(created, name)


def _no_callback(created: Any, name: str) -> list[str]:
    """Return what keeps an object from being a callback."""
    try:
        member = make_member(name, created, None, None)
        check_wrappers(member, implementations(member, Run(None, "train")))
    except EpochalError as error:
        return [str(error)]
    return []
