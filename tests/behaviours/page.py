"""Write the page "Keras behaviours we fix" from the behaviours: `python -m tests.behaviours.page`."""

from __future__ import annotations

import ast
import inspect
import textwrap
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from . import all_behaviours

if TYPE_CHECKING:
    from . import Behaviour

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "keras-behaviours.md"

_HEAD = """\
# Keras behaviours we fix

<!-- Written from tests/behaviours by `nox -s pages`. -->

What Keras's callbacks do that their users do not expect, what ours do instead, and how to see it. Every function below
is run by the tests with both classes: with ours it passes, with Keras's it fails. To run one:

```sh
nox -s tests -- tests/test_behaviours.py -k NAME_OF_THE_FUNCTION
```

`model` is a small compiled model, `data` a pair of 40 examples and labels, `tmp_path` an empty folder. What else a
function uses stands beside it, in the file that is linked.
"""


def render() -> str:
    """Return the page's text."""
    behaviours = all_behaviours()
    parts = [_HEAD, _contents(behaviours)]
    for callback, group in groupby(behaviours, key=lambda behaviour: behaviour.callback):
        parts.append(f"## {_heading(callback, next(each.kind for each in behaviours if each.callback == callback))}\n")
        parts += [_section(behaviour) for behaviour in group]
    return "\n".join(parts)


def _heading(callback: str, kind: str) -> str:
    tests = f"[the tests](../../tests/behaviours/{callback}.py)"
    return f"{kind}\n\n`pip install epochal-{callback.replace('_', '-')}`, {tests}"


def _contents(behaviours: list[Behaviour]) -> str:
    rows = ["| callback | what ours does |", "|---|---|"]
    for _, group in groupby(behaviours, key=lambda behaviour: behaviour.callback):
        entries = list(group)
        rows.append(f"| [{entries[0].kind}](#{entries[0].kind.lower()}) | {'<br>'.join(e.title for e in entries)} |")
    return "\n".join(rows) + "\n"


def _section(behaviour: Behaviour) -> str:
    theirs = "tf-keras 2" if behaviour.keras_class.startswith("tf_keras") else "Keras"
    code = _source(behaviour)
    return (
        f"### {behaviour.title}\n\n"
        f"**{theirs}:** {behaviour.keras}\n\n"
        f"**Epochal:** {behaviour.ours}\n\n"
        f"```py\n{code}```\n"
    )


def _source(behaviour: Behaviour) -> str:
    """Return the function's source without its decorator and annotations."""
    lines = textwrap.dedent(inspect.getsource(behaviour.check))
    function = ast.parse(lines).body[0]
    assert isinstance(function, ast.FunctionDef)
    names = ", ".join(argument.arg for argument in function.args.args)
    body = "\n".join(lines.splitlines()[function.body[0].lineno - 1 :])
    return f"def {function.name}({names}):\n{body}\n"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
