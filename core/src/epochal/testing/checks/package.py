"""What a callback's distribution promises; it is read off the metadata, and off the name of the class."""

from __future__ import annotations

import inspect
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from importlib_metadata import distribution

from ...frameworks.packages import DISTRIBUTIONS
from ...installed.discovery import discover
from ...installed.metadata import CORE
from ...settings.names import snake_case
from .check import BrokenPromiseError, promise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from packaging.requirements import Requirement

    from ...installed.discovery import Record
    from .subject import Subject

_LOWER_BOUNDS = (">=", ">", "==", "~=")


@promise("found", "it is found through its entry point")
def check_found(subject: Subject) -> str:
    """Look it up and load it."""
    record = subject.record
    found = subject.found
    what = "class" if isinstance(found, type) else type(found).__name__
    return f"{record.value} of {record.origin}, a {what}"


@promise("distribution-name", "its distribution is named epochal-<name>")
def check_distribution(subject: Subject) -> None:
    """Compare the names of distribution and entry."""
    record = subject.record
    wanted = f"epochal-{record.name.replace('_', '-')}"
    if not record.is_of(wanted):
        raise BrokenPromiseError(
            f"the distribution of {record.name!r} is named {record.distribution!r}, and the convention is {wanted!r}. "
            "Whoever looks for the callback looks for that name."
        )


@promise("package-name", "it is imported from epochal_<name>")
def check_package(subject: Subject) -> None:
    """Compare the names of package and entry."""
    record = subject.record
    package, wanted = record.package, f"epochal_{record.name}"
    if package != wanted:
        raise BrokenPromiseError(
            f"{record.name!r} is in the package {package!r}, and the convention is {wanted!r}. Other distributions may "
            f"have a package {package!r} as well."
        )


@promise("class-name", "its class has the name of the entry, and is imported from the package")
def check_class(subject: Subject) -> str | None:
    """Compare the names of class and entry."""
    record, found = subject.record, subject.found
    if not isinstance(found, type):
        return "it is not a class"
    own = snake_case(found.__name__)
    if own.replace("_", "") != record.name.replace("_", ""):  # where a word ends is a matter of taste: TensorBoard
        raise BrokenPromiseError(
            f"the class {found.__name__} is {own!r} as a name, and its entry is {record.name!r}. Rename one of them, "
            "so that the code, the config and messages have one name for it."
        )
    package = record.package
    if getattr(__import__(package), found.__name__, None) is not found:
        raise BrokenPromiseError(
            f"`from {package} import {found.__name__}` does not work. Import the class in {package}/__init__.py."
        )
    return None


@promise("requires-core", "it says which epochal-core it needs")
def check_core(subject: Subject) -> str:
    """Look for a requirement with a lower bound."""
    record = subject.record
    ours = [each for each in _requirements(record) if _normal(each.name) == CORE]
    if not ours:
        raise BrokenPromiseError(
            f"{record.distribution} does not require {CORE}. Write `{CORE}>=…` into its dependencies, with the version "
            "that it is made with."
        )
    bounds = [each for requirement in ours for each in requirement.specifier]
    if not any(each.operator in _LOWER_BOUNDS for each in bounds):
        raise BrokenPromiseError(
            f"{record.distribution} requires {ours[0]}, without a lower bound, so that an older {CORE} would be taken "
            f"for good enough. Write `{CORE}>=…`."
        )
    return str(ours[0])


@promise("requires-no-framework", "it requires no framework, and no other callback")
def check_requirements(subject: Subject) -> None:
    """Look for requirements that users cannot choose."""
    record = subject.record
    frameworks = {name for names in DISTRIBUTIONS.values() for name in names}
    callbacks = {_normal(each.distribution) for each in discover().records if not each.is_of(record.distribution)}
    for requirement in _requirements(record):
        name = _normal(requirement.name)
        if name in frameworks:
            raise BrokenPromiseError(
                f"{record.distribution} requires {requirement.name}. Users have builds of their own (tensorflow-cpu, "
                "CUDA) or another framework; leave it out, or make it an extra."
            )
        if name in callbacks:
            raise BrokenPromiseError(
                f"{record.distribution} requires {requirement.name}, which brings another callback. A callback names "
                "others in `before` and `after`, and does without them where they are not there."
            )


@promise("typed", "its package is typed, and says so by py.typed")
def check_typed(subject: Subject) -> None:
    """Look for the file."""
    package = subject.record.package
    spec = find_spec(package)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    if not any(Path(folder, "py.typed").is_file() for folder in folders):
        where = folders[0] if folders else f"the folder of {package}, which is a single file and would have to be one"
        raise BrokenPromiseError(f"there is no py.typed in {where}: type checkers take none of its types.")


@promise("documented", "it says what it does")
def check_documented(subject: Subject) -> str:
    """Look for a docstring."""
    found = subject.found
    text = vars(found).get("__doc__") if isinstance(found, type) else getattr(found, "__doc__", None)
    if not text or not text.strip():
        raise BrokenPromiseError(
            f"{subject.record.value} has no docstring, from which `epochal info {subject.name}` tells what it does."
        )
    return inspect.cleandoc(text).splitlines()[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(record: Record) -> Iterator[Requirement]:
    """Yield what is required without an extra."""
    from packaging.requirements import Requirement

    for text in distribution(record.distribution).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield requirement
