"""The weights of a layer as images, encoded as PNG."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import numpy as np

MOST = 3
"""How many images of one weight are written, as `tf.summary.image` does it."""
_COLOURS = {1: 0, 3: 2, 4: 6}
"""Channels to PNG's type of colour: grey, red green blue, the same with opacity."""


def as_images(weight: Any, *, channels_last: bool) -> Any:
    """Return a weight as images, in the arrangement that Keras's TensorBoard has, but for a vector.

    A vector is one row (Keras: one column, of which the page shows a few pixels at a time), a matrix one image that is
    at least as wide as high, an array of three axes one image for each channel. Of four axes the last has to be 1, 3 or
    4 channels.

    Args:
        weight: The array.
        channels_last: Whether the last axis of an array of three is its channels.

    Returns:
        An array of (images, height, width, channels), values as they are; None if the weight is no image.
    """
    array = np.squeeze(np.asarray(weight))
    if array.ndim == 1:
        array = array[None, None, :, None]
    elif array.ndim == 2:
        array = (array.T if array.shape[0] > array.shape[1] else array)[None, :, :, None]
    elif array.ndim == 3:
        array = (np.moveaxis(array, -1, 0) if channels_last else array)[..., None]
    is_image = array.ndim == 4 and array.shape[-1] in _COLOURS and array.size > 0
    return array if is_image else None


def as_bytes(values: Any) -> Any:
    """Return values as brightness: zero is the middle, the value furthest from it is black or white."""
    values = np.nan_to_num(np.asarray(values, np.float64))  # what is not finite: the middle, or as far as can be
    most = np.abs(values).max()
    return np.rint(127.5 + (values / most if most else values) * 127.5).astype(np.uint8)


def as_png(image: Any) -> bytes:
    """Encode an image (ISO/IEC 15948): 8 bits, no filter.

    Args:
        image: Bytes in an array of (height, width, channels), with 1, 3 or 4 channels.
    """
    height, width, channels = image.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    rows = np.zeros((height, 1 + width * channels), np.uint8)  # every row begins with the number of its filter
    rows[:, 1:] = image.reshape(height, -1)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in parts)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
