"""Parameters that are typed as `parameter=value`."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from ..values import split_assignment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def add_assignments(parser: argparse.ArgumentParser) -> None:
    """Add the parameters of a callback."""
    from .completion import complete_parameters

    parameters = parser.add_argument(
        "parameters",
        metavar="parameter=value",
        nargs="*",
        default=(),
        type=_assignment,
        help='the value as in TOML (3, 1e-3, true, [1, 2], "text"); what is no TOML is text',
    )
    parameters.completer = complete_parameters  # type: ignore[attr-defined]  # argcomplete reads it


def _assignment(word: str) -> tuple[str, str]:
    found = split_assignment(word)
    if found is None:
        raise ArgumentTypeError(f"{word!r} is not of the form parameter=value, like patience=3")
    return found


def given(arguments: argparse.Namespace) -> dict[str, str]:
    """Give each parameter with its value as it is typed."""
    found = dict(arguments.parameters)
    if len(found) < len(arguments.parameters):
        names = [name for name, _ in arguments.parameters]
        twice = next(name for name in names if names.count(name) > 1)
        arguments.usage_error(f"{twice!r} is given twice")
    return found


def hint(unknown: Sequence[str]) -> str:
    """Say how a parameter is written, where it is written as an option."""
    word = unknown[0].lstrip("-")
    return f". A parameter is written without dashes, {word}" if split_assignment(word) is not None else ""
