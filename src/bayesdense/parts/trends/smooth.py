"""A line with a smooth deviation: growth that wanders slowly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from bayesdense.parts.namespace import namespace
from bayesdense.parts.trends.base import Draws, Growth, Values, trends
from bayesdense.parts.trends.linear import Linear
from bayesdense.priors import Prior

__all__ = ["Smooth"]

PIECES = 10


@trends.register
class Smooth(Linear):
    """``ln rho = B + A (t - t0) + h(t) + v``, where the slope of ``h`` is a random walk.

    The range of the dates is cut into ten pieces of equal length ``d``, and
    from one to the next the growth rate changes by ``sigma_h sqrt(d) b_k``,
    ``b_k ~ Normal(0, 1)``: ``sigma_h``, the variable ``growth_walk_sd``, is the
    standard deviation of its change over a year. Of the sum of these bends
    the least-squares line through the dates of the targets is taken off, so
    that ``A`` stays the average growth. The prior of ``sigma_h`` has its mode
    at 0, which is the linear trend.

    Examples
    --------
    >>> import numpy as np
    >>> years = np.linspace(-1.0, 1.0, 21)
    >>> constants = Smooth().dated_constants(years)
    >>> values = {"growth_rate": 2.0, "growth_walk_sd": 0.0, "growth_bends": np.ones(9)}
    >>> Smooth().line(values | constants, np.array([0.0, 0.5]))
    array([0., 1.])
    """

    name: ClassVar[str] = "smooth"
    equation: ClassVar[str] = "ln rho = B + A (t - t0) + h(t) + v"
    constants: ClassVar[tuple[str, ...]] = ("bend_years", "bend_line")
    dims: ClassVar[Mapping[str, str]] = {"growth_bends": "bend"}

    def priors(self) -> dict[str, Prior]:
        """Return the default priors.

        Returns
        -------
        dict of str to Prior
            ``growth_walk_sd`` per year and root of a year, ``growth_bends``,
            standardised, and ``model_effect_sd`` in log density.
        """
        return {
            "growth_walk_sd": Prior("HalfNormal", sigma=0.7),
            "growth_bends": Prior("Normal", mu=0.0, sigma=1.0),
            **super().priors(),
        }

    def dated_constants(self, years: np.ndarray) -> dict[str, np.ndarray]:
        """Return where growth bends, and the line that is taken off each bend.

        Parameters
        ----------
        years : numpy.ndarray, shape (dated_target,)
            ``t - t0`` of the targets.

        Returns
        -------
        dict of str to numpy.ndarray
            ``bend_years``, shape ``(bend,)``, and ``bend_line``, shape ``(2, bend)``:
            level and slope.
        """
        bends = np.linspace(years.min(), years.max(), PIECES + 1)[1:-1]
        ramps = np.maximum(years[:, None] - bends, 0.0)
        design = np.column_stack([np.ones_like(years), years])
        return {"bend_years": bends, "bend_line": np.linalg.lstsq(design, ramps)[0]}

    def line(self, values: Values, years: Any) -> Any:
        """Return ``A (t - t0) + h(t)``.

        Parameters
        ----------
        values : mapping of str to array_like
            With ``growth_rate``, ``growth_walk_sd``, ``growth_bends`` (bends on
            the last axis) and the constants; draws broadcast against `years`.
        years : array_like
            ``t - t0``.

        Returns
        -------
        array_like
        """
        since = years[..., None] - values["bend_years"]
        level, slope = values["bend_line"][0], values["bend_line"][1]
        ramps = namespace(since).maximum(since, 0.0) - level - slope * years[..., None]
        deviation = (ramps * values["growth_bends"][..., None, :]).sum(axis=-1)
        return super().line(values, years) + self._size(values) * deviation

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return the average growth rate, and those at the first and at the last date.

        Parameters
        ----------
        draws : mapping
            With ``growth_rate`` and ``growth_walk_sd``, shape ``(draw,)``, and
            ``growth_bends``, shape ``(draw, bend)``.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets.

        Returns
        -------
        list of Growth
        """
        names = ("growth_rate", "growth_walk_sd", "growth_bends")
        values = {name: draws[name] for name in names} | self.dated_constants(years)
        first, last = (
            self.rate_at(values, years, np.array([year]), np.random.default_rng(0))[:, 0]
            for year in (years.min(), years.max())
        )
        return [
            Growth("typical", "all dates", draws["growth_rate"]),
            Growth("typical", "first date", first),
            Growth("typical", "last date", last),
        ]

    def rate_at(
        self, draws: Draws, years: np.ndarray, at: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """Return the growth rate at some dates; beyond the last it goes on as its prior says.

        Parameters
        ----------
        draws : mapping
            As for `growth`, and the constants.
        years : numpy.ndarray, shape (dated_target,)
            Dates of the targets.
        at : numpy.ndarray, shape (date,)
            ``t - t0`` at which to read it.
        random : numpy.random.Generator
            Source of randomness, of the growth beyond the dates of the targets.

        Returns
        -------
        numpy.ndarray, shape (draw, date)
        """
        steps = (at[:, None] >= draws["bend_years"]) - draws["bend_line"][1]
        size = self._size(draws)
        rate = draws["growth_rate"][:, None] + size[:, None] * (draws["growth_bends"] @ steps.T)
        # Outside the dates the walk goes on, from the last one on and from the first one back.
        outside = _walk(at - years.max(), len(rate), random)
        outside += _walk(years.min() - at, len(rate), random)
        return np.asarray(rate + draws["growth_walk_sd"][:, None] * outside)

    @staticmethod
    def _size(values: Values) -> Any:
        """Return the standard deviation of the change of growth from one piece to the next."""
        bends = values["bend_years"]
        return values["growth_walk_sd"] * (bends[1] - bends[0]) ** 0.5


def _walk(distance: np.ndarray, count: int, random: np.random.Generator) -> np.ndarray:
    """Return random walks at some distances from where they start, 0 where these are negative."""
    order = np.argsort(distance, kind="stable")
    steps = np.sqrt(np.diff(np.maximum(distance[order], 0.0), prepend=0.0))
    found = np.empty((count, len(distance)))
    found[:, order] = np.cumsum(steps * random.standard_normal(found.shape), axis=1)
    return found
