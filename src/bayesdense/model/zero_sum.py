"""Effects that add up to zero over the rows that count in each column.

What `pymc.ZeroSumNormal` is for a whole axis, for axes of which a part counts: harnesses that
measured a benchmark.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytensor.tensor as pt
from pymc.logprob.transforms import Transform

__all__ = ["PartialZeroSum", "contrasts", "partial_zero_sum_logp"]


def contrasts(count: int) -> np.ndarray:
    """Return orthonormal directions of effects that add up to zero.

    Independent Normal numbers of equal spread along these directions are the
    zero-sum Normal of that spread.

    Parameters
    ----------
    count : int
        Number of effects.

    Returns
    -------
    numpy.ndarray, shape (count, count - 1)
        One direction a column.

    Examples
    --------
    >>> abs(contrasts(2)).round(3)
    array([[0.707],
           [0.707]])
    """
    # Of an orthonormal basis that starts with the mean, all but the mean.
    complete, _ = np.linalg.qr(np.column_stack([np.ones(count), np.eye(count)[:, 1:]]))
    return complete[:, 1:]


def partial_zero_sum_logp(value: Any, sd: Any, measured: Any) -> Any:
    """Return the log density of effects along the directions that are free.

    Parameters
    ----------
    value : tensor, shape (row, column)
        The effects.
    sd : tensor, shape (column,)
        Standard deviation before the mean is taken off.
    measured : tensor, shape (row, column)
        1 where a row counts, 0 where it does not.

    Returns
    -------
    tensor
    """
    free = pt.maximum(measured.sum(axis=0) - 1.0, 0.0)
    squares = (measured * value**2).sum(axis=0) / sd**2
    return (-0.5 * squares - free * (pt.log(sd) + 0.5 * np.log(2.0 * np.pi))).sum()


class PartialZeroSum(Transform):
    """The constraint of `partial_zero_sum_logp` as a transform, which PyMC needs of a variable.

    Effects are a linear function of as many unconstrained numbers a column as
    there are rows that count, less one.

    Parameters
    ----------
    measured : numpy.ndarray of bool, shape (row, column)
        Which rows count.
    """

    name = "partial_zero_sum"
    ndim_supp = 2

    def __init__(self, measured: np.ndarray) -> None:
        columns = []
        for j in range(measured.shape[1]):
            rows = np.flatnonzero(measured[:, j])
            if len(rows) < 2:
                continue
            block = np.zeros((*measured.shape, len(rows) - 1))
            block[rows, j] = contrasts(len(rows))
            columns.append(block.reshape(measured.size, -1))
        self._shape = measured.shape
        self._basis = np.concatenate([np.empty((measured.size, 0)), *columns], axis=1)

    def forward(self, value: Any, *inputs: Any) -> Any:
        """Return the free numbers of the effects."""
        flat = value.reshape((*value.shape[:-2], self._basis.shape[0]))
        return flat @ self._basis

    def backward(self, value: Any, *inputs: Any) -> Any:
        """Return the effects of the free numbers."""
        flat = value @ self._basis.T
        return flat.reshape((*value.shape[:-1], *self._shape))

    def log_jac_det(self, value: Any, *inputs: Any) -> Any:
        """Return 0: the directions are orthonormal."""
        return pt.zeros(value.shape[:-1])
