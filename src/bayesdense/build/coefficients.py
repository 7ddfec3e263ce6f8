"""The coefficients of the loss law, in coordinates that sampling finds easy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.effects import moved_prior, scaled_normal
from bayesdense.build.layout import Layout
from bayesdense.build.leans import lean
from bayesdense.build.placed import PlacedPrior, length
from bayesdense.spec import RulerSpec

__all__ = ["add_coefficients", "log_term_logp", "log_term_random"]

# What the losses of one set say about the logarithm of an exponent, for coordinates.
EXPONENT_ERROR = 0.25
# Priors whose logarithm is sampled together with that of the other terms.
LOG_PRIORS = ("LogNormal", "HalfNormal")


def add_coefficients(
    layout: Layout, spec: RulerSpec, priors: Mapping[str, PlacedPrior], ends: list[Any]
) -> dict[str, Any]:
    """Add the law's coefficients to the PyMC model in context.

    Parameters
    ----------
    layout : Layout
        Decides which rulers there are.
    spec : RulerSpec
        With the law.
    priors : mapping of str to Prior
        All priors of the model.
    ends : list of tensor, shape (benchmark,)
        What `bayesdense.build.leans.of_ends` returned.

    Returns
    -------
    dict of str to tensor, shape (ruler,)
        Loss sets first, then benchmarks that have scores only.
    """
    import pymc as pm
    import pytensor.tensor as pt

    law, n_sets = spec.law, len(layout.loss_sets)
    scores_only = not layout.has_losses.all()
    mixed = n_sets > 0 and scores_only
    seen: dict[str, Any] = {}
    if n_sets:
        suffix = "_with_losses" if mixed else ""
        owner = dict(zip(law.exponents, law.terms, strict=False))
        together = (*((law.floor,) if law.floor else ()), *law.terms)
        if law.terms and all(priors[n].distribution in LOG_PRIORS for n in together):
            if law.floor and len(law.terms) == len(law.exponents):
                # With a floor to give way, exponents can come first, and the terms in
                # coordinates in which the slopes stay when an exponent moves.
                for i, name in enumerate(law.exponents):
                    if n_sets > 1:
                        seen[name] = _pooled_exponent(name, i, None, priors, suffix)
                    else:
                        seen[name] = priors[name].variable(f"{name}{suffix}", dims="loss_set")
                shift = _slopes_kept([seen[name] for name in law.exponents])
                seen |= _terms(together, priors, suffix, shift)
            else:
                seen |= _terms(together, priors, suffix, None)
        for name in law.coefficients:
            if name in seen:
                continue
            term = seen.get(owner.get(name, ""))
            if name in law.exponents and n_sets > 1:
                place = law.exponents.index(name)
                seen[name] = _pooled_exponent(name, place, term, priors, suffix)
            elif term is not None:
                seen[name] = _exponent(name, term, priors, suffix)
            else:
                seen[name] = priors[name].variable(f"{name}{suffix}", dims="loss_set")
    if not scores_only:
        return seen
    suffix = "_scores_only" if mixed else ""
    dim = "benchmark_scores_only" if mixed else "benchmark"
    which = pm.modelcontext(None)["unknown_benchmarks"]
    # A lower ceiling bends scores as a larger exponent does: what scores see is both together.
    ends = [values[which] for values in ends]
    shape = {
        name: moved_prior(f"{name}{suffix}", priors[name], lean(name, ends, which), dims=dim)
        if name in law.exponents
        else priors[name].variable(f"{name}{suffix}", dims=dim)
        for name in law.shape
    }
    unit = law.unit(shape)
    if not mixed:
        return unit
    both = {}
    for name, values in unit.items():
        first = seen[name] if name in seen else pt.zeros(length("loss_set"))
        ones = pt.ones(length("benchmark_scores_only"))
        both[name] = pm.math.concatenate([first, values * ones])
    for name in law.shape:
        pm.Deterministic(name, both[name], dims="ruler")
    return both


def _slopes_kept(exponents: list[Any]) -> Any:
    """Return the shift of the split of (floor, a, ...) that keeps ``a alpha`` and all others.

    To first order around a floor of a half and equal terms, with the sum
    fixed: the floor takes what the terms give up.
    """
    import pytensor.tensor as pt

    logs = [pt.log(values) for values in exponents]
    of_floor = -(sum(logs) / len(logs) + logs[-1])
    return pt.stack([of_floor, *(log - logs[-1] for log in logs)], axis=-1)


def _terms(
    names: tuple[str, ...], priors: Mapping[str, PlacedPrior], suffix: str, shift: Any
) -> dict[str, Any]:
    """Return the terms of the loss at the centre, sampled as their sum and its split.

    The losses fix the sum much better than any term.
    """
    import pymc as pm
    import pytensor.tensor as pt

    from bayesdense.build.transforms import total_and_split

    size = len(pm.modelcontext(None).coords["loss_set"])
    ones = pt.ones(length("loss_set"))

    def column(parameter: str, default: float) -> Any:
        given = [priors[n].symbols.get(parameter, default) for n in names]
        return pt.stack([ones * values for values in given], axis=1)

    half = np.array([float(priors[n].distribution == "HalfNormal") for n in names])
    location, scale = column("mu", 0.0), column("sigma", 1.0)
    medians = [np.broadcast_to(priors[n].prior.median(), size) for n in names]
    logs = pm.CustomDist(
        "log_terms",
        location,
        scale,
        half + pt.zeros_like(scale),
        pt.zeros_like(scale) if shift is None else shift,
        logp=log_term_logp,
        random=log_term_random,
        transform=total_and_split,
        initval=np.log(np.stack(medians, axis=1)),
        dims=("loss_set", "term"),
    )
    return {
        name: pm.Deterministic(f"{name}{suffix}", pm.math.exp(logs[:, i]), dims="loss_set")
        for i, name in enumerate(names)
    }


def log_term_logp(value: Any, location: Any, scale: Any, half: Any, shift: Any) -> Any:
    """Return the log density of the logarithm of a LogNormal or half-normal number.

    Parameters
    ----------
    value : tensor
        The logarithm.
    location, scale : tensor
        ``mu`` and ``sigma`` of the LogNormal; the half-normal has ``sigma`` only.
    half : tensor
        1 where the number is half-normal, 0 where it is LogNormal.
    shift : tensor
        Only moves the coordinates of the sampler.

    Returns
    -------
    tensor
    """
    import pytensor.tensor as pt

    normal = -0.5 * ((value - location) / scale) ** 2 - pt.log(scale * np.sqrt(2 * np.pi))
    of_half = 0.5 * np.log(2 / np.pi) - pt.log(scale) - 0.5 * pt.exp(2 * value) / scale**2 + value
    return pt.where(half > 0, of_half, normal)


def log_term_random(
    location: np.ndarray,
    scale: np.ndarray,
    half: np.ndarray,
    shift: np.ndarray,
    rng: np.random.Generator | None = None,
    size: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Draw what `log_term_logp` is the density of.

    Parameters
    ----------
    location, scale, half, shift
        As for `log_term_logp`.
    rng : numpy.random.Generator, optional
        Source of randomness.
    size : tuple of int, optional
        Shape of the result.

    Returns
    -------
    numpy.ndarray
    """
    rng = np.random.default_rng() if rng is None else rng
    z = rng.standard_normal(np.shape(location) if size is None else size)
    return np.where(half > 0, np.log(np.abs(z) * scale), location + scale * z)


def _exponent(name: str, term: Any, priors: Mapping[str, PlacedPrior], suffix: str) -> Any:
    """Return the exponent of a single loss set, sampled as the slope of its term.

    The losses fix how fast they fall, exponent times term, better than either.
    """
    import pymc as pm

    return moved_prior(f"{name}{suffix}", priors[name], pm.math.log(term), dims="loss_set")


def _pooled_exponent(
    name: str, place: int, term: Any, priors: Mapping[str, PlacedPrior], suffix: str
) -> Any:
    """Return exponents that loss sets share in part: Normal(mean, sd) on the log.

    The losses fix how fast they fall, exponent times term, better than the
    exponent; where they differ little, the mean says more than the losses.
    """
    import pymc as pm

    model = pm.modelcontext(None)
    mean = priors[f"{name}_mean"].variable(f"{name}_mean")
    spread = priors[f"{name}_sd"].variable(f"{name}_sd")
    around, information = None, EXPONENT_ERROR**-2
    if term is not None:
        around = model["slope_guess"][:, place] - mean - pm.math.log(term)
        information = model["slope_error"][:, place] ** -2
    deviation = f"{name}_deviation"
    logs = mean + scaled_normal(deviation, spread, information, "loss_set", around=around)
    return pm.Deterministic(f"{name}{suffix}", pm.math.exp(logs), dims="loss_set")
