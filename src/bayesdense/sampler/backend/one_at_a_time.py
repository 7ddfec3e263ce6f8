"""PyTensor keeps state that all threads share: one thread at a time builds and compiles."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable

from bayesdense.model.precision import in_double_precision

__all__ = ["one_at_a_time"]

_lock = threading.RLock()


def one_at_a_time[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Let one thread at a time call a function, or any other that this was applied to.

    It runs in double precision.

    Sampling itself runs in threads of nutpie and does not wait.

    Parameters
    ----------
    function : callable
        What builds, rewrites or compiles a model, or runs a PyTensor function.

    Returns
    -------
    callable
        The function; it may call others of its kind.
    """
    double = in_double_precision(function)

    @functools.wraps(function)
    def locked(*args: P.args, **kwargs: P.kwargs) -> R:
        with _lock:
            return double(*args, **kwargs)

    return locked
