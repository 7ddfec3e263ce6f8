"""Fits: posterior draws with tables, checks and provenance."""

from bayesdense.fit.density import DensityFit
from bayesdense.fit.files import load_fit
from bayesdense.fit.reference import ReferenceFit

__all__ = ["DensityFit", "ReferenceFit", "load_fit"]
