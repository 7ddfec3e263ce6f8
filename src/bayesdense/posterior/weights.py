"""Posterior draws that are weighed to answer for another posterior (PSIS)."""

from __future__ import annotations

import numpy as np

__all__ = [
    "HIGH_K",
    "MOST_DRAWS",
    "efficiency_of",
    "smoothed",
    "weighted",
]

# Of this many draws at most, spread evenly, and no further than this Pareto k.
MOST_DRAWS = 2000
HIGH_K = 0.7
# Log densities that differ by less weigh the same, and have no tail.
ALIKE = 1e-9


def efficiency_of(chains: np.ndarray, count: int) -> float:
    """Return effective draws as a share of all.

    Parameters
    ----------
    chains : numpy.ndarray, shape (chain, draw)
        Of what is weighed.
    count : int
        Number of draws of all chains.

    Returns
    -------
    float
    """
    import arviz as az

    return float(np.clip(float(az.ess(chains)) / count, 0.01, 1.0))


def smoothed(log_density: np.ndarray, efficiency: float) -> tuple[np.ndarray, float]:
    """Return smoothed weights that take something out of a posterior, and their Pareto k.

    Parameters
    ----------
    log_density : numpy.ndarray, shape (draw,)
        What is taken out.
    efficiency : float
        What `efficiency_of` returned.

    Returns
    -------
    weights : numpy.ndarray, shape (draw,)
        They add up to 1.
    k : float
    """
    from arviz_stats.base import array_stats

    if np.ptp(log_density) < ALIKE:
        return np.full(len(log_density), 1.0 / len(log_density)), 0.0
    # It weighs by one over what it is given.
    with np.errstate(over="ignore", invalid="ignore"):
        # A tail of next to nothing and one huge weight: no distribution fits it, and k is high.
        found, k = array_stats.psislw(log_density - log_density.max(), r_eff=efficiency)
    weights = np.exp(np.asarray(found) - np.max(found))
    return weights / weights.sum(), float("inf") if np.isnan(k) else float(k)


def weighted(values: np.ndarray, weights: np.ndarray, prob: float) -> tuple[float, ...]:
    """Return weighted quantiles: the interval's ends and the median between.

    Parameters
    ----------
    values, weights : numpy.ndarray, shape (draw,)
        The weights add up to 1.
    prob : float
        Probability of the interval.

    Returns
    -------
    tuple of float
    """
    order = np.argsort(values)
    place = np.cumsum(weights[order]) - 0.5 * weights[order]
    wanted = [(1 - prob) / 2, 0.5, (1 + prob) / 2]
    return tuple(float(v) for v in np.interp(wanted, place, values[order]))
