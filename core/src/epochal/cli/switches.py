"""The options that switch callbacks on and off for one call, `--enable`, `--disable` and `--set`."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from ..settings.layers import Layer, Setting
from ..settings.names import CallbackName, split_names
from ..settings.values import parse_value, spelling_hint
from .completion import complete_names, complete_overrides

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    Override = tuple[tuple[CallbackName, str], Setting]

SOURCE = "command line"
_OVERRIDE = re.compile(r"(?P<instance>[^=]+)\.(?P<parameter>[^\W\d]\w*)=(?P<value>.*)", re.DOTALL)


def add_switches(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    enable = add(
        "--enable",
        action="append",
        metavar="NAME",
        help="switch on callbacks, with commas between them; a file is named by its path, ./my_callback.py",
    )
    disable = add("--disable", action="append", metavar="NAME", help="switch off callbacks, whoever switched them on")
    enable.completer = disable.completer = complete_names  # type: ignore[attr-defined]  # argcomplete reads it
    values = add(
        "--set",
        action="append",
        type=_override,
        metavar="NAME.PARAMETER=VALUE",
        help="switch a callback on and set a parameter, the value as in a config file; NAME#2 is the second instance",
    )
    values.completer = complete_overrides  # type: ignore[attr-defined]


def layer_of(arguments: argparse.Namespace) -> Layer:
    """Return what the options say."""
    return Layer(
        enable=_names(arguments.enable, "--enable"),
        disable=_names(arguments.disable, "--disable"),
        overrides=dict(arguments.set or ()),
    )


def with_hints(problems: Iterable[str], arguments: argparse.Namespace) -> list[str]:
    """Add to each problem how a value is written that was taken for text, where no text is expected."""
    return [problem + _spelling(problem, arguments.set or ()) for problem in problems]


def _spelling(problem: str, given: Iterable[Override]) -> str:
    values = [setting.value for _, setting in given if problem.startswith(f"{setting.place}: ")]
    return spelling_hint(values[0]) if values and isinstance(values[0], str) else ""


def _override(text: str) -> Override:
    found = _OVERRIDE.fullmatch(text)
    if found is None:
        raise ArgumentTypeError(f"{text!r} is not of the form name.parameter=value, like early_stopping.patience=3")
    instance, parameter = CallbackName(found["instance"]), found["parameter"]
    setting = Setting(parse_value(found["value"]), f"--set {instance}.{parameter}", SOURCE)
    return (instance.absolute(), parameter), setting


def _names(words: Iterable[str] | None, option: str) -> dict[CallbackName, Setting]:
    names = [name for word in words or () for name in split_names(word)]
    return {name.absolute(): Setting(True, f"{option} {name}", SOURCE) for name in names}
