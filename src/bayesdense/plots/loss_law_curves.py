"""First step of the ruler: loss against size, with the law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.plots.style import (
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
from bayesdense.sampler.initial_points import evenly_spread
from bayesdense.tables.density import count_text

if TYPE_CHECKING:
    from bayesdense.fit import RulerFit

__all__ = ["loss_law"]

MARKERS = "os^DvpPX*h"
POINTS = 60
MOST = 5
SAME = 0.15


def loss_law(
    fit: RulerFit,
    *,
    loss_set: str | None = None,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the losses of the reference runs against their size, and the law (eq. 2).

    The law falls in tokens as well, so it is drawn at each number of tokens
    per parameter that the runs have. Where there are more than ten, it is
    drawn at five of these, and each run has the colour of the nearest: the
    legend says which runs are together, and they do not lie on its line.

    Parameters
    ----------
    fit : RulerFit
        Its `runs` and `predict` are drawn.
    loss_set : str, optional
        Which losses; not needed where there is one loss set.
    prob : float
        Probability of the bands, which are those of the curve.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure is made if not given.
    figsize : tuple of float, optional
        Width and height of a new figure, in inches.
    visuals : mapping of str to mapping, optional
        Options of Matplotlib for ``points``, ``line`` and ``band``, such as
        ``{"points": {"alpha": 0.5}}``; False leaves one out.

    Returns
    -------
    tuple of matplotlib.figure.Figure and matplotlib.axes.Axes

    Raises
    ------
    BayesdenseError
        If the ruler has no losses, or several loss sets and none is named.
    UnknownNameError
        If there is no such loss set.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fig, ax = bd.plots.loss_law(bd.load_fit("ruler.nc"))  # doctest: +SKIP
    """
    runs = fit.runs()
    known = list(dict.fromkeys(runs["loss_set"]))
    if not known:
        raise BayesdenseError("this ruler was fitted to scores only: there are no losses to draw")
    if loss_set is None and len(known) > 1:
        raise BayesdenseError(f"name one of the loss sets: {', '.join(known)}")
    chosen = known[0] if loss_set is None else loss_set
    if chosen not in known:
        raise UnknownNameError.of("loss set", chosen, known)
    runs = runs[runs["loss_set"] == chosen]
    ratio = np.log((runs["n_tokens"] / runs["n_params"]).to_numpy())
    levels = _levels(ratio)
    colours = colormaps["viridis"](np.linspace(0.0, 0.85, len(levels)))
    nearest = np.argmin(np.abs(ratio[:, None] - levels), axis=1)
    sizes = np.geomspace(runs["n_params"].min() / 1.5, runs["n_params"].max() * 1.5, POINTS)
    look = artist_options(visuals, "points", "line", "band")
    with figure_style():
        figure, ax = axes_of(ax, width=6.0, height=4.4, figsize=figsize)
        ax.set_xscale("log")
        ax.set_yscale("log")
        thin_grid(ax)
        text = ""
        for i, level in enumerate(levels):
            colour, marker = colours[i], MARKERS[i % len(MARKERS)]
            table = fit.predict(
                n_params=sizes.tolist(),
                n_tokens=(sizes * np.exp(level)).tolist(),
                new_run=False,
                prob=prob,
            )
            table = table[(table["of"] == chosen) & (table["quantity"] == "loss")]
            text = interval_text(table)
            ax.fill_between(
                table["n_params"],
                table["lower"],
                table["upper"],
                **look("band", color=colour, alpha=0.25, lw=0),
            )
            ax.plot(
                table["n_params"], table["median"], **look("line", color=colour, lw=1.2, zorder=3)
            )
            rows, label = runs[nearest == i], f"{np.exp(level):.3g}"
            of_rows = np.exp(ratio[nearest == i])
            if np.ptp(np.log(of_rows)) > SAME:
                label = f"{label} (runs at {of_rows.min():.3g} to {of_rows.max():.3g})"
            ax.plot(
                rows["n_params"],
                rows["loss"],
                **look(
                    "points",
                    marker=marker,
                    ls="none",
                    color=colour,
                    mec="white",
                    mew=0.5,
                    ms=5,
                    label=label,
                    zorder=4,
                ),
            )
        log_ticks(ax.xaxis, text=count_text)
        log_ticks(ax.yaxis, text=lambda value: f"{value:.3g}")
        ax.set_xlabel(f"size (parameters)\nline and band: median and {text} of the law")
        ax.set_ylabel(f"loss on {chosen} ({runs['unit'].iloc[0]})")
        ax.set_title(fit.spec.law.equation, fontsize=8.5, fontweight="normal")
        ax.legend(loc="upper right", title="tokens per parameter", title_fontsize=8)
    return Plot(figure, ax)


def _levels(ratio: np.ndarray) -> np.ndarray:
    """Return the logarithms of tokens per parameter to draw the law at."""
    ordered = np.sort(ratio)
    groups = np.split(ordered, np.flatnonzero(np.diff(ordered) > SAME) + 1)
    middles = np.array([np.median(group) for group in groups])
    if len(groups) <= len(MARKERS):
        return middles
    # Some that occur, evenly spread: a line between them would belong to no run.
    return middles[evenly_spread(len(middles), MOST)]
