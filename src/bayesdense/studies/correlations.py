"""Which benchmarks go together beyond what density says."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.model import Design, make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import PROB, TABLE_SEED, interval_columns

__all__ = ["benchmark_correlations"]

FEWEST_MODELS = 8
"""A correlation over fewer models is not shown."""

# Nearest to a correlation of 1 that has a finite inverse hyperbolic tangent.
ONE = 1.0 - 1e-9


def benchmark_correlations(fit: DensityFit, *, prob: float = PROB) -> pd.DataFrame:
    """Return how models' deviations on one benchmark go with those on another.

    The model lets deviations of models, families and developers on different
    benchmarks be independent. If benchmarks measured two skills, models that do
    better than their density says on one would do so on those of the same skill. So
    in every draw the deviations of the targets' log effective sizes from size
    and density are taken, less a line in date and log size on each benchmark, and
    correlated over the models that have scores on both. Scores that say little of
    a deviation leave it to its prior, which draws correlations towards 0.

    Parameters
    ----------
    fit : DensityFit
        On two benchmarks or more.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row a pair of benchmarks: ``benchmark`` and ``other``, ``models``, how many
        have scores on both, ``median``, ``lower``, ``upper`` of the correlation, missing for
        fewer than eight models; ``prob`` and ``kind``.

    Raises
    ------
    BayesdenseError
        If there is one benchmark.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("out/densing5/linear.nc")  # doctest: +SKIP
    >>> bd.studies.benchmark_correlations(fit)  # doctest: +SKIP
    """
    design, draws = make_design(fit.data, fit.spec), Draws(fit.posterior)
    names = design.coords["benchmark"]
    if len(names) < 2:
        raise BayesdenseError(
            f"benchmark_correlations needs two benchmarks, and this fit has one, '{names[0]}'"
        )
    left = deviations(design, draws)
    columns = 3 if design.spec.has_growth else 2
    random = np.random.default_rng(TABLE_SEED)
    rows, found = [], []
    for a, b in combinations(range(len(names)), 2):
        both = np.isfinite(left[0, :, a]) & np.isfinite(left[0, :, b])
        rows.append({"benchmark": names[a], "other": names[b], "models": int(both.sum())})
        count = int(both.sum())
        if count < FEWEST_MODELS:
            found.append(np.zeros(len(left)))
            continue
        sampled = random.normal(scale=(count - columns - 2) ** -0.5, size=len(left))
        correlation = _correlation(left[:, both, a], left[:, both, b])
        found.append(np.tanh(np.arctanh(np.clip(correlation, -ONE, ONE)) + sampled))
    enough = np.array([row["models"] >= FEWEST_MODELS for row in rows])
    intervals = interval_columns(np.column_stack(found), prob, where=enough)
    return pd.DataFrame(rows).assign(**intervals)


def deviations(design: Design, draws: Any) -> np.ndarray:
    """Return how far targets are from their density on each benchmark, less a line.

    Parameters
    ----------
    design : Design
        The dataset under the model.
    draws : Draws
        Of the fit.

    Returns
    -------
    numpy.ndarray, shape (draw, target, benchmark)
        In log effective size; NaN without a score, and for targets without a date.
    """
    arrays, count = design.arrays, design.size("dated_target")
    if not design.spec.has_growth:
        count = design.size("target")
    sizes = draws["log_effective_size"] - draws["log_density"][:, arrays["cell_model"]]
    found = np.full((len(sizes), design.size("target"), design.size("benchmark")), np.nan)
    for j in range(design.size("benchmark")):
        cells = np.flatnonzero((arrays["cell_benchmark"] == j) & (arrays["cell_model"] < count))
        if not len(cells):
            continue
        model = arrays["cell_model"][cells]
        columns = [np.ones(len(model)), arrays["relative_log_size"][model]]
        if design.spec.has_growth:
            columns.append(arrays["target_years"][model])
        line = np.column_stack(columns)
        # The log size of a model is part of the line, so that it need not be taken off.
        own = sizes[:, cells]
        found[:, model, j] = own - own @ np.linalg.pinv(line).T @ line.T
    return found


def _correlation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the correlation over the last axis; 0 where one of them does not vary."""
    a, b = (values - values.mean(axis=-1, keepdims=True) for values in (a, b))
    scale = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.asarray((a * b).sum(axis=-1) / np.where(scale > 0.0, scale, np.inf))
