"""What a trend has to offer; each trend is one file that implements it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from bayesdense.parts.registry import Registry
from bayesdense.priors import Prior

__all__ = [
    "HALF_NORMAL_MEAN",
    "Draws",
    "Growth",
    "Trend",
    "Values",
    "factor_of",
    "has_growth",
    "trends",
]

HALF_NORMAL_MEAN = float(np.sqrt(2.0 / np.pi))
"""Mean of a half-normal variable of scale 1."""

Draws = Mapping[str, np.ndarray]
"""Posterior draws by variable; the first axis of every array is the draw."""

Values = Mapping[str, Any]
"""Parameters and constants by name: symbols of a PyMC model, or draws that broadcast."""


@dataclass(frozen=True)
class Growth:
    """Growth rates of one estimator in one period.

    Parameters
    ----------
    estimator : str
        ``"typical"`` or ``"frontier"``.
    period : str
        ``"all dates"``, or the part of the dates that the rate holds for.
    rate : numpy.ndarray
        Draws of ``d ln(density) / dt`` per year, shape ``(draw,)``.
    """

    estimator: str
    period: str
    rate: np.ndarray


@runtime_checkable
class Trend(Protocol):
    """The movement of log density in time and the spread of models around it.

    Each formula is written once, for the symbols of a PyMC model and for
    draws alike. What depends on the mean date is a constant, not a number in
    the formula, so that one compiled model serves other data.

    Attributes
    ----------
    name : str
        Under which the trend is registered.
    equation : str
        The trend as one line, for reports.
    constants : tuple of str
        Names of the constants that the formulas read.

    Notes
    -----
    A trend with ``has_growth = False`` has no growth rate and reads no dates;
    a trend that does not say has one. A trend with a method ``factor(values,
    years)`` multiplies by it what families and developers share; its `scales`
    and `deviation` are those of models with the factor. A trend with a method
    ``dated_constants(years)`` has constants that depend on the dates of the
    targets; with a mapping ``dims``, parameters with a named dimension; with a
    method ``rate_at(draws, years, at, random)``, growth at any date.
    """

    name: ClassVar[str]
    equation: ClassVar[str]
    constants: ClassVar[tuple[str, ...]]

    def settings(self) -> dict[str, Any]:
        """Return what the trend was made with, as plain values."""
        ...

    def priors(self) -> dict[str, Prior]:
        """Return the default priors of the trend's parameters besides ``growth_rate``."""
        ...

    def constant_values(self, mean_date: np.datetime64) -> dict[str, float]:
        """Return the values of the constants, given ``t0``."""
        ...

    def line(self, values: Values, years: Any) -> Any:
        """Return the line without its level, at ``t - t0`` in years."""
        ...

    def scales(self, values: Values, years: Any) -> tuple[Any, Any]:
        """Return the standard deviation of single models, and the scale of their lag or None."""
        ...

    def derived(self, values: Values) -> dict[str, Any]:
        """Return what else is reported of parameters and constants, by name."""
        ...

    def growth(self, draws: Draws, years: np.ndarray) -> list[Growth]:
        """Return the growth rates that the draws imply, the headline one first."""
        ...

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return new models' deviations from the line, shape ``(draw, year)``."""
        ...


def has_growth(trend: Trend) -> bool:
    """Return whether density grows by a trend, so that targets need dates.

    Parameters
    ----------
    trend : Trend
        The trend.

    Returns
    -------
    bool
    """
    return bool(getattr(trend, "has_growth", True))


def factor_of(trend: Trend, values: Values, years: Any) -> Any:
    """Return by what a trend multiplies the effects of families: 1 unless it says otherwise.

    Parameters
    ----------
    trend : Trend
        The trend.
    values : mapping of str to array_like
        Its parameters.
    years : array_like
        ``t - t0``.

    Returns
    -------
    array_like
    """
    factor = getattr(trend, "factor", None)
    return 1.0 if factor is None else factor(values, years)


trends: Registry[Trend] = Registry(
    "trend",
    needs=(
        *("equation", "constants", "settings", "priors", "constant_values", "line", "scales"),
        *("derived", "growth", "deviation"),
    ),
)
