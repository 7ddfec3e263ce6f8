"""What single choices do to the doubling time: a row for each option."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
from bayesdense.posterior.intervals import KIND, PROB

if TYPE_CHECKING:
    import pandas as pd

    from bayesdense.studies import Study

__all__ = ["sensitivity"]

GAP = 0.7
LABEL_WIDTH = 34
MOST_SPAN = 4.0


def sensitivity(
    study: Study,
    *,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the doubling time of each specification of a study.

    Parameters
    ----------
    study : Study
        Of which one choice was changed at a time.
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
        The usual specification on top with a line through its median; thick
        intervals for these benchmarks, thin ones for a new benchmark; hollow
        dots where the posterior is not to be trusted.

    Examples
    --------
    >>> import bayesdense as bd
    >>> study = bd.studies.Study.load("study.json")  # doctest: +SKIP
    >>> fig, ax = bd.plots.sensitivity(study)  # doctest: +SKIP
    """
    table = study.summary(prob=prob)
    labels, places, at = [], [], 0.0
    choice_before = ""
    for i, row in enumerate(table.to_dict("records")):
        changed = [n for n in study.choices if row[n] != study.choices[n][0]]
        choice = changed[0] if changed else ""
        if i and choice != choice_before:
            at += GAP
        choice_before = choice
        labels.append(_label(str(row[choice]) if choice else _usual(study)))
        places.append(at)
        at += 1.0
    paper = tuple(DOUBLING_MONTHS.values())
    high = _highest(table, paper)
    look = artist_options(visuals, "points", "intervals", "line", "band")
    with figure_style():
        figure, ax = axes_of(ax, width=6.4, height=1.3 + 0.3 * at, figsize=figsize)
        ax.axvspan(*paper, **look("band", color=COLOURS["band"], alpha=0.25, lw=0, zorder=0))
        usual = float(table["median"].iloc[0])
        if np.isfinite(usual):
            ax.axvline(
                usual, **look("line", color=COLOURS["line"], lw=0.8, ls=(0, (4, 3)), zorder=1)
            )
        for place, row in zip(places, table.to_dict("records"), strict=True):
            _draw_row(ax, place, row, high, look)
        ax.set_yticks(places, labels)
        ax.set_ylim(at - 0.4, -0.8)
        low = float(np.nanmin([*table["lower"], *table["new_lower"], *paper]))
        ax.set_xlim(0.9 * low, high)
        ax.tick_params(axis="y", length=0)
        thin_grid(ax, axis="x")
        marks = f"grey: the paper, {paper[0]:g} to {paper[1]:g}"
        if table["new_lower"].notna().any():
            marks += "; thin: a new benchmark"
        if not table["trusted"].all():
            marks += "; hollow: not to be trusted"
        about = interval_text(table.assign(prob=prob, kind=KIND))
        ax.set_xlabel(f"doubling time of density, months\n{about}\n{marks}")
    return Plot(figure, ax)


def _usual(study: Study) -> str:
    if len(study.choices) == 1:
        return next(iter(study.choices.values()))[0]
    return "as it is"


def _label(text: str) -> str:
    return "\n".join(textwrap.wrap(text, LABEL_WIDTH)[:2])


def _highest(table: pd.DataFrame, paper: tuple[float, ...]) -> float:
    """Return a limit that holds every median and most intervals, but no very long ones."""
    medians = [v for v in table["median"] if np.isfinite(v)] or list(paper)
    uppers = [v for v in [*table["upper"], *table["new_upper"]] if np.isfinite(v)] or medians
    longest = max(1.5 * max(medians), MOST_SPAN * float(np.median(medians)))
    return 1.05 * min(max([*uppers, *medians, *paper]), longest)


def _draw_row(ax: Axes, place: float, row: dict[Any, Any], high: float, look: Options) -> None:
    colour = COLOURS["target"]
    if not np.isfinite(row["lower"]):
        text = row["reason"] if np.isnan(row["median"]) else "no growth"
        ax.annotate(
            textwrap.shorten(text, 60, placeholder=" ..."),
            (0.02, place),
            xycoords=ax.get_yaxis_transform(),
            va="center",
            fontsize=7,
            color=COLOURS["note"],
        )
        return
    for low, up, width in (("new_lower", "new_upper", 0.8), ("lower", "upper", 2.4)):
        if not np.isfinite(row[low]):
            continue
        ax.hlines(
            place,
            row[low],
            min(row[up], high),
            **look("intervals", color=colour, lw=width, zorder=3),
        )
        if row[up] > high:
            ax.plot(high, place, ">", color=colour, ms=4, mew=0, clip_on=False, zorder=4)
    if np.isfinite(row["median"]):
        face = colour if row["trusted"] else "white"
        ax.plot(
            row["median"],
            place,
            **look(
                "points",
                marker="o",
                ls="none",
                color=colour,
                mfc=face,
                mec=colour,
                mew=1.0,
                ms=5,
                zorder=5,
            ),
        )
