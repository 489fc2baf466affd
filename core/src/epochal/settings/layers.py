"""What is switched on and off and set, from outside of the code: the layers, and how they are merged.

A layer is what one source says: the config file, the environment, the command line. A later layer has precedence over
an earlier one. Nothing here reads a source; see `config.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .names import CallbackName


@dataclass(frozen=True)
class Setting:
    """A value and where it comes from.

    Attributes:
        value: The value.
        place: Where it is written, for messages: "pyproject.toml, line 12, tool.epochal.autoload".
        layer: The source: "file", "environment" or "command line"; "default" if nobody said anything.
    """

    value: Any
    place: str
    layer: str

    @property
    def where(self) -> str:
        """The place without the key: "pyproject.toml, line 12"."""
        return _without_key(self.place, self.layer)


def _without_key(place: str, layer: str) -> str:
    return (place.rpartition(", ")[0] if layer == "file" else "") or place


@dataclass(frozen=True)
class Table:
    """The parameters of one instance of a callback.

    Attributes:
        place: Where the table stands.
        layer: The source.
        parameters: Parameter to its value.
    """

    place: str
    layer: str
    parameters: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The place without the key: "pyproject.toml, line 12"."""
        return _without_key(self.place, self.layer)


@dataclass(frozen=True)
class Layer:
    """What one source says.

    Attributes:
        enable: Names that it switches on, each with where.
        disable: Names that it switches off.
        autoload: Whether what asks to be enabled by default is; None: not said.
        prefer: Name to the distribution that is to bring it.
        tables: Name to the tables of its instances.
        overrides: (name of an instance, parameter) to a value that replaces a table's.
        priority: Name to its priority.
        on_error: Name to "raise" or "disable".
        before, after: Name to the names that it runs before and after.
        profile: Whether runs are profiled; None: not said.
        traceback: Whether the error of a reporter is shown with its traceback; None: not said.
        config: The path of the config file to read, its value None for no file; None: not said.
        problems: What is wrong in the source, each as a sentence with its place.
    """

    enable: Mapping[CallbackName, Setting] = field(default_factory=dict)
    disable: Mapping[CallbackName, Setting] = field(default_factory=dict)
    autoload: Setting | None = None
    prefer: Mapping[CallbackName, Setting] = field(default_factory=dict)
    tables: Mapping[CallbackName, tuple[Table, ...]] = field(default_factory=dict)
    overrides: Mapping[tuple[CallbackName, str], Setting] = field(default_factory=dict)
    priority: Mapping[CallbackName, Setting] = field(default_factory=dict)
    on_error: Mapping[CallbackName, Setting] = field(default_factory=dict)
    before: Mapping[CallbackName, Setting] = field(default_factory=dict)
    after: Mapping[CallbackName, Setting] = field(default_factory=dict)
    profile: Setting | None = None
    traceback: Setting | None = None
    config: Setting | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Settings:
    """All layers, merged.

    Attributes:
        switches: Name to a Setting with True or False, of the highest layer that says anything of it.
        autoload: Whether what asks to be enabled by default is.
        prefer: Name to the distribution that is to bring it.
        tables: Name to the tables of its instances, overrides applied.
        priority: Name to its priority.
        on_error: Name to "raise" or "disable".
        before, after: Name to the names that it runs before and after.
        profile: Whether runs are profiled.
        traceback: Whether the error of a reporter is shown with its traceback.
        problems: What is wrong, over all layers.
    """

    switches: Mapping[CallbackName, Setting] = field(default_factory=dict)
    autoload: Setting = Setting(True, "", "default")
    prefer: Mapping[CallbackName, Setting] = field(default_factory=dict)
    tables: Mapping[CallbackName, tuple[Table, ...]] = field(default_factory=dict)
    priority: Mapping[CallbackName, Setting] = field(default_factory=dict)
    on_error: Mapping[CallbackName, Setting] = field(default_factory=dict)
    before: Mapping[CallbackName, Setting] = field(default_factory=dict)
    after: Mapping[CallbackName, Setting] = field(default_factory=dict)
    profile: Setting = Setting(False, "", "default")
    traceback: Setting = Setting(False, "", "default")
    problems: tuple[str, ...] = ()

    def enabled(self) -> list[CallbackName]:
        """Return the names that are switched on, in the order in which they are written."""
        return [name for name, setting in self.switches.items() if setting.value]

    def entries(self) -> list[tuple[str, Setting]]:
        """Return everything that is set, by its key, and what holds where nobody said anything.

        The keys are those of the config file, with a name or an instance for the last part: `enable.early_stopping`,
        `callbacks.csv_logger#2.filename`. A table without parameters is in `enable`.
        """
        found = [(f"{'enable' if each.value else 'disable'}.{name}", each) for name, each in self.switches.items()]
        found += [("autoload", self.autoload), ("profile", self.profile), ("traceback", self.traceback)]
        for key in ("prefer", "priority", "on_error", "before", "after"):
            found += [(f"{key}.{name}", each) for name, each in getattr(self, key).items()]
        for name, several in self.tables.items():
            for number, table in enumerate(several, 1):
                instance = name.instance(number)
                found += [(f"callbacks.{instance}.{key}", each) for key, each in table.parameters.items()]
        return [(key, replace(each, value=True) if key.startswith("disable.") else each) for key, each in found]

    def disabled(self, name: CallbackName) -> Setting | None:
        """Return the setting that switches a callback off, by its name or the name of its kind; None if there is none.

        One that is named by where it is (`package.module:Class`, the path of a file) is switched off by the name it
        has in a run too.
        """
        kind = name.base
        for each in (name, kind, *(() if kind in self.switches else (kind.short,))):
            setting = self.switches.get(each)
            if setting is not None and not setting.value:
                return setting
        return None


def merge(layers: Iterable[Layer]) -> Settings:
    """Merge layers, the lowest first.

    What a higher layer says of a name counts before what a lower one says of it. In one layer a name that is switched
    off is off although it has a table there; a name that is in both lists is a mistake.
    """
    switches: dict[CallbackName, Setting] = {}
    autoload, profile, traceback = Settings.autoload, Settings.profile, Settings.traceback
    tables: dict[CallbackName, tuple[Table, ...]] = {}
    overrides: dict[tuple[CallbackName, str], Setting] = {}
    problems: list[str] = []
    for layer in layers:
        problems += [*layer.problems, *_contradictions(layer)]
        for name, each in _switches(layer):
            _switch(switches, name, each)
        autoload, profile = layer.autoload or autoload, layer.profile or profile
        traceback = layer.traceback or traceback
        tables.update(layer.tables)
        overrides.update(layer.overrides)
    instances = _overridden(tables, overrides, problems)
    return Settings(
        switches=switches,
        autoload=autoload,
        prefer={name: each for layer in layers for name, each in layer.prefer.items()},
        tables=instances,
        priority={name: each for layer in layers for name, each in layer.priority.items()},
        on_error={name: each for layer in layers for name, each in layer.on_error.items()},
        before={name: each for layer in layers for name, each in layer.before.items()},
        after={name: each for layer in layers for name, each in layer.after.items()},
        profile=profile,
        traceback=traceback,
        problems=tuple(problems),
    )


def _switches(layer: Layer) -> Iterator[tuple[CallbackName, Setting]]:
    for name, tables in layer.tables.items():
        yield name, Setting(True, tables[0].place, tables[0].layer)
    for (name, _), each in layer.overrides.items():
        yield name.base, Setting(True, each.place, each.layer)
    for name, each in layer.enable.items():
        yield name, Setting(True, each.place, each.layer)
    for name, each in layer.disable.items():
        yield name, Setting(False, each.place, each.layer)


def _switch(switches: dict[CallbackName, Setting], name: CallbackName, setting: Setting) -> None:
    """Set a switch; off goes for everything that bears the name, also where it is switched on by where it is."""
    alike = [] if setting.value else [each for each in switches if each.short == name]
    switches.update(dict.fromkeys([*alike, name], setting))


def _contradictions(layer: Layer) -> Iterator[str]:
    for name, each in layer.enable.items():
        off = layer.disable.get(name) or layer.disable.get(name.short)
        if off is not None:
            yield f"{each.place}: {name!r} is switched on here, and off in {off.place}. Keep one of them."
    for (name, _), each in layer.overrides.items():
        off = layer.disable.get(name)
        if off is not None:
            yield f"{each.place}: {name!r} gets a value here, and is switched off in {off.place}. Keep one of them."


def _overridden(
    tables: Mapping[CallbackName, tuple[Table, ...]],
    overrides: Mapping[tuple[CallbackName, str], Setting],
    problems: list[str],
) -> dict[CallbackName, tuple[Table, ...]]:
    """Put single values into the tables of their instances; `name#2` is the second."""
    result = {name: list(several) for name, several in tables.items()}
    for (instance, parameter), setting in sorted(overrides.items(), key=lambda each: each[0][0].number):
        number = instance.number
        several = result.setdefault(instance.base, [Table(setting.place, setting.layer)])
        if number == len(several) + 1:
            several.append(Table(setting.place, setting.layer))
        if not 1 <= number <= len(several):
            problems.append(
                f"{setting.place}: there is no instance {instance!r}; the last one is number {len(several)}."
            )
            continue
        old = several[number - 1]
        several[number - 1] = Table(old.place, old.layer, {**old.parameters, parameter: setting})
    return {name: tuple(several) for name, several in result.items()}
