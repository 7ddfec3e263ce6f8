"""The ruler in numbers: coefficients, floors, ceilings and how far it reaches."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.build import Layout
from bayesdense.posterior.draws import Draws, RulerDraws
from bayesdense.posterior.intervals import interval_columns
from bayesdense.spec import RulerSpec

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
        Columns ``parameter``, ``of`` (the benchmark, loss set or other label;
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
                    "of": entry,
                    "mean": float(flat[:, i].mean()),
                    "sd": float(flat[:, i].std()),
                    **interval_columns(flat[:, i], prob),
                }
            )
    return pd.DataFrame(rows)


def reach_table(draws: Draws, layout: Layout, spec: RulerSpec, prob: float) -> pd.DataFrame:
    """Return the score at infinite size, and how many targets lie above it, by benchmark.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
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
    ruler = RulerDraws(draws, layout, spec)
    reach = ruler.reach()
    cell_benchmark = layout.arrays["cell_benchmark"]
    is_target = layout.arrays["cell_model"] < layout.size("target")
    observed = layout.scores.groupby("cell")["score"].mean().to_numpy()
    rows = []
    for j, benchmark in enumerate(layout.coords["benchmark"]):
        scores = observed[(cell_benchmark == j) & is_target]
        above = np.mean(scores > reach[:, j][:, None]) if len(scores) else np.nan
        rows.append(
            {
                "benchmark": benchmark,
                **{k: v for k, v in interval_columns(reach[:, j], prob).items()},
                "best_target": float(scores.max()) if len(scores) else np.nan,
                "p_target_above": float(above),
            }
        )
    return pd.DataFrame(rows)
