"""Rough standard errors of effects, in whose units the sampler sees them.

No result depends on these figures: they set the coordinates of
`bayesdense.build.effects.scaled_normal`, and a bad guess only costs time.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

__all__ = ["ceiling_leans", "expected_errors"]

# Usual spread of one cell around the model, in log size and in logits.
CELL_SPREAD = 0.7
LOGIT_SPREAD = 0.3


def expected_errors(
    arrays: Mapping[str, np.ndarray], *, n_targets: int, n_families: int
) -> dict[str, np.ndarray]:
    """Return how well the data alone would fix offsets, slopes and families.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The arrays of a layout.
    n_targets, n_families : int
        Number of targets and of their families.

    Returns
    -------
    dict of str to numpy.ndarray
        Standard errors, all positive: ``harness_error`` in logits, the others
        in log size (per year, per unit of log size, or as they are).
    """
    measured = arrays["harness_measured"]
    scores = np.zeros(measured.shape)
    np.add.at(scores, (arrays["score_harness"], arrays["score_benchmark"]), 1.0)

    of_target = arrays["cell_model"] < n_targets
    target, benchmark = arrays["cell_model"][of_target], arrays["cell_benchmark"][of_target]
    family = arrays["family_code"]
    cells = np.zeros((n_families, measured.shape[1]))
    np.add.at(cells, (family[target], benchmark), 1.0)
    return {
        "harness_error": LOGIT_SPREAD / np.sqrt(np.maximum(scores, 1.0)),
        "growth_error": _slope_errors(arrays["target_years"][target], benchmark, cells.shape[1]),
        "size_slope_error": _slope_errors(
            arrays["target_log_size"][target], benchmark, cells.shape[1]
        ),
        "family_error": CELL_SPREAD / np.sqrt(np.bincount(family, minlength=n_families)),
        "family_benchmark_error": CELL_SPREAD / np.sqrt(np.maximum(cells, 1.0)),
    }


def ceiling_leans(
    scores: np.ndarray, benchmark: np.ndarray, weight: np.ndarray, chance: np.ndarray
) -> dict[str, np.ndarray]:
    """Return how the map's pivot and slope move when its ceiling does and scores stay.

    Parameters
    ----------
    scores : numpy.ndarray, shape (score,)
        Scores of references.
    benchmark : numpy.ndarray of int, shape (score,)
        Their benchmarks.
    weight : numpy.ndarray, shape (score,)
        How near each is to where the map is anchored, from 0 to 1.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing.

    Returns
    -------
    dict of str to numpy.ndarray
        By benchmark: ``pivot_lean`` and ``slope_lean``, changes of the logit
        and of the logarithm of the slope for a unit fall of the logarithm of
        the ceiling.
    """
    count = len(chance)
    total = np.bincount(benchmark, weight * scores, minlength=count)
    mean = total / np.maximum(np.bincount(benchmark, weight, minlength=count), 1e-9)
    # The share of the span that the anchor has reached, with a usual ceiling.
    share = np.clip((mean - chance) / (1.0 - chance) / 0.95, 0.02, 0.75)
    return {"pivot_lean": 1.0 / (1.0 - share), "slope_lean": share / (1.0 - share)}


def _slope_errors(values: np.ndarray, benchmark: np.ndarray, count: int) -> np.ndarray:
    """Return the rough standard error of a slope over some values, by benchmark."""
    errors = np.full(count, CELL_SPREAD)
    for j in range(count):
        chosen = values[benchmark == j]
        spread = float(((chosen - chosen.mean()) ** 2).sum()) if len(chosen) else 0.0
        if spread > 0:
            errors[j] = CELL_SPREAD / np.sqrt(spread)
    return errors
