"""Which keys the logs of a training will have, as far as that can be told before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any

from .callback import Callback
from .errors import nearest_key
from .frameworks import adapt
from .frameworks.fit_call import FitCall, bare_fit_call
from .inspection.events import events_of
from .inspection.identity import default_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .frameworks import ModelAdapter


@dataclass(frozen=True)
class Missing:
    """Why a key will not be in the logs.

    Attributes:
        why: The reason, as a clause: "this fit has no validation data".
        instead: Sentences that name the nearest key, and those that there are; each begins with a space, or empty.
        is_certain: Whether nothing can add it: neither the model's own code nor another callback.
        adders: The names of callbacks that may add it.
    """

    why: str
    instead: str
    is_certain: bool
    adders: tuple[str, ...]

    @property
    def unless(self) -> str:
        """The end of a sentence that names who may add the key, or nothing."""
        return f", unless {' or '.join(self.adders)} adds it" if self.adders else ""


class Forecast:
    """The keys that the logs of a training will have.

    Args:
        adapter: The adapter of the model; None: there is no model.
        call: What is known of the fit.
        callbacks: All callbacks that take part, as far as they are known.
    """

    def __init__(self, adapter: ModelAdapter | None, call: FitCall, callbacks: Sequence[Any]) -> None:
        self._adapter = adapter
        self.call = call
        self._callbacks = callbacks
        self.known = None if adapter is None else adapter.log_keys()
        """The keys that the model itself gives in training; None: not known."""

    @classmethod
    def of(cls, callback: Callback) -> Forecast:
        """Make the forecast for a callback's run, or for the framework's own `fit` that is calling it."""
        adapter = None if callback.model is None else adapt(callback)
        run = callback.run
        if run is None:
            call = bare_fit_call(callback)
            return cls(adapter, call, call.callbacks or [callback])
        return cls(adapter, run.fit_call, [*run.callbacks.values(), *(run.fit_call.callbacks or ())])

    @property
    def trains(self) -> bool:
        """Whether any epoch will be trained, as far as it is known."""
        return self.call.epochs is None or len(self.call.epochs) > 0

    @property
    def keys_are_certain(self) -> bool:
        """Whether the model's own code cannot give other keys than those that are known."""
        return self.known is not None and self._adapter is not None and self._adapter.keys_are_certain()

    def gives(self, key: str) -> bool:
        """Return whether the model itself gives a key, at the end of an epoch that is validated."""
        name = key.removeprefix("val_")
        return self.known is not None and (key in self.known or name in self.known)

    def missing(self, key: str, callback: Any, *, at_batches: bool = False) -> Missing | None:
        """Return why a key will not be in the logs; None if it will be, or nothing is known.

        Args:
            key: The key.
            callback: The callback that needs it.
            at_batches: Whether it is needed in the logs of batches, instead of those of epochs.
        """
        others = self._others(callback)
        if self._adapter is None or any(key in _provided(each) for each in others):
            return None
        if self.known is not None and key in self.known:
            return None
        adders = tuple(default_name(each) for each in others if self._may_add(each, key))
        is_closed = not adders and self.call.callbacks is not None
        if key.startswith("val_"):
            never = "batches have no values of validation" if at_batches else self.call.why_never()
            if never:
                return Missing(never, "", is_closed and not self._adapter.may_log_validation(), adders)
            known = self._adapter.validation_keys()
            if known is None or key[4:] in known:
                return None
        elif self.known is None:
            return None
        instead = self._instead(key, others)
        return Missing("the model does not report it", instead, is_closed and self.keys_are_certain, adders)

    def may_be_added_ahead(self, key: str, callback: Any) -> bool:
        """Return whether a callback that is called earlier, at the end of an epoch, may add a key undeclared."""
        places = [place for place, each in enumerate(self._callbacks) if each is callback]
        ahead = self._callbacks[: places[0]] if places else []
        return self._adapter is not None and any(
            self._may_add(each, key) and "on_epoch_end" in events_of(each) for each in ahead
        )

    def adders_behind(self, key: str, callback: Any) -> tuple[str, ...]:
        """Return the names of callbacks that may add a key and are called after a callback."""
        places = [place for place, each in enumerate(self._callbacks) if each is callback]
        later = self._callbacks[places[0] + 1 :] if places else []
        return tuple(default_name(each) for each in later if self._adapter is None or self._may_add(each, key))

    def is_closed_for(self, key: str, callback: Any) -> bool:
        """Return whether no other callback can add a key, nor code of the model's own that has to do with it."""
        if self._adapter is None or self.call.callbacks is None or self._adapter.may_log_validation():
            return False
        return not any(key in _provided(each) or self._may_add(each, key) for each in self._others(callback))

    def _others(self, callback: Any) -> list[Any]:
        return [each for each in self._callbacks if each is not callback]

    def _instead(self, key: str, others: Iterable[Any]) -> str:
        known = sorted(self.known or ())
        provided = [name for each in others for name in _provided(each) if name not in known]
        validated = [] if self.call.validates is False else [f"val_{name}" for name in known]
        keys = [*known, *provided, *validated]
        return f"{nearest_key(key, keys)} There are: {', '.join(keys) or 'none'}."

    def _may_add(self, callback: Any, key: str) -> bool:
        """Return whether a callback may add a key that it does not declare."""
        if isinstance(callback, Callback):
            return not _declares_all(callback)
        assert self._adapter is not None
        return not self._adapter.adds_nothing(callback) or key.startswith("learning_rate")


def _provided(callback: Any) -> Sequence[str]:
    provided = getattr(callback, "provides", None)
    if isinstance(provided, str):
        return (provided,)
    return provided if isinstance(provided, (tuple, list, set, frozenset)) else ()  # type: ignore[return-value]


def _declares_all(callback: Callback) -> bool:
    """Return whether `provides` is all that a callback adds.

    What a class declares tells nothing of a subclass with functions of its own.
    """
    if callback.provides is None:
        return False
    if "provides" in vars(callback) and type(callback).provides is None:
        return True
    for kind in type(callback).__mro__:
        if "provides" in vars(kind):
            return True
        if any(isinstance(part, FunctionType) and _may_write(name) for name, part in vars(kind).items()):
            return False
    return True


def _may_write(method: str) -> bool:
    """Return whether a method may be one that writes to the logs: an event, or what an event calls."""
    return not method.startswith("__") and (method.startswith("on_") or method not in vars(Callback))
