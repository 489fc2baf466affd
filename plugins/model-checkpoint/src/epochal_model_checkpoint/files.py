"""The files of ModelCheckpoint: what their path may be, how one is written, and how one is removed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epochal import TemplateError
from epochal.files import replacing
from epochal.paths import PathTemplate, is_remote
from epochal.warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an existing directory: "


def checked_path(filepath: Any, weights_only: bool) -> PathTemplate:
    """Check the parameter `filepath`.

    Raises:
        TypeError: It is no path.
        TemplateError: Its braces cannot be read.
        ValueError: Its end is not that of the format.
    """
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(f"ModelCheckpoint: filepath={filepath!r} has to be a path")
    try:
        template = PathTemplate(filepath)
    except TemplateError as error:
        raise TemplateError(f"ModelCheckpoint: {error}") from None
    if weights_only and not template.text.endswith(".weights.h5"):
        raise ValueError(
            f"ModelCheckpoint: filepath={template.text!r} has to end in '.weights.h5', as save_weights_only is on"
        )
    if not template.text.endswith((".keras", ".h5")):
        raise ValueError(
            f"ModelCheckpoint: filepath={template.text!r} has to end in '.keras', or in '.h5' for the older format"
        )
    return template


def check_place(template: PathTemplate) -> None:
    """Check, before anything is trained, whether a file can be there.

    Raises:
        OSError: It cannot.
    """
    text = template.text
    if is_remote(text):
        return
    if not template.fields and os.path.isdir(text):
        raise IsADirectoryError(_FOLDER + text)
    folder = Path(os.path.abspath(os.path.dirname(text.partition("{")[0])))
    existing = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not existing.is_dir():
        raise NotADirectoryError(f"ModelCheckpoint cannot write to {text}: {existing} is no folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        warn_user(f"ModelCheckpoint may not be able to write to {text}: {existing} allows no writing")


def write(path: str, save: Callable[[Any], None]) -> None:
    """Save to a path so that a crash at any moment leaves the old file or the new one, whole.

    Args:
        path: The path. One that is an address is handed on as it is, and then it is `save` that decides what a crash
            leaves behind.
        save: Saves to the path that it is given.

    Raises:
        OSError: The file cannot be written; the old one is as it was.
    """
    if is_remote(path):
        save(path)
        return
    try:
        with replacing(path) as temporary:
            save(temporary)
    except IsADirectoryError:
        raise IsADirectoryError(_FOLDER + path) from None
    except OSError as error:
        text = f"ModelCheckpoint could not write {path}, and left what was there: {error.strerror or error}"
        raise OSError(*(text,) if error.errno is None else (error.errno, text)) from error


def remove(path: str) -> None:
    """Remove a file; that it cannot be removed is a warning."""
    try:
        with suppress(FileNotFoundError):
            os.unlink(path)
    except OSError as error:
        warn_user(f"ModelCheckpoint keeps {path}, which it was to remove: {error.strerror or error}")
