"""Import one callback and tell what came with it; for a process of its own, as a module is imported only once."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from importlib import import_module
from time import perf_counter
from typing import Any


class _Watch:
    """A finder that finds nothing, and notes who asks first for some packages."""

    def __init__(self, packages: list[str]) -> None:
        self._packages = packages
        self.importers: dict[str, str] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Note who imports it, if it is one of the packages."""
        if name not in self._packages or name in self.importers:
            return
        frame: Any = sys._getframe(1)
        while frame is not None and "importlib" in frame.f_code.co_filename:
            if frame.f_code.co_name == "find_spec" and frame.f_globals["__name__"] == "importlib.util":
                return  # to ask whether it is there imports nothing
            frame = frame.f_back
        self.importers[name] = frame.f_globals.get("__name__", "?") if frame is not None else "?"


def main() -> None:
    """Import what standard input names, and print what came with it, as JSON."""
    from epochal import Callback, Priority, hookimpl  # noqa: F401  # what every callback imports of ours

    given = json.load(sys.stdin)
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with tempfile.TemporaryFile() as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
        watch = _Watch(given["watched"])
        sys.meta_path.insert(0, watch)
        before, began, error = set(sys.modules), perf_counter(), ""
        try:
            import_module(given["module"])
        except BaseException:  # the import may do anything, and it is to be told
            error = traceback.format_exc()
        seconds = perf_counter() - began
        modules = sorted({name.partition(".")[0] for name in set(sys.modules) - before})
        sys.stdout.flush()
        sys.stderr.flush()
        output.seek(0)
        said = output.read().decode(errors="replace")
    told = {"modules": modules, "importers": watch.importers, "seconds": seconds, "output": said, "error": error}
    print(json.dumps(told), file=report, flush=True)
    os._exit(0)  # threads and handlers of the callback have nothing more to do


if __name__ == "__main__":
    main()
