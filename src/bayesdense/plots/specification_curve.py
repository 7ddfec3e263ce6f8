"""Every specification of a study, sorted by its answer, with what was chosen below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense.paper import DOUBLING_MONTHS
from bayesdense.plots.style import (
    COLOURS,
    Options,
    Picture,
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

__all__ = ["specification_curve"]

WIDTH, CURVE_HEIGHT = 7.0, 2.4
LETTER, MARGIN, TITLE = 0.062, 0.12, 0.32  # Inches.
ROW_HEIGHT = 0.17
GAP = 0.6
LEAST_HEIGHT = 0.5
MOST_SPAN = 2.5


def specification_curve(
    study: Study,
    *,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw all specifications of a study, sorted, and mark their choices below.

    Parameters
    ----------
    study : Study
        Of which every combination was fitted.
    prob : float
        Probability of the intervals.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure is made if not given. The choices are
        drawn below these axes.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.
    visuals : mapping of str to mapping, optional
        Options of Matplotlib for ``points``, ``intervals`` and ``band``, such
        as ``{"points": {"alpha": 0.5}}``; False leaves one out.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes
        Medians and intervals of the doubling time by rank; the usual
        specification in orange, those that are not to be trusted hollow.
        Below, a row for each option; of a choice of sets, for each member.

    Examples
    --------
    >>> import bayesdense as bd
    >>> study = bd.studies.Study.load("curve.json")  # doctest: +SKIP
    >>> fig, ax = bd.plots.specification_curve(study)  # doctest: +SKIP
    """
    table = study.summary(prob=prob)
    usual = np.ones(len(table), dtype=bool)
    for name, options in study.choices.items():
        usual &= (table[name] == options[0]).to_numpy()
    table = table.assign(usual=usual)
    failed = int(table["median"].isna().sum())
    table = table.dropna(subset="median").sort_values("median", ignore_index=True)
    rows = {name: _rows(options) for name, options in study.choices.items()}
    below = ROW_HEIGHT * sum(len(taken) + GAP for taken in rows.values())
    look = artist_options(visuals, "points", "intervals", "band")
    with figure_style():
        if ax is None:
            ax = _own_axes(rows, below, figsize)
        figure, ax = axes_of(ax, width=WIDTH, height=CURVE_HEIGHT, figsize=figsize)
        _draw_curve(ax, table, tuple(DOUBLING_MONTHS.values()), look)
        about = interval_text(table.assign(prob=prob, kind=KIND)) if len(table) else ""
        count = f"{len(table)} specifications"
        if failed:
            count += f" ({failed} more failed)"
        ax.set_title(f"{count}, {about}", fontsize=8.5, fontweight="normal")
        ax.set_ylabel("doubling time, months")
        share = below / _height_of(ax)
        matrix = ax.inset_axes((0.0, -share, 1.0, share))
        _draw_choices(matrix, table, rows)
        matrix.set_xlim(ax.get_xlim())
    return Plot(figure, ax)


def _height_of(ax: Axes) -> float:
    """Return the height of axes in inches."""
    figure = ax.get_figure(root=True)
    return float(ax.get_window_extent().height / figure.dpi) if figure else CURVE_HEIGHT


def _rows(options: list[str]) -> dict[str, set[str]]:
    """Return which options to mark in each row below the curve, by label.

    One row for an option; for sets, which are "all ..." or parts with commas between, one row for
    each part, so that one sees which part it is that matters.
    """
    whole, *others = options
    parts = list(dict.fromkeys(part for option in others for part in option.split(", ")))
    sets = whole.startswith("all ") and any(", " in option for option in others)
    if not sets or len(parts) >= len(options):
        return {option: {option} for option in options}
    having = {part: {o for o in others if part in o.split(", ")} for part in parts}
    return {part: taken | {whole} for part, taken in having.items()}


def _own_axes(
    choices: dict[str, dict[str, set[str]]], below: float, figsize: tuple[float, float] | None
) -> Axes:
    """Return axes of a new figure that has room for labels at the left and choices below."""
    longest = max(len(label) for rows in choices.values() for label in rows)
    left = max(0.6, LETTER * longest + 0.15)
    # The choices keep their height, so that it is the curve that grows with the figure.
    width, height = figsize or (WIDTH, TITLE + CURVE_HEIGHT + below + 2 * MARGIN)
    curve = max(height - TITLE - below - 2 * MARGIN, LEAST_HEIGHT)
    figure = Picture(figsize=(width, height))
    return figure.add_axes(
        (
            left / width,
            (below + 1.5 * MARGIN) / height,
            1.0 - (left + MARGIN) / width,
            curve / height,
        )
    )


def _draw_curve(ax: Axes, table: pd.DataFrame, paper: tuple[float, ...], look: Options) -> None:
    ax.axhspan(*paper, **look("band", color=COLOURS["band"], alpha=0.3, lw=0, zorder=0))
    medians = table["median"].to_numpy(dtype=float)
    finite = medians[np.isfinite(medians)]
    longest = MOST_SPAN * float(np.median(finite)) if len(finite) else 10.0
    highest = min(float(np.nanmax([*table["upper"], *paper])), longest)
    highest = 1.03 * max(highest, float(finite.max()) if len(finite) else 0.0)
    for i, row in enumerate(table.to_dict("records")):
        _draw_one(ax, i, row, highest, look, thin=len(table) > 60)
    ax.set_xlim(-1, len(table))
    ax.set_ylim(0.93 * float(np.nanmin([*table["lower"], *paper])), highest)
    ax.set_xticks([])
    ax.spines["bottom"].set_visible(False)
    thin_grid(ax, axis="y")
    ax.annotate(
        f"paper: {paper[0]:g} to {paper[1]:g}",
        (0.0, float(np.mean(paper))),
        xycoords=ax.get_yaxis_transform(),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=6.5,
        color=COLOURS["note"],
        zorder=6,
    )


def _draw_one(
    ax: Axes,
    place: int,
    row: dict[Any, Any],
    high: float,
    look: Options,
    *,
    thin: bool,
) -> None:
    colour = COLOURS["reference"] if row["usual"] else COLOURS["target"]
    width = (0.7 if thin else 1.4) * (2.2 if row["usual"] else 1.0)
    ax.vlines(
        place,
        row["lower"],
        min(row["upper"], high),
        **look("intervals", color=colour, lw=width, zorder=3),
    )
    size = 2.2 if thin else 4.0
    face = colour if row["trusted"] else "white"
    ax.plot(
        place,
        min(row["median"], high),
        **look(
            "points",
            marker="o",
            ls="none",
            color=colour,
            mfc=face,
            mec=colour,
            mew=0.7,
            ms=size * (1.6 if row["usual"] else 1.0),
            zorder=5 if row["usual"] else 4,
        ),
    )


def _draw_choices(ax: Axes, table: pd.DataFrame, choices: dict[str, dict[str, set[str]]]) -> None:
    """Mark which options each specification took."""
    at, places, labels = 0.0, [], []
    for name, rows in choices.items():
        ax.annotate(
            name,
            (1.0, at - 0.45),
            xycoords=ax.get_yaxis_transform(),
            ha="right",
            va="bottom",
            fontsize=6.5,
            color=COLOURS["note"],
        )
        for label, marked in rows.items():
            taken = table[name].isin(marked).to_numpy()
            ax.plot(
                np.flatnonzero(taken),
                np.full(int(taken.sum()), at),
                "|",
                color=COLOURS["line"],
                ms=5,
                mew=0.8 if len(table) > 60 else 1.6,
            )
            places.append(at)
            labels.append(label)
            at += 1.0
        at += GAP
    ax.set_yticks(places, labels, fontsize=7)
    ax.set_ylim(at - 0.4, -0.9)
    ax.set_xticks([])
    ax.tick_params(axis="y", length=0)
    for side in ax.spines.values():
        side.set_visible(False)
