"""The parameters of TensorBoard, checked. Each function raises TypeError or ValueError for what is not usable."""

from __future__ import annotations

import os
from typing import Any

from epochal.monitor import count


def folder(log_dir: Any) -> str:
    """Check `log_dir`: a path, or an address."""
    try:
        path = os.fspath(log_dir)
    except TypeError:
        path = None
    if not isinstance(path, str):
        raise TypeError(f"TensorBoard: log_dir={log_dir!r} has to be a path, as text or as a pathlib.Path")
    if not path:
        raise ValueError("TensorBoard: log_dir is empty, and it has to be a folder, 'logs' for example")
    return path


def frequency(owner: Any, update_freq: Any) -> str | int:
    """Check `update_freq`, and give "batch" as 1."""
    if update_freq == "batch":
        return 1
    if update_freq == "epoch":
        return "epoch"
    if isinstance(update_freq, str):
        raise ValueError(f"TensorBoard: update_freq={update_freq!r} has to be 'epoch', 'batch' or a number of batches")
    return count(owner, "update_freq", update_freq, least=1)


def metadata(given: Any) -> Any:
    """Check `embeddings_metadata`; a mapping is copied, so that the caller's stays as it is."""
    if given is None or isinstance(given, (str, os.PathLike)):
        return given
    if not hasattr(given, "items"):
        raise TypeError(f"TensorBoard: embeddings_metadata={given!r} has to be a path, or a mapping of layers to paths")
    for layer, path in given.items():
        if not isinstance(layer, str) or not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"TensorBoard: embeddings_metadata has {layer!r}: {path!r}, and not a layer and a path")
    return dict(given)
