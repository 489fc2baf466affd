"""What a Keras model holds: its variables as arrays, its config and its assets."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable


def array(value: Any) -> Any:
    """Give a variable or tensor of any backend as a NumPy array that nothing else writes to."""
    import numpy as np

    return np.array(sys.modules["keras"].ops.convert_to_numpy(value))


def state_tree(model: Any, optimizer: Any) -> dict[str, Any]:
    """Give all variables as nested dicts by their paths, as the model's own `get_state_tree` does it.

    Raises:
        RunError: Two variables have one path.
    """
    return {
        "trainable_variables": _nested(model.trainable_variables),
        "non_trainable_variables": _nested(model.non_trainable_variables),
        "optimizer_variables": _nested(getattr(optimizer, "variables", ())),  # may be the loop's
        "metrics_variables": _nested(model.metrics_variables),
    }


def config(model: Any) -> str:
    """Give what the model is and how it was compiled, as JSON."""
    text: str = _saving_lib()._serialize_model_as_json(model)[0]
    return text


def assets(model: Any) -> dict[str, Any]:
    """Give the files that layers keep beside their weights, as nested dicts; a file is an array of its bytes."""
    store = _saving_lib().DiskIOStore("assets", mode="w")  # in a temporary folder
    try:
        _saving_lib()._save_state(model, None, store, inner_path="", visited_saveables=set())
        return _files(store.working_dir)
    finally:
        store.close()


def _saving_lib() -> Any:
    """Give what Keras's own saving is made of; in public there are only whole files."""
    return import_module("keras.src.saving.saving_lib")


def _nested(variables: Iterable[Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for variable in variables:
        *folders, name = variable.path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {}) if isinstance(place, dict) else place
        if not isinstance(place, dict) or name in place:
            raise RunError(
                f"two variables of the model have the path {variable.path!r}, so its state cannot be told apart. "
                "Give its layers names of their own."
            )
        place[name] = array(variable)
    return tree


def _files(folder: str) -> dict[str, Any]:
    """Give a folder as nested dicts, files as arrays of their bytes, and nothing of folders without any."""
    import numpy as np

    tree: dict[str, Any] = {}
    for entry in os.scandir(folder):
        if entry.is_dir():
            files = _files(entry.path)
            if files:
                tree[entry.name] = files
        else:
            tree[entry.name] = np.fromfile(entry.path, np.uint8)
    return tree
