"""The state of callbacks, as bytes: JSON values and NumPy arrays, and nothing that could run code.

The format is a zip file: `state.json` holds the values, where an array stands as `{"$array": "0"}`, and `0.npy` holds
the array in NumPy's own format. A key that begins with `$` is written with one more. Pickle has no part in it.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

from .errors import StateError, one_line

if TYPE_CHECKING:
    from collections.abc import Callable

_ARRAY = "$array"
_NAME = "state.json"
_BITS = 2000
"""The most that an int may have; Python reads and writes 640 digits, 2,126 bits, whatever limit is set."""


def dump_state(state: dict[str, Any]) -> bytes:
    """Return a state as bytes.

    Args:
        state: What `Callback.state_dict` gave: dicts with text keys, lists, text, numbers, True, False, None, and NumPy
            arrays of numbers or bools.

    Raises:
        StateError: There is something else in it; the message tells where.
    """
    _require_dict(state)
    arrays: list[Any] = []
    try:
        text = json.dumps(_pack(state, "state", arrays))
    except RecursionError:
        raise StateError("the state is too deep, or contains itself") from None
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        # A ZipInfo has a fixed date: the same state gives the same bytes.
        archive.writestr(zipfile.ZipInfo(_NAME), text)
        for number, array in enumerate(arrays):
            archive.writestr(zipfile.ZipInfo(f"{number}.npy"), _npy(array))
    return content.getvalue()


def parse_state(content: bytes) -> dict[str, Any]:
    """Return the state that `dump_state` made bytes of, the same in every value and type.

    Raises:
        StateError: The bytes are no state, or damaged.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_size(archive, len(content))
            tree = json.loads(archive.read(_NAME))
            names = set(archive.namelist())
            state = _unpack(tree, lambda name: _read_npy(_take(archive, names, name)))
    except Exception as error:  # damaged bytes make zipfile, json and numpy raise nearly anything
        raise StateError(f"the state cannot be read: {one_line(error)}") from error
    _require_dict(state)
    return state  # type: ignore[no-any-return]


def _check_size(archive: zipfile.ZipFile, size: int) -> None:
    """Refuse an archive that would give more bytes than it has: a few kilobytes can unpack to any size."""
    members = archive.infolist()
    if any(member.compress_type != zipfile.ZIP_STORED for member in members):
        raise ValueError("it is compressed, and a state never is")
    if sum(member.file_size for member in members) > size:
        raise ValueError(f"it claims to hold more than the {size} bytes that it has")


def _take(archive: zipfile.ZipFile, names: set[str], name: str) -> bytes:
    """Read an array's bytes, once: any number of places that name one array would be as many copies of it."""
    member = f"{name}.npy"
    if member not in names:
        raise ValueError(f"{member} is missing, or is named a second time")
    names.remove(member)
    return archive.read(member)


def _require_dict(state: Any) -> None:
    if type(state) is not dict:
        raise StateError(f"the state is of type {_type_name(state)}, and it has to be a dict")


def _pack(value: Any, place: str, arrays: list[Any]) -> Any:
    if type(value) is int and value.bit_length() > _BITS:
        raise StateError(f"{place} is an int of {value.bit_length()} bits, and it may have {_BITS} at most")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if type(value) is list:
        return [_pack(each, f"{place}[{number}]", arrays) for number, each in enumerate(value)]
    if type(value) is dict:
        for key in value:
            if type(key) is not str:
                raise StateError(f"{place} has the key {key!r}, and a key has to be text")
        return {_escaped(key): _pack(each, f"{place}[{key!r}]", arrays) for key, each in value.items()}
    if _is_array(value):
        arrays.append(value)
        return {_ARRAY: str(len(arrays) - 1)}
    raise StateError(
        f"{place} is of type {_type_name(value)}. A state holds dicts, lists, text, int, float, bool, None, and NumPy "
        "arrays of numbers."
    )


def _type_name(value: Any) -> str:
    name = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    return f"{name} with {value.dtype}" if hasattr(value, "dtype") else name


def _escaped(key: str) -> str:
    """Return a key of the state, made different from the mark of an array."""
    return f"${key}" if key.startswith("$") else key


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and type(value).__name__ == "ndarray" and value.dtype.kind in "biufc"


def _npy(array: Any) -> bytes:
    import numpy as np

    content = io.BytesIO()
    np.lib.format.write_array(content, array, allow_pickle=False)
    return content.getvalue()


def _read_npy(content: bytes) -> Any:
    import numpy as np

    # From the bytes, because NumPy's own reader makes room for whatever shape the header claims.
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, dtype = read_header(stream)
    if dtype.hasobject:
        raise ValueError("Object arrays cannot be loaded, as they may run code")
    if dtype.kind not in "biufc":
        raise ValueError(f"an array of {dtype} cannot be part of a state")
    elements = np.frombuffer(content, dtype, offset=stream.tell())
    return elements.reshape(shape, order="F" if fortran_order else "C").copy(order="K")


def _unpack(value: Any, array: Callable[[str], Any]) -> Any:
    if isinstance(value, list):
        return [_unpack(each, array) for each in value]
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return array(value[_ARRAY])
        return {key.removeprefix("$"): _unpack(each, array) for key, each in value.items()}
    return value
