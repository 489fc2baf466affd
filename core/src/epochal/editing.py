"""Switch callbacks on and off in a config file, and keep its comments and its layout."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .activity import find_record
from .config import FILE_NAME, PROJECT_FILE, config_file, read_text, short_path
from .draft import Draft
from .errors import ConfigError, EpochalError, InvalidCallbackError, one_line
from .member import make_member
from .ordering import PINNED, base_name
from .parameters import make_arguments
from .path_names import absolute_name, is_path, relative_name
from .plan import order_events
from .settings import Setting, Table
from .values import spelling_hint
from .warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .discovery import Catalogue
    from .draft import Edit

_NAME = re.compile(r"[^\s,]+")


def file_to_edit(start: Path) -> Path:
    """Give the config file that counts in a folder, or the one that is to be made there.

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


def enable(path: Path, name: str, given: Mapping[str, str], catalogue: Catalogue) -> Edit:
    """Switch a callback on, and set parameters of it. It is imported, and its parameters are checked.

    Args:
        path: The config file.
        name: The callback's name, `package.module:Class`, or that of a further instance, `csv_logger#2`.
        given: Parameter to its value, as it is typed.
        catalogue: The installed callbacks.

    Raises:
        CallbackError: The callback is not installed, or cannot be used.
        ConfigError: A parameter is wrong, or the file has mistakes where it is to be edited.
        EpochalError: The file cannot be edited.
    """
    number, draft = _number(name), Draft(path)
    found = find_record(base_name(name), catalogue.preferring(draft.preferences())).load()
    name = _spelt(name, draft, path)
    kind = base_name(name)
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
        draft.add_name("enable", kind)
    edit = draft.edit()
    _check(found, name, edit, given)
    return edit


def disable(path: Path, name: str) -> Edit:
    """Switch a callback off. What it is set to stays in the file.

    Args:
        path: The config file.
        name: A callback's name; it need not be installed, as the code may pass one of that name.

    Raises:
        ConfigError: The file has mistakes where it is to be edited.
        EpochalError: The callback is pinned, or the file cannot be edited.
    """
    _number(name)
    if not (_NAME.fullmatch(name) or is_path(name)):
        raise EpochalError(f"{name!r} is no name of a callback.")
    if name in PINNED:
        raise EpochalError(f"{name!r} is pinned, in every run, and cannot be switched off.")
    draft = Draft(path)
    name = _spelt(name, draft, path)
    draft.remove_name("enable", name)
    draft.add_name("disable", name)
    return draft.edit()


def _number(name: str) -> int:
    _, sign, number = name.partition("#")
    if sign and not (number.isdecimal() and int(number) > 1):
        raise EpochalError(f"{name!r} is no instance: the second one is {base_name(name)}#2, the first has no number.")
    return int(number) if sign else 1


def _spelt(name: str, draft: Draft, path: Path) -> str:
    """Give a name as it is spelt in a config file: what is a path there begins in the file's folder."""
    if not is_path(name):
        return name
    folder = path.absolute().parent
    kind, sign, number = absolute_name(name, Path.cwd()).partition("#")
    there = (each for each in draft.all_names() if absolute_name(base_name(each), folder) == kind)
    return f"{base_name(next(there, relative_name(kind, folder)))}{sign}{number}"


# The parameters


def _check(found: Any, name: str, edit: Edit, given: Mapping[str, str]) -> None:
    """Check all parameters of an instance against the constructor, and try whether it takes their values.

    Raises:
        ConfigError: They are wrong.
    """
    number = _number(name)
    key = absolute_name(base_name(name), edit.path.absolute().parent)
    tables = read_text(edit.path, edit.text).tables.get(key, ())
    parameters = dict(tables[number - 1].parameters) if tables else {}
    for key in given:
        parameters[key] = Setting(parameters[key].value, f"{key}={given[key]}", "command line")
    if not callable(found):
        problems = [f"{name!r} is no class, and has no parameters."] if parameters else _no_callback(found, name)
    else:
        arguments, problems = make_arguments(found, Table(name, "command line", parameters))
        problems = [problem + _hint(problem, given) for problem in problems]
        problems = problems or _refusal(found, name, arguments)
    if problems:
        raise ConfigError(problems)


def _hint(problem: str, given: Mapping[str, str]) -> str:
    """Say how a value that was taken for text is written, where no text is expected."""
    text = next((text for key, text in given.items() if problem.startswith(f"{key}={text}:")), "")
    return spelling_hint(text) if text not in ("True", "False") or "bool" in problem else ""


def _refusal(found: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> list[str]:
    """Tell what the constructor says about the values; what else may fail there depends on the place of the run."""
    try:
        created = found(**arguments)
    except (TypeError, ValueError, SystemExit) as error:
        return [f"{name}: {one_line(error)}"]
    except Exception as error:
        warn_user(f"creating {name!r} failed here: {one_line(error)}. A run fails of it if it is so where that begins.")
        return []
    return _no_callback(created, name)


def _no_callback(created: Any, name: str) -> list[str]:
    """Tell what keeps an object from being a callback."""
    try:
        return order_events([make_member(name, created, None, None)])[1]
    except InvalidCallbackError as error:
        return [str(error)]
