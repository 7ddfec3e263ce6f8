"""Lines through the targets: how level, growth and size slope follow from where scores put cells.

By generalised least squares, in which models of one family and families of one developer go
together as in the model: a size slope that is known from within families says little of how
families differ. Scales are usual ones first, and those of a pilot later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.model.trend import target_sizes
from bayesdense.model.zero_sum import contrasts

__all__ = ["USUAL_SPREAD", "Lines", "Spread", "lines"]

# Cells in one block of the covariance; of larger ones only the diagonal is used.
LARGEST_BLOCK = 1500


@dataclass(frozen=True)
class Spread:
    """Standard deviations of what targets share, as far as the model has them.

    Attributes
    ----------
    model, family, developer : float
        Of effects on all benchmarks.
    family_benchmark, developer_benchmark : float
        Of effects on one.
    between : tuple of float
        Of levels, growth rates and size slopes between benchmarks.
    """

    model: float = 0.5
    family: float = 0.6
    family_benchmark: float = 0.4
    developer: float = 0.0
    developer_benchmark: float = 0.0
    between: tuple[float, float, float] = (1.0, 0.7, 0.3)


USUAL_SPREAD = Spread()
"""Before anything is fitted."""


@dataclass(frozen=True)
class Lines:
    """Linear functionals of the log densities of cells.

    Attributes
    ----------
    weights : numpy.ndarray, shape (cell, 3)
        Of level, growth and size slope of the benchmark of a cell, by its scores
        alone.
    common_weights : numpy.ndarray, shape (cell, 3)
        Of those of all benchmarks together.
    error : numpy.ndarray, shape (benchmark, 3)
        Standard errors on each benchmark, none above 1: about as wide as priors
        leave them.
    """

    weights: np.ndarray
    common_weights: np.ndarray
    error: np.ndarray


def lines(
    arrays: Mapping[str, np.ndarray],
    on_line: np.ndarray,
    n_targets: int,
    variance: np.ndarray,
    spread: Spread,
) -> Lines:
    """Return the lines through the targets of a dataset.

    Parameters
    ----------
    arrays : mapping of str to numpy.ndarray
        The arrays of a design.
    on_line : numpy.ndarray of bool, shape (cell,)
        Which cells are of targets on the line.
    n_targets : int
        Number of targets, which come first.
    variance : numpy.ndarray, shape (cell,)
        Of the log density of a cell by its scores and its own deviation.
    spread : Spread
        Of what targets share.

    Returns
    -------
    Lines
    """
    count = arrays["harness_measured"].shape[1]
    weights, common = np.zeros((2, len(on_line), 3))
    error = np.ones((count, 3))
    cells = np.flatnonzero(on_line)
    model = arrays["cell_model"][cells]
    sizes = target_sizes(arrays["relative_log_size"], arrays, n_targets)
    design = np.column_stack([np.ones(len(cells)), arrays["target_years"][model], sizes[model]])
    benchmark = arrays["cell_benchmark"][cells]
    groups = _groups(arrays, model)
    own = spread.family_benchmark, spread.developer_benchmark
    for j in range(count):
        chosen = np.flatnonzero(benchmark == j)
        columns = [codes[chosen] for codes in groups]
        solved = _solve(design[chosen], variance[cells[chosen]], [(columns, own)])
        inverse = np.linalg.inv(design[chosen].T @ solved + np.eye(3))
        weights[cells[chosen]] = solved @ inverse
        error[j] = np.sqrt(np.diag(inverse))
    # All benchmarks together, with differences between them as far as these are likely.
    basis = contrasts(count) if count > 1 else np.zeros((1, 0))
    differ = design[:, :, None] * basis[benchmark][:, None, :]
    full = np.column_stack([design, differ.reshape(len(cells), 3 * (count - 1))])
    pairs = [codes * count + benchmark for codes in groups]
    shared = [(groups, (spread.family, spread.developer)), (pairs, own), ([model], (spread.model,))]
    solved = _solve(full, variance[cells], shared)
    precision = np.concatenate([np.ones(3), np.repeat(np.array(spread.between), count - 1) ** -2.0])
    inverse = np.linalg.inv(full.T @ solved + np.diag(precision))
    common[cells] = (solved @ inverse)[:, :3]
    return Lines(weights, common, error)


def _groups(arrays: Mapping[str, np.ndarray], model: np.ndarray) -> list[np.ndarray]:
    """Return families and developers of cells; families again where there are no developers."""
    family = arrays["family_code"]
    return [family[model], arrays.get("developer_code", family)[model]]


def _solve(
    columns: np.ndarray,
    variance: np.ndarray,
    shared: list[tuple[list[np.ndarray], tuple[float, ...]]],
) -> np.ndarray:
    """Return the inverse of a covariance times some columns, block by block.

    The covariance is a diagonal, and for each grouping the square of a scale
    wherever two rows are of one group.
    """
    found = np.empty_like(columns)
    for rows in _blocks(shared, len(variance)):
        block = np.diag(variance[rows])
        if len(rows) <= LARGEST_BLOCK:
            for codes, scales in shared:
                for code, scale in zip(codes, scales, strict=True):
                    block += scale**2 * (code[rows] == code[rows, None])
            solved: Any = np.linalg.solve(block, columns[rows])
        else:
            total = sum(scale**2 for _, scales in shared for scale in scales)
            solved = columns[rows] / (variance[rows] + total)[:, None]
        found[rows] = solved
    return found


def _blocks(
    shared: list[tuple[list[np.ndarray], tuple[float, ...]]], count: int
) -> Iterator[np.ndarray]:
    """Yield rows that have anything in common: connected by groupings of a positive scale."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    edges = [np.empty((2, 0), dtype=int)]
    for codes, scales in shared:
        for code, scale in zip(codes, scales, strict=True):
            if scale > 0:
                _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
                edges.append(np.stack([np.arange(count), first[inverse]]))
    row, column = np.concatenate(edges, axis=1)
    graph = coo_matrix((np.ones(len(row)), (row, column)), shape=(count, count))
    number, label = connected_components(graph, directed=False)
    order = np.argsort(label, kind="stable")
    ends = np.cumsum(np.bincount(label, minlength=number))
    yield from np.split(order, ends[:-1]) if count else ()
