"""`epochal run`: a script, untouched, whose every fit, evaluate and predict gets the active callbacks."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..choosing.choice import Choice
from ..engine.driver import look_at_runs
from ..errors import ConfigError, nearest
from ..installed.discovery import discover
from ..launch.early_check import check_settings
from ..launch.patching import drive_keras
from ..launch.program import NotRunnableError, Program
from ..settings.layers import Setting
from ..settings.names import split_names
from ..settings.reading import config_file, load_settings, set_command_line
from . import complain
from .switches import SOURCE, add_switches, layer_of, with_hints

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from ..engine.member import Member
    from ..run import Run
    from ..settings.layers import Layer

DESCRIPTION = """\
Run a script, or a module with -m, with the active callbacks in its every fit, evaluate and predict. The script stays
as it is, and its own callbacks take part. Options end at its name: what stands behind it is its own. All mistakes in
the settings are told before it begins. The exit code is the script's."""

EXAMPLES = {
    "epochal run train.py --lr 0.1": "--lr is an option of the script",
    "epochal run --enable early_stopping train.py": "with one callback more",
    "epochal run --plan -m my_package.train": "show what a module would run",
}

WITH_VALUE = ("--enable", "--disable", "--set", "--config")
WITHOUT = ("--plan", "--profile", "--traceback", "-m")
_VERBS = {"train": "trains", "test": "evaluates", "predict": "predicts"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.usage = "epochal run [options] SCRIPT [arguments]\n       epochal run [options] -m MODULE [arguments]"
    add = parser.add_argument
    add_switches(parser)
    add("--config", metavar="FILE", help="read this config file instead of looking for one; empty: none")
    add("--plan", action="store_true", help="run up to the first fit, evaluate or predict, show what it would call")
    add("--profile", action="store_true", help="show after every run where the time of its callbacks went")
    add("--traceback", action="store_true", help="show the error of a callback that is taken out with its traceback")
    add("-m", dest="module", metavar="MODULE", help="run a module, as `python -m` does")
    add("script", nargs="?", metavar="SCRIPT", help="the script, or - for standard input; what follows is its own")


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Split the words of the command line ahead of the script, or behind the module: what follows is not ours to read.

    To argparse the words of a script would be options of ours, or misspelt ones.
    """
    place = 1
    while place < len(words):
        word = words[place]
        if word.startswith("-m"):
            place += 2 if word == "-m" else 1
            return [*words[:place]], [*words[place:]]
        if word == "--":
            return [*words[:place]], [*words[place + 1 :]]
        if not word.startswith("-") or word == "-":
            return [*words[:place]], [*words[place:]]
        place += 2 if word in WITH_VALUE else 1
    return [*words], []


def hint(unknown: Sequence[str]) -> str:
    """Name the option that a word may be meant for, or where the script's own stand."""
    options = {option.lstrip("-"): option for option in (*WITH_VALUE, *WITHOUT)}
    near = nearest(unknown[0].lstrip("-").partition("=")[0], options)
    return f".{near.replace(chr(39), chr(39) + '--', 1) if near else ' Options of the script stand behind it.'}"


def run(arguments: argparse.Namespace) -> int:
    """Run the script or module."""
    behind, is_module = arguments.behind, arguments.module is not None
    if not is_module and not behind:
        arguments.usage_error("give a script, or a module with -m")
    name, own = (arguments.module, behind) if is_module else (behind[0], behind[1:])
    try:
        program = Program(name, own, is_module=is_module)
        program.enter()
        _settle(arguments)
        if arguments.plan:
            return _plan(program)
        drive_keras()
        return program.run()
    except NotRunnableError as error:
        complain(f"{error}{_callback_hint(name, arguments)}")
        return 2


def _callback_hint(name: str, arguments: argparse.Namespace) -> str:
    """Return the end of a sentence that says how a callback is switched on that stands in the place of the script."""
    installed = {record.name for record in discover().records}
    names = split_names(name)
    if not arguments.enable or not names or not installed.issuperset(names):
        return ""
    return f" To switch several callbacks on, write --enable {','.join([*arguments.enable, *names])}."


def _settle(arguments: argparse.Namespace) -> None:
    """Let what the command line says hold for every run of the process, if it has no mistakes."""
    layer = _layer(arguments)
    set_command_line(layer)  # a script's own fits read their settings, and know no command line
    try:
        check_settings(Choice(discover(), load_settings(command_line=layer)))
    except ConfigError as error:
        raise ConfigError(with_hints(error.problems, arguments)) from None


def _layer(arguments: argparse.Namespace) -> Layer:
    profile = Setting(True, "--profile", SOURCE) if arguments.profile else None
    traceback = Setting(True, "--traceback", SOURCE) if arguments.traceback else None
    # The file is settled now: a script may go to another folder.
    file = config_file() if arguments.config is None else Path(arguments.config) if arguments.config else None
    config = Setting(file.absolute() if file is not None else None, "--config", SOURCE)
    return replace(layer_of(arguments), profile=profile, traceback=traceback, config=config)


class _Planner:
    """Shows the plan of the first run that is about to begin, and ends the program, whatever it makes of that."""

    def __init__(self) -> None:
        self.status: int | None = None

    def show(self, run: Run, members: Sequence[Member]) -> None:
        if self.status is None:
            self.status = _show(run, members)
        raise SystemExit(self.status)

    def refuse(self, package: str) -> None:
        if self.status is None:
            complain(f"the models of {package} are not driven by `epochal run`, so there is no plan")
            self.status = 1
        raise SystemExit(self.status)


def _plan(program: Program) -> int:
    planner = _Planner()
    look_at_runs(planner.show)
    drive_keras(planner.refuse)
    try:
        status = program.run()
    except SystemExit as error:
        if planner.status is None and error.code not in (None, 0):
            _say_no_plan(program)
            raise
        status = 1
    if planner.status is None:
        _say_no_plan(program)
        return status or 1
    return planner.status


def _say_no_plan(program: Program) -> None:
    complain(f"{program.name!r} ended before any fit, evaluate or predict, so there is no plan")


def _show(run: Run, members: Sequence[Member]) -> int:
    from ..reports.plan import plan_run
    from .output import open_console, say
    from .plan import show

    console, plan = open_console(), plan_run(members)
    say(console, f"The first run of {sys.argv[0]} {_VERBS[run.stage]}.")
    show(console, plan)
    return 1 if plan.problems else 0
