"""Decorrelate the coefficients of the score map by regression.

Scores identify only combinations of floor, ceiling, exponent, slope and logit, so each is sampled
as its residual from a regression on those before it. The regressions are the usual ones first,
and those of a pilot's draws later. They change how the posterior is sampled, never what it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.coordinates.contrasts import UNKNOWN_OFFSET
from bayesdense.coordinates.log_odds import log_odds
from bayesdense.coordinates.regression import UNBENT
from bayesdense.model.numbers import at
from bayesdense.model.observation import noise_terms
from bayesdense.parts.namespace import namespace

__all__ = [
    "Regressions",
    "end_features",
    "knots_of",
    "noise_at_scores",
    "residual_shift",
    "shape_exponents",
    "usual",
]

# Shares of the scores of a benchmark below its three knots, how far these are apart at the least,
# and how near an end a score counts as at the least.
KNOTS = (0.25, 0.5, 0.75)
LEAST_GAP = 0.02
KNOT_MARGIN = 0.03
# Scores of less spread than this tell exponent and tilt of their noise not apart.
LEAST_VARIANCE = 1e-4

ENDS = ("map_floor", "ceiling_share")
N_ENDS = 3
"""How many numbers tell of floor and ceiling, see `end_features`."""


@dataclass(frozen=True)
class Regressions:
    """Regressions of each coefficient on those before it, by benchmark.

    The features are, in order: those of `end_features`, the logarithms of the
    exponents that shape the law, the logarithm of the slope, the logit. A
    coefficient is regressed on those before it, the deviation of models on
    all.

    Attributes
    ----------
    centre : numpy.ndarray, shape (benchmark, feature)
        Of the features.
    slope : numpy.ndarray, shape (benchmark, feature)
        Of the slope (steepness) of the map.
    slope_unit : numpy.ndarray, shape (benchmark,)
        Standard deviation of the residuals of the logarithm of the slope.
    slope_share : numpy.ndarray, shape ()
        The share of their common component that is removed, as
        `bayesdense.coordinates.regression.share_in_common` has it.
    logit : numpy.ndarray, shape (benchmark, feature)
        Of its logit.
    spread : numpy.ndarray, shape (benchmark, feature)
        Of the standard deviation of cells.
    exponents : dict of str to numpy.ndarray, shape (benchmark, feature)
        Of the exponents.
    pooled_error, pooled_pull : dict of str to numpy.ndarray, shape (benchmark,)
        Of the logarithms of the exponents and of ``cell_effect_sd``, where they
        vary around a common mean, what scores by themselves say of them, as
        `bayesdense.coordinates.regression.shrunk_slopes` has it.
    bend_place, bend_width : dict of str to numpy.ndarray, shape (benchmark,)
        Of floor and ceiling, as `bayesdense.coordinates.regression.bend_of` has
        it.
    """

    centre: np.ndarray
    slope: np.ndarray
    slope_unit: np.ndarray
    slope_share: np.ndarray
    logit: np.ndarray
    spread: np.ndarray
    exponents: dict[str, np.ndarray]
    pooled_error: dict[str, np.ndarray]
    pooled_pull: dict[str, np.ndarray]
    bend_place: dict[str, np.ndarray]
    bend_width: dict[str, np.ndarray]


def shape_exponents(law: Any) -> list[str]:
    """Return the positive coefficients that shape the law where there are scores only.

    Parameters
    ----------
    law : LossLaw
        The law.

    Returns
    -------
    list of str
    """
    return [name for name in law.shape if name in law.exponents]


def usual(count: int, exponents: list[str]) -> Regressions:
    """Return regressions before anything is fitted: a curve keeps near three scores.

    Parameters
    ----------
    count : int
        Number of benchmarks.
    exponents : list of str
        What `shape_exponents` returned.

    Returns
    -------
    Regressions
    """
    n, pooled = N_ENDS + len(exponents), [*exponents, "cell_effect_sd"]
    slope, logit = np.zeros((count, n)), np.zeros((count, n + 1))
    logit[:, 0] = 1.0
    slope[:, 1:N_ENDS] = 0.5
    return Regressions(
        centre=np.zeros((count, n + 2)),
        slope=slope,
        slope_unit=np.ones(count),
        slope_share=np.zeros(()),
        logit=logit,
        spread=np.zeros((count, n + 2)),
        exponents={name: np.zeros((count, N_ENDS)) for name in exponents},
        pooled_error={name: np.full(count, UNKNOWN_OFFSET) for name in pooled},
        pooled_pull={name: np.zeros(count) for name in pooled},
        bend_place={name: np.zeros(count) for name in ENDS},
        bend_width={name: np.full(count, UNBENT) for name in ENDS},
    )


def knots_of(scores: np.ndarray, benchmark: np.ndarray, count: int) -> tuple[np.ndarray, ...]:
    """Return three scores of each benchmark that a change of floor or ceiling should leave.

    Parameters
    ----------
    scores : numpy.ndarray, shape (score,)
        All scores.
    benchmark : numpy.ndarray of int, shape (score,)
        Their benchmarks.
    count : int
        Number of benchmarks.

    Returns
    -------
    knots : numpy.ndarray, shape (benchmark, 3)
        Rising by at least `LEAST_GAP`.
    margin : numpy.ndarray, shape (benchmark,)
        How near an end a score counts as at the least.
    """
    knots = np.full((count, 3), 0.5)
    for j in np.unique(benchmark):
        knots[j] = np.quantile(scores[benchmark == j], KNOTS)
    knots[:, 0] = np.minimum(knots[:, 0], knots[:, 1] - LEAST_GAP)
    knots[:, 2] = np.maximum(knots[:, 2], knots[:, 1] + LEAST_GAP)
    return knots, np.full(count, KNOT_MARGIN)


def noise_at_scores(
    scores: np.ndarray, benchmark: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return how exponent, tilt and scale of the noise of sources go together.

    Parameters
    ----------
    scores : numpy.ndarray, shape (score,)
        All scores.
    benchmark : numpy.ndarray of int, shape (score,)
        Their benchmarks.
    count : int
        Number of benchmarks.

    Returns
    -------
    slope : numpy.ndarray, shape (benchmark,)
        By how much less an exponent is where the tilt is greater by 1, if the
        noise at the scores of the benchmark is to stay.
    centre : numpy.ndarray, shape (2, benchmark)
        Means of what exponent and tilt multiply.
    """
    slope, centre = np.zeros(count), np.zeros((2, count))
    for j in np.unique(benchmark):
        spread, tilt = noise_terms(np.clip(scores[benchmark == j], 0.0, 1.0))
        centre[:, j] = spread.mean(), tilt.mean()
        variance = spread.var()
        if variance > LEAST_VARIANCE:
            slope[j] = ((spread - spread.mean()) * tilt).mean() / variance
    return slope, centre


def end_features(knots: Any, margin: Any, floor: Any, span: Any) -> list[Any]:
    """Return what floor and ceiling say of a curve through three scores.

    With ``o`` the log odds of a score within the span: a curve that passes
    three scores at given sizes has the bend, slope and height that the ``o``
    of the three have.

    Parameters
    ----------
    knots : array_like, shape (..., 3)
        Rising scores.
    margin : array_like, shape (...)
        How near an end a score counts as at the least.
    floor, span : array_like, shape (...)
        ``d`` and ``c``; numbers, arrays or symbols.

    Returns
    -------
    list of array_like, shape (...)
        The middle ``o``, and the logarithms of how far it is from the lower
        and from the upper one.
    """
    xp = namespace(knots, floor, span)
    low, middle, high = (log_odds(knots[..., i], floor, span, margin) for i in range(3))
    return [middle, xp.log(middle - low), xp.log(high - middle)]


def residual_shift(slopes: Any, centre: Any, features: list[Any], which: Any = None) -> Any:
    """Return the shift that turns a coordinate into the residual of its regression.

    Parameters
    ----------
    slopes, centre : array_like, shape (benchmark, feature)
        Of the regression.
    features : list of array_like, shape (benchmark,)
        In the order of the columns.
    which : array_like of int, optional
        The benchmarks that the features are of; all by default.

    Returns
    -------
    array_like, shape (benchmark,)
    """
    if which is not None:
        slopes, centre = slopes[which], centre[which]
    return -sum(slopes[:, i] * (value - centre[:, i]) for i, value in enumerate(features))


def law_features(exponents: list[str], coefficients: Mapping[str, Any], ruler: Any) -> list[Any]:
    """Return the logarithms of the exponents that shape the law, by benchmark.

    Parameters
    ----------
    exponents : list of str
        What `shape_exponents` returned.
    coefficients : mapping of str to array_like, shape (..., ruler)
        Of the law.
    ruler : array_like of int, shape (benchmark,)
        The ruler of each benchmark.

    Returns
    -------
    list of array_like, shape (..., benchmark)
    """
    found = [coefficients[name] for name in exponents]
    return [at(namespace(value).log(value), ruler) for value in found]
