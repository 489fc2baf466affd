"""The checksum of event files: CRC-32C, masked."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # Where it is installed without its C extension it says so on import. Its Python code is as fast as `tensorboard`'s.
    warnings.filterwarnings("ignore", category=RuntimeWarning, message="As the c extension couldn't be imported")
    import google_crc32c


def masked_checksum(record: bytes) -> int:
    """Return the checksum of a record, masked as event files have it (TensorFlow's `core/lib/hash/crc32c.h`)."""
    plain: int = google_crc32c.value(record)
    return (((plain >> 15) | (plain << 17)) + 0xA282EAD8) & 0xFFFFFFFF
