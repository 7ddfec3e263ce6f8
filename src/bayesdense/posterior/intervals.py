"""The one place where intervals are set, and the seed of what tables and checks simulate."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.errors import BayesdenseError

__all__ = [
    "KIND",
    "PROB",
    "TABLE_SEED",
    "check_prob",
    "interval",
    "interval_columns",
    "tail_levels",
]

PROB = 0.9
"""Default probability of every credible interval."""

KIND = "equal-tailed"
"""Kind of every credible interval."""

TABLE_SEED = 20241204
"""Seed of what tables and checks simulate, so that they are the same each time they are made."""


def check_prob(prob: Any) -> float:
    """Return a probability that an interval can have.

    Parameters
    ----------
    prob : float
        Between 0 and 1, both excluded.

    Returns
    -------
    float

    Raises
    ------
    BayesdenseError
        If it is not such a number.

    Examples
    --------
    >>> check_prob(0.5)
    0.5
    """
    if isinstance(prob, bool) or not isinstance(prob, int | float) or not 0.0 < prob < 1.0:
        raise BayesdenseError(f"prob must be a number between 0 and 1, not {prob!r}")
    return float(prob)


def tail_levels(prob: float) -> tuple[float, float]:
    """Return the quantile levels of the lower and the upper end.

    Parameters
    ----------
    prob : float
        Probability of the interval.

    Returns
    -------
    tuple of float

    Examples
    --------
    >>> tail_levels(0.5)
    (0.25, 0.75)
    """
    tail = (1.0 - check_prob(prob)) / 2.0
    return tail, 1.0 - tail


def interval(draws: Any, prob: float, *, axis: int = 0) -> tuple[Any, Any, Any]:
    """Return median and equal-tailed interval of draws.

    Parameters
    ----------
    draws : array_like
        Draws; infinite values are values like any other.
    prob : float
        Probability of the interval.
    axis : int
        Axis of the draws.

    Returns
    -------
    median, lower, upper : numpy.ndarray or float
        Without the axis of the draws.

    Examples
    --------
    >>> [float(v) for v in interval([0.0, 1.0, 2.0, 3.0, np.inf], 0.5)]
    [2.0, 1.0, 3.0]
    """
    low, high = tail_levels(prob)
    # Not interpolated: between a finite and an infinite draw lies no number.
    lower, median, upper = np.quantile(
        np.asarray(draws, dtype=float), [low, 0.5, high], axis=axis, method="inverted_cdf"
    )
    return median, lower, upper


def interval_columns(
    draws: Any, prob: float, *, axis: int = 0, where: Any = True
) -> dict[str, Any]:
    """Return the columns that every table of intervals has.

    Parameters
    ----------
    draws, prob, axis
        As for `interval`.
    where : array_like of bool
        Which rows have an interval; others are missing.

    Returns
    -------
    dict
        ``median``, ``lower``, ``upper``, ``prob`` and ``kind``.
    """
    if where is True:
        median, lower, upper = interval(draws, prob, axis=axis)
    else:
        known = np.nan_to_num(draws, posinf=0.0, neginf=0.0)
        found = interval(known, prob, axis=axis)
        median, lower, upper = (np.where(where, values, np.nan) for values in found)
    return {"median": median, "lower": lower, "upper": upper, "prob": prob, "kind": KIND}
