"""Score maps: the benchmark score as a function of the loss.

A map of one's own is a subclass of `ScoreMap`, registered with `register`.
"""

from bayesdense.parts.maps.base import ScoreMap, maps
from bayesdense.parts.maps.exponential_error import ExponentialError
from bayesdense.parts.maps.sigmoid import Sigmoid
from bayesdense.parts.maps.threshold import Threshold

register = maps.register

__all__ = ["ExponentialError", "ScoreMap", "Sigmoid", "Threshold", "maps", "register"]
