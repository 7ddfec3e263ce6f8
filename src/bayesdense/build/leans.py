"""How coefficients of the map lean on one another: what scores see is some sum of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.build.coordinates import shaping
from bayesdense.build.placed import length
from bayesdense.spec import RulerSpec

__all__ = ["lean", "map_features"]


def map_features(
    spec: RulerSpec, coefficients: Mapping[str, Any], log_u: Any, floor: Any
) -> list[Any]:
    """Return what pivot, slope and deviations of a benchmark can lean on.

    Parameters
    ----------
    spec : RulerSpec
        With the law.
    coefficients : mapping of str to tensor, shape (ruler,)
        Of the law.
    log_u : tensor, shape (benchmark,), or None
        Logarithm of the share of the span that the ceiling leaves; None
        where it leaves all.
    floor : tensor, shape (benchmark,)
        ``d``.

    Returns
    -------
    list of tensor, shape (benchmark,)
        ``ln u``, ``d`` and the logarithms of the coefficients that shape the
        law where there are scores only.
    """
    import pymc as pm
    import pytensor.tensor as pt

    none = pt.zeros(length("benchmark"))
    ruler = pm.modelcontext(None)["benchmark_ruler"]
    shape = [pm.math.log(coefficients[name])[ruler] for name in shaping(spec.law)]
    return [none if log_u is None else log_u, floor, *shape]


def lean(what: str, features: list[Any], which: Any = None) -> Any:
    """Return the shift that takes off a coordinate what leans on other coefficients.

    Parameters
    ----------
    what : str
        ``"slope"``, ``"pivot"`` or ``"tau"``.
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
