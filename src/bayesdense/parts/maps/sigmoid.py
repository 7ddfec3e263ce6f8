"""The score map of the Densing Law paper: a sigmoid of the loss."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from bayesdense.parts.maps.base import ScoreMap, maps
from bayesdense.parts.namespace import namespace

__all__ = ["Sigmoid"]


@maps.register
class Sigmoid(ScoreMap):
    r"""``S = d + c / (1 + exp(gamma (L - l)))``, that is ``d + c logistic(y)``.

    Equation 3 of the Densing Law paper (Xiao et al., arXiv 2412.04315), with
    ``y = gamma (l - L)``:

    - ``d`` is the floor, near the score of guessing, and ``c`` the span above
      it, ``d + c <= 1``,
    - ``l`` is the loss half-way between floor and ceiling,
    - ``gamma > 0`` is the steepness, per unit of loss; the score falls in loss.

    The paper's equations 3 and 4 disagree in sign; `score` and `inverse` here
    are a consistent pair, ``L = l + ln(c/(S - d) - 1) / gamma``.

    Examples
    --------
    >>> float(Sigmoid().score(0.0, floor=0.25, span=0.7))
    0.6
    >>> float(Sigmoid().inverse(0.6, floor=0.25, span=0.7))
    0.0
    """

    name: ClassVar[str] = "sigmoid"
    equation: ClassVar[str] = "S = d + c / (1 + exp(gamma (L - l)))"

    def score(self, y: Any, floor: Any, span: Any) -> Any:
        """Return the score.

        Parameters
        ----------
        y : array_like
            ``gamma (l - L)``.
        floor, span : array_like
            ``d`` and ``c``, both between 0 and 1.

        Returns
        -------
        array_like
            Between `floor` and ``floor + span``.
        """
        xp = namespace(y, floor, span)
        # Both have a stable logistic function, under different names.
        return floor + span * (expit(y) if xp is np else xp.sigmoid(y))

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
            ``gamma (l - L)``; NaN where the score is at or below the floor, or
            at or above the ceiling: the paper's formula has no value there.
        """
        above = np.asarray(score, dtype=float) - floor
        below = np.asarray(span, dtype=float) - above
        inside = (above > 0) & (below > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(inside, np.log(above) - np.log(below), np.nan)
