"""Sample the coefficients of the loss law where losses put them.

Exponents first, each given those before it; then the terms, as the logarithm of their sum and how
it is split, given the exponents; then all else.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.coordinates.loss_law import LawCoordinates
from bayesdense.coordinates.loss_law_fit import fitted_coefficients, terms_of
from bayesdense.coordinates.transforms import total_and_split
from bayesdense.model.loss_law import EXPONENT_SPREAD
from bayesdense.priors import Prior

__all__ = ["log_term_logp", "move_loss_law"]

# How far from the fit chains start in noise and means of exponents: a fifth of the usual. The other
# coordinates are standardised by what losses say of them.
NEAR = 0.1


def move_loss_law(rewriting: Any, law: LawCoordinates) -> tuple[str, ...]:
    """Put the coefficients of the law into coordinates that its losses suit.

    Parameters
    ----------
    rewriting : object
        The rewrite of the model, see `bayesdense.coordinates.reparametrise`.
    law : LawCoordinates
        Where losses put the coefficients.

    Returns
    -------
    tuple of str
        The variables that are sampled together as ``log_terms``.
    """
    import pytensor.tensor as pt

    v, form, priors = rewriting.v, rewriting.spec.law, rewriting.priors
    mixed = not rewriting.design.has_losses.all()
    suffix = "_with_losses" if mixed else ""
    start = dict(zip(form.coefficients, law.coefficients.T, strict=True))
    logs = _exponents(rewriting, suffix, start)
    # Where the others are, given the exponents.
    centre, turn, back = v["at_law_centre"], v["at_law_turn"], v["at_law_turn_back"]
    for i, log in enumerate(logs):
        centre = centre + v["at_law_slope"][:, :, i] * log[:, None]
    fitted, together = fitted_coefficients(form, priors), terms_of(form, priors)
    left: list[Any] = []
    if together:
        n = len(together)
        names = tuple(f"{name}{suffix}" for name in together)
        parameters = _term_parameters(rewriting, together)
        parameters += [centre[:, :n], *(turn[:, :n, i] for i in range(n))]
        parameters += [back[:, :n, i] for i in range(n)]
        at_start = np.log(np.stack([start[name] for name in together], axis=1))
        dims = ("loss_set", "term")
        v.join(names, "log_terms", parameters, log_term_logp, total_and_split, at_start, dims)
        terms = v["log_terms"]
        split = [terms[:, i] - terms[:, n - 1] for i in range(n - 1)]
        left = [
            value - centre[:, i] for i, value in enumerate([pt.logsumexp(terms, axis=1), *split])
        ]
    for name in form.coefficients:
        if name in form.exponents or name in together:
            continue
        variable = f"{name}{suffix}"
        if name not in fitted:
            v.start(variable, priors[name].median())
            continue
        i = len(left)
        shift = sum((turn[:, i, j] * value for j, value in enumerate(left)), 0.0)
        rate = turn[:, i, i]
        rewriting.move(
            variable,
            shift - rate * centre[:, i],
            prior=name,
            rate=rate,
            start=_possible(start[name], priors[name]),
        )
        value = pt.log(v[variable]) if fitted[name] else v[variable]
        left.append(value - centre[:, i])
    v.start("loss_noise_sd", _possible(law.noise, priors["loss_noise_sd"]))
    rewriting.near["loss_noise_sd"] = NEAR
    return tuple(f"{name}{suffix}" for name in together)


def _exponents(rewriting: Any, suffix: str, start: dict[str, np.ndarray]) -> list[Any]:
    """Move the exponents, and return their logarithms.

    Losses say of them ``-e'Ke/2 + h'e``. Each is sampled given those before it, with those after it
    integrated out: of a prior with precision ``p`` and mean ``m`` the last leaves
    ``K_ij - K_in K_jn / (K_nn + p)`` and ``h_i - K_in (h_n + p m) / (K_nn + p)``.
    """
    import pymc as pm
    import pytensor.tensor as pt

    v, law = rewriting.v, rewriting.spec.law
    names, several = law.exponents, len(rewriting.design.loss_sets) > 1
    places = range(len(names))
    known = [[v["at_law_information"][:, i, j] for j in places] for i in places]
    pull = [v["at_law_pull"][:, i] for i in places]
    means: list[Any] = [np.log(law.exponent_centre) for _ in names]
    precision: list[Any] = [EXPONENT_SPREAD**-2 for _ in names]
    if several:
        means = [v[f"{name}_mean"] for name in names]
        precision = [v[f"{name}_sd"] ** -2.0 for name in names]
    for n in reversed(places[1:]):
        share = 1.0 / (known[n][n] + precision[n])
        for i in range(n):
            by = known[i][n] * share
            pull[i] = pull[i] - by * (pull[n] + precision[n] * means[n])
            for j in range(n):
                known[i][j] = known[i][j] - by * known[j][n]
    logs: list[Any] = []
    for i, name in enumerate(names):
        variable = f"{name}{suffix}"
        towards = pull[i] - sum((known[i][j] * logs[j] for j in range(i)), 0.0)
        rate = pt.sqrt(known[i][i] + precision[i])
        shift = -(towards + precision[i] * means[i]) / rate
        if several:
            logs_of = np.log(start[name])
            v.move(
                variable,
                [means[i], v[f"{name}_sd"]],
                pm.LogNormal.dist,
                shift=shift,
                rate=rate,
                log=True,
                start=start[name],
            )
            v.start(f"{name}_mean", logs_of.mean())
            rewriting.near[f"{name}_mean"] = NEAR
        else:
            prior = rewriting.priors[name]
            rewriting.move(
                variable, shift, prior=name, rate=rate, start=_possible(start[name], prior)
            )
        logs.append(pt.log(v[variable]))
    return logs


def _term_parameters(rewriting: Any, names: tuple[str, ...]) -> list[Any]:
    """Return location, scale and kind of the priors of terms, shape ``(loss_set, term)``."""
    import pytensor.tensor as pt

    ones = pt.ones(rewriting.v.length("loss_set"))

    def column(parameter: str, default: float) -> Any:
        given = [rewriting.parameters[n].get(parameter, default) for n in names]
        return pt.stack([ones * values for values in given], axis=1)

    half = [float(rewriting.priors[n].distribution == "HalfNormal") for n in names]
    location, scale = column("mu", 0.0), column("sigma", 1.0)
    return [location, scale, np.array(half) + pt.zeros_like(scale)]


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
    half_normal = (
        0.5 * np.log(2 / np.pi) - pt.log(scale) - 0.5 * pt.exp(2 * value) / scale**2 + value
    )
    return pt.where(half > 0, half_normal, normal)


def _possible(values: Any, prior: Prior) -> np.ndarray:
    """Return values, or the median of the prior where they lie at its bounds or beyond."""
    lower, upper = prior.bounds
    return np.where((values > lower) & (values < upper), values, prior.median())
