"""The floor plan of the core, as its README draws it: imports only go down, and never in a circle."""

from __future__ import annotations

import ast
import re
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "core/src/epochal"
MOST_AT_THE_TOP = 16


def _name(path: Path) -> str:
    """Return the name of a module below `epochal`; that of a package is its folder's."""
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name(path): path for path in SOURCE.rglob("*.py") if "template" not in path.parts}


def _imports(name: str) -> set[str]:
    """Return the modules of the core that a module imports, anywhere but for types."""
    path = MODULES[name]
    tree = ast.parse(path.read_text())
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    package = path.relative_to(SOURCE).parent.parts
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level or id(node) in for_types:
            continue
        base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
        for alias in node.names:
            inner = f"{base}.{alias.name}" if base else alias.name
            found.add(inner if inner in MODULES else base)
    return found - {"", name}


def _floors() -> dict[str, int]:
    """Return the row of every folder and every module at the top in the README's table; the highest is 0."""
    table = re.findall(r"^\| (`.*`) \|", (ROOT / "core/README.md").read_text(), flags=re.MULTILINE)
    rows = [[name.strip("/`").removesuffix(".py") for name in row.split(", ")] for row in table]
    floors = {name: number for number, row in enumerate(rows) for name in row}
    assert len(floors) == sum(map(len, rows)), "a module has one place"
    return floors


def test_the_table_lists_what_is_there() -> None:
    there = {name.partition(".")[0] for name in MODULES} - {"", "__main__"}
    assert set(_floors()) == there


def test_imports_only_go_down() -> None:
    floors = _floors()
    for name in MODULES.keys() - {"", "__main__"}:
        for imported in _imports(name):
            below, own = floors[imported.partition(".")[0]], floors[name.partition(".")[0]]
            assert below >= own, f"{name} imports {imported}, which is on a higher floor"


def test_no_modules_import_each_other() -> None:
    """Not even inside of functions: an import there to dodge a circle hides one."""
    order = TopologicalSorter({name: _imports(name) for name in MODULES})
    assert set(order.static_order()) >= set(MODULES)  # raises a CycleError that names the circle


def test_few_modules_stand_at_the_top() -> None:
    at_the_top = [path.name for path in SOURCE.glob("*.py") if not path.name.startswith("__")]
    assert len(at_the_top) <= MOST_AT_THE_TOP, "what plugins and users do not import belongs into a folder"
