"""Chance above a loss, then rising: the loss perspective on emergence."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.maps.base import ScoreMap, maps
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["Threshold"]


@maps.register
class Threshold(ScoreMap):
    r"""``S = d`` where ``L >= l``, else ``d + c y^2 / (1 + y^2)`` with ``y = gamma (l - L)``.

    The loss perspective on emergence (Du et al., arXiv 2403.15796) finds
    scores at chance until the loss has fallen below a threshold ``l``, and
    rising from there on; it leaves the form of the rise open. This one leaves
    chance without a kink, which sampling needs, is half-way up at ``L = l -
    1/gamma`` and approaches the ceiling ``d + c``.

    Examples
    --------
    >>> Threshold().score(np.array([-3.0, 0.0, 1.0, 3.0]), floor=0.25, span=0.5)
    array([0.25, 0.25, 0.5 , 0.7 ])
    """

    name: ClassVar[str] = "threshold"
    equation: ClassVar[str] = "S = d + c y^2 / (1 + y^2), y = max(gamma (l - L), 0)"

    def priors(self) -> dict[str, Prior]:
        """Return the default priors of ``pi`` and ``s``, used where there are scores only.

        Returns
        -------
        dict of str to Prior
            ``pi`` Normal(0.6, 0.7): the middle reference is past the
            threshold, more likely than not.
        """
        return {
            "map_logit_at_centre": Prior("Normal", mu=0.6, sigma=0.7),
            "map_slope_at_centre": Prior("LogNormal", mu=float(np.log(0.4)), sigma=0.5),
        }

    def score(self, y: Any, floor: Any, span: Any) -> Any:
        """Return the score.

        Parameters
        ----------
        y : array_like
            ``gamma (l - L)``.
        floor, span : array_like
            ``d`` and ``c``.

        Returns
        -------
        array_like
            Between `floor` and ``floor + span``.
        """
        xp = namespace(y, floor, span)
        square = xp.maximum(y, 0.0) ** 2
        return floor + span * square / (1.0 + square)

    def inverse(self, score: Any, floor: Any, span: Any) -> Any:
        """Return the `y` at which the score is reached.

        Parameters
        ----------
        score : array_like
            Between 0 and 1 (numbers only).
        floor, span
            As for `score`.

        Returns
        -------
        numpy.ndarray
            ``gamma (l - L)``, positive; NaN at or below the floor, which any
            loss above the threshold gives, and at or above the ceiling.
        """
        above = np.asarray(score, dtype=float) - floor
        below = np.asarray(span, dtype=float) - above
        inside = (above > 0) & (below > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(inside, np.sqrt(above / below), np.nan)
