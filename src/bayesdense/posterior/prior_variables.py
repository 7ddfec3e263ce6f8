"""Which variables of a posterior have a prior of a given name."""

from __future__ import annotations

from collections.abc import Container

__all__ = ["ZERO_SUM", "variables_of_prior"]

# Effects that add up to zero: an entry of J has the prior's spread times (1 - 1/J)^(1/2).
ZERO_SUM = ("benchmark_offset", "reference_family_offset")


def variables_of_prior(name: str, variables: Container[str], priors: Container[str]) -> list[str]:
    """Return the variables that have a prior of this name.

    Where some benchmarks have losses and others scores only, each kind has
    variables of its own; the variable of the plain name has entries of both,
    of which some may have another prior.

    Parameters
    ----------
    name : str
        Of the prior.
    variables : container of str
        Of the posterior.
    priors : container of str
        Names of all priors. Exponents that loss sets share have one of
        their mean, and do not have this one.

    Returns
    -------
    list of str
        Empty if the posterior has none, such as after a fit that drew none.
    """
    kinds = ["_scores_only"] if f"{name}_mean" in priors else ["_with_losses", "_scores_only"]
    if f"{name}_mean_scores_only" in priors or f"{name}_scores_only" in priors:
        # Those of benchmarks with scores only have a prior of that name.
        kinds = [kind for kind in kinds if kind != "_scores_only"]
    found = [f"{name}{kind}" for kind in kinds if f"{name}{kind}" in variables]
    return found or ([name] if name in variables else [])
