"""The coefficients of the loss law, in coordinates that sampling finds easy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.algebra import inverse, root
from bayesdense.build.effects import moved_prior, scaled_normal
from bayesdense.build.layout import Layout
from bayesdense.build.leans import lean
from bayesdense.build.placed import PlacedPrior, length
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec

__all__ = [
    "EXPONENT_SPREAD",
    "add_coefficients",
    "fitted_coefficients",
    "log_term_logp",
    "log_term_random",
    "sampled_together",
]

# Usual spread of the logarithm of an exponent.
EXPONENT_SPREAD = 0.3
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
    seen = _of_losses(layout, spec, priors, "_with_losses" if mixed else "") if n_sets else {}
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


def fitted_coefficients(law: Any, priors: Mapping[str, Prior]) -> dict[str, bool]:
    """Return the coefficients of a law that are fitted to losses.

    Parameters
    ----------
    law : LossLaw
        The law.
    priors : mapping of str to Prior
        All priors of the model. Their distributions count, their numbers do
        not, but for bounds: models that share compiled code have the same.

    Returns
    -------
    dict of str to bool
        By name, whether it is the logarithm that is fitted: of all that cannot
        be negative. One with bounds on both sides of 0 is not fitted.
    """
    found = {}
    for name in law.coefficients:
        if name in law.exponents or priors[name].bounds[0] >= 0:
            found[name] = True
        elif priors[name].support == "real":
            found[name] = False
    return found


def sampled_together(law: Any, priors: Mapping[str, Prior]) -> tuple[str, ...]:
    """Return the terms of the loss at the centre that are sampled as their sum and its split.

    Parameters
    ----------
    law : LossLaw
        The law.
    priors : mapping of str to Prior
        All priors of the model.

    Returns
    -------
    tuple of str
        The floor, where there is one, and the terms; empty where the law is
        not a sum, or a term has a prior whose logarithm is not sampled.
    """
    terms = (*((law.floor,) if law.floor else ()), *law.terms) if law.terms else ()
    return (
        terms if len(terms) > 1 and all(priors[n].distribution in LOG_PRIORS for n in terms) else ()
    )


def _of_losses(
    layout: Layout, spec: RulerSpec, priors: Mapping[str, PlacedPrior], suffix: str
) -> dict[str, Any]:
    """Return the coefficients of loss sets, sampled in the coordinates of `law_coordinates`."""
    import pymc as pm

    model, law = pm.modelcontext(None), spec.law
    logs = _exponents(layout, law, priors, suffix)
    seen = {name: pm.math.exp(values) for name, values in logs.items()}
    if len(layout.loss_sets) > 1:
        seen = {n: pm.Deterministic(f"{n}{suffix}", v, dims="loss_set") for n, v in seen.items()}
    # Where the others are, given the exponents.
    centre = model["law_centre"]
    for i, log in enumerate(logs.values()):
        centre = centre + model["law_lean"][:, :, i] * log[:, None]
    turn, back = model["law_turn"], model["law_turn_back"]
    left: list[Any] = []
    plain = {name: placed.prior for name, placed in priors.items()}
    fitted, together = fitted_coefficients(law, plain), sampled_together(law, plain)
    if together:
        n = len(together)
        block = centre[:, :n], turn[:, :n, :n], back[:, :n, :n]
        terms = _terms(together, priors, *block)
        total = pm.math.logsumexp(terms, axis=1, keepdims=True)[:, 0]
        split = [terms[:, i] - terms[:, n - 1] for i in range(n - 1)]
        left = [value - centre[:, i] for i, value in enumerate([total, *split])]
        for i, name in enumerate(together):
            value = pm.math.exp(terms[:, i])
            seen[name] = pm.Deterministic(f"{name}{suffix}", value, dims="loss_set")
    for name in law.coefficients:
        if name in seen:
            continue
        if name not in fitted:
            seen[name] = priors[name].variable(f"{name}{suffix}", dims="loss_set")
            continue
        i = len(left)
        shift = sum((turn[:, i, j] * value for j, value in enumerate(left)), 0.0)
        rate = turn[:, i, i]
        seen[name] = moved_prior(
            f"{name}{suffix}",
            priors[name],
            shift - rate * centre[:, i],
            rate=rate,
            dims="loss_set",
        )
        value = pm.math.log(seen[name]) if fitted[name] else seen[name]
        left.append(value - centre[:, i])
    return {name: seen[name] for name in law.coefficients}


def _exponents(
    layout: Layout, law: Any, priors: Mapping[str, PlacedPrior], suffix: str
) -> dict[str, Any]:
    """Return the logarithms of the exponents of loss sets.

    Losses say of them ``-e'Ke/2 + h'e``. Each is sampled given those before it, with those after it
    integrated out: of a prior with precision ``p`` and mean ``m`` the last leaves
    ``K_ij - K_in K_jn / (K_nn + p)`` and ``h_i - K_in (h_n + p m) / (K_nn + p)``.
    """
    import pymc as pm

    model, names = pm.modelcontext(None), law.exponents
    several = len(layout.loss_sets) > 1
    places = range(len(names))
    known = [[model["law_information"][:, i, j] for j in places] for i in places]
    pull = [model["law_pull"][:, i] for i in places]
    means, spreads, precision = [], [], []
    for name in names:
        if several:
            means.append(priors[f"{name}_mean"].variable(f"{name}_mean"))
            spreads.append(priors[f"{name}_sd"].variable(f"{name}_sd"))
            precision.append(inverse(spreads[-1] ** 2))
        else:
            means.append(np.log(law.exponent_centre))
            precision.append(EXPONENT_SPREAD**-2)
    for n in reversed(places[1:]):
        share = inverse(known[n][n] + precision[n])
        for i in range(n):
            by = known[i][n] * share
            pull[i] = pull[i] - by * (pull[n] + precision[n] * means[n])
            for j in range(n):
                known[i][j] = known[i][j] - by * known[j][n]
    found: dict[str, Any] = {}
    for i, name in enumerate(names):
        towards = pull[i] - sum((known[i][j] * found[names[j]] for j in range(i)), 0.0)
        if several:
            deviation = scaled_normal(
                f"{name}_deviation",
                spreads[i],
                known[i][i],
                "loss_set",
                pull=towards - known[i][i] * means[i],
                start=0.0,
            )
            found[name] = means[i] + deviation
            continue
        rate = root(known[i][i] + precision[i])
        shift = -(towards + precision[i] * means[i]) * inverse(rate)
        value = moved_prior(f"{name}{suffix}", priors[name], shift, rate=rate, dims="loss_set")
        found[name] = pm.math.log(value)
    return found


def _terms(
    names: tuple[str, ...],
    priors: Mapping[str, PlacedPrior],
    centre: Any,
    turn: Any,
    back: Any,
) -> Any:
    """Return the logarithms of the terms of the loss at the centre, shape ``(loss_set, term)``."""
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
    return pm.CustomDist(
        "log_terms",
        location,
        scale,
        half + pt.zeros_like(scale),
        centre,
        *(turn[:, :, i] for i in range(len(names))),
        *(back[:, :, i] for i in range(len(names))),
        logp=log_term_logp,
        random=log_term_random,
        transform=total_and_split,
        initval=np.log(np.stack(medians, axis=1)),
        dims=("loss_set", "term"),
    )


def log_term_logp(value: Any, location: Any, scale: Any, half: Any, *coordinates: Any) -> Any:
    """Return the log density of the logarithm of a LogNormal or half-normal number.

    Parameters
    ----------
    value : tensor
        The logarithm.
    location, scale : tensor
        ``mu`` and ``sigma`` of the LogNormal; the half-normal has ``sigma`` only.
    half : tensor
        1 where the number is half-normal, 0 where it is LogNormal.
    *coordinates : tensor
        Only move the coordinates of the sampler.

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
    *coordinates: np.ndarray,
    rng: np.random.Generator | None = None,
    size: tuple[int, ...] | None = None,
) -> np.ndarray:
    """Draw what `log_term_logp` is the density of.

    Parameters
    ----------
    location, scale, half, *coordinates
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
