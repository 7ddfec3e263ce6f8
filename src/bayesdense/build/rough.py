"""Roughly where cells lie and how well scores say so: from usual values, or from a pilot.

No result depends on the figures here: they set coordinates, and a bad guess only costs time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.build.coordinates import CELL_SPREAD, STEEPNESS

__all__ = ["Rough", "rough_cells", "usual"]

# Usual noise of a source and ceiling, and the share of the span that counts as at an end.
SOURCE_NOISE = 0.02
USUAL_CEILING = 12 / 13
EXTREME = 0.03
# The standard error, in logits, of a cell whose scores were withheld.
UNKNOWN = 1e3
# How fast usual logits per unit of log size fall off as sizes grow, and where that ends.
BEND = 0.2
NEAR_REACH = 0.4


@dataclass(frozen=True)
class Rough:
    """What is roughly known of maps, noise and cells.

    Attributes
    ----------
    floor, span : numpy.ndarray, shape (benchmark,)
        ``d`` and ``c``.
    noise : numpy.ndarray, shape (benchmark,)
        ``phi``.
    spread : numpy.ndarray, shape (benchmark,)
        ``tau``.
    model_spread : float
        ``sigma_v``.
    position, slope : numpy.ndarray, shape (cell,), or None
        Log effective size relative to the centre of the ruler, and logits per
        unit of log size there; None where nothing is known.
    """

    floor: np.ndarray
    span: np.ndarray
    noise: np.ndarray
    spread: np.ndarray
    model_spread: float
    position: np.ndarray | None = None
    slope: np.ndarray | None = None


def usual(score_map: Any, chance: np.ndarray) -> Rough:
    """Return what is usual, before anything is fitted.

    Parameters
    ----------
    score_map : ScoreMap
        The map.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing.

    Returns
    -------
    Rough
    """
    ceiling = USUAL_CEILING if score_map.has_ceiling else 1.0
    ones = np.ones_like(chance)
    return Rough(
        chance, (1.0 - chance) * ceiling, SOURCE_NOISE * ones, CELL_SPREAD * ones, 0.5 * CELL_SPREAD
    )


def rough_cells(
    arrays: Mapping[str, np.ndarray],
    score_map: Any,
    rough: Rough,
    *,
    n_targets: int,
    n_families: int,
) -> dict[str, np.ndarray]:
    """Return roughly where each cell lies, and how well scores say so of it and of effects.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The arrays of a layout.
    score_map : ScoreMap
        The map.
    rough : Rough
        What is roughly known.
    n_targets, n_families : int
        Number of targets, which come first, and of their families.

    Returns
    -------
    dict of str to numpy.ndarray
        Shape ``(cell,)``: ``cell_logit``, where the map reaches the score when
        floor and span are as in ``cell_floor`` and ``cell_log_span``, its
        slopes in both, ``cell_of_floor`` and ``cell_of_span``, and its
        standard error ``cell_error``; ``cell_guess``, the log size of the
        cell, for references their own; ``cell_target`` and ``cell_family``,
        codes that mean nothing for references, of which ``cell_of_target`` is
        0; ``cell_family_share`` and ``cell_family_benchmark_share``, weights of
        means over targets. Shape ``(cell, 3)``: ``cell_weights``, those of
        least squares on level, date and size. Shape ``(score,)``:
        ``score_count``, scores in the same cell. Standard errors in log size:
        ``family_error``, ``family_benchmark_error``.
    """
    cell, model = arrays["score_cell"], arrays["cell_model"]
    benchmark = arrays["cell_benchmark"]
    counted = np.bincount(cell, minlength=len(model))
    withheld, count = counted == 0, np.maximum(counted, 1)
    floor, span = rough.floor[benchmark], rough.span[benchmark]
    score = np.bincount(cell, arrays["score_observed"], minlength=len(model)) / count
    score = np.where(withheld, floor + span / 2, score)
    share = np.clip((score - floor) / span, EXTREME, 1.0 - EXTREME)
    step = EXTREME / 3
    seen, small = floor + share * span, step / 3
    low, logit, high = (
        score_map.inverse(seen + by * span, floor, span) for by in (-step, 0.0, step)
    )
    of_span = (score_map.inverse(seen, floor, span * np.exp(small)) - logit) / small
    of_floor = (logit - score_map.inverse(seen, floor - small, span)) / small
    # A map of one's own may have no inverse at an end.
    logit, of_span, of_floor, width = np.nan_to_num([logit, of_span, of_floor, high - low])
    item_variance = np.clip(score * (1.0 - score), 0.0, None) / arrays["cell_items"]
    noise = np.sqrt(item_variance + rough.noise[benchmark] ** 2 / count)
    error = np.clip(noise * width / (2 * step * span), 0.02, 5.0)
    error = np.where(withheld, UNKNOWN, error)

    of_target = model < n_targets
    guess = rough.position
    if guess is None:
        guess = _guess(arrays, logit, of_target)
    target = np.minimum(model, max(n_targets - 1, 0))
    family = arrays["family_code"][target] if n_targets else np.zeros_like(model)
    return {
        "cell_target": target,
        "cell_family": family,
        "cell_of_target": of_target.astype(float),
        "score_count": count[cell].astype(float),
        "cell_logit": logit,
        "cell_log_span": np.log(span),
        "cell_floor": floor,
        "cell_of_span": of_span,
        "cell_of_floor": of_floor,
        "cell_guess": np.where(of_target, guess, arrays["relative_log_size"][model]),
        "cell_error": error,
        "cell_weights": _line_weights(arrays, of_target & ~withheld),
        **_effects(
            arrays, target, family, of_target, rough, error, n_targets=n_targets, count=n_families
        ),
    }


def _guess(
    arrays: Mapping[str, np.ndarray], logit: np.ndarray, of_target: np.ndarray
) -> np.ndarray:
    """Return the log sizes at which a usual law through the references reaches the scores."""
    size, benchmark = arrays["relative_log_size"][arrays["cell_model"]], arrays["cell_benchmark"]
    guess = size.copy()
    for j in np.unique(benchmark):
        own = benchmark == j
        known = own & ~of_target if (own & ~of_target).any() else own
        centre, middle = size[known].mean(), logit[known].mean()
        lean = np.sum((size[known] - centre) * (logit[known] - middle))
        steepness = (lean + STEEPNESS) / (np.sum((size[known] - centre) ** 2) + 1.0)
        steepness = np.clip(steepness, STEEPNESS / 3, 3 * STEEPNESS)
        targets = own & of_target
        far = (logit[targets] - middle) / steepness
        guess[targets] = centre - np.log(np.maximum(1.0 - BEND * far, NEAR_REACH)) / BEND
    return guess


def _line_weights(arrays: Mapping[str, np.ndarray], of_target: np.ndarray) -> np.ndarray:
    """Return the weights of cells in level, growth and size slope of their benchmark."""
    weights = np.zeros((len(of_target), 3))
    for j in np.unique(arrays["cell_benchmark"]):
        targets = of_target & (arrays["cell_benchmark"] == j)
        of = arrays["cell_model"][targets]
        design = np.column_stack(
            [np.ones(len(of)), arrays["target_years"][of], arrays["target_log_size"][of]]
        )
        weights[targets] = design @ np.linalg.inv(design.T @ design + np.eye(3))
    return weights


def _effects(
    arrays: Mapping[str, np.ndarray],
    target: np.ndarray,
    family: np.ndarray,
    of_target: np.ndarray,
    rough: Rough,
    error: np.ndarray,
    *,
    n_targets: int,
    count: int,
) -> dict[str, np.ndarray]:
    """Return what cells say of models, families, and families on a benchmark.

    Shares of the cells in the means, and standard errors of those means.
    """
    benchmark = arrays["cell_benchmark"]
    n_benchmarks = len(rough.floor)
    variance = rough.spread[benchmark] ** 2
    if rough.slope is not None:
        variance = variance + (error / rough.slope) ** 2
    variance = np.where(error < UNKNOWN, variance, UNKNOWN**2)
    # What a cell says of its model, and, the model being one of its family, of that.
    of_model = np.where(of_target, 1.0 / variance, 0.0)
    model_variance = rough.model_spread**2
    information = np.bincount(target, of_model, minlength=max(n_targets, 1))
    of_family = of_model / (1.0 + model_variance * information[target])
    of_both = np.where(of_target, 1.0 / (variance + model_variance), 0.0)
    both = family * n_benchmarks + benchmark
    families = _mean(family, of_family, count)
    pairs = _mean(both, of_both, count * n_benchmarks)
    return {
        "cell_family_share": families[0],
        "family_error": families[1],
        "cell_family_benchmark_share": pairs[0],
        "family_benchmark_error": pairs[1].reshape(count, n_benchmarks),
    }


def _mean(code: np.ndarray, weight: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return shares of a weighted mean by code, and the standard errors of the means."""
    total = np.bincount(code, weight, minlength=count)
    shares = weight / np.where(total > 0, total, 1.0)[code] if len(code) else weight
    # What nothing is known of: the error of one usual cell.
    errors = np.where(total[:count] > 0, total[:count], CELL_SPREAD**-2) ** -0.5
    return shares, errors
