"""A folder in which other code writes a file, and what else it likes, before all of it takes its place."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from .files import (
    _remove,
    _remove_left,
    _temporary_name,
    _writing,
    check_replaceable,
    replacing,
    sync_file,
    sync_folder,
    sync_names,
)

if TYPE_CHECKING:
    from types import TracebackType


class Staging:
    """A temporary folder beside a file, where the file is written under its own name.

    Code that is not ours, a model's own `save` for example, takes the name that was asked for apart, and writes further
    files next to it, or a folder of that name, or nothing. It finds an empty folder. When it is done, `deliver` brings
    all of it to the disk and then to its place.

    Every file is renamed as a whole. A kill between two of several leaves some of them new and others old or missing;
    the file that was asked for comes last, so that where it is new, all are. A folder that is not there yet comes as a
    whole; into one that is there its files come one by one, and what else is in it stays.

    Args:
        path: The file. Where it is a link, what it points to is replaced. Folders that are missing are made.

    Raises:
        OSError: The temporary folder cannot be made; `filename` is the folder in which it was to be.

    Attributes:
        path: Where to write: an absolute path whose last part is the name of the file.
        arrived: What took its place, by its name beside the file, in the order in which it came. A folder's name ends
            in "/".

    Example:
        >>> with Staging("model.keras") as staging:  # doctest: +SKIP
        ...     model.save(staging.path)
        ...     staging.deliver()
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        whole = Path(os.path.abspath(path))
        self._name = whole.name
        self._place = whole.parent
        # Beside what a link points to, as a rename cannot leave its file system.
        parent = Path(os.path.realpath(whole)).parent
        parent.mkdir(parents=True, exist_ok=True)
        _remove_left(parent)
        # Nothing of the file's name is in it: `path.replace(".keras", ".json")` is to change the file's end alone.
        self._folder = parent / _temporary_name("_")
        self.path = str(self._folder / self._name)
        self.arrived: list[str] = []
        _writing.add(self._folder.name)
        try:
            self._folder.mkdir()
        except BaseException as error:
            _writing.discard(self._folder.name)
            if isinstance(error, OSError):
                error.filename = str(parent)  # which the user knows
            raise

    def __enter__(self) -> Staging:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Remove the temporary folder, with what was not delivered."""
        _remove(self._folder)
        _writing.discard(self._folder.name)

    def deliver(self) -> None:
        """Bring everything to the disk, and then to its place.

        Raises:
            IsADirectoryError: There is a folder where a file is to be; nothing was replaced.
            NotSyncedError: All of it is there, but a name may not have reached the disk.
            OSError: It cannot be brought there; `arrived` tells what was.
        """
        names = sorted(os.listdir(self._folder), key=lambda name: (name == self._name, name))
        for name in names:
            _prepare(self._folder / name, self._place / name)
        changed: dict[Path, None] = {}
        for name in names:
            source, place = self._folder / name, self._place / name
            title = f"{name}/" if source.is_dir() and not source.is_symlink() else name
            self._move(source, place, changed)
            self.arrived.append(title)
        for folder in changed:
            sync_names(folder)

    def _move(self, source: Path, place: Path, changed: dict[Path, None]) -> None:
        """Give a file or a folder its place, and note the folder in which a name changed."""
        if source.is_symlink():
            self._aim(source)
        elif source.is_dir() and place.is_dir():
            for name in sorted(os.listdir(source)):
                self._move(source / name, place / name, changed)
            return
        else:
            place = Path(os.path.realpath(place))
        try:
            os.replace(source, place)
        except OSError as error:
            if error.errno != errno.EXDEV or not source.is_file():
                raise
            with replacing(place) as temporary:  # one of the others, at a link into another file system
                shutil.copyfile(source, temporary)
        changed[place.parent] = None

    def _aim(self, link: Path) -> None:
        """Have a link to what was written here point to its place."""
        target = Path(os.readlink(link))
        if target.is_relative_to(self._folder):
            link.unlink()
            link.symlink_to(self._place / target.relative_to(self._folder))


def _prepare(source: Path, place: Path) -> None:
    """Bring a file, or all of a folder, to the disk, and see that it can take its place."""
    if source.is_symlink():
        return
    if source.is_dir():
        for name in os.listdir(source):
            _prepare(source / name, place / name)
        sync_folder(source)
        return
    check_replaceable(place)
    sync_file(source)
    with contextlib.suppress(OSError):  # there is no old file, or the file system has no modes
        shutil.copymode(place, source)
