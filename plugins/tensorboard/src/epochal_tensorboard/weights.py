"""The weights of a model, as histograms and images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import summaries
from .images import MOST, as_bytes, as_images, as_png

if TYPE_CHECKING:
    from epochal.frameworks import ModelAdapter


def weight_events(adapter: ModelAdapter, step: int, *, with_images: bool) -> list[bytes]:
    """Return an event for every weight of a model.

    Args:
        adapter: Knows the weights.
        step: Their step.
        with_images: Whether images are among the values.
    """
    events = []
    for path, weight in adapter.named_weights():
        values = [summaries.histogram(f"{path}/histogram", weight)]
        images = as_images(weight, channels_last=adapter.channels_last) if with_images else None
        if images is not None:
            _, height, width, _ = images.shape
            values.append(
                summaries.image(f"{path}/image", width, height, [as_png(image) for image in as_bytes(images)[:MOST]])
            )
        events.append(summaries.event(step, [value for value in values if value is not None]))
    return events
