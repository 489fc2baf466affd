"""The values of one event: a dict that fetches tensors from the device on first read only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .log_values import as_text, read_value

if TYPE_CHECKING:
    from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView

PLAIN = frozenset((float, int, bool, str, bytes, type(None)))
"""The types of values that are on no device."""

WEIGHTS = ("size", "num_steps", "batch")
"""What the logs of a batch may hold besides metrics, where their values are raw: how much the batch counts."""

_NOTHING: dict[str, Any] = {}
_MISSING = object()


class Logs(dict[str, Any]):
    """The values of one event, shared by every callback of the event.

    A real `dict`. Whoever reads it, by whatever way (`logs["loss"]`, `.items()`, `{**logs}`, `json.dumps(logs)`,
    `pickle`), sees what Keras's own callbacks see: keys sorted, nested dicts flattened, every scalar a Python
    `float`, any larger tensor a NumPy array. The first read of a value fetches them all from the device; as long as
    nobody reads a value there is no transfer and no wait. Keys (`in`, `len`, `.keys()`) are known without a fetch.

    What a callback writes is seen by every later callback. Plain Python values are kept as written; a tensor that is
    written reads as a float too.

    The logs of `on_epoch_finalized` are read-only: writing raises `TypeError`.

    Args:
        values: The host's mapping of names to values, of any framework. It is copied, not kept.

    Example:
        >>> logs = Logs({"loss": 0.5, "accuracy": 1})
        >>> logs
        {'accuracy': 1.0, 'loss': 0.5}
    """

    # One is made for every event of every batch, so there is no `__init__`: a C-level copy of the host's dict is the
    # whole construction. All three are class attributes until the first use of an object needs its own.
    _pending: dict[str, Any] | None = None
    """The keys still to be fetched, with their tensors. None: the contents are the host's, neither sorted nor flat."""
    _raw: dict[str, Any] = _NOTHING
    """The tensors behind the values that were fetched."""
    _final = False

    def raw(self, key: str) -> Any:
        """Return a value as the host or a callback gave it, without a fetch.

        Args:
            key: The value's name.

        Returns:
            The framework's tensor, or whatever else was given.

        Raises:
            KeyError: There is no such value.
        """
        self._arrange()
        return self._raw[key] if key in self._raw else super().__getitem__(key)

    def read(self, key: str, default: Any = None) -> Any:
        """Return one value as `logs.get(key, default)` does, and fetch no other from the device."""
        if key not in self:
            return default
        pending = self._pending
        if pending and key in pending:
            tensor = pending[key]
            super().__setitem__(key, read_value(tensor))
            del pending[key]
            self._raw = {**self._raw, key: tensor}
        return super().__getitem__(key)

    def await_key(self, key: str, told: Callable[[], None]) -> None:
        """Call a function when a key is added that a callback has looked for in vain.

        It is called from within the write, so that the callback that writes is on the stack.
        """
        if not isinstance(self, _Awaited):
            kind = type(self)
            self.__class__ = _AWAITED.setdefault(kind, type(kind.__name__, (_Awaited, kind), {}))
            self.__dict__["_awaited"] = {}
        self.__dict__["_awaited"].setdefault(key, []).append(told)

    def fetch(self) -> Logs:
        """Fetch every value that is still on the device, now. Returns itself."""
        if self._pending is None:
            self._arrange()
        pending = self._pending
        if pending:
            write = super().__setitem__
            for key, value in pending.items():
                write(key, read_value(value))
            self._raw = {**self._raw, **pending}
            self._pending = {}
        return self

    def finalize(self) -> Logs:
        """Fetch every value and make the logs read-only. Returns itself."""
        self.fetch()
        self._final = True
        return self

    def _arrange(self) -> None:
        """Sort and flatten what the host gave, once, without fetching anything."""
        if self._pending is None:
            flat = dict(_flat(dict(super().items())))
            super().clear()
            super().update(flat)
            self._pending = flat

    def _open(self) -> dict[str, Any]:
        """Make ready for a write; gives what is still to be fetched."""
        if self._final:
            raise TypeError("the logs of on_epoch_finalized are final; write to them in on_epoch_end")
        self._arrange()
        assert self._pending is not None
        return self._pending

    # Reading a value: all of it is fetched first.

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return super(Logs, self.fetch()).__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        return super(Logs, self.fetch()).get(key, default) if key in self else default

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]  # typeshed narrows to dict_items
        return super(Logs, self.fetch()).items()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]  # typeshed narrows to dict_values
        return super(Logs, self.fetch()).values()

    def copy(self) -> dict[str, Any]:
        return dict(self.items())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Logs):
            other.fetch()
        return super(Logs, self.fetch()).__eq__(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        return self.copy() | dict(other)

    def __ror__(self, other: Mapping[str, Any]) -> dict[str, Any]:  # type: ignore[override]
        return dict(other) | self.copy()

    def __repr__(self) -> str:
        return repr(self.copy())

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return dict, (self.copy(),)

    # Reading keys: they are sorted and flat, and nothing is fetched. An overridden `__iter__` also sends `dict(logs)`
    # and `{**logs}` through `keys` and `__getitem__` instead of the C-level copy.

    def __iter__(self) -> Iterator[str]:
        self._arrange()
        return super().__iter__()

    def __reversed__(self) -> Iterator[str]:
        self._arrange()
        return super().__reversed__()

    def __len__(self) -> int:
        self._arrange()
        return super().__len__()

    def __contains__(self, key: object) -> bool:
        self._arrange()
        return super().__contains__(key)

    def keys(self) -> KeysView[str]:  # type: ignore[override]  # typeshed narrows to dict_keys
        self._arrange()
        return super().keys()

    # Writing.

    def __setitem__(self, key: str, value: Any) -> None:
        pending = self._open()
        self._forget(key)
        if type(value) not in PLAIN:
            pending[key] = value
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._open()
        super().__delitem__(key)
        self._forget(key)

    def _forget(self, key: str) -> None:
        """Drop the tensor behind a value that is replaced or removed."""
        assert self._pending is not None
        self._pending.pop(key, None)
        if key in self._raw:
            self._raw = {each: tensor for each, tensor in self._raw.items() if each != key}

    def setdefault(self, key: str, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others: Any, **values: Any) -> None:
        for key, value in dict(*others, **values).items():
            self[key] = value

    def __ior__(self, other: Any) -> Logs:  # type: ignore[override,misc]
        self.update(other)
        return self

    def pop(self, key: str, default: Any = _MISSING) -> Any:
        self._open()
        if key not in self and default is not _MISSING:
            return default
        value = self[key]  # a KeyError if it is not there
        del self[key]
        return value

    def popitem(self) -> tuple[str, Any]:
        self._open()
        self.fetch()
        key, value = super().popitem()
        self._forget(key)
        return key, value

    def clear(self) -> None:
        self._open().clear()
        self._raw = _NOTHING
        super().clear()


class _Awaited(Logs):
    """Logs in which a callback has looked for a key in vain. All others are spared the look at every write."""

    _awaited: dict[str, list[Callable[[], None]]]

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        for told in self._awaited.pop(key, ()):
            told()


_AWAITED: dict[type, type] = {}


def _flat(values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Sort by key and flatten nested dicts, as Keras's `pythonify_logs` does."""
    for key in _in_order(values):
        value = values[key]
        if isinstance(value, dict):
            yield from _flat(value)
        else:
            yield key, value


def _in_order(keys: Iterable[Any]) -> list[Any]:
    """Sort keys; those that are not text, which a callback may have written for the next event, come last."""
    try:
        return sorted(keys)
    except TypeError:
        return sorted(keys, key=lambda key: (not isinstance(key, str), as_text(key)))
