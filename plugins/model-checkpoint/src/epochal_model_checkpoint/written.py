"""The files that ModelCheckpoint wrote: which they are, and how the older ones are removed."""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from epochal import StateError
from epochal.warn import warn_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from epochal.paths import PathTemplate

_ENDS = (".weights.h5", ".keras", ".h5")
_FIELD = "\x01"  # which no path has


@dataclass
class _Save:
    """What one save wrote.

    Attributes:
        folder: The template's folder at that time, absolute; None: of an earlier process, so wherever it is now.
        names: Its files, relative to that folder, the one that was asked for first; parts are separated by "/", and
            the name of a folder ends in it.
    """

    folder: str | None
    names: list[str]


class Written:
    """The files that were written by one template, and are not yet removed.

    Only those are ever removed that lie under the template's own folder and match it: with "models/{epoch}.keras" that
    is "models/1.keras", and what a model's own `save` wrote next to it under the same name with another end, such as
    "models/1.json". A state may be of another folder, or another template, or be forged.

    Args:
        template: The path with its fields.
    """

    def __init__(self, template: PathTemplate) -> None:
        self.template = template
        marked = template.with_marks(_FIELD)
        rest = os.path.normpath(os.path.relpath(marked, template.folder or os.curdir)).replace(os.sep, "/")
        self._pattern = re.compile("[^/]+".join(map(re.escape, rest.split(_FIELD))))
        self._saves: list[_Save] = []

    def paths(self) -> list[str]:
        """Return the files that were asked for, absolute, oldest first."""
        return [self._path(save, save.names[0].rstrip("/")) for save in self._saves]

    def names(self) -> list[list[str]]:
        """Return what the state holds of them: for each save its names, relative to the template's folder."""
        latest = self._saves[-1].folder if self._saves else None
        return [list(save.names) for save in self._saves if save.folder in (None, latest)]

    @classmethod
    def restored(cls, template: PathTemplate, names: Any) -> Written:
        """Return the files that `names` gave for the state, as far as they can be files of this template.

        Raises:
            StateError: It is nothing that `names` gives.
        """
        if not isinstance(names, list) or not all(
            isinstance(save, list) and save and all(isinstance(name, str) for name in save) for save in names
        ):
            raise StateError(
                "this is not a state of ModelCheckpoint: the names of files have to be lists of lists of text"
            )
        written = cls(template)
        for save in names:
            if written._match(save[0]) and all(written._belongs(save[0], name) for name in save[1:]):
                written._saves.append(_Save(None, list(save)))
        missing = len(names) - len(written._saves)
        if missing:
            warn_user(
                f"ModelCheckpoint: of its earlier files {missing} do not match filepath={template.text!r}, "
                "so `keep` leaves them where they are"
            )
        return written

    def add(self, path: str, beside: Sequence[str]) -> None:
        """Note a save.

        Args:
            path: The file that was asked for.
            beside: The names of what was written to its folder.
        """
        folder = self._folder()
        within = os.path.relpath(os.path.abspath(path), folder).replace(os.sep, "/")
        parent, _, last = within.rpartition("/")
        main = f"{within}/" if f"{last}/" in beside else within
        if not self._match(main):
            warn_user(f"ModelCheckpoint: `keep` leaves {path} where it is, as a value in its name has a separator")
            return
        others = [f"{parent}/{name}" if parent else name for name in beside]
        names = [main, *(name for name in others if name != main and self._belongs(main, name))]
        if not {last, f"{last}/"}.intersection(beside) and len(names) == 1:
            return  # the model saved elsewhere
        new = _Save(folder, names)
        again = [save for save in self._saves if self._path(save, save.names[0]) == self._path(new, main)]
        names += sorted({name for save in again for name in save.names}.difference(names))
        self._saves = [*(save for save in self._saves if save not in again), new]

    def remove_older(self, keep: int) -> None:
        """Remove all but the latest.

        Args:
            keep: How many saves to keep.
        """
        older, self._saves = self._saves[:-keep], self._saves[-keep:]
        kept = [self._path(save, name) for save in self._saves for name in save.names]
        for save in older:
            for name in save.names:
                path = self._path(save, name)
                if not any(_is_same(path, other) for other in kept):
                    _remove(path, save.folder or self._folder())

    def _folder(self) -> str:
        return os.path.abspath(self.template.folder)

    def _path(self, save: _Save, name: str) -> str:
        return os.path.join(save.folder or self._folder(), *name.split("/"))

    def _match(self, name: str) -> bool:
        return _is_plain(name) and self._pattern.fullmatch(name.rstrip("/")) is not None

    def _belongs(self, main: str, name: str) -> bool:
        """Return whether a file beside another has its name, with another end."""
        stem = main.rstrip("/")
        for end in _ENDS:
            if stem.endswith(end):
                stem = stem[: -len(end)]
                break
        rest = name.rstrip("/")[len(stem) :]
        return _is_plain(name) and name.startswith(stem) and "/" not in rest and not rest[:1].isalnum()


def _is_plain(name: str) -> bool:
    """Return whether a name stays in its folder."""
    parts = name.removesuffix("/").split("/")
    if {"", ".", ".."}.intersection(parts) or "\0" in name:
        return False
    return os.sep == "/" or not (os.sep in name or os.path.splitdrive(name)[0])


def _is_same(path: str, other: str) -> bool:
    """Return whether two paths mean one file, as "A.keras" and "a.keras" do on some file systems."""
    try:
        return path == other or os.path.samefile(path, other)
    except OSError:
        return False


def _remove(path: str, folder: str) -> None:
    """Remove a file, and the folders under the template's own that are empty then; that it cannot be is a warning."""
    is_folder = path.endswith(os.sep)
    path = path.rstrip(os.sep)
    inside = os.path.realpath(folder)
    parent = os.path.realpath(os.path.dirname(path))
    if parent != inside and not parent.startswith(os.path.join(inside, "")):
        warn_user(f"ModelCheckpoint keeps {path}, as {os.path.dirname(path)} is a link to outside of {folder}")
        return
    try:
        if is_folder and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        warn_user(f"ModelCheckpoint keeps {path}, which it was to remove: {error.strerror or error}")
        return
    while parent != inside:
        try:
            os.rmdir(parent)
        except OSError:  # something else is in it
            return
        parent = os.path.dirname(parent)
