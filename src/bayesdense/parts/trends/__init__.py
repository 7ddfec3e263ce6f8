"""Trends: how the log density of the targets moves in time."""

from bayesdense.parts.trends.base import Growth, Trend, trends
from bayesdense.parts.trends.change_point import ChangePoint
from bayesdense.parts.trends.frontier import Frontier
from bayesdense.parts.trends.linear import Linear
from bayesdense.parts.trends.none import NoTrend
from bayesdense.parts.trends.smooth import Smooth
from bayesdense.parts.trends.spread import Spread
from bayesdense.parts.trends.unknown_change import UnknownChange

__all__ = [
    "ChangePoint",
    "Frontier",
    "Growth",
    "Linear",
    "NoTrend",
    "Smooth",
    "Spread",
    "Trend",
    "UnknownChange",
    "trends",
]
