"""Second step of the ruler: score against loss, with the map."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from bayesdense.fit import RulerFit

__all__ = ["score_map"]


def score_map(
    fit: RulerFit,
    *,
    benchmark: str,
    prob: float = PROB,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw the scores of the reference runs against their loss, and the map (eq. 3).

    Below the lowest loss of the runs the line is dashed: the map is
    extrapolated there.

    Parameters
    ----------
    fit : RulerFit
        Its `score_curve`, `scores` and `runs` are drawn.
    benchmark : str
        A benchmark whose runs have losses.
    prob : float
        Probability of the band, which is that of the curve.
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
        If the benchmark has scores only.
    UnknownNameError
        If there is no such benchmark.

    Examples
    --------
    >>> import bayesdense as bd
    >>> ruler = bd.load_fit("ruler.nc")  # doctest: +SKIP
    >>> fig, ax = bd.plots.score_map(ruler, benchmark="HellaSwag")  # doctest: +SKIP
    """
    curve = fit.score_curve(benchmark, prob=prob)
    scores = fit.scores(prob=prob)
    loss_set = str(curve["loss_set"].iloc[0])
    runs = fit.runs()
    runs = runs[runs["loss_set"] == loss_set]
    points = scores[scores["benchmark"] == benchmark].merge(runs[["model", "loss"]], on="model")
    benchmarks = fit.data.benchmarks.set_index("benchmark")
    look = artist_options(visuals, "points", "line", "band")
    with figure_style():
        figure, ax = axes_of(ax, width=6.0, height=4.4, figsize=figsize)
        thin_grid(ax)
        ax.fill_between(
            curve["loss"],
            curve["lower"],
            curve["upper"],
            **look(
                "band",
                color=COLOURS["band"],
                alpha=0.3,
                lw=0,
                label=f"{interval_text(curve)} of the map",
            ),
        )
        inside = curve[~curve["outside_reference"]]
        beyond = curve[curve["loss"] <= inside["loss"].iloc[0]]
        ax.plot(
            inside["loss"], inside["median"], **look("line", color=COLOURS["line"], label="map")
        )
        ax.plot(
            beyond["loss"],
            beyond["median"],
            **look("line", color=COLOURS["line"], ls=(0, (3, 2)), label="map, extrapolated"),
        )
        ax.plot(
            points["loss"],
            points["score"],
            **look(
                "points",
                marker="D",
                ls="none",
                color=COLOURS["reference"],
                mec="white",
                mew=0.5,
                ms=4.6,
                label="reference run",
                zorder=4,
            ),
        )
        chance = benchmarks["chance"].to_dict()[benchmark]
        ax.axhline(chance, color=COLOURS["note"], lw=0.8, ls=(0, (1, 2)))
        ax.annotate(
            "chance",
            (1.0, chance),
            xycoords=ax.get_yaxis_transform(),
            xytext=(-4, 3),
            textcoords="offset points",
            ha="right",
            fontsize=7.5,
            color=COLOURS["note"],
        )
        ax.margins(x=0.02)
        ax.set_xlabel(f"loss on {loss_set} ({runs['unit'].iloc[0]})")
        ax.set_ylabel(f"score on {benchmark}")
        ax.legend(loc="upper right")
    return Plot(figure, ax)
