"""Directions in which zero-sum effects are sampled, and how well scores know each of them.

In these directions what the data say of one effect says nothing of another. A bad estimate costs
time, and no result depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bayesdense.model.trend import target_sizes
from bayesdense.model.zero_sum import contrasts

__all__ = [
    "Contrasts",
    "HarnessContrasts",
    "harness_contrasts",
    "harness_shares",
    "line_contrasts",
    "offsets_from",
    "standardised",
]

# Usual spread of levels, growth rates and size slopes between benchmarks.
BETWEEN_BENCHMARKS = np.array([1.0, 0.5, 0.2])
# Usual spread of one cell around the model, and of sources, in logits.
LOGIT_SPREAD = 0.3
SOURCE_SPREAD = 0.1
# A standard error that says nothing about an offset of a harness, in logits.
UNKNOWN_OFFSET = 10.0


@dataclass(frozen=True)
class Contrasts:
    """Directions of zero-sum effects.

    Attributes
    ----------
    basis : numpy.ndarray, shape (effect, contrast)
        Orthonormal; one direction a column.
    error : numpy.ndarray, shape (contrast,)
        Standard error of each given only the data.
    """

    basis: np.ndarray
    error: np.ndarray


@dataclass(frozen=True)
class HarnessContrasts:
    """Directions of the offsets of harnesses, by benchmark.

    Attributes
    ----------
    basis : numpy.ndarray, shape (harness * benchmark, contrast)
        Orthonormal; 0 for a harness that never measured the benchmark.
    error, pull : numpy.ndarray, shape (contrast,)
        Standard error of each given only the data, and the
        precision times the mean that they give it.
    benchmark : numpy.ndarray of int, shape (contrast,)
        The benchmark of each.
    """

    basis: np.ndarray
    error: np.ndarray
    pull: np.ndarray
    benchmark: np.ndarray


def line_contrasts(errors: np.ndarray) -> tuple[Contrasts, Contrasts, Contrasts, np.ndarray]:
    """Return directions of levels, growth rates and size slopes between benchmarks.

    Parameters
    ----------
    errors : numpy.ndarray, shape (benchmark, 3)
        Standard errors of the three on each benchmark, by its scores alone.

    Returns
    -------
    level, growth, size_slope : Contrasts
    share : numpy.ndarray, shape (benchmark, 3)
        What each benchmark weighs in the mean of all: little where its scores
        say little.

    Examples
    --------
    >>> *_, share = line_contrasts(np.array([[0.1, 0.1, 0.1], [0.1, 0.1, 10.0]]))
    >>> share.round(2)
    array([[0.5, 0.5, 1. ],
           [0.5, 0.5, 0. ]])
    """
    information = 1.0 / (errors**2 + BETWEEN_BENCHMARKS**2)
    level, growth, size_slope = (standardised(column) for column in errors.T)
    return level, growth, size_slope, information / information.sum(axis=0)


def harness_contrasts(arrays: Mapping[str, np.ndarray], n_targets: int) -> HarnessContrasts:
    """Return directions of the offsets of harnesses.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The arrays of a design.
    n_targets : int
        Number of targets.

    Returns
    -------
    HarnessContrasts
        Errors in logits; the pull is 0 until a pilot has draws.
    """
    information = _harness_information(arrays, n_targets)
    return _harness_contrasts(information, arrays["harness_measured"] > 0)


def standardised(error: np.ndarray) -> Contrasts:
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
    Contrasts

    Examples
    --------
    >>> found = standardised(np.array([0.1, 0.1]))
    >>> abs(found.basis).round(3), found.error.round(3)
    (array([[0.707],
           [0.707]]), array([0.1]))
    """
    basis, information = _eigen_contrasts(np.diag(np.asarray(error) ** -2.0))
    return Contrasts(basis, 1.0 / np.sqrt(information))


def _eigen_contrasts(information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return orthonormal zero-sum directions and what is known along each."""
    centred = contrasts(len(information))
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
    is_target = model < n_targets
    nuisance = np.column_stack([is_target, ~is_target]).astype(float)
    if n_targets:
        target = np.where(is_target, model, 0)
        sizes = target_sizes(arrays["relative_log_size"], arrays, n_targets)
        for values in (arrays["target_years"], sizes):
            column = np.where(is_target, values[target], 0.0)
            nuisance = np.column_stack([nuisance, column])
    design = np.column_stack([np.eye(n_harnesses)[arrays["score_harness"]], nuisance])
    # Generalised least squares: scores of a cell share its deviation.
    count = np.bincount(cell)
    shared = 1.0 - 1.0 / np.sqrt(1.0 + count * (LOGIT_SPREAD / SOURCE_SPREAD) ** 2)
    total = np.zeros((len(count), design.shape[1]))
    np.add.at(total, cell, design)
    design = (design - (shared / np.maximum(count, 1))[cell, None] * total[cell]) / SOURCE_SPREAD

    found = np.zeros((n_benchmarks, n_harnesses, n_harnesses))
    for j in range(n_benchmarks):
        rows = design[arrays["score_benchmark"] == j]
        offsets, other = rows[:, :n_harnesses], rows[:, n_harnesses:]
        left = offsets - other @ np.linalg.lstsq(other, offsets)[0]
        found[j] = left.T @ left
    return found


def _harness_contrasts(information: np.ndarray, measured: np.ndarray) -> HarnessContrasts:
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
    return HarnessContrasts(
        basis=np.concatenate([np.empty((measured.size, 0)), *columns], axis=1),
        error=np.concatenate(errors),
        pull=np.zeros(len(owner)),
        benchmark=np.array(owner, dtype=int),
    )


def offsets_from(offsets: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what draws say that the data by themselves know of effects of unknown scale.

    In `bayesdense.coordinates.variables` an effect given its scale has the precision
    ``q = 1/scale^2 + k`` and the mean ``p / q``. Returned are ``k`` and ``p``
    of largest likelihood: scores can hold an offset that no model measured twice tells of, where
    one harness measured the references and another the targets.

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
    """Return the share of each harness in the scores that fix a map.

    Parameters
    ----------
    benchmark, harness : numpy.ndarray of int, shape (score,)
        Of the scores of references.
    weight : numpy.ndarray, shape (score,)
        How near each is to where the map is read, from 0 to 1.
    shape : tuple of int
        Numbers of harnesses and of benchmarks.

    Returns
    -------
    numpy.ndarray, shape (harness, benchmark)
    """
    shares = np.zeros(shape)
    np.add.at(shares, (harness, benchmark), weight)
    return shares / np.maximum(shares.sum(axis=0), 1e-9)
