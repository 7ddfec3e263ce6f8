"""Regressions on draws of a pilot, which are few."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["UNBENT", "bend_of", "share_in_common", "shrunk_slopes", "slopes"]

# Of the variance of a feature, what slopes are shrunk by.
RIDGE = 0.02
# How well scores may know a logarithm, as a standard deviation.
ERRORS = np.geomspace(0.02, 10.0, 60)
# Of the variance of standardised values, what is not in common at the least.
LEAST_OWN = 0.05
# What does not vary by more than this does not vary.
LEAST_SPREAD = 1e-12
UNBENT = 1e4
"""A width with which a coordinate is not bent, see `bayesdense.coordinates.transforms.Bent`."""
# Widths that are tried, in standard deviations, where draws are more skewed than the first number,
# and skewness that is little enough. A density that falls off steeply on one side has a wall there:
# the place beyond which this share of the draws is.
WIDTHS = np.array([0.05, 0.1, 0.15, 0.25, 0.4, 0.6, 1.0, 1.6, 2.5])
SKEWED, STRAIGHT, BEYOND = 0.4, 0.2, 0.01


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


def share_in_common(values: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the standard deviations of values, and which share of their common part to remove.

    Standardised values that are all correlated by ``r`` have the variance
    ``1 + (n - 1) r`` in the direction of their mean and ``1 - r`` in every other
    one. With the share ``1 - sqrt((1 - r) / (1 + (n - 1) r))`` of their mean
    removed, all directions have the same variance.

    Parameters
    ----------
    values : numpy.ndarray, shape (draw, n)
        Draws.

    Returns
    -------
    unit : numpy.ndarray, shape (n,)
    share : float
        From 0 to below 1; 0 where correlations are negative on average.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> common, own = random.normal(size=(4000, 1)), random.normal(size=(4000, 4))
    >>> unit, share = share_in_common(common + own)
    >>> left = common + own - share * unit * ((common + own) / unit).mean(axis=1)[:, None]
    >>> print(round(share, 2), np.abs(np.corrcoef(left.T) - np.eye(4)).max() < 0.05)
    0.55 True
    """
    spread, count = values.std(axis=0), values.shape[1]
    unit = np.where(spread > LEAST_SPREAD, spread, 1.0)
    if count < 2:
        return unit, 0.0
    common = count * float(((values - values.mean(axis=0)) / unit).mean(axis=1).var())
    own = max((count - common) / (count - 1), LEAST_OWN)
    return unit, 1.0 - (own / common) ** 0.5 if common > own else 0.0


def bend_of(draws: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the place and the width of a bend after which draws are least skewed.

    Parameters
    ----------
    draws : numpy.ndarray, shape (draw, n)
        Of n coordinates.

    Returns
    -------
    place, width : numpy.ndarray, shape (n,)
        As for `bayesdense.coordinates.transforms.Bent`: the place near the end
        that is steep, and a large width where draws are hardly skewed.

    Examples
    --------
    >>> draws = np.exp(np.random.default_rng(1).normal(size=(4000, 1)))
    >>> place, width = bend_of(draws)
    >>> bent = np.arcsinh((draws - place) / width)
    >>> print(round(_skewness(draws[:, 0])), round(_skewness(bent[:, 0]), 1))
    6 0.2
    """
    place, width = np.zeros(draws.shape[1]), np.full(draws.shape[1], UNBENT)
    for i, y in enumerate(draws.T):
        skewness = _skewness(y)
        if abs(skewness) < SKEWED:
            continue
        wall = float(np.quantile(y, BEYOND if skewness > 0 else 1.0 - BEYOND))
        widths = WIDTHS * y.std()
        left = np.array([abs(_skewness(np.arcsinh((y - wall) / of))) for of in widths])
        # The widest that does: a narrow bend reaches far into the tails.
        does = np.flatnonzero(left < STRAIGHT)
        best = int(does[-1]) if len(does) else int(np.argmin(left))
        if left[best] < abs(skewness):
            place[i], width[i] = wall, widths[best]
    return place, width


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    scale = values.std()
    return float((centred**3).mean() / scale**3) if scale > 0 else 0.0


def _standardised(features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return features with mean 0 and variance 1, and their units."""
    centred = features - features.mean(axis=0)
    spread = centred.std(axis=0)
    # A feature that does not vary, such as the ceiling of a map without one, explains nothing.
    unit = np.where(spread > LEAST_SPREAD, spread, np.inf)
    return centred / unit, unit
