"""The logarithm of the odds of a score between floor and ceiling, finite beyond both."""

from __future__ import annotations

from typing import Any

from bayesdense.build.algebra import inverse, logarithm, root
from bayesdense.parts.namespace import namespace

__all__ = ["log_odds", "log_odds_and_rise"]


def log_odds(score: Any, floor: Any, span: Any, margin: Any) -> Any:
    """Return the logarithm of the odds of scores within the span.

    Parameters
    ----------
    score, floor, span, margin : array_like
        With ``d`` and ``c``; `margin` is the distance from an end below which
        the logarithm gives way. Numbers, arrays or symbols.

    Returns
    -------
    array_like
        ``arcsinh((S - d) / margin) - arcsinh((d + c - S) / margin)``, which is
        the logarithm of the odds far from both ends.
    """
    xp = namespace(score, floor, span)
    return xp.arcsinh((score - floor) / margin) - xp.arcsinh((floor + span - score) / margin)


def log_odds_and_rise(score: Any, floor: Any, span: Any, margin: Any) -> tuple[Any, Any]:
    """Return the same of symbols, and how fast it rises.

    Parameters
    ----------
    score, floor, span, margin : tensor
        As for `log_odds`.

    Returns
    -------
    odds, rise : tensor
        The rise is the sum of one over what is above the floor and one over
        what is below the ceiling, both finite in the same way.
    """
    per_margin = inverse(margin)
    above = (score - floor) * per_margin
    below = span * per_margin - above
    # exp(-arcsinh(x)), from which a single logarithm and no division more give both.
    above, below = root(1.0 + above**2) - above, root(1.0 + below**2) - below
    return logarithm(below * inverse(above)), 2.0 * per_margin * (above + below)
