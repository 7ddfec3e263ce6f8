"""Whether a benchmark grows at another rate than the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import PROB, interval_columns
from bayesdense.spec import require_growth

__all__ = ["DIFFERS", "growth_differences", "rate_differences"]

DIFFERS = 0.05
"""Posterior probability of the less likely sign, both sides and all benchmarks together, below
which a benchmark is said to grow at another rate."""


def growth_differences(fit: DensityFit, *, prob: float = PROB) -> pd.DataFrame:
    """Return how the growth on each benchmark differs from that on the others.

    The difference is between ``A_j`` (``growth_rate_by_benchmark``) and the
    mean of the other ``A_k``, draw by draw. Rates are partially pooled and
    size slopes are by benchmark, so that a benchmark that merely favours large
    models, or is measured poorly, does not pass for one that grows at another
    rate.

    Parameters
    ----------
    fit : DensityFit
        With growth by benchmark, of at least two.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row for each benchmark: ``benchmark``, ``median``, ``lower``,
        ``upper`` (per year), ``prob``, ``kind``, ``p_faster``, and ``differs``:
        whether twice the probability of the less likely sign is below 0.05
        over the number of benchmarks.

    Raises
    ------
    BayesdenseError
        If growth is common to all benchmarks, there is one only, or the model
        has no trend.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("out/densing5/linear.nc")  # doctest: +SKIP
    >>> bd.studies.growth_differences(fit)  # doctest: +SKIP
    """
    if "growth_rate_by_benchmark" not in fit.posterior or fit.posterior.sizes["benchmark"] < 2:
        require_growth(fit.spec, "a difference between growth rates")
        raise BayesdenseError(
            "growth rates by benchmark are needed, of at least two: growth='by-benchmark'"
        )
    difference = rate_differences(Draws(fit.posterior)["growth_rate_by_benchmark"])
    faster = (difference > 0).mean(axis=0)
    other_sign = 2 * np.minimum(faster, 1 - faster)
    return pd.DataFrame(
        {
            "benchmark": fit.posterior["benchmark"].values,
            **interval_columns(difference, prob),
            "kind": fit.interval_kind,
            "p_faster": faster,
            "differs": other_sign < DIFFERS / difference.shape[1],
        }
    )


def rate_differences(rates: np.ndarray) -> np.ndarray:
    """Return every rate less the mean of the others.

    Parameters
    ----------
    rates : numpy.ndarray, shape (draw, benchmark)
        Growth rates.

    Returns
    -------
    numpy.ndarray, shape (draw, benchmark)
    """
    count = rates.shape[1]
    return np.asarray((rates - rates.mean(axis=1, keepdims=True)) * count / (count - 1))
