"""A new callback's package: its names, its files, and the folder that they are written to."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import EpochalError
from ..settings.reading import short_path
from .folder import check_folder, write_folder
from .package_names import read_names
from .render import TEMPLATE, renamed, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..installed.discovery import Catalogue
    from .package_names import Names


@dataclass(frozen=True)
class NewPackage:
    """A package that was made.

    Attributes:
        names: Its names.
        folder: Where it is.
        files: The path of each file in it, and what the file is for.
    """

    names: Names
    folder: Path
    files: Mapping[str, str]

    @property
    def next_commands(self) -> tuple[str, ...]:
        """What to type next."""
        folder = short_path(self.folder)
        path = shlex.quote(folder if Path(folder).is_absolute() else f"./{folder}")
        return (
            f"python -m pip install -e {path} pytest",
            f"python -m pytest {path}",
            f"epochal run --enable {self.names.entry} train.py",
        )


def make_package(word: str, folder: Path | None, catalogue: Catalogue) -> NewPackage:
    """Make a package that brings one callback.

    Args:
        word: The callback's name, in any form that `read_names` takes.
        folder: The folder to write to. None: one of the distribution's name, in the working directory.
        catalogue: The installed callbacks, whose names are taken.

    Raises:
        EpochalError: It cannot have this name, or the folder cannot be filled. Nothing has been written.
    """
    names = read_names(word)
    taken = next((record for record in catalogue.records if record.name == names.entry), None)
    if taken is not None:
        raise EpochalError(
            f"{taken.origin} brings a callback {names.entry!r} already. Choose another name, like 'my-{names.dashed}'."
        )
    texts = render(names)
    folder = Path.cwd() / (names.distribution if folder is None else folder)
    check_folder(folder)
    write_folder(folder, texts)
    return NewPackage(names, folder, {renamed(path, names): what for path, what in TEMPLATE.items()})
