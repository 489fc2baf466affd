"""A callback in a file of the user's, named by its path: whether it can be used, and its code."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from dataclasses import replace
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

from ..errors import CallbackImportError, InvalidCallbackError, nearest, one_line
from ..hookspecs import ALIASES, EVENTS
from ..inspection.events import events_of, marked_functions
from ..settings.names import CallbackName
from ..settings.reading import short_path
from .discovery import Status
from .place_record import PlaceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


class FileRecord(PlaceRecord):
    """A record whose value is the absolute path of a file, with what is meant in it: `/home/me/printer.py:LossPrinter`.

    Without that it is the module itself if functions in it are marked, else the one callback class that it defines.
    """

    @property
    def path(self) -> Path:
        """The file."""
        return Path(self.value.path)

    @property
    def module(self) -> str:
        """The name of the file's module: that of the file, unless another module can be imported by it."""
        loaded = _loaded(self.path)
        if loaded is not None:
            return loaded.__name__
        name = CallbackName(self.value.path).short
        return name if _is_free(name, self.path) else f"{name}_{crc32(os.fsencode(self.path)):08x}"

    @property
    def address(self) -> str:
        """What the settings know it by, from the working directory."""
        return self.value.relative(Path.cwd())

    def check(self) -> None:
        """Raise an error if the file cannot be used."""
        if self.status is not Status.OK:
            raise CallbackImportError(self.name, f"{self.origin} cannot be used: {self.reason}")

    def load(self) -> Any:
        """Return what is meant; the file is run, unless it has been.

        Raises:
            CallbackImportError: It cannot be used, running it failed, or what is meant is not in it.
            InvalidCallbackError: Nothing in it is named, and it has no marked function and not exactly one callback
                class.
        """
        self.check()
        found: Any = _loaded(self.path) or self._run()
        names = self.value.attribute
        if not names:
            return self._callback_of(found)
        for name in names.split("."):
            if not hasattr(found, name):
                near = nearest(name, [each for each in dir(found) if each[0] != "_"])
                raise CallbackImportError(self.name, f"there is no {names!r} in {short_path(self.path)}.{near}")
            found = getattr(found, name)
        return found

    def loaded(self) -> Any:
        """Return what is meant if the file has been run, else None."""
        found: Any = _loaded(self.path)
        names = self.value.attribute
        if found is None or names:
            for name in filter(None, names.split(".")):
                found = getattr(found, name, None)
            return found
        classes = [] if marked_functions(found) else _callback_classes(found)
        return classes[0] if len(classes) == 1 else found

    def _run(self) -> ModuleType:
        name = self.module
        spec = spec_from_file_location(name, self.path, loader=SourceFileLoader(name, str(self.path)))
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except BaseException as error:  # whatever it is, no module is left half there
            sys.modules.pop(name, None)
            if not isinstance(error, (Exception, SystemExit)):  # some end Python where something is missing
                raise
            place = f"{short_path(self.path)}{_line_of(error, self.path)}"
            raise CallbackImportError(self.name, f"{place}, cannot be run: {one_line(error)}") from error
        return module

    def _callback_of(self, module: ModuleType) -> Any:
        """Return the callback of a file in which nothing is named: the module by its marked functions, or its class."""
        if marked_functions(module):
            return module
        classes = _callback_classes(module)
        if len(classes) == 1:
            return classes[0]
        file = short_path(self.path)
        if classes:
            forms = " or ".join(f"{self.address}:{each.__qualname__}" for each in classes)
            raise InvalidCallbackError(
                self.name, f"{file} defines {len(classes)} callbacks. Name one of them: {forms}."
            )
        functions = [name for name in vars(module) if name in (*EVENTS, *ALIASES)]
        hint = f" Put @epochal.hookimpl above {functions[0]}." if functions else ""
        raise InvalidCallbackError(
            self.name,
            f"{file} defines no callback: no subclass of epochal.Callback or keras.callbacks.Callback, and no function "
            f"marked with @epochal.hookimpl.{hint}",
        )


def _callback_classes(module: ModuleType) -> list[type]:
    """Return the callback classes that a module defines itself; those named with an underscore only if all are."""
    own = dict.fromkeys(
        each
        for each in vars(module).values()
        if inspect.isclass(each) and each.__module__ == module.__name__ and _is_callback_class(each)
    )
    return [each for each in own if each.__name__[0] != "_"] or [*own]


def _is_callback_class(kind: type) -> bool:
    return hasattr(kind, "set_model") or bool(events_of(kind))  # Keras's protocol, or marked methods


def file_record(name: CallbackName) -> FileRecord:
    """Make the record of a name that is a path; a relative one begins in the working directory. Nothing is run."""
    value = name.absolute()
    path = Path(value.path)
    record = FileRecord(value.base.short, value, f"file {short_path(path)}", "")
    reason = _reason(path)
    return replace(record, status=Status.BROKEN, reason=reason) if reason else record


def _reason(path: Path) -> str:
    """Say why a file cannot be used, without running it; empty: it can."""
    if path.is_dir():
        return "it is a folder, and the file in it has to be named."
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    if main is not None and os.path.abspath(main) == str(path):
        return "it is the script that runs; its code passes what is in it, or a file of its own has it."
    try:
        source = path.read_bytes()
    except FileNotFoundError:
        alike = [each for each in _neighbours(path) if nearest(path.stem, [Path(each).stem])]
        return f"there is no such file.{nearest(path.name, alike)}"
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are told when it is run
            compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = f"line {error.lineno}" if error.lineno else "it"
        return f"{line} is not valid Python, {error.msg}: {(error.text or '').strip()!r}"
    except ValueError as error:
        return f"it is not valid Python, {error}."
    return ""


def _neighbours(path: Path) -> Iterator[str]:
    try:
        yield from (each.name for each in path.parent.glob("*.py"))
    except OSError:
        return


def _loaded(path: Path) -> ModuleType | None:
    """Return the module that a file has been imported as, by whomever."""
    text = str(path)
    for name, module in [*sys.modules.items()]:
        if name != "__main__" and getattr(module, "__file__", None) == text:
            return module
    return None


def _is_free(name: str, path: Path) -> bool:
    """Return whether a module may have a name: nobody has it, or an import of it would find this file."""
    if name in sys.modules:
        return False
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):  # a finder's own trouble
        return False
    return spec is None or spec.origin == str(path)


def _line_of(error: BaseException, path: Path) -> str:
    """Return the line of a file in which an error was raised, in the words of a place."""
    lines = []
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == str(path):
            lines.append(traceback.tb_lineno)
        traceback = traceback.tb_next
    return f", line {lines[-1]}" if lines else ""
