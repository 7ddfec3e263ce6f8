"""Scores that the model would expect, beside those that were measured."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesdense.build import Layout
from bayesdense.build.observation import STUDENT_DEGREES, replicated_random
from bayesdense.posterior.draws import Draws, RulerDraws
from bayesdense.posterior.intervals import interval, interval_columns
from bayesdense.spec import RulerSpec

__all__ = ["calibration_table", "replicate_scores", "score_table"]

LEVELS = (0.5, 0.8, 0.9)
MOST_DRAWS = 1000
# Draws times scores: of tens of thousands of scores a few hundred draws do, and fit in memory.
MOST_NUMBERS = 20_000_000
SEED = 20241204  # The replicates of a table are the same each time it is made.


def replicate_scores(
    draws: Draws, layout: Layout, spec: RulerSpec, *, new_cells: bool, seed: int = SEED
) -> np.ndarray:
    """Draw every measured score again.

    Parameters
    ----------
    draws : Draws
        Posterior draws; at most 1,000 of them are used, evenly spread, and
        fewer of more than 20,000 scores.
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
    new_cells : bool
        Whether models stray anew on each benchmark. If not, only the
        measurement is repeated, which every flexible model passes.
    seed : int
        Source of randomness.

    Returns
    -------
    numpy.ndarray, shape (draw, score)
    """
    random = np.random.default_rng(seed)
    arrays = layout.arrays
    draws = draws.at_most(min(MOST_DRAWS, MOST_NUMBERS // max(layout.size("score_id"), 1)))
    cell_benchmark = arrays["cell_benchmark"]
    scale = np.exp(arrays["cell_log_scale"]) * draws["tau"][:, cell_benchmark]
    stray = own = draws["cell_deviation"]
    if new_cells:
        stray = scale * random.standard_normal(scale.shape)
    ruler = RulerDraws(draws, layout, spec)
    logit = ruler.cell_logit(draws["cell_ln_size"] + (stray - own), stray)
    benchmark, cell = arrays["score_benchmark"], arrays["score_cell"]

    def score(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
        floor, span = ruler.floor[:, codes], ruler.span[:, codes]
        return np.asarray(spec.score_map.score(values, floor, span))

    latent = score(logit, cell_benchmark)
    shifted = logit[:, cell]
    if "eta" in draws:
        shifted = shifted + draws["eta"][:, arrays["score_harness"], benchmark]
    mean = score(shifted, benchmark)
    # A map without a ceiling leaves [0, 1], where items have no variance.
    items = (np.maximum(latent * (1.0 - latent), 0.0) / arrays["cell_items"])[:, cell]
    items = items if spec.item_noise else np.zeros_like(items)
    source = draws["phi"][:, benchmark] ** 2
    if spec.observation == "student-t":
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


def score_table(draws: Draws, layout: Layout, spec: RulerSpec, prob: float) -> pd.DataFrame:
    """Return measured scores beside their posterior predictive intervals.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``model``, ``benchmark``, ``source``, ``harness``, ``score``,
        ``median``, ``lower``, ``upper`` (scores from 0 to 1, of a model that
        strays anew), ``prob``, ``kind``, ``inside``.
    """
    if not len(layout.scores):
        replicated = np.empty((1, 0))
    else:
        replicated = replicate_scores(draws, layout, spec, new_cells=True)
    columns = interval_columns(replicated, prob)
    table = layout.scores[["model", "benchmark", "source", "harness", "score"]]
    inside = table["score"].between(columns["lower"], columns["upper"])
    return table.assign(**columns, inside=inside).reset_index(drop=True)


def calibration_table(draws: Draws, layout: Layout, spec: RulerSpec) -> pd.DataFrame:
    """Return how often measured scores lie in their predictive intervals, by benchmark.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``replicate`` (``"measurement"`` or ``"new
        cell"``), ``scores``, ``inside_50``, ``inside_80``, ``inside_90``.
    """
    observed = layout.arrays["score_observed"]
    benchmark = layout.arrays["score_benchmark"]
    rows = []
    for label, new_cells in (("measurement", False), ("new cell", True)):
        if not len(observed):
            break
        replicated = replicate_scores(draws, layout, spec, new_cells=new_cells)
        inside = {}
        for level in LEVELS:
            _, lower, upper = interval(replicated, level)
            inside[level] = (observed >= lower) & (observed <= upper)
        for j, name in enumerate(layout.coords["benchmark"]):
            chosen = benchmark == j
            shares = {f"inside_{100 * k:.0f}": float(v[chosen].mean()) for k, v in inside.items()}
            rows.append(
                {"benchmark": name, "replicate": label, "scores": int(chosen.sum()), **shares}
            )
    columns = ["benchmark", "replicate", "scores", *(f"inside_{100 * k:.0f}" for k in LEVELS)]
    return pd.DataFrame(rows, columns=columns)
