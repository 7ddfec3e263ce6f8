"""Score inversion: the effective size of every cell that its scores give on the ruler at hand.

Scores fix a size only once there is a ruler. A ruler that is a little steeper moves all effective
sizes of a benchmark, their level, growth and size slope with them. So cells and levels are
sampled as deviations from what scores say on the current ruler. No result depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.coordinates.log_odds import log_odds_and_rise
from bayesdense.model.observation import harness_shift, source_sd
from bayesdense.model.ruler import Ruler

__all__ = ["LITTLE", "ScoreInversion", "invert_scores", "weighted_mean"]

# Share of the size-dependent loss below which scores that ask for less are not followed.
NEAR_LIMIT = 0.05
LITTLE = 1e-3
"""What is known without scores, as a precision."""


@dataclass(frozen=True)
class ScoreInversion:
    """What the scores say on the ruler at hand.

    Attributes
    ----------
    x, information : tensor, shape (cell,)
        Log effective size of each cell, relative to the centre of the ruler,
        and the precision with which its scores fix it. Of a run whose loss was
        measured, its size and how far its scores put it from what its loss
        says.
    density : tensor, shape (cell,)
        Log effective size less log size.
    precision, log_scale : tensor, shape (cell,)
        Of the deviation of a model on one benchmark.
    weights : tensor, shape (cell,)
        The precision with which a cell fixes the log density of its target;
        0 for cells of references, which have the code of some target.
    levels : tensor, shape (benchmark, 3)
        Level at the mean date and the size 2e10, growth a year and size slope
        of ``ln rho``, by least squares through the targets.
    common : tensor, shape (3,)
        The same of all benchmarks together, by generalised least squares.
    stretch : tensor
        Such a mean over the benchmarks of the logarithm of their steepness. A steeper
        ruler makes all distances in log size shorter.
    target, benchmark : tensor of int, shape (cell,)
        Codes.
    """

    x: Any
    information: Any
    density: Any
    precision: Any
    log_scale: Any
    weights: Any
    levels: Any
    common: Any
    stretch: Any
    target: Any
    benchmark: Any

    def residual(self, expected: Any) -> Any:
        """Return what is left of the log density of each cell.

        Parameters
        ----------
        expected : tensor, shape (target, benchmark)
            What is known of ``ln rho`` of a target on a benchmark.

        Returns
        -------
        tensor, shape (cell,)
            Means something for cells of targets only.
        """
        return self.density - expected[self.target, self.benchmark]

    def by_target(self, left: Any, count: Any) -> tuple[Any, Any]:
        """Return what all cells of a target say of its log density.

        Parameters
        ----------
        left : tensor, shape (cell,)
            What `residual` returned.
        count : tensor
            Number of targets.

        Returns
        -------
        mean, precision : tensor, shape (target,)
        """
        return weighted_mean(left, self.weights, self.target, count)


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
    return pt.inc_subtensor(none[code], weights * values) / total, total


def invert_scores(
    values: Mapping[str, Any],
    ruler: Ruler,
    *,
    size: Any,
    count: Any,
    any_known: bool,
) -> ScoreInversion:
    """Read the scores off the ruler.

    Through scores only, by one step of Newton's method from initial estimates:
    unlike the inverse of the map it has no wall at the reach of the ruler, and
    far from the references a second step moves cells further than their scores
    do. Through losses, by the inverse of a power of size, in which the loss at
    infinite size is smoothed away: tokens far beyond those of the runs move
    all cells of a benchmark, further than one step can follow.

    Parameters
    ----------
    values : mapping of str to tensor
        Variables and numbers of the model, and those of the coordinates.
    ruler : Ruler
        The ruler at hand.
    size : tensor, shape (model,)
        ``ln(N/N*)``, as the model counts sizes.
    count : callable
        From a dimension to its length.
    any_known : bool
        Whether some benchmarks are read through losses.

    Returns
    -------
    ScoreInversion
    """
    import pytensor.tensor as pt

    v = values
    benchmark, model = v["cell_benchmark"], v["cell_model"]
    ends = ruler.floor[benchmark], ruler.span[benchmark]
    log_odds, rise = log_odds_and_rise(v["at_cell_score"], *ends, v["at_cell_margin"])
    log_odds_slope = v["at_cell_slope"]
    seen = v["at_cell_intercept"] + log_odds_slope * log_odds
    offset = harness_shift(v, v)
    if offset is not None:
        offset = offset / v["at_cell_score_count"]
        seen = seen - pt.inc_subtensor(pt.zeros(count("cell"))[v["score_cell"]], offset)
    guess, with_loss = v["at_cell_x"], "cell_loss" in v
    if with_loss:
        # The map of a run is read at the loss that it had; its deviation is from its size.
        measured = v["cell_loss_seen"] > 0
        guess = pt.where(measured, size[model], guess)
    names = ruler.law.covariates if with_loss else ()
    covariates = {name: v[f"cell_{name}"] for name in names}
    at_cell = v["cell_tokens"], v["cell_ruler"], covariates
    loss, fall = ruler.loss(guess, *at_cell), ruler.slope(guess, *at_cell)
    read = pt.where(measured, v["cell_loss"], loss) if with_loss else loss
    steepness = ruler.steepness[benchmark] * fall
    step = (seen - ruler.logit(read, benchmark)) / steepness
    if any_known:
        # Relative to the local power, what of the size-dependent loss is left at the scores.
        gap = (loss - ruler.limit(*at_cell)) / fall
        share = 1.0 - step / gap
        # The mean of the share and the root of its square and NEAR_LIMIT's, without cancellation.
        log_left = np.log(NEAR_LIMIT) + pt.arcsinh(share / (2 * NEAR_LIMIT))
        known = pt.and_(v["benchmark_known"][benchmark] > 0, ~measured)
        step = pt.where(known, -gap * log_left, step)
        steepness = pt.where(known, steepness * pt.exp(log_left), steepness)
    x = guess + step
    density = x - size[model]
    none = pt.zeros((count("benchmark"), 3))
    levels = pt.inc_subtensor(none[benchmark], v["at_cell_line_weights"] * density[:, None])
    noise, spread = source_sd(v, v["at_cell_score"], benchmark), v["cell_effect_sd"]
    score_variance = v["at_cell_item_variance"] + v["at_cell_noise_share"] * noise**2
    variance = v["at_cell_variance"] + (log_odds_slope * rise) ** 2 * score_variance
    usual, bound = v["at_cell_log_steepness"], v["at_cell_steepness_bound"]
    followed = bound * pt.tanh((pt.log(steepness) - usual) / bound)
    information = pt.exp(2.0 * (usual + followed)) / variance
    precision = v["at_cell_precision"] * (spread**-2.0)[benchmark]
    # The variance of the scores' error and of the model's deviation.
    within = 1.0 / (precision + information)
    return ScoreInversion(
        x=x,
        information=information,
        density=density,
        precision=precision,
        log_scale=v["at_cell_log_scale"] + pt.log(spread)[benchmark],
        weights=v["at_cell_is_target"] * information * precision * within,
        levels=levels,
        common=(v["at_cell_line_common_weights"] * density[:, None]).sum(axis=0),
        stretch=(v["at_line_share"][:, 0] * pt.log(ruler.steepness)).sum(),
        target=v["at_cell_target"],
        benchmark=benchmark,
    )
