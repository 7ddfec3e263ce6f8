"""Roughly where cells lie and how well scores say so: from usual values, or from a pilot.

No result depends on the figures here: they set coordinates, and a bad guess only costs time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit

from bayesdense.build.coordinates import STEEPNESS
from bayesdense.build.odds import log_odds

__all__ = ["Rough", "rough_cells", "usual"]

# Usual ceiling and noise of a source, and how near an end a score is at the least.
USUAL_CEILING = 12 / 13
USUAL_NOISE = 0.015
LEAST_MARGIN = 0.01
# Least error of a cell, in logits.
LEAST_ERROR = 0.02
# A step in the logarithm of the odds.
STEP = 0.1
# The standard error, in logits, of a cell whose scores were withheld.
UNKNOWN = 1e3
# How fast usual logits per unit of log size fall off as sizes grow, and where that ends.
BEND = 0.2
NEAR_REACH = 0.4


@dataclass(frozen=True)
class Rough:
    """What is roughly known of maps and cells.

    Attributes
    ----------
    floor, span : numpy.ndarray, shape (benchmark,)
        ``d`` and ``c``.
    noise : numpy.ndarray, shape (benchmark,)
        ``phi``.
    position : numpy.ndarray, shape (cell,), or None
        Log effective size relative to the centre of the ruler; None where
        nothing is known.
    """

    floor: np.ndarray
    span: np.ndarray
    noise: np.ndarray
    position: np.ndarray | None = None


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
    return Rough(chance, (1.0 - chance) * ceiling, np.full(len(chance), USUAL_NOISE))


def rough_cells(
    arrays: Mapping[str, np.ndarray],
    score_map: Any,
    rough: Rough,
    *,
    n_targets: int,
    n_families: int,
) -> dict[str, np.ndarray]:
    """Return roughly where each cell lies, and how well scores say so.

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
        Shape ``(cell,)``: ``cell_score``, the mean of its scores, and
        ``cell_margin``, how near an end of the map it is at the least;
        ``cell_of_odds`` and ``cell_offset``, slope and intercept of ``y`` of
        the map in the logarithm of the odds of a score within the span; its
        variance, ``cell_variance`` in squares of ``y``, ``cell_of_items`` in
        those of a score and ``cell_of_noise`` for each unit of variance of a
        source; ``cell_guess``, the log size of the cell,
        for references their own; ``cell_target`` and ``cell_family``, codes
        that mean nothing for references, of which ``cell_of_target`` is 0.
        Shape ``(cell, 3)``: ``cell_weights``, those of least squares on level,
        date and size, through targets with a date. Shape ``(score,)``:
        ``score_count``, scores in the same cell. ``target_alike`` and
        ``pair_share``: how many targets share a family on a benchmark, see
        `_shared`.
    """
    cell, model = arrays["score_cell"], arrays["cell_model"]
    benchmark = arrays["cell_benchmark"]
    counted = np.bincount(cell, minlength=len(model))
    withheld, count = counted == 0, np.maximum(counted, 1)
    floor, span = rough.floor[benchmark], rough.span[benchmark]
    score = np.bincount(cell, arrays["score_observed"], minlength=len(model)) / count
    score = np.where(withheld, floor + span / 2, score)
    items = np.clip(score * (1.0 - score), 0.0, None) / arrays["cell_items"]
    margin = np.sqrt(LEAST_MARGIN**2 + items + rough.noise[benchmark] ** 2 / count)
    odds = log_odds(score, floor, span, margin)
    places = np.array(
        [score_map.inverse(floor + span * expit(odds + by), floor, span) for by in (-STEP, 0, STEP)]
    )
    # A map of one's own may have no inverse at an end; such a score says nothing.
    silent = withheld | ~np.isfinite(places).all(axis=0)
    low, y, high = np.where(silent, 0.0, places)
    of_odds = np.clip((high - low) / (2 * STEP), 0.0, None)

    of_target = model < n_targets
    floors = rough.floor
    guess = rough.position
    if guess is None:
        guess = _guess(arrays, y, of_target)
    target = np.minimum(model, max(n_targets - 1, 0))
    family = arrays["family_code"][target] if n_targets else np.zeros_like(model)
    pair = family * len(floors) + benchmark
    # Targets without a date come last, and lie on no line.
    n_dated = len(arrays["years"])
    return {
        "cell_target": target,
        "cell_family": family,
        "cell_of_target": of_target.astype(float),
        "score_count": count[cell].astype(float),
        "cell_score": score,
        "cell_margin": margin,
        "cell_of_odds": of_odds,
        "cell_offset": y - of_odds * odds,
        "cell_guess": np.where(of_target, guess, arrays["relative_log_size"][model]),
        "cell_variance": np.where(silent, UNKNOWN, LEAST_ERROR) ** 2,
        "cell_of_items": np.where(silent, 0.0, items),
        "cell_of_noise": np.where(silent, 0.0, 1.0 / count),
        "cell_weights": _line_weights(arrays, (model < n_dated) & ~withheld),
        **_shared(
            target,
            pair,
            of_target,
            n_targets=n_targets,
            n_pairs=n_families * len(floors),
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


def _line_weights(arrays: Mapping[str, np.ndarray], on_line: np.ndarray) -> np.ndarray:
    """Return the weights of cells in level, growth and size slope of their benchmark."""
    weights = np.zeros((len(on_line), 3))
    for j in np.unique(arrays["cell_benchmark"]):
        targets = on_line & (arrays["cell_benchmark"] == j)
        of = arrays["cell_model"][targets]
        design = np.column_stack(
            [np.ones(len(of)), arrays["target_years"][of], arrays["target_log_size"][of]]
        )
        weights[targets] = design @ np.linalg.inv(design.T @ design + np.eye(3))
    return weights


def _shared(
    target: np.ndarray, pair: np.ndarray, of_target: np.ndarray, *, n_targets: int, n_pairs: int
) -> dict[str, np.ndarray]:
    """Return what deviations of families on benchmarks weigh in the mean of a target's cells.

    ``target_alike``, shape ``(target,)``: the mean over its benchmarks of the number of targets of
    its family there, over the number of its benchmarks. ``pair_share``, shape ``(family *
    benchmark,)``: one over that number of targets, 1 where there are none.
    """
    count = np.bincount(pair[of_target], minlength=n_pairs)[:n_pairs]
    of = target[of_target]
    cells = np.maximum(np.bincount(of, minlength=n_targets), 1)
    alike = np.bincount(of, count[pair[of_target]], minlength=n_targets)
    return {"target_alike": alike / cells**2, "pair_share": 1.0 / np.maximum(count, 1)}
