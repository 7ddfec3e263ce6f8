"""Measured scores against predicted ones, on one benchmark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense.errors import UnknownNameError
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
    from bayesdense.fit import DensityFit

__all__ = ["scores"]


def scores(
    fit: DensityFit,
    *,
    benchmark: str,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw measured scores on one benchmark against their predictive intervals.

    Parameters
    ----------
    fit : DensityFit
        Its `scores` are drawn.
    benchmark : str
        A benchmark of the fit.
    prob : float
        Probability of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure is made if not given.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.
    visuals : mapping of str to mapping, optional
        Options of Matplotlib for ``points``, ``intervals`` and ``line``, such
        as ``{"points": {"alpha": 0.5}}``; False leaves one out.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes

    Raises
    ------
    UnknownNameError
        If the fit has no such benchmark.
    BayesdenseError
        If `prob` is not between 0 and 1.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fig, ax = bd.plots.scores(bd.load_fit("fit.nc"), benchmark="MATH")  # doctest: +SKIP
    """
    table = fit.scores(prob=prob)
    known = list(dict.fromkeys(table["benchmark"]))
    if benchmark not in known:
        raise UnknownNameError.of("benchmark", benchmark, known)
    table = table[table["benchmark"] == benchmark]
    look = artist_options(visuals, "points", "intervals", "line")
    with figure_style():
        figure, ax = axes_of(ax, width=4.6, height=4.6, figsize=figsize)
        ax.axline(
            (0, 0), slope=1, **look("line", color=COLOURS["line"], lw=0.9, ls=(0, (4, 2)), zorder=1)
        )
        for inside, colour, marker, name in (
            (True, "target", "o", "inside"),
            (False, "reference", "X", "outside"),
        ):
            rows = table[table["inside"] == inside]
            if not len(rows):
                continue
            ax.hlines(
                rows["score"],
                rows["lower"],
                rows["upper"],
                **look("intervals", color=COLOURS[colour], alpha=0.3, lw=0.8),
            )
            ax.plot(
                rows["median"],
                rows["score"],
                **look(
                    "points",
                    marker=marker,
                    ls="none",
                    color=COLOURS[colour],
                    mec="white",
                    mew=0.5,
                    ms=4.4 if marker == "o" else 6.0,
                    label=f"{name} the interval: {len(rows):,} scores",
                    zorder=3,
                ),
            )
        low = min(float(table["lower"].min()), float(table["score"].min()))
        high = max(float(table["upper"].max()), float(table["score"].max()))
        pad = 0.03 * (high - low)
        ax.set_xlim(low - pad, high + pad)
        ax.set_ylim(low - pad, high + pad)
        ax.set_aspect("equal")
        thin_grid(ax)
        ax.set_title(benchmark)
        ax.set_xlabel(f"predicted score (median and {interval_text(table)})")
        ax.set_ylabel("measured score")
        ax.legend(loc="upper left")
    return Plot(figure, ax)
