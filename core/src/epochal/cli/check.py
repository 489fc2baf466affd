"""`epochal check`: whether an installed callback keeps what every one promises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from .assignments import add_assignments, given, hint
from .output import add_json, count_of, folder, open_console, print_json, print_table, say, say_below

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from ..testing.checks.check import Result
    from ..testing.checks.cost import Cost
    from ..testing.checks.subject import Subject

__all__ = ["DESCRIPTION", "EXAMPLES", "JSON", "add_arguments", "hint", "run"]

DESCRIPTION = """\
Run the conformance suite against an installed callback: its names and metadata, what it imports, its events, every kind
of run on a host without a framework, how it ends a run that breaks off, and its state. It runs in an empty folder. Its
cost is measured and told; no check depends on it. What fails is shown; -v shows every check."""

EXAMPLES = {
    "epochal check early_stopping": "an installed callback",
    "epochal check ./my_callback.py:MyCallback patience=3": "one in a file",
}

JSON = {
    "name": "the callback's name",
    "distribution": "the distribution that brings it",
    "version": "the distribution's version",
    "entry_point": "what its metadata says: package.module:Class",
    "holds": "whether every check holds",
    "checks[].name": "a check",
    "checks[].promise": "what it looks at, as a promise",
    "checks[].holds": "whether the promise is kept",
    "checks[].detail": "what is wrong, or what may be of interest; may be empty",
    "causes[].error": "an exception of the callback that stopped several checks",
    "causes[].remedy": "what to do about it",
    "causes[].checks[]": "the names of these checks",
    "imports[]": "the packages that come with its import, or null if it cannot be imported",
    "cost": "null if it cannot be measured, as some check does not hold",
    "cost.batch": "seconds that it adds to a training batch",
    "cost.epoch": "seconds of its events at the begin and the end of an epoch",
    "cost.fetches": "whether it reads the values of every batch, so that training waits for the device",
    "cost.importing": "seconds of its import",
    "slow[]": "what of it is slow, each as a sentence",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    from .completion import complete_names

    name = parser.add_argument(
        "name", metavar="NAME", help="the callback's name, package.module:Class, or ./file.py:Class"
    )
    name.completer = complete_names  # type: ignore[attr-defined]  # argcomplete reads it
    add_assignments(parser)
    parser.add_argument("-v", "--verbose", action="store_true", help="show every check as it is made")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the checks, and show each as it comes."""
    from ..errors import ConfigError, UnknownCallbackError
    from ..testing.checks.examination import make_subject, measured, run_checks
    from ..testing.checks.suite import checks_of

    with folder():
        try:
            subject = make_subject(arguments.name, given(arguments))
        except UnknownCallbackError as error:
            arguments.usage_error(str(error))
        except ConfigError as error:
            arguments.usage_error("\n  ".join(error.problems))
        if arguments.json:
            results = list(run_checks(subject))
            print_json(_as_json(subject, results, measured(subject, results)))
        else:
            console = open_console()
            record = subject.record
            title = record.origin if record.value.is_file else f"{record.value} of {record.origin}"
            say(console, Text.assemble((record.name, "bold cyan"), f": {title}"))
            console.print()
            results = []
            for result in run_checks(subject):
                results.append(result)
                if arguments.verbose:
                    _show(console, result)
            _show_failures(console, subject, results, arguments.verbose)
            has_lines_above = arguments.verbose or not all(result.holds for result in results)
            _show_facts(console, subject, measured(subject, results), has_lines_above)
            _summarize(console, results, len(checks_of(subject)))
    return 0 if all(result.holds for result in results) else 1


def _show(console: Console, result: Result) -> None:
    """Print a check: what it promises, and whether that holds."""
    word, style = ("holds", "green") if result.holds else ("FAILS", "bold red")
    text = Text.assemble(f"{result.check.promise} ", (f"[{result.check.name}]", "dim"))
    if console.is_terminal:
        line = Table.grid(padding=(0, 2, 0, 0))
        line.add_column(no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text(word, style), text)
        console.print(line)
    else:
        say(console, Text.assemble(word, "  ", text))


def _show_failures(console: Console, subject: Subject, results: list[Result], verbose: bool) -> None:
    """Print what is wrong: what stopped several checks once, and then each other check that does not hold."""
    from ..testing.checks.causes import find_causes

    if verbose and not all(result.holds for result in results):
        console.print()
    causes = find_causes(subject, results)
    for cause in causes:
        names = ", ".join(map(str, cause.checks))
        say(console, Text.assemble(("FAILS", "bold red"), f"  {cause.error}"))
        say_below(console, f"It stopped {len(cause.checks)} of {len(results)} checks: {names}.", 7)
        say_below(console, cause.remedy, 7)
    told = {check for cause in causes for check in cause.checks}
    for result in results:
        if not result.holds and result.check not in told:
            _show(console, result)
            for paragraph in result.detail.splitlines():
                say_below(console, paragraph, 7)


def _show_facts(console: Console, subject: Subject, cost: Cost | None, has_lines_above: bool) -> None:
    from ..engine.profile import duration

    if cost is None:
        return
    packages = ", ".join(subject.imported.packages) or "nothing but Epochal and the standard library"
    rows = [
        ("imports", f"{duration(cost.importing)}; {packages}"),  # a number is not parted from its unit at a line's end
        ("a batch", f"{duration(cost.batch)} above a callback that does nothing"),
        ("an epoch", duration(cost.epoch)),
    ]
    if has_lines_above:
        console.print()
    print_table(console, ["", ""], rows)
    for sentence in cost.slow:
        console.print()
        say(console, Text.assemble(("slow: ", "bold yellow"), sentence))


def _summarize(console: Console, results: list[Result], asked: int) -> None:
    failed = [result for result in results if not result.holds]
    console.print()
    kept = f"{count_of(len(results) - len(failed), 'promise')} kept"
    if not failed:
        say(console, f"{kept}.", "bold green")
        return
    say(console, f"{kept}, {len(failed)} not.", "bold red")
    if len(results) < asked:
        say(console, "Nothing more can be checked before it can be imported.")


def _as_json(subject: Subject, results: list[Result], cost: Cost | None) -> object:
    from ..testing.checks.causes import find_causes

    imports = next((result for result in results if result.check.name == "imports" and result.holds), None)
    return {
        "name": subject.record.name,
        "distribution": subject.record.distribution,
        "version": subject.record.version,
        "entry_point": subject.record.value,
        "holds": all(result.holds for result in results),
        "checks": [
            {
                "name": result.check.name,
                "promise": result.check.promise,
                "holds": result.holds,
                "detail": result.detail,
            }
            for result in results
        ],
        "causes": [
            {"error": cause.error, "remedy": cause.remedy, "checks": [check.name for check in cause.checks]}
            for cause in find_causes(subject, results)
        ],
        "imports": None if imports is None else list(subject.imported.packages),
        "cost": None
        if cost is None
        else {"batch": cost.batch, "epoch": cost.epoch, "fetches": cost.fetches, "importing": cost.importing},
        "slow": [] if cost is None else list(cost.slow),
    }
