"""All built-ins together, and every pair: one order, the same numbers everywhere, nobody in another's way."""

from __future__ import annotations

import csv
import json
import re
import threading
import warnings
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import epochal
from epochal_csv_logger import CSVLogger
from epochal_early_stopping import EarlyStopping
from epochal_lambda_callback import LambdaCallback
from epochal_learning_rate_scheduler import LearningRateScheduler
from epochal_model_checkpoint import ModelCheckpoint
from epochal_orbax_checkpoint import OrbaxCheckpoint
from epochal_reduce_lr_on_plateau import ReduceLROnPlateau
from epochal_remote_monitor import RemoteMonitor
from epochal_swap_ema_weights import SwapEMAWeights
from epochal_tensorboard import TensorBoard
from epochal_terminate_on_nan import TerminateOnNaN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

EPOCHS = 3

ORDER = [
    "base_logger",
    "history",
    "learning_rate_scheduler",
    "reduce_lr_on_plateau",
    "swap_ema_weights",
    "early_stopping",
    "terminate_on_nan",
    "lambda_callback",
    "model_checkpoint",
    "orbax_checkpoint",
    "csv_logger",
    "remote_monitor",
    "tensorboard",
    "progbar_logger",
]
"""The one order, by priority; among equal ones those given in code come first, as they are given."""

CHANGING = {"learning_rate_scheduler", "reduce_lr_on_plateau", "swap_ema_weights"}
"""Those that change what is trained or measured. All others leave every number as it is."""


class Setting:
    """Makes the callbacks of one run and remembers where each leaves what it saw."""

    def __init__(self, folder: Path, server: str) -> None:
        self.folder = folder
        self.seen: list[dict[str, Any]] = []
        self._make: dict[str, Callable[[], Any]] = {
            "csv_logger": lambda: CSVLogger(folder / "log.csv"),
            "early_stopping": lambda: EarlyStopping(patience=10),
            "learning_rate_scheduler": lambda: LearningRateScheduler(lambda epoch: 0.2 / (epoch + 1)),
            "model_checkpoint": lambda: ModelCheckpoint(folder / "{epoch}.keras"),
            "orbax_checkpoint": lambda: OrbaxCheckpoint(str(folder / "orbax"), max_to_keep=None),
            "reduce_lr_on_plateau": lambda: ReduceLROnPlateau(patience=1, factor=0.5, min_delta=10),
            "remote_monitor": lambda: RemoteMonitor(root=server),
            "swap_ema_weights": lambda: SwapEMAWeights(swap_on_epoch=True),
            "tensorboard": lambda: TensorBoard(folder / "tb"),
            "terminate_on_nan": TerminateOnNaN,
            # The last, as it declares no priority: ahead of others it would run before what they add to the logs.
            "lambda_callback": lambda: LambdaCallback(on_epoch_end=lambda epoch, logs: self.seen.append(dict(logs))),
        }
        self.names = tuple(self._make)

    def make(self, names: Any) -> list[Any]:
        return [self._make[name]() for name in names]


NAMES = Setting(None, "").names  # type: ignore[arg-type]  # only the names are asked for


@contextmanager
def both_set_the_rate(names: Collection[str]) -> Iterator[None]:
    """Let the one warning pass that a pair gives rise to; it has a test of its own."""
    with warnings.catch_warnings():
        if {"learning_rate_scheduler", "reduce_lr_on_plateau"} <= set(names):
            warnings.filterwarnings("ignore", "'learning_rate_scheduler' .*both change learning_rate")
        yield


class Trainer:
    """Trains one model again and again, each time from the same weights, so that TensorFlow traces it once."""

    def __init__(self) -> None:
        random = np.random.default_rng(3)
        self.x = random.normal(size=(40, 4)).astype("float32")
        self.y = (self.x.sum(axis=1, keepdims=True) > 0).astype("float32")
        self.model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
        self.model.compile(keras.optimizers.SGD(0.1, use_ema=True), "binary_crossentropy", metrics=["accuracy"])
        self.model.fit(self.x, self.y, verbose=0)
        self._variables = [*self.model.variables, *self.model.optimizer.variables]
        self._values = [keras.ops.convert_to_numpy(each).copy() for each in self._variables]
        self.expected: dict[frozenset[str], Any] = {}

    def fit(self, callbacks: list[Any], verbose: int = 0) -> Any:
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)
        return epochal.fit(
            self.model,
            self.x,
            self.y,
            batch_size=8,
            epochs=EPOCHS,
            shuffle=False,
            validation_split=0.2,
            verbose=verbose,
            callbacks=callbacks,
        )

    def expect(self, names: Any, setting: Setting) -> tuple[dict[str, list[float]], list[Any]]:
        """Return the history and the final weights of a run with only those of the callbacks that change something."""
        changing = frozenset(names) & CHANGING
        if changing not in self.expected:
            with both_set_the_rate(changing):
                history = self.fit(setting.make(sorted(changing)))
            self.expected[changing] = (history.history, self.model.get_weights())
        found: tuple[dict[str, list[float]], list[Any]] = self.expected[changing]
        return found


@pytest.fixture(scope="module")
def trainer() -> Trainer:
    return Trainer()


@pytest.fixture(scope="module")
def received() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield the address of a server, and the list of what it is sent."""
    messages: list[dict[str, Any]] = []

    class Keep(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            messages.append(json.loads(parse_qs(body)["data"][0]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keep)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", messages
    server.shutdown()
    server.server_close()


def run_and_check(
    names: tuple[str, ...],
    trainer: Trainer,
    received: tuple[str, list[dict[str, Any]]],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    server, messages = received
    setting = Setting(folder, server)
    expected, weights = trainer.expect(names, setting)
    messages.clear()
    setting.seen.clear()
    capsys.readouterr()
    with both_set_the_rate(names):
        history = trainer.fit(setting.make(names), verbose=2)

    assert history.run.outcome.status == "completed"
    assert [place.name for place in history.run.order] == [
        each for each in ORDER if each in {*names, "base_logger", "history", "progbar_logger"}
    ]
    assert history.history == expected
    for ours, theirs in zip(trainer.model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)

    rows = [{key: values[epoch] for key, values in history.history.items()} for epoch in range(EPOCHS)]
    check_bar(capsys.readouterr().out, rows)
    checks: dict[str, Callable[[], None]] = {
        "csv_logger": lambda: check_csv(folder / "log.csv", rows),
        "tensorboard": lambda: check_tensorboard(folder / "tb", rows),
        "remote_monitor": lambda: check_equal(messages, [{"epoch": number, **row} for number, row in enumerate(rows)]),
        "lambda_callback": lambda: check_equal(setting.seen, rows),
        "model_checkpoint": lambda: check_model(folder / "2.keras", rows[1], trainer),
    }
    for name in names:
        checks.get(name, lambda: None)()


def check_equal(found: Any, expected: Any) -> None:
    assert found == expected


def check_bar(output: str, rows: list[dict[str, float]]) -> None:
    lines = [line for line in output.splitlines() if line.startswith("Epoch")]
    assert len(lines) == EPOCHS
    for line, row in zip(lines, rows, strict=True):
        shown = dict(re.findall(r"(\w+) ([\d.e+-]+)(?=  |$)", line.partition("ms/step")[2] or line))
        for key, value in row.items():
            assert float(shown[key]) == pytest.approx(value, rel=1e-3, abs=1e-4), (key, line)


def check_csv(path: Path, rows: list[dict[str, float]]) -> None:
    with path.open(newline="") as file:
        found = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert found == [{"epoch": number, **row} for number, row in enumerate(rows)]


def check_tensorboard(folder: Path, rows: list[dict[str, float]]) -> None:
    for part, of_part in (("train", False), ("validation", True)):
        events = EventAccumulator(str(folder / part), size_guidance={"tensors": 0}).Reload()
        for key in rows[0]:
            if key.startswith("val_") == of_part:
                tensors = events.Tensors(f"epoch_{key.removeprefix('val_')}")
                values = [
                    float(np.frombuffer(each.tensor_proto.tensor_content, "float32")[0])
                    if each.tensor_proto.tensor_content
                    else each.tensor_proto.float_val[0]
                    for each in tensors
                ]
                assert values == pytest.approx([row[key] for row in rows], rel=1e-6)


def check_model(path: Path, row: dict[str, float], trainer: Trainer) -> None:
    """What was saved at the end of an epoch is what was validated, also where averages were swapped in for it."""
    x, y = trainer.x[-8:], trainer.y[-8:]
    loss = keras.models.load_model(path).evaluate(x, y, verbose=0, return_dict=True)["loss"]
    assert loss == pytest.approx(row["val_loss"], rel=1e-5)


@pytest.fixture
def check(
    trainer: Trainer,
    received: tuple[str, list[dict[str, Any]]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[tuple[str, ...]], None]:
    """Return a function that checks a training with some of the callbacks."""
    return lambda names: run_and_check(names, trainer, received, tmp_path, capsys)


@pytest.mark.parametrize("names", [()], ids=["none"])
def test_without_any_of_them(names: tuple[str, ...], check: Callable[[tuple[str, ...]], None]) -> None:
    check(names)


@pytest.mark.parametrize("names", [(name,) for name in NAMES], ids=NAMES)
def test_each_alone(names: tuple[str, ...], check: Callable[[tuple[str, ...]], None]) -> None:
    check(names)


@pytest.mark.parametrize("names", list(combinations(NAMES, 2)), ids="-".join)
def test_every_pair(names: tuple[str, ...], check: Callable[[tuple[str, ...]], None]) -> None:
    check(names)


def test_all_together(check: Callable[[tuple[str, ...]], None]) -> None:
    check(NAMES)
