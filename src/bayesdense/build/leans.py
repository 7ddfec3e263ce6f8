"""How coefficients of the map lean on one another: what scores see is some sum of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.build.coordinates import shaping
from bayesdense.build.odds import log_odds
from bayesdense.parts.namespace import namespace
from bayesdense.spec import RulerSpec

__all__ = ["lean", "map_features", "of_ends"]


def of_ends(knots: Any, margin: Any, floor: Any, span: Any) -> list[Any]:
    """Return what floor and ceiling say of a curve through three scores.

    With ``o`` the logarithm of the odds of a score within the span: a curve that passes three
    scores at given sizes has the bend, slope and height that the ``o`` of the three have.

    Parameters
    ----------
    knots : array_like, shape (..., 3)
        Rising scores.
    margin : array_like, shape (...)
        How near an end a score counts as at the least.
    floor, span : array_like, shape (...)
        ``d`` and ``c``; numbers, arrays or symbols.

    Returns
    -------
    list of array_like, shape (...)
        The middle ``o``, and the logarithms of how far it is from the lower
        and from the upper one.
    """
    xp = namespace(knots, floor, span)
    low, middle, high = (log_odds(knots[..., i], floor, span, margin) for i in range(3))
    return [middle, xp.log(middle - low), xp.log(high - middle)]


def map_features(spec: RulerSpec, coefficients: Mapping[str, Any], ends: list[Any]) -> list[Any]:
    """Return what pivot, slope and deviations of a benchmark can lean on.

    Parameters
    ----------
    spec : RulerSpec
        With the law.
    coefficients : mapping of str to tensor, shape (ruler,)
        Of the law.
    ends : list of tensor, shape (benchmark,)
        What `of_ends` returned.

    Returns
    -------
    list of tensor, shape (benchmark,)
        The `ends`, and the logarithms of the coefficients that shape the law
        where there are scores only.
    """
    import pymc as pm

    ruler = pm.modelcontext(None)["benchmark_ruler"]
    return [*ends, *(pm.math.log(coefficients[name])[ruler] for name in shaping(spec.law))]


def lean(what: str, features: list[Any], which: Any = None) -> Any:
    """Return the shift that takes off a coordinate what leans on other coefficients.

    Parameters
    ----------
    what : str
        ``"slope"``, ``"pivot"``, ``"tau"`` or the name of an exponent.
    features : list of tensor, shape (benchmark,)
        In the order of the columns of the array ``<what>_lean``.
    which : tensor of int, optional
        The benchmarks that the features are of; all by default.

    Returns
    -------
    tensor, shape (benchmark,)
    """
    import pymc as pm

    model = pm.modelcontext(None)
    by, centre = model[f"{what}_lean"], model["lean_centre"]
    if which is not None:
        by, centre = by[which], centre[which]
    return -sum(by[:, i] * (value - centre[:, i]) for i, value in enumerate(features))
