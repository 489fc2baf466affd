"""The checksum of event files, CRC-32C, of many records at once.

The `tensorboard` package has it too, one byte after the other in Python: 60 µs for the record of a batch, 0.3 s for
a megabyte. Here the bytes are combined in pairs, the pairs in pairs and so on, all pairs of a step in one NumPy call.
That is possible because the checksum (without its first and last inversion) is linear: that of two parts together is
that of the first, moved on by as many zero bytes as the second has, combined with that of the second by exclusive or.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLYNOMIAL = 0x82F63B78  # Castagnoli's, the bits in reverse
_CHUNK = 1 << 16


def masked_checksums(records: Sequence[bytes]) -> list[int]:
    """Give the checksum of each record, masked as event files have it (TensorFlow's `core/lib/hash/crc32c.h`).

    Args:
        records: The records, of 4 bytes or more each. Those of the same length are computed together.
    """
    lengths = np.array([len(record) for record in records])
    sums = np.zeros(len(records), np.uint32)
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length).tolist()
        together = b"".join(records[place] for place in places)
        sums[places] = _checksums(np.frombuffer(together, np.uint8).reshape(len(places), length))
    masked = ((sums >> np.uint32(15)) | (sums << np.uint32(17))) + np.uint32(0xA282EAD8)
    return [int(each) for each in masked]


def _checksums(rows: Any) -> Any:
    """Give the checksum of every row of bytes."""
    rows = rows.copy()
    rows[:, :4] ^= 0xFF  # the first inversion
    first = rows.shape[1] % _CHUNK
    state = _linear(rows[:, :first])
    for begin in range(first, rows.shape[1], _CHUNK):
        state = _apply(_after_zeros(_CHUNK), state) ^ _linear(rows[:, begin : begin + _CHUNK])
    return ~state


def _linear(rows: Any) -> Any:
    """Give the linear part of every row's checksum."""
    columns = 1 << max(0, rows.shape[1] - 1).bit_length()
    padded = np.zeros((rows.shape[0], columns), np.uint8)  # zeros in front change nothing
    padded[:, columns - rows.shape[1] :] = rows
    parts, length = _of_bytes()[padded], 1
    while parts.shape[1] > 1:
        parts = _apply(_after_zeros(length), parts[:, 0::2]) ^ parts[:, 1::2]
        length *= 2
    return parts[:, 0]


def _apply(tables: Any, state: Any) -> Any:
    """Apply a linear function, given by its values for each of the four bytes of a state."""
    return (
        tables[0][state & 0xFF]
        ^ tables[1][(state >> np.uint32(8)) & 0xFF]
        ^ tables[2][(state >> np.uint32(16)) & 0xFF]
        ^ tables[3][state >> np.uint32(24)]
    )


@lru_cache
def _of_bytes() -> Any:
    """Give the linear part for each single byte."""
    values = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        values = np.where(values & 1, (values >> np.uint32(1)) ^ np.uint32(_POLYNOMIAL), values >> np.uint32(1))
    return values


@lru_cache
def _after_zeros(count: int) -> Any:
    """Give the function that moves a state on by so many zero bytes, a power of two."""
    if count == 1:
        states = np.arange(256, dtype=np.uint32) << np.array([[0], [8], [16], [24]], np.uint32)
        return _of_bytes()[states & 0xFF] ^ (states >> np.uint32(8))
    half = _after_zeros(count // 2)
    return _apply(half, half)
