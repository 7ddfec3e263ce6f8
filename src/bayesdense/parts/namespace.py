"""One formula for numbers, arrays and the symbols of a PyMC model."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["namespace", "special"]


def namespace(*values: Any) -> Any:
    """Return the module whose functions take these values.

    A law or map is written once; with symbolic values its functions come from
    `pytensor.tensor`, else from NumPy. Both spell ``exp``, ``log`` and the
    rest alike.

    Parameters
    ----------
    *values
        Numbers, arrays or symbolic tensors.

    Returns
    -------
    module
        `pytensor.tensor` if any value is symbolic, else `numpy`.

    Examples
    --------
    >>> namespace(1.0, [2.0]).__name__
    'numpy'
    """
    if any(type(value).__module__.startswith("pytensor") for value in values):
        import pytensor.tensor as pt

        return pt
    return np


def special(*values: Any) -> Any:
    """Return the module whose special functions take these values.

    Parameters
    ----------
    *values
        Numbers, arrays or symbolic tensors.

    Returns
    -------
    module
        `pytensor.tensor` if any value is symbolic, else `scipy.special`; both
        have ``erfc`` and ``erfcinv``.

    Examples
    --------
    >>> special(1.0).__name__
    'scipy.special'
    """
    xp = namespace(*values)
    if xp is np:
        from scipy import special as functions

        return functions
    return xp
