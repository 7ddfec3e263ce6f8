"""Initial estimate of the effective size of every cell, and how well its scores know it.

From usual values, or from a pilot's draws. Affects speed, never the posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from bayesdense.coordinates.lines import USUAL_SPREAD, Spread, lines
from bayesdense.coordinates.log_odds import log_odds_and_rise

__all__ = ["CellEstimates", "MapEstimates", "estimate_cells", "usual_maps"]

# Usual ceiling and noise of a source, and how near an end a score is at the least.
USUAL_CEILING = 12 / 13
USUAL_NOISE = 0.015
LEAST_MARGIN = 0.01
# Least error of a cell, in logits.
LEAST_ERROR = 0.02
# A step in the log odds.
STEP = 0.1
# The standard error, in logits, of a cell whose scores were withheld.
UNKNOWN = 1e3
# Usual spread of one cell around the model, in log size.
CELL_SPREAD = 0.7
# Usual logits per unit of log size, how fast they fall off as sizes grow, and where that ends.
STEEPNESS = 0.8
BEND = 0.2
LEAST_STEEPNESS = 1e-9
# How far the logarithm of a cell's steepness is followed once it is known: far below the references
# a steeper law makes it a thousand times as steep, and the score there no better known.
KNOWN_BOUND, FREE_BOUND = 1.0, 100.0
NEAR_REACH = 0.4


@dataclass(frozen=True)
class MapEstimates:
    """What is known of maps and cells before the fit.

    Attributes
    ----------
    floor, span : numpy.ndarray, shape (benchmark,)
        ``d`` and ``c``.
    noise : numpy.ndarray, shape (benchmark,)
        ``phi``.
    x : numpy.ndarray, shape (cell,), or None
        Log effective size relative to the centre of the ruler; None where
        nothing is known.
    steepness : numpy.ndarray, shape (cell,), or None
        By how many logits scores rise there with log size; None as for `x`.
    error : numpy.ndarray, shape (cell,), or None
        Standard error that scores leave of the logit there; None as for `x`.
    cell_noise : numpy.ndarray, shape (cell,), or None
        ``phi`` at the scores there; that of the benchmark where it is None.
    cell_spread : numpy.ndarray, shape (benchmark,), or None
        ``tau``; a usual one where it is None.
    spread : Spread
        Of what targets share.
    """

    floor: np.ndarray
    span: np.ndarray
    noise: np.ndarray
    x: np.ndarray | None = None
    steepness: np.ndarray | None = None
    error: np.ndarray | None = None
    cell_noise: np.ndarray | None = None
    cell_spread: np.ndarray | None = None
    spread: Spread = USUAL_SPREAD


@dataclass(frozen=True)
class CellEstimates:
    """What scores say of each cell.

    Attributes
    ----------
    score : numpy.ndarray, shape (cell,)
        Mean of its scores.
    margin : numpy.ndarray, shape (cell,)
        How near an end of the map it counts as at the least.
    slope, intercept : numpy.ndarray, shape (cell,)
        Of the map's ``y`` in the log odds of a score within the span.
    variance : numpy.ndarray, shape (cell,)
        Of ``y``, whatever scores say.
    log_steepness : numpy.ndarray, shape (cell,)
        Logarithm of the steepness of the ruler there.
    steepness_bound : numpy.ndarray, shape (cell,)
        How far from it the logarithm is followed.
    item_variance, noise_share : numpy.ndarray, shape (cell,)
        Variance of the score by its items, and per unit of variance of a source.
    x : numpy.ndarray, shape (cell,)
        Initial estimate of the log effective size, relative to the centre of
        the ruler; for references their own.
    precision, log_scale : numpy.ndarray, shape (cell,)
        Of the deviation of a model on one benchmark, relative to targets.
    line_weights, line_common_weights : numpy.ndarray, shape (cell, 3)
        Of level, growth and size slope through targets with a date, on one
        benchmark and on all, see `bayesdense.coordinates.lines`.
    line_error : numpy.ndarray, shape (benchmark, 3)
        Standard errors on each.
    target, family : numpy.ndarray of int, shape (cell,)
        Codes, which mean nothing for references.
    is_target : numpy.ndarray, shape (cell,)
        1 for targets, 0 for references.
    score_count : numpy.ndarray, shape (score,)
        Scores in the same cell.
    target_alike : numpy.ndarray, shape (target,)
        The mean over its benchmarks of the number of targets of its family
        there, over the number of its benchmarks.
    pair_share : numpy.ndarray, shape (family * benchmark,)
        One over that number of targets, 1 where there are none.
    """

    score: np.ndarray
    margin: np.ndarray
    slope: np.ndarray
    intercept: np.ndarray
    variance: np.ndarray
    log_steepness: np.ndarray
    steepness_bound: np.ndarray
    item_variance: np.ndarray
    noise_share: np.ndarray
    x: np.ndarray
    precision: np.ndarray
    log_scale: np.ndarray
    line_weights: np.ndarray
    line_common_weights: np.ndarray
    line_error: np.ndarray
    target: np.ndarray
    family: np.ndarray
    is_target: np.ndarray
    score_count: np.ndarray
    target_alike: np.ndarray
    pair_share: np.ndarray


def usual_maps(score_map: Any, chance: np.ndarray) -> MapEstimates:
    """Return what is usual, before anything is fitted.

    Parameters
    ----------
    score_map : ScoreMap
        The map.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing.

    Returns
    -------
    MapEstimates
    """
    ceiling = USUAL_CEILING if score_map.has_ceiling else 1.0
    return MapEstimates(chance, (1.0 - chance) * ceiling, np.full(len(chance), USUAL_NOISE))


def estimate_cells(
    arrays: Mapping[str, np.ndarray],
    score_map: Any,
    maps: MapEstimates,
    *,
    n_targets: int,
    n_families: int,
) -> CellEstimates:
    """Return initial estimates of all cells.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The arrays of a design.
    score_map : ScoreMap
        The map.
    maps : MapEstimates
        What is known of the maps.
    n_targets, n_families : int
        Number of targets, which come first, and of their families.

    Returns
    -------
    CellEstimates
    """
    cell, model = arrays["score_cell"], arrays["cell_model"]
    benchmark = arrays["cell_benchmark"]
    n_scores = np.bincount(cell, minlength=len(model))
    withheld, count = n_scores == 0, np.maximum(n_scores, 1)
    floor, span = maps.floor[benchmark], maps.span[benchmark]
    score = np.bincount(cell, arrays["score_observed"], minlength=len(model)) / count
    score = np.where(withheld, floor + span / 2, score)
    items = np.clip(score * (1.0 - score), 0.0, None) / arrays["cell_items"]
    noise = maps.noise[benchmark] if maps.cell_noise is None else maps.cell_noise
    margin = np.sqrt(LEAST_MARGIN**2 + items + noise**2 / count)
    score_log_odds, rise = log_odds_and_rise(score, floor, span, margin)
    places = np.array(
        [
            score_map.inverse(floor + span * expit(score_log_odds + by), floor, span)
            for by in (-STEP, 0, STEP)
        ]
    )
    # A map of one's own may have no inverse at an end; such a score says nothing.
    silent = withheld | ~np.isfinite(places).all(axis=0)
    low, y, high = np.where(silent, 0.0, places)
    log_odds_slope = np.clip((high - low) / (2 * STEP), 0.0, None)

    is_target = model < n_targets
    guess = maps.x
    if guess is None:
        guess = _guess(arrays, y, is_target)
    target = np.minimum(model, max(n_targets - 1, 0))
    family = arrays["family_code"][target] if n_targets else np.zeros_like(model)
    pair = family * len(maps.floor) + benchmark
    # Where there is a trend, targets without a date come last, and lie on no line.
    n_on_line = len(arrays["years"])
    # How well scores know each size: near the floor, or where the ruler is flat, hardly.
    by_score = (log_odds_slope * rise) ** 2 * (items + noise**2 / count)
    variance = np.full(len(model), LEAST_ERROR**2)
    if maps.error is not None:
        # Of a model at the floor a score says little, and less than one of the same logit says
        # where the map rises.
        variance = np.maximum(variance, maps.error**2 - by_score)
    steepness, bound = np.full(len(model), STEEPNESS), FREE_BOUND
    if maps.steepness is not None:
        steepness, bound = maps.steepness, KNOWN_BOUND
    own = CELL_SPREAD if maps.cell_spread is None else maps.cell_spread[benchmark]
    of_size = own**2 + (variance + by_score) / steepness**2
    on_line = (model < n_on_line) & ~silent
    found = lines(arrays, on_line, n_targets, of_size, maps.spread)
    alike, share = _shared(
        target, pair, is_target, n_targets=n_targets, n_pairs=n_families * len(maps.floor)
    )
    return CellEstimates(
        score=score,
        margin=margin,
        slope=log_odds_slope,
        intercept=y - log_odds_slope * score_log_odds,
        variance=np.where(silent, UNKNOWN**2, variance),
        log_steepness=np.log(np.maximum(steepness, LEAST_STEEPNESS)),
        steepness_bound=np.full(len(model), bound),
        item_variance=np.where(silent, 0.0, items),
        noise_share=np.where(silent, 0.0, 1.0 / count),
        x=np.where(is_target, guess, arrays["relative_log_size"][model]),
        precision=arrays["cell_scale"] ** -2.0,
        log_scale=np.log(arrays["cell_scale"]),
        line_weights=found.weights,
        line_common_weights=found.common_weights,
        line_error=found.error,
        target=target,
        family=family,
        is_target=is_target.astype(float),
        score_count=count[cell].astype(float),
        target_alike=alike,
        pair_share=share,
    )


def _guess(
    arrays: Mapping[str, np.ndarray], logit: np.ndarray, is_target: np.ndarray
) -> np.ndarray:
    """Return the log sizes at which a usual law through the references reaches the scores."""
    size, benchmark = arrays["relative_log_size"][arrays["cell_model"]], arrays["cell_benchmark"]
    guess = size.copy()
    for j in np.unique(benchmark):
        own = benchmark == j
        known = own & ~is_target if (own & ~is_target).any() else own
        centre, middle = size[known].mean(), logit[known].mean()
        slope = np.sum((size[known] - centre) * (logit[known] - middle))
        steepness = (slope + STEEPNESS) / (np.sum((size[known] - centre) ** 2) + 1.0)
        steepness = np.clip(steepness, STEEPNESS / 3, 3 * STEEPNESS)
        targets = own & is_target
        far = (logit[targets] - middle) / steepness
        guess[targets] = centre - np.log(np.maximum(1.0 - BEND * far, NEAR_REACH)) / BEND
    return guess


def _shared(
    target: np.ndarray, pair: np.ndarray, is_target: np.ndarray, *, n_targets: int, n_pairs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what deviations of families on benchmarks weigh in the mean of a target's cells.

    `target_alike` and `pair_share` of `CellEstimates`.
    """
    count = np.bincount(pair[is_target], minlength=n_pairs)[:n_pairs]
    code = target[is_target]
    cells = np.maximum(np.bincount(code, minlength=n_targets), 1)
    alike = np.bincount(code, count[pair[is_target]], minlength=n_targets)
    return alike / cells**2, 1.0 / np.maximum(count, 1)
