"""The best models: a frontier that grows, and models that lag behind it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.namespace import namespace
from bayesdense.parts.trends.base import HALF_NORMAL_MEAN, Draws, Growth, Values, trends
from bayesdense.parts.trends.linear import Linear
from bayesdense.priors import Prior

__all__ = ["Frontier"]


@trends.register
class Frontier(Linear):
    """``ln rho = level + A (t - t0) + v - w``, ``w >= 0`` half-normal.

    The stochastic frontier form of equation 5 of the Densing Law paper (Xiao
    et al., arXiv 2412.04315), which speaks of the maximum density: ``A`` is
    the growth rate of the frontier per year, ``v ~ Normal(0,
    model_effect_sd)`` is noise, and ``w`` is how far a model lags behind, with
    scale ``lag_sd exp(w1 (t - t0))``, ``w1`` being ``lag_trend``. The sum ``v -
    w`` is the variable ``model_effect``.

    With a constant scale the frontier would be the typical line shifted
    upwards. With ``w1`` the typical model grows at ``A - d/dt E[w]``. The two
    scales are given by ``frontier_total_sd^2 = model_effect_sd^2 +
    lag_sd^2`` and ``lag_share = lag_sd^2 / frontier_total_sd^2``, which the
    data tell apart more easily; where the share keeps its prior, the data do
    not identify a frontier.

    Examples
    --------
    >>> import numpy as np
    >>> draws = {"growth_rate": 2.0, "frontier_total_sd": 1.0, "lag_share": 0.5, "lag_trend": 0.0}
    >>> draws = {name: np.array([value]) for name, value in draws.items()}
    >>> [(g.estimator, float(g.rate[0])) for g in Frontier().growth(draws, np.zeros(3))]
    [('frontier', 2.0), ('typical', 2.0)]
    """

    name: ClassVar[str] = "frontier"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) + v - w, w >= 0"

    def priors(self) -> dict[str, Prior]:
        """Return the default priors.

        Returns
        -------
        dict of str to Prior
            ``frontier_total_sd`` in log density, ``lag_share`` between 0 and
            1, ``lag_trend`` per year.
        """
        return {
            "frontier_total_sd": Prior("HalfNormal", sigma=1.5),
            "lag_share": Prior("Beta", alpha=2.0, beta=2.0),
            "lag_trend": Prior("Normal", mu=0.0, sigma=0.5),
        }

    def derived(self, values: Values) -> dict[str, Any]:
        """Return the two scales at the mean date.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``frontier_total_sd`` and ``lag_share``.

        Returns
        -------
        dict of str to array_like
            ``model_effect_sd`` and ``lag_sd``.
        """
        total, share = values["frontier_total_sd"], values["lag_share"]
        xp = namespace(total, share)
        return {
            "model_effect_sd": total * xp.sqrt(1.0 - share),
            "lag_sd": total * xp.sqrt(share),
        }

    def scales(self, values: Values, years: Any) -> tuple[Any, Any]:
        """Return the spread of noise and lag.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``frontier_total_sd``, ``lag_share`` and ``lag_trend``; draws
            broadcast against `years`.
        years : array_like
            ``t - t0``.

        Returns
        -------
        sd : array_like
            Standard deviation of ``v``.
        lag : array_like
            Scale of ``w`` at each date.
        """
        scales = self.derived(values)
        xp = namespace(values["lag_trend"], years)
        lag = scales["lag_sd"] * xp.exp(values["lag_trend"] * years)
        return scales["model_effect_sd"], lag

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return the growth rates of the frontier and of the typical model.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate`` and the parameters of the scales, shape ``(draw,)``.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets: the lag's change is averaged over them.

        Returns
        -------
        list of Growth
        """
        _, lag = self.scales(_columns(draws), years)
        lag_growth = HALF_NORMAL_MEAN * draws["lag_trend"] * lag.mean(axis=1)
        return [
            Growth("frontier", "all dates", draws["growth_rate"]),
            Growth("typical", "all dates", draws["growth_rate"] - lag_growth),
        ]

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return ``v - w`` of new models.

        Parameters
        ----------
        draws : mapping
            With the parameters of the scales, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Release dates of the new models.
        random : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        sd, lag = self.scales(_columns(draws), years)
        noise = sd * random.standard_normal(lag.shape)
        return noise - lag * np.abs(random.standard_normal(lag.shape))


def _columns(draws: Draws) -> dict[str, np.ndarray]:
    """Return the parameters of the scales, shape ``(draw, 1)``."""
    names = ("frontier_total_sd", "lag_share", "lag_trend")
    return {name: np.asarray(draws[name])[:, None] for name in names}
