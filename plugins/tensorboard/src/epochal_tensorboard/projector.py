"""Embeddings for TensorBoard's projector: files that it loads without TensorFlow and without a checkpoint."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

import numpy as np
from google.protobuf import text_format
from tensorboard.plugins.projector.metadata import PROJECTOR_FILENAME
from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

from epochal.errors import nearest
from epochal.paths import is_remote
from epochal.warn import warn_user

from .folders import joined, read_whole, write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    Metadata = Mapping[str, str | os.PathLike[str]] | str | os.PathLike[str] | None

FOLDER = "embeddings"


class Projector:
    """Writes the matrices of embedding layers, each to a file that is replaced whole, and the config that names them.

    All files are in the folder of the run. The projector looks into the folders of the runs that TensorBoard finds, and
    takes no file from outside of them, so files of metadata are copied there.

    Args:
        folder: The folder of the run.
        log_dir: Where relative paths of metadata begin.
        metadata: Layer to the file with a line for every row of its matrix, or one file for all layers.
    """

    def __init__(self, folder: str, log_dir: str, metadata: Metadata) -> None:
        self._folder = folder
        self._log_dir = log_dir
        self._metadata = metadata
        self._missing: set[str] = set()

    def write(self, matrices: Mapping[str, Any]) -> None:
        """Write the matrices as they are now.

        Args:
            matrices: Layer to its matrix.

        Raises:
            ValueError: The metadata name a layer that has no matrix.
            OSError: A file cannot be written.
        """
        check_layers(self._metadata, matrices)
        config = ProjectorConfig()
        for layer, matrix in matrices.items():
            stem = f"{FOLDER}/{re.sub(r'[^A-Za-z0-9_.-]', '_', layer)}"
            entry = config.embeddings.add(
                tensor_name=layer, tensor_path=f"{stem}.tsv", tensor_shape=[int(size) for size in np.shape(matrix)]
            )
            write_whole(joined(self._folder, entry.tensor_path), as_lines(matrix))
            labels = self._labels(layer)
            if labels is not None:
                entry.metadata_path = f"{stem}.metadata.tsv"
                write_whole(joined(self._folder, entry.metadata_path), labels)
        # Last, so that it never leads to a file that is not there.
        write_whole(joined(self._folder, PROJECTOR_FILENAME), text_format.MessageToString(config).encode())

    def _labels(self, layer: str) -> bytes | None:
        """Return a layer's metadata: the file in the folder of the logs, else the one from the working directory."""
        given = self._metadata if isinstance(self._metadata, (str, os.PathLike)) else (self._metadata or {}).get(layer)
        if given is None:
            return None
        path = os.fspath(given)
        below = [] if is_remote(path) or os.path.isabs(path) else [joined(self._log_dir, path)]
        for place in (*below, path):
            content = read_whole(place)
            if content is not None:
                return content
        if layer not in self._missing:
            self._missing.add(layer)
            warn_user(
                f"TensorBoard: embeddings_metadata names {path!r} for the layer {layer!r}, and there is no "
                f"such file in {self._log_dir} or in the working directory. The points of the layer have no labels."
            )
        return None


def check_layers(metadata: Metadata, matrices: Mapping[str, Any]) -> None:
    """Check that every layer that the metadata name has a matrix.

    Raises:
        ValueError: One has none.
    """
    if metadata is None or isinstance(metadata, (str, os.PathLike)):
        return
    for layer in metadata:
        if layer not in matrices:
            raise ValueError(
                f"TensorBoard: embeddings_metadata names {layer!r}, which is not an `Embedding` layer of the model."
                f"{nearest(layer, matrices)} There are: {', '.join(matrices) or 'none'}."
            )


def as_lines(matrix: Any) -> bytes:
    """Write a matrix as text, a row a line, with as many digits as a float of 32 bits has.

    The projector takes bytes too, but it tries text first, and a matrix whose bytes happen to be text breaks it.
    """
    rows = np.asarray(matrix, np.float32).tolist()
    return b"".join(("\t".join([f"{value:.9g}" for value in row]) + "\n").encode() for row in rows)
