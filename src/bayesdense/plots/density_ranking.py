"""Capability density of every model, ranked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense.errors import BayesdenseError, UnknownNameError
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

if TYPE_CHECKING:
    from bayesdense.fit import DensityFit

__all__ = ["density"]

ROW = 0.145
MANY_ROWS = 45


def density(
    fit: DensityFit,
    *,
    prob: float = PROB,
    models: int | Sequence[str] | None = None,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the capability density of models, the densest on top (eq. 1).

    Parameters
    ----------
    fit : DensityFit
        Its `density` is drawn.
    prob : float
        Probability of the intervals.
    models : int or sequence of str, optional
        How many of the densest models to show, beside all references, or
        their names; all models if not given. A new figure is as high as its
        number of models needs.
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
        If a model is not in the fit.
    BayesdenseError
        If `models` is no positive number, or `prob` not between 0 and 1.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fig, ax = bd.plots.density(bd.load_fit("fit.nc"), models=30)  # doctest: +SKIP
    """
    table = _chosen(fit.density(prob=prob), models)
    rows = np.arange(len(table))[::-1]
    look = artist_options(visuals, "points", "intervals", "line")
    with figure_style():
        figure, ax = axes_of(ax, width=6.4, height=1.2 + max(len(table), 4) * ROW, figsize=figsize)
        ax.set_xscale("log")
        ax.axvline(1.0, **look("line", color=COLOURS["line"], lw=0.9, ls=(0, (4, 2)), zorder=1))
        ax.hlines(rows, 1e-9, 1e9, color="#EEEEEE", lw=0.5, zorder=0)
        for is_reference, hollow, colour, marker, name in (
            (False, False, COLOURS["target"], "o", "model"),
            (False, True, COLOURS["target"], "o", "model, extrapolated"),
            (True, False, COLOURS["reference"], "D", "reference model"),
            (True, True, COLOURS["reference"], "D", "reference model, extrapolated"),
        ):
            own = table["is_reference"] == is_reference
            chosen = (own & (table["outside_reference"] == hollow)).to_numpy()
            part = table[chosen]
            if not len(part):
                continue
            ax.hlines(
                rows[chosen],
                part["lower"],
                part["upper"],
                **look("intervals", color=colour, lw=1.3, alpha=0.6),
            )
            ax.plot(
                part["median"],
                rows[chosen],
                **look(
                    "points",
                    marker=marker,
                    ls="none",
                    color=colour,
                    ms=4.0,
                    mfc="white" if hollow else colour,
                    mec=colour if hollow else "white",
                    mew=0.9 if hollow else 0.5,
                    label=name,
                    zorder=3,
                ),
            )
        ax.set_xlim(float(table["lower"].min()) / 1.25, float(table["upper"].max()) * 1.25)
        ax.set_ylim(-0.9, len(table) - 0.1)
        log_ticks(ax.xaxis, text=lambda value: f"{value:g}")
        thin_grid(ax, axis="x")
        ax.set_yticks(rows, table["model"].to_list(), fontsize=6.8)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.set_xlabel(
            "capability density (effective size / size)\n"
            f"median and {interval_text(table)}\n"
            "dashed: density 1, that of the reference families"
        )
        many = len(table) > MANY_ROWS
        if many:
            # A page of rows is read from the top as well.
            ax.tick_params(axis="x", top=True, labeltop=True, which="major")
        pad = 2.2 if many else 0.3
        ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, borderaxespad=pad)
    return Plot(figure, ax)


def _chosen(table: pd.DataFrame, models: int | Sequence[str] | None) -> pd.DataFrame:
    ranked = table.sort_values("median", ascending=False, kind="stable")
    if models is None:
        return ranked
    if isinstance(models, int):
        if isinstance(models, bool) or models < 1:
            raise BayesdenseError(f"models must be a number from 1 or names, not {models!r}")
        top = ranked[~ranked["is_reference"]].head(models).index
        return ranked[ranked.index.isin(top) | ranked["is_reference"]]
    names = [models] if isinstance(models, str) else list(models)
    if not names:
        raise BayesdenseError("models is empty: give names, a number, or None for all")
    known = table["model"].tolist()
    for name in names:
        if name not in known:
            raise UnknownNameError.of("model", name, known)
    return ranked[ranked["model"].isin(names)]
