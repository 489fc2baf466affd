"""The command line: one module a command, imported when the command is run."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import EpochalError, nearest, one_line
from .command import Hints, SplitsWords
from .printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .command import Command

COMMANDS = {
    "list": "show the installed callbacks, which are active and why",
    "info": "show what a callback does and takes",
    "plan": "show what a run begun here would call, in which order and why",
    "config": "show the settings that hold here, and where each comes from",
    "enable": "switch a callback on in the config file, and set its parameters",
    "disable": "switch a callback off in the config file",
    "run": "run a script with the active callbacks in its every fit, evaluate and predict",
    "new": "create a callback package",
    "check": "run the conformance suite against an installed callback",
    "doctor": "look for what is wrong with the installation and the settings",
    "completion": "print the script that lets a shell complete commands and names",
    "demo": "train a small network on real data and show what ran",
}
"""Each command with what it does. Its module, of the same name, is a `Command`."""

EXAMPLES = {
    "epochal list": "what is installed and what is active here",
    "epochal enable early_stopping patience=3": "switch a callback on",
    "epochal run train.py": "train with it",
}

EXIT_CODES = "Exit codes: 0 done, 1 a problem was found or it failed, 2 invalid usage, 130 interrupted."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words after `epochal`. None: those of the process.

    Returns:
        0 when it is done, 1 when it found a problem or failed, 2 when its usage was invalid, 130 when it was
        interrupted.
    """
    words = [*(sys.argv[1:] if arguments is None else arguments)]  # `list` is the command's module here
    try:
        try:
            return _run(words)
        finally:
            # Python's own flush at the end would tell of a full disk in a traceback. A script that was run may have
            # closed the output, or put something else in its place.
            with suppress(AttributeError, ValueError):
                sys.stdout.flush()
    except EpochalError as error:
        complain(str(error))
        return 1
    except KeyboardInterrupt:
        print("epochal: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader went away, `epochal list | head`
        _give_stdout_up()
        return 0
    except OSError as error:
        _give_stdout_up()
        complain(f"{error.strerror or one_line(error)}{_name_of(error)}")
        return 1


def complain(text: str) -> None:
    """Print what is wrong on standard error; on a terminal its lines are broken between words."""
    text = printable(f"epochal: {text}")
    if sys.stderr is not None and sys.stderr.isatty():
        text = "\n".join(map(_wrapped, text.split("\n")))
    print(text, file=sys.stderr)


def _wrapped(line: str) -> str:
    import shutil
    from textwrap import fill

    indent = line[: len(line) - len(line.lstrip())]
    width = shutil.get_terminal_size().columns - 1
    return fill(
        line.lstrip(),
        width,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _name_of(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""


def _give_stdout_up() -> None:
    """Let what cannot be written go nowhere, so that Python's own last flush is quiet."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def build_parser(names: Iterable[str]) -> argparse.ArgumentParser:
    """Return the parser, with the arguments of some commands alone, as their modules have to be imported for them."""
    parser = _Parser(
        prog="epochal",
        allow_abbrev=False,
        description="Callbacks for tf.keras: installed, ordered, explained.",
        epilog=f"`epochal COMMAND --help` says more of each.\n\n{_epilog(EXAMPLES)}",
    )
    parser.add_argument("--version", action="store_true", help="show the version of epochal-core and exit")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="COMMAND")
    wanted = {*names}
    for name, summary in COMMANDS.items():
        module = _module(name) if name in wanted else None
        command = commands.add_parser(
            name,
            help=summary,
            description=module.DESCRIPTION if module is not None else None,
            epilog=_epilog(module.EXAMPLES) if module is not None else None,
            allow_abbrev=False,
        )
        if module is not None:
            module.add_arguments(command)
            command.set_defaults(run=module.run, usage_error=command.error)
    return parser


def _module(name: str) -> Command:
    module: Any = import_module(f".{name}", __package__)
    command: Command = module
    return command


class _Parser(argparse.ArgumentParser):
    """A parser whose help has colours on a terminal; what it takes is imported when help is asked for."""

    def format_help(self) -> str:
        from .help import Help

        self.formatter_class = Help
        return super().format_help()


def show_examples(examples: Mapping[str, str], indent: str = "") -> str:
    """Return command lines, each with what it does behind it."""
    width = max(map(len, examples))
    return "\n".join(f"{indent}{line:{width}}  # {what}" for line, what in examples.items())


def _epilog(examples: Mapping[str, str]) -> str:
    return f"Examples:\n\n{show_examples(examples, '  ')}\n\n{EXIT_CODES}"


def _run(words: Sequence[str]) -> int:
    if "_ARGCOMPLETE" in os.environ:
        from .completion import answer

        answer(build_parser(COMMANDS))
    named = next((word for word in words if not word.startswith("-")), None)
    parser = build_parser([named] if named in COMMANDS else [])
    if named is not None and named not in COMMANDS:
        parser.error(f"there is no command {named!r}.{nearest(named, COMMANDS)} There are: {', '.join(COMMANDS)}.")
    module = _module(named) if named is not None else None
    behind: Sequence[str] = ()
    if isinstance(module, SplitsWords):
        words, behind = module.split(words)
    parsed, unknown = parser.parse_known_args(words, argparse.Namespace(behind=behind, usage_error=parser.error))
    if unknown:
        hint = module.hint(unknown) if isinstance(module, Hints) else ""
        parsed.usage_error(f"unrecognized arguments: {' '.join(unknown)}{hint}")
    if parsed.version:
        from importlib_metadata import version

        print(f"epochal-core {version('epochal-core')}")
        return 0
    if parsed.command is None:
        parser.print_help()
        return 2
    return int(parsed.run(parsed))
