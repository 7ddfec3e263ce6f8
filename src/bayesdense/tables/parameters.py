"""The ruler in numbers: coefficients, floors, ceilings and how far it reaches."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.model import Design
from bayesdense.model.variables import symbol_of
from bayesdense.posterior.draws import Draws, ruler_of
from bayesdense.posterior.intervals import interval_columns

__all__ = ["parameter_table", "reach_table"]


def parameter_table(posterior: xr.Dataset, names: list[str], prob: float) -> pd.DataFrame:
    """Return the named parameters with intervals, one row for each entry.

    Parameters
    ----------
    posterior : xarray.Dataset
        With dimensions ``chain`` and ``draw``.
    names : list of str
        Variables of the posterior.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``parameter``, ``symbol``, ``of`` (the benchmark, loss set or other label;
        empty for a single number), ``mean``, ``sd``, ``median``, ``lower``,
        ``upper``, ``prob``, ``kind``.
    """
    rows = []
    for name in names:
        values = posterior[name].transpose("chain", "draw", ...)
        labels = [values[dim].values for dim in values.dims[2:]]
        flat = values.values.reshape(-1, int(np.prod(values.shape[2:], dtype=int)))
        entries = [", ".join(str(v) for v in entry) for entry in itertools.product(*labels)]
        for i, entry in enumerate(entries):
            rows.append(
                {
                    "parameter": name,
                    "symbol": posterior[name].attrs.get("symbol", symbol_of(name)),
                    "of": entry,
                    "mean": float(flat[:, i].mean()),
                    "sd": float(flat[:, i].std()),
                    **interval_columns(flat[:, i], prob),
                }
            )
    return pd.DataFrame(rows)


def reach_table(draws: Draws, design: Design, prob: float) -> pd.DataFrame:
    """Return the score at infinite size, and how many targets lie above it, by benchmark.

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
        Columns ``benchmark``, ``median``, ``lower``, ``upper`` (score that an
        infinitely large reference model would have), ``prob``, ``kind``,
        ``best_target`` (highest mean score of a target) and
        ``p_target_above`` (mean probability that a target's measured score
        lies above the reach).
    """
    reach = ruler_of(draws, design).reach()
    cell_benchmark = design.arrays["cell_benchmark"]
    is_target = design.arrays["cell_model"] < design.size("target")
    observed = design.scores.groupby("cell")["score"].mean().to_numpy()
    rows = []
    for j, benchmark in enumerate(design.coords["benchmark"]):
        scores = observed[(cell_benchmark == j) & is_target]
        above = np.mean(scores > reach[:, j][:, None]) if len(scores) else np.nan
        rows.append(
            {
                "benchmark": benchmark,
                **interval_columns(reach[:, j], prob),
                "best_target": float(scores.max()) if len(scores) else np.nan,
                "p_target_above": float(above),
            }
        )
    return pd.DataFrame(rows)
