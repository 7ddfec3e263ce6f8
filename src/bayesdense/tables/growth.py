"""Growth rates and doubling times of density, for each estimator and benchmark."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.errors import BayesdenseError
from bayesdense.model import Design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import KIND, TABLE_SEED, check_prob, interval
from bayesdense.spec import require_growth
from bayesdense.tables.envelope import envelope_slope, replicated_log_density

__all__ = [
    "ALL",
    "NEW",
    "WITHIN",
    "Rate",
    "doubling_months",
    "doubling_time_table",
    "growth_table",
    "months_text",
    "rates",
    "rates_at",
    "sparsity_growth",
]

ALL = "all benchmarks"
NEW = "new benchmark"
WITHIN = "within families"
# A running maximum rises whatever densities do: that it grows is no finding.
ENVELOPE, OF_REPLICATES, EXCESS = "envelope", "envelope of replicates", "envelope excess"
ALWAYS_RISING = (ENVELOPE, OF_REPLICATES)
MONTHS_PER_YEAR = 12.0


@dataclass(frozen=True)
class Rate:
    """Draws of one growth rate.

    Attributes
    ----------
    estimator, period, benchmark : str
        What grows, when, and measured on what.
    draws : numpy.ndarray, shape (draw,)
        ``d ln(density)/dt`` per year; NaN where a draw gives no slope.
    """

    estimator: str
    period: str
    benchmark: str
    draws: np.ndarray


def rates(draws: Draws, design: Design) -> list[Rate]:
    """Return every growth rate that a posterior speaks of.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    list of Rate
        Each estimator over all benchmarks, on each benchmark and on a new
        one; each within families, where that may differ; then the envelope,
        the envelope of replicated data, and by how much the first exceeds the
        second.
    """
    random = np.random.default_rng(TABLE_SEED)
    years = design.arrays["years"]
    found: list[Rate] = []
    within: list[Rate] = []
    for growth in design.spec.trend.growth(draws, years):
        found.append(Rate(growth.estimator, growth.period, ALL, growth.rate))
        if "within_family_growth" in draws:
            rate = growth.rate + draws["within_family_growth"]
            within.append(Rate(f"{growth.estimator}, {WITHIN}", growth.period, ALL, rate))
        if "growth_rate_by_benchmark" not in draws:
            continue
        difference = draws["growth_rate_by_benchmark"] - draws["growth_rate"][:, None]
        for j, benchmark in enumerate(design.coords["benchmark"]):
            found.append(
                Rate(growth.estimator, growth.period, benchmark, growth.rate + difference[:, j])
            )
        count = design.size("benchmark")
        spread = draws["growth_rate_sd"] * np.sqrt(1.0 + 1.0 / count)
        new = growth.rate + spread * random.standard_normal(draws.count)
        found.append(Rate(growth.estimator, growth.period, NEW, new))
    found += within
    observed = envelope_slope(draws["log_density"][:, : len(years)], years)
    replicated = envelope_slope(
        replicated_log_density(draws, design, design.spec.trend, random), years
    )
    for name, values in (
        (ENVELOPE, observed),
        (OF_REPLICATES, replicated),
        (EXCESS, observed - replicated),
    ):
        found.append(Rate(name, "all dates", ALL, values))
    return found


def rates_at(draws: Draws, design: Design, dates: Sequence[Any]) -> list[Rate]:
    """Return the growth rate over all benchmarks at some dates.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    dates : sequence of date-like
        Dates; the growth of a trend that changes goes on beyond those of the
        targets as its prior says.

    Returns
    -------
    list of Rate
        The period of each is its day.

    Raises
    ------
    BayesdenseError
        If there is no growth rate, a date is none, or the trend cannot say.
    """
    trend, years = design.spec.trend, design.arrays["years"]
    require_growth(design.spec, "growth(at=...)")
    if not hasattr(trend, "rate_at"):
        raise BayesdenseError(
            f"the trend '{trend.name}' has no method rate_at, which growth(at=...) needs"
        )
    try:
        days = np.array([np.datetime64(pd.Timestamp(date), "s") for date in dates])
    except (TypeError, ValueError):
        days = np.array([], dtype="datetime64[s]")
    if not len(days) or isinstance(dates, str) or np.isnat(days).any():
        raise BayesdenseError(
            f"growth(at=...) takes a list of days such as ['2025-01-01'], not {dates!r}"
        )
    at = (days - design.mean_date) / np.timedelta64(1, "D") / DAYS_PER_YEAR
    random = np.random.default_rng(TABLE_SEED)
    values = {n: draws[n] for n in ("growth_rate", *trend.priors()) if n in draws}
    constants = {name: design.arrays[name] for name in trend.constants}
    found = trend.rate_at(values | constants, years, at, random)
    estimator = trend.growth(draws, years)[0].estimator
    return [
        Rate(estimator, str(day.astype("datetime64[D]")), ALL, found[:, i])
        for i, day in enumerate(days)
    ]


def sparsity_growth(models: pd.DataFrame) -> float | None:
    """Return how fast the logarithm of total over active parameters grows, by least squares.

    Growth of density by total parameters and by active ones differ by it.

    Parameters
    ----------
    models : pandas.DataFrame
        Columns ``n_params``, ``n_active`` and ``release_date``.

    Returns
    -------
    float or None
        Per year; None where no model is a mixture, or all have one date.

    Examples
    --------
    >>> days = pd.to_datetime(["2024-01-01", "2025-01-01"])
    >>> table = pd.DataFrame({"n_params": [2e9, 8e9], "n_active": [2e9, 4e9], "release_date": days})
    >>> round(sparsity_growth(table), 4)
    0.6917
    """
    dated = models.dropna(subset=["release_date"])
    sparsity = np.log(dated["n_params"].to_numpy(float) / dated["n_active"].to_numpy(float))
    days = dated["release_date"].to_numpy(dtype="datetime64[s]").astype(float) / 86400.0
    years = (days - days.mean()) / DAYS_PER_YEAR if len(days) else days
    if not sparsity.any() or not years.any():
        return None
    return float(years @ sparsity / (years @ years))


def growth_table(all_rates: list[Rate], *, prob: float, unit: str) -> pd.DataFrame:
    """Return growth rates with intervals.

    Parameters
    ----------
    all_rates : list of Rate
        As returned by `rates`.
    prob : float
        Probability of the intervals.
    unit : {"1/year", "1/day"}
        Unit of the rates.

    Returns
    -------
    pandas.DataFrame
        Columns ``estimator``, ``period``, ``benchmark``, ``median``,
        ``lower``, ``upper``, ``prob``, ``kind``, ``p_growth`` (NaN for an
        envelope, which always rises; of its excess over replicates it is the
        probability of one), ``undefined`` (share of draws without a slope)
        and ``unit``.

    Raises
    ------
    BayesdenseError
        If the unit is unknown.
    """
    per = {"1/year": 1.0, "1/day": 1.0 / DAYS_PER_YEAR}
    if unit not in per:
        raise BayesdenseError(f"unit must be '1/year' or '1/day', not {unit!r}")
    return _table(all_rates, prob, unit, lambda rate: interval(rate * per[unit], prob))


def doubling_time_table(all_rates: list[Rate], *, prob: float) -> pd.DataFrame:
    """Return doubling times with intervals, in months of 365.25/12 days.

    A doubling time is ``ln 2 / A``, and infinite where density does not grow.
    The ends of its interval are those of the growth rate, turned around; an
    upper end is infinite, 'no finite upper end', where the lower end of the
    growth rate is not positive. A draw of the envelope that has no slope, with
    records on one day only, counts in ``undefined`` and in nothing else.

    Parameters
    ----------
    all_rates : list of Rate
        As returned by `rates`.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns as of `growth_table`; the unit is ``months``. A difference of
        growth rates has no doubling time and no row.
    """
    kept = [rate for rate in all_rates if rate.estimator != EXCESS]

    def months(rate: np.ndarray) -> tuple[float, float, float]:
        median, lower, upper = interval(rate, prob)
        return doubling_months(median), doubling_months(upper), doubling_months(lower)

    return _table(kept, prob, "months", months)


def months_text(months: float) -> str:
    """Return a doubling time as text.

    Parameters
    ----------
    months : float
        Infinite where there is no growth.

    Returns
    -------
    str

    Examples
    --------
    >>> months_text(3.456), months_text(float("inf"))
    ('3.46', 'no finite end')
    """
    return f"{months:.2f}" if np.isfinite(months) else "no finite end"


def doubling_months(rate: float) -> float:
    """Return the doubling time of a growth rate, in months.

    Parameters
    ----------
    rate : float
        Per year.

    Returns
    -------
    float
        Infinite where there is no growth.

    Examples
    --------
    >>> round(doubling_months(2.0), 3), doubling_months(-1.0)
    (4.159, inf)
    """
    return float(MONTHS_PER_YEAR * np.log(2.0) / rate) if rate > 0 else float("inf")


def _table(
    all_rates: list[Rate],
    prob: float,
    unit: str,
    ends: Callable[[np.ndarray], tuple[float, float, float]],
) -> pd.DataFrame:
    check_prob(prob)
    rows = []
    for rate in all_rates:
        defined = rate.draws[np.isfinite(rate.draws)]
        median, lower, upper = ends(defined) if len(defined) else (np.nan,) * 3
        risen = rate.estimator in ALWAYS_RISING or not len(defined)
        rows.append(
            {
                "estimator": rate.estimator,
                "period": rate.period,
                "benchmark": rate.benchmark,
                "median": float(median),
                "lower": float(lower),
                "upper": float(upper),
                "prob": prob,
                "kind": KIND,
                "p_growth": np.nan if risen else float((defined > 0).mean()),
                "undefined": 1.0 - len(defined) / len(rate.draws),
                "unit": unit,
            }
        )
    return pd.DataFrame(rows)
