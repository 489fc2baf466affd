"""Everything epochal raises of its own accord.

::

    EpochalError
    ├── CallbackError                  one callback cannot be used
    │   ├── UnknownCallbackError       no callback of this name is installed
    │   ├── AmbiguousCallbackError     two distributions claim this name
    │   ├── IncompatibleCallbackError  its distribution needs another epochal-core
    │   ├── CallbackImportError        it is installed, and cannot be imported or created
    │   └── InvalidCallbackError       it is not a callback, or one of its events is wrong
    ├── ConfigError                    the settings outside of the code have mistakes
    ├── OrderError                     `before` and `after` cannot all hold
    ├── PreflightError                 a run would not do what it is meant to; nothing has been trained
    ├── RunError                       a run is driven in a way that makes no sense
    │   └── LearningRateError          the learning rate is a schedule's and cannot be set (a TypeError too)
    ├── StateError                     a callback's state cannot be written or read
    ├── TemplateError                  a path's fields cannot be filled (a KeyError too)
    └── MissingDependencyError         a package that is needed now is not installed (an ImportError too)

An exception that a callback raises while training is never replaced by one of these: it leaves the run as it
is, with a note that names the callback (see `epochal.engine.faults`).
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


_LONGEST = 200
"""The most characters of a value that a message shows."""


class EpochalError(Exception):
    """The base of all exceptions of epochal."""


class CallbackError(EpochalError):
    """One callback cannot be used.

    Attributes:
        callback: The callback's name, `early_stopping` for example.
    """

    def __init__(self, callback: str, message: str) -> None:
        super().__init__(message)
        self.callback = callback


class UnknownCallbackError(CallbackError):
    """No callback of this name is installed."""


class AmbiguousCallbackError(CallbackError):
    """Two installed distributions claim one name."""


class IncompatibleCallbackError(CallbackError):
    """The callback's distribution needs another version of epochal-core."""


class CallbackImportError(CallbackError):
    """The callback is installed, and importing or creating it failed."""


class InvalidCallbackError(CallbackError):
    """The object is not a callback, or one of its events is wrong."""


class ConfigError(EpochalError):
    """The config file, the environment or the command line have mistakes; all of them are in the message.

    Attributes:
        problems: Each mistake as a sentence that begins with its place.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        count = "a mistake" if len(self.problems) == 1 else f"{len(self.problems)} mistakes"
        super().__init__("\n  ".join([f"the settings have {count}:", *self.problems]))


class OrderError(EpochalError):
    """The callbacks' `before` and `after` cannot all hold.

    Attributes:
        names: The names of the callbacks that are in each other's way.
    """

    def __init__(self, names: Iterable[str], message: str) -> None:
        super().__init__(message)
        self.names = tuple(names)


class PreflightError(EpochalError):
    """The checks before training found errors; warnings that they found are in the message too.

    Attributes:
        findings: What was found, each an `epochal.engine.preflight.PreflightFinding`.
    """

    def __init__(self, findings: Iterable[Any]) -> None:
        self.findings = tuple(findings)
        parts = []
        for level in ("error", "warning"):
            found = [str(each) for each in self.findings if each.level == level]
            if found:
                count = f"1 {level}" if len(found) == 1 else f"{len(found)} {level}s"
                parts.append("\n  ".join([f"{count}:", *found]))
        super().__init__("nothing has been trained, because of\n" + "\n".join(parts))


class RunError(EpochalError):
    """A run is driven in a way that makes no sense, `run.log` outside an epoch for example."""


class LearningRateError(RunError, TypeError):
    """The learning rate is a schedule's and cannot be set by a callback. A TypeError too, which Keras raises there."""


class StateError(EpochalError):
    """A callback's state cannot be written, read, or taken by the callback."""


class TemplateError(EpochalError, KeyError):
    """The fields of a path, `{epoch}` or `{val_loss}`, cannot be filled. A KeyError too, which Keras raises there."""

    __str__ = Exception.__str__  # KeyError would show the message in quotes


class MissingDependencyError(EpochalError, ImportError):
    """A package that is needed now is not installed; the message holds the command that installs it."""


def message_of(error: BaseException) -> str:
    """Return an exception's own message, or what is wrong with it if its `__str__` raises."""
    try:
        return str(error)
    except Exception as own:  # a TypeError too: `__str__` returned something else
        return f"<no message: its __str__ raised {type(own).__name__}>"


def one_line(error: BaseException) -> str:
    """Return an exception's type and message as one line."""
    text = " ".join(message_of(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(value: object) -> str:
    """Return a value as messages show it: in one line, not at any length, and also if its `__repr__` raises."""
    try:
        text = " ".join(repr(value).split())
    except Exception as error:
        text = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def nearest(word: str, words: Iterable[str]) -> str:
    """Return the end of a sentence that suggests the word nearest to `word`, or an empty string.

    >>> nearest("on_epoch_ends", ["on_epoch_end", "on_train_end"])
    " Did you mean 'on_epoch_end'?"
    >>> nearest("wandb", ["history"])
    ''
    """
    close = get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f" Did you mean {close[0]!r}?" if close else ""


def nearest_key(key: str, keys: Iterable[str]) -> str:
    """Return what `nearest` does for a key of the logs: a key of validation never stands for one of training.

    >>> nearest_key("val_loss", ["kl_loss", "loss"])
    ''
    >>> nearest_key("val_los", ["loss", "val_loss"])
    " Did you mean 'val_loss'?"
    """
    return nearest(key, [other for other in keys if other.startswith("val_") == key.startswith("val_")])
