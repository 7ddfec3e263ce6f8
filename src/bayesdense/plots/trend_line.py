"""Capability density against release date, with the trend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, DateFormatter
from matplotlib.figure import Figure

from bayesdense.plots.labels import label_points
from bayesdense.plots.style import (
    COLOURS,
    Options,
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
    from bayesdense.fit.placement import Placement

__all__ = ["trend"]

ALL = "all benchmarks"
HIGHEST_LABELLED = 3
# Where along the axis the legend begins, and the height of an entry, in shares of the axes.
LEGEND_FROM, LEGEND_LINE = 0.55, 0.048
SIZES = {"o": 4.4, "D": 5.0, "*": 13.0}
ENVELOPES = ("envelope", "envelope of replicates")


def trend(
    fit: DensityFit,
    *,
    prob: float = PROB,
    labels: bool = True,
    placed: Placement | None = None,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the density of every dated model against its release date, and the trend.

    The line is read at one size, 2e10 parameters, and is the trend of a model
    of that size; the points are at their own sizes.

    Parameters
    ----------
    fit : DensityFit
        Its `density`, `trend_line` and `doubling_time` are drawn.
    prob : float
        Probability of all intervals and of the band.
    labels : bool
        Whether to name the models that raised the record and the densest ones.
    placed : Placement, optional
        New models that `fit.place` returned: drawn with their names, as stars.
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
    >>> fig, ax = bd.plots.trend(bd.load_fit("fit.nc"))  # doctest: +SKIP
    >>> fig.savefig("trend.svg")  # doctest: +SKIP
    """
    table = fit.density(prob=prob).dropna(subset=["release_date"])
    line = fit.trend_line(prob=prob)
    headline = _headline(fit.doubling_time(prob=prob))
    new = pd.DataFrame() if placed is None else placed.density(prob=prob)
    if len(new):
        new = new.dropna(subset=["release_date"])
    look = artist_options(visuals, "points", "intervals", "line", "band")
    with figure_style():
        figure, ax = axes_of(ax, width=7.0, height=4.6, figsize=figsize)
        ax.set_yscale("log")
        thin_grid(ax, axis="y")
        ax.fill_between(
            line["date"],
            line["lower"],
            line["upper"],
            **look(
                "band",
                color=COLOURS["band"],
                alpha=0.3,
                lw=0,
                label=f"{interval_text(line)} of the trend",
            ),
        )
        size = count_text(float(line["size"].iloc[0]))
        ax.plot(
            line["date"],
            line["median"],
            **look(
                "line",
                color=COLOURS["line"],
                label=f"{fit.spec.trend.name} trend, read at {size} parameters",
                zorder=3,
            ),
        )
        for is_reference, colour, marker, name in (
            (False, "target", "o", "model"),
            (True, "reference", "D", "reference model"),
        ):
            own = table[table["is_reference"] == is_reference]
            for hollow, kind in ((False, name), (True, f"{name}, extrapolated")):
                rows = own[own["outside_reference"] == hollow]
                if len(rows):
                    chosen_colour = COLOURS[colour]
                    _points(
                        ax,
                        rows,
                        look,
                        colour=chosen_colour,
                        marker=marker,
                        name=kind,
                        hollow=hollow,
                    )
        if len(new):
            _points(
                ax, new, look, colour=COLOURS["placed"], marker="*", name="new model", hollow=False
            )
        entries = len(ax.get_legend_handles_labels()[0])
        every = pd.concat([table, new])
        ax.set_ylim(*_limits(every, line, lines=headline.count("\n") + 1, entries=entries))
        ax.margins(x=0.03)
        log_ticks(ax.yaxis, text=lambda value: f"{value:g}")
        ax.set_ylabel("capability density (effective size / size)")
        ax.xaxis.set_major_locator(AutoDateLocator(minticks=3, maxticks=8))
        ax.xaxis.set_major_formatter(DateFormatter("%Y-%m"))
        ax.set_xlabel(f"release date\npoints: median and {interval_text(table)}")
        text = ax.text(
            0.02,
            0.97,
            headline,
            transform=ax.transAxes,
            va="top",
            fontsize=8,
            linespacing=1.3,
            bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": "#BBBBBB", "lw": 0.6},
            zorder=7,
        )
        legend = ax.legend(loc="lower right", reverse=True)
        if labels:
            chosen = pd.concat([new, _notable(table)])
            label_points(
                ax,
                x=chosen["release_date"].to_list(),
                y=chosen["median"].to_list(),
                names=chosen["model"].to_list(),
                obstacles=[text, legend],
                occupied=(
                    [*every["release_date"], *line["date"]],
                    [*every["median"], *line["median"]],
                ),
            )
    return Plot(figure, ax)


def _points(
    ax: Axes,
    rows: pd.DataFrame,
    look: Options,
    *,
    colour: str,
    marker: str,
    name: str,
    hollow: bool,
) -> None:
    ax.vlines(
        rows["release_date"],
        rows["lower"],
        rows["upper"],
        **look("intervals", color=colour, alpha=0.35, lw=0.9),
    )
    ax.plot(
        rows["release_date"],
        rows["median"],
        **look(
            "points",
            marker=marker,
            ls="none",
            color=colour,
            ms=SIZES[marker],
            mfc="white" if hollow else colour,
            mec=colour if hollow else "white",
            mew=1.0 if hollow else 0.6,
            label=name,
            zorder=4,
        ),
    )


def _limits(
    table: pd.DataFrame, line: pd.DataFrame, *, lines: int, entries: int
) -> tuple[float, float]:
    """Return limits with room for the box of text above the points, and the legend below them."""
    dates = pd.concat([table["release_date"], line["date"]])
    ends = np.log(pd.concat([table["lower"], line["lower"]]).to_numpy())
    low, high = ends.min(), np.log(max(table["upper"].max(), line["upper"].max()))
    # The legend is in the corner of the latest models.
    late = dates.to_numpy() >= dates.min() + LEGEND_FROM * (dates.max() - dates.min())
    above, below = 0.035 * lines, min(LEGEND_LINE * entries, 0.4)
    high += above * (high - low)
    low = min(low, (ends[late].min() - below * high) / (1.0 - below)) - 0.26
    return float(np.exp(low)), float(np.exp(high))


def _headline(table: pd.DataFrame) -> str:
    """Return the doubling times over all benchmarks as lines of text."""
    rows = table[(table["benchmark"] == ALL) & ~table["estimator"].isin(ENVELOPES)]
    lines = ["Doubling time of density"]
    found: list[Any] = list(rows.itertuples())
    for row in found:
        upper = f"{row.upper:.1f}" if np.isfinite(row.upper) else "no finite end"
        median = f"{row.median:.1f} months" if np.isfinite(row.median) else "no growth"
        period = "" if row.period == "all dates" else f", {row.period}"
        lines.append(f"{row.estimator}{period}: {median} ({row.lower:.1f} to {upper})")
    dates = "all dates; " if all(row.period == "all dates" for row in found) else ""
    lines.append(f"{dates}{interval_text(table)}")
    return "\n".join(lines)


def _notable(table: pd.DataFrame) -> pd.DataFrame:
    """Return the models to name: the densest, then those that set a record, latest first.

    Models of one date enter together, so a date sets one record at most.
    """
    targets = table[~table["is_reference"]].sort_values("median", ascending=False)
    highest = targets.head(HIGHEST_LABELLED)
    best = targets.drop_duplicates("release_date").sort_values("release_date")
    before = best["median"].cummax().shift(fill_value=0.0)
    records = best[best["median"] > before].iloc[::-1]
    return pd.concat([highest, records]).drop_duplicates(subset="model")
