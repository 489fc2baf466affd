"""A program that runs as Python runs it: the same script, run by both, prints, writes and returns the same."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

WHO = """
import sys
print(__name__, __file__, __package__, __spec__ and __spec__.name, __cached__, type(__loader__).__name__, __doc__)
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals(), __builtins__ is sys.modules["builtins"])
import beside
"""
SCRIPTS = {
    "who": WHO,
    "docstring": '"""A docstring."""\n' + WHO,
    "status": "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)",
    "text as status": "raise SystemExit('that is wrong')",
    "status True": "print(1); raise SystemExit(True)",
    "status of no int": "raise SystemExit([1])",
    "exception": "def f():\n    raise OSError('mine')\nf()",
    "chained": "try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('b') from error",
    "hook": "import sys\nsys.excepthook = lambda kind, error, trace: print(kind, trace.tb_lineno)\n1 / 0",
    "syntax": "print(1)\ndef\n",
    "coding": "# -*- coding: latin-1 -*-\nprint(ascii('\u00e9'))",
    "exit functions": "import atexit; atexit.register(lambda: print('end', __name__)); print('begin')",
    "thread": (
        "import threading, time\n"
        "def later():\n    time.sleep(0.05); import beside; print('later', __name__)\n"
        "threading.Thread(target=later).start(); print('main is over')"
    ),
    "pickle": "import pickle\nclass Mine: pass\nprint(type(pickle.loads(pickle.dumps(Mine()))) is Mine)",
    "spawn": (
        "import multiprocessing as m, sys\n"
        "def square(x): return x * x, 'epochal.launch.patching' in sys.modules\n"
        "if __name__ == '__main__':\n"
        "    with m.get_context('spawn').Pool(1) as pool: print(pool.map(square, [2, 3]))"
    ),
    "source": "import inspect\nclass Mine:\n    x = 1\nprint(inspect.getsource(Mine))",
    "future": "from __future__ import annotations\ndef f(x: nonsense): ...\nprint(f.__annotations__)",
    "no future of ours": "def f(x: int): ...\nprint(f.__annotations__)",
    "closed": "import sys; print(1); sys.stdout.close()",
    "other output": (
        "import sys\nclass Out:\n    write, __repr__ = sys.stderr.write, lambda self: 'out'\n"
        "sys.stdout = Out()\nprint(1)"
    ),
    "options of ours": "import sys; print(sys.argv)",
}


def run(
    folder: Path, *words: str, code: int | None = None, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *words],
        input=text,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"},
    )
    assert code is None or done.returncode == code, done.stderr
    return done


def assert_same(folder: Path, *words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    expected, found = run(folder, *words, text=text), run(folder, "-m", "epochal", "run", *words, text=text)
    assert (found.returncode, found.stdout, found.stderr) == (expected.returncode, expected.stdout, expected.stderr)
    return found


@pytest.fixture
def folder(site: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for scripts, with made-up pinned callbacks on the path of what is run in it."""
    site.pinned()  # type: ignore[attr-defined]
    source = os.path.dirname(os.path.dirname(sys.modules["epochal"].__file__ or ""))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "site"), source]))
    monkeypatch.setenv("EPOCHAL_AUTOLOAD", "0")
    (tmp_path / "scripts/package/sub").mkdir(parents=True)
    (tmp_path / "scripts/beside.py").write_text("print('beside', __name__)")
    return tmp_path / "scripts"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs_as_python_runs_it(name: str, folder: Path) -> None:
    (folder / "train.py").write_text(SCRIPTS[name], encoding="latin-1")
    words = ["--epochs", "3", "--enable", "x", "--", "-m", "--pl"] if name == "options of ours" else ["-x", "a b", ""]
    found = assert_same(folder, "train.py", *words)
    assert found.stdout or found.stderr


@pytest.mark.parametrize("name", ["who", "status", "exception", "syntax"])
def test_a_script_from_standard_input_runs_as_python_runs_it(name: str, folder: Path) -> None:
    found = assert_same(folder, "-", "--epochs", "3", text=SCRIPTS[name])
    assert found.stdout or found.stderr


def test_a_script_elsewhere_is_found_beside_its_own_files_and_a_link_beside_its_target(folder: Path) -> None:
    (folder / "train.py").write_text(WHO)
    (folder / "package/link.py").symlink_to("../train.py")
    for word in (
        str(folder / "train.py"),
        "scripts/train.py",
        "scripts/package/../train.py",
        "scripts/package/link.py",
    ):
        assert "beside" in assert_same(folder.parent, word).stdout


def test_a_module_runs_as_python_runs_it(folder: Path) -> None:
    for path in ("train.py", "package/__main__.py", "package/train.py", "package/sub/train.py"):
        (folder / path).write_text(WHO)
    (folder / "package/__init__.py").write_text("import sys; print('package', sys.argv)")
    for name in ("train", "package", "package.train", "package.sub.train"):
        assert "beside" in assert_same(folder, "-m", name, "--plan", "-m").stdout


def test_a_module_that_fails_shows_what_it_fails_with(folder: Path) -> None:
    (folder / "package/__init__.py").write_text("import nonsense")
    (folder / "package/train.py").touch()
    found = run(folder, "-m", "epochal", "run", "-m", "package.train", code=1)
    assert found.stderr.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{folder}/package/__init__.py", line 1, in <module>',
        "    import nonsense",
        "ModuleNotFoundError: No module named 'nonsense'",
    ]


def test_no_folder_is_first_on_the_path_where_python_puts_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "train.py").write_text("import sys; print(sys.path)")
    monkeypatch.setenv("PYTHONSAFEPATH", "1")  # Python 3.10 does not know it, and puts one
    assert_same(folder, "train.py")


def test_a_script_that_is_no_text_is_told(folder: Path) -> None:
    (folder / "train.py").write_bytes(b"print(1)\0")
    found = run(folder, "-m", "epochal", "run", "train.py", code=1)
    assert "null bytes" in found.stderr
    assert "epochal" not in found.stderr


def test_ctrl_c_ends_with_130_and_pythons_traceback(folder: Path) -> None:
    (folder / "train.py").write_text("print('a')\nraise KeyboardInterrupt")
    found = run(folder, "-m", "epochal", "run", "train.py", code=130)
    assert found.stdout == "a\n"
    assert found.stderr == run(folder, "train.py").stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["trian.py"], "epochal: there is no script 'trian.py'. Did you mean 'train.py'?"),
        (["nowhere/train.py"], "epochal: there is no script 'nowhere/train.py'."),
        (["package"], "epochal: 'package' is a folder. Give the script in it."),
        (["whole"], "epochal: 'whole' is a folder. Give the script in it, like 'whole/__main__.py'."),
        ([""], "epochal: the name of the script is empty."),
        (["nope.py"], "epochal: there is no script 'nope.py'."),
        (
            ["--enable", "x", "history", "train.py"],
            "epochal: there is no script 'history'. To switch several callbacks on, write --enable x,history.",
        ),
        (["train.py/x"], "epochal: the script 'train.py/x' cannot be read: Not a directory."),
        (["-m", "nonsense"], "epochal: there is no module 'nonsense'."),
        (["-m", "train.nonsense"], "epochal: there is no module 'train.nonsense'."),
        (["-m", ".train"], "epochal: there is no module '.train'."),
        (["-m", "train.py"], "epochal: -m takes the name of a module: `-m train`, or without -m the script itself."),
        (["-m", "package"], "epochal: 'package' is a package without a module __main__, so it cannot be run."),
        (["-m", "math"], "epochal: the module 'math' has no code of Python's, so it cannot be run."),
    ],
)
def test_what_cannot_be_run_is_told_in_a_line(words: list[str], message: str, folder: Path) -> None:
    (folder / "train.py").write_text("print('it ran')")
    (folder / "whole").mkdir()
    (folder / "whole/__main__.py").touch()
    found = run(folder, "-m", "epochal", "run", *words, code=2)
    assert (found.stdout, found.stderr) == ("", f"{message}\n")
