"""The typical model: log density grows linearly in time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.trends.base import Draws, Growth, Values, trends
from bayesdense.priors import Prior

__all__ = ["Linear"]


@trends.register
class Linear:
    """``ln rho = level + A (t - t0) + v``, ``v ~ Normal(0, model_effect_sd)``.

    Equation 5 of the Densing Law paper (Xiao et al., arXiv 2412.04315), read
    as a statement about the typical model: ``A``, the variable
    ``growth_rate``, is the growth rate per year, and ``model_effect_sd`` how
    far single models lie from the line in log density.

    Examples
    --------
    >>> import numpy as np
    >>> Linear().line({"growth_rate": np.array([[2.0]])}, np.array([0.0, 0.5]))
    array([[0., 1.]])
    """

    name: ClassVar[str] = "linear"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) + v"
    constants: ClassVar[tuple[str, ...]] = ()

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
            ``model_effect_sd``, in log density.
        """
        return {"model_effect_sd": Prior("HalfNormal", sigma=1.0)}

    def constant_values(self, mean_date: np.datetime64) -> dict[str, float]:
        """Return the constants of the formulas: none.

        Parameters
        ----------
        mean_date : numpy.datetime64
            ``t0``.

        Returns
        -------
        dict of str to float
        """
        return {}

    def line(self, values: Values, years: Any) -> Any:
        """Return ``A (t - t0)``.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``growth_rate``; draws broadcast against `years`.
        years : array_like
            ``t - t0``.

        Returns
        -------
        array_like
        """
        return values["growth_rate"] * years

    def scales(self, values: Values, years: Any) -> tuple[Any, Any]:
        """Return the spread of single models.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``model_effect_sd``.
        years : array_like
            ``t - t0``; not needed here.

        Returns
        -------
        sd : array_like
            Standard deviation of ``v``.
        lag : array_like or None
            Scale of the half-normal lag ``w`` that is taken off; None for none.
        """
        return values["model_effect_sd"], None

    def derived(self, values: Values) -> dict[str, Any]:
        """Return what else is reported of the parameters: nothing.

        Parameters
        ----------
        values : mapping of str to array_like
            The parameters.

        Returns
        -------
        dict of str to array_like
        """
        return {}

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return the growth rate of the typical model.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate``, shape ``(draw,)``.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets; not needed here.

        Returns
        -------
        list of Growth
        """
        return [Growth("typical", "all dates", draws["growth_rate"])]

    def rate_at(
        self, draws: Draws, years: np.ndarray, at: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Return the growth rate at some dates: the same at all.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate``, shape ``(draw,)``.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets; not needed here.
        at : numpy.ndarray, shape (date,)
            ``t - t0`` at which to read it.
        random : numpy.random.Generator
            Not needed here.

        Returns
        -------
        numpy.ndarray, shape (draw, date)
        """
        rate = draws["growth_rate"]
        return np.broadcast_to(rate[:, None], (len(rate), len(at)))

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return ``v`` of new models.

        Parameters
        ----------
        draws : mapping
            With ``model_effect_sd``, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Release dates of the new models.
        random : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        sigma = draws["model_effect_sd"][:, None]
        return sigma * random.standard_normal((len(sigma), len(years)))
