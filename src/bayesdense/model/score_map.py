"""The score map (eq. 3) in a PyMC model: floor, ceiling, midpoint and steepness.

``S = d + c / (1 + exp(gamma (L - l)))`` with ``c = (1 - d) u``, or another map. Benchmarks with
scores only have the logit ``pi`` and its slope ``s`` at the centre of the references in the place
of ``l`` and ``gamma``, since their loss has no unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.model.design import Design
from bayesdense.model.numbers import PriorInModel
from bayesdense.model.ruler import Ruler
from bayesdense.priors import Prior

__all__ = ["add_map_at_centre", "add_score_map", "score_map_priors"]

FLOOR_SD = 0.02


def score_map_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of the score map.

    Parameters
    ----------
    design : Design
        Decides which parameters there are.

    Returns
    -------
    dict of str to Prior
    """
    priors: dict[str, Prior] = {}
    if design.has_losses.any():
        ruler = design.ruler[design.has_losses]
        mean, sd = design.mean_loss[ruler], design.sd_loss[ruler]
        steep = [float(v) for v in np.log(2.0 / sd)]
        priors["map_steepness"] = Prior("LogNormal", mu=steep, sigma=0.7)
        priors["map_midpoint_loss"] = Prior("Normal", mu=mean, sigma=2 * sd)
    if not design.has_losses.all():
        priors |= design.spec.score_map.priors()
    if design.size("benchmark"):
        chance = design.chance
        floor = Prior("TruncatedNormal", mu=chance, sigma=FLOOR_SD, lower=0.0, upper=1.0)
        priors["map_floor"] = floor
        if design.spec.score_map.has_ceiling:
            priors["ceiling_share"] = Prior("Beta", alpha=12.0, beta=1.0)
    return priors


def add_score_map(design: Design, priors: Mapping[str, PriorInModel]) -> None:
    """Add the variables of the score map to the PyMC model in context.

    Parameters
    ----------
    design : Design
        Decides which benchmarks are read through losses.
    priors : mapping of str to PriorInModel
        All priors of the model.
    """
    import pymc as pm

    known = design.has_losses
    if not len(known):
        return
    floor = priors["map_floor"].variable("map_floor", dims="benchmark")
    share: Any = 1.0
    if design.spec.score_map.has_ceiling:
        share = priors["ceiling_share"].variable("ceiling_share", dims="benchmark")
    pm.Deterministic("map_span", (1.0 - floor) * share, dims="benchmark")
    if known.any():
        for name in ("map_steepness", "map_midpoint_loss"):
            priors[name].variable(name, dims="benchmark_with_losses")
    if not known.all():
        mixed = bool(known.any())
        suffix, dims = ("_scores_only", "benchmark_scores_only") if mixed else ("", "benchmark")
        for name in ("map_slope_at_centre", "map_logit_at_centre"):
            priors[name].variable(f"{name}{suffix}", dims=dims)


def add_map_at_centre(design: Design, ruler: Ruler) -> None:
    """Add ``pi`` and ``s`` of every benchmark, if any is read through losses.

    Where all are read through scores only, they are variables already.

    Parameters
    ----------
    design : Design
        Decides which benchmarks are read through losses.
    ruler : Ruler
        The ruler of the model.
    """
    import pymc as pm

    if design.has_losses.any():
        pm.Deterministic("map_logit_at_centre", ruler.logit_at_centre(), dims="benchmark")
        pm.Deterministic("map_slope_at_centre", ruler.slope_at_centre(), dims="benchmark")
