"""What a Keras model holds: its variables as arrays, its config and its assets."""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..errors import RunError

if TYPE_CHECKING:
    from collections.abc import Iterable


def array(value: Any) -> Any:
    """Return a variable or tensor of any backend as a NumPy array that nothing else writes to."""
    import numpy as np

    return np.array(sys.modules["keras"].ops.convert_to_numpy(value))


def state_tree(model: Any, optimizer: Any) -> dict[str, Any]:
    """Return all variables as nested dicts by their paths, as the model's own `get_state_tree` does it.

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
    """Return what the model is and how it was compiled, as JSON.

    A Sequential builds its layers, so their variables have paths that begin with its own. Made again from its config
    each layer is built for itself, and its variables have other paths, under which Keras finds no values: it leaves the
    new ones in them, in silence. So such layers are not told how to build themselves.
    """
    tree = json.loads(_saving_lib()._serialize_model_as_json(model)[0])
    steps = (variable.path.split("/")[:-1] for variable in model.variables)
    _leave_building_to_models(tree, {pair for each in steps for pair in pairwise(each)})
    return json.dumps(tree)


def _leave_building_to_models(tree: Any, built: set[tuple[str, str]]) -> None:
    """Take out of the config of a model's layers how they are built, where the model has built them.

    Args:
        tree: The config, or a part of it.
        built: The names of a model and of a layer that follow one another in the path of a variable.
    """
    if isinstance(tree, list):
        for each in tree:
            _leave_building_to_models(each, built)
    if not isinstance(tree, dict):
        return
    for layer in _layer_configs(tree):
        if (tree["name"], layer["config"]["name"]) in built:
            layer.pop("build_config", None)
            if layer.get("class_name") == "Sequential":  # it was built with the shape that its own model gave it
                inside = layer["config"]
                inside.pop("build_input_shape", None)
                inside["layers"] = [each for each in inside["layers"] if each.get("class_name") != "InputLayer"]
    for each in tree.values():
        _leave_building_to_models(each, built)


def _layer_configs(config: dict[str, Any]) -> list[dict[str, Any]]:
    layers = config.get("layers")
    found = layers if isinstance(layers, list) and isinstance(config.get("name"), str) else []
    return [each for each in found if isinstance(each, dict) and "name" in (each.get("config") or ())]


def assets(model: Any) -> dict[str, Any]:
    """Return the files that layers keep beside their weights, as nested dicts; a file is an array of its bytes."""
    store = _saving_lib().DiskIOStore("assets", mode="w")  # in a temporary folder
    try:
        _saving_lib()._save_state(model, None, store, inner_path="", visited_saveables=set())
        return _files(store.working_dir)
    finally:
        store.close()


def _saving_lib() -> Any:
    """Return what Keras's own saving is made of; in public there are only whole files."""
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
    """Return a folder as nested dicts, files as arrays of their bytes, and nothing of folders without any."""
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
