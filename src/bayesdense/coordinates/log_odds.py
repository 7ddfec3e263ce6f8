"""The log odds of a score between floor and ceiling, finite beyond both."""

from __future__ import annotations

from typing import Any

from bayesdense.parts.namespace import namespace

__all__ = ["log_odds", "log_odds_and_rise"]


def log_odds(score: Any, floor: Any, span: Any, margin: Any) -> Any:
    """Return the log odds of scores within the span.

    Parameters
    ----------
    score, floor, span, margin : array_like
        With ``d`` and ``c``; `margin` is the distance from an end below which
        the logarithm gives way. Numbers, arrays or symbols.

    Returns
    -------
    array_like
        ``arcsinh((S - d) / margin) - arcsinh((d + c - S) / margin)``, which is
        the log odds far from both ends.
    """
    xp = namespace(score, floor, span)
    return xp.arcsinh((score - floor) / margin) - xp.arcsinh((floor + span - score) / margin)


def log_odds_and_rise(score: Any, floor: Any, span: Any, margin: Any) -> tuple[Any, Any]:
    """Return the same, and how fast it rises in the score.

    Parameters
    ----------
    score, floor, span, margin : array_like
        As for `log_odds`.

    Returns
    -------
    log_odds, rise : array_like
        The rise is the sum of one over what is above the floor and one over
        what is below the ceiling, both finite in the same way.
    """
    xp = namespace(score, floor, span)
    above = (score - floor) / margin
    below = span / margin - above
    # exp(-arcsinh(x)), from which a single logarithm gives both.
    above, below = xp.sqrt(1.0 + above**2) - above, xp.sqrt(1.0 + below**2) - below
    return xp.log(below / above), 2.0 * (above + below) / margin
