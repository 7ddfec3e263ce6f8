"""New models in a posterior: densities, effective sizes, places on the trend, scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.special import ndtr

from bayesdense.posterior.draws import ruler_of
from bayesdense.posterior.intervals import TABLE_SEED, interval, interval_columns
from bayesdense.posterior.placing import PlacedModels
from bayesdense.tables.density import benchmark_ranges, reference_range
from bayesdense.tables.growth import rates_at

__all__ = [
    "ALARM",
    "placed_density_table",
    "placed_score_table",
    "placed_size_table",
    "placed_trend_table",
]

ALARM = 0.01
"""A score is out of line where one as far out is less probable than this, given all others."""

MONTHS = 12.0


def placed_density_table(placed: PlacedModels, prob: float) -> pd.DataFrame:
    """Return the capability density of each new model (eq. 1), and its rank.

    Parameters
    ----------
    placed : PlacedModels
        New models in a posterior.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``family``, ``release_date``, ``size``, ``median``,
        ``lower``, ``upper``, ``prob``, ``kind``, ``share_of_prior``, ``rank``,
        ``rank_lower``, ``rank_upper`` (among the targets of the fit, 1 being the
        densest) and ``of``, how many they are with this one.
    """
    n_targets = placed.fitted.size("target")
    of_fit = placed.draws["log_density"][:, :n_targets]
    names = np.array(placed.fitted.coords["model"][:n_targets], dtype=object)
    # A model that the fit has is no rival of its own.
    others = names[:, None] != placed.new.table["model"].to_numpy(dtype=object)
    denser = (of_fit[:, :, None] > placed.log_density[:, None, :]) & others
    rank, first, last = interval(1 + denser.sum(axis=1), prob)
    return _models(placed).assign(
        **interval_columns(np.exp(placed.log_density), prob),
        share_of_prior=placed.share_of_prior,
        rank=rank.astype(int),
        rank_lower=first.astype(int),
        rank_upper=last.astype(int),
        of=1 + others.sum(axis=0),
    )


def placed_size_table(placed: PlacedModels, prob: float, by: str) -> pd.DataFrame:
    """Return the effective size of each new model: the reference size that would score alike.

    Parameters
    ----------
    placed : PlacedModels
        New models in a posterior.
    prob : float
        Probability of the intervals.
    by : {"model", "benchmark"}
        One row for each model, or for each model and benchmark.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``benchmark`` where asked for, ``family``,
        ``release_date``, ``size``, ``median``, ``lower``, ``upper``, ``prob``,
        ``kind``, ``p_below_reference``, ``p_above_reference``,
        ``outside_reference`` and ``p_above_reach``, as for models of the fit.
    """
    arrays = placed.new.design.arrays
    benchmark, model = arrays["cell_benchmark"], arrays["cell_model"]
    score = placed.new.design.scores.groupby("cell")["score"].mean().to_numpy()
    beyond = score > ruler_of(placed.draws, placed.fitted).reach()[:, benchmark]
    if by == "benchmark":
        table = _models(placed).iloc[model].reset_index(drop=True)
        names = np.array(placed.fitted.coords["benchmark"], dtype=object)
        table.insert(1, "benchmark", names[benchmark])
        log_size = placed.log_effective_size
        low, high = (ends[benchmark] for ends in benchmark_ranges(placed.fitted))
    else:
        table, log_size = _models(placed), placed.log_density + placed.log_size
        beyond = np.stack([beyond[:, model == m].any(axis=1) for m in range(len(table))], axis=1)
        low, high = (np.full(len(table), end) for end in reference_range(placed.fitted))
    median = np.median(log_size, axis=0)
    return table.assign(
        **interval_columns(np.exp(log_size), prob),
        p_below_reference=(log_size < low).mean(axis=0),
        p_above_reference=(log_size > high).mean(axis=0),
        outside_reference=(median < low) | (median > high),
        p_above_reach=beyond.mean(axis=0),
    )


def placed_trend_table(placed: PlacedModels, prob: float) -> pd.DataFrame:
    """Return where each new model stands against the trend at its date.

    Parameters
    ----------
    placed : PlacedModels
        New models with dates, in a posterior with a trend.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``family``, ``release_date``, ``size``, ``median``,
        ``lower``, ``upper`` (by how many months the model is ahead of the trend
        for models of its size; negative where it is behind), ``prob``,
        ``kind``, ``unit`` and ``p_above_trend``. Where density does not grow
        at that date no time has passed: such draws count as infinitely far ahead or behind.
    """
    above = placed.log_density - placed.new.on_line(placed.draws)
    days = list(placed.new.table["release_date"])
    rate = np.stack([r.draws for r in rates_at(placed.draws, placed.fitted, days)], axis=1)
    with np.errstate(divide="ignore"):
        months = np.where(rate > 0, MONTHS * above / rate, np.sign(above) * np.inf)
    return _models(placed).assign(
        **interval_columns(months, prob), unit="months", p_above_trend=(above > 0).mean(axis=0)
    )


def placed_score_table(placed: PlacedModels, prob: float) -> pd.DataFrame:
    """Return every new score beside what the model's scores on other benchmarks predict.

    Parameters
    ----------
    placed : PlacedModels
        New models in a posterior.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``benchmark``, ``source``, ``harness``, ``score``,
        ``median``, ``lower``, ``upper`` (predicted), ``prob``, ``kind``,
        ``deviation`` (score less median), ``inside``, ``p_value`` (two-sided:
        how probable a score as far out is) and ``out_of_line``: empty, or
        ``"too good"`` or ``"too poor"`` where the p-value is below 0.01. What
        cannot be predicted is missing.
    """
    mean, sd = placed.predicted_mean, placed.predicted_sd
    known = ~np.isnan(mean).any(axis=0)
    random = np.random.default_rng(TABLE_SEED)
    replicated = np.where(known, mean + sd * random.standard_normal(mean.shape), 0.0)
    scores = placed.new.design.scores
    observed = scores["score"].to_numpy(dtype=float)
    with np.errstate(invalid="ignore"):
        below = ndtr((observed - mean) / sd).mean(axis=0)
    p_value = 2.0 * np.minimum(below, 1.0 - below)
    columns = interval_columns(replicated, prob, where=known)
    inside = (observed >= columns["lower"]) & (observed <= columns["upper"])
    label = np.where(below > 0.5, "too good", "too poor")
    return scores[["model", "benchmark", "source", "harness", "score"]].assign(
        **columns,
        deviation=observed - columns["median"],
        inside=pd.Series(inside, scores.index, dtype=object).where(known, None),
        p_value=p_value,
        out_of_line=np.where(known & (p_value < ALARM), label, ""),
    )


def _models(placed: PlacedModels) -> pd.DataFrame:
    table = placed.new.table[["model", "family", "release_date"]].copy()
    sizes = np.exp(np.median(placed.log_size, axis=0))
    return table.assign(size=[float(f"{size:.12g}") for size in sizes])
