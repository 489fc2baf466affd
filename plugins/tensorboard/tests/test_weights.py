"""Weights as histograms and images."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.util.tensor_util import make_ndarray

from epochal.testing import FakeHost
from epochal_tensorboard import TensorBoard, summaries
from epochal_tensorboard.images import as_bytes, as_images, as_png

if TYPE_CHECKING:
    from pathlib import Path

NUMBERS = st.floats(-1e6, 1e6, width=32)
VALUES = arrays.arrays(np.float32, st.integers(1, 200), elements=NUMBERS)


def _tags(events: list[Any], plugin: str) -> list[tuple[str, int]]:
    return [
        (value.tag, event.step)
        for event in events
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == plugin
    ]


def test_every_so_many_epochs(model: Any, logs: Path, events: Any) -> None:
    FakeHost(TensorBoard(logs, histogram_freq=2), model=model).fit(epochs=4)
    assert _tags(events(logs / "train"), "histograms") == [
        ("dense/kernel/histogram", 0),
        ("dense/bias/histogram", 0),
        ("dense/kernel/histogram", 2),
        ("dense/bias/histogram", 2),
    ]
    assert _tags(events(logs / "train"), "images") == []


def test_images_beside_them(model: Any, logs: Path, events: Any) -> None:
    FakeHost(TensorBoard(logs, histogram_freq=1, write_images=True), model=model).fit()
    assert _tags(events(logs / "train"), "images") == [("dense/kernel/image", 0), ("dense/bias/image", 0)]


def test_images_alone_are_none(model: Any, logs: Path, events: Any) -> None:
    FakeHost(TensorBoard(logs, write_images=True), model=model).fit()
    assert _tags(events(logs / "train"), "images") == []


def test_with_a_model_whose_weights_nobody_knows_it_is_taken_out_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Unknown:
        stop_training = False

    FakeHost(TensorBoard(tmp_path, histogram_freq=1), model=Unknown()).fit()
    assert "the names of the weights is not known for a model" in capsys.readouterr().out
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def _buckets(values: Any) -> Any:
    return make_ndarray(summaries.histogram("weight", values).tensor)


@given(VALUES)
def test_histograms_hold_every_value(values: Any) -> None:
    buckets = _buckets(values)
    assert buckets.shape == (30, 3)
    assert buckets[:, 2].sum() == values.size
    assert (buckets[0, 0], buckets[-1, 1]) == (values.min(), values.max())
    assert (buckets[:, 0] <= buckets[:, 1]).all()
    assert (buckets[1:, 0] == buckets[:-1, 1]).all()


@given(VALUES)
def test_histograms_are_those_of_tensorboard(values: Any) -> None:
    theirs = make_ndarray(histogram_pb("weight", values).value[0].tensor)
    np.testing.assert_allclose(_buckets(values)[:, :2], theirs[:, :2], rtol=1e-6, atol=1e-300)
    # A value on the edge of two buckets may be counted in either, as it is rounded.
    below = np.abs(np.cumsum(_buckets(values)[:, 2]) - np.cumsum(theirs[:, 2]))
    edges = np.abs(values[:, None].astype(float) - theirs[:, 1][None]) <= 1e-9 * (1 + np.ptp(values.astype(float)))
    assert (below <= edges.sum(axis=0)).all()


@pytest.mark.parametrize(
    "values",
    [
        [1.0, 1.0, 1.0],
        [0.0],
        [1.0, np.nextafter(1.0, 2.0)],
        [0.0, 5e-324],
        [-1.7e308, 1.7e308],
        [np.nan, 1.0, np.inf, 2.0, -np.inf],
        np.arange(5),
        [True, False],
    ],
)
def test_histograms_of_odd_values(values: Any) -> None:
    finite = [value for value in values if np.isfinite(value)]
    buckets = _buckets(values)
    assert np.isfinite(buckets).all()
    assert buckets[:, 2].sum() == len(finite)
    assert (buckets[0, 0], buckets[-1, 1]) == (min(finite), max(finite))


@pytest.mark.parametrize("values", [[], [np.nan, np.inf]])
def test_nothing_finite_is_no_histogram(values: Any, model: Any, logs: Path, events: Any) -> None:
    assert summaries.histogram("weight", values) is None
    model.weights = {"dense/kernel": np.array(values)}
    FakeHost(TensorBoard(logs, histogram_freq=1, write_images=True), model=model).fit()
    assert _tags(events(logs / "train"), "histograms") == []


@pytest.mark.parametrize(
    ("shape", "channels_last", "expected"),
    [
        ((), True, None),
        ((1,), True, None),
        ((5,), True, (1, 1, 5, 1)),
        ((2, 5), True, (1, 2, 5, 1)),
        ((5, 2), True, (1, 2, 5, 1)),
        ((1, 5), True, (1, 1, 5, 1)),
        ((3, 4, 1, 8), True, (8, 3, 4, 1)),
        ((8, 3, 4), False, (8, 3, 4, 1)),
        ((3, 3, 2, 8), True, None),
        ((7, 3, 2, 3), True, (7, 3, 2, 3)),
        ((7, 3, 2, 4), True, (7, 3, 2, 4)),
        ((2, 2, 2, 2, 2), True, None),
        ((0, 2), True, None),
    ],
)
def test_the_arrangement_of_images(shape: Any, channels_last: bool, expected: Any) -> None:
    images = as_images(np.zeros(shape), channels_last=channels_last)
    assert (None if images is None else images.shape) == expected


def test_channels_become_images() -> None:
    weight = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(as_images(weight, channels_last=True)[1, :, :, 0], weight[:, :, 1])
    np.testing.assert_array_equal(as_images(weight, channels_last=False)[1, :, :, 0], weight[1])


def test_zero_is_grey_and_the_largest_white_or_black() -> None:
    assert as_bytes([-2.0, -1.0, 0.0, 1.0, 2.0]).tolist() == [0, 64, 128, 191, 255]
    assert as_bytes([0.0, 0.0]).tolist() == [128, 128]
    assert as_bytes([np.nan, 1.0]).tolist() == [128, 255]
    assert as_bytes([-np.inf, 1.0]).tolist() == [0, 128]


def _decode(png: bytes) -> Any:
    """Read a PNG of 8 bits without filters."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    place, chunks = 8, {}
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, content = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length)[0] == zlib.crc32(kind + content)
        chunks[kind] = content
        place += 12 + length
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, depth, colour, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, rest) == (8, [0, 0, 0])
    channels = {0: 1, 2: 3, 6: 4}[colour]
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width * channels)
    assert not rows[:, 0].any()
    return rows[:, 1:].reshape(height, width, channels)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.sampled_from([1, 3, 4]))))
def test_png(image: Any) -> None:
    np.testing.assert_array_equal(_decode(as_png(image)), image)


def test_three_images_of_a_weight_at_the_most(model: Any, logs: Path, events: Any) -> None:
    weight = np.linspace(-1, 1, 5 * 3 * 4).reshape(3, 4, 5)
    model.weights = {"conv/kernel": weight}
    FakeHost(TensorBoard(logs, histogram_freq=1, write_images=True), model=model).fit()
    (value,) = [v for e in events(logs / "train") for v in e.summary.value if v.tag == "conv/kernel/image"]
    width, height, *images = value.tensor.string_val
    assert (width, height, len(images)) == (b"4", b"3", 3)
    np.testing.assert_array_equal(_decode(images[2])[:, :, 0], as_bytes(weight)[:, :, 2])
