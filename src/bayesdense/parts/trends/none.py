"""No trend: densities around a common level, for targets of too few dates, or of none."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.trends.base import Draws, Growth, Values, trends
from bayesdense.parts.trends.linear import Linear

__all__ = ["NoTrend"]


@trends.register
class NoTrend(Linear):
    """``ln rho = level + v``, ``v ~ Normal(0, model_effect_sd)``.

    Density (equation 1 of the Densing Law paper, Xiao et al., arXiv
    2412.04315) without a law of its growth: release dates are not read, and
    targets without one are like the others. Level and spread have the priors
    that they have with a line in time, where the level is that at the mean date.

    Examples
    --------
    >>> import numpy as np
    >>> NoTrend().line({}, np.zeros(2))
    array([0., 0.])
    >>> NoTrend().growth({}, np.zeros(2))
    []
    """

    name: ClassVar[str] = "none"
    equation: ClassVar[str] = "ln rho = B + v"
    has_growth: ClassVar[bool] = False

    def line(self, values: Values, years: Any) -> Any:
        """Return 0 for every target.

        Parameters
        ----------
        values : mapping of str to array_like
            Not needed here.
        years : array_like
            One number for each target.

        Returns
        -------
        array_like
        """
        return 0.0 * years

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return no growth rate.

        Parameters
        ----------
        draws : mapping
            Not needed here.
        years : numpy.ndarray, shape (target,)
            Not needed here.

        Returns
        -------
        list of Growth
            Empty.
        """
        return []
