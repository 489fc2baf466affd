from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import subprocess
import sys

import pytest

import epochal
from epochal import errors

HEAVY = ("tensorflow", "keras", "tf_keras", "torch", "jax", "numpy", "rich")
# What the modules that stand for Keras itself import is theirs to import.
KERAS_SIDE = {f"epochal.hosts.{name}" for name in ("bare_fit", "keras_history", "keras_list")}
RUNS_AT_IMPORT = {"epochal.__main__"}


def modules() -> list[str]:
    """Every module of the package; `pkgutil` would import the packages, and so would their heavy parts."""
    found = ["epochal"]
    packages = [("epochal", list(epochal.__path__))]
    while packages:
        package, path = packages.pop()
        for each in pkgutil.iter_modules(path):
            name = f"{package}.{each.name}"
            found.append(name)
            if each.ispkg:
                packages.append((name, [f"{folder}/{each.name}" for folder in path]))
    return sorted(set(found) - KERAS_SIDE - RUNS_AT_IMPORT)


PUBLIC = {
    "Callback", "Logs", "Outcome", "Priority", "Run", "callbacks", "evaluate", "fit", "hookimpl", "loop", "predict"
}  # fmt: skip
"""Besides the errors. What is public once stays, so whoever adds a name adds it here too."""


def test_all_is_exactly_the_public_names_and_the_errors_in_order() -> None:
    assert epochal.__all__ == sorted(PUBLIC | set(written_tree()))
    assert dir(epochal) == epochal.__all__


def test_what_can_be_imported_is_what_is_public_and_what_a_type_checker_sees() -> None:
    for_types = next(each for each in ast.parse(inspect.getsource(epochal)).body if isinstance(each, ast.If))
    seen = {alias.name for each in for_types.body if isinstance(each, ast.ImportFrom) for alias in each.names}
    assert seen == set(epochal.__all__)
    assert set(epochal._MODULE_OF) == set(epochal.__all__)
    for name in epochal.__all__:
        assert getattr(epochal, name) is not None
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        epochal.nonsense  # noqa: B018


@pytest.mark.parametrize("name", epochal.__all__)
def test_every_public_name_is_documented(name: str) -> None:
    if name != "hookimpl":  # pluggy's own object; its documentation stands below it in hookspecs.py
        assert inspect.getdoc(getattr(epochal, name))


def imported_with(module: str) -> set[str]:
    script = f"import sys, {module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", modules())
def test_importing_a_module_imports_no_framework(module: str) -> None:
    allowed = {"rich"} if module.startswith("epochal.cli.") else set()  # a command prints, and is imported when it runs
    assert not (set(HEAVY) - allowed) & imported_with(module)


def test_the_modules_are_found() -> None:
    assert {"epochal", "epochal.logs", "epochal.hosts", "epochal.hosts.loop", "epochal.testing.host"} <= set(modules())


def written_tree() -> dict[str, str]:
    """Read class and base off the tree in the docstring."""
    parents: list[str] = []
    tree = {}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ([│ ├└─]*)(\w+Error)\b", line)
        if found:
            depth = len(found[1]) // 4
            parents = [*parents[:depth], found[2]]
            tree[found[2]] = parents[depth - 1] if depth else ""
    return tree


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    kinds = {
        name: kind for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)
    }
    tree = written_tree()
    assert set(tree) == set(kinds)
    for name, base in tree.items():
        assert kinds[name].__bases__[0].__name__ == (base or "Exception")


def test_errors_carry_what_is_guilty() -> None:
    error = epochal.UnknownCallbackError("early_stoping", "no such callback")
    assert error.callback == "early_stoping"
    assert str(error) == "no such callback"
    order = epochal.OrderError(iter(["a", "b"]), "cycle")
    assert order.names == ("a", "b")
    assert str(order) == "cycle"


def test_a_missing_dependency_is_an_import_error_too() -> None:
    assert issubclass(epochal.MissingDependencyError, ImportError)


def test_a_near_word_is_suggested_and_a_far_one_is_not() -> None:
    assert errors.nearest("on_epoch_ends", ["on_epoch_end", "on_train_end"]) == " Did you mean 'on_epoch_end'?"
    assert errors.nearest("wandb", ["history"]) == ""
    assert errors.nearest("x", []) == ""
