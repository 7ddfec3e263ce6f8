"""Effective size against actual size."""

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
    log_ticks,
    thin_grid,
)
from bayesdense.posterior.intervals import PROB
from bayesdense.tables.density import count_text

if TYPE_CHECKING:
    from bayesdense.fit import DensityFit

__all__ = ["effective_size"]


def effective_size(
    fit: DensityFit,
    *,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the effective size of every model against its actual size (eq. 4).

    Inside the shaded range there are reference models of that size; outside it
    the ruler is extrapolated, and the marker says so.

    Parameters
    ----------
    fit : DensityFit
        Its `effective_size` is drawn.
    prob : float
        Probability of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure is made if not given.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.
    visuals : mapping of str to mapping, optional
        Options of Matplotlib for ``points``, ``intervals``, ``line`` and
        ``band``, such as ``{"points": {"alpha": 0.5}}``; False leaves one out.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes

    Raises
    ------
    BayesdenseError
        If `prob` is not between 0 and 1.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fig, ax = bd.plots.effective_size(bd.load_fit("fit.nc"))  # doctest: +SKIP
    """
    table = fit.effective_size(prob=prob)
    own = table["is_reference"]
    references = table.loc[own if own.any() else ~own, "size"]
    smallest, largest = float(references.min()), float(references.max())
    outside, above = table["outside_reference"], table["median"] > largest
    groups = (
        (~own & ~outside, "o", "target", "within the range of the references"),
        (~own & outside & above, "^", "target", "above the range: extrapolated"),
        (~own & outside & ~above, "v", "target", "below the range: extrapolated"),
        (own & ~outside, "D", "reference", "reference model"),
        (own & outside, "d", "reference", "reference model beyond the range"),
    )
    look = artist_options(visuals, "points", "intervals", "line", "band")
    with figure_style():
        figure, ax = axes_of(ax, width=6.0, height=5.0, figsize=figsize)
        ax.set_xscale("log")
        ax.set_yscale("log")
        left, right = float(table["size"].min()) / 1.5, float(table["size"].max()) * 1.5
        bottom, top = float(table["lower"].min()) / 1.5, float(table["upper"].max()) * 1.5
        ax.axhspan(
            smallest, largest, **look("band", color=COLOURS["band"], alpha=0.18, lw=0, zorder=0)
        )
        ax.plot(
            [1e3, 1e18],
            [1e3, 1e18],
            **look("line", color=COLOURS["line"], lw=0.9, ls=(0, (4, 2)), zorder=1),
        )
        for chosen, marker, colour, name in groups:
            rows = table[chosen]
            if not len(rows):
                continue
            hollow = marker in "^vd"
            ax.vlines(
                rows["size"],
                rows["lower"],
                rows["upper"],
                **look("intervals", color=COLOURS[colour], alpha=0.35, lw=0.9),
            )
            ax.plot(
                rows["size"],
                rows["median"],
                **look(
                    "points",
                    marker=marker,
                    ls="none",
                    color=COLOURS[colour],
                    mfc="white" if hollow else COLOURS[colour],
                    mec=COLOURS[colour] if hollow else "white",
                    mew=0.9 if hollow else 0.6,
                    ms=4.6,
                    label=name,
                    zorder=4 if marker in "Dd" else 3,
                ),
            )
        ax.set_xlim(left, right)
        ax.set_ylim(bottom, top)
        for axis in (ax.xaxis, ax.yaxis):
            log_ticks(axis, text=count_text)
        thin_grid(ax)
        of = "references" if own.any() else "models"
        _name_line_and_range(ax, of, smallest=smallest, largest=largest)
        ax.set_xlabel(f"size (parameters)\npoints: median and {interval_text(table)}")
        ax.set_ylabel("effective size (parameters)")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, columnspacing=1.5)
    return Plot(figure, ax)


def _name_line_and_range(ax: Axes, of: str, *, smallest: float, largest: float) -> None:
    """Write beside the shaded range and the diagonal what they are."""
    ax.annotate(
        f"range of the {of}: {count_text(smallest)} to {count_text(largest)}",
        (1.0, smallest),
        xycoords=ax.get_yaxis_transform(),
        xytext=(-4, 4),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=7.5,
        color=COLOURS["note"],
    )
    left, right = ax.get_xlim()
    bottom, top = ax.get_ylim()
    first, last = np.log(max(left, bottom)), np.log(min(right, top))
    if first < last:
        at = float(np.exp(first + 0.8 * (last - first)))
        ax.annotate(
            "density 1",
            (at, at),
            xytext=(6, -8),
            textcoords="offset points",
            ha="left",
            va="top",
            fontsize=7.5,
            color=COLOURS["note"],
        )
