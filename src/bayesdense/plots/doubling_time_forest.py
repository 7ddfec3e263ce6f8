"""Doubling times of density: every estimator and benchmark of one or several fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bayesdense.errors import BayesdenseError
from bayesdense.paper import DOUBLING_MONTHS
from bayesdense.plots.style import (
    COLOURS,
    Options,
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

__all__ = ["doubling_time"]

ALL, WITHIN = "all benchmarks", "within families"
NEW = "new benchmark"
NO_END = "no finite end"
ROW = 0.21
TICKS = (0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 18, 24, 36, 48, 72, 96, 120, 240, 480, 960)
MOST_SPAN = 8.0


def doubling_time(
    *fits: DensityFit,
    prob: float = PROB,
    paper: bool = True,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw doubling times in months, for each estimator and benchmark.

    Parameters
    ----------
    *fits : DensityFit
        One or several, such as a linear and a frontier fit of the same data;
        their `doubling_time` is drawn.
    prob : float
        Probability of the intervals.
    paper : bool
        Whether to mark the 3.3 and 3.5 months of Xiao et al.
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
        An interval that leaves the figure, or has no finite end, ends in an
        arrow; its figures stand at the right.

    Raises
    ------
    BayesdenseError
        If no fit is given, or `prob` is not between 0 and 1.

    Examples
    --------
    >>> import bayesdense as bd
    >>> linear, frontier = bd.load_fit("linear.nc"), bd.load_fit("frontier.nc")  # doctest: +SKIP
    >>> fig, ax = bd.plots.doubling_time(linear, frontier)  # doctest: +SKIP
    """
    if not fits:
        raise BayesdenseError("doubling_time needs at least one fit")
    table = _combined(fits, prob)
    places, labels, height = _rows(table, several=len(fits) > 1)
    low, high = _limits(table, paper)
    look = artist_options(visuals, "points", "intervals", "line")
    with figure_style():
        figure, ax = axes_of(ax, width=7.0, height=1.1 + height * ROW, figsize=figsize)
        ax.set_xscale("log")
        ax.set_xlim(low, high)
        ax.set_ylim(height - 0.3, -1.0)
        for place, row in zip(places, table.itertuples(), strict=True):
            _draw_row(ax, place, row, look, high=high)
        if paper:
            _draw_paper(ax, look)
        ax.xaxis.set_major_locator(FixedLocator([t for t in TICKS if low <= t <= high]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        thin_grid(ax, axis="x")
        ax.set_yticks(places, labels)
        for tick, benchmark in zip(ax.get_yticklabels(), table["benchmark"], strict=True):
            tick.set_fontweight("bold" if benchmark == ALL else "normal")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(
            "doubling time of capability density (months)\n"
            f"median and {interval_text(table)}; bold: over all benchmarks"
        )
    return Plot(figure, ax)


def _combined(fits: tuple[DensityFit, ...], prob: float) -> pd.DataFrame:
    """Return the tables of all fits below one another, with a column that names the fit."""
    tables = []
    trends = [fit.spec.trend.name for fit in fits]
    for number, fit in enumerate(fits, 1):
        name = f"{fit.spec.trend.name} fit"
        if len(set(trends)) < len(trends):
            name = f"fit {number}, {fit.spec.trend.name}"
        tables.append(fit.doubling_time(prob=prob).assign(fit=name))
    return pd.concat(tables, ignore_index=True)


def _rows(table: pd.DataFrame, *, several: bool) -> tuple[list[float], list[str], float]:
    """Return place and label of each row, and the height of all in rows."""
    places: list[float] = []
    labels: list[str] = []
    at = 0.0
    group: tuple[str, ...] = ()
    sizes = table.groupby(["fit", "estimator", "period"]).size()
    previous_was_single = False
    found: list[Any] = list(table.itertuples())
    for row in found:
        own = (row.fit, row.estimator, row.period)
        single = int(sizes[own]) == 1
        # A group stands apart; estimators of one row stand together.
        if group and own != group and not (single and previous_was_single):
            at += 0.6
        previous_was_single = single
        group = own
        places.append(at)
        at += 1.0
        if row.benchmark != ALL:
            labels.append(str(row.benchmark))
            continue
        period = "" if row.period == "all dates" else f" {row.period}"
        benchmarks = f"all ({row.fit})" if several else ALL
        labels.append(f"{row.estimator}{period}, {benchmarks}")
    return places, labels, at


def _limits(table: pd.DataFrame, paper: bool) -> tuple[float, float]:
    """Return limits that hold the medians and most intervals, but no very long ones.

    Growth within families may be next to none: its row ends in an arrow.
    """
    table = table[~table["estimator"].str.contains(WITHIN)]
    marks = [*DOUBLING_MONTHS.values()] if paper else []
    medians = [v for v in table["median"] if np.isfinite(v)] + marks
    lowers = [v for v in table["lower"] if np.isfinite(v)] + marks
    uppers = [v for v in table["upper"] if np.isfinite(v)] + medians
    if not uppers:
        return 1.0, 10.0
    low = 0.85 * min(lowers + medians)
    longest = max(max(medians) * 1.5, float(np.median(medians)) * MOST_SPAN)
    return low, 1.1 * min(max(uppers), longest)


def _draw_row(ax: Axes, place: float, row: Any, look: Options, *, high: float) -> None:
    """Draw one interval with its figures at the right."""
    headline = row.benchmark == ALL
    colour = COLOURS.get(row.estimator, COLOURS["other"])
    width = 3.0 if headline else 1.5
    if np.isfinite(row.lower):
        end = min(row.upper, high)
        ax.hlines(place, row.lower, end, **look("intervals", color=colour, lw=width, zorder=3))
        if row.upper > high:
            ax.plot(
                high,
                place,
                ">",
                color=colour,
                ms=7 if headline else 5.5,
                mew=0,
                clip_on=False,
                zorder=4,
            )
    if np.isfinite(row.median) and row.median <= high:
        face = "white" if row.benchmark == NEW else colour
        ax.plot(
            row.median,
            place,
            **look(
                "points",
                marker="o",
                ls="none",
                color=colour,
                mfc=face,
                mec=colour if face == "white" else "white",
                mew=1.2 if face == "white" else 0.8,
                ms=7.5 if headline else 5.0,
                zorder=5,
            ),
        )
    ax.annotate(
        _figures(row),
        (1.0, place),
        xycoords=ax.get_yaxis_transform(),
        xytext=(10, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        fontweight="bold" if headline else "normal",
        annotation_clip=False,
    )


def _figures(row: Any) -> str:
    """Return median and interval as text, with words for what is not finite."""
    if np.isnan(row.median):
        return "no slope in any draw"
    if np.isinf(row.lower):
        return "no growth"
    median = f"{row.median:.1f}" if np.isfinite(row.median) else "no growth"
    upper = f"to {row.upper:.1f}" if np.isfinite(row.upper) else f"to {NO_END}"
    if row.upper >= 100 and np.isfinite(row.upper):
        upper = f"to {row.upper:.0f}"
    return f"{median} ({row.lower:.1f} {upper})"


def _draw_paper(ax: Axes, look: Options) -> None:
    """Mark the doubling times of the paper, named above the rows."""
    months = list(DOUBLING_MONTHS.values())
    sides = ["right", "left"]
    for side, (name, value) in zip(sides, DOUBLING_MONTHS.items(), strict=True):
        ax.axvline(value, **look("line", color=COLOURS["note"], lw=0.8, ls=(0, (3, 2)), zorder=1))
        ax.annotate(
            f"{name}: {value:g}",
            (value, 1.0),
            xycoords=ax.get_xaxis_transform(),
            xytext=(-2 if value == min(months) else 2, 1),
            textcoords="offset points",
            ha=side,
            va="bottom",
            fontsize=7,
            color=COLOURS["note"],
        )
