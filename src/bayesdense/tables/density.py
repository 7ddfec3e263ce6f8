"""Density and effective size of every model, and the trend line through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.build import Layout
from bayesdense.build.layout import DAYS_PER_YEAR
from bayesdense.posterior.draws import Draws, RulerDraws, log_sizes
from bayesdense.posterior.intervals import interval_columns
from bayesdense.spec import DENSITY_SIZE, ModelSpec

__all__ = [
    "above_reference",
    "density_table",
    "effective_size_table",
    "log_effective_sizes",
    "plug_in_table",
    "reference_range",
    "trend_table",
]

LINE_POINTS = 60


def reference_range(layout: Layout) -> tuple[float, float]:
    """Return the smallest and the largest ``ln N`` of what fixes the ruler.

    These are the reference models, or all models where there are none.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.

    Returns
    -------
    tuple of float
    """
    relative = layout.arrays["relative_log_size"]
    if layout.size("reference"):
        relative = relative[layout.size("target") :]
    sizes = relative + layout.log_size_centre
    return float(sizes.min()), float(sizes.max())


def _ranges(layout: Layout) -> tuple[np.ndarray, np.ndarray]:
    """Return the range of the references by cell: of those that were scored on its benchmark.

    A family of which only some were scored there says nothing of the ruler beyond these.
    """
    of_cell = layout.arrays["cell_benchmark"]
    ends = np.tile(reference_range(layout), (layout.size("benchmark"), 1))
    scored = layout.arrays["cell_model"] >= layout.size("target")
    sizes = layout.arrays["relative_log_size"] + layout.log_size_centre
    for j in np.unique(of_cell[scored]):
        of_references = sizes[layout.arrays["cell_model"][scored & (of_cell == j)]]
        ends[j] = of_references.min(), of_references.max()
    return ends[of_cell, 0], ends[of_cell, 1]


def density_table(draws: Draws, layout: Layout, prob: float) -> pd.DataFrame:
    """Return the capability density of every model (eq. 1).

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``family``, ``release_date``, ``is_reference``,
        ``size`` (parameters, as the model counts them), ``median``,
        ``lower``, ``upper`` (ratio of effective size to size), ``prob``,
        ``kind``, ``outside_reference`` (whether the effective size lies
        beyond the references: there the ruler is extrapolated).
    """
    table = _models(layout)
    low, high = reference_range(layout)
    log_size = np.median(draws["ln_density"] + log_sizes(draws, layout), axis=0)
    return table.assign(
        **interval_columns(np.exp(draws["ln_density"]), prob),
        outside_reference=(log_size < low) | (log_size > high),
    )


def effective_size_table(
    draws: Draws, layout: Layout, spec: ModelSpec, prob: float, by: str
) -> pd.DataFrame:
    """Return the effective size of every model: the reference size that would score alike.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : ModelSpec
        The composition of the model.
    prob : float
        Probability of the intervals.
    by : {"model", "benchmark"}
        One row for each model, or for each model and benchmark that it was
        scored on.

    Returns
    -------
    pandas.DataFrame
        Columns of `density_table`, with ``benchmark`` where asked for, in
        parameters; ``p_below_reference`` and ``p_above_reference``, the
        posterior probabilities of lying beyond the smallest and largest
        reference model (by benchmark, of those scored on it);
        ``outside_reference``, whether the median does: there
        the ruler is extrapolated; and ``p_above_reach``, the probability that
        the measured score (of a model: at least one of its scores) lies above
        what an infinitely large reference would score: such a score has no
        effective size by the paper's formula.
    """
    beyond = _above_reach(draws, layout, spec)
    low: Any
    high: Any
    log_size = log_effective_sizes(draws, layout, by)
    if by == "model":
        table = _models(layout)
        of_model = np.zeros((len(beyond), layout.size("model")), dtype=bool)
        for cell, code in enumerate(layout.arrays["cell_model"]):
            of_model[:, code] |= beyond[:, cell]
        beyond = of_model
        low, high = reference_range(layout)
    else:
        table = _cells(layout)
        low, high = _ranges(layout)
    median = np.median(log_size, axis=0)
    return table.assign(
        **interval_columns(np.exp(log_size), prob),
        p_below_reference=(log_size < low).mean(axis=0),
        p_above_reference=(log_size > high).mean(axis=0),
        outside_reference=(median < low) | (median > high),
        p_above_reach=beyond.mean(axis=0),
    )


def log_effective_sizes(draws: Draws, layout: Layout, by: str) -> np.ndarray:
    """Return the log effective size of every model, or of every cell.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    by : {"model", "benchmark"}
        Which.

    Returns
    -------
    numpy.ndarray, shape (draw, model) or (draw, cell)
    """
    if by == "benchmark":
        return draws["cell_ln_size"]
    return np.asarray(draws["ln_density"] + log_sizes(draws, layout))


def _above_reach(draws: Draws, layout: Layout, spec: ModelSpec) -> np.ndarray:
    """Return whether each cell's mean score lies above the reach, shape ``(draw, cell)``."""
    reach = RulerDraws(draws, layout, spec).reach()
    score = layout.scores.groupby("cell")["score"].mean().to_numpy()
    return np.asarray(score > reach[:, layout.arrays["cell_benchmark"]])


def plug_in_table(draws: Draws, layout: Layout, spec: ModelSpec, prob: float) -> pd.DataFrame:
    """Return the paper's plug-in effective size of every cell (eq. 4).

    The mean score of a cell is put through the inverse of map and law, draw by
    draw. Where that has no value, the draw counts towards ``undefined``, and
    the interval is that of the draws that have one.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : ModelSpec
        The composition of the model.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns of `effective_size_table` by benchmark, with ``score``,
        ``undefined`` (share of draws without a value) instead of the
        probabilities.
    """
    table = _cells(layout)
    score = layout.scores.groupby("cell")["score"].mean().to_numpy()
    ruler = RulerDraws(draws, layout, spec)
    log_size = ruler.plug_in_log_size(score, layout.arrays["cell_benchmark"])
    defined = np.isfinite(log_size)
    columns: dict[str, Any] = {"median": [], "lower": [], "upper": []}
    for i in range(len(score)):
        values = np.exp(log_size[defined[:, i], i])
        found = interval_columns(values, prob) if len(values) else {}
        for name, cells in columns.items():
            cells.append(float(found.get(name, np.nan)))
    extra = interval_columns(np.zeros(1), prob)
    return table.assign(
        score=score,
        **columns,
        prob=extra["prob"],
        kind=extra["kind"],
        undefined=1.0 - defined.mean(axis=0),
    )


def above_reference(draws: Draws, layout: Layout) -> pd.DataFrame:
    """Return the share of targets beyond the largest reference, by benchmark.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``targets`` (cells of targets) and
        ``share_above_reference`` (those whose median effective size there is
        above the largest reference model that was scored on it).
    """
    _, high = _ranges(layout)
    table = _cells(layout).assign(above=np.median(draws["cell_ln_size"], axis=0) > high)
    table = table[~table["is_reference"]]
    shares = table.groupby("benchmark")["above"].agg(["size", "mean"])
    shares = shares.reindex(layout.coords["benchmark"])
    return pd.DataFrame(
        {
            "benchmark": shares.index,
            "targets": shares["size"].fillna(0).astype(int).to_numpy(),
            "share_above_reference": shares["mean"].to_numpy(),
        }
    )


def trend_table(draws: Draws, layout: Layout, spec: ModelSpec, prob: float) -> pd.DataFrame:
    """Return the trend line of density, read at 2e10 parameters.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : ModelSpec
        With the trend.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``date``, ``size`` (at which the line is read), ``median``,
        ``lower``, ``upper`` (density), ``prob``, ``kind``.
    """
    years = layout.arrays["years"]
    grid = np.linspace(years.min(), years.max(), LINE_POINTS)
    line = draws["B"][:, None] + spec.trend.line(draws, grid, layout.origin)
    seconds = np.round(grid * DAYS_PER_YEAR * 86400).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "date": pd.to_datetime(layout.origin + seconds),
            "size": DENSITY_SIZE,
            **interval_columns(np.exp(line), prob),
        }
    )


def _models(layout: Layout) -> pd.DataFrame:
    table = layout.models[["model", "family", "release_date", "is_reference"]].copy()
    sizes = layout.arrays["relative_log_size"] + layout.log_size_centre
    # Twelve digits: the logarithm and back would turn 1e9 into 999999999.9999.
    return table.assign(size=[float(f"{size:.12g}") for size in np.exp(sizes)])


def _cells(layout: Layout) -> pd.DataFrame:
    table = _models(layout).iloc[layout.arrays["cell_model"]].reset_index(drop=True)
    names = np.array(layout.coords["benchmark"], dtype=object)
    table.insert(1, "benchmark", names[layout.arrays["cell_benchmark"]])
    return table
