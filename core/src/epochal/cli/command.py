"""What the module of a command has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


class Command(Protocol):
    """The module of a command.

    Attributes:
        DESCRIPTION: What the command does, for its help; blocks that are indented keep their lines.
        EXAMPLES: Each a command line, with what it does.
    """

    DESCRIPTION: str
    EXAMPLES: dict[str, str]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Run the command, and return the exit code."""


@runtime_checkable
class PrintsJSON(Command, Protocol):
    """The module of a command that takes `--json`.

    Attributes:
        JSON: Each field of what it then prints, with what it means.
    """

    JSON: dict[str, str]


@runtime_checkable
class SplitsWords(Command, Protocol):
    """The module of a command that leaves a part of the command line to somebody else."""

    def split(self, words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
        """Return the words that are ours to read, and those behind them."""


@runtime_checkable
class Hints(Command, Protocol):
    """The module of a command that knows better than argparse what a wrong word was meant to be."""

    def hint(self, unknown: Sequence[str]) -> str:
        """Return what to say of words that the command does not know, with a space in front; it may be empty."""
