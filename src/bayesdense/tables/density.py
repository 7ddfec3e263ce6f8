"""Density and effective size of every model, and the trend line through them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.model import Design
from bayesdense.model.trend import line
from bayesdense.posterior.draws import Columns, Draws, log_sizes, ruler_of
from bayesdense.posterior.intervals import interval_columns
from bayesdense.spec import DENSITY_SIZE

__all__ = [
    "above_reference",
    "benchmark_ranges",
    "count_text",
    "density_table",
    "effective_size_table",
    "log_effective_sizes",
    "plug_in_table",
    "reference_range",
    "trend_table",
]

LINE_POINTS = 60


def reference_range(design: Design) -> tuple[float, float]:
    """Return the smallest and the largest ``ln N`` of what fixes the ruler.

    These are the reference models, or all models where there are none.

    Parameters
    ----------
    design : Design
        The dataset under the model.

    Returns
    -------
    tuple of float
    """
    relative = design.arrays["relative_log_size"]
    if design.size("reference"):
        relative = relative[design.size("target") :]
    sizes = relative + design.log_size_centre
    return float(sizes.min()), float(sizes.max())


def benchmark_ranges(design: Design) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest and the largest ``ln N`` of the references that a benchmark has.

    A family of which only some were scored on it says nothing of the ruler beyond these.

    Parameters
    ----------
    design : Design
        The dataset under the model.

    Returns
    -------
    low, high : numpy.ndarray, shape (benchmark,)
    """
    of_cell = design.arrays["cell_benchmark"]
    ends = np.tile(reference_range(design), (design.size("benchmark"), 1))
    scored = design.arrays["cell_model"] >= design.size("target")
    sizes = design.arrays["relative_log_size"] + design.log_size_centre
    for j in np.unique(of_cell[scored]):
        of_references = sizes[design.arrays["cell_model"][scored & (of_cell == j)]]
        ends[j] = of_references.min(), of_references.max()
    return ends[:, 0], ends[:, 1]


def density_table(draws: Draws, design: Design, prob: float) -> pd.DataFrame:
    """Return the capability density of every model (eq. 1).

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
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
    table = _models(design)
    low, high = reference_range(design)
    log_size = np.median(draws["log_density"] + log_sizes(draws, design), axis=0)
    return table.assign(
        **interval_columns(np.exp(draws["log_density"]), prob),
        outside_reference=(log_size < low) | (log_size > high),
    )


def effective_size_table(draws: Draws, design: Design, prob: float, by: str) -> pd.DataFrame:
    """Return the effective size of every model: the reference size that would score alike.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
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
    beyond = _above_reach(draws, design)
    low: Any
    high: Any
    log_size = log_effective_sizes(draws, design, by)
    if by == "model":
        table = _models(design)
        of_model = np.zeros((len(beyond), design.size("model")), dtype=bool)
        for cell, code in enumerate(design.arrays["cell_model"]):
            of_model[:, code] |= beyond[:, cell]
        beyond = of_model
        low, high = reference_range(design)
    else:
        table = _cells(design)
        low, high = (ends[design.arrays["cell_benchmark"]] for ends in benchmark_ranges(design))
    median = np.median(log_size, axis=0)
    return table.assign(
        **interval_columns(np.exp(log_size), prob),
        p_below_reference=(log_size < low).mean(axis=0),
        p_above_reference=(log_size > high).mean(axis=0),
        outside_reference=(median < low) | (median > high),
        p_above_reach=beyond.mean(axis=0),
    )


def log_effective_sizes(draws: Draws, design: Design, by: str) -> np.ndarray:
    """Return the log effective size of every model, or of every cell.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    by : {"model", "benchmark"}
        Which.

    Returns
    -------
    numpy.ndarray, shape (draw, model) or (draw, cell)
    """
    if by == "benchmark":
        return draws["log_effective_size"]
    return np.asarray(draws["log_density"] + log_sizes(draws, design))


def _above_reach(draws: Draws, design: Design) -> np.ndarray:
    """Return whether each cell's mean score lies above the reach, shape ``(draw, cell)``."""
    reach = ruler_of(draws, design).reach()
    score = design.scores.groupby("cell")["score"].mean().to_numpy()
    return np.asarray(score > reach[:, design.arrays["cell_benchmark"]])


def plug_in_table(draws: Draws, design: Design, prob: float) -> pd.DataFrame:
    """Return the paper's plug-in effective size of every cell (eq. 4).

    The mean score of a cell is put through the inverse of map and law, draw by
    draw. Where that has no value, the draw counts towards ``undefined``, and
    the interval is that of the draws that have one.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns of `effective_size_table` by benchmark, with ``score``,
        ``undefined`` (share of draws without a value) instead of the
        probabilities.
    """
    table = _cells(design)
    score = design.scores.groupby("cell")["score"].mean().to_numpy()
    ruler = ruler_of(draws, design)
    log_size = ruler.log_size(score, design.arrays["cell_benchmark"])
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


def above_reference(draws: Draws, design: Design) -> pd.DataFrame:
    """Return the share of targets beyond the largest reference, by benchmark.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``targets`` (cells of targets) and
        ``share_above_reference`` (those whose median effective size there is
        above the largest reference model that was scored on it).
    """
    high = benchmark_ranges(design)[1][design.arrays["cell_benchmark"]]
    table = _cells(design).assign(above=np.median(draws["log_effective_size"], axis=0) > high)
    table = table[~table["is_reference"]]
    shares = table.groupby("benchmark")["above"].agg(["size", "mean"])
    shares = shares.reindex(design.coords["benchmark"])
    return pd.DataFrame(
        {
            "benchmark": shares.index,
            "targets": shares["size"].fillna(0).astype(int).to_numpy(),
            "share_above_reference": shares["mean"].to_numpy(),
        }
    )


def trend_table(draws: Draws, design: Design, prob: float) -> pd.DataFrame:
    """Return the trend line of density, read at 2e10 parameters.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``date``, ``size`` (at which the line is read), ``median``,
        ``lower``, ``upper`` (density), ``prob``, ``kind``.
    """
    years = design.arrays["years"]
    grid = np.linspace(years.min(), years.max(), LINE_POINTS)
    found = line(Columns(draws), design.arrays, design.spec.trend, grid, np.zeros(len(grid)))
    seconds = np.round(grid * DAYS_PER_YEAR * 86400).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            "date": pd.to_datetime(design.mean_date + seconds),
            "size": DENSITY_SIZE,
            **interval_columns(np.exp(found), prob),
        }
    )


def _models(design: Design) -> pd.DataFrame:
    table = design.models[["model", "family", "release_date", "is_reference"]].copy()
    sizes = design.arrays["relative_log_size"] + design.log_size_centre
    # Twelve digits: the logarithm and back would turn 1e9 into 999999999.9999.
    return table.assign(size=[float(f"{size:.12g}") for size in np.exp(sizes)])


def _cells(design: Design) -> pd.DataFrame:
    table = _models(design).iloc[design.arrays["cell_model"]].reset_index(drop=True)
    names = np.array(design.coords["benchmark"], dtype=object)
    table.insert(1, "benchmark", names[design.arrays["cell_benchmark"]])
    return table


def count_text(count: float) -> str:
    """Return a number of parameters as papers write it.

    Parameters
    ----------
    count : float
        Number of parameters.

    Returns
    -------
    str

    Examples
    --------
    >>> count_text(2e10), count_text(7.24e9), count_text(1.3e12), count_text(5e8)
    ('20 B', '7.24 B', '1.3 T', '500 M')
    """
    # Rounded first, so that 9.9999e8 does not become 1000 M.
    count = float(f"{count:.3g}")
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{count:.3g}"
