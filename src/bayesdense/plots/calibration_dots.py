"""Coverage of predictive intervals by benchmark."""

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
    thin_grid,
)

if TYPE_CHECKING:
    from bayesdense.fit import DensityFit

__all__ = ["calibration"]

LEVELS = {50: "low", 80: "middle", 90: "high"}
REPLICATES = {
    "left out": ("o", 0.2, "left out: predicted from all other scores"),
    "new cell": ("s", 0.0, "new cell: the deviation is drawn anew"),
    "measurement": ("D", -0.2, "measurement: the same cell again"),
}


def calibration(
    fit: DensityFit,
    *,
    ax: Axes | None = None,
    figsize: tuple[float, float] | None = None,
    visuals: Visuals | None = None,
) -> tuple[Figure, Axes]:
    """Draw how many measured scores lie in their predictive intervals.

    Parameters
    ----------
    fit : DensityFit
        Its `calibration` is drawn: equal-tailed intervals of 50, 80 and 90 %.
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
        A point on the line of its own colour is at its nominal coverage; to
        the right of it intervals are too wide, to the left too narrow. What
        is not left out was fitted as well, so that new cells and repeated
        measurements tend to the right.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fig, ax = bd.plots.calibration(bd.load_fit("fit.nc"))  # doctest: +SKIP
    """
    table = fit.calibration()
    benchmarks = list(dict.fromkeys(table["benchmark"]))
    counts = table.drop_duplicates("benchmark").set_index("benchmark")["scores"]
    look = artist_options(visuals, "points", "line")
    with figure_style():
        figure, ax = axes_of(ax, width=6.2, height=1.7 + 0.42 * len(benchmarks), figsize=figsize)
        for level, colour in LEVELS.items():
            ax.axvline(
                level, **look("line", color=COLOURS[colour], lw=1.2, ls=(0, (4, 2)), zorder=1)
            )
            for replicate, (marker, shift, _) in REPLICATES.items():
                rows = table[table["replicate"] == replicate]
                places = np.array([benchmarks.index(b) for b in rows["benchmark"]]) - shift
                ax.plot(
                    100 * rows[f"inside_{level}"],
                    places,
                    **look(
                        "points",
                        marker=marker,
                        ls="none",
                        color=COLOURS[colour],
                        mfc=COLOURS[colour] if marker == "o" else "white",
                        mew=1.1,
                        ms=5.5,
                        clip_on=False,
                        zorder=3,
                    ),
                )
        for level, colour in LEVELS.items():
            ax.plot([], [], color=COLOURS[colour], ls=(0, (4, 2)), label=f"nominal {level} %")
        there = set(table["replicate"])
        for marker, _, name in (r for kind, r in REPLICATES.items() if kind in there):
            face = COLOURS["note"] if marker == "o" else "white"
            ax.plot([], [], marker, color=COLOURS["note"], mfc=face, mew=1.1, ms=5.5, label=name)
        ax.set_yticks(range(len(benchmarks)), [f"{b}\n{counts[b]:,} scores" for b in benchmarks])
        ax.set_ylim(len(benchmarks) - 0.5, -0.5)
        lowest = 100 * float(table["inside_50"].min())
        ax.set_xlim(min(40.0, lowest - 5), 100)
        ax.tick_params(axis="y", length=0)
        thin_grid(ax, axis="x")
        ax.set_xlabel(
            "measured scores inside their predictive interval (%)\n"
            "equal-tailed intervals of 50, 80 and 90 %"
            + (f"\napproximate ({fit.approximation})" if fit.approximation else "")
        )
        ax.legend(loc="lower center", bbox_to_anchor=(0.45, 1.0), ncols=2)
    return Plot(figure, ax)
