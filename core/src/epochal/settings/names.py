"""The names of callbacks: those of classes, and those that are the paths of files; their text alone."""

from __future__ import annotations

import os
import re
from pathlib import Path

_NAME = re.compile(r"(?P<path>.+?)(?::(?P<attribute>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*))?(?P<number>#\d+)?", re.DOTALL)


def snake_case(name: str) -> str:
    """Turn a class's name into a callback's.

    >>> snake_case("ReduceLROnPlateau"), snake_case("CSVLogger"), snake_case("TerminateOnNaN")
    ('reduce_lr_on_plateau', 'csv_logger', 'terminate_on_nan')
    """
    spaced = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])", "_", name)
    # "NaN" is one word: without this it would become na_n.
    return re.sub(r"_?na_n(?![a-z0-9])", lambda match: "_nan" if match[0].startswith("_") else "nan", spaced.lower())


def short_name(name: str) -> str:
    """Give the name of a callback that is named by where it is (`package.module:Class`, a file); any other as it is.

    >>> short_name("tqdm.keras:TqdmCallback"), short_name("./my-callback.py"), short_name("csv_logger#2")
    ('tqdm_callback', 'my_callback', 'csv_logger#2')
    """
    if is_path(name):
        path, attribute = split_path(name)
        return snake_case(attribute.rpartition(".")[2]) if attribute else re.sub(r"^(?=\d)|\W", "_", Path(path).stem)
    return snake_case(name.rpartition(":")[2].rpartition(".")[2]) if ":" in name else name


def is_path(name: str) -> bool:
    """Tell whether a name is the path of a file: it has a separator in it, or ends with `.py`.

    >>> is_path("./my_callback"), is_path("my_callback.py:LossPrinter"), is_path("my_package.callbacks:LossPrinter")
    (True, True, False)
    """
    path = split_path(name)[0]
    return "/" in path or os.sep in path or path.endswith(".py")


def split_path(name: str) -> tuple[str, str]:
    """Split a name into the path of the file, and what is named in it (empty: the file itself).

    >>> split_path("./my_callback.py:LossPrinter")
    ('./my_callback.py', 'LossPrinter')
    """
    found = _NAME.fullmatch(name)
    return (found["path"], found["attribute"] or "") if found is not None else (name, "")


def split_names(text: str) -> list[str]:
    """Split a list of names as it is typed, at commas and spaces; neither splits the path of a file that is there.

    >>> split_names("csv_logger, early_stopping terminate_on_nan,")
    ['csv_logger', 'early_stopping', 'terminate_on_nan']
    """
    names: list[str] = []
    for piece in [text] if _is_there(text) else text.split(","):
        words = piece.split()
        # A path that is mistyped stays whole too, so that the error shows it as it was meant.
        is_one = is_path(piece) and (
            _is_there(piece) or not all(not is_path(word) or _is_there(word) for word in words)
        )
        names += [piece.strip()] if is_one else words
    return names


def _is_there(name: str) -> bool:
    return is_path(name) and os.path.exists(os.path.expanduser(split_path(name.strip())[0]))


def absolute_name(name: str, folder: Path) -> str:
    """Give the one spelling of a name that is a path: absolute, `~` expanded. Any other name stays as it is.

    Args:
        name: A callback's name; one of a further instance ends with its number, `#2`.
        folder: The folder that a relative path begins in.
    """
    if not is_path(name):
        return name
    path = split_path(name)[0]
    return os.path.abspath(folder / os.path.expanduser(path)) + name[len(path) :]


def relative_name(name: str, folder: Path) -> str:
    """Give the spelling of an absolute name as it is written in a file in a folder, with slashes."""
    path = Path(split_path(name)[0])
    rest = name[len(str(path)) :]
    try:
        return f"./{path.relative_to(folder).as_posix()}{rest}"
    except ValueError:
        return f"{path.as_posix()}{rest}"
