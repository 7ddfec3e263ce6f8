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

__all__ = ["calibration_table", "most_replicates", "replicate_scores", "score_table"]

LEVELS = (0.5, 0.8, 0.9)
MOST_DRAWS = 1000
# Draws times scores: of tens of thousands of scores a few hundred draws do, and fit in memory.
MOST_NUMBERS = 20_000_000


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


def calibration_table(draws: Draws, design: Design) -> pd.DataFrame:
    """Return how often measured scores lie in their predictive intervals, by benchmark.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``replicate`` (``"measurement"`` or ``"new
        cell"``), ``scores``, ``inside_50``, ``inside_80``, ``inside_90``.
    """
    observed = design.arrays["score_observed"]
    benchmark = design.arrays["score_benchmark"]
    rows = []
    for label, new_cells in (("measurement", False), ("new cell", True)):
        if not len(observed):
            break
        replicated = replicate_scores(draws, design, new_cells=new_cells)
        inside = {}
        for level in LEVELS:
            _, lower, upper = interval(replicated, level)
            inside[level] = (observed >= lower) & (observed <= upper)
        for j, name in enumerate(design.coords["benchmark"]):
            chosen = benchmark == j
            shares = {f"inside_{100 * k:.0f}": float(v[chosen].mean()) for k, v in inside.items()}
            rows.append(
                {"benchmark": name, "replicate": label, "scores": int(chosen.sum()), **shares}
            )
    columns = ["benchmark", "replicate", "scores", *(f"inside_{100 * k:.0f}" for k in LEVELS)]
    return pd.DataFrame(rows, columns=columns)
