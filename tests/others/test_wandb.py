# /// script
# dependencies = ["wandb>=0.18"]
# ///
"""W&B's WandbMetricsLogger: its `on_train_batch_end` calls its own `on_batch_end`, so to send it both counts twice."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import wandb
from wandb.proto.wandb_internal_pb2 import Record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Way

NAME = "wandb.integration.keras:WandbMetricsLogger"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Yield an offline run in a folder of its own."""
    for name in ("WANDB_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("WANDB_ERROR_REPORTING", "false")
    settings = wandb.Settings(x_disable_stats=True, x_disable_meta=True, disable_git=True, console="off", silent=True)
    with wandb.init(mode="offline", project="epochal", settings=settings) as made:
        yield made


def _logged(run: Any) -> list[dict[str, Any]]:
    """End the run, and read what its file has: W&B's own log of records, in blocks as LevelDB writes them."""
    (path,) = Path(run.dir).parent.glob("*.wandb")
    run.finish()
    wandb.teardown()  # waits for its service, which may still be writing
    found = []
    for raw in _records(path.read_bytes()):
        record = Record.FromString(raw)
        if record.WhichOneof("record_type") == "history":
            items = record.history.item
            found.append({item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items})
    return found


def _records(content: bytes) -> Iterator[bytes]:
    place, parts = 7, b""  # behind the header
    while place + 7 <= len(content):
        left = 32768 - place % 32768
        if left < 7:  # no record begins in the last bytes of a block
            place += left
            continue
        length, kind = struct.unpack_from("<HB", content, place + 4)
        parts += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part of one
            yield parts
            parts = b""


def test_every_epoch_is_logged_once(way: Way, run: Any, model: Any, data: tuple[Any, Any]) -> None:
    history = way.fit(model, *data, validation_split=0.25, epochs=3, callback=NAME).history
    rows = _logged(run)
    assert [row["epoch/epoch"] for row in rows] == [0, 1, 2]
    for metric, values in history.items():
        assert [row[f"epoch/{metric}"] for row in rows] == pytest.approx(values)


def test_every_batch_is_logged_once(way: Way, run: Any, model: Any, data: tuple[Any, Any]) -> None:
    arguments = {"batch_size": 10, "epochs": 2}
    history = way.fit(model, *data, callback=NAME, parameters={"log_freq": "batch"}, **arguments).history
    rows = _logged(run)
    batches = [row for row in rows if "batch/batch_step" in row]
    assert [row["batch/batch_step"] for row in batches] == list(range(8))
    assert [batches[3]["batch/loss"], batches[7]["batch/loss"]] == pytest.approx(history["loss"])
    assert len(rows) == 8 + 2


def test_evaluate_and_predict_log_nothing(named: Way, run: Any, model: Any, data: tuple[Any, Any]) -> None:
    named.call("evaluate", model, *data, callback=NAME, parameters={})
    named.call("predict", model, data[0], callback=NAME, parameters={})
    assert _logged(run) == []
