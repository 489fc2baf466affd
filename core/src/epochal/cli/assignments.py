"""Names of callbacks and parameters as they are typed behind a command: `NAME`, `NAME,NAME`, `parameter=value`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from ..settings.names import split_names
from ..settings.values import split_assignment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..settings.names import CallbackName

_VALUES = 'the value as in TOML (3, 1e-3, true, [1, 2], "text"); anything that is not TOML is text'


def add_names(parser: argparse.ArgumentParser, what: str, *, assignments: bool = False) -> None:
    """Add the names of one or several callbacks, and the parameters of one.

    Args:
        parser: The command's parser.
        what: What a name may be.
        assignments: Whether parameters may stand behind a name.
    """
    from .completion import complete_names, complete_names_and_parameters

    words = parser.add_argument(
        "words",
        metavar="NAME",
        nargs="+",
        help=f"{what}; several with commas or spaces between them" + (f". parameter=value: {_VALUES}" * assignments),
    )
    completer = complete_names_and_parameters if assignments else complete_names
    words.completer = completer  # type: ignore[attr-defined]  # argcomplete reads it


def names_and_parameters(arguments: argparse.Namespace) -> tuple[list[CallbackName], dict[str, str]]:
    """Return the names, and each parameter with its value as it is typed."""
    words = arguments.words
    typed = [assignment for word in words if (assignment := split_assignment(word)) is not None]
    names = [name for word in words if split_assignment(word) is None for name in split_names(word)]
    torn = next((name for name in names if name.startswith("=") or name.endswith("=")), None)
    if torn is not None:
        arguments.usage_error("a parameter is written without spaces, like patience=3")
    if not names:
        arguments.usage_error("the name of a callback is missing")
    return names, _once(typed, arguments)


def add_assignments(parser: argparse.ArgumentParser) -> None:
    """Add the parameters of a callback."""
    from .completion import complete_parameters

    parameters = parser.add_argument(
        "parameters", metavar="parameter=value", nargs="*", default=(), type=_assignment, help=_VALUES
    )
    parameters.completer = complete_parameters  # type: ignore[attr-defined]  # argcomplete reads it


def _assignment(word: str) -> tuple[str, str]:
    found = split_assignment(word)
    if found is None:
        raise ArgumentTypeError(f"{word!r} is not of the form parameter=value, like patience=3")
    return found


def given(arguments: argparse.Namespace) -> dict[str, str]:
    """Return each parameter with its value as it is typed."""
    return _once(arguments.parameters, arguments)


def _once(typed: Sequence[tuple[str, str]], arguments: argparse.Namespace) -> dict[str, str]:
    names = [name for name, _ in typed]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        arguments.usage_error(f"{twice!r} is given twice")
    return dict(typed)


def hint(unknown: Sequence[str]) -> str:
    """Say how a parameter is written, where it is written as an option."""
    word = "=".join(unknown[:2]) if len(unknown) == 2 and "=" not in unknown[0] else unknown[0]
    word = word.lstrip("-")
    return f". A parameter is written without dashes, {word}" if split_assignment(word) is not None else ""
