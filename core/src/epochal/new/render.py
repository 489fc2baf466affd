"""The files of a new callback's package.

The template is a package that works: `epochal-my-callback`, with the class `MyCallback`. It is linted and checked as it
stands, and a new package is the same with other names.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import TYPE_CHECKING

from ..errors import EpochalError

if TYPE_CHECKING:
    from .package_names import Names

TEMPLATE = {
    "pyproject.toml": "its names, what it needs, and its entry point",
    "src/epochal_my_callback/my_callback.py": "the class",
    "src/epochal_my_callback/__init__.py": "what is imported from the package",
    "src/epochal_my_callback/py.typed": "says that it has types",
    "tests/test_my_callback.py": "its tests, with no framework",
    "noxfile.py": "the developer's tasks",
    ".github/workflows/ci.yml": "the same, on GitHub",
    ".gitignore": "what git leaves out",
    "README.md": "what users read",
    "CHANGELOG.md": "what is new in each version",
    "LICENSE": "Apache-2.0",
}
"""The files of the template, each with what it is for."""

CLASS_FILE = "src/epochal_my_callback/my_callback.py"
_FIRST_ATTRIBUTE = "    priority = "
_NO_TEST = "    __test__ = False  # pytest takes every class whose name begins with Test for tests\n"


def render(names: Names) -> dict[str, str]:
    """Return the path and the text of every file.

    Raises:
        EpochalError: The class would have a name that the package's code has another use for.
    """
    folder = files(__package__) / "template"
    texts = {path: folder.joinpath(*path.split("/")).read_text(encoding="utf-8") for path in TEMPLATE}
    code = " ".join(text for path, text in texts.items() if path.endswith(".py"))
    if names.kind in {*re.findall(r"\w+", code)} - {"MyCallback"}:
        raise EpochalError(
            f"{names.dashed!r} cannot be the name of a package: its class would be {names.kind}, a name that its code "
            f"has another use for. Make it longer, like 'my-{names.dashed}'."
        )
    if names.kind.startswith("Test"):
        texts[CLASS_FILE] = texts[CLASS_FILE].replace(_FIRST_ATTRIBUTE, f"{_NO_TEST}{_FIRST_ATTRIBUTE}", 1)
    return {renamed(path, names): renamed(text, names) for path, text in texts.items()}


def renamed(text: str, names: Names) -> str:
    """Put the names in the place of the template's."""
    spellings = {"my-callback": names.dashed, "my_callback": names.entry, "MyCallback": names.kind}
    return re.sub("|".join(spellings), lambda found: spellings[found[0]], text)
