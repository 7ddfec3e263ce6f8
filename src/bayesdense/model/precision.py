"""Models are in double precision, whatever the environment asks PyTensor for."""

from __future__ import annotations

import functools
from collections.abc import Callable

__all__ = ["in_double_precision"]


def in_double_precision[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let a function build or compile with ``floatX = float64``.

    With ``PYTENSOR_FLAGS=floatX=float32`` variables and their data are of two types, which PyMC
    refuses, and a sampler of single precision would not reach the tails of these posteriors.

    Parameters
    ----------
    function : callable
        What makes PyTensor variables or functions.

    Returns
    -------
    callable
        The function; the setting is the user's again when it is done.
    """

    @functools.wraps(function)
    def double(*args: P.args, **kwargs: P.kwargs) -> R:
        import pytensor

        with pytensor.config.change_flags(floatX="float64"):
            return function(*args, **kwargs)

    return double
