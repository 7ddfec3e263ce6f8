"""A growth rate that changes at an unknown date."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.parts.trends.base import Values, trends
from bayesdense.parts.trends.change_point import ChangePoint
from bayesdense.priors import Prior

__all__ = ["UnknownChange"]

ON_EACH_SIDE = 0.1
"""Share of the dated targets before the first and after the last possible change."""


@trends.register
class UnknownChange(ChangePoint):
    """A line with a bend, ``A - D`` before and ``A`` after, at a date that is estimated.

    The date is a priori uniform between the dates that leave a tenth of the
    targets on either side. Where density does not bend, ``D`` is near 0 and the
    date keeps its prior.

    Examples
    --------
    >>> import numpy as np
    >>> bend = UnknownChange()
    >>> constants = bend.dated_constants(np.linspace(-1.0, 1.0, 21))
    >>> values = {"growth_rate": 2.0, "growth_rate_change": 1.5, "change_place": 0.5}
    >>> bend.line(values | constants, np.array([[-1.0, 0.0, 1.0]]))
    array([[-0.5,  0. ,  2. ]])
    """

    name: ClassVar[str] = "unknown-change"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) - D min(t - t_change, 0) + v"
    constants: ClassVar[tuple[str, ...]] = ("first_change", "last_change")

    @property
    def periods(self) -> tuple[str, str]:
        """What the two growth rates hold for, the later one first."""
        return "after the change", "before the change"

    def __init__(self) -> None:
        """Take no date."""

    def __repr__(self) -> str:
        """Return the call that makes this trend."""
        return "UnknownChange()"

    def settings(self) -> dict[str, Any]:
        """Return nothing: there is nothing to choose."""
        return {}

    def priors(self) -> dict[str, Prior]:
        """Return the default priors.

        Returns
        -------
        dict of str to Prior
            ``growth_rate_change`` per year; ``change_place``, from 0 at the first
            possible date to 1 at the last; ``model_effect_sd`` in log density.
        """
        return {
            **super().priors(),
            "growth_rate_change": Prior("Normal", mu=0.0, sigma=1.0),
            "change_place": Prior("Uniform", lower=0.0, upper=1.0),
        }

    def constant_values(self, mean_date: np.datetime64) -> dict[str, float]:
        """Return nothing: all constants depend on the dates of the targets."""
        del mean_date
        return {}

    def dated_constants(self, years: np.ndarray) -> dict[str, float]:
        """Return the first and the last date of the change, as ``t - t0``.

        Parameters
        ----------
        years : numpy.ndarray, shape (dated_target,)
            ``t - t0`` of the targets.

        Returns
        -------
        dict of str to float
        """
        first, last = np.quantile(years, [ON_EACH_SIDE, 1.0 - ON_EACH_SIDE])
        return {"first_change": float(first), "last_change": float(last)}

    def derived(self, values: Values) -> dict[str, Any]:
        """Return the date of the change.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``change_place`` and the constants.

        Returns
        -------
        dict of str to array_like
            ``change_year``, in years since ``t0``.
        """
        return {"change_year": self.change_year(values)}

    def change_year(self, values: Values) -> Any:
        """Return the date of the change, as ``t - t0``."""
        first, last = values["first_change"], values["last_change"]
        return first + values["change_place"] * (last - first)

    def notes(self, dates: pd.Series) -> list[str]:
        """Say when dates leave no room for a change.

        Parameters
        ----------
        dates : pandas.Series of datetime
            Release dates of the targets, without those that have none.

        Returns
        -------
        list of str
        """
        if not len(dates):
            return []
        first, last = dates.quantile([ON_EACH_SIDE, 1.0 - ON_EACH_SIDE])
        if first < last:
            return []
        return [
            f"nearly all dated targets were released on {first:%Y-%m-%d}: a change of the growth "
            "rate has that date, and its size is that of the prior."
        ]
