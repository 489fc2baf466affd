"""The name of a class as a callback's name."""

from __future__ import annotations

import re
from pathlib import Path

from .path_names import is_path, split_path


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
