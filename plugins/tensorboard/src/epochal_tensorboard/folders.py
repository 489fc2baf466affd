"""Folders and files that are on this machine or at an address, `gs://bucket/logs`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from epochal.files import write_atomic
from epochal.frameworks.remote import remote_files
from epochal.paths import is_remote

OWNER = "TensorBoard"
TRAIN, VALIDATION = "train", "validation"
"""The folders of `log_dir`."""


def joined(folder: str, *names: str) -> str:
    """Return the path of what is in a folder; an address has slashes on every system."""
    return "/".join([folder.rstrip("/"), *names]) if is_remote(folder) else os.path.join(folder, *names)


def check_folder(folder: str) -> None:
    """Raise if files cannot be made in a folder, which is made if it is missing.

    Raises:
        OSError: They cannot.
        MissingDependencyError: The folder is an address, and no installed package writes there.
    """
    if is_remote(folder):
        remote_files(folder, OWNER).make_folder(folder)
        return
    try:
        os.makedirs(folder, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(error.errno, f"TensorBoard cannot write to log_dir: {error.strerror}", folder) from error


def write_whole(path: str, content: bytes) -> None:
    """Write a file at once, so that no reader sees a part of it. Folders that are missing are made.

    Raises:
        OSError: It cannot be written.
    """
    if is_remote(path):
        files = remote_files(path, OWNER)
        files.make_folder(path.rpartition("/")[0])  # there are file systems with folders, `hdfs://` for example
        files.write(path, content)
    else:
        write_atomic(path, content)


def read_whole(path: str) -> bytes | None:
    """Return the content of a file; None if there is no such file.

    Raises:
        OSError: It cannot be read.
    """
    if is_remote(path):
        return remote_files(path, OWNER).read(path)
    return Path(path).read_bytes() if os.path.isfile(path) else None


def copy_tree(source: Path, folder: str) -> None:
    """Copy all files of a folder of this machine to another folder.

    Raises:
        OSError: One cannot be written.
    """
    for path in sorted(source.rglob("*")):
        if path.is_file():
            write_whole(joined(folder, *path.relative_to(source).parts), path.read_bytes())
