"""Regressions on draws of a pilot, which are few."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["shrunk_slopes", "slopes"]

# Of the variance of a feature, what slopes are shrunk by.
RIDGE = 0.02
# How well scores may know a logarithm, as a standard deviation.
ERRORS = np.geomspace(0.02, 10.0, 60)


def slopes(values: np.ndarray, features: np.ndarray) -> np.ndarray:
    """Return the slopes of a linear regression, shrunk a little.

    Parameters
    ----------
    values : numpy.ndarray, shape (draw,)
        What is regressed.
    features : numpy.ndarray, shape (draw, feature)
        On what.

    Returns
    -------
    numpy.ndarray, shape (feature,)
    """
    z, unit = _standardised(features)
    square = z.T @ z / len(z) + RIDGE * np.eye(z.shape[1])
    found: Any = np.linalg.solve(square, z.T @ (values - values.mean()) / len(z))
    return np.asarray(found / unit)


def shrunk_slopes(
    values: np.ndarray, features: np.ndarray, mean: np.ndarray, sd: np.ndarray
) -> tuple[np.ndarray, float, float]:
    """Return what scores by themselves say of a value that is shrunk to a common mean.

    If they fix it around ``c + (features - centre) @ slopes`` with the precision
    ``k``, and it is Normal(mean, sd) besides, it has the precision
    ``q = 1/sd^2 + k`` and the mean
    ``(mean/sd^2 + k c + k (features - centre) @ slopes) / q``. Of all ``k`` the one
    of largest likelihood is taken.

    Parameters
    ----------
    values : numpy.ndarray, shape (draw,)
        Draws of the value.
    features : numpy.ndarray, shape (draw, feature)
        Draws of what it goes with.
    mean, sd : numpy.ndarray, shape (draw,)
        Draws of the common mean and standard deviation.

    Returns
    -------
    slopes : numpy.ndarray, shape (feature,)
    error : float
        ``k^(-1/2)``.
    pull : float
        ``k c``.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> feature, sd = random.normal(size=4000), np.exp(random.normal(size=4000))
    >>> precision = 1 / sd**2 + 25.0
    >>> values = 25.0 * (2.0 + 0.5 * feature) / precision
    >>> values += random.normal(size=4000) / np.sqrt(precision)
    >>> (slope,), error, pull = shrunk_slopes(values, feature[:, None], np.zeros(4000), sd)
    >>> print(round(slope, 1), round(error, 1), round(pull * error**2, 1))
    0.5 0.2 2.0
    """
    z, unit = _standardised(features)
    columns = np.column_stack([np.ones(len(z)), z])
    ridge = RIDGE * np.eye(columns.shape[1])
    ridge[0, 0] = 0.0
    best, found = -np.inf, (np.zeros(z.shape[1]), float(ERRORS[-1]), 0.0)
    for error in ERRORS:
        precision = sd**-2.0 + error**-2.0
        share = error**-2.0 / precision
        around = values - mean * (1.0 - share)
        weight = precision * share**2
        square = (columns * weight[:, None]).T @ columns / weight.sum() + ridge
        ahead: Any = np.linalg.solve(
            square, (columns * (precision * share * around)[:, None]).sum(axis=0) / weight.sum()
        )
        off = around - share * (columns @ ahead)
        fit = float((np.log(precision) - precision * off**2).mean())
        if fit > best:
            best, found = fit, (ahead[1:] / unit, float(error), float(ahead[0] / error**2))
    return found


def _standardised(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return features with mean 0 and variance 1, and their units."""
    centred = features - features.mean(axis=0)
    spread = centred.std(axis=0)
    # A feature that does not vary, such as the ceiling of a map without one, explains nothing.
    unit = np.where(spread > 1e-12, spread, np.inf)
    return centred / unit, unit
