"""From density to what was measured: cells, their losses and their scores.

The equations are in docs/model.md, "From scores to density".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.anchors import Anchors, cell_losses
from bayesdense.build.effects import informed_normal, moved_prior
from bayesdense.build.layout import Layout
from bayesdense.build.leans import lean, map_features, of_ends
from bayesdense.build.observation import add_scores
from bayesdense.build.placed import PlacedPrior
from bayesdense.build.ruler import Ruler
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec

__all__ = ["add_measurements", "add_spread", "cell_priors"]


def cell_priors(layout: Layout) -> dict[str, Prior]:
    """Return the default prior of the cell deviations.

    Parameters
    ----------
    layout : Layout
        Decides whether there are cells.

    Returns
    -------
    dict of str to Prior
    """
    if not layout.size("benchmark"):
        return {}
    return {"tau": Prior("LogNormal", mu=float(np.log(0.7)), sigma=0.5)}


def add_spread(spec: RulerSpec, priors: Mapping[str, PlacedPrior], ruler: Ruler) -> Any:
    """Add ``tau``, how far a model strays on one benchmark, to the model in context.

    Parameters
    ----------
    spec, priors, ruler
        As for `add_measurements`.

    Returns
    -------
    tensor, shape (benchmark,)
    """
    import pymc as pm

    model = pm.modelcontext(None)
    ends = of_ends(model["knot_scores"], model["knot_margin"], ruler.floor, ruler.span)
    features = map_features(spec, ruler.coefficients, ends)
    features += [pm.math.log(ruler.steepness), ruler.pivot]
    return moved_prior("tau", priors["tau"], lean("tau", features), dims="benchmark")


def add_measurements(
    layout: Layout,
    spec: RulerSpec,
    priors: Mapping[str, PlacedPrior],
    ruler: Ruler,
    *,
    density: Any,
    difference: Any,
    size: Any,
    eta: Any,
    anchors: Anchors,
    phi: Any,
) -> None:
    """Add cell deviations and observed scores to the model in context.

    Parameters
    ----------
    layout : Layout
        With models, cells and scores.
    spec : RulerSpec
        With the law.
    priors : mapping of str to PlacedPrior
        All priors of the model.
    ruler : Ruler
        What `add_ruler` returned.
    density : tensor, shape (model,)
        ``ln rho``, targets first.
    difference : tensor, shape (model, benchmark), or None
        ``g``: what a benchmark adds to the log effective size; None for nothing.
    size : tensor, shape (model,)
        ``ln(N/N*)``, as the model counts sizes.
    eta : tensor, shape (harness, benchmark), or None
        Offsets of harnesses.
    anchors : Anchors
        What `add_anchors` returned.
    phi : tensor, shape (benchmark,)
        Noise of a source.
    """
    import pymc as pm
    import pytensor.tensor as pt

    model = pm.modelcontext(None)
    of_model, of_benchmark = model["cell_model"], model["cell_benchmark"]
    # Per model and benchmark: ln N_eff relative to the centre of the ruler.
    position = (density + size)[of_model]
    if difference is not None:
        position = position + difference[of_model, of_benchmark]
    around = anchors.position - position
    if layout.loss_sets:
        measured = model["cell_loss_seen"] > 0
        around = pt.where(measured, anchors.position - size[of_model], around)
    stray = informed_normal(
        "cell_deviation",
        anchors.precision,
        anchors.log_scale,
        anchors.information,
        "cell",
        around=around,
    )
    position = position + stray
    pm.Deterministic("cell_ln_size", position + model["log_size_centre"], dims="cell")

    loss, _, _ = cell_losses(layout, spec, ruler, position)
    if layout.loss_sets:
        # Where a run's loss was measured, the map is read there, not at what the law
        # expects of its size; it strays by as much as the law falls over that distance.
        loss = pt.where(measured, model["cell_loss"] - anchors.fall * stray, loss)
    logit = ruler.logit(loss, of_benchmark)
    add_scores(spec, ruler, phi=phi, eta=eta, logit=logit)
