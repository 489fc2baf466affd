"""A script or a module, run as Python itself runs it, in this process."""

from __future__ import annotations

import importlib.util
import io
import os
import sys
from itertools import dropwhile
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

from ..errors import ConfigError, OrderError, PreflightError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType


class NotRunnableError(Exception):
    """There is no such script or module; the message is for the user who typed the name."""


class Program:
    """A script or a module with its arguments.

    Args:
        name: The script's path, `-` for standard input, or the module's name.
        arguments: Its arguments, `sys.argv` without the first.
        is_module: Whether it is a module, as with `python -m`.

    Raises:
        NotRunnableError: There is no such script.
    """

    def __init__(self, name: str, arguments: Sequence[str] = (), *, is_module: bool = False) -> None:
        self.name = name
        self.arguments = tuple(arguments)
        self.is_module = is_module
        self._is_input = name == "-" and not is_module
        if not is_module and not self._is_input:
            _check_script(name)

    def enter(self) -> None:
        """Put the program in this one's place: `sys.argv`, the first folder of `sys.path`, `__main__`.

        It stays there: what the program leaves to the end of the process, threads for example, needs it.
        """
        sys.argv = ["-m" if self.is_module else self.name, *self.arguments]
        if not (getattr(sys.flags, "safe_path", False) or sys.flags.isolated):  # then Python puts no folder first
            folder = str(Path.cwd() if self.is_module else Path(self.name).resolve().parent)
            sys.path[:1] = ["" if self._is_input else folder]
        main = ModuleType("__main__")
        vars(main)["__builtins__"] = sys.modules["builtins"]
        if not self.is_module:
            from importlib.machinery import BuiltinImporter, SourceFileLoader

            path = "<stdin>" if self._is_input else os.path.join(os.getcwd(), self.name)
            loader = BuiltinImporter if self._is_input else SourceFileLoader("__main__", path)
            vars(main).update(__file__=path, __cached__=None, __loader__=loader)
        sys.modules["__main__"] = main

    def run(self) -> int:
        """Run the program, which was entered.

        Returns:
            0 when it got to its end, 1 after an exception and 130 after Ctrl-C, which were shown as Python shows them.

        Raises:
            NotRunnableError: There is no such module.
            ConfigError, OrderError, PreflightError: What was asked for outside of the program makes no sense; nothing
                has been trained.
            SystemExit: The program ended itself.
        """
        try:
            code = self._module_code() if self.is_module else self._script_code()
            exec(code, vars(sys.modules["__main__"]))  # noqa: S102  # it is what the user wants to run
        except (SystemExit, NotRunnableError, ConfigError, OrderError, PreflightError):
            raise
        except BaseException as error:
            error.__traceback__ = _without_ours(error.__traceback__)
            sys.excepthook(type(error), error, error.__traceback__)
            return 130 if isinstance(error, KeyboardInterrupt) else 1
        return 0

    def _script_code(self) -> CodeType:
        if self._is_input:
            stdin = getattr(sys.stdin, "buffer", sys.stdin)
            read: CodeType = compile(stdin.read() if stdin is not None else "", "<stdin>", "exec", dont_inherit=True)
            return read
        path = os.path.join(os.getcwd(), self.name)
        with io.open_code(path) as file:
            code: CodeType = compile(file.read(), path, "exec", dont_inherit=True)
        return code

    def _module_code(self) -> CodeType:
        """Find a module, import the packages above it, and make its namespace that of `__main__`."""
        spec = _find(self.name)
        if spec is not None and spec.submodule_search_locations is not None:
            package, spec = self.name, _find(f"{self.name}.__main__")
            if spec is None:
                raise NotRunnableError(f"{package!r} is a package without a module __main__, so it cannot be run.")
        get_code = getattr(spec.loader, "get_code", None) if spec is not None else None
        code: CodeType | None = get_code(spec.name) if spec is not None and get_code is not None else None
        if spec is None or code is None:
            raise NotRunnableError(self._missing_module(spec))
        sys.argv[0] = spec.origin or self.name
        vars(sys.modules["__main__"]).update(
            __file__=spec.origin,
            __cached__=spec.cached,
            __loader__=spec.loader,
            __package__=spec.parent,
            __spec__=spec,
        )
        return code

    def _missing_module(self, spec: ModuleSpec | None) -> str:
        if spec is not None:
            return f"the module {self.name!r} has no code of Python's, so it cannot be run."
        module = self.name.removesuffix(".py")
        if module != self.name:
            return f"-m takes the name of a module: `-m {module.replace('/', '.')}`, or without -m the script itself."
        return f"there is no module {self.name!r}."


def _check_script(name: str) -> None:
    path = Path(name)
    if not name:
        raise NotRunnableError("the name of the script is empty.")
    if path.is_dir():
        hint = f", like {str(path / '__main__.py')!r}" if (path / "__main__.py").is_file() else ""
        raise NotRunnableError(f"{str(path)!r} is a folder. Give the script in it{hint}.")
    try:
        with io.open_code(os.path.join(os.getcwd(), path)):
            return
    except FileNotFoundError:
        folder = path.parent
        there = os.listdir(folder) if folder.is_dir() else ()
        near = nearest(path.name, [each for each in there if nearest(path.stem, [Path(each).stem])])
        raise NotRunnableError(f"there is no script {str(path)!r}.{near}") from None
    except OSError as error:
        raise NotRunnableError(f"the script {str(path)!r} cannot be read: {error.strerror}.") from None


def _find(name: str) -> ModuleSpec | None:
    """Find a module; the packages above it are imported, and what they raise is the program's own."""
    if not all(name.split(".")):  # Python's own answer to a name like `.train` is another one for each
        return None
    try:
        package = importlib.util.find_spec(name.partition(".")[0])
        if package is not None and package.submodule_search_locations is None and "." in name:
            return None  # `train.py` is the module train to Python, which would run it before it finds no py in it
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if name != missing and not name.startswith(f"{missing}."):
            raise
        return None


def _without_ours(traceback: TracebackType | None) -> TracebackType | None:
    """Leave out epochal's own part of a traceback, but for an error that comes from there."""
    entries = [*dropwhile(_is_above, _walk(traceback))]
    kept: TracebackType | None = None
    is_innermost = True
    for each in reversed(entries):
        is_ours = _module(each).partition(".")[0] == "epochal"
        is_innermost = is_innermost and is_ours
        if is_innermost or not is_ours:
            kept = TracebackType(kept, each.tb_frame, each.tb_lasti, each.tb_lineno)
    return kept


def _walk(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_above(entry: TracebackType) -> bool:
    return _module(entry) == __name__ or _module(entry).startswith("importlib.")


def _module(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__"))
