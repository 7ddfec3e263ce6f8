"""By how much scores would have to be inflated for a doubling time to be another one."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws, ruler_of
from bayesdense.posterior.intervals import PROB, interval_columns
from bayesdense.spec import require_growth
from bayesdense.tables.growth import ALL, MONTHS_PER_YEAR

__all__ = ["rate_that_doubles_in", "rates_by_benchmark", "tipping_points"]


def tipping_points(fit: DensityFit, *, months: float = 6.0, prob: float = PROB) -> pd.DataFrame:
    """Return which yearly inflation of scores would bring the doubling time to a given one.

    Test items that leak into training data, tuning towards a benchmark and kinder
    harnesses all raise scores without any gain in capability, and from scores
    alone none of them can be told from density. If they add ``kappa`` to the
    logit of a benchmark each year, growth there is overstated by ``kappa / s``,
    where ``s`` is the slope of the logit by ``ln N`` at the scores of the
    targets. So the rate at which density doubles in `months` is that of
    ``kappa = (A_j - 12 ln 2 / months) s``; with the same ``kappa`` on all
    benchmarks the mean of ``1 / s`` takes the place of ``1 / s``.

    This is to first order: the ruler and all else stay as they are.

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
        One row a benchmark and one for all: ``benchmark``, ``unit`` and
        ``median``, ``lower``, ``upper`` of ``kappa``, in logits a year;
        ``points``, the median in percentage points a year at the scores of the
        targets (not for all benchmarks together); ``prob`` and ``kind``.
        Below 0 where growth is slower already.

    Raises
    ------
    BayesdenseError
        If the model has no growth rate, or `months` is not above 0.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("out/densing5/linear.nc")  # doctest: +SKIP
    >>> bd.studies.tipping_points(fit, months=12.0)  # doctest: +SKIP
    """
    require_growth(fit.spec, "tipping_points")
    wanted = rate_that_doubles_in(months)
    design, draws = make_design(fit.data, fit.spec), Draws(fit.posterior)
    slope, points = _at_targets(design, draws)
    rate = draws["growth_rate"][:, None]
    kappa = (rates_by_benchmark(draws) - wanted) * slope
    together = (rate - wanted) / (1.0 / slope).mean(axis=1, keepdims=True)
    names = [*design.coords["benchmark"], ALL]
    return pd.DataFrame(
        {
            "benchmark": names,
            "unit": "logits per year",
            **interval_columns(np.concatenate([kappa, together], axis=1), prob),
            "points": [*np.median(100.0 * kappa * points, axis=0), np.nan],
        }
    )


def rate_that_doubles_in(months: Any) -> float:
    """Return the growth rate of a doubling time, or refuse what is none.

    Parameters
    ----------
    months : object
        What a user asked for.

    Returns
    -------
    float
        Per year.

    Raises
    ------
    BayesdenseError
        If it is not a number above 0.
    """
    if isinstance(months, bool) or not isinstance(months, Real) or not float(months) > 0:
        raise BayesdenseError(f"months must be a number above 0, not {months!r}")
    return float(MONTHS_PER_YEAR * np.log(2.0) / float(months))


def rates_by_benchmark(draws: Draws) -> np.ndarray:
    """Return draws of the growth on each benchmark, or of that on all in one column.

    Parameters
    ----------
    draws : Draws
        Of a model with a trend.

    Returns
    -------
    numpy.ndarray, shape (draw, benchmark or 1)
    """
    if "growth_rate_by_benchmark" in draws:
        return np.asarray(draws["growth_rate_by_benchmark"])
    return np.asarray(draws["growth_rate"][:, None])


def _at_targets(design: Any, draws: Draws) -> tuple[np.ndarray, np.ndarray]:
    """Return how fast logits rise by log size, and scores by logit, at the targets' scores.

    Both are means over the targets of a benchmark, shape ``(draw, benchmark)``.
    """
    ruler, arrays = ruler_of(draws, design), design.arrays
    x = draws["log_effective_size"] - design.log_size_centre
    of_cell, is_target = arrays["cell_benchmark"], arrays["cell_model"] < design.size("target")
    slopes, rises = [], []
    for j in range(design.size("benchmark")):
        cells = np.flatnonzero(is_target & (of_cell == j))
        if not len(cells):
            # No target was scored there: at the middle of the references.
            at, place = np.zeros((len(x), 1)), np.array([j])
            tokens = ruler.tokens[place]
        else:
            at, place, tokens = x[:, cells], of_cell[cells], arrays["cell_tokens"][cells]
        slope = ruler.steepness[:, place] * ruler.slope(at, tokens, ruler.ruler[place])
        logit = ruler.logit(ruler.loss(at, tokens, ruler.ruler[place]), place)
        step = 0.01
        rise = ruler.score(logit + step, place) - ruler.score(logit - step, place)
        slopes.append(slope.mean(axis=1))
        rises.append(rise.mean(axis=1) / (2 * step))
    return np.column_stack(slopes), np.column_stack(rises)
