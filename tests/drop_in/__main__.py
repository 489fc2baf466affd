"""Try every case in every host, and list what differs from Keras: `python -m tests.drop_in [CLASS …]`."""

from __future__ import annotations

import sys

from .cases import DIFFERENCES, SUBJECTS, cases, difference
from .fits import Trainer, differs, fault


def main(names: list[str]) -> int:
    """Try the cases of some classes, or of all; return the exit code."""
    known = {subject.name for subject in SUBJECTS}
    unknown = sorted(set(names) - known)
    if unknown:
        print(f"There is no {', '.join(unknown)}. There are: {', '.join(sorted(known))}", file=sys.stderr)
        return 2
    trainer = Trainer()
    tried = faults = 0
    seen = set()
    for case in cases():
        if names and case.subject.name not in names:
            continue
        expected = trainer.with_keras(case)
        for host in trainer.hosts:
            tried += 1
            ours = trainer.with_ours(case, host)
            if differs(expected, ours):
                seen.add(difference(case))
            message = fault(case, expected, ours)
            if message:
                faults += 1
                print(f"{case}, {host}: {message}", flush=True)
    gone = [each.reason for each in DIFFERENCES if each not in seen] if not names else []
    for reason in gone:
        print(f"A difference that does not show any more, to be removed from the table: {reason}")
    print(f"{tried} fits tried, {faults} of them other than with Keras's class")
    return 1 if faults or gone else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
