"""Which variables of a posterior a prior speaks of."""

from __future__ import annotations

from collections.abc import Container

__all__ = ["ZERO_SUM", "governed_by"]

# Effects that add up to zero: an entry of J has the prior's spread times (1 - 1/J)^(1/2).
ZERO_SUM = ("o", "r")


def governed_by(name: str, variables: Container[str], priors: Container[str]) -> list[str]:
    """Return the variables that have a prior of this name.

    Where some benchmarks have losses and others scores only, each kind has variables of its own,
    and what stands for all
    benchmarks under the plain name mixes what has this prior with what has not.

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
    found = [f"{name}{kind}" for kind in kinds if f"{name}{kind}" in variables]
    return found or ([name] if name in variables else [])
