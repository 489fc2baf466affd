"""Read the settings: the config file, the environment, and what the command line said."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import nearest
from ..warn import warn_user
from .layers import Layer, Setting, Settings, Table, merge
from .names import CallbackName, split_names
from .toml import TOMLError, line_of, parse_toml

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "epochal.toml"
PROJECT_FILE = "pyproject.toml"
LARGEST = 4 * 2**20
"""The bytes that a config file may have: larger ones are something else, and would take long at every fit."""
VARIABLES = {
    "EPOCHAL_ENABLE": "names of callbacks to switch on, with commas between them",
    "EPOCHAL_DISABLE": "names of callbacks to switch off, with commas between them",
    "EPOCHAL_AUTOLOAD": "0: nothing is enabled by default",
    "EPOCHAL_PROFILE": "1: every run shows where the time of its callbacks went",
    "EPOCHAL_TRACEBACK": "1: the error of a callback that is taken out is shown with its traceback",
    "EPOCHAL_CONFIG": "the config file to read, instead of looking for one",
}
"""The environment variables that are read, each with what it holds."""

KEYS = {
    "enable": "names of callbacks to switch on",
    "disable": "names of callbacks to switch off, whoever switched them on",
    "autoload": "whether callbacks that ask to be active by themselves are",
    "prefer": "name = the distribution that is to bring it, where several do",
    "priority": "name = its priority, lower runs earlier",
    "on_error": 'name = "raise" or "disable": what happens when it fails',
    "before": "name = names that it runs before, in the place of its own `before`",
    "after": "name = names that it runs after, in the place of its own `after`",
    "profile": "whether every run shows where the time of its callbacks went",
    "traceback": "whether the error of a callback that is taken out is shown with its traceback",
    "callbacks": "a table of parameters for each callback; it switches the callback on",
}
"""The keys of the config, each with what it holds."""

ON_ERROR = ("raise", "disable")

_command_line: Layer | None = None  # of the process: a thread has the command line that its process was started with


def load_settings(start: Path | None = None, command_line: Layer | None = None) -> Settings:
    """Read what applies to a run that begins here and now.

    Mistakes are not raised: they are in `problems`, so that all of them can be reported at once.

    Args:
        start: The folder to look for the config file from. None: the script's; see `config_file`.
        command_line: What the command line says. None: what the process was started with.
    """
    path = config_file(start, command_line)
    layers = [read_environment(os.environ), command_line or _command_line]
    return merge([*([read_file(path)] if path is not None else []), *filter(None, layers)])


def set_command_line(layer: Layer | None) -> None:
    """Let what the command line said apply to every run of this process from now on; None: nothing was said."""
    global _command_line
    _command_line = layer


# Which file


def config_file(start: Path | None = None, command_line: Layer | None = None) -> Path | None:
    """Find the config file: the named one (command line, `EPOCHAL_CONFIG`), else the nearest upwards from the script.

    Where there is no script (a notebook, the prompt, `python -m`, an installed command like `pytest`) it is looked for
    upwards from the working directory. An empty `EPOCHAL_CONFIG` means no file at all.

    Args:
        start: The folder to look upwards from. None: as above.
        command_line: As for `load_settings`.
    """
    said = command_line or _command_line
    if said is not None and said.config is not None:
        path: Path | None = said.config.value
        return path
    named = os.environ.get("EPOCHAL_CONFIG")
    if named is not None:
        return Path(named) if named else None
    return find_config(start or _start())


def find_config(start: Path) -> Path | None:
    """Return the nearest file with settings, from a folder upwards."""
    for folder in (start, *start.parents):
        own, project = folder / FILE_NAME, folder / PROJECT_FILE
        if os.path.lexists(own):  # whatever it is: reading it tells what is wrong with it
            return own
        if _has_section(project):
            return project
    return None


def _start() -> Path:
    main = sys.modules.get("__main__")
    script = getattr(main, "__file__", None)
    if script is None or getattr(main, "__spec__", None) is not None or _is_command(Path(script)):
        return Path.cwd()
    return Path(script).resolve().parent


def _is_command(script: Path) -> bool:
    """Return whether a script is an installed command (`pytest`, `epochal`): no project's settings stand beside it."""
    from sysconfig import get_path

    return script.absolute().parent in (Path(get_path("scripts")).absolute(), Path(sys.executable).parent)


def _has_section(path: Path) -> bool:
    """Return whether a pyproject.toml has epochal settings; one that cannot be read may have, and is warned of."""
    if not os.path.lexists(path):
        return False
    try:
        text = file_text(path)
    except UnreadableError as error:
        warn_user(f"{error} If it has settings of epochal, they do not count.")
        return False
    return "epochal" in text and _names_section(text)


@lru_cache(maxsize=4)
def _names_section(text: str) -> bool:
    """Return whether TOML has the table `tool.epochal`, however it is written; unparsable text may look so."""
    try:
        tool = parse_toml(text).get("tool")
    except TOMLError:
        return (
            re.search(r"^\s*\[*\s*[\"']?tool[\"']?\s*\.\s*[\"']?epochal\b(?!-)", text, flags=re.MULTILINE) is not None
        )
    return isinstance(tool, dict) and "epochal" in tool


# The file


class UnreadableError(Exception):
    """A config file cannot be read; the message says why, as a sentence with the path."""


def file_text(path: Path) -> str:
    """Return the text of a config file, its line ends as they are.

    Raises:
        UnreadableError: It is not a text file that can be read, or too large to be a config file.
    """
    try:
        state = path.stat()
        if not stat.S_ISREG(state.st_mode):
            # To read a pipe or a device may take for ever.
            raise UnreadableError(f"{path} is {_kind_of(state.st_mode)} and not a file.")
        if state.st_size > LARGEST:
            size = state.st_size / 2**20
            raise UnreadableError(f"{path} is {size:.0f} MiB large; a config file has at most {LARGEST // 2**20} MiB.")
        content = path.read_bytes()
    except OSError as error:
        link = f"it is a symbolic link to {os.readlink(path)!r}: " if path.is_symlink() else ""
        raise UnreadableError(f"{path} cannot be read: {link}{error.strerror or error}.") from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableError(f"{path} is UTF-16 text. Save it as UTF-8.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UnreadableError(
            f"{path} is not UTF-8 text: byte 0x{content[error.start]:02x} in line {line} cannot be decoded."
        ) from None


def _kind_of(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def read_file(path: Path) -> Layer:
    """Read a config file; what is wrong with it is in the layer's `problems`."""
    try:
        state = path.stat()
        return _read_file(path, Path.cwd(), state.st_mtime_ns, state.st_size)
    except OSError:
        return _read_file(path, Path.cwd(), 0, -1)


@lru_cache(maxsize=4)
def _read_file(path: Path, _here: Path, _time: int, _size: int) -> Layer:
    """Read a file that has not changed since only once; places are written as seen from the working directory."""
    try:
        text = file_text(path)
    except UnreadableError as error:
        return Layer(problems=(str(error),))
    return read_text(path, text.replace("\r\n", "\n").replace("\r", "\n"))


def read_text(path: Path, text: str) -> Layer:
    """Read the text of a config file, as `read_file`."""
    if text.startswith("\ufeff"):
        return Layer(problems=(f"{path} begins with a byte order mark. Save it as UTF-8 without one.",))
    try:
        content = parse_toml(text)
    except TOMLError as error:
        return Layer(problems=(f"{path} is not valid TOML: {error}.",))
    prefix: tuple[str, ...] = ("tool", "epochal") if path.name == PROJECT_FILE else ()
    section = content
    for key in prefix:
        section = section.get(key, {})
        if not isinstance(section, dict):
            return Layer(problems=(f"{path}: {'.'.join(prefix)} has to be a table.",))
    problems = []
    if path.name == FILE_NAME and _has_section(path.parent / PROJECT_FILE):
        problems.append(f"{path.parent} has settings in both {PROJECT_FILE} and {FILE_NAME}. Keep one of them.")
    return _Reader(path, text, prefix, problems).layer(section)


class _Reader:
    """Turns the parsed section into a layer, and keeps what is wrong.

    Args:
        path: The file.
        text: Its text, in which lines are looked up.
        prefix: The keys above the section.
        problems: What is known to be wrong already.
    """

    def __init__(self, path: Path, text: str, prefix: tuple[str, ...], problems: list[str]) -> None:
        self._path = path
        self._text = text
        self._prefix = prefix
        self._folder = path.absolute().parent
        self.problems = problems

    def layer(self, section: Mapping[str, Any]) -> Layer:
        for key in section:
            if key not in KEYS:
                self._wrong((key,), self._unknown(key))
        return Layer(
            enable=self._names(section, "enable"),
            disable=self._names(section, "disable"),
            autoload=self._flag(section, "autoload"),
            profile=self._flag(section, "profile"),
            traceback=self._flag(section, "traceback"),
            prefer=self._values(section, "prefer", str, "the name of a distribution"),
            tables=self._tables(section),
            priority=self._values(section, "priority", int, "a whole number"),
            on_error=self._values(section, "on_error", str, '"raise" or "disable"', ON_ERROR),
            before=self._values(section, "before", list, 'a list of names, like ["csv_logger"],'),
            after=self._values(section, "after", list, 'a list of names, like ["csv_logger"],'),
            problems=tuple(self.problems),
        )

    def _unknown(self, key: str) -> str:
        if key == "tool" and not self._prefix:
            return f"in {self._path.name} the keys stand without 'tool.epochal', which is for {PROJECT_FILE}."
        if key == "epochal" and not self._prefix:
            return f"in {self._path.name} the keys stand without 'epochal', as there is nothing else in the file."
        return f"there is no such key.{nearest(key, KEYS)} There are: {', '.join(KEYS)}."

    def _flag(self, section: Mapping[str, Any], key: str) -> Setting | None:
        value = section.get(key)
        if value is None or isinstance(value, bool):
            return None if value is None else self._setting((key,), value)
        self._wrong((key,), f"true or false is expected, and {_toml(value)} stands there.")
        return None

    def _names(self, section: Mapping[str, Any], key: str) -> dict[CallbackName, Setting]:
        names = section.get(key, [])
        if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
            self._wrong(
                (key,), f'a list of names is expected, like ["early_stopping"], and {_toml(names)} stands there.'
            )
            return {}
        return {CallbackName(name).absolute(self._folder): self._setting((key,), True) for name in names}

    def _values(
        self, section: Mapping[str, Any], key: str, kind: type, expected: str, choices: tuple[str, ...] = ()
    ) -> dict[CallbackName, Setting]:
        table = section.get(key, {})
        if not isinstance(table, dict):
            self._wrong((key,), f"a table of name = value is expected, and {_toml(table)} stands there.")
            return {}
        good = {}
        for name, value in table.items():
            is_list = isinstance(value, list)
            good_names = not is_list or all(isinstance(each, str) for each in value)
            if type(value) is not kind or not good_names or (choices and value not in choices):
                hint = nearest(value, choices) if isinstance(value, str) else ""
                self._wrong((key, name), f"{expected} is expected, and {_toml(value)} stands there.{hint}")
            else:
                good[CallbackName(name)] = self._setting((key, name), value)
        return good

    def _tables(self, section: Mapping[str, Any]) -> dict[CallbackName, tuple[Table, ...]]:
        tables = section.get("callbacks", {})
        if not isinstance(tables, dict):
            self._wrong(("callbacks",), f"a table for each callback is expected, and {_toml(tables)} stands there.")
            return {}
        good = {}
        for name, content in tables.items():
            several = content if isinstance(content, list) else [content]
            if not several or not all(isinstance(each, dict) for each in several):
                self._wrong(
                    ("callbacks", name),
                    f"a table of parameters is expected, [{'.'.join((*self._prefix, 'callbacks', name))}], and "
                    f"{_toml(content)} stands there.",
                )
                continue
            key = CallbackName(name).absolute(self._folder)
            good[key] = tuple(self._table(name, each, number) for number, each in enumerate(several))
        return good

    def _table(self, name: str, content: Mapping[str, Any], number: int) -> Table:
        parameters = {key: self._setting(("callbacks", name, key), value, number) for key, value in content.items()}
        return Table(self._place(("callbacks", name), number), "file", parameters)

    def _setting(self, keys: tuple[str, ...], value: Any, number: int = 0) -> Setting:
        return Setting(value, self._place(keys, number), "file")

    def _wrong(self, keys: tuple[str, ...], message: str) -> None:
        self.problems.append(f"{self._place(keys)}: {message}")

    def _place(self, keys: tuple[str, ...], number: int = 0) -> str:
        line = line_of(self._text, (*self._prefix, *keys), number)
        where = f"{short_path(self._path)}, line {line}" if line is not None else short_path(self._path)
        return f"{where}, {'.'.join((*self._prefix, *keys))}"


def short_path(path: Path) -> str:
    """Return a path as the user would write it: from the working directory, if it is below that."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):  # Python before 3.13 raises a RuntimeError for a loop of links
        return str(path)


def _toml(value: Any) -> str:
    """Return a value in TOML's words, on one line and not too long."""
    text = {True: "true", False: "false"}.get(value, repr(value)) if isinstance(value, bool) else repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


# The environment


_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def read_environment(variables: Mapping[str, str]) -> Layer:
    """Read the environment variables, `EPOCHAL_…`."""
    problems = []
    for name in variables:
        meant = _misspelt(name)
        if meant:
            problems.append(f"there is no environment variable {name}. Did you mean {meant!r}?")
    return Layer(
        enable=_listed(variables, "EPOCHAL_ENABLE"),
        disable=_listed(variables, "EPOCHAL_DISABLE"),
        autoload=_flag(variables, "EPOCHAL_AUTOLOAD", problems),
        profile=_flag(variables, "EPOCHAL_PROFILE", problems),
        traceback=_flag(variables, "EPOCHAL_TRACEBACK", problems),
        problems=tuple(problems),
    )


@lru_cache(maxsize=1024)  # every fit asks
def _misspelt(name: str) -> str:
    """Return our environment variable that was probably meant; a plugin may have variables of its own."""
    close = get_close_matches(name, VARIABLES, n=1, cutoff=0.85)
    return close[0] if close and name not in VARIABLES else ""


def _flag(variables: Mapping[str, str], name: str, problems: list[str]) -> Setting | None:
    text = variables.get(name, "").strip().lower()
    if text in _YES or text in _NO:
        return Setting(text in _YES, name, "environment")
    if text:
        problems.append(f"the environment variable {name} is {text!r}, and it has to be 0 or 1.")
    return None


def _listed(variables: Mapping[str, str], name: str) -> dict[CallbackName, Setting]:
    names = split_names(variables.get(name, ""))
    return {each.absolute(): Setting(True, name, "environment") for each in names}
