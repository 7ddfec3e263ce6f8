"""How well rulers predict what they have not seen, beside the best of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from bayesdense.plots.style import (
    COLOURS,
    Plot,
    Visuals,
    artist_options,
    axes_of,
    figure_style,
    thin_grid,
)

if TYPE_CHECKING:
    from bayesdense.studies import RulerComparison

__all__ = ["ruler_comparison"]

SMALL = 4.0
WIDE = 100.0
LOOKS = {
    "leave one out": ("o", "low", 0.2),
    "leave one family out": ("s", "middle", 0.0),
    "leave the largest out": ("D", "high", -0.2),
}


def ruler_comparison(
    comparison: RulerComparison,
    *,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the differences in predictive density to the best ruler.

    Parameters
    ----------
    comparison : RulerComparison
        Its `summary` is drawn.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure is made if not given.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.
    visuals : mapping of str to mapping, optional
        Options of Matplotlib for ``points`` and ``line``, such as ``{"points":
        {"alpha": 0.5}}``; False leaves one out.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes
        One row for each ruler, the best by the first criterion on top. Where
        differences reach beyond 100 the axis is linear up to 4, which says
        little, and logarithmic beyond.

    Examples
    --------
    >>> import bayesdense as bd
    >>> rulers = {"floor": bd.RulerModel(law="irreducible"), "none": bd.RulerModel()}
    >>> compared = bd.studies.compare_rulers(data, rulers)  # doctest: +SKIP
    >>> fig, ax = bd.plots.ruler_comparison(compared)  # doctest: +SKIP
    """
    table = comparison.summary()
    criteria = list(dict.fromkeys(table["criterion"]))
    rulers = list(table.loc[table["criterion"] == criteria[0], "ruler"])
    look = artist_options(visuals, "points", "line")
    with figure_style():
        figure, ax = axes_of(ax, width=6.2, height=1.9 + 0.38 * len(rulers), figsize=figsize)
        ax.axvline(0.0, **look("line", color=COLOURS["band"], lw=1.0, zorder=1))
        for criterion in criteria:
            marker, colour, shift = LOOKS[criterion]
            rows = table[table["criterion"] == criterion].set_index("ruler").loc[rulers]
            places = [i - shift for i in range(len(rulers))]
            ax.errorbar(
                rows["difference"],
                places,
                xerr=rows["se"],
                capsize=0,
                elinewidth=1.2,
                **look(
                    "points",
                    marker=marker,
                    ls="none",
                    color=COLOURS[colour],
                    ms=5.0,
                    label=f"{criterion} ({rows['units'].iloc[0]} units)",
                    zorder=3,
                ),
            )
        if float((table["difference"].abs() + table["se"]).max()) > WIDE:
            ax.set_xscale("symlog", linthresh=SMALL)
            ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        marks = ["" if trusted else " *" for trusted in _trusted(table, rulers)]
        names = [f"{ruler}{mark}" for ruler, mark in zip(rulers, marks, strict=True)]
        ax.set_yticks(range(len(rulers)), names)
        ax.set_ylim(len(rulers) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        thin_grid(ax, axis="x")
        label = (
            "log predictive density less that of the best\n"
            "bars: one standard error, whole models or families as clusters"
        )
        if any(marks):
            label += "\n* a fit is not to be trusted"
        ax.set_xlabel(label)
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=2)
    return Plot(figure, ax)


def _trusted(table: pd.DataFrame, rulers: list[str]) -> list[bool]:
    by_ruler = table.groupby("ruler")["trusted"].all()
    return [bool(by_ruler[name]) for name in rulers]
