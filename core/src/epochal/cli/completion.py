"""`epochal completion`: the script that lets a shell complete commands, options and names of callbacks.

argcomplete makes it, and answers the shell: it knows bash, zsh and fish, reads the parsers that are there anyway, and
is imported for this alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse

SHELLS = {
    "bash": 'eval "$(epochal completion bash)" in ~/.bashrc',
    "zsh": 'eval "$(epochal completion zsh)" in ~/.zshrc, behind compinit',
    "fish": "epochal completion fish > ~/.config/fish/completions/epochal.fish",
}
"""Each shell with what switches completion on."""

DESCRIPTION = (
    "Print the script that lets a shell complete commands, options and names of callbacks. To switch it on:\n\n"
    + ("\n".join(f"  {shell:<5} {how}" for shell, how in SHELLS.items()))
)

EXAMPLES = {
    "epochal completion bash": "the script for bash",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    from argcomplete.shell_integration import shellcode

    from .output import check_stdout

    check_stdout()
    print(shellcode(["epochal"], shell=arguments.shell))
    return 0


def answer(parser: argparse.ArgumentParser) -> None:
    """Answer the shell, which asks with the words so far in the environment, and end the process."""
    from argcomplete import autocomplete

    autocomplete(parser, always_complete_options="long")


def complete_names(**_: Any) -> list[str]:
    """Return the names of the installed callbacks."""
    from ..installed.discovery import discover

    return sorted({record.name for record in discover().records if record.name.isprintable()})


def complete_overrides(prefix: str, **_: Any) -> list[str]:
    """Return what `--set` takes: the names that fit, and once there is only one, its parameters."""
    name, dot = prefix.rpartition(".")[:2]
    names = [name] if dot else [each for each in complete_names() if each.startswith(prefix)]
    if len(names) != 1:
        return [f"{each}." for each in names]
    return [f"{names[0]}.{each}" for each in _parameters_of(names[0])]


def complete_parameters(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the parameters of the callback that was named, which is imported."""
    return _parameters_of(parsed_args.name)


def complete_names_and_parameters(parsed_args: argparse.Namespace, **_: Any) -> list[str]:
    """Return the names of the installed callbacks, and behind a name its parameters."""
    words = [word for word in parsed_args.words or () if "=" not in word]
    return [*complete_names(), *(_parameters_of(words[0]) if len(words) == 1 else ())]


def _parameters_of(name: str) -> list[str]:
    from ..choosing.choice import Choice
    from ..errors import EpochalError
    from ..reports.description import describe
    from .output import folder

    with folder() as here:
        try:
            found = describe(name, Choice.here(here))
        except EpochalError:  # the command itself will say it
            return []
    return [f"{each.name}=" for each in found.parameters if each.name.isidentifier()]
