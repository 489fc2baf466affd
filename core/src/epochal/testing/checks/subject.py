"""The callback that is checked: where it is installed, how one is made, and what it is driven with."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...callback import Callback
from ...choosing.choice import find_record
from ...engine.member import is_keras_callback, make_member
from ...installed.discovery import discover
from ...settings.names import CallbackName
from ..model import FakeModel
from .importing import import_afresh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...engine.member import Member
    from ...installed.discovery import Record
    from ..loops import Values
    from .importing import ImportReport


def standard_values(epoch: int, batch: int) -> dict[str, Any]:
    """Return a loss that falls for four epochs and rises then, and its counterpart: every callback has to decide."""
    loss = 0.1 + abs(epoch - 4) * 0.1 + batch / 1000
    return {"accuracy": 1 - loss, "loss": loss}


def standard_model() -> FakeModel:
    """Make a model with weights, averages of them, a learning rate, and the metrics of `standard_values`."""
    model = FakeModel(
        {"dense/kernel": _array([[0.5, -1.0], [2.0, 0.25]]), "dense/bias": _array([0.5, 1.0])},
        metrics={"accuracy": "max", "loss": "min"},
    )
    model.averages = copy.deepcopy(model.weights)
    return model


def _array(numbers: list[Any]) -> Any:
    """Return an array, as the models of every framework do; its package comes with all of them."""
    try:
        import numpy as np
    except ImportError:
        return numbers
    return np.array(numbers)


@dataclass(eq=False)
class Subject:
    """A callback to be checked, where its name and its parameters do not say all.

    Args:
        name: The name of its entry point; `package.module:Class` for one that is not installed under a name, of which
            nothing is asked that only an installed one has.
        parameters: Arguments of its constructor. Paths are relative to an empty folder, a new one for every check.
        make: Makes one, in the place of the constructor; to be called as often as needed, and each time the same.
        model: Makes the model that it gets.
        values: Gives the logs of `(epoch, batch)`, as in `FakeHost.fit`. They should make it decide.
        expected_failures: Checks that do not hold, each with the reason. They have to fail then.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    make: Callable[[], Any] | None = None
    model: Callable[[], Any] = standard_model
    values: Values = standard_values
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_installed(self) -> bool:
        """Whether it is meant by the name of an installed callback."""
        return not CallbackName(self.name).is_place

    @cached_property
    def record(self) -> Record:
        """Where it is installed.

        Raises:
            UnknownCallbackError: It is not installed.
        """
        return find_record(CallbackName(self.name), discover())

    @cached_property
    def found(self) -> Any:
        """What its entry point names, imported.

        Raises:
            CallbackError: It cannot be used.
        """
        return self.record.load()

    @cached_property
    def imported(self) -> ImportReport:
        """What importing it does, in a process of its own."""
        return import_afresh(self.record)

    def create(self) -> Any:
        """Make one; what is no class is there only once."""
        if self.make is not None:
            return self.make()
        if isinstance(self.found, type) or self.parameters:
            return self.found(**self.parameters)
        return self.found

    def member(self, callback: Any) -> Member:
        """Return its place in a run."""
        return make_member(self.record.name, callback, self.record, None)

    def is_made_anew(self, callback: Any) -> bool:
        """Return whether every call of `create` makes a new object."""
        return callback is not self.found

    def runs_bare(self, callback: Any) -> bool:
        """Return whether it has Keras's methods, so that it can be given to a bare `model.fit`."""
        return isinstance(callback, Callback) or is_keras_callback(callback)
