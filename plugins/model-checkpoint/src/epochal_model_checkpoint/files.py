"""The files of ModelCheckpoint: what their path may be, and how one is written."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from epochal import TemplateError
from epochal.arguments import FilePath
from epochal.files import NotSyncedError, Staging
from epochal.paths import PathTemplate, is_remote
from epochal.warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER = "Please specify a non-directory filepath for ModelCheckpoint. Filepath used is an existing directory: "
_NO_NEW_FILES = (errno.EACCES, errno.EPERM, errno.EROFS)
_FULL = 64 * 1024  # bytes free; a file system keeps some that it does not give out


class TemplatePath(FilePath):
    """The path of a file, with fields."""

    def check(self, value: Any) -> str:
        """Return the path."""
        path = super().check(value)
        try:
            PathTemplate(path)
        except TemplateError as error:
            raise TemplateError(f"ModelCheckpoint: {error}") from None
        if not path.endswith((".keras", ".h5")):
            raise ValueError("has to end in '.keras', or in '.h5' for the older format")
        return path


def check_end(path: str, *, weights_only: bool) -> None:
    """Check that the end of a path is that of the format.

    Raises:
        ValueError: It is not.
    """
    if weights_only and not path.endswith(".weights.h5"):
        raise ValueError(f"ModelCheckpoint: filepath={path!r} has to end in '.weights.h5', as save_weights_only is on")


def check_place(template: PathTemplate, *, may_be_folder: bool) -> None:
    """Check, before anything is trained, whether a file can be there.

    Args:
        template: The path.
        may_be_folder: Whether the model saves in a way of its own, and may write a folder.

    Raises:
        OSError: It cannot.
    """
    text = template.text
    if is_remote(text):
        return
    if not template.fields and os.path.isdir(text) and not may_be_folder:
        raise IsADirectoryError(_FOLDER + text)
    folder = Path(os.path.abspath(template.folder))
    existing = next((each for each in (folder, *folder.parents) if each.exists()), folder)
    if not existing.is_dir():
        raise NotADirectoryError(f"ModelCheckpoint cannot write to {text}: {existing} is not a folder")
    if not os.access(existing, os.W_OK | os.X_OK):
        warn_user(f"ModelCheckpoint may not be able to write to {text}: {existing} allows no writing")


def write(path: str, save: Callable[[str], None], *, own: bool) -> list[str]:
    """Save to a path so that a crash at any moment leaves the old file or the new one, whole.

    Args:
        path: The path, not an address.
        save: Saves to the path that it is given, which has the same name and lies in a temporary folder.
        own: Whether `save` is the model's own, which may write something else, or somewhere else.

    Returns:
        The names of what it wrote, in the folder of the path; that of a folder ends in "/".

    Raises:
        OSError: The file cannot be written; the old one is as it was.
    """
    try:
        staging = Staging(path)
    except OSError as error:
        if error.errno in _NO_NEW_FILES and (own or _is_writable(path)):
            return _write_in_place(path, save)
        raise _failure(path, error) from error
    with staging:
        try:
            save(staging.path)
        except (OSError, RuntimeError) as error:
            full = _is_full(path)
            # What others raise, requests for example, the user's code may catch by its type.
            if type(error).__module__ != "builtins" or (isinstance(error, RuntimeError) and not full):
                raise
            raise _failure(path, error, full=full, inside=os.path.dirname(staging.path)) from error
        try:
            staging.deliver()
        except NotSyncedError as error:
            warn_user(f"ModelCheckpoint wrote {path}, but a power failure may still undo that: {error.strerror}")
        except IsADirectoryError as error:
            raise IsADirectoryError(_FOLDER + path) from error
        except OSError as error:
            raise _failure(path, error, staging.arrived) from error
    return staging.arrived


def write_remote(path: str, save: Callable[[str], None], make_folder: Callable[[str], None]) -> None:
    """Save to an address. What a crash leaves behind there is decided by the framework.

    Args:
        path: The address.
        save: Saves to it.
        make_folder: Makes a folder at an address.
    """
    with suppress(Exception):  # if the folder is needed, the save says what is wrong
        make_folder(os.path.dirname(path))
    save(path)


def _is_writable(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.W_OK)


def _write_in_place(path: str, save: Callable[[str], None]) -> list[str]:
    """Save as Keras does, where the folder takes no file beside the one that is there."""
    if _is_writable(path):
        warn_user(
            f"ModelCheckpoint writes over {path}, as its folder takes no other file: a kill while it writes destroys it"
        )
    save(path)
    return []


def _is_full(path: str) -> bool:
    try:
        return shutil.disk_usage(os.path.dirname(os.path.realpath(path))).free < _FULL
    except OSError:
        return False


def _failure(
    path: str, error: Exception, arrived: list[str] | None = None, *, full: bool = False, inside: str = ""
) -> OSError:
    """Return an error that says what could not be written, and why.

    Args:
        path: What could not be written.
        error: Why. The words of h5py are many, and those of its older format do not say that the disk is full.
        arrived: What was written, of several files.
        full: Whether the disk is full, which is the reason then.
        inside: The temporary folder, whose files mean nothing to the user.
    """
    number = getattr(error, "errno", None)
    if full and number not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        number = errno.ENOSPC
    reason = str(error) if number is None else os.strerror(number)
    other = getattr(error, "filename", None)
    if isinstance(other, str) and not (inside and other.startswith(inside)) and other not in (path, reason):
        reason = f"{reason}: {other}"
    left = f"wrote of it only {', '.join(arrived)}" if arrived else "left what was there"
    text = f"ModelCheckpoint could not write {path}, and {left}: {reason}"
    return OSError(text) if number is None else OSError(number, text)
