"""What a score map has to offer; each map is one file that implements it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.registry import Registry
from bayesdense.parts.settings import call_of
from bayesdense.priors import Prior

__all__ = ["ScoreMap", "maps"]

FAR = 60.0
HALVINGS = 80


class ScoreMap:
    """The score between floor and ceiling, rising in ``y = gamma (l - L)``.

    A map is written in terms of `y`, the loss turned around, shifted by the
    loss ``l`` at which ``y = 0`` and scaled by the steepness ``gamma``, both
    in the unit of the loss. A map of one's own is a subclass with a name, its
    equation and the score; the inverse is found numerically unless the
    subclass knows better.

    Attributes
    ----------
    name : str
        Under which the map is registered.
    equation : str
        The map as one line, for reports.
    has_ceiling : bool
        Whether the ceiling is a parameter ``u``. If not, ``u = 1``: the span
        is ``1 - d``.

    Examples
    --------
    >>> class Probit(ScoreMap):
    ...     name, equation = "probit", "S = d + c Phi(gamma (l - L))"
    ...     def score(self, y, floor, span):
    ...         from scipy.stats import norm
    ...         return floor + span * norm.cdf(y)
    >>> bool(abs(Probit().inverse(0.5, 0.2, 0.6)) < 1e-9)
    True
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    has_ceiling: ClassVar[bool] = True

    def priors(self) -> dict[str, Prior]:
        """Return the default priors of ``pi`` and ``s``, used where there are scores only.

        Returns
        -------
        dict of str to Prior
            ``pi`` is ``y`` at the centre of the references, and ``s`` its
            slope there, per unit of ``ln N``.
        """
        return {
            "map_logit_at_centre": Prior("Normal", mu=-1.0, sigma=1.5),
            "map_slope_at_centre": Prior("LogNormal", mu=float(np.log(0.8)), sigma=0.5),
        }

    def score(self, y: Any, floor: Any, span: Any) -> Any:
        """Return the score.

        Parameters
        ----------
        y : array_like
            ``gamma (l - L)``; numbers, arrays or symbols.
        floor, span : array_like
            ``d`` and ``c``, both between 0 and 1.

        Returns
        -------
        array_like
        """
        raise NotImplementedError

    def inverse(self, score: Any, floor: Any, span: Any) -> Any:
        """Return the `y` at which a score is reached.

        Parameters
        ----------
        score : array_like
            Between 0 and 1 (numbers only).
        floor, span
            As for `score`.

        Returns
        -------
        numpy.ndarray
            ``gamma (l - L)``; NaN where there is none.
        """
        score = np.asarray(score, dtype=float)
        shape = np.broadcast_shapes(np.shape(score), np.shape(floor), np.shape(span))
        low, high = np.full(shape, -FAR), np.full(shape, FAR)
        inside = (self.score(low, floor, span) < score) & (self.score(high, floor, span) > score)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            below = self.score(middle, floor, span) < score
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.where(inside, (low + high) / 2, np.nan)

    def __repr__(self) -> str:
        """Return the call that makes this map."""
        return call_of(self)


maps: Registry[ScoreMap] = Registry(
    "score map", needs=("equation", "has_ceiling", "priors", "score", "inverse")
)
