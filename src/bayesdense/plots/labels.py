"""Names beside points, such that none lies on another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from bayesdense.plots.style import COLOURS

__all__ = ["label_points"]

# Offsets in points to try, nearest first.
_SIDES = ((1, 0.4), (-1, 0.6), (0, 1.1), (1, -0.7), (-1, -0.7), (0, -1.2), (1, 1), (-1, 1.3))
_PLACES = [(far * dx, far * dy) for far in (6.0, 11.0, 18.0, 27.0, 38.0) for dx, dy in _SIDES]
_LEADER_FROM = 10.0


def label_points(
    ax: Axes,
    *,
    x: Sequence[Any],
    y: Sequence[float],
    names: Sequence[str],
    obstacles: Iterable[Any] = (),
    occupied: tuple[Sequence[Any], Sequence[float]] | None = None,
    size: float = 7.0,
) -> list[str]:
    """Write names beside points; a name that finds no free place is left out.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        With its final limits and scales.
    x, y : sequence
        Places of the points, in data units, the most important first.
    names : sequence of str
        One for each point.
    obstacles : iterable of matplotlib.artist.Artist
        Legend and text that names must not cover.
    occupied : tuple of two sequences, optional
        Places of other points that names should not cover.
    size : float
        Font size.

    Returns
    -------
    list of str
        The names that were written.
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        return []
    # Positions are known only after a layout, which needs some canvas.
    if not hasattr(figure.canvas, "get_renderer"):
        FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]
    frame = ax.get_window_extent(renderer)
    taken = [artist.get_window_extent(renderer).padded(3) for artist in obstacles]
    dots = np.empty((0, 2))
    if occupied is not None:
        dots = ax.transData.transform(_numbers(ax, *occupied))
    written = []
    for position, name in zip(_numbers(ax, x, y), names, strict=True):
        text = ax.annotate(
            name,
            position,
            xytext=(0, 0),
            textcoords="offset points",
            fontsize=size,
            color=COLOURS["line"],
            va="center",
            zorder=6,
        )
        choice = _free_place(text, renderer, frame, taken, dots)
        if choice is None:
            text.remove()
            continue
        dx, dy, box = choice
        taken.append(box)
        written.append(name)
        if np.hypot(dx, dy) > _LEADER_FROM:
            ax.annotate(
                "",
                position,
                xytext=(dx * 0.92, dy * 0.92),
                textcoords="offset points",
                arrowprops={"arrowstyle": "-", "color": COLOURS["note"], "lw": 0.5, "shrinkB": 3},
                zorder=5,
            )
    return written


def _numbers(ax: Axes, x: Sequence[Any], y: Sequence[float]) -> np.ndarray:
    """Return points as numbers: dates become the axis's own unit."""
    return np.column_stack([np.asarray(ax.convert_xunits(x), float), np.asarray(y, float)])


def _free_place(
    text: Any, renderer: Any, frame: Bbox, taken: list[Bbox], dots: np.ndarray
) -> tuple[float, float, Bbox] | None:
    best: tuple[float, float, Bbox] | None = None
    fewest = 3
    for dx, dy in _PLACES:
        text.set_position((dx, dy))
        text.set_horizontalalignment(_align(dx))
        box = Bbox(text.get_window_extent(renderer).padded(1.5))
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1
        inside = inside and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if not inside or any(box.overlaps(other) for other in taken):
            continue
        covered = int(np.sum(_within(dots, box))) if len(dots) else 0
        if covered < fewest:
            best, fewest = (dx, dy, box), covered
        if covered == 0:
            break
    if best is not None:
        dx, dy, _ = best
        text.set_position((dx, dy))
        text.set_horizontalalignment(_align(dx))
    return best


def _within(dots: np.ndarray, box: Bbox) -> np.ndarray:
    near = box.padded(2.5)
    return (
        (dots[:, 0] > near.x0)
        & (dots[:, 0] < near.x1)
        & (dots[:, 1] > near.y0)
        & (dots[:, 1] < near.y1)
    )


def _align(dx: float) -> str:
    """Return the alignment of a text that stands to one side of its point."""
    return "center" if dx == 0 else ("left" if dx > 0 else "right")
