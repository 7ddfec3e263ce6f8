"""The best models: a frontier that grows, and models that lag behind it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.trends.base import HALF_NORMAL_MEAN, Add, Draws, Growth, trends
from bayesdense.parts.trends.linear import Linear
from bayesdense.priors import Prior

__all__ = ["Frontier"]


@trends.register
class Frontier(Linear):
    """``ln rho = level + A (t - t0) + v - w``, ``w >= 0`` half-normal.

    The stochastic frontier form of equation 5 of the Densing Law paper (Xiao
    et al., arXiv 2412.04315), which speaks of the maximum density: ``A`` is
    the growth rate of the frontier per year, ``v ~ Normal(0, sigma_v)`` is
    noise, and ``w`` is how far a model lags behind, with scale
    ``sigma_w exp(w1 (t - t0))``.

    With a constant scale the frontier would be the typical line shifted
    upwards. With ``w1`` the typical model grows at ``A - d/dt E[w]``. The two
    scales are sampled as ``total^2 = sigma_v^2 + sigma_w^2`` and ``share =
    sigma_w^2 / total^2``, which the data tell apart more easily; where the
    share keeps its prior, the data do not identify a frontier.

    Examples
    --------
    >>> import numpy as np
    >>> draws = {k: np.array([v]) for k, v in dict(A=2.0, total=1.0, share=0.5, w1=0.0).items()}
    >>> [(g.estimator, float(g.rate[0])) for g in
    ...  Frontier().growth(draws, np.zeros(3), np.datetime64("2024-01-01"))]
    [('frontier', 2.0), ('typical', 2.0)]
    """

    name: ClassVar[str] = "frontier"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) + v - w, w >= 0"

    def settings(self) -> dict[str, Any]:
        """Return what the trend was made with: nothing.

        Returns
        -------
        dict
        """
        return {}

    def priors(self) -> dict[str, Prior]:
        """Return the default priors.

        Returns
        -------
        dict of str to Prior
            ``total`` in log density, ``share`` between 0 and 1, ``w1`` per year.
        """
        return {
            "total": Prior("HalfNormal", sigma=1.5),
            "share": Prior("Beta", alpha=2.0, beta=2.0),
            "w1": Prior("Normal", mu=0.0, sigma=0.5),
        }

    def scales(self, years: Any, add: Add) -> tuple[Any, Any]:
        """Add the scales of noise and lag to the PyMC model in context.

        Parameters
        ----------
        years : tensor, shape (dated_target,)
            Release date in years since the mean date.
        add : callable
            Adds the parameter of a name, with its prior.

        Returns
        -------
        sigma_v : tensor
            Standard deviation of ``v``.
        lag : tensor, shape (dated_target,)
            Scale of ``w``.
        """
        import pymc as pm

        share, w1 = add("share"), add("w1")
        # Of the total, what the scatter of the models fixes is their standard deviation.
        total = add("total", 0.5 * pm.math.log(1.0 - HALF_NORMAL_MEAN**2 * share))
        sigma_v = pm.Deterministic("sigma_v", total * pm.math.sqrt(1.0 - share))
        sigma_w = pm.Deterministic("sigma_w", total * pm.math.sqrt(share))
        return sigma_v, sigma_w * pm.math.exp(w1 * years)

    def growth(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> list[Growth]:
        """Return the growth rates of the frontier and of the typical model.

        Parameters
        ----------
        draws : mapping
            With ``A``, ``total``, ``share`` and ``w1``, shape ``(draw,)``.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets: the lag's change is averaged over them.
        origin : numpy.datetime64
            ``t0``; not needed here.

        Returns
        -------
        list of Growth
        """
        sigma_w = draws["total"] * np.sqrt(draws["share"])
        scale = sigma_w[:, None] * np.exp(draws["w1"][:, None] * years)
        lag_growth = HALF_NORMAL_MEAN * draws["w1"] * scale.mean(axis=1)
        return [
            Growth("frontier", "all dates", draws["A"]),
            Growth("typical", "all dates", draws["A"] - lag_growth),
        ]

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return ``v - w`` of new models.

        Parameters
        ----------
        draws : mapping
            With ``total``, ``share`` and ``w1``, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Release dates of the new models.
        random : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        total, share, w1 = (draws[name][:, None] for name in ("total", "share", "w1"))
        shape = (len(total), len(years))
        noise = total * np.sqrt(1.0 - share) * random.standard_normal(shape)
        scale = total * np.sqrt(share) * np.exp(w1 * years)
        return noise - scale * np.abs(random.standard_normal(shape))
