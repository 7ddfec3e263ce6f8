"""Figures: one function each, a fit or a study in, ``(fig, ax)`` out.

Nothing is computed here: every number drawn is in a table that the fit or the
study gives. Every function takes ``ax`` (axes to draw into), ``figsize`` (of a
new figure, in inches) and ``visuals``: options of Matplotlib by element, such
as ``{"points": {"markersize": 6}, "band": False}``. The elements are
``points``, ``intervals``, ``line`` and ``band``, where a figure has them.

Figures are made without pyplot, so none stay open, none need a display and no
global setting changes. In a notebook, end the cell with ``fig``; elsewhere
``fig.savefig(...)`` writes it.
"""

from bayesdense.plots.calibration_dots import calibration
from bayesdense.plots.density_ranking import density
from bayesdense.plots.doubling_time_forest import doubling_time
from bayesdense.plots.effective_size_scatter import effective_size
from bayesdense.plots.loss_law_curves import loss_law
from bayesdense.plots.placement_scores import placement
from bayesdense.plots.ruler_comparison_dots import ruler_comparison
from bayesdense.plots.score_map_curve import score_map
from bayesdense.plots.score_scatter import scores
from bayesdense.plots.sensitivity_forest import sensitivity
from bayesdense.plots.specification_curve import specification_curve
from bayesdense.plots.trend_line import trend

__all__ = [
    "calibration",
    "density",
    "doubling_time",
    "effective_size",
    "loss_law",
    "placement",
    "ruler_comparison",
    "score_map",
    "scores",
    "sensitivity",
    "specification_curve",
    "trend",
]
