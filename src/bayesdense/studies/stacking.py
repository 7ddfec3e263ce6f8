"""Weights under which a mixture of predictions does best on what was left out."""

from __future__ import annotations

import numpy as np

__all__ = ["clustered_error", "stacking_weights"]

STEPS = 5000
TOLERANCE = 1e-10


def stacking_weights(log_densities: np.ndarray) -> np.ndarray:
    """Return the weights that maximise the log density of the mixture.

    Stacking of predictive distributions (Yao et al. 2018), by expectation
    maximisation, which stays in the simplex and never loses ground.

    Parameters
    ----------
    log_densities : numpy.ndarray, shape (unit, model)
        Log densities of what was left out.

    Returns
    -------
    numpy.ndarray, shape (model,)
        Not negative, adding up to 1.

    Examples
    --------
    >>> stacking_weights(np.log([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])).round(3)
    array([0.708, 0.292])
    """
    relative = np.exp(log_densities - log_densities.max(axis=1, keepdims=True))
    weights = np.full(relative.shape[1], 1.0 / relative.shape[1])
    for _ in range(STEPS):
        shares = relative * weights
        new = (shares / shares.sum(axis=1, keepdims=True)).mean(axis=0)
        if np.abs(new - weights).max() < TOLERANCE:
            return new
        weights = new
    return weights


def clustered_error(differences: np.ndarray) -> float:
    """Return the standard error of a sum of independent differences.

    Parameters
    ----------
    differences : numpy.ndarray, shape (cluster,)
        Differences, added up within each cluster.

    Returns
    -------
    float
        NaN for fewer than two clusters.

    Examples
    --------
    >>> round(clustered_error(np.array([1.0, 3.0])), 9)
    2.0
    """
    n = len(differences)
    return float(np.sqrt(n) * differences.std(ddof=1)) if n > 1 else float("nan")
