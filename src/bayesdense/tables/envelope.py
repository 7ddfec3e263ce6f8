"""The paper's own estimator: a line through the records of density (docs/model.md, "The trend")."""

from __future__ import annotations

import numpy as np

from bayesdense.build import Layout
from bayesdense.parts.trends import Trend
from bayesdense.posterior.draws import Draws, log_sizes
from bayesdense.spec import DENSITY_SIZE

__all__ = ["envelope_slope", "replicated_log_density"]


def envelope_slope(log_density: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Fit a line through the models that set a record, draw by draw.

    Equation 5 of the Densing Law paper (Xiao et al., arXiv 2412.04315) is
    fitted to the running maximum of density. Models of one date enter
    together, and a record has to beat all that came before.

    Parameters
    ----------
    log_density : numpy.ndarray, shape (draw, model)
        ``ln rho``.
    years : numpy.ndarray, shape (model,)
        Release dates in years.

    Returns
    -------
    numpy.ndarray, shape (draw,)
        Least-squares slope per year; NaN where fewer than two dates set a
        record.

    Examples
    --------
    The third model is no record and does not count:

    >>> envelope_slope(np.array([[0.0, 2.0, 1.0, 4.0]]), np.array([0.0, 1.0, 1.5, 2.0]))
    array([2.])
    """
    order = np.argsort(years, kind="stable")
    dates, start = np.unique(years[order], return_index=True)
    best = np.maximum.reduceat(np.asarray(log_density, dtype=float)[:, order], start, axis=1)
    running = np.maximum.accumulate(best, axis=1)
    record = np.ones_like(best, dtype=bool)
    record[:, 1:] = best[:, 1:] > running[:, :-1]
    count = record.sum(axis=1)
    mean_date = (record * dates).sum(axis=1) / count
    mean_best = (record * best).sum(axis=1) / count
    offset = np.where(record, dates - mean_date[:, None], 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (offset * (best - mean_best[:, None])).sum(axis=1) / (offset**2).sum(axis=1)
    return np.where(count >= 2, slope, np.nan)


def replicated_log_density(
    draws: Draws, layout: Layout, trend: Trend, random: np.random.Generator
) -> np.ndarray:
    """Return the log density of new models with the dates, sizes and families of the targets.

    Families and models get new deviations; what a trend alone would show in
    its running maximum is read off these.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        With dates, sizes and families.
    trend : Trend
        The trend of the model.
    random : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray, shape (draw, dated_target)
    """
    years = layout.arrays["years"]
    level = draws["B"][:, None] + trend.line(draws, years, layout.origin)
    if "lambda" in draws:
        size = log_sizes(draws, layout)[..., : len(years)] - np.log(DENSITY_SIZE)
        level = level + draws["lambda"][:, None] * size
    if "sigma_f" in draws:
        family = random.standard_normal((draws.count, layout.size("family")))
        codes = layout.arrays["family_code"][: len(years)]
        level = level + draws["sigma_f"][:, None] * family[:, codes]
    return level + trend.deviation(draws, years, random)
