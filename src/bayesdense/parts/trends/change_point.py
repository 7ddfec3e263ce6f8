"""A growth rate that changes at a known date."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.errors import BayesdenseError
from bayesdense.parts.namespace import namespace
from bayesdense.parts.trends.base import Draws, Growth, Values, trends
from bayesdense.parts.trends.linear import Linear
from bayesdense.priors import Prior

__all__ = ["CHATGPT", "ChangePoint"]

CHATGPT = "2022-11-30"


@trends.register
class ChangePoint(Linear):
    """A line with a bend: growth ``A - D`` before a date, ``A`` after it.

    The third corollary of the Densing Law paper (Xiao et al., arXiv
    2412.04315) compares the growth of density before and after the release of
    ChatGPT. ``D``, the variable ``growth_rate_change``, is the difference of the
    two rates per year, positive where density grows faster after the date.

    Parameters
    ----------
    date : str
        ISO day at which the rate changes; the release of ChatGPT by default.

    Examples
    --------
    >>> import numpy as np
    >>> bend = ChangePoint("2024-01-01")
    >>> values = {"growth_rate": 2.0, "growth_rate_change": 1.5}
    >>> values |= bend.constant_values(np.datetime64("2024-01-01"))
    >>> bend.line(values, np.array([[-1.0, 0.0, 1.0]]))
    array([[-0.5,  0. ,  2. ]])
    """

    name: ClassVar[str] = "change-point"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) - D min(t - t_change, 0) + v"
    constants: ClassVar[tuple[str, ...]] = ("change_year",)

    def __init__(self, date: str = CHATGPT) -> None:
        try:
            self.date = str(np.datetime64(date, "D"))
        except (TypeError, ValueError):
            raise BayesdenseError(
                f"the date of a change-point must be an ISO day such as {CHATGPT}, not {date!r}"
            ) from None

    @property
    def periods(self) -> tuple[str, str]:
        """What the two growth rates hold for, the later one first."""
        return f"from {self.date}", f"before {self.date}"

    def __repr__(self) -> str:
        """Return the call that makes this trend."""
        return f"ChangePoint({self.date!r})"

    def settings(self) -> dict[str, Any]:
        """Return the date of the change.

        Returns
        -------
        dict
            ``date``, an ISO day.
        """
        return {"date": self.date}

    def priors(self) -> dict[str, Prior]:
        """Return the default priors.

        Returns
        -------
        dict of str to Prior
            ``growth_rate_change`` per year, ``model_effect_sd`` in log density.
        """
        return {"growth_rate_change": Prior("Normal", mu=0.0, sigma=1.5), **super().priors()}

    def constant_values(self, mean_date: np.datetime64) -> dict[str, float]:
        """Return the date of the change in years since ``t0``.

        Parameters
        ----------
        mean_date : numpy.datetime64
            ``t0``.

        Returns
        -------
        dict of str to float
            ``change_year``.
        """
        since = np.datetime64(self.date, "s") - mean_date.astype("datetime64[s]")
        return {"change_year": float(since / np.timedelta64(1, "D") / DAYS_PER_YEAR)}

    def line(self, values: Values, years: Any) -> Any:
        """Return ``A (t - t0) - D min(t - t_change, 0)``.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``growth_rate``, ``growth_rate_change`` and ``change_year``;
            draws broadcast against `years`.
        years : array_like
            ``t - t0``.

        Returns
        -------
        array_like
        """
        since = years - self.change_year(values)
        before = namespace(since).minimum(since, 0.0)
        return super().line(values, years) - values["growth_rate_change"] * before

    def change_year(self, values: Values) -> Any:
        """Return the date of the change, as ``t - t0``."""
        return values["change_year"]

    def notes(self, dates: pd.Series) -> list[str]:
        """Say when no target was released on one side of the change.

        Parameters
        ----------
        dates : pandas.Series of datetime
            Release dates of the targets, without those that have none.

        Returns
        -------
        list of str
        """
        before = int((dates < pd.Timestamp(self.date)).sum())
        if 0 < before < len(dates):
            return []
        side = "after" if before else "before"
        return [
            f"no dated target was released {side} {self.date}: growth {side} that day rests on the "
            "prior of growth_rate_change; choose another day with trends.ChangePoint(date), or "
            "other models."
        ]

    def rate_at(
        self, draws: Draws, years: np.ndarray, at: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Return the growth rate at some dates: ``A - D`` before the change, ``A`` from it on.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate`` and ``growth_rate_change``, shape ``(draw,)``,
            and ``change_year``.
        years, at, random
            As for `Linear.rate_at`.

        Returns
        -------
        numpy.ndarray, shape (draw, date)
        """
        before = np.where(at < np.reshape(self.change_year(draws), (-1, 1)), 1.0, 0.0)
        rate = super().rate_at(draws, years, at, random)
        return np.asarray(rate - draws["growth_rate_change"][:, None] * before)

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return the growth rates after and before the change.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate`` and ``growth_rate_change``, shape ``(draw,)``.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets; not needed here.

        Returns
        -------
        list of Growth
        """
        rate, (after, before) = draws["growth_rate"], self.periods
        return [
            Growth("typical", after, rate),
            Growth("typical", before, rate - draws["growth_rate_change"]),
        ]
