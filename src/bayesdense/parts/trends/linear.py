"""The typical model: log density grows linearly in time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.trends.base import Add, Draws, Growth, trends
from bayesdense.priors import Prior

__all__ = ["Linear"]


@trends.register
class Linear:
    """``ln rho = level + A (t - t0) + v``, ``v ~ Normal(0, sigma_v)``.

    Equation 5 of the Densing Law paper (Xiao et al., arXiv 2412.04315), read
    as a statement about the typical model: ``A`` is the growth rate per year,
    and ``sigma_v`` how far single models lie from the line in log density.

    Examples
    --------
    >>> import numpy as np
    >>> draws = {"A": np.array([2.0])}
    >>> Linear().line(draws, np.array([0.0, 0.5]), np.datetime64("2024-01-01"))
    array([[0., 1.]])
    """

    name: ClassVar[str] = "linear"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) + v"

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
            ``sigma_v``, in log density.
        """
        return {"sigma_v": Prior("HalfNormal", sigma=1.0)}

    def scales(self, years: Any, add: Add) -> tuple[Any, Any]:
        """Add the scale of single models to the PyMC model in context.

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
        lag : tensor, shape (dated_target,), or None
            Scale of the half-normal ``w`` that is taken off; None for none.
        """
        return add("sigma_v"), None

    def centre(self, level: Any, years: Any, origin: np.datetime64, add: Add) -> Any:
        """Return the line that dated targets lie around, inside a PyMC model.

        Parameters
        ----------
        level : tensor, shape (dated_target,)
            ``B`` and what does not depend on the date.
        years : tensor, shape (dated_target,)
            Release date in years since `origin`.
        origin : numpy.datetime64
            ``t0``.
        add : callable
            Adds the parameter of a name, with its prior.

        Returns
        -------
        tensor, shape (dated_target,)
        """
        import pymc as pm

        return level + pm.modelcontext(None)["A"] * years

    def growth(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> list[Growth]:
        """Return the growth rate of the typical model.

        Parameters
        ----------
        draws : mapping
            With ``A``, shape ``(draw,)``.
        years, origin
            Not needed here.

        Returns
        -------
        list of Growth
        """
        return [Growth("typical", "all dates", draws["A"])]

    def line(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> np.ndarray:
        """Return ``A (t - t0)``.

        Parameters
        ----------
        draws : mapping
            With ``A``, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Years since `origin`.
        origin : numpy.datetime64
            ``t0``; not needed here.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        return draws["A"][:, None] * years

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return ``v`` of new models.

        Parameters
        ----------
        draws : mapping
            With ``sigma_v``, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Release dates of the new models.
        random : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        sigma = draws["sigma_v"][:, None]
        return sigma * random.standard_normal((len(sigma), len(years)))
