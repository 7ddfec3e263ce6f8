"""Figures that the papers print, to compare with."""

from __future__ import annotations

__all__ = ["DOUBLING_MONTHS", "GROWTH_PER_DAY"]

DOUBLING_MONTHS = {"Xiao et al., 29 models": 3.3, "51 models": 3.5}
"""Doubling times of density that Xiao et al. (arXiv 2412.04315) print, in months."""

GROWTH_PER_DAY = 0.007
"""Growth of log density, ``A`` of equation 5, that Xiao et al. print, per day."""
