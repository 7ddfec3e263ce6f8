"""Rough standard errors of effects, in whose units the sampler sees them.

No result depends on these figures: they set the coordinates of
`bayesdense.build.effects.scaled_normal`, and a bad guess only costs time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = [
    "OF_ENDS",
    "contrasts",
    "expected_errors",
    "harness_shares",
    "knots_of",
    "offsets_from",
    "shaping",
    "usual_leans",
]

# Usual spread of one cell around the model, in log size and in logits, and of sources in logits.
CELL_SPREAD = 0.7
LOGIT_SPREAD = 0.3
SOURCE_SPREAD = 0.1
# A standard error that says nothing about an offset of a harness, in logits.
UNKNOWN_OFFSET = 10.0
# Usual logits per unit of log size.
STEEPNESS = 0.8
# Shares of the scores of a benchmark below its three knots, how far these are apart at the least,
# and how many numbers they are read by, see `bayesdense.build.leans.of_ends`.
KNOTS = (0.25, 0.5, 0.75)
LEAST_GAP = 0.02
KNOT_MARGIN = 0.03
OF_ENDS = 3


def expected_errors(arrays: Mapping[str, np.ndarray], *, n_targets: int) -> dict[str, np.ndarray]:
    """Return how well the data alone would fix offsets and slopes.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The arrays of a layout.
    n_targets : int
        Number of targets.

    Returns
    -------
    dict of str to numpy.ndarray
        Standard errors, all positive: ``harness_error`` in logits,
        ``growth_error`` and ``size_slope_error`` in log size, per year and per
        unit of log size. The effects add up to zero: the errors are those of
        their `contrasts`, and a ``_basis`` is beside them. Beside the first is
        ``harness_pull``, 0 until a pilot has draws, see `offsets_from`.
    """
    measured = arrays["harness_measured"]
    of_target = arrays["cell_model"] < n_targets
    target, benchmark = arrays["cell_model"][of_target], arrays["cell_benchmark"][of_target]
    found = {}
    for name, of in (("growth", "target_years"), ("size_slope", "target_log_size")):
        errors = _slope_errors(arrays[of][target], benchmark, measured.shape[1])
        found[f"{name}_basis"], found[f"{name}_error"] = contrasts(errors)
    return {
        **found,
        **_harness_contrasts(_harness_information(arrays, n_targets), measured > 0),
    }


def contrasts(error: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the directions in which effects that add up to zero are best sampled.

    Effects less their mean have one direction fewer than there are effects. In
    the directions returned here, what the data say of one says nothing of
    another; they are orthonormal, so independent Normal coordinates of equal
    scale are the zero-sum Normal of that scale.

    Parameters
    ----------
    error : numpy.ndarray, shape (n,)
        Standard error of each effect on its own.

    Returns
    -------
    basis : numpy.ndarray, shape (n, n - 1)
        One direction a column.
    error : numpy.ndarray, shape (n - 1,)
        Standard errors along them.

    Examples
    --------
    >>> basis, error = contrasts(np.array([0.1, 0.1]))
    >>> abs(basis).round(3), error.round(3)
    (array([[0.707],
           [0.707]]), array([0.1]))
    """
    basis, information = _eigen_contrasts(np.diag(np.asarray(error) ** -2.0))
    return basis, 1.0 / np.sqrt(information)


def _eigen_contrasts(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal zero-sum directions and what is known along each."""
    n = len(information)
    # Of an orthonormal basis that starts with the mean, all but the mean.
    complete, _ = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))
    centred = complete[:, 1:]
    along, turned = np.linalg.eigh(centred.T @ information @ centred)
    return centred @ turned, along


def _harness_information(arrays: Mapping[str, np.ndarray], n_targets: int) -> np.ndarray:
    """Return what scores say about the offsets of harnesses, by benchmark.

    Harnesses are told apart where they measured the same models, and where
    they measured others of the same kind; what goes into levels, growth and
    size slope does not count. Shape ``(benchmark, harness, harness)``.
    """
    n_harnesses, n_benchmarks = arrays["harness_measured"].shape
    cell = arrays["score_cell"]
    model = arrays["cell_model"][cell]
    of_target = model < n_targets
    nuisance = np.column_stack([of_target, ~of_target]).astype(float)
    if n_targets:
        target = np.where(of_target, model, 0)
        for name in ("target_years", "target_log_size"):
            column = np.where(of_target, arrays[name][target], 0.0)
            nuisance = np.column_stack([nuisance, column])
    design = np.column_stack([np.eye(n_harnesses)[arrays["score_harness"]], nuisance])
    # Generalised least squares: scores of a cell share its deviation.
    count = np.bincount(cell)
    shared = 1.0 - 1.0 / np.sqrt(1.0 + count * (LOGIT_SPREAD / SOURCE_SPREAD) ** 2)
    total = np.zeros((len(count), design.shape[1]))
    np.add.at(total, cell, design)
    design = (design - (shared / count)[cell, None] * total[cell]) / SOURCE_SPREAD

    found = np.zeros((n_benchmarks, n_harnesses, n_harnesses))
    for j in range(n_benchmarks):
        rows = design[arrays["score_benchmark"] == j]
        offsets, other = rows[:, :n_harnesses], rows[:, n_harnesses:]
        left = offsets - other @ np.linalg.lstsq(other, offsets)[0]
        found[j] = left.T @ left
    return found


def _harness_contrasts(information: np.ndarray, measured: np.ndarray) -> dict[str, np.ndarray]:
    """Return contrasts between the harnesses that measured each benchmark.

    The basis has one row for each harness and benchmark, harness by harness.
    """
    n_harnesses, n_benchmarks = measured.shape
    columns, errors, owner = [], [np.empty(0)], []
    for j in range(n_benchmarks):
        rows = np.flatnonzero(measured[:, j])
        if len(rows) < 2:
            continue
        basis, along = _eigen_contrasts(information[j][np.ix_(rows, rows)])
        block = np.zeros((n_harnesses, n_benchmarks, len(along)))
        block[rows, j] = basis
        columns.append(block.reshape(-1, len(along)))
        errors.append(1.0 / np.sqrt(np.maximum(along, UNKNOWN_OFFSET**-2)))
        owner += [j] * len(along)
    return {
        "harness_basis": np.concatenate([np.empty((measured.size, 0)), *columns], axis=1),
        "harness_error": np.concatenate(errors),
        "harness_pull": np.zeros(len(owner)),
        "harness_contrast_benchmark": np.array(owner, dtype=int),
    }


def offsets_from(offsets: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what draws say that the data alone know of effects of unknown scale.

    In `bayesdense.build.effects.scaled_normal` an effect given its scale has the precision
    ``q = 1/scale^2 + k`` and the mean ``p / q``. Returned are ``k`` and ``p`` of largest
    likelihood: scores can hold an offset that no model measured twice tells of, where one harness
    measured the references and another the targets.

    Parameters
    ----------
    offsets, scale : numpy.ndarray, shape (draw, contrast)
        Draws of the effects and of their scales.

    Returns
    -------
    error : numpy.ndarray, shape (contrast,)
        ``k^(-1/2)``, at most `UNKNOWN_OFFSET`.
    pull : numpy.ndarray, shape (contrast,)
        ``p``.

    Examples
    --------
    >>> random = np.random.default_rng(1)
    >>> scale = np.exp(random.normal(size=(4000, 1)))
    >>> precision = 1.0 / scale**2 + 25.0
    >>> offsets = 25.0 / precision + random.normal(size=(4000, 1)) / np.sqrt(precision)
    >>> error, pull = offsets_from(offsets, scale)
    >>> error.round(1), pull.round()
    (array([0.2]), array([25.]))
    """
    errors = np.geomspace(0.01, UNKNOWN_OFFSET, 100)
    # Shape (error, draw, contrast): some hundred draws of a few contrasts.
    precision = scale**-2.0 + errors[:, None, None] ** -2.0
    pull = offsets.mean(axis=0) / (1.0 / precision).mean(axis=1)
    off = offsets - pull[:, None] / precision
    fit = (np.log(precision) - precision * off**2).mean(axis=1)
    best = fit.argmax(axis=0), np.arange(offsets.shape[1])
    return errors[best[0]], pull[best]


def harness_shares(
    benchmark: np.ndarray, harness: np.ndarray, weight: np.ndarray, *, shape: tuple[int, int]
) -> np.ndarray:
    """Return the share of each harness in the scores that anchor a map.

    Parameters
    ----------
    benchmark, harness : numpy.ndarray of int, shape (score,)
        Of the scores of references.
    weight : numpy.ndarray, shape (score,)
        How near each is to where the map is anchored, from 0 to 1.
    shape : tuple of int
        Numbers of harnesses and of benchmarks.

    Returns
    -------
    numpy.ndarray, shape (harness, benchmark)
    """
    shares = np.zeros(shape)
    np.add.at(shares, (harness, benchmark), weight)
    return shares / np.maximum(shares.sum(axis=0), 1e-9)


def knots_of(scores: np.ndarray, benchmark: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """Return three scores of each benchmark that a change of its ends should leave in place.

    Parameters
    ----------
    scores : numpy.ndarray, shape (score,)
        All scores.
    benchmark : numpy.ndarray of int, shape (score,)
        Their benchmarks.
    count : int
        Number of benchmarks.

    Returns
    -------
    dict of str to numpy.ndarray
        ``knot_scores``, shape ``(benchmark, 3)``, rising by at least
        `LEAST_GAP`, and ``knot_margin``, shape ``(benchmark,)``.
    """
    knots = np.full((count, 3), 0.5)
    for j in np.unique(benchmark):
        knots[j] = np.quantile(scores[benchmark == j], KNOTS)
    knots[:, 0] = np.minimum(knots[:, 0], knots[:, 1] - LEAST_GAP)
    knots[:, 2] = np.maximum(knots[:, 2], knots[:, 1] + LEAST_GAP)
    return {"knot_scores": knots, "knot_margin": np.full(count, KNOT_MARGIN)}


def shaping(law: Any) -> list[str]:
    """Return the positive coefficients that shape the law where there are scores only.

    Parameters
    ----------
    law : LossLaw
        The law.

    Returns
    -------
    list of str
    """
    return [name for name in law.shape if name in law.exponents]


def usual_leans(count: int, exponents: list[str]) -> dict[str, np.ndarray]:
    """Return leans before anything is fitted: curves keep to three scores, roughly.

    Parameters
    ----------
    count : int
        Number of benchmarks.
    exponents : list of str
        The coefficients that shape the law where there are scores only.

    Returns
    -------
    dict of str to numpy.ndarray
        ``slope_lean``, ``pivot_lean``, ``tau_lean``, a ``_lean`` for each
        exponent, and ``lean_centre``; columns as the features of
        `bayesdense.build.leans.map_features`.
    """
    n = OF_ENDS + len(exponents)
    leans = {
        "slope_lean": np.zeros((count, n)),
        "pivot_lean": np.zeros((count, n + 1)),
        "tau_lean": np.zeros((count, n + 2)),
        "lean_centre": np.zeros((count, n + 2)),
        **{f"{name}_lean": np.zeros((count, OF_ENDS)) for name in exponents},
    }
    leans["pivot_lean"][:, 0] = 1.0
    leans["slope_lean"][:, 1:OF_ENDS] = 0.5
    return leans


def _slope_errors(values: np.ndarray, benchmark: np.ndarray, count: int) -> np.ndarray:
    """Return the rough standard error of a slope over some values, by benchmark."""
    errors = np.full(count, CELL_SPREAD)
    for j in range(count):
        chosen = values[benchmark == j]
        spread = float(((chosen - chosen.mean()) ** 2).sum()) if len(chosen) else 0.0
        if spread > 0:
            errors[j] = CELL_SPREAD / np.sqrt(spread)
    return errors
