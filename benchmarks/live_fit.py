"""The process that fits in a terminal: it writes the cost of every fit into a file.

python -m benchmarks.live_fit RESULT.json FITS
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from .counted import BATCH_SIZE, EPOCHS, counted_fit, made_data, made_model


def main(result: Path, fits: int) -> None:
    """Fit once more often than asked: the first fit imports the callbacks."""
    model, (x, y) = made_model(), made_data()
    model.fit(x[:BATCH_SIZE], y[:BATCH_SIZE], verbose=0)
    costs = [asdict(counted_fit(model, x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=1)) for _ in range(fits + 1)]
    result.write_text(json.dumps(costs), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
