"""The command line: one module a command, imported when the command is run."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from ..errors import EpochalError, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "list": "show the installed callbacks",
    "run": "run a script with the active callbacks in its every fit, evaluate and predict",
    "demo": "train a small network on real data and show what ran",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after `epochal`. None: those of the process.

    Returns:
        0 when it worked, 1 when it did not, 2 when it was called wrongly, 130 when it was interrupted.
    """
    words = [*(sys.argv[1:] if arguments is None else arguments)]  # `list` is the command's module here
    try:
        return _run(words)
    except EpochalError as error:
        print(f"epochal: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("epochal: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader went away, `epochal list | head`; Python's own last flush is to be quiet too
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        print(f"epochal: {one_line(error)}", file=sys.stderr)
        return 1


def _run(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="epochal", description="Callbacks for tf.keras: installed, ordered, explained."
    )
    parser.add_argument("--version", action="store_true", help="show the version of epochal-core and exit")
    commands = parser.add_subparsers(dest="command", metavar="command")
    named = words[0] if words else None
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if name == named:
            module = import_module(f".{name}", __package__)
            module.add_arguments(command)
            command.set_defaults(run=module.run)
            if hasattr(module, "split"):  # a part of the words is not ours to read
                words, behind = module.split(words)
                command.set_defaults(behind=behind)
    parsed = parser.parse_args(words)
    if parsed.version:
        from importlib_metadata import version

        print(f"epochal-core {version('epochal-core')}")
        return 0
    if parsed.command is None:
        parser.print_help()
        return 2
    return int(parsed.run(parsed))
