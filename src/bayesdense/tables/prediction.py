"""What runs of the reference family would lose and score: eq. 2 and 3, draw by draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.model import Design
from bayesdense.model.loss_data import LOSS_DEGREES
from bayesdense.model.observation import STUDENT_DEGREES, item_variance, source_sd
from bayesdense.posterior.draws import Draws, ruler_of
from bayesdense.posterior.intervals import TABLE_SEED, interval_columns
from bayesdense.spec import RulerSpec
from bayesdense.tables.loss_law import outside_range, positive_numbers

__all__ = ["map_table", "predict_draws", "prediction_table"]

GRID_POINTS = 120


def prediction_table(
    draws: Draws,
    design: Design,
    *,
    n_params: Any,
    n_tokens: Any,
    new_run: bool,
    prob: float,
) -> pd.DataFrame:
    """Return predicted losses and scores with intervals.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    n_params, n_tokens : float or sequence of float
        Of the runs; tokens may be None where there are scores only.
    new_run : bool
        Whether the noise of one more run is in the prediction.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        As `RulerFit.predict` describes.
    """
    sizes = positive_numbers("n_params", n_params)
    if n_tokens is None:
        if design.loss_sets:
            raise BayesdenseError("n_tokens is needed: the loss falls in tokens as well")
        tokens = np.full(len(sizes), np.nan)
    else:
        tokens = positive_numbers("n_tokens", n_tokens)
    if len(sizes) != len(tokens) and 1 not in (len(sizes), len(tokens)):
        raise BayesdenseError(
            f"n_params has {len(sizes)} values and n_tokens {len(tokens)}: give as many of each, "
            "or one for all"
        )
    sizes, tokens = np.broadcast_arrays(sizes, tokens)
    losses, scores = predict_draws(draws, design, np.log(sizes), np.log(tokens), new_run=new_run)
    outside = outside_range(design, np.log(sizes), np.log(tokens))
    rows = []
    for i in range(len(sizes)):
        for names, quantity, values in (
            (design.loss_sets, "loss", losses),
            (design.coords["benchmark"], "score", scores),
        ):
            for k, name in enumerate(names):
                rows.append(
                    {
                        "n_params": float(sizes[i]),
                        "n_tokens": float(tokens[i]),
                        "of": name,
                        "quantity": quantity,
                        **interval_columns(values[:, i, k], prob),
                        "outside_reference": bool(outside[i]),
                    }
                )
    return pd.DataFrame(rows)


def predict_draws(
    draws: Draws,
    design: Design,
    log_size: np.ndarray,
    log_tokens: np.ndarray,
    *,
    new_run: bool,
    random_seed: int = TABLE_SEED,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the losses and scores of runs of the reference family, on the average harness.

    A run's loss deviates from the law as losses do between runs; its scores
    are read at the loss that it has, and deviate from the map as scores do.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    log_size, log_tokens : numpy.ndarray, shape (run,)
        ``ln N`` and ``ln D`` of the runs.
    new_run : bool
        Whether to add the noise of a run; without it, the curves.
    random_seed : int
        Source of randomness.

    Returns
    -------
    losses : numpy.ndarray, shape (draw, run, loss_set)
    scores : numpy.ndarray, shape (draw, run, benchmark)
    """
    random = np.random.default_rng(random_seed)
    ruler, n_sets = ruler_of(draws, design), len(design.loss_sets)
    shape = draws.count, len(log_size)
    x = np.broadcast_to(log_size - design.log_size_centre, shape)
    z = log_tokens - design.log_tokens_centre if n_sets else np.zeros(len(log_size))
    losses = np.empty((*shape, n_sets))
    for k in range(n_sets):
        losses[..., k] = ruler.loss(x, z, np.array([k]))
    if new_run and n_sets:
        deviation = random.standard_t(LOSS_DEGREES, losses.shape)
        losses = losses * np.exp(draws["loss_noise_sd"][:, None, :] * deviation)

    scores = np.empty((*shape, design.size("benchmark")))
    # A run has one density, whatever it is scored on.
    density = design.arrays["reference_residual"] * random.standard_normal(shape)
    for j in range(scores.shape[-1]):
        own_ruler, code = design.ruler[[j]], np.array([j])
        deviation = np.zeros(shape)
        if new_run:
            scale = design.spec.reference_cell_scale * draws["cell_effect_sd"][:, code]
            deviation = scale * random.standard_normal(shape)
        if design.has_losses[j]:
            loss = losses[..., int(own_ruler[0])] - ruler.slope(x, z, own_ruler) * deviation
        else:
            own = density if new_run else 0.0
            loss = ruler.loss(x + own + deviation, 0.0, own_ruler)
        score = np.asarray(ruler.score(ruler.logit(loss, code), code))
        if new_run:
            items = item_variance(score, design.items_of_benchmark[j], design.spec)
            noise = source_sd(draws, score, code) * _source_noise(random, shape, design.spec)
            score = score + np.sqrt(items) * random.standard_normal(shape) + noise
        scores[..., j] = score
    return losses, scores


def _source_noise(
    random: np.random.Generator, shape: tuple[int, ...], spec: RulerSpec
) -> np.ndarray:
    if spec.observation == "student-t":
        return random.standard_t(STUDENT_DEGREES, shape)
    return random.standard_normal(shape)


def map_table(draws: Draws, design: Design, benchmark: str, prob: float) -> pd.DataFrame:
    """Return the score map of one benchmark over the losses of its runs (eq. 3).

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    design : Design
        The dataset under the model.
    benchmark : str
        A benchmark whose runs have losses.
    prob : float
        Probability of the intervals.

    Returns
    -------
    pandas.DataFrame
        Columns ``benchmark``, ``loss_set``, ``loss``, ``median``, ``lower``,
        ``upper``, ``prob``, ``kind``, ``outside_reference`` (beyond the losses
        of the runs: the grid reaches a fifth of their range further down).
    """
    names = design.coords["benchmark"]
    if benchmark not in names:
        raise UnknownNameError.of("benchmark", benchmark, names)
    j = names.index(benchmark)
    if not design.has_losses[j]:
        raise BayesdenseError(
            f"benchmark '{benchmark}' has scores only: without losses there is no map to show; "
            "predict gives its scores by size"
        )
    k = int(design.ruler[j])
    rows = design.arrays["loss_set_code"] == k
    losses = np.exp(design.arrays["loss_observed"][rows])
    low, high = float(losses.min()), float(losses.max())
    grid = np.linspace(low - 0.2 * (high - low), high, GRID_POINTS)
    ruler = ruler_of(draws, design)
    code = np.full(GRID_POINTS, j)
    score = ruler.score(ruler.logit(grid, code), code)
    return pd.DataFrame(
        {
            "benchmark": benchmark,
            "loss_set": design.loss_sets[k],
            "loss": grid,
            **interval_columns(score, prob),
            "outside_reference": grid < low,
        }
    )
