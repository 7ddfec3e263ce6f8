"""What the models of one family share: on all benchmarks, and on one (MODEL section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.build.anchors import Anchors, weighted_mean
from bayesdense.build.effects import scaled_normal
from bayesdense.build.placed import PlacedPrior, length

__all__ = ["add_families"]


def add_families(
    priors: Mapping[str, PlacedPrior], anchors: Anchors, tau: Any, scatter: Any, left: Any
) -> tuple[Any, Any]:
    """Add ``f`` and ``f2`` to the PyMC model in context.

    Each is counted from what cells say of it, in units of how well they do, by the scales at
    hand: ``f`` as if ``f2`` and the models' own deviations were not known, ``f2`` given ``f``.
    With units from usual scales, or from those of a pilot, the scales of models and families
    mix half as fast.

    Parameters
    ----------
    priors : mapping of str to PlacedPrior
        With ``sigma_f``, and ``sigma_fj`` where there are several benchmarks.
    anchors : Anchors
        What `add_anchors` returned.
    tau : tensor, shape (benchmark,)
        How far a model strays on one benchmark.
    scatter : tensor, shape (target,)
        Variance of models around the trend.
    left : tensor, shape (cell,)
        What trend and benchmarks leave of the log density of cells.

    Returns
    -------
    f : tensor, shape (family,)
    f2 : tensor, shape (family, benchmark), or None
        None where there is one benchmark.
    """
    import pymc as pm
    import pytensor.tensor as pt

    model = pm.modelcontext(None)
    target, family = model["cell_target"], model["cell_family"]
    several = "sigma_fj" in priors
    sigma_f = priors["sigma_f"].variable("sigma_f")
    sigma_fj = priors["sigma_fj"].variable("sigma_fj") if several else None
    # Models of a family share its deviation on a benchmark, so more of them say no more of it.
    shared = model["cell_alike"] * sigma_fj**2 if several else 0.0
    weight = anchors.weights(tau, shared)
    of_model = pt.inc_subtensor(pt.zeros(length("target"))[target], weight)
    weight = weight / (1.0 + scatter * of_model)[target]
    mean, error = weighted_mean(left, weight, family, length("family"))
    f = scaled_normal("f", sigma_f, error, "family", offset=-mean)
    if not several:
        return f, None
    count = length("benchmark")
    pair = family * count + model["cell_benchmark"]
    weight = anchors.weights(tau, scatter[target])
    mean, error = weighted_mean(left - f[family], weight, pair, length("family") * count)
    shape = length("family"), count
    dims = ("family", "benchmark")
    return f, scaled_normal("f2", sigma_fj, error.reshape(shape), dims, offset=-mean.reshape(shape))
