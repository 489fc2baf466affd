"""Write the reference pages from the code: `python -m tests.reference_pages`."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epochal.cli import COMMANDS, EXIT_CODES, build_parser, show_examples
from epochal.cli.command import PrintsJSON
from epochal.settings.reading import KEYS, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FOLDER = Path(__file__).parents[1] / "docs" / "reference"

_SETTINGS = """\
# The settings

<!-- Written from core/src/epochal/settings/reading.py by `nox -s pages`. -->

How they are used is told in [Choose callbacks, and set them](../how-to/choosing.md). `epochal config` shows those that
hold in a folder, each with its source.

## The file

`epochal.toml`, or the table `[tool.epochal]` of `pyproject.toml`.

{keys}

Names are those of `epochal list`. What is not installed under a name is named by where it is: `package.module:Class`,
or the path of a file, `./my_callback.py` or `./my_callback.py:Class`, which begins in the folder of the config file.
`name#2` is the second instance.

## The environment

{variables}
"""

_COMMANDS = """\
# The commands

<!-- Written from core/src/epochal/cli by `nox -s pages`. -->

`epochal`, or `python -m epochal`. Results go to standard output, errors to standard error.

{exit_codes}

With `--json` a command prints one JSON object. Its fields are listed below; `[]` stands for each element of a list.
New ones may come, and none goes away or changes its meaning within a major version. A call that fails prints no JSON.

{contents}
"""


def render_settings() -> str:
    """Return the page of the settings."""
    return _SETTINGS.format(keys=_table(("key", ""), KEYS), variables=_table(("variable", ""), VARIABLES))


def render_commands() -> str:
    """Return the page of the commands."""
    parser = build_parser(COMMANDS)
    (commands,) = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    contents = "\n".join(f"- [`epochal {name}`](#epochal-{name}): {summary}" for name, summary in COMMANDS.items())
    parts = [_COMMANDS.format(exit_codes=EXIT_CODES, contents=contents)]
    parts += ["\n".join(_command(name, commands.choices[name])) for name in COMMANDS]
    return "\n".join(parts)


def _command(name: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    actions = [action for action in parser._actions if action.dest != "help" and action.help != argparse.SUPPRESS]
    yield f"## epochal {name}\n"
    yield f"```\n{parser.usage or ' '.join([f'epochal {name}', *map(_usage, actions)])}\n```\n"
    blocks = (parser.description or "").split("\n\n")
    yield "\n\n".join(f"```\n{block}\n```" if block.startswith(" ") else " ".join(block.split()) for block in blocks)
    module: Any = import_module(f"epochal.cli.{name}")
    yield f"\n```sh\n{show_examples(module.EXAMPLES)}\n```"
    if actions:
        yield f"\n{_table(('argument', ''), {_argument(action): action.help or '' for action in actions})}"
    if isinstance(module, PrintsJSON):
        yield f"\n{_table(('field of the JSON', ''), module.JSON)}"
    yield ""


def _usage(action: argparse.Action) -> str:
    text = _argument(action)
    if action.nargs == "*":
        return f"[{text} ...]"
    return text if not action.option_strings else f"[{text}]"


def _argument(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else str(action.metavar or action.dest)
    return " ".join(filter(None, [", ".join(action.option_strings), value]))


def _table(headings: tuple[str, str], rows: Mapping[str, str]) -> str:
    lines = [f"| {' | '.join(headings)} |", "|---|---|"]
    return "\n".join([*lines, *(f"| `{key}` | {text.replace('%%', '%')} |" for key, text in rows.items())])


PAGES: dict[str, Callable[[], str]] = {"settings.md": render_settings, "commands.md": render_commands}
"""Each page with what renders it."""


def main() -> Any:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, render in PAGES.items():
        (FOLDER / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
