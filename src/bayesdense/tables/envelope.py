"""The paper's own estimator: a line through the records of density (docs/model.md, "The trend")."""

from __future__ import annotations

import numpy as np

from bayesdense.model import Design
from bayesdense.model.dates import within_families, years_of
from bayesdense.model.families import KINDS
from bayesdense.model.trend import line, target_sizes
from bayesdense.parts.trends import Trend
from bayesdense.parts.trends.base import factor_of
from bayesdense.posterior.draws import Columns, Draws, log_sizes

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
    draws: Draws, design: Design, trend: Trend, random: np.random.Generator
) -> np.ndarray:
    """Return the log density of new models with the dates, sizes and families of the targets.

    Families and models get new deviations; what a trend by itself would show in
    its running maximum is read off these.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        With dates, sizes and families.
    trend : Trend
        The trend of the model.
    random : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    numpy.ndarray, shape (draw, dated_target)
    """
    values, reported = Columns(draws), design.arrays["years"]
    # The densities that are observed are those of the true dates, as far as these are known.
    years = years_of(values, design.arrays)[..., : len(reported)]
    size = log_sizes(draws, design) - design.log_size_centre
    size = target_sizes(size, design.arrays, len(reported))
    density = line(values, design.arrays, trend, years, size)
    density = density + within_families(values, design.arrays)
    for kind in KINDS:
        if f"{kind}_effect_sd" in draws:
            effects = random.standard_normal((draws.count, design.size(kind)))
            codes = design.arrays[f"{kind}_code"][: len(reported)]
            effects = draws[f"{kind}_effect_sd"][:, None] * effects[:, codes]
            density = density + factor_of(trend, values, years) * effects
    return density + trend.deviation(draws, reported, random)
