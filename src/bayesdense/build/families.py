"""What the models of one family share: on all benchmarks, and on one (docs/model.md, eq. 5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.build.algebra import inverse
from bayesdense.build.anchors import Anchors, weighted_mean
from bayesdense.build.effects import moved_prior, scaled_normal
from bayesdense.build.placed import PlacedPrior, length

__all__ = ["add_families"]


def add_families(
    priors: Mapping[str, PlacedPrior], anchors: Anchors, scatter: Any, typical: Any, left: Any
) -> tuple[Any, Any]:
    """Add ``f`` and ``f2`` to the PyMC model in context.

    Each is counted from what cells say of it, in units of how well they do, by the scales at
    hand: ``f`` as if ``f2`` and the models' own deviations were not known, ``f2`` given ``f``.
    With units from the scales of a pilot, squares of these effects went with ``sigma_v``.

    Parameters
    ----------
    priors : mapping of str to PlacedPrior
        With ``sigma_f``, and ``sigma_fj`` where there are several benchmarks.
    anchors : Anchors
        What `add_anchors` returned.
    scatter : tensor, shape (target,)
        Variance of models around the trend.
    typical : tensor
        Its mean.
    left : tensor, shape (cell,)
        What trend and benchmarks leave of the log density of cells.

    Returns
    -------
    f : tensor, shape (family,)
    f2 : tensor, shape (family, benchmark), or None
        None where there is one benchmark.
    """
    import pymc as pm

    model = pm.modelcontext(None)
    sigma_f = moved_prior("sigma_f", priors["sigma_f"], anchors.stretch)
    seen, known = anchors.of_targets(left)
    beside = scatter
    if "sigma_fj" in priors:
        sigma_fj = moved_prior("sigma_fj", priors["sigma_fj"], anchors.stretch)
        # Models of a family share its deviation on a benchmark, so more of them say no more of it.
        beside = beside + model["target_alike"] * sigma_fj**2
    weight = known * inverse(1.0 + known * beside)
    mean, information = weighted_mean(seen, weight, model["family_code"], length("family"))
    f = scaled_normal("f", sigma_f, information, "family", around=mean)
    if "sigma_fj" not in priors:
        return f, None
    family, count = model["cell_family"], length("benchmark")
    pair = family * count + model["cell_benchmark"]
    left = left - f[family]
    mean, known = weighted_mean(left, anchors.weights, pair, length("family") * count)
    information = known * inverse(1.0 + known * typical * model["pair_share"])
    shape = length("family"), count
    return f, scaled_normal(
        "f2",
        sigma_fj,
        information.reshape(shape),
        ("family", "benchmark"),
        around=mean.reshape(shape),
    )
