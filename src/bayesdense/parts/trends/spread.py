"""Releases whose densities spread out, or draw together, as time goes on."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from bayesdense.parts.namespace import namespace
from bayesdense.parts.trends.base import Draws, Growth, Values, trends
from bayesdense.parts.trends.linear import Linear
from bayesdense.priors import Prior

__all__ = ["Spread", "mean_of_maximum"]

UPPER, RELEASES = 0.9, 10
GROUPS = ("developer_effect_sd", "family_effect_sd", "model_effect_sd")


@trends.register
class Spread(Linear):
    """A line from which families and models deviate by a spread that changes in time.

    ``ln rho = B + A (t - t0) + exp(psi (t - t0)) (e + f + v)``, with effects of
    developers only where the model has them: ``psi``, the variable
    ``spread_trend``, is the growth rate of the spread per year. The best of many
    releases then grow faster than the typical one where ``psi`` is positive,
    which the paper's maximum asks about and a running maximum cannot tell:
    that rises whatever densities do. Of the same number of releases at every
    date, an upper quantile ``q`` grows at ``A + z_q psi s`` at ``t0``, with
    ``s`` the standard deviation of that sum there, and the best of ``n`` at
    ``A + m_n psi s``, with ``m_n`` the mean of the largest of ``n`` standard
    Normal numbers.

    Examples
    --------
    >>> import numpy as np
    >>> values = {"model_effect_sd": 0.5, "spread_trend": np.log(2.0)}
    >>> Spread().scales(values, np.array([0.0, 1.0]))[0]
    array([0.5, 1. ])
    """

    name: ClassVar[str] = "spread"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) + exp(psi (t - t0)) (e + f + v)"

    def priors(self) -> dict[str, Prior]:
        """Return the default priors.

        Returns
        -------
        dict of str to Prior
            ``spread_trend`` per year, ``model_effect_sd`` in log density at ``t0``.
        """
        return {"spread_trend": Prior("Normal", mu=0.0, sigma=0.3), **super().priors()}

    def factor(self, values: Values, years: Any) -> Any:
        """Return by what effects of families and of models are multiplied.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``spread_trend``.
        years : array_like
            ``t - t0``.

        Returns
        -------
        array_like
        """
        exponent = values["spread_trend"] * years
        return namespace(exponent).exp(exponent)

    def scales(self, values: Values, years: Any) -> tuple[Any, Any]:
        """Return the spread of single models at some dates, and no lag.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``model_effect_sd`` and ``spread_trend``.
        years : array_like
            ``t - t0``.

        Returns
        -------
        sd : array_like
            Standard deviation of what single models add.
        lag : None
        """
        return values["model_effect_sd"] * self.factor(values, years), None

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return the growth of the typical model, of the upper tenth and of the best of ten.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate``, ``spread_trend`` and the spreads of models and,
            where they have effects, of families and developers.
        years : numpy.ndarray, shape (dated_target,)
            Not needed here.

        Returns
        -------
        list of Growth
        """
        spread = np.sqrt(sum(draws[name] ** 2 for name in GROUPS if name in draws))
        more = draws["spread_trend"] * spread
        rate = draws["growth_rate"]
        return [
            Growth("typical", "all dates", rate),
            Growth("upper tenth", "mean date", rate + float(ndtri(UPPER)) * more),
            Growth(
                f"best of {RELEASES} releases", "mean date", rate + mean_of_maximum(RELEASES) * more
            ),
        ]

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return what new models add, with the spread of their dates.

        Parameters
        ----------
        draws : mapping
            With ``model_effect_sd`` and ``spread_trend``, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Release dates of the new models.
        random : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        columns = {n: draws[n][:, None] for n in ("model_effect_sd", "spread_trend")}
        sd, _ = self.scales(columns, years)
        return np.asarray(sd * random.standard_normal(sd.shape))


def mean_of_maximum(count: int) -> float:
    """Return the mean of the largest of some standard Normal numbers.

    Parameters
    ----------
    count : int
        How many there are.

    Returns
    -------
    float

    Examples
    --------
    >>> round(mean_of_maximum(2), 4), round(mean_of_maximum(10), 4)
    (0.5642, 1.5388)
    """
    # The integral of the quantile function of the maximum, which is smooth but for its ends.
    at, weight = np.polynomial.legendre.leggauss(400)
    x = 10.0 * at
    normal = np.exp(-0.5 * x**2) / np.sqrt(2.0 * np.pi)
    density = count * normal * ndtr(x) ** (count - 1)
    return float(10.0 * weight @ (x * density))
