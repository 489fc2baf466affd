"""History's metrics as a figure of matplotlib, which a notebook shows."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from epochal.console import in_notebook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Points = Sequence[tuple[int, Any]]


class ShownFigure(Figure):  # type: ignore[misc]  # matplotlib is optional, and not there when types are checked
    """A figure that is shown at the end of the notebook's cell that made it, once.

    A notebook shows figures of pyplot only, and others not before pyplot was imported. pyplot is left alone, as
    importing it chooses a window system.
    """

    def _ipython_display_(self) -> None:
        from IPython.display import Image, display

        self._stop_waiting()  # first, so that a figure that cannot be drawn says so once
        file = io.BytesIO()
        self.savefig(file, format="png")
        display(Image(file.getvalue()))

    def show_at_the_end_of_the_cell(self) -> None:
        """Show the figure when the cell has run, with all that was changed in it until then, unless it was shown."""
        self._shell = sys.modules["IPython"].get_ipython()
        self._shell.events.register("post_execute", self._ipython_display_)

    def _stop_waiting(self) -> None:
        if getattr(self, "_shell", None) is not None:
            self._shell.events.unregister("post_execute", self._ipython_display_)
            self._shell = None

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_shell": None}


def draw(curves: Mapping[str, Mapping[str, Points]], ax: Any = None) -> Any:
    """Draw curves over the epochs.

    Args:
        curves: Title of each Axes to the names of its curves to their points.
        ax: The Axes to draw into: one for all, or one for each title. None: a new figure, which a notebook shows.

    Returns:
        The new figure; `ax` if it was passed. Its figure would be shown twice as the last line of a cell: by the
        notebook and by pyplot.

    Raises:
        ValueError: There are more or fewer Axes than titles.
    """
    if ax is None:
        figure = ShownFigure(figsize=(6.4, 1.0 + 2.6 * len(curves)), layout="constrained")
        places = [figure.add_subplot(len(curves), 1, number) for number in range(1, len(curves) + 1)]
        if curves and in_notebook():
            figure.show_at_the_end_of_the_cell()
    else:
        figure, places = ax, _places(ax, len(curves))
    shares = len(set(map(id, places))) < len(places)
    for axes, (name, of_name) in zip(places, curves.items(), strict=True):
        for label, points in of_name.items():
            if points:
                axes.plot(*zip(*points, strict=True), marker=".", label=label)
        axes.set(xlabel="epoch", ylabel="" if shares else name)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        if axes.get_lines():
            axes.legend()
    return figure


def _places(ax: Any, count: int) -> list[Any]:
    """Return an Axes for each of so many titles."""
    if hasattr(ax, "plot"):
        return [ax] * count
    places = list(getattr(ax, "flat", ax))
    if len(places) != count:
        raise ValueError(f"ax has {len(places)} Axes for {count} metrics. Pass one for all of them, or one for each.")
    return places
