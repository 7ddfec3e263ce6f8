"""By how much unreported scores would have to be worse for a doubling time to be another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.fit import DensityFit
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import PROB, TABLE_SEED, interval_columns
from bayesdense.spec import require_growth
from bayesdense.studies.contamination import rate_that_doubles_in, rates_by_benchmark
from bayesdense.tables.growth import ALL

__all__ = ["missing_scores"]

RESAMPLES = 200
# Standard errors by which a slope must differ from 0 to be divided by.
SEEN = 2.0
# Prior standard deviation of the slope of the log odds of a report, per year: without it, a
# benchmark that all models have from some day on would have an infinite one.
STEEPEST = 2.0
NEWTON_STEPS = 25
# Of a coefficient of that regression, so that Newton's method cannot run away.
LARGEST = 20.0
# A share that changes by less than this a year is constant: what is left is rounding. And a gap
# that stands for one that is not finite.
LEAST_CHANGE, FARTHEST = 1e-9, 1e6


def missing_scores(fit: DensityFit, *, months: float = 6.0, prob: float = PROB) -> pd.DataFrame:
    """Return by how much unreported scores would have to be worse for another doubling time.

    The model takes scores to be missing at random, given model, family, date and
    size. If those that were not reported are worse by ``delta`` in log effective
    size than the model expects of them beside those that were (a pattern-mixture
    model), reported ones overshoot by ``delta (1 - p)``, where ``p`` is the share
    of models with a score. That is a constant as long as ``p`` is; where reports
    get rarer, growth is overstated by ``delta r_j``, with ``r_j`` the slope of ``1 - p`` over
    the dates of the models that report (``p`` by a logistic regression on date). So the rate
    at which density doubles in `months` is that of
    ``delta = (A_j - 12 ln 2 / months) / r_j``; for all benchmarks ``r`` is the mean.

    This is to first order, and about scores of models that are in the dataset: models that were
    never released are not counted.

    Parameters
    ----------
    fit : DensityFit
        With a growth rate.
    months : float
        Doubling time that is asked for.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        One row a benchmark, where these grow at rates of their own, and one for
        all: ``benchmark``; ``reported``, the share of dated targets with a score;
        ``rarer_per_year`` and ``se``, ``r`` and its standard error (models
        resampled); ``least``, the median ``delta`` if reports got rarer by two
        standard errors more, missing where they did not get rarer even then; ``unit``; and
        ``median``, ``lower``, ``upper`` of ``delta``, missing where ``r`` is not above 0 by
        two standard errors. Below 0 where growth is slower already. ``prob`` and
        ``kind``.

    Raises
    ------
    BayesdenseError
        If the model has no growth rate, or `months` is not above 0.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("out/densing5/linear.nc")  # doctest: +SKIP
    >>> bd.studies.missing_scores(fit, months=6.0)  # doctest: +SKIP
    """
    require_growth(fit.spec, "missing_scores")
    wanted = rate_that_doubles_in(months)
    design, draws = make_design(fit.data, fit.spec), Draws(fit.posterior)
    years, there = _reports(design)
    rarer = _with_mean(_rarer(years, there))
    random = np.random.default_rng(TABLE_SEED)
    again = [random.integers(len(years), size=len(years)) for _ in range(RESAMPLES)]
    resampled = np.array([_with_mean(_rarer(years[i], there[i])) for i in again])
    error, reported = resampled.std(axis=0), _with_mean(there.mean(axis=0))
    rates = np.column_stack(
        [rates_by_benchmark(draws) * np.ones(len(rarer) - 1), draws["growth_rate"]]
    )
    names = np.array([*design.coords["benchmark"], ALL])
    if "growth_rate_by_benchmark" not in draws:
        # One rate for all is overstated by what is missing on all of them.
        names, reported, rarer, error = names[-1:], reported[-1:], rarer[-1:], error[-1:]
        rates, resampled = rates[:, -1:], resampled[:, -1:]
    too_fast = rates - wanted
    slopes = resampled[np.arange(len(rates)) % RESAMPLES]
    most = rarer + SEEN * error
    with np.errstate(divide="ignore", invalid="ignore"):
        least = np.where(most > LEAST_CHANGE, np.median(too_fast, axis=0) / most, np.nan)
        gap = np.where(slopes > 0.0, too_fast / slopes, np.sign(too_fast) * FARTHEST)
    seen = rarer > np.maximum(SEEN * error, LEAST_CHANGE)
    return pd.DataFrame(
        {
            "benchmark": names,
            "reported": reported,
            "rarer_per_year": rarer,
            "se": error,
            "least": least,
            "unit": "log effective size",
            **interval_columns(gap, prob, where=seen),
        }
    )


def _reports(design: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the dates of dated targets, and 1 where they have a score, by benchmark."""
    arrays, count = design.arrays, design.size("dated_target")
    there = np.zeros((count, design.size("benchmark")))
    dated = arrays["cell_model"] < count
    there[arrays["cell_model"][dated], arrays["cell_benchmark"][dated]] = 1.0
    return arrays["target_years"][:count], there


def _rarer(years: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Return the slope of ``1 - p`` over the dates of the models that report, by benchmark."""
    line = np.column_stack([np.ones(len(years)), years])
    prior = np.diag([0.0, STEEPEST**-2.0])
    slopes = np.zeros(there.shape[1])
    for j, own in enumerate(there.T):
        if own.all() or not own.any():
            continue
        found = np.zeros(2)
        for _ in range(NEWTON_STEPS):
            share = 1.0 / (1.0 + np.exp(-(line @ found)))
            weight = share * (1.0 - share)
            information = (line * weight[:, None]).T @ line + prior + LEAST_CHANGE * np.eye(2)
            found = found + np.linalg.solve(information, line.T @ (own - share) - prior @ found)
            found = np.clip(found, -LARGEST, LARGEST)
        missing = 1.0 / (1.0 + np.exp(line @ found))
        centred = (years - years[own > 0].mean()) * own
        square = (centred**2).sum()
        slopes[j] = (centred * missing).sum() / square if square > 0.0 else 0.0
    return slopes


def _with_mean(values: np.ndarray) -> np.ndarray:
    return np.append(values, values.mean())
