"""What the tests share: a model that has everything to show, a bare fit, and a reader of event files."""

from __future__ import annotations

import struct
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import settings
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

from epochal.testing import BareHost, FakeModel
from epochal.testing.model import FakeAdapter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

settings.register_profile("epochal", deadline=None)  # no test asserts a time
settings.load_profile("epochal")


class ShownModel(FakeModel):
    """A model with layers, embeddings, a graph and a profiler; what the profiler did is in `profiled`."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.layers: str | None = '{"class_name": "Sequential", "config": {"name": "shown", "layers": []}}'
        self.matrices: dict[str, Any] = {}
        self.graph: bytes | None = None
        self.profiled: list[Any] = []
        self.profiler_fails_to: str = ""
        self.channels: dict[str, Any] = {}

    def __epochal_adapter__(self, optimizer: Any) -> FakeAdapter:
        return ShownAdapter(self, optimizer)


class ShownAdapter(FakeAdapter):
    model: ShownModel

    def architecture(self) -> str | None:
        return self.model.layers

    def embeddings(self) -> dict[str, Any]:
        return {layer: np.array(matrix) for layer, matrix in self.model.matrices.items()}

    def train_graph(self) -> bytes | None:
        return self.model.graph

    def summaries(self, name: str) -> Any:
        return self.model.channels.get(name)

    def start_profiler(self, folder: str) -> None:
        self._profile("start", folder)

    def stop_profiler(self, *, save: bool = True) -> None:
        self._profile("stop", save)

    def profiled_step(self, step: int) -> AbstractContextManager[Any]:
        self._profile("step", step)
        return nullcontext()

    def _profile(self, what: str, detail: Any) -> None:
        if self.model.profiler_fails_to == what:
            raise RuntimeError(f"there is no {what}")
        self.model.profiled.append((what, detail))


@pytest.fixture
def model() -> ShownModel:
    return ShownModel(weights={"dense/kernel": np.arange(6.0).reshape(2, 3) - 2, "dense/bias": np.zeros(3)})


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    return tmp_path / "logs"


def read_file(path: Path) -> Iterator[Any]:
    """Read a file as the format says (TensorFlow's `core/lib/io/record_writer.h`), and check every checksum."""
    content, place = path.read_bytes(), 0
    while place < len(content):
        (length,) = struct.unpack_from("<Q", content, place)
        record = content[place + 12 : place + 12 + length]
        sums = struct.unpack_from("<I", content, place + 8) + struct.unpack_from("<I", content, place + 12 + length)
        assert sums == (masked_crc32c(content[place : place + 8]), masked_crc32c(record))
        yield Event.FromString(record)
        place += 16 + length


def read_events(folder: Path) -> list[Any]:
    return [event for path in sorted(folder.glob("events.out.tfevents.*")) for event in read_file(path)]


@pytest.fixture
def events() -> Callable[[Path], list[Any]]:
    """Return a function that reads all events of a folder."""
    return read_events


@pytest.fixture
def scalars() -> Callable[[Path], dict[str, list[tuple[int, float]]]]:
    """Return a function that reads the scalars of a folder: tag to pairs of step and value."""

    def read(folder: Path) -> dict[str, list[tuple[int, float]]]:
        found: dict[str, list[tuple[int, float]]] = {}
        for event in read_events(folder):
            for value in event.summary.value:
                if value.metadata.plugin_data.plugin_name == "scalars":
                    (number,) = value.tensor.float_val
                    found.setdefault(value.tag, []).append((event.step, number))
        return found

    return read


@pytest.fixture
def bare_fit() -> Callable[..., None]:
    """Return a function that does what a bare `model.fit` does with a callback, without an epochal run."""

    def fit(
        callback: Any, model: Any, epochs: int = 1, steps: int = 3, fails_at: tuple[int, int] | None = None
    ) -> None:
        def step(epoch: int, batch: int) -> None:
            if (epoch, batch) == fails_at:
                raise ZeroDivisionError

        BareHost(callback, model=model).fit(epochs, steps, step=step)

    return fit
