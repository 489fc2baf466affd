"""Creating the callbacks that are active by their names, with the parameters that the settings give."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from inspect import Parameter, signature
from typing import TYPE_CHECKING, Any

from ..engine.implementation import may_be_called
from ..errors import CallbackError, CallbackImportError, ConfigError, one_line
from ..settings.parameters import assignments, make_arguments

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..installed.discovery import Record
    from ..settings.layers import Settings, Table
    from ..settings.names import CallbackName


class Problems:
    """What is wrong. The mistakes of the settings are gathered, to be told all at once; anything else is raised.

    Args:
        raises: False: nothing is raised, all is gathered.
    """

    def __init__(self, raises: bool = True) -> None:
        self._raises = raises
        self.texts: list[str] = []

    def add(self, *texts: str) -> None:
        """Gather mistakes, each once."""
        self.texts += [text for text in texts if text not in self.texts]

    def take(self, error: CallbackError, place: str) -> None:
        """Gather an error that the settings cause at a place, or that is not the first; another is raised.

        It is handled where this is called.
        """
        if place:
            self.add(f"{place}: {error}")
        elif self._raises and not self.texts:
            raise error
        else:
            self.add(str(error))

    def settle(self) -> None:
        """Raise what has been gathered."""
        if self._raises and self.texts:
            raise ConfigError(self.texts)


@dataclass(frozen=True)
class Wanted:
    """A callback that is to be active by its name.

    Attributes:
        name: The name that the settings or the code know it by.
        record: Where it is installed.
        activated: Why it is active.
        position: Its position in the code; None: it is not named there.
        place: Where the settings switch it on, so that what is wrong with it is a mistake of theirs; empty: nowhere.
        layer: The source that switches it on: that of the setting, "code", or "default".
        tables: The parameters of its instances; without any there is one with its defaults.
    """

    name: CallbackName
    record: Record
    activated: str
    position: int | None
    place: str
    layer: str
    tables: tuple[Table, ...]

    @property
    def parameters_place(self) -> str:
        """Where its parameters stand, else where it is switched on."""
        return self.tables[0].place if self.tables else self.place


def create_instances(
    wanted: Wanted, settings: Settings, problems: Problems, stage: str | None
) -> Iterator[tuple[CallbackName, Any, str]]:
    """Import a callback and create it, once for each of its tables; an instance may be switched off by its own name.

    Yields:
        The name of each instance, the instance, and why it is active.
    """
    name = wanted.record.name
    try:
        kind = wanted.record.load()
        if not may_be_called(kind, stage):
            return
        if not wanted.tables:
            yield name, _instance(kind, wanted), wanted.activated
    except CallbackError as error:
        problems.take(error, wanted.parameters_place)
        return
    for number, table in enumerate(wanted.tables, 1):
        own = name.instance(number)
        why = wanted.activated if number == 1 else table.where
        if number > 1 and any(settings.disabled(each.instance(number)) for each in (name, wanted.name)):
            continue
        if not callable(kind):
            if table.parameters:
                problems.add(f"{table.place}: {name!r} is not a class, and has no parameters.")
            yield own, kind, why
            continue
        arguments, wrong = make_arguments(kind, table, partial(_remedy, wanted.record, table.layer, own=own))
        problems.add(*wrong)
        if wrong:
            continue
        try:
            yield own, kind(**arguments), why
        except (Exception, SystemExit) as error:
            problems.add(f"{table.place}: creating {name!r} failed: {one_line(error)}")


def _remedy(record: Record, layer: str, needed: Sequence[str], *, own: str = "") -> str:
    """Return the sentence that names the shortest way to give missing parameters to what a layer switches on."""
    address = record.address + own.removeprefix(record.name)
    if layer == "command line":
        return f"Add `{' '.join(f'--set {address}.{each}=…' for each in needed)}`."
    return assignments(f"epochal enable {address}", needed)


def _instance(found: Any, wanted: Wanted) -> Any:
    """Create a callback that is active by its name, with its defaults."""
    record = wanted.record
    if not isinstance(found, type):
        return found
    needed = _needed_parameters(found)
    if needed:
        how = _remedy(record, wanted.layer, needed)
        if wanted.layer == "code":
            call = f"{found.__name__}({', '.join(f'{each}=…' for each in needed)})"
            how = f"Give it as an object: `from {record.module} import {found.__name__}`, then `{call}`. Or {how}"
        raise CallbackImportError(
            record.name, f"the callback {record.name!r} of {record.origin} needs {', '.join(needed)}. {how}"
        )
    try:
        return found()
    except (Exception, SystemExit) as error:
        raise CallbackImportError(
            record.name,
            f"creating the callback {record.name!r} of {record.origin} failed: {one_line(error)}",
        ) from error


def _needed_parameters(kind: type) -> list[str]:
    try:
        parameters = signature(kind).parameters.values()
    except (TypeError, ValueError):  # nothing to read; creating it will tell
        return []
    return [
        parameter.name
        for parameter in parameters
        if parameter.default is Parameter.empty
        and parameter.kind not in (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    ]
