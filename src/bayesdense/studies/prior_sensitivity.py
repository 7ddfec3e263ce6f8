"""How much the headline hangs on each prior, without a refit: power scaling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.fit import DensityFit
from bayesdense.fit.two_steps import refuse_two_steps
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import PROB, check_prob
from bayesdense.posterior.log_density import log_densities
from bayesdense.posterior.prior_variables import variables_of_prior
from bayesdense.posterior.weights import (
    HIGH_K,
    MOST_DRAWS,
    efficiency_of,
    smoothed,
    weighted,
)
from bayesdense.priors import Prior
from bayesdense.sampler.initial_points import spread_out
from bayesdense.spec import require_growth
from bayesdense.tables.growth import doubling_months

__all__ = ["ALL_PRIORS", "LIKELIHOOD", "prior_sensitivity"]

ALL_PRIORS, LIKELIHOOD = "all priors", "likelihood"
# Powers at which the answer is shown: half of a prior, and twice.
HALF, TWICE = 0.5, 2.0


def prior_sensitivity(fit: DensityFit, *, prob: float = PROB) -> pd.DataFrame:
    """Return how the doubling time changes when a prior says less, or more.

    A prior is raised to a power by weighing the posterior draws (Kallioinen et
    al., Statistics and Computing 34, 2024). Half of a Normal prior is one with
    a standard deviation 1.41 times as large; twice is one 0.71 times as large.

    Parameters
    ----------
    fit : DensityFit
        With Normal noise between sources.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row for each prior, for all of them together and for the
        likelihood, the most influential first: ``prior``, ``sensitivity`` (of
        the first growth rate of the fit, by `arviz.psense`; above 0.05 is worth a look),
        ``half`` and ``twice`` with ``half_lower``, ``half_upper``,
        ``twice_lower`` and ``twice_upper`` (doubling time in months; NaN for
        the likelihood), ``prob``, ``pareto_k`` (the larger of the two) and
        ``reliable``: whether it is at most 0.7. Where it is not, only a fit
        with another prior tells (`choices.priors`).

    Raises
    ------
    BayesdenseError
        If the noise is not Normal, or the fit is approximate, its ruler cut or
        without a trend.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("out/densing5/linear.nc")  # doctest: +SKIP
    >>> bd.studies.prior_sensitivity(fit).head()  # doctest: +SKIP
    """
    import arviz as az

    check_prob(prob)
    require_growth(fit.spec, "sensitivity of growth to priors")
    refuse_two_steps(fit, "prior_sensitivity")
    headline = next(iter(fit.rate_draws().values()))
    like = fit.posterior["growth_rate"].transpose("chain", "draw")
    growth = like.copy(data=headline.reshape(like.shape))
    posterior = spread_out(fit.posterior.assign(growth=growth), MOST_DRAWS)
    growth = posterior["growth"]
    draws, design = Draws(posterior), make_design(fit.data, fit.spec)
    says = {name: _log_prior(draws, name, fit.priors) for name in fit.priors}
    likelihood = log_densities(draws, design).sum(axis=1)
    tree = xr.DataTree.from_dict(
        {
            "posterior": growth.to_dataset(name="growth"),
            "log_prior": _dataset(says, growth),
            "log_likelihood": _dataset({LIKELIHOOD: likelihood}, growth),
        }
    )

    def sensitivity(group: str, names: list[str] | None) -> float:
        found = az.psense(tree, var_names=["growth"], group=group, group_var_names=names)
        return float(found["growth"])

    efficiency = efficiency_of(growth.values, draws.count)
    rows = []
    for name, log_density in {ALL_PRIORS: np.sum(list(says.values()), axis=0), **says}.items():
        row: dict[str, Any] = {"prior": name}
        row["sensitivity"] = sensitivity("prior", None if name == ALL_PRIORS else [name])
        worst = 0.0
        for words, power in (("half", HALF), ("twice", TWICE)):
            weights, k = smoothed((1.0 - power) * log_density, efficiency)
            low, middle, high = weighted(growth.values.reshape(-1), weights, prob)
            row[words] = doubling_months(middle)
            row[f"{words}_lower"] = doubling_months(high)
            row[f"{words}_upper"] = doubling_months(low)
            worst = max(worst, k)
        rows.append(row | {"prob": prob, "pareto_k": worst, "reliable": worst <= HIGH_K})
    table = pd.DataFrame(rows)
    whole = {"prior": LIKELIHOOD, "sensitivity": sensitivity("likelihood", None), "prob": prob}
    whole |= {"pareto_k": np.nan, "reliable": True}
    table = pd.concat([table, pd.DataFrame([whole])], ignore_index=True)
    return table.sort_values("sensitivity", ascending=False, ignore_index=True)


def _dataset(values: dict[str, np.ndarray], like: xr.DataArray) -> xr.Dataset:
    """Return values by draw as variables with the chains and draws of another."""
    return xr.Dataset({name: like.copy(data=v.reshape(like.shape)) for name, v in values.items()})


def _log_prior(draws: Draws, name: str, priors: Mapping[str, Prior]) -> np.ndarray:
    """Return the log density of a prior, summed over the entries that have it."""
    parts = [
        priors[name].log_density(draws[variable]).reshape(draws.count, -1).sum(axis=1)
        for variable in variables_of_prior(name, draws, priors)
    ]
    return np.asarray(np.sum(parts, axis=0))
