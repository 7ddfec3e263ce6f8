"""Where chains start in the coefficients of the law: where it was fitted to the losses.

Some losses can be explained in two ways, of which one is far less likely than the other. Chains
that start far from both may meet the lesser one first, and take long to leave it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.law_fit import LawFit
from bayesdense.priors import Prior
from bayesdense.sampler.initial_points import start_within
from bayesdense.spec import RulerSpec

__all__ = ["start_at_losses"]

# How far from there chains start in noise and means of exponents: a fifth of the usual. The other
# coordinates are in units of what losses say of them.
SPREAD = 0.1


def start_at_losses(model: Any, fit: LawFit, spec: RulerSpec, priors: Mapping[str, Prior]) -> None:
    """Let chains start where a law was fitted to the losses.

    Parameters
    ----------
    model : pymc.Model
        Of which initial values are set.
    fit : LawFit
        What was fitted.
    spec : RulerSpec
        With the law.
    priors : mapping of str to Prior
        All priors of the model.
    """
    law, found = spec.law, fit.coefficients
    free = {str(variable.name): variable for variable in model.free_RVs}
    means = {n: np.log(found[n]).mean() for n in law.exponents}
    near = {f"{n}_mean": value for n, value in means.items()} | {"sigma_loss": fit.noise}
    values = near | {f"{n}_deviation": np.log(found[n]) - means[n] for n in law.exponents}
    suffix = "_with_losses" if "benchmark_scores_only" in model.coords else ""
    values |= {f"{name}{suffix}": found[name] for name in law.coefficients}
    if "log_terms" in free:
        terms = np.stack([found[str(name)] for name in model.coords["term"]], axis=1)
        values["log_terms"] = np.log(terms)
    for name in values.keys() & free.keys():
        prior = priors.get(name.removesuffix(suffix))
        if prior is not None:
            values[name] = _possible(values[name], prior)
        model.set_initval(free[name], values[name])
        if name in near:
            start_within(free[name], SPREAD)


def _possible(values: Any, prior: Prior) -> np.ndarray:
    """Return values, or the median of the prior where they lie at its bounds or beyond."""
    lower, upper = prior.bounds
    return np.where((values > lower) & (values < upper), values, prior.median())
