"""How much the headline hangs on single benchmarks, families and models, without a refit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.fit.two_steps import refuse_two_steps
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import KIND, PROB, check_prob
from bayesdense.posterior.log_density import log_densities
from bayesdense.posterior.weights import (
    HIGH_K,
    MOST_DRAWS,
    efficiency_of,
    smoothed,
    weighted,
)
from bayesdense.sampler.initial_points import spread_out
from bayesdense.spec import require_growth
from bayesdense.studies.marginal import densities_of_models
from bayesdense.studies.units import units_of
from bayesdense.tables.growth import doubling_months

__all__ = ["influence"]

# Scores of a developer have covariances of a hundred rows or more, which take their time.
DRAWS_OF = {"developer": 500}
COLUMNS = {"benchmark": "of", "developer": "developer", "family": "family", "model": "model"}


def influence(fit: DensityFit, *, by: str = "family", prob: float = PROB) -> pd.DataFrame:
    """Return what the doubling time would be without each benchmark, developer, family or model.

    Posterior draws are weighed by one over the density of the scores that are
    left out, with what only they inform integrated out (deviations of cells,
    of models, and of families; by an expansion around the summit, of cells of
    a benchmark on a grid), and the weights are smoothed (PSIS). Where their
    Pareto k is above 0.7 the figures are no guide, and only a fit without it
    tells (`sensitivity`): so it often is with a benchmark, whose own ruler
    stays in the draws. Without one, growth is the mean over the others.

    Parameters
    ----------
    fit : DensityFit
        With Normal noise between sources.
    by : {"benchmark", "developer", "family", "model"}
        What is left out in turn; only targets.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Most influential first: ``left_out``, ``scores`` (cells of it),
        ``shift`` (of the mean growth rate, in posterior standard deviations),
        ``median``, ``lower``, ``upper`` (months, without it), ``prob``,
        ``kind``, ``pareto_k``, and ``reliable``: whether it is at most 0.7,
        and the expansion is one to trust.

    Raises
    ------
    BayesdenseError
        If `by` is not one of these, or there are fewer than two to leave
        out, or the fit is approximate, its ruler cut or without a trend.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("out/densing5/linear.nc")  # doctest: +SKIP
    >>> bd.studies.influence(fit, by="family").head()  # doctest: +SKIP
    """
    if by not in COLUMNS:
        allowed = ", ".join(map(repr, COLUMNS))
        raise BayesdenseError(f"by must be one of {allowed}, not {by!r}")
    check_prob(prob)
    require_growth(fit.spec, "influence on growth")
    refuse_two_steps(fit, "influence")
    design = make_design(fit.data, fit.spec)
    posterior = spread_out(fit.posterior, DRAWS_OF.get(by, MOST_DRAWS))
    draws = Draws(posterior)
    units = units_of(design)
    chosen = (units["quantity"] == "score") & ~units["is_reference"]
    of = units.loc[chosen, COLUMNS[by]].to_numpy()
    groups = list(dict.fromkeys(of))
    if len(groups) < 2:
        raise BayesdenseError(f"there is one {by} only: nothing is left without it")
    efficiency = efficiency_of(
        posterior["growth_rate"].transpose("chain", "draw").values, draws.count
    )
    of_models = densities_of_models(draws, design)
    rows = []
    for group in groups:
        inside = of == group
        growth = _growth(draws, design.coords["benchmark"], group if by == "benchmark" else None)
        trusted = True
        if by == "benchmark":
            units_in = (units["of"].eq(group) & chosen).to_numpy()
            density = log_densities(draws, design, units_in).sum(axis=1)
        else:
            left_out = design.models[by].eq(group) & ~design.models["is_reference"]
            found = of_models(np.flatnonzero(left_out))
            density, trusted = found.log, found.trusted
        weights, k = smoothed(density, efficiency)
        before = draws["growth_rate"]
        shift = (float(weights @ growth) - float(before.mean())) / float(before.std())
        low, middle, high = weighted(growth, weights, prob)
        rows.append(
            {
                "left_out": group,
                "scores": int(inside.sum()),
                "shift": shift,
                "median": doubling_months(middle),
                "lower": doubling_months(high),
                "upper": doubling_months(low),
                "prob": prob,
                "kind": KIND,
                "pareto_k": k,
                "reliable": bool(k <= HIGH_K) and trusted,
            }
        )
    table = pd.DataFrame(rows)
    return table.sort_values("shift", key=abs, ascending=False, ignore_index=True)


def _growth(draws: Draws, benchmarks: list[Any], left_out: Any) -> np.ndarray:
    """Return the growth rate over all benchmarks but one."""
    if left_out is None or "growth_rate_by_benchmark" not in draws:
        return np.asarray(draws["growth_rate"])
    others = [j for j, name in enumerate(benchmarks) if name != left_out]
    own = draws["growth_rate_by_benchmark"] - draws["growth_rate"][:, None]
    return np.asarray(draws["growth_rate"] + own[:, others].mean(axis=1))
