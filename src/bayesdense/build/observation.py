"""How latent scores are measured: item sampling, harness offsets and noise.

The equations are in docs/model.md, "The observation".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.algebra import inverse, logarithm
from bayesdense.build.effects import scaled_zero_sum, standard
from bayesdense.build.layout import Layout
from bayesdense.build.placed import PlacedPrior
from bayesdense.build.ruler import Ruler
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec

__all__ = ["STUDENT_DEGREES", "add_scores", "observation_priors"]

STUDENT_DEGREES = 4.0


def observation_priors(layout: Layout, spec: RulerSpec) -> dict[str, Prior]:
    """Return the default priors of the noise (docs/model.md, "Priors").

    Parameters
    ----------
    layout : Layout
        Decides whether harnesses differ.
    spec : RulerSpec
        With the switch for harness offsets.

    Returns
    -------
    dict of str to Prior
    """
    if not layout.size("benchmark"):
        return {}
    priors = {"phi": Prior("LogNormal", mu=float(np.log(0.015)), sigma=0.7)}
    if spec.harness_offsets and (layout.arrays["harness_measured"].sum(axis=0) > 1).any():
        priors["eta_sd"] = Prior("HalfNormal", sigma=0.4)
    return priors


def add_scores(spec: RulerSpec, ruler: Ruler, *, phi: Any, eta: Any, logit: Any) -> None:
    """Add the observed scores.

    Every source of a cell ran the same items, so what item sampling does is
    shared within the cell; each source adds noise of its own.

    Parameters
    ----------
    spec : RulerSpec
        With the score map and the switches of the observation.
    ruler : Ruler
        With floor and span.
    phi : tensor, shape (benchmark,)
        Noise of a source.
    eta : tensor, shape (harness, benchmark), or None
        What `add_harness_offsets` returned.
    logit : tensor, shape (cell,)
        ``gamma (l - L)`` of each cell.
    """
    import pymc as pm

    model = pm.modelcontext(None)
    cell, benchmark = model["score_cell"], model["score_benchmark"]
    cell_benchmark = model["cell_benchmark"]
    phi = phi[benchmark]
    latent = spec.score_map.score(logit, ruler.floor[cell_benchmark], ruler.span[cell_benchmark])
    if eta is not None:
        shifted = logit[cell] + eta[model["score_harness"], benchmark]
        mean = spec.score_map.score(shifted, ruler.floor[benchmark], ruler.span[benchmark])
    else:
        mean = latent[cell]
    item_variance = (latent * (1.0 - latent) * inverse(model["cell_items"]))[cell]
    if not spec.score_map.has_ceiling:
        # Such a map leaves [0, 1], where a share of right answers has no variance.
        item_variance = pm.math.maximum(item_variance, 0.0)
    if not spec.item_noise:
        item_variance = 0.0 * item_variance
    observed = model["score_observed"]
    if spec.observation == "student-t":
        # The items' share cannot be integrated out of a Student-t, so it is sampled.
        items = standard("item_raw", "cell")[cell]
        mean = mean + pm.math.sqrt(item_variance) * items
        pm.StudentT(
            "score", nu=STUDENT_DEGREES, mu=mean, sigma=phi, observed=observed, dims="score_id"
        )
        return
    pm.CustomDist(
        "score",
        mean,
        item_variance,
        phi**2,
        model["score_before"],
        model["score_first"],
        logp=replicated_logp,
        random=replicated_random,
        observed=observed,
        dims="score_id",
    )


def add_harness_offsets(priors: Mapping[str, PlacedPrior]) -> Any:
    """Add the offsets of harnesses, zero-sum over those that measured a benchmark.

    Parameters
    ----------
    priors : mapping of str to PlacedPrior
        With ``eta_sd`` where harnesses differ.

    Returns
    -------
    tensor, shape (harness, benchmark), or None
        ``eta``, in logits; None where harnesses do not differ.
    """
    import pymc as pm

    if "eta_sd" not in priors:
        return None
    model = pm.modelcontext(None)
    # A harness that never measured a benchmark has no offset there.
    spread = priors["eta_sd"].variable("eta_sd", dims="benchmark")
    of_contrast = spread[model["harness_contrast_benchmark"]]
    basis, error, pull = (model[f"harness_{what}"] for what in ("basis", "error", "pull"))
    flat = scaled_zero_sum("eta", of_contrast, basis, error, "harness_contrast", pull=pull)
    eta = flat.reshape(model["harness_measured"].shape)
    return pm.Deterministic("eta", eta, dims=("harness", "benchmark"))


def replicated_logp(
    value: Any, mean: Any, item_variance: Any, source_variance: Any, before: Any, first: Any
) -> Any:
    """Return the log density of scores that share the items of their cell.

    With ``S_i = mean_i + sqrt(item_variance) e + sqrt(source_variance) e_i``
    and ``e`` shared by the cell, a score given the ``n`` before it in its cell
    is Normal, with mean ``mean_i + K sum(S_k - mean_k)`` and variance
    ``source_variance (1 + K)``, where ``K = item_variance / (source_variance +
    n item_variance)``. The product over the cell is the joint density with
    ``e`` integrated out.

    Parameters
    ----------
    value, mean, item_variance, source_variance : tensor, shape (score,)
        Scores sorted by cell.
    before : tensor, shape (score,)
        How many scores of the cell come before.
    first : tensor of int, shape (score,)
        Index of the first score of the cell.

    Returns
    -------
    tensor, shape (score,)
        They add up to the joint log density of each cell.
    """
    import pytensor.tensor as pt

    residual = value - mean
    total = pt.concatenate([pt.zeros(1), pt.cumsum(residual)[:-1]])
    gain = item_variance * inverse(source_variance + before * item_variance)
    shift = gain * (total - total[first])
    variance = source_variance * (1.0 + gain)
    quadratic = (residual - shift) ** 2 * inverse(variance)
    return -0.5 * (quadratic + logarithm(variance) + np.log(2.0 * np.pi))


def replicated_random(
    mean: np.ndarray,
    item_variance: np.ndarray,
    source_variance: np.ndarray,
    before: np.ndarray,
    first: np.ndarray,
    rng: np.random.Generator | None = None,
    size: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Draw scores that share the items of their cell.

    Parameters
    ----------
    mean, item_variance, source_variance, before, first
        As for `replicated_logp`.
    rng : numpy.random.Generator, optional
        Source of randomness.
    size : tuple of int, optional
        Shape of the result, ending in the number of scores.

    Returns
    -------
    numpy.ndarray
    """
    rng = np.random.default_rng() if rng is None else rng
    shape = np.shape(mean) if size is None else tuple(size)
    codes = np.broadcast_to(first, shape).reshape(-1, shape[-1])[0].astype(int)
    shared = rng.standard_normal(shape)[..., codes]
    own = rng.standard_normal(shape)
    return mean + np.sqrt(item_variance) * shared + np.sqrt(source_variance) * own
