"""What runs of the reference family would lose and score: eq. 2 and 3, draw by draw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bayesdense.build import Layout
from bayesdense.build.losses import LOSS_DEGREES
from bayesdense.build.observation import STUDENT_DEGREES
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.posterior.draws import Draws, RulerDraws
from bayesdense.posterior.intervals import interval_columns
from bayesdense.spec import RulerSpec
from bayesdense.tables.loss_law import outside_range, positive_numbers

__all__ = ["map_table", "predict_draws", "prediction_table"]

GRID_POINTS = 120
SEED = 20241204  # The noise of a table is the same each time it is made.


def prediction_table(
    draws: Draws,
    layout: Layout,
    spec: RulerSpec,
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
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
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
        if layout.loss_sets:
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
    losses, scores = predict_draws(
        draws, layout, spec, np.log(sizes), np.log(tokens), new_run=new_run
    )
    outside = outside_range(layout, np.log(sizes), np.log(tokens))
    rows = []
    for i in range(len(sizes)):
        for names, quantity, values in (
            (layout.loss_sets, "loss", losses),
            (layout.coords["benchmark"], "score", scores),
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
    layout: Layout,
    spec: RulerSpec,
    log_size: np.ndarray,
    log_tokens: np.ndarray,
    *,
    new_run: bool,
    seed: int = SEED,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw the losses and scores of runs of the reference family, on the average harness.

    A run's loss deviates from the law as losses do between runs; its scores
    are read at the loss that it has, and deviate from the map as scores do.

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
    log_size, log_tokens : numpy.ndarray, shape (run,)
        ``ln N`` and ``ln D`` of the runs.
    new_run : bool
        Whether to add the noise of a run; without it, the curves.
    seed : int
        Source of randomness.

    Returns
    -------
    losses : numpy.ndarray, shape (draw, run, loss_set)
    scores : numpy.ndarray, shape (draw, run, benchmark)
    """
    random = np.random.default_rng(seed)
    ruler, n_sets = RulerDraws(draws, layout, spec), len(layout.loss_sets)
    shape = draws.count, len(log_size)
    x = np.broadcast_to(log_size - layout.log_size_centre, shape)
    z = log_tokens - layout.log_tokens_centre if n_sets else np.zeros(len(log_size))
    losses = np.empty((*shape, n_sets))
    for k in range(n_sets):
        c = ruler.of_ruler(k)
        losses[..., k] = spec.law.loss(x, z, c)
    if new_run and n_sets:
        deviation = random.standard_t(LOSS_DEGREES, losses.shape)
        losses = losses * np.exp(draws["sigma_loss"][:, None, :] * deviation)

    scores = np.empty((*shape, layout.size("benchmark")))
    # A run has one density, whatever it is scored on.
    density = layout.arrays["reference_residual"] * random.standard_normal(shape)
    items = layout.items_of_benchmark
    for j in range(scores.shape[-1]):
        k = int(layout.ruler[j])
        c = ruler.of_ruler(k)
        stray = np.zeros(shape)
        if new_run:
            stray = spec.reference_cell_scale * draws["tau"][:, j, None]
            stray = stray * random.standard_normal(shape)
        if layout.has_losses[j]:
            loss = losses[..., k] - spec.law.slope(x, z, c) * stray
        else:
            own = density if new_run else 0.0
            loss = spec.law.loss(x + own + stray, 0.0, c)
        logit = ruler.pivot[:, j, None] - ruler.steepness[:, j, None] * (loss - ruler.centre[j])
        floor, span = ruler.floor[:, j, None], ruler.span[:, j, None]
        score = np.asarray(spec.score_map.score(logit, floor, span))
        if new_run:
            variance = score * (1.0 - score) / items[j] if spec.item_noise else np.zeros(shape)
            noise = draws["phi"][:, j, None] * _source_noise(random, shape, spec)
            # A map without a ceiling leaves [0, 1], where items have no variance.
            score = score + np.sqrt(np.maximum(variance, 0.0)) * random.standard_normal(shape)
            score = score + noise
        scores[..., j] = score
    return losses, scores


def _source_noise(
    random: np.random.Generator, shape: tuple[int, ...], spec: RulerSpec
) -> np.ndarray:
    if spec.observation == "student-t":
        return random.standard_t(STUDENT_DEGREES, shape)
    return random.standard_normal(shape)


def map_table(
    draws: Draws, layout: Layout, spec: RulerSpec, benchmark: str, prob: float
) -> pd.DataFrame:
    """Return the score map of one benchmark over the losses of its runs (eq. 3).

    Parameters
    ----------
    draws : Draws
        Posterior draws.
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.
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
    names = layout.coords["benchmark"]
    if benchmark not in names:
        raise UnknownNameError.of("benchmark", benchmark, names)
    j = names.index(benchmark)
    if not layout.has_losses[j]:
        raise BayesdenseError(
            f"benchmark '{benchmark}' has scores only: without losses there is no map to show; "
            "predict gives its scores by size"
        )
    k = int(layout.ruler[j])
    rows = layout.arrays["loss_set_code"] == k
    losses = np.exp(layout.arrays["loss_observed"][rows])
    low, high = float(losses.min()), float(losses.max())
    grid = np.linspace(low - 0.2 * (high - low), high, GRID_POINTS)
    ruler = RulerDraws(draws, layout, spec)
    code = np.full(GRID_POINTS, j)
    score = ruler.score(ruler.logit(grid, code), code)
    return pd.DataFrame(
        {
            "benchmark": benchmark,
            "loss_set": layout.loss_sets[k],
            "loss": grid,
            **interval_columns(score, prob),
            "outside_reference": grid < low,
        }
    )
