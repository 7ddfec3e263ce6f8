"""By how much unreported scores would have to be worse for a doubling time to be another one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.fit import DensityFit
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import PROB, interval_columns
from bayesdense.spec import require_growth
from bayesdense.studies.contamination import rate_that_doubles_in, rates_by_benchmark
from bayesdense.tables.growth import ALL

__all__ = ["missing_scores"]

MEASURED = ("median", "lower", "upper")
# A share that changes by less than this a year is constant: what is left is rounding.
LEAST_CHANGE = 1e-9


def missing_scores(fit: DensityFit, *, months: float = 6.0, prob: float = PROB) -> pd.DataFrame:
    """Return by how much unreported scores would have to be worse for another doubling time.

    The model takes scores to be missing at random, given model, family, date and
    size. If those that were not reported are worse by ``delta`` in log effective
    size than the model expects of them beside those that were (a pattern-mixture
    model), reported ones overshoot by ``delta (1 - p)``, where ``p`` is the share
    of models with a score. That is a constant as long as ``p`` is; where reports
    get rarer by ``-dp/dt`` a year, growth is overstated by ``-delta dp/dt``. So the rate at which
    density doubles in `months` is that of ``delta = (A_j - 12 ln 2 / months) / (-dp_j/dt)``.

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
        One row a benchmark and one for all: ``benchmark``; ``reported``, the
        share of dated targets with a score there; ``reported_per_year`` and
        ``se``, the slope of that share over their dates and its standard error;
        and, where reports get rarer, ``unit`` with ``median``, ``lower`` and ``upper``
        of ``delta``, a logarithm of effective size, missing where they do not;
        ``prob`` and ``kind``.

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
    reported, slope, error = _reports(design)
    names = [*design.coords["benchmark"], ALL]
    rates = rates_by_benchmark(draws) * np.ones(len(names) - 1)
    rates = np.concatenate([rates, draws["growth_rate"][:, None]], axis=1)
    rarer = np.where(slope < -LEAST_CHANGE, -slope, np.nan)
    gap = (rates - wanted) / rarer
    columns = {
        name: np.where(np.isnan(rarer), np.nan, values) if name in MEASURED else values
        for name, values in interval_columns(np.nan_to_num(gap), prob).items()
    }
    return pd.DataFrame(
        {
            "benchmark": names,
            "reported": reported,
            "reported_per_year": slope,
            "se": error,
            "unit": "log effective size",
            **columns,
        }
    )


def _reports(design: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the share of dated targets with a score, its slope by date and the standard error.

    Shape ``(benchmark + 1,)``; the last is of all cells together.
    """
    arrays, count = design.arrays, design.size("dated_target")
    there = np.zeros((count, design.size("benchmark")))
    dated = arrays["cell_model"] < count
    there[arrays["cell_model"][dated], arrays["cell_benchmark"][dated]] = 1.0
    there = np.column_stack([there, there.mean(axis=1)])
    years = arrays["target_years"][:count]
    centred = years - years.mean()
    square = (centred**2).sum()
    slope = centred @ there / square
    off = there - there.mean(axis=0) - centred[:, None] * slope
    error = np.sqrt((off**2).sum(axis=0) / max(count - 2, 1) / square)
    return there.mean(axis=0), slope, error
