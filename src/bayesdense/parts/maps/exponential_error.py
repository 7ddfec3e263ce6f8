"""The error falls exponentially as the loss does: no ceiling below 1."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.maps.base import ScoreMap, maps
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior

__all__ = ["ExponentialError"]


@maps.register
class ExponentialError(ScoreMap):
    r"""``1 - S = eps - k exp(-gamma L)``, that is ``S = d + c exp(y)``.

    Equation 5 of Gadre et al. (arXiv 2403.08540), with ``d = 1 - eps``, the
    score at high loss, ``y = gamma (l - L)`` and ``c = 1 - d``. So ``k = c
    exp(gamma l)``, and ``l`` is the loss at which the score would be 1. It is
    the high-loss limit of `Sigmoid`; near and beyond ``l`` it has no ceiling,
    and a score above 1 says that the form is read where it does not hold.

    Examples
    --------
    >>> float(round(ExponentialError().score(-np.log(2.0), floor=0.25, span=0.75), 12))
    0.625
    """

    name: ClassVar[str] = "exponential-error"
    equation: ClassVar[str] = "1 - S = (1 - d) (1 - exp(gamma (l - L)))"
    has_ceiling: ClassVar[bool] = False

    def priors(self) -> dict[str, Prior]:
        """Return the default priors of ``pi`` and ``s``, used where there are scores only.

        Returns
        -------
        dict of str to Prior
            ``pi``, the logarithm of the share of the span that is reached at
            the centre, Normal(-1.3, 0.7): a quarter of it, within a factor of
            two; ``s`` as for the other maps.
        """
        return {**super().priors(), "map_logit_at_centre": Prior("Normal", mu=-1.3, sigma=0.7)}

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
            Above `floor`, and above 1 where ``y > 0``.
        """
        xp = namespace(y, floor, span)
        return floor + span * xp.exp(y)

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
            ``gamma (l - L)``; NaN at or below the floor.
        """
        above = np.asarray(score, dtype=float) - floor
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(above > 0, np.log(above / span), np.nan)
