"""Every task of a developer: `nox -l` lists them, `nox -s NAME` runs one. uv installs, so environments take seconds."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PACKAGES = [ROOT / "core", *PLUGINS]
TENSORFLOW_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
# A process more is 5 s of imports and 2 GiB more.
IN_PARALLEL = ["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"]


def _group(name: str) -> list[str]:
    """Read a dependency group of the root's pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


def _workspace(*extras: str) -> list[str]:
    """Give pip's arguments for the whole workspace, editable, with extras of the root."""
    editable = [argument for package in PACKAGES for argument in ("-e", f"./{package.relative_to(ROOT)}")]
    return [*editable, "-e", f".[{','.join(extras)}]" if extras else "."]


def _test_folders() -> list[str]:
    """Give the folders of tests, those of the packages first."""
    return [str(package.relative_to(ROOT) / "tests") for package in PACKAGES] + ["tests"]


@nox.session
def demo(session: nox.Session) -> None:
    """Train a small network on real data, and show what ran, in what order and why."""
    session.install(*_workspace("demo"))
    session.run("epochal", "demo", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run all tests, with real TensorFlow."""
    session.install(*_workspace("demo", "notebook"), *_group("end-to-end"))
    session.run("pytest", *(session.posargs or [*IN_PARALLEL, *_test_folders()]), env=TENSORFLOW_QUIET)


@nox.session
def pages(session: nox.Session) -> None:
    """Write the pages of the documentation that are made from code."""
    session.install(*_workspace("demo", "notebook"), *_group("end-to-end"))
    session.run("python", "-m", "tests.behaviours.page", env=TENSORFLOW_QUIET)
    session.run("python", "-m", "tests.reference_pages")


@nox.session
def pictures(session: nox.Session) -> None:
    """Take the pictures of a real TensorBoard for the documentation; needs chromium and chromedriver."""
    session.install(*_workspace("demo", "tensorboard"), "selenium>=4.20", "pillow>=10")
    session.run("python", "-m", "tests.pictures", *session.posargs, env=TENSORFLOW_QUIET)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; `nox -s lint -- --fix` mends what can be mended."""
    session.install(*_group("lint"))
    fix = "--fix" in session.posargs
    session.run("ruff", "check", *(["--fix"] if fix else []), ".")
    session.run("ruff", "format", *([] if fix else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly, of the packages and their tests."""
    session.install(*_workspace(), *_group("types"))
    environment = {"MYPYPATH": os.pathsep.join(str(package / "src") for package in PACKAGES)}
    session.run("mypy", "noxfile.py", env=environment)
    for package in PACKAGES:
        folder = package.relative_to(ROOT)
        session.run("mypy", str(folder / "src"), str(folder / "tests"), env=environment)
    session.run("mypy", "tests", "benchmarks", env=environment)


@nox.session
def alone(session: nox.Session) -> None:
    """Run each package's own tests, installed by name from its wheel, with only what its metadata pulls in."""
    wheels = _wheels(session)
    for package in PACKAGES:
        _test_alone(session, package, wheels)
    python = _environment(session, "epochal", wheels)
    session.run(python, "-m", "epochal", "list", external=True)


def _wheels(session: nox.Session) -> Path:
    """Build the wheel of every package, and of the root."""
    wheels = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for package in (*PACKAGES, ROOT):
        session.run("uv", "build", "--quiet", "--out-dir", str(wheels), str(package), external=True)
    return wheels


def _environment(session: nox.Session, name: str, wheels: Path, *requirements: str) -> str:
    """Make an environment with one distribution of ours, and give its Python."""
    folder = Path(session.create_tmp()).resolve() / "alone" / name
    shutil.rmtree(folder, ignore_errors=True)
    python = str(folder / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python"))
    session.run("uv", "venv", "--quiet", "--python", sys.executable, str(folder / "venv"), external=True)
    # Without the cache, which would give the wheel that had the same name and version before.
    install = ("uv", "pip", "install", "--quiet", "--no-cache", "--python", python, "--find-links", str(wheels))
    version = PROJECT["project"]["version"]  # one for all packages; a published one is not what is tried here
    session.run(*install, f"{name}=={version}", *requirements, external=True)
    return python


def _test_alone(session: nox.Session, package: Path, wheels: Path) -> None:
    """Run a copy of one package's tests, so that nothing of the repository is on the path or in the settings."""
    name = nox.project.load_toml(package / "pyproject.toml")["project"]["name"]
    python = _environment(session, name, wheels, *_group("test"))
    folder = Path(python).parents[2]
    shutil.copytree(package / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--import-mode=importlib", "-W", "error", "-ra", "-c", os.devnull, "--rootdir", str(folder)]
    with session.chdir(folder):
        session.run(python, "-m", "pytest", *options, "tests", external=True)


@nox.session
def minimums(session: nox.Session) -> None:
    """Run all tests with the lowest declared versions of every dependency, TensorFlow and Keras too."""
    session.install("--resolution", "lowest-direct", *_workspace("demo", "notebook"), *_group("end-to-end"))
    session.run("pytest", *(session.posargs or [*IN_PARALLEL, *_test_folders()]), env=TENSORFLOW_QUIET)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what Epochal costs, side by side with Keras; fails when a limit is missed."""
    session.install(*_workspace("tensorflow"))
    session.run("python", "-m", "benchmarks", *session.posargs, env=TENSORFLOW_QUIET)
