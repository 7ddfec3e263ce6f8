"""Scores of new models beside what their other scores predict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense.plots.style import (
    COLOURS,
    Plot,
    Visuals,
    artist_options,
    axes_of,
    figure_style,
    interval_text,
    thin_grid,
)
from bayesdense.posterior.intervals import PROB

if TYPE_CHECKING:
    from bayesdense.fit.placement import Placement

__all__ = ["placement"]


def placement(
    placed: Placement,
    *,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw every score of new models beside what their scores on other benchmarks predict.

    Where the models stand on the trend is drawn by `trend` with ``placed``.

    Parameters
    ----------
    placed : Placement
        Its `scores` are drawn.
    prob : float
        Probability of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure is made if not given.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.
    visuals : mapping of str to mapping, optional
        Options of Matplotlib for ``points`` and ``intervals``, such as
        ``{"points": {"alpha": 0.5}}``; False leaves one out.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes
        A score that cannot be predicted has no interval.

    Raises
    ------
    BayesdenseError
        If `prob` is not between 0 and 1.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("fit.nc")  # doctest: +SKIP
    >>> placed = fit.place(
    ...     n_params=8e9, release_date="2025-05-01", scores={"MMLU": 0.76, "MATH": 0.61}
    ... )  # doctest: +SKIP
    >>> fig, ax = bd.plots.placement(placed)  # doctest: +SKIP
    """
    table = placed.scores(prob=prob)
    several = table["model"].nunique() > 1
    rows = np.arange(len(table))[::-1]
    look = artist_options(visuals, "points", "intervals")
    with figure_style():
        height = 1.2 + 0.3 * len(table)
        figure, ax = axes_of(ax, width=5.6, height=height, figsize=figsize)
        known = table["median"].notna().to_numpy()
        ax.hlines(
            rows[known],
            table["lower"][known],
            table["upper"][known],
            **look(
                "intervals",
                color=COLOURS["band"],
                lw=5.0,
                alpha=0.6,
                label="predicted",
            ),
        )
        flagged = table["out_of_line"].ne("").to_numpy()
        for chosen, colour, marker, name in (
            (~flagged, "target", "o", "measured"),
            (flagged, "reference", "X", "measured, out of line"),
        ):
            if chosen.any():
                ax.plot(
                    table["score"][chosen],
                    rows[chosen],
                    **look(
                        "points",
                        marker=marker,
                        ls="none",
                        color=COLOURS[colour],
                        mec="white",
                        mew=0.6,
                        ms=6.0 if marker == "o" else 8.0,
                        label=name,
                        zorder=3,
                    ),
                )
        names = table["benchmark"].astype(str)
        if several:
            names = table["model"].astype(str) + ", " + names
        ax.set_yticks(rows, names)
        ax.set_ylim(-0.6, len(table) - 0.4)
        thin_grid(ax, axis="x")
        ax.set_xlabel(f"score\npredicted: without the score, {interval_text(table)}")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return Plot(figure, ax)
