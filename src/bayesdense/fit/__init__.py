"""Fits: posterior draws with tables, checks and provenance."""

from bayesdense.fit.density import DensityFit
from bayesdense.fit.load import load_fit
from bayesdense.fit.ruler import RulerFit

__all__ = ["DensityFit", "RulerFit", "load_fit"]
