"""A growth rate that changes at a known date."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.parts.trends.base import Add, Draws, Growth, trends
from bayesdense.parts.trends.linear import Linear
from bayesdense.priors import Prior

__all__ = ["CHATGPT", "ChangePoint"]

CHATGPT = "2022-11-30"
DAYS_PER_YEAR = 365.25


@trends.register
class ChangePoint(Linear):
    """A line with a bend: growth ``A - A_change`` before a date, ``A`` after it.

    The third corollary of the Densing Law paper (Xiao et al., arXiv
    2412.04315) compares the growth of density before and after the release of
    ChatGPT. ``A_change`` is the difference of the two rates per year, positive
    where density grows faster after the date.

    Parameters
    ----------
    date : str
        ISO day at which the rate changes; the release of ChatGPT by default.

    Examples
    --------
    >>> import numpy as np
    >>> bend = ChangePoint("2024-01-01")
    >>> draws = {"A": np.array([2.0]), "A_change": np.array([1.5])}
    >>> bend.line(draws, np.array([-1.0, 0.0, 1.0]), np.datetime64("2024-01-01"))
    array([[-0.5,  0. ,  2. ]])
    """

    name: ClassVar[str] = "change-point"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) - A_change min(t - t_change, 0) + v"

    def __init__(self, date: str = CHATGPT) -> None:
        try:
            self.date = str(np.datetime64(date, "D"))
        except (TypeError, ValueError):
            raise BayesdenseError(
                f"the date of a change-point must be an ISO day such as {CHATGPT}, not {date!r}"
            ) from None

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
            ``A_change`` per year, ``sigma_v`` in log density.
        """
        return {"A_change": Prior("Normal", mu=0.0, sigma=1.5), **super().priors()}

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

        change = add("A_change")
        # Data, not a constant, so that other dates need no other compiled model.
        change_year = pm.Data("change_year", self.change_year(origin))
        before = pm.math.minimum(years - change_year, 0.0)
        return super().centre(level - change * before, years, origin, add)

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
            "prior of A_change; choose another day with trends.ChangePoint(date), or other models."
        ]

    def growth(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> list[Growth]:
        """Return the growth rates after and before the change.

        Parameters
        ----------
        draws : mapping
            With ``A`` and ``A_change``, shape ``(draw,)``.
        years, origin
            Not needed here.

        Returns
        -------
        list of Growth
        """
        return [
            Growth("typical", f"from {self.date}", draws["A"]),
            Growth("typical", f"before {self.date}", draws["A"] - draws["A_change"]),
        ]

    def change_year(self, origin: np.datetime64) -> float:
        """Return the date of the change in years since an origin.

        Parameters
        ----------
        origin : numpy.datetime64
            ``t0``.

        Returns
        -------
        float
        """
        days = (np.datetime64(self.date, "s") - origin.astype("datetime64[s]")) / np.timedelta64(
            1, "D"
        )
        return float(days / DAYS_PER_YEAR)

    def line(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> np.ndarray:
        """Return the bent line without its level.

        Parameters
        ----------
        draws : mapping
            With ``A`` and ``A_change``, shape ``(draw,)``.
        years : numpy.ndarray, shape (year,)
            Years since `origin`.
        origin : numpy.datetime64
            ``t0``.

        Returns
        -------
        numpy.ndarray, shape (draw, year)
        """
        before = np.minimum(years - self.change_year(origin), 0.0)
        return super().line(draws, years, origin) - draws["A_change"][:, None] * before
