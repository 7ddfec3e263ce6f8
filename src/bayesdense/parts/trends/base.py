"""What a trend has to offer; each trend is one file that implements it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from bayesdense.parts.registry import Registry
from bayesdense.priors import Prior

__all__ = ["HALF_NORMAL_MEAN", "Add", "Draws", "Growth", "Trend", "trends"]

HALF_NORMAL_MEAN = float(np.sqrt(2.0 / np.pi))
"""Mean of a half-normal variable of scale 1."""

Draws = Mapping[str, np.ndarray]
"""Posterior draws by variable; the first axis of every array is the draw."""

Add = Callable[..., Any]
"""``add(name)`` adds a parameter to a PyMC model; ``add(name, shift)`` with its coordinate shifted,
on the logarithm where it is positive."""


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

    A compiled model serves other data: what `centre` works out of the origin,
    a number that differs between datasets, goes into the model as `pymc.Data`.

    Attributes
    ----------
    name : str
        Under which the trend is registered.
    equation : str
        The trend as one line, for reports.
    """

    name: ClassVar[str]
    equation: ClassVar[str]

    def settings(self) -> dict[str, Any]:
        """Return what the trend was made with, as plain values."""
        ...

    def priors(self) -> dict[str, Prior]:
        """Return the default priors of what the trend adds to ``A`` and ``B``."""
        ...

    def scales(self, years: Any, add: Add) -> tuple[Any, Any]:
        """Return ``sigma_v`` and the scale of the lag (or None), inside a PyMC model."""
        ...

    def centre(self, level: Any, years: Any, origin: np.datetime64, add: Add) -> Any:
        """Return the line that dated targets lie around, inside a PyMC model."""
        ...

    def growth(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> list[Growth]:
        """Return the growth rates that the draws imply, the headline one first."""
        ...

    def line(self, draws: Draws, years: np.ndarray, origin: np.datetime64) -> np.ndarray:
        """Return the trend line without its level, shape ``(draw, year)``."""
        ...

    def deviation(self, draws: Draws, years: np.ndarray, random: np.random.Generator) -> np.ndarray:
        """Return new models' deviations from the line, shape ``(draw, year)``."""
        ...


trends: Registry[Trend] = Registry(
    "trend",
    needs=("equation", "settings", "priors", "scales", "centre", "growth", "line", "deviation"),
)
