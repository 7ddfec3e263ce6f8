"""The loss law through the losses of each set, and how well they fix it.

Least squares with the weights that Student-t noise gives, and the priors in outline. No result
depends on it: it says where chains start and in which coordinates they move.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from bayesdense.errors import BayesdenseError
from bayesdense.model.design import Design
from bayesdense.model.loss_data import LOSS_DEGREES
from bayesdense.model.loss_law import EXPONENT_SPREAD
from bayesdense.model.zero_sum import contrasts
from bayesdense.priors import Prior

__all__ = ["LawFit", "fit_law", "fitted_coefficients", "terms_of"]

# Priors whose logarithm is sampled together with that of the other terms.
LOG_PRIORS = ("LogNormal", "HalfNormal")

# The first noise that is tried, and the least that is believed: losses are printed with three or
# four digits.
FIRST_NOISE, LEAST_NOISE = 0.02, 2e-4
# Times that weights and noise are worked out anew.
ROUNDS = 8
# Usual spread of the logarithm of a coefficient of which the prior does not say it.
USUAL_SPREAD = 1.0
# Further than this from what is usual, in logarithms or in spreads, nothing was fitted.
FARTHEST = 5.0
# With fewer losses beyond the coefficients that they fix, they say nothing of their noise.
FEWEST_LEFT = 2.0
# A step in the logarithm of a coefficient.
STEP = 1e-5


@dataclass(frozen=True)
class LawFit:
    """A law that was fitted to losses, set by set.

    Attributes
    ----------
    coefficients : dict of str to numpy.ndarray, shape (loss_set,)
        All of the law; the usual value where it could not be fitted.
    noise : numpy.ndarray, shape (loss_set,)
        Scale of the noise of the logarithm of a loss; the median of its prior
        where losses do not say.
    free : dict of str to bool
        The coefficients that were fitted, and whether on their logarithm.
    spread : numpy.ndarray, shape (loss_set, free)
        Approximate standard deviations in the prior.
    information : numpy.ndarray, shape (loss_set, free, free)
        What the losses say of them, as a precision; 0 where nothing could be
        fitted.
    """

    coefficients: dict[str, np.ndarray]
    noise: np.ndarray
    free: dict[str, bool]
    spread: np.ndarray
    information: np.ndarray

    def fitted(self, loss_set: int) -> np.ndarray:
        """Return what was fitted to one loss set, as it was fitted.

        Parameters
        ----------
        loss_set : int
            Its code.

        Returns
        -------
        numpy.ndarray, shape (free,)
        """
        return _as_fitted({n: v[loss_set] for n, v in self.coefficients.items()}, self.free)


def fit_law(design: Design, law: Any, priors: Mapping[str, Prior]) -> LawFit:
    """Fit a law to the losses of each set.

    Parameters
    ----------
    design : Design
        With losses.
    law : LossLaw
        The law.
    priors : mapping of str to Prior
        All priors of the model.

    Returns
    -------
    LawFit
    """
    arrays, count = design.arrays, len(design.loss_sets)
    coefficients = {name: _usual(name, law, priors, design) for name in law.coefficients}
    free = fitted_coefficients(law, priors)
    noise = np.broadcast_to(priors["loss_noise_sd"].median(), count).astype(float)
    spread = np.array([_spread(name, law, priors, count) for name in free]).reshape(-1, count).T
    information = np.zeros((count, len(free), len(free)))
    directions, offset_spread = _family_offsets(design, priors)
    for k in range(count):
        rows = arrays["loss_set_code"] == k
        x = arrays["relative_log_size"][arrays["loss_model"][rows]]
        z, seen = arrays["loss_tokens"][rows], arrays["loss_observed"][rows]
        given = {name: arrays[f"loss_{name}"][rows] for name in law.covariates}
        given |= {name: values[k] for name, values in coefficients.items() if name not in free}
        family = directions[arrays["loss_model"][rows] - design.size("target")]
        none = np.zeros(family.shape[1])
        usual = _as_fitted({name: values[k] for name, values in coefficients.items()}, free)
        start = np.concatenate([usual, none])
        widths = np.concatenate([spread[k], none + offset_spread])
        at = {"x": x, "z": z, "seen": seen, "given": given, "family": family}
        missed = partial(_missed, law=law, free=free, **at)
        try:
            # A law of one's own may do anything, and this only sets coordinates.
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                found, left, known = _fitted(missed, start, widths, noise[k])
        except (ValueError, TypeError, BayesdenseError):
            continue
        near = np.abs(found - start) < FARTHEST * np.maximum(widths, 1.0)
        if not (free and np.isfinite(known).all() and near.all()):
            continue
        n = len(free)
        for name, value in _as_coefficients(found[:n], free).items():
            coefficients[name][k] = value
        offset_information = known[n:, n:] + np.diag(widths[n:] ** -2.0)
        information[k] = known[:n, :n] - known[:n, n:] @ np.linalg.solve(
            offset_information, known[n:, :n]
        )
        noise[k] = left
    return LawFit(coefficients, noise, free, spread, information)


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


def terms_of(law: Any, priors: Mapping[str, Prior]) -> tuple[str, ...]:
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


def _family_offsets(design: Design, priors: Mapping[str, Prior]) -> tuple[np.ndarray, float]:
    """Return the contrasts between families of each reference, and how far they may be apart.

    Runs of another family have the losses of runs of another size.
    """
    if "reference_family_offset" not in priors:
        return np.zeros((design.size("reference"), 0)), 1.0
    basis = contrasts(design.size("reference_family"))
    sigma = priors["reference_family_offset"].parameters["sigma"]
    return basis[design.arrays["reference_family_code"]], float(np.asarray(sigma))


def _as_fitted(coefficients: Mapping[str, Any], free: Mapping[str, bool]) -> np.ndarray:
    """Return the coefficients that are fitted, or their logarithms."""
    return np.array(
        [np.log(coefficients[n]) if log else coefficients[n] for n, log in free.items()]
    )


def _as_coefficients(p: np.ndarray, free: Mapping[str, bool]) -> dict[str, float]:
    """Return coefficients by name: the inverse of `_as_fitted`."""
    values = zip(free.items(), p, strict=True)
    return {name: float(np.exp(value) if log else value) for (name, log), value in values}


def _missed(
    p: np.ndarray,
    *,
    law: Any,
    free: Mapping[str, bool],
    x: np.ndarray,
    z: np.ndarray,
    seen: np.ndarray,
    given: Mapping[str, Any],
    family: np.ndarray,
) -> np.ndarray:
    """Return by how much the logarithms of losses are missed.

    Given what is fitted of coefficients, and how far families are apart along their contrasts.
    """
    coefficients = _as_coefficients(p[: len(free)], free) | dict(given)
    offsets = p[len(free) :]
    losses = law.loss(x + family @ offsets, z, coefficients)
    return np.asarray(np.log(losses) - seen)


def _fitted(
    missed: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    spread: np.ndarray,
    usual_noise: float,
) -> tuple[np.ndarray, float, np.ndarray]:
    """Return what was fitted, the noise that is left, and what the losses say at that noise.

    Weights and noise as in the EM algorithm for Student-t errors (Lange, Little and Taylor, 1989).
    """
    from scipy.optimize import least_squares

    p, noise, weights = start, FIRST_NOISE, np.ones(len(missed(start)))
    fixed = np.diag(spread**-2.0)
    for _ in range(ROUNDS):
        # Bound here, since it changes from round to round.
        root = np.sqrt(weights) / noise

        def all_missed(q: np.ndarray, root: np.ndarray = root) -> np.ndarray:
            return np.concatenate([root * missed(q), (q - start) / spread])

        p = least_squares(all_missed, p).x
        by, slopes = missed(p), _slopes(missed, p)
        weights = (LOSS_DEGREES + 1) / (LOSS_DEGREES + (by / noise) ** 2)
        said = slopes.T @ (slopes * root[:, None] ** 2)
        beyond = len(by) - np.trace(np.linalg.solve(said + fixed, said))
        if beyond < FEWEST_LEFT:
            noise = usual_noise
            break
        noise = max(float(np.sqrt((weights * by**2).sum() / beyond)), LEAST_NOISE)
    # Of a Student-t error, a Normal one of the same scale says this much.
    share = (LOSS_DEGREES + 1) / (LOSS_DEGREES + 3)
    return p, noise, share * slopes.T @ slopes / noise**2


def _slopes(missed: Callable[[np.ndarray], np.ndarray], p: np.ndarray) -> np.ndarray:
    """Return the derivatives of what is missed, a column for each coefficient."""
    steps = STEP * np.eye(len(p))
    return np.stack([(missed(p + h) - missed(p - h)) / (2 * STEP) for h in steps], axis=1)


def _spread(name: str, law: Any, priors: Mapping[str, Prior], count: int) -> np.ndarray:
    """Return the prior deviation of a coefficient or of its logarithm, or a usual value for it."""
    prior = priors.get(name)
    if prior is not None and (prior.distribution == "LogNormal" or prior.support == "real"):
        return np.broadcast_to(prior.arrays().get("sigma", 1.0), count).astype(float)
    return np.full(count, EXPONENT_SPREAD if name in law.exponents else USUAL_SPREAD)


def _usual(name: str, law: Any, priors: Mapping[str, Prior], design: Design) -> np.ndarray:
    """Return the medians of priors; amplitudes and floor such that they add up to the losses."""
    count = len(design.loss_sets)
    if name in law.exponents and name not in priors:
        values = np.exp(priors[f"{name}_mean"].median())
    else:
        values = priors[name].median()
    values = np.broadcast_to(values, count).astype(float)
    together = (*((law.floor,) if law.floor else ()), *law.terms)
    if name in together and law.terms:
        share = 2.0 if name == law.floor else 1.0
        whole = len(law.terms) + (2.0 if law.floor else 0.0)
        values = design.mean_loss * share / whole
    return values
