"""How latent scores are measured: item sampling, offsets of harnesses, noise of sources.

With ``M`` the score map of eq. 3, ``y = gamma (l - L)`` the logit of a cell and ``p = M(y)`` its
expected score, source ``i`` on harness ``h`` measures

``S_i = M(y + eta[h, j]) + sqrt(p (1 - p) / n_items) xi + phi_j e_i``.

``xi ~ Normal(0, 1)`` is shared by all sources of the cell, since they ran the same items; ``e_i``
is Normal(0, 1), or Student-t. The offsets ``eta[h, j] ~ Normal(0, harness_offset_sd_j)`` are
zero-sum over the harnesses that measured the benchmark.

With ``harness_drift="vendor"``, or another harness, ``kappa_j (t - t0)`` is added to the logit of
its scores of a target: what it measures changes in time, ``kappa_j ~ Normal(0, 0.3)`` a year.

With ``noise="by-score"`` the noise of a source depends on the expected score: ``phi_j q^k_j
exp(h_j (p - 1/2))`` with ``q = (4 p (1 - p) + 0.04) / 1.04``, which is 1 at a half and nearly 0 at
the ends. The same formulas serve the variables of a PyMC model and posterior draws.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.model.design import Design
from bayesdense.model.numbers import Numbers, PriorInModel, at
from bayesdense.model.ruler import Ruler
from bayesdense.parts.namespace import namespace
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec

__all__ = [
    "STUDENT_DEGREES",
    "add_harness_offsets",
    "add_scores",
    "add_source_noise",
    "expected_scores",
    "harness_shift",
    "item_variance",
    "noise_terms",
    "observation_priors",
    "replicated_logp",
    "replicated_random",
    "source_sd",
]

STUDENT_DEGREES = 4.0
SOURCE_NOISE = ("source_noise_sd", "source_noise_exponent", "source_noise_tilt")
# At a score of 0 or 1 something is left of the noise of a source, whatever its exponent.
AT_AN_END = 0.04


def observation_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of the noise (docs/model.md, "Priors").

    Parameters
    ----------
    design : Design
        Decides whether harnesses differ.

    Returns
    -------
    dict of str to Prior
    """
    if not design.size("benchmark"):
        return {}
    priors = {"source_noise_sd": Prior("LogNormal", mu=float(np.log(0.015)), sigma=0.7)}
    if design.spec.harness_offsets and (design.arrays["harness_measured"].sum(axis=0) > 1).any():
        priors["harness_offset_sd"] = Prior("HalfNormal", sigma=0.4)
    if "score_drift_years" in design.arrays:
        priors["harness_drift"] = Prior("Normal", mu=0.0, sigma=0.3)
    if design.spec.noise == "by-score":
        priors["source_noise_exponent"] = Prior("Normal", mu=0.3, sigma=0.3)
        priors["source_noise_tilt"] = Prior("Normal", mu=0.0, sigma=1.0)
    return priors


def add_source_noise(priors: Mapping[str, PriorInModel]) -> None:
    """Add the parameters of the noise of sources to the PyMC model in context.

    Parameters
    ----------
    priors : mapping of str to PriorInModel
        With ``source_noise_sd``, and ``source_noise_exponent`` and
        ``source_noise_tilt`` where the noise depends on the score.
    """
    for name in SOURCE_NOISE:
        if name in priors:
            priors[name].variable(name, dims="benchmark")


def source_sd(values: Any, latent: Any, benchmark: Any) -> Any:
    """Return the standard deviation of a source at some expected scores.

    Parameters
    ----------
    values : mapping of str to array_like, shape (..., benchmark)
        With ``source_noise_sd``, and ``source_noise_exponent`` and
        ``source_noise_tilt`` where the noise depends on the score.
    latent : array_like, shape (..., n)
        Expected scores.
    benchmark : array_like of int, shape (n,)
        Codes of their benchmarks.

    Returns
    -------
    array_like, shape (..., n)
    """
    constant = at(values["source_noise_sd"], benchmark)
    if "source_noise_exponent" not in values:
        return constant
    spread, tilt = noise_terms(latent)
    logarithm = at(values["source_noise_exponent"], benchmark) * spread
    logarithm = logarithm + at(values["source_noise_tilt"], benchmark) * tilt
    return constant * namespace(latent).exp(logarithm)


def noise_terms(score: Any) -> tuple[Any, Any]:
    """Return what exponent and tilt multiply in the logarithm of the noise of a source.

    Parameters
    ----------
    score : array_like
        Expected scores.

    Returns
    -------
    spread, tilt : array_like
        ``ln((4 p (1 - p) + 0.04) / 1.04)`` and ``p - 1/2``.
    """
    xp = namespace(score)
    spread = (4.0 * xp.maximum(score * (1.0 - score), 0.0) + AT_AN_END) / (1.0 + AT_AN_END)
    return xp.log(spread), score - 0.5


def add_harness_offsets(
    design: Design, numbers: Numbers, priors: Mapping[str, PriorInModel]
) -> None:
    """Add the offsets of harnesses, and the drift of one, to the PyMC model in context.

    Parameters
    ----------
    design : Design
        With the harnesses that measured each benchmark.
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        With ``harness_offset_sd`` where harnesses differ, and ``harness_drift``
        where one of them changes in time.

    Notes
    -----
    Offsets have the shape ``(harness, benchmark)``, in logits, and are 0 for a
    harness that never measured the benchmark.
    """
    import pymc as pm

    from bayesdense.model.zero_sum import PartialZeroSum, partial_zero_sum_logp

    if "harness_drift" in priors:
        priors["harness_drift"].variable("harness_drift", dims="benchmark")
    if "harness_offset_sd" not in priors:
        return
    sd = priors["harness_offset_sd"].variable("harness_offset_sd", dims="benchmark")
    pm.CustomDist(
        "harness_offset",
        sd,
        numbers["harness_measured"],
        logp=partial_zero_sum_logp,
        random=partial_zero_sum_random,
        signature="(b),(h,b)->(h,b)",
        default_transform=PartialZeroSum(design.arrays["harness_measured"] > 0),
        dims=("harness", "benchmark"),
    )


def partial_zero_sum_random(
    sd: np.ndarray,
    measured: np.ndarray,
    rng: np.random.Generator | None = None,
    size: Any = None,
) -> np.ndarray:
    """Draw effects that are zero-sum over the rows that count in each column.

    Parameters
    ----------
    sd : numpy.ndarray, shape (..., column)
        Standard deviation before the mean is taken off.
    measured : numpy.ndarray, shape (..., row, column)
        1 where a row counts, 0 where it does not.
    rng : numpy.random.Generator, optional
        Source of randomness.
    size : tuple of int, optional
        Shape of the batch.

    Returns
    -------
    numpy.ndarray, shape (..., row, column)
    """
    rng = np.random.default_rng() if rng is None else rng
    sd, measured = np.asarray(sd), np.asarray(measured)
    batch = np.broadcast_shapes(sd.shape[:-1], measured.shape[:-2]) if size is None else tuple(size)
    z = rng.standard_normal((*batch, *measured.shape[-2:])) * sd[..., None, :] * measured
    count = np.maximum(measured.sum(axis=-2, keepdims=True), 1.0)
    return z - measured * z.sum(axis=-2, keepdims=True) / count


def harness_shift(values: Any, numbers: Any) -> Any:
    """Return by how many logits the harness of each score moves it.

    Parameters
    ----------
    values : mapping of str to array_like
        With ``harness_offset``, shape ``(..., harness, benchmark)``, where
        harnesses differ, and ``harness_drift``, shape ``(..., benchmark)``,
        where one of them changes in time.
    numbers : mapping of str to array_like
        Numbers of the design.

    Returns
    -------
    array_like, shape (..., score), or None
        None where harnesses do not differ.
    """
    benchmark, found = numbers["score_benchmark"], None
    if "harness_offset" in values:
        found = at(values["harness_offset"], numbers["score_harness"], benchmark)
    if "harness_drift" in values:
        drift = at(values["harness_drift"], benchmark) * numbers["score_drift_years"]
        found = drift if found is None else found + drift
    return found


def expected_scores(
    ruler: Ruler, logit: Any, shift: Any, numbers: Mapping[str, Any]
) -> tuple[Any, Any]:
    """Return the score of every cell, and of every measurement with the offset of its harness.

    Parameters
    ----------
    ruler : Ruler
        With values, or draws.
    logit : array_like, shape (..., cell)
        Of every cell, on the average harness.
    shift : array_like, shape (..., score), or None
        What `harness_shift` returned.
    numbers : mapping of str to array_like
        Numbers of the design.

    Returns
    -------
    latent : array_like, shape (..., cell)
        On the average harness.
    mean : array_like, shape (..., score)
    """
    latent = ruler.score(logit, numbers["cell_benchmark"])
    cell, benchmark = numbers["score_cell"], numbers["score_benchmark"]
    if shift is None:
        return latent, at(latent, cell)
    return latent, ruler.score(at(logit, cell) + shift, benchmark)


def item_variance(latent: Any, items: Any, spec: RulerSpec) -> Any:
    """Return the variance ``p (1 - p) / n`` that the sampling of items gives a score.

    Parameters
    ----------
    latent : array_like
        Scores.
    items : array_like
        Number of items.
    spec : RulerSpec
        With the switch, and the map.

    Returns
    -------
    array_like
        0 where items have no noise.
    """
    if not spec.item_noise:
        return 0.0 * latent
    variance = latent * (1.0 - latent) / items
    if spec.score_map.has_ceiling:
        return variance
    # Such a map leaves [0, 1], where a share of right answers has no variance.
    return namespace(variance).maximum(variance, 0.0)


def add_scores(spec: RulerSpec, ruler: Ruler, numbers: Numbers, *, logit: Any) -> None:
    """Add the measured scores to the PyMC model in context.

    Parameters
    ----------
    spec : RulerSpec
        With the switches of the observation.
    ruler : Ruler
        The ruler of the model.
    numbers : Numbers
        Numbers of the design.
    logit : tensor, shape (cell,)
        ``gamma (l - L)`` of each cell.
    """
    import pymc as pm

    cell = numbers["score_cell"]
    shift = harness_shift(pm.modelcontext(None).named_vars, numbers)
    latent, mean = expected_scores(ruler, logit, shift, numbers)
    latent = pm.Deterministic("expected_score", latent, dims="cell")
    if shift is None:
        mean = latent[cell]
    items = item_variance(latent, numbers["cell_items"], spec)[cell]
    noise = source_sd(pm.modelcontext(None).named_vars, latent, numbers["cell_benchmark"])[cell]
    if spec.observation == "student-t":
        # The items' share cannot be integrated out of a Student-t, so it is a variable.
        deviation = pm.Normal("item_effect", 0.0, 1.0, dims="cell")[cell]
        pm.StudentT(
            "score",
            nu=STUDENT_DEGREES,
            mu=mean + pm.math.sqrt(items) * deviation,
            sigma=noise,
            observed=numbers["score_observed"],
            dims="score_id",
        )
        return
    pm.CustomDist(
        "score",
        mean,
        items,
        noise**2,
        numbers["score_before"],
        numbers["score_first"],
        logp=replicated_logp,
        random=replicated_random,
        observed=numbers["score_observed"],
        dims="score_id",
    )


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
    value, mean, item_variance, source_variance : array_like, shape (..., score)
        Scores sorted by cell; draws may come before them.
    before : array_like, shape (score,)
        How many scores of the cell come before.
    first : array_like of int, shape (score,)
        Index of the first score of the cell.

    Returns
    -------
    array_like, shape (..., score)
        They add up to the joint log density of each cell.
    """
    residual = value - mean
    xp = namespace(residual)
    batch = residual.shape[:-1] if residual.ndim > 1 else ()
    sums = xp.cumsum(residual, axis=-1 if batch else None)[..., :-1]
    total = xp.concatenate([xp.zeros((*batch, 1)), sums], axis=len(batch))
    gain = item_variance / (source_variance + before * item_variance)
    correction = gain * (total - at(total, first))
    variance = source_variance * (1.0 + gain)
    quadratic = (residual - correction) ** 2 / variance
    return -0.5 * (quadratic + xp.log(variance) + np.log(2.0 * np.pi))


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
