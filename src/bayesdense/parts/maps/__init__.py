"""Score maps: the benchmark score as a function of the loss."""

from bayesdense.parts.maps.base import ScoreMap, maps
from bayesdense.parts.maps.sigmoid import Sigmoid

__all__ = ["ScoreMap", "Sigmoid", "maps"]
