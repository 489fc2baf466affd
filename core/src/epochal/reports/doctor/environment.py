"""The interpreter, the frameworks and the terminal: what is there, from metadata, and what does not go together."""

from __future__ import annotations

import json
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from importlib_metadata import PackageNotFoundError, distribution, version

from ...console import make_console
from ...frameworks.packages import DISTRIBUTIONS
from ...settings.reading import VARIABLES, config_file
from .finding import Finding, error, warning

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "epochal"

OTHER_VARIABLES = ("KERAS_BACKEND", "KERAS_HOME", "TF_USE_LEGACY_KERAS")
"""The variables of others that decide what a run trains with."""

_INSTALL = 'Run `pip install "epochal[tensorflow]"`.'


def facts(start: Path) -> Iterator[tuple[str, str]]:
    """Yield what is there."""
    yield "python", f"{platform.python_version()}, {sys.executable}"
    yield "system", platform.platform()
    for package, names in DISTRIBUTIONS.items():
        there = installed(names)
        yield (
            package,
            ", ".join(f"{_if_other(name, package)}{number}" for name, number in there.items()) or "not installed",
        )
    backend, source = keras_backend()
    yield "backend of keras", f"{backend}, {source}"
    yield "terminal", _terminal()
    file = config_file(start)
    yield "config file", str(file) if file is not None else "none"
    for name in (*VARIABLES, *OTHER_VARIABLES):
        if name in os.environ:
            yield name, os.environ[name] or "(empty)"


def _if_other(name: str, package: str) -> str:
    return "" if name.replace("-", "_") == package else f"{name} "


def _terminal() -> str:
    console = make_console()
    if not console.is_terminal:
        return "no, plain lines are printed"
    return f"yes, {console.width} columns, colors: {console.color_system or 'none'}"


def installed(names: tuple[str, ...]) -> dict[str, str]:
    """Return the version of each distribution that is installed."""
    found = {}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def keras_backend() -> tuple[str, str]:
    """Return the backend that Keras would take, and who says so; read as Keras reads it."""
    if os.environ.get("KERAS_BACKEND"):
        return os.environ["KERAS_BACKEND"], "by KERAS_BACKEND"
    file = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "keras.json"
    try:
        backend = json.loads(file.read_text(encoding="utf-8")).get("backend")
    except (OSError, ValueError, AttributeError):
        backend = None
    return (backend, f"by {file}") if isinstance(backend, str) else ("tensorflow", "the default")


def frameworks() -> Iterator[Finding]:
    """Look for frameworks that are missing, too old, or in each other's way."""
    there = {package: installed(names) for package, names in DISTRIBUTIONS.items()}
    for package, several in there.items():
        if len(several) > 1:
            yield warning(
                f"{' and '.join(several)} are all installed and bring the same package {package!r}, "
                "one over the other.",
                f"Uninstall them all, and install one again: `pip uninstall {' '.join(several)}`.",
            )
    if not there["keras"]:
        yield warning("Keras is not installed, and epochal.fit, evaluate and predict train with it.", _INSTALL)
    else:
        yield from _too_old(there["keras"])
        yield from _backend(there)
    yield from _legacy(there)


def _too_old(there: dict[str, str]) -> Iterator[Finding]:
    """Compare with what the extra `tensorflow` of the distribution `epochal` asks for."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirements = distribution(PACKAGE).requires or []
    except PackageNotFoundError:
        return
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        wanted = requirement.marker is not None and requirement.marker.evaluate({"extra": "tensorflow"})
        if requirement.name == "keras" and wanted:
            for name, number in there.items():
                if not requirement.specifier.contains(number, prereleases=True):
                    yield error(
                        f"{name} {number} is installed, and epochal needs keras{requirement.specifier}.",
                        f'Run `pip install "keras{requirement.specifier}"`.',
                    )


def _backend(there: dict[str, dict[str, str]]) -> Iterator[Finding]:
    backend, source = keras_backend()
    packages = {"tensorflow": "tensorflow", "jax": "jax", "torch": "torch"}
    if backend in packages and not there[packages[backend]]:
        others = [name for name in packages if there[packages[name]]]
        remedy = _INSTALL if backend == "tensorflow" else f"Install {backend}."
        yield error(
            f"the backend of Keras is {backend} ({source}), and {backend} is not installed.",
            f"Set KERAS_BACKEND={others[0]}, which is installed, or install {backend}." if others else remedy,
        )


def _legacy(there: dict[str, dict[str, str]]) -> Iterator[Finding]:
    asked = os.environ.get("TF_USE_LEGACY_KERAS", "").lower() in ("1", "true")
    if asked and not there["tf_keras"]:
        yield error(
            "TF_USE_LEGACY_KERAS is set, and tf-keras is not installed, so `tf.keras` cannot be imported.",
            "Unset the variable, or run `pip install tf-keras`.",
        )
    elif there["tf_keras"] and there["keras"]:
        which = "tf_keras (TF_USE_LEGACY_KERAS is set)" if asked else "keras"
        yield warning(
            f"keras and tf_keras are both installed, and their models do not mix. `tf.keras` is {which}.",
            "epochal.fit takes models of keras 3. In the fit of a tf_keras model single callbacks work: "
            "`model.fit(callbacks=[EarlyStopping()])`.",
        )
    elif asked:
        yield warning(
            "TF_USE_LEGACY_KERAS is set, so `tf.keras` is tf_keras, and epochal.fit takes models of keras 3.",
            "Unset it to train with epochal.fit.",
        )


def shadows(start: Path) -> Iterator[Finding]:
    """Look for files of the folder that scripts import in the place of a package, or of the standard library."""
    own = Path(sys.modules[PACKAGE].__file__ or "").resolve()
    hidden = {PACKAGE, *DISTRIBUTIONS, *sys.stdlib_module_names}
    for path in sorted([*start.glob("*.py"), *start.glob("*/__init__.py")]):
        module = path.parent.name if path.parent != start else path.stem
        if module in hidden and path.resolve() != own:
            yield warning(
                f"{path} is what scripts of this folder import in the place of the module {module!r}.",
                "Give it another name.",
            )
