"""Keras's test files: where they are, what tests they hold, and how they become classes that pytest runs."""

from __future__ import annotations

import ast
import builtins
import linecache
import unittest
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KERAS_VERSION = version("keras")


def _folder() -> Path:
    spec = find_spec("keras")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "src" / "callbacks"


class EditError(ValueError):
    """A text of Keras's test that was to be replaced is not there any more."""


@dataclass(frozen=True)
class Source:
    """One of Keras's test files, or what edits have made of it."""

    path: Path
    text: str
    is_edited: bool = False

    @property
    def name(self) -> str:
        """Its name without the end, `early_stopping_test`."""
        return self.path.stem

    @cached_property
    def _functions(self) -> dict[str, ast.FunctionDef]:
        return dict(_test_functions(ast.parse(self.text)))

    @property
    def tests(self) -> list[str]:
        """The names of its test functions; one with parameters is several tests."""
        return list(self._functions)

    def edited(self, test: str, old: str, new: str) -> Source:
        """Return the source with a text replaced that stands exactly once in a test.

        Raises:
            EditError: It does not.
        """
        if test not in self._functions:
            raise EditError(f"{self.name} of Keras {KERAS_VERSION} has no {test}")
        function = self._functions[test]
        lines = self.text.splitlines(keepends=True)
        start, end = function.lineno - 1, function.end_lineno
        body = "".join(lines[start:end])
        if body.count(old) != 1:
            raise EditError(
                f"{self.name}: {test} of Keras {KERAS_VERSION} has this text {body.count(old)} times instead of once, "
                f"so the edit cannot be made:\n{old}"
            )
        return Source(self.path, "".join([*lines[:start], body.replace(old, new), *lines[end:]]), is_edited=True)

    def test_cases(self, importer: Callable[..., Any], decorate: Callable[[str, Any], Any]) -> dict[str, type]:
        """Run the file and give its test classes.

        Args:
            importer: What its `import` statements call, as `builtins.__import__`.
            decorate: Is given the name and the function of every test, before any decorator of the file, and gives
                the function to take instead.
        """
        file = f"{self.path} (edited)" if self.is_edited else str(self.path)
        linecache.cache[file] = (len(self.text), None, self.text.splitlines(keepends=True), file)  # for tracebacks
        tree = ast.parse(self.text)
        for name, function in _test_functions(tree):
            call = ast.parse(f"__decorate__({name!r})", mode="eval").body
            function.decorator_list.append(ast.copy_location(call, function))
        namespace: dict[str, Any] = {
            "__name__": f"keras_callbacks.{self.name}",
            "__file__": str(self.path),
            "__builtins__": {**vars(builtins), "__import__": importer},
            "__decorate__": lambda name: lambda function: decorate(name, function),
        }
        exec(compile(ast.fix_missing_locations(tree), file, "exec"), namespace)
        return {
            name: value
            for name, value in namespace.items()
            if isinstance(value, type)
            and issubclass(value, unittest.TestCase)
            and value.__module__ == namespace["__name__"]
        }


def _test_functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    for kind in tree.body:
        if isinstance(kind, ast.ClassDef):
            for function in kind.body:
                if isinstance(function, ast.FunctionDef) and function.name.startswith("test"):
                    yield function.name, function


def keras_sources() -> dict[str, Source]:
    """Return all test files of the installed Keras's callbacks, by name."""
    return {path.stem: Source(path, path.read_text()) for path in sorted(_folder().glob("*_test.py"))}
