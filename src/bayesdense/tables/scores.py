"""Scores that the model would expect, beside those that were measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesdense.model import Design
from bayesdense.model.observation import (
    STUDENT_DEGREES,
    expected_scores,
    harness_shift,
    item_variance,
    replicated_random,
    source_sd,
)
from bayesdense.posterior.draws import Draws, cell_logits, ruler_of
from bayesdense.posterior.intervals import TABLE_SEED, interval, interval_columns
from bayesdense.posterior.log_density import given_logits
from bayesdense.posterior.weights import HIGH_K, smoothed

__all__ = [
    "calibration_table",
    "left_out_quantiles",
    "most_replicates",
    "replicate_scores",
    "score_table",
]

LEVELS = (0.5, 0.8, 0.9)
MOST_DRAWS = 1000
# Draws times scores: of tens of thousands of scores a few hundred draws do, and fit in memory.
MOST_NUMBERS = 20_000_000
# For scores that are left out: draws, at least and at most, and where deviations of cells are
# taken, in standard deviations.
LEFT_OUT_DRAWS, LEFT_OUT_NUMBERS = (100, 400), 1_000_000
NODES = np.linspace(-4.0, 4.0, 41)


def most_replicates(design: Design) -> int:
    """Return how many draws are used to replicate a dataset.

    Parameters
    ----------
    design : Design
        The dataset under the model.

    Returns
    -------
    int
        At most 1,000, and fewer of more than 20,000 scores.
    """
    return min(MOST_DRAWS, MOST_NUMBERS // max(design.size("score_id"), 1))


def replicate_scores(
    draws: Draws, design: Design, *, new_cells: bool, random_seed: int = TABLE_SEED
) -> np.ndarray:
    """Draw every measured score again.

    Parameters
    ----------
    draws : Draws
        Posterior draws; at most 1,000 of them are used, evenly spread, and
        fewer of more than 20,000 scores.
    design : Design
        The dataset under the model.
    new_cells : bool
        Whether deviations of cells are drawn anew. If not, only the
        measurement is repeated, which every flexible model passes.
    random_seed : int
        Source of randomness.

    Returns
    -------
    numpy.ndarray, shape (draw, score)
    """
    random = np.random.default_rng(random_seed)
    arrays = design.arrays
    draws = draws.at_most(most_replicates(design))
    deviation = own = draws["cell_effect"]
    if new_cells:
        scale = arrays["cell_scale"] * draws["cell_effect_sd"][:, arrays["cell_benchmark"]]
        deviation = scale * random.standard_normal(scale.shape)
    ruler = ruler_of(draws, design)
    log_size = draws["log_effective_size"] + (deviation - own)
    logit = cell_logits(ruler, draws, design, log_size, deviation)
    latent, mean = expected_scores(ruler, logit, harness_shift(draws, arrays), arrays)
    items = item_variance(latent, arrays["cell_items"], design.spec)[:, arrays["score_cell"]]
    noise = source_sd(draws, latent, arrays["cell_benchmark"])
    source = noise[:, arrays["score_cell"]] ** 2
    if design.spec.observation == "student-t":
        # A Student-t is a Normal whose variance is drawn as well.
        source = source * STUDENT_DEGREES / random.chisquare(STUDENT_DEGREES, source.shape)
    return replicated_random(
        mean,
        items,
        source,
        arrays["score_before"],
        arrays["score_first"],
        rng=random,
        size=mean.shape,
    )


def score_table(draws: Draws, design: Design, prob: float) -> pd.DataFrame:
    """Return measured scores beside their posterior predictive intervals.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``benchmark``, ``source``, ``harness``, ``score``,
        ``median``, ``lower``, ``upper`` (scores from 0 to 1, with the cell's
        deviation drawn anew), ``prob``, ``kind``, ``inside``.
    """
    if not len(design.scores):
        replicated = np.empty((1, 0))
    else:
        replicated = replicate_scores(draws, design, new_cells=True)
    columns = interval_columns(replicated, prob)
    table = design.scores[["model", "benchmark", "source", "harness", "score"]]
    inside = table["score"].between(columns["lower"], columns["upper"])
    return table.assign(**columns, inside=inside).reset_index(drop=True)


def left_out_quantiles(draws: Draws, design: Design) -> tuple[np.ndarray, np.ndarray] | None:
    """Return where measured scores lie among those that all other cells predict.

    For each cell (a model on a benchmark) the posterior without its scores: draws
    are weighed by one over the density of its scores, with its own deviation
    integrated out on a grid, and the weights smoothed (PSIS, Vehtari, Gelman and
    Gabry 2017).

    Parameters
    ----------
    draws : Draws
        Posterior draws; at most 400 of them are used, evenly spread.
    design : Design
        The dataset under the model.

    Returns
    -------
    quantiles : numpy.ndarray, shape (score,)
        Between 0 and 1, uniform where predictions are calibrated.
    pareto_k : numpy.ndarray, shape (cell,)
        Above 0.7 the weights are not to be relied on.

    None where sources have Student-t noise, or where there are too many scores
    for enough draws.
    """
    count = len(design.arrays["score_observed"])
    least, most = LEFT_OUT_DRAWS
    most = min(most, LEFT_OUT_NUMBERS // max(count, 1), draws.count)
    if not count or most < least or design.spec.observation != "normal":
        return None
    draws = draws.at_most(most)
    density = _cell_density(draws, design)
    replicated = replicate_scores(draws, design, new_cells=True)
    below = replicated < design.arrays["score_observed"]
    weights, k = zip(*(smoothed(column, 1.0) for column in density.T), strict=True)
    of_score = np.array(weights).T[:, design.arrays["score_cell"]]
    return (of_score * below).sum(axis=0), np.array(k)


def _cell_density(draws: Draws, design: Design) -> np.ndarray:
    """Return the log density of the scores of each cell, its deviation integrated out."""
    arrays, ruler = design.arrays, ruler_of(draws, design)
    scale = arrays["cell_scale"] * draws["cell_effect_sd"][:, arrays["cell_benchmark"]]
    log_size, own = draws["log_effective_size"], draws["cell_effect"]
    total = np.full(own.shape, -np.inf)
    for node in NODES:
        deviation = node * scale
        logit = cell_logits(ruler, draws, design, log_size + (deviation - own), deviation)
        found = given_logits(logit, draws, ruler, design) - 0.5 * node**2
        total = np.logaddexp(total, found)
    return np.asarray(total + np.log(NODES[1] - NODES[0]) - 0.5 * np.log(2.0 * np.pi))


def calibration_table(draws: Draws, design: Design, *, weighable: bool = True) -> pd.DataFrame:
    """Return how often measured scores lie in their predictive intervals, by benchmark.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    weighable : bool
        Whether the draws are of one posterior, so that they can be weighed.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``replicate``, ``scores``, ``inside_50``,
        ``inside_80``, ``inside_90``, ``high_k``. Of each benchmark a row
        ``"measurement"`` (only the measurement is repeated), ``"new cell"`` (with
        another deviation of the model there) and, as far as `left_out_quantiles`
        gives them, ``"left out"``: predicted from all scores but those of the model
        there. ``high_k`` is the share of these whose weights have a Pareto k above
        what so few draws bear (0.62 for 400; Vehtari et al. 2024). They count as
        well: what hardly any draw expects is what such weights are about, and
        without it coverage would look too good.
    """
    observed = design.arrays["score_observed"]
    if not len(observed):
        return _calibration_rows(design, {}, np.empty(0))
    inside: dict[str, np.ndarray] = {}
    for label, new_cells in (("measurement", False), ("new cell", True)):
        replicated = replicate_scores(draws, design, new_cells=new_cells)
        ends = [interval(replicated, level)[1:] for level in LEVELS]
        inside[label] = np.array([(observed >= low) & (observed <= high) for low, high in ends])
    left_out, high_k = (left_out_quantiles(draws, design) if weighable else None), np.empty(0)
    if left_out is not None:
        quantiles, k = left_out
        off = np.abs(quantiles - 0.5)
        inside["left out"] = np.array([off <= level / 2 for level in LEVELS])
        most = min(draws.count, LEFT_OUT_DRAWS[1])
        high_k = k[design.arrays["score_cell"]] > min(HIGH_K, 1.0 - 1.0 / np.log10(most))
    return _calibration_rows(design, inside, high_k)


def _calibration_rows(
    design: Design, inside: dict[str, np.ndarray], high_k: np.ndarray
) -> pd.DataFrame:
    """Return the shares of scores inside, by kind of replicate and benchmark."""
    names = [f"inside_{100 * level:.0f}" for level in LEVELS]
    benchmark, rows = design.arrays["score_benchmark"], []
    for label, values in inside.items():
        for j, name in enumerate(design.coords["benchmark"]):
            own = benchmark == j
            shares = values[:, own].mean(axis=1) if own.any() else np.full(len(LEVELS), np.nan)
            row = {"benchmark": name, "replicate": label, "scores": int(own.sum())}
            row |= dict(zip(names, map(float, shares), strict=True))
            known = label == "left out" and own.any()
            rows.append(row | {"high_k": float(high_k[own].mean()) if known else np.nan})
    return pd.DataFrame(rows, columns=["benchmark", "replicate", "scores", *names, "high_k"])
