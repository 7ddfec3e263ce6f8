"""Where the scores put every cell on a given ruler: coordinates that move with the ruler.

Scores fix what they see, and what they see is a size only once there is a ruler. A ruler that is
a little steeper moves all effective sizes of a benchmark, their level, growth and size slope with
them. So cells and levels are sampled as deviations from what scores say on the ruler at hand. No
result depends on the figures here: a bad guess only costs time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.build.algebra import inverse, root
from bayesdense.build.layout import Layout
from bayesdense.build.odds import log_odds_and_rise
from bayesdense.build.placed import length
from bayesdense.build.ruler import Ruler
from bayesdense.spec import RulerSpec

__all__ = ["LITTLE", "Anchors", "add_anchors", "cell_losses", "weighted_mean"]

# Share of the size-dependent loss below which scores that ask for less are not followed.
NEAR_LIMIT = 0.05
# What is known without scores, as a precision.
LITTLE = 1e-3


@dataclass(frozen=True)
class Anchors:
    """What the scores say on the ruler at hand.

    Attributes
    ----------
    position, information : tensor, shape (cell,)
        Log effective size of each cell, relative to the centre of the ruler,
        and the precision with which its scores fix it. Of a run whose loss was
        measured, its size and how far its scores put it from what its loss
        says.
    fall : tensor, shape (cell,)
        How fast the loss falls in log size where the position was looked for:
        of a run whose loss was measured, at its own size.
    density : tensor, shape (cell,)
        Log effective size less log size.
    precision, log_scale : tensor, shape (cell,)
        Of what a model strays on one benchmark.
    weights : tensor, shape (cell,)
        The precision with which a cell fixes the log density of its target;
        0 for cells of references, which have the code of some target.
    levels : tensor, shape (benchmark, 3)
        Level at the mean date and the size 2e10, growth a year and size slope
        of ``ln rho``, by least squares through the targets.
    stretch : tensor
        Mean over the benchmarks of the logarithm of their steepness. A steeper
        ruler makes all distances in log size shorter.
    """

    position: Any
    information: Any
    fall: Any
    density: Any
    precision: Any
    log_scale: Any
    weights: Any
    levels: Any
    stretch: Any

    def beside(self, difference: Any) -> Any:
        """Return what differences leave of the log density of each cell.

        Parameters
        ----------
        difference : tensor, shape (target, benchmark)
            What is known of ``ln rho`` of a target on a benchmark.

        Returns
        -------
        tensor, shape (cell,)
            Means something for cells of targets only.
        """
        import pymc as pm

        model = pm.modelcontext(None)
        return self.density - difference[model["cell_target"], model["cell_benchmark"]]

    def of_targets(self, left: Any) -> tuple[Any, Any]:
        """Return what all cells of a target say of its log density.

        Parameters
        ----------
        left : tensor, shape (cell,)
            What `beside` returned.

        Returns
        -------
        mean, precision : tensor, shape (target,)
        """
        import pymc as pm

        target = pm.modelcontext(None)["cell_target"]
        return weighted_mean(left, self.weights, target, length("target"))


def weighted_mean(values: Any, weights: Any, code: Any, count: Any) -> tuple[Any, Any]:
    """Return weighted means by code, and their precisions.

    Parameters
    ----------
    values, weights : tensor, shape (n,)
        Weights are precisions.
    code : tensor of int, shape (n,)
        What each is part of.
    count : int or tensor
        How many codes there are.

    Returns
    -------
    mean, precision : tensor, shape (count,)
        Near 0 and small where nothing is known.
    """
    import pytensor.tensor as pt

    none = pt.zeros(count)
    total = pt.inc_subtensor(none[code], weights) + LITTLE
    return pt.inc_subtensor(none[code], weights * values) * inverse(total), total


def add_anchors(
    layout: Layout,
    spec: RulerSpec,
    ruler: Ruler,
    *,
    eta: Any,
    size: Any,
    phi: Any,
    tau: Any,
) -> Anchors:
    """Read the scores off the ruler, in the PyMC model in context.

    Parameters
    ----------
    layout : Layout
        With cells and the arrays of `bayesdense.build.rough.rough_cells`.
    spec : RulerSpec
        With the law.
    ruler : Ruler
        The ruler at hand.
    eta : tensor, shape (harness, benchmark), or None
        Offsets of harnesses.
    size : tensor, shape (model,)
        ``ln(N/N*)``, as the model counts sizes.
    phi : tensor, shape (benchmark,)
        Noise of a source.
    tau : tensor, shape (benchmark,)
        How far a model strays on one benchmark.

    Returns
    -------
    Anchors
        Through scores alone, by one step of Newton's method from rough sizes:
        unlike the inverse of the map it has no wall at the reach of the ruler,
        and far from the references a second step moves cells further than
        their scores do. Through losses, by the inverse of a power of size, in
        which the loss at infinite size is smoothed away: tokens far beyond
        those of the runs move all cells of a benchmark, further than one step
        can follow.
    """
    import pymc as pm
    import pytensor.tensor as pt

    model = pm.modelcontext(None)
    of_benchmark = model["cell_benchmark"]
    ends = ruler.floor[of_benchmark], ruler.span[of_benchmark]
    odds, of_score = log_odds_and_rise(model["cell_score"], *ends, model["cell_margin"])
    of_odds = model["cell_of_odds"]
    seen = model["cell_offset"] + of_odds * odds
    if eta is not None:
        offset = eta[model["score_harness"], model["score_benchmark"]] / model["score_count"]
        none = pt.zeros(length("cell"))
        seen = seen - pt.inc_subtensor(none[model["score_cell"]], offset)
    guess = model["cell_guess"]
    if layout.loss_sets:
        # The map of a run is read at the loss that it had, and straying counted from its size.
        measured = model["cell_loss_seen"] > 0
        guess = pt.where(measured, size[model["cell_model"]], guess)
    loss, fall, limit = cell_losses(layout, spec, ruler, guess)
    at = pt.where(measured, model["cell_loss"], loss) if layout.loss_sets else loss
    steepness = ruler.steepness[of_benchmark] * fall
    step = (seen - ruler.logit(at, of_benchmark)) * inverse(steepness)
    if layout.has_losses.any():
        # In units of the local power, what of the size-dependent loss is left at the scores.
        gap = (loss - limit) / fall
        share = 1.0 - step / gap
        # The mean of the share and the root of its square and NEAR_LIMIT's, without cancellation.
        log_left = np.log(NEAR_LIMIT) + pt.arcsinh(share / (2 * NEAR_LIMIT))
        known = pt.and_(model["benchmark_known"][of_benchmark] > 0, ~measured)
        step = pt.where(known, -gap * log_left, step)
        steepness = pt.where(known, steepness * pt.exp(log_left), steepness)
    position = guess + step
    density = position - size[model["cell_model"]]
    none = pt.zeros((length("benchmark"), 3))
    levels = pt.inc_subtensor(none[of_benchmark], model["cell_weights"] * density[:, None])
    of_source = model["cell_of_items"] + model["cell_of_noise"] * (phi**2)[of_benchmark]
    noise = model["cell_variance"] + (of_odds * of_score) ** 2 * of_source
    information = steepness**2 * inverse(noise)
    precision = model["cell_precision"] * inverse(tau**2)[of_benchmark]
    # The variance of the scores' error and the model's straying, in terms that are needed anyway.
    within = inverse(root(precision + information)) ** 2
    return Anchors(
        position=position,
        information=information,
        fall=fall,
        density=density,
        precision=precision,
        log_scale=model["cell_log_scale"] + pm.math.log(tau)[of_benchmark],
        weights=model["cell_of_target"] * information * precision * within,
        levels=levels,
        stretch=pm.math.log(ruler.steepness).mean(),
    )


def cell_losses(layout: Layout, spec: RulerSpec, ruler: Ruler, position: Any) -> tuple[Any, ...]:
    """Return the losses of cells at given sizes, how fast they fall there, and their limits.

    Parameters
    ----------
    layout, spec, ruler
        As for `add_anchors`.
    position : tensor, shape (cell,)
        Log effective size, relative to the centre of the ruler.

    Returns
    -------
    loss, fall, limit : tensor, shape (cell,)
        In the unit of the ruler, per unit of log size, and at infinite size.
    """
    import pymc as pm

    model = pm.modelcontext(None)
    read = spec.law.covariates if layout.loss_sets else ()
    covariates: Mapping[str, Any] = {name: model[f"cell_{name}"] for name in read}
    at = position, model["cell_tokens"], model["cell_ruler"], covariates
    limit = ruler.limit(spec.law, *at[1:])
    return ruler.loss(spec.law, *at), ruler.slope(spec.law, *at), limit
