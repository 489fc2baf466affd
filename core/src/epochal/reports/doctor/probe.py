"""Import callbacks one after the other and report on standard output, one line of JSON each: `python -m`.

The process of its own is there because a callback may end it, hang or write wherever it likes.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Import what standard input lists, then plan a run."""
    from ...choosing.choice import Choice
    from ...errors import CallbackError
    from ...inspection.misspelt import misspelt_events
    from ...installed.discovery import Record
    from ...installed.file_record import FileRecord
    from ...installed.place_record import PlaceRecord
    from ...settings.names import CallbackName
    from ..description import is_callback

    # What callbacks print goes elsewhere.
    report = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)

    def tell(**line: Any) -> None:
        print(json.dumps(line), file=report, flush=True)

    kinds = {kind.__name__: kind for kind in (Record, PlaceRecord, FileRecord)}
    for number, (kind, name, value, distribution, version) in enumerate(json.load(sys.stdin)):
        tell(begins=number)
        try:
            found = kinds[kind](CallbackName(name), CallbackName(value), distribution, version).load()
        except CallbackError as error:
            tell(ended=number, error=str(error))
        else:
            is_none = [] if is_callback(found) else [f"is {value!r}, which is none: it has no event."]
            wrong = is_none or (misspelt_events(found) if isinstance(found, type) else [])
            tell(ended=number, error=f"the callback {name!r} of {distribution} {version} {wrong[0]}" if wrong else "")
    from ..plan import make_plan

    tell(begins=-1)
    tell(ended=-1, problems=make_plan(Choice.here(Path.cwd())).problems)


if __name__ == "__main__":
    main()
