"""A folder that is written whole, or not at all."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING

from ..errors import EpochalError
from ..settings.reading import short_path

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def check_folder(folder: Path) -> None:
    """Check that a folder can be filled: it is not there, or has nothing in it but a `.git`.

    Raises:
        EpochalError: It cannot.
    """
    title = repr(short_path(folder))
    try:
        if folder.is_dir():
            there = sorted(each.name for each in folder.iterdir() if each.name != ".git")
            if there:
                raise EpochalError(f"the folder {title} is not empty: {there[0]!r} is in it. {_ANOTHER}")
        elif folder.exists() or folder.is_symlink():
            raise EpochalError(f"{title} exists, and is not a folder. {_ANOTHER}")
        elif not folder.parent.is_dir():
            raise EpochalError(f"there is no folder {short_path(folder.parent)!r} to make {folder.name!r} in.")
    except OSError as error:
        raise _unwritable(folder, error) from None


_ANOTHER = "Choose another one with --folder."


def write_folder(folder: Path, texts: Mapping[str, str]) -> None:
    """Write files into a folder that `check_folder` passes: all of them, or nothing is left of them.

    They are written aside, and then moved.

    Args:
        folder: The folder.
        texts: The path of each file in it, and the file's text.

    Raises:
        EpochalError: The folder cannot be written.
    """
    is_new = not folder.exists()
    aside = (folder.parent if is_new else folder) / f".epochal-new-{secrets.token_hex(4)}"
    moved: list[Path] = []
    try:
        for path, text in texts.items():
            file = aside / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text.encode())
        if is_new:
            aside.rename(folder)
        else:
            for each in [*aside.iterdir()]:
                moved.append(folder / each.name)
                each.rename(moved[-1])
            aside.rmdir()
    except BaseException as error:
        for each in [aside, *moved]:
            _remove(each)
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from None
        raise


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> EpochalError:
    return EpochalError(f"{short_path(folder)!r} cannot be written: {error.strerror or error}. {_ANOTHER}")
