"""Every task of a developer: `nox -l` lists them, `nox -s NAME` runs one. uv installs, so environments take seconds."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import nox
from packaging.requirements import Requirement
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

nox.needs_version = ">=2024.10.9"
nox.options.default_venv_backend = "uv"
nox.options.sessions = ["lint", "types", "tests"]
nox.options.reuse_venv = "yes"
nox.options.download_python = "never"

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
PACKAGES = [ROOT / "core", *PLUGINS]
TEMPLATE = ROOT / "core/src/epochal/new/template"
OTHERS = {path.stem.removeprefix("test_"): path for path in sorted(ROOT.glob("tests/others/test_*.py"))}
TENSORFLOW_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2"}
# A process more is 5 s of imports and 2 GiB more.
IN_PARALLEL = ["--numprocesses=auto", "--maxprocesses=4", "--dist=worksteal"]


def _group(name: str) -> list[str]:
    """Read a dependency group of the root's pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


def _workspace(*extras: str) -> list[str]:
    """Return pip's arguments for the whole workspace, editable, with extras of the root."""
    editable = [argument for package in PACKAGES for argument in ("-e", f"./{package.relative_to(ROOT)}")]
    return [*editable, "-e", f".[{','.join(extras)}]" if extras else "."]


def _test_folders() -> list[str]:
    """Return the folders of tests, those of the packages first."""
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
def drop_in(session: nox.Session) -> None:
    """Try every value of every parameter against Keras's own classes, in every host; takes half an hour."""
    session.install(*_workspace("tensorflow"), *_group("test"))
    session.run("python", "-m", "tests.drop_in", *session.posargs, env=TENSORFLOW_QUIET)


@nox.session
def pages(session: nox.Session) -> None:
    """Write the pages of the documentation that are made from code."""
    session.install(*_workspace("demo", "notebook"), *_group("end-to-end"))
    session.run("python", "-m", "tests.behaviours.page", env=TENSORFLOW_QUIET)
    session.run("python", "-m", "tests.reference_pages")
    session.run("python", "-m", "tests.event_picture")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation, warnings as errors; it is then in build/docs/index.html."""
    packages = [argument for package in PACKAGES for argument in ("-e", f"./{package.relative_to(ROOT)}")]
    session.install(*packages, *_group("docs"))
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky")
    session.run("sphinx-build", "--quiet", *strict, "-c", "docs", *session.posargs, ".", "build/docs")


@nox.session
def recordings(session: nox.Session) -> None:
    """Record what the commands show on a terminal, as the pictures of the documentation; some or all."""
    session.install(*_workspace("demo"), "pyte>=0.8.2")
    session.run("python", "-m", "tests.recordings", *session.posargs)


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
    sources = [*(package / "src" for package in PACKAGES), TEMPLATE / "src"]
    environment = {"MYPYPATH": os.pathsep.join(map(str, sources))}
    session.run("mypy", "noxfile.py", "docs/conf.py", env=environment)
    for package in PACKAGES:
        folder = package.relative_to(ROOT)
        session.run("mypy", str(folder / "src"), str(folder / "tests"), env=environment)
    session.run("mypy", "tests", "benchmarks", env=environment)


@nox.session
def alone(session: nox.Session) -> None:
    """Run each package's own tests, installed by name from its wheel, with only what its metadata pulls in."""
    wheels = _wheels(session, [*PACKAGES, ROOT])
    for package in PACKAGES:
        _test_alone(session, package, wheels)
    python = _environment(session, "epochal", wheels)
    session.run(python, "-m", "epochal", "list", external=True)


def _wheels(session: nox.Session, packages: Iterable[Path]) -> Path:
    """Build the wheels of packages."""
    wheels = Path(session.create_tmp()).resolve() / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    for package in packages:
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


def _test_alone(session: nox.Session, package: Path, wheels: Path, *requirements: str) -> None:
    """Run a copy of one package's tests, so that nothing of the repository is on the path or in the settings."""
    name = nox.project.load_toml(package / "pyproject.toml")["project"]["name"]
    python = _environment(session, name, wheels, *_group("test"), *requirements)
    folder = Path(python).parents[2]
    shutil.copytree(package / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    options = ["--import-mode=importlib", "-W", "error", "-ra", "-c", os.devnull, "--rootdir", str(folder)]
    with session.chdir(folder):
        session.run(python, "-m", "pytest", *options, "tests", external=True)


@nox.session
def template(session: nox.Session) -> None:
    """Make a package with `epochal new`, and run its own tests and checks in it."""
    wheels = _wheels(session, [ROOT / "core"])
    python = _environment(session, "epochal-core", wheels, *_group("nox"))
    # Its sessions find the core that is tried here; uv's cache would give one of the same version.
    environment = {"UV_FIND_LINKS": str(wheels), "UV_NO_CACHE": "1"}
    with TemporaryDirectory() as folder, session.chdir(folder):  # ruff looks at nothing below a .nox
        session.run(python, "-m", "epochal", "new", "CSVWatch", "--folder", "package", external=True)
        session.run(python, "-m", "nox", "-f", "package/noxfile.py", env=environment, external=True)


@nox.session
def minimums(session: nox.Session) -> None:
    """Run all tests with the lowest declared versions of every dependency, TensorFlow and Keras too."""
    session.install("--resolution", "lowest-direct", *_workspace("demo", "notebook"), *_group("end-to-end"))
    session.run("pytest", *(session.posargs or [*IN_PARALLEL, *_test_folders()]), env=TENSORFLOW_QUIET)


@nox.session
@nox.parametrize("tool", list(OTHERS), ids=list(OTHERS))
def others(session: nox.Session, tool: str) -> None:
    """Try the callbacks of another project, in an environment with what its file of tests names at its top."""
    script = nox.project.load_toml(OTHERS[tool])
    session.install("-e", "./core", "-e", ".[tensorflow]", *_group("test"), *script["dependencies"])
    # Their warnings are theirs. `python -m` puts the folder on the path, from which the tests share modules.
    options = ["-W", "default", *session.posargs]
    session.run("python", "-m", "pytest", *options, str(OTHERS[tool].relative_to(ROOT)), env=TENSORFLOW_QUIET)


@nox.session(reuse_venv=False)
def downstream(session: nox.Session) -> None:
    """Run the tests of plugin packages of others, `-- FOLDER_OR_NAME …`, against this checkout."""
    if not session.posargs:
        session.error("Name the packages: nox -s downstream -- ../epochal-foo epochal-bar")
    for folder in [_package_folder(session, each) for each in session.posargs]:
        session.install(*_workspace(), "-e", str(folder), "pytest", *_test_requirements(folder))
        session.run("epochal", "list")
        with session.chdir(folder):
            session.run("python", "-m", "pytest", "tests", env=TENSORFLOW_QUIET)


def _package_folder(session: nox.Session, package: str) -> Path:
    """Return the folder of a package with its tests; of a distribution on the index that of its sdist, unpacked."""
    folder = Path(package).expanduser().resolve()
    if not folder.exists() and re.fullmatch(r"[A-Za-z0-9][\w.-]*(==[\w.]+)?", package):
        folder = _unpacked(session, package)
    if not folder.is_dir():
        session.error(f"{package} is neither a folder nor the name of a distribution")
    for part in ("pyproject.toml", "tests"):
        if not (folder / part).exists():
            session.error(f"{package} has no {part} (looked for {folder / part}), so it cannot be tested here")
    return folder


def _unpacked(session: nox.Session, distribution: str) -> Path:
    """Download the sdist of a distribution, and give the folder that is in it."""
    folder = Path(session.create_tmp()).resolve() / "sdists" / distribution
    shutil.rmtree(folder, ignore_errors=True)
    download = (sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:")
    session.run(*download, "--dest", str(folder), distribution, external=True)
    (archive,) = folder.iterdir()
    shutil.unpack_archive(archive, folder)
    return next(path for path in folder.iterdir() if path.is_dir())


def _test_requirements(folder: Path) -> list[str]:
    """Read what a package's tests need: a dependency group or an extra of one of the usual names."""
    project = nox.project.load_toml(folder / "pyproject.toml")
    extras = project.get("project", {}).get("optional-dependencies", {})
    groups = project.get("dependency-groups", {})
    usual = ("test", "tests", "testing", "dev")
    found = [list(nox.project.dependency_groups(project, name)) for name in usual if name in groups]
    return next(iter([*found, *(extras[name] for name in usual if name in extras)]), [])


@nox.session
def oldest_core(session: nox.Session) -> None:
    """Run the tests of the plugins, or of those named, `-- history`, against the oldest core that each declares."""
    unknown = set(session.posargs) - {package.name for package in PLUGINS}
    if unknown:
        session.error(f"There is no plugin {', '.join(unknown)}. There are: {', '.join(p.name for p in PLUGINS)}")
    wheels = _wheels(session, PACKAGES)
    for package in PLUGINS:
        if package.name in session.posargs or not session.posargs:
            version = _oldest_core(session, package)
            _build_core(session, version, wheels)
            _test_alone(session, package, wheels, f"epochal-core=={version}")


def _oldest_core(session: nox.Session, package: Path) -> Version:
    """Read the lower bound on the core that a plugin declares."""
    texts = nox.project.load_toml(package / "pyproject.toml")["project"]["dependencies"]
    core = next(each for each in map(Requirement, texts) if each.name == "epochal-core")
    bounds = [each.version for each in core.specifier if each.operator in (">=", "==", "~=")]
    if not bounds:
        session.error(f"{package.name} declares no oldest epochal-core: {core}. Write epochal-core>=…")
    return Version(bounds[0])


def _build_core(session: nox.Session, version: Version, wheels: Path) -> None:
    """Build the wheel of a version of the core, from its tag, or from this checkout if it is of this version."""
    tags = str(session.run("git", "tag", "--list", "v[0-9]*", external=True, silent=True)).split()
    tag = next((tag for tag in tags if Version(tag) == version), None)
    if tag is not None:
        session.log(f"epochal-core {version} is that of the tag {tag}.")
        source = Path(session.create_tmp()).resolve() / "oldest"
        shutil.rmtree(source, ignore_errors=True)
        source.mkdir()
        session.run("git", "archive", "--output", str(source / "core.tar"), tag, "core", external=True)
        shutil.unpack_archive(source / "core.tar", source)
        session.run("uv", "build", "--quiet", "--out-dir", str(wheels), str(source / "core"), external=True)
    elif version == Version(PROJECT["project"]["version"]):
        session.log(f"epochal-core {version} has no tag yet, so it is that of this checkout, which has this version.")
    else:
        session.error(f"There is no tag v{version}, and this checkout is of another version")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure what Epochal costs, side by side with Keras; fails when a limit is missed."""
    session.install(*_workspace("tensorflow"))
    session.run("python", "-m", "benchmarks", *session.posargs, env=TENSORFLOW_QUIET)
