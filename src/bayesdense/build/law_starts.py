"""Where chains start in the coefficients of the law: least squares through the losses.

Some losses can be explained in two ways, of which one is far less likely than the other. Chains
that start far from both may meet the lesser one first, and take long to leave it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.layout import Layout
from bayesdense.errors import BayesdenseError
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec
from bayesdense.starts import start_within

__all__ = ["least_squares_law", "start_at_losses"]

# Weight of the priors against a per cent of scatter, so that coefficients that losses do not
# fix stay where they are usual.
PULL = 0.01
SCATTER = 0.02
LEAST_NOISE = 0.005
# Further than this from what is usual, on the logarithm, nothing was fitted.
FARTHEST = 5.0
# How far from there chains start: a fifth of the usual, since losses fix these coefficients well.
SPREAD = 0.1


def start_at_losses(
    model: Any, layout: Layout, spec: RulerSpec, priors: Mapping[str, Prior]
) -> None:
    """Let chains start near least squares through the losses.

    Parameters
    ----------
    model : pymc.Model
        Of which initial values are set.
    layout : Layout
        With losses.
    spec : RulerSpec
        With the law.
    priors : mapping of str to Prior
        All priors of the model.
    """
    law = spec.law
    found = least_squares_law(layout, law, priors)
    free = {str(variable.name): variable for variable in model.free_RVs}
    suffix = "" if layout.has_losses.all() else "_with_losses"
    values = {f"{name}{suffix}": found[name] for name in law.coefficients}
    values |= {f"{name}_mean": np.log(found[name]).mean() for name in law.exponents}
    values["sigma_loss"] = found["sigma_loss"]
    if "log_terms" in free:
        terms = np.stack([found[str(name)] for name in model.coords["term"]], axis=1)
        values["log_terms"] = np.log(terms)
    for name in values.keys() & free.keys():
        model.set_initval(free[name], values[name])
        start_within(free[name], SPREAD)


def least_squares_law(layout: Layout, law: Any, priors: Mapping[str, Prior]) -> dict[str, Any]:
    """Return coefficients of the law that fit the losses, and the noise that is left.

    Parameters
    ----------
    layout : Layout
        With losses.
    law : LossLaw
        The law.
    priors : mapping of str to Prior
        All priors of the model.

    Returns
    -------
    dict of str to numpy.ndarray, shape (loss_set,)
        By coefficient, and ``sigma_loss``. The usual value where the law
        cannot be fitted. Only coefficients that are positive are fitted.
    """
    from scipy.optimize import least_squares

    arrays, count = layout.arrays, len(layout.loss_sets)
    usual = {name: _usual(name, law, priors, layout) for name in law.coefficients}
    noise = np.broadcast_to(priors["sigma_loss"].median(), count).astype(float)
    found = {name: values.copy() for name, values in usual.items()} | {"sigma_loss": noise.copy()}
    free = [name for name in law.coefficients if (usual[name] > 0).all()]
    for k in range(count):
        rows = arrays["loss_set_code"] == k
        x = arrays["relative_log_size"][arrays["loss_model"][rows]]
        z, seen = arrays["loss_tokens"][rows], arrays["loss_observed"][rows]
        given = {name: arrays[f"loss_{name}"][rows] for name in law.covariates}
        given |= {name: usual[name][k] for name in law.coefficients if name not in free}
        start = np.log([usual[name][k] for name in free])

        def missed(p: np.ndarray, *at: Any) -> np.ndarray:
            x, z, seen, start, given = at
            coefficients = dict(zip(free, np.exp(p), strict=True)) | given
            by = np.log(law.loss(x, z, coefficients)) - seen
            return np.concatenate([by, PULL * (p - start)])

        at = x, z, seen, start, given
        try:
            # A law of one's own may do anything, and this is only a start.
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                fitted = least_squares(missed, start, args=at, loss="soft_l1", f_scale=SCATTER)
        except (ValueError, TypeError, BayesdenseError):
            continue
        if not np.isfinite(fitted.x).all() or np.abs(fitted.x - start).max() > FARTHEST:
            continue
        for name, value in zip(free, np.exp(fitted.x), strict=True):
            found[name][k] = value
        left = np.median(np.abs(missed(fitted.x, *at)[: rows.sum()]))
        found["sigma_loss"][k] = max(1.5 * float(left), LEAST_NOISE)
    return found


def _usual(name: str, law: Any, priors: Mapping[str, Prior], layout: Layout) -> np.ndarray:
    """Return the medians of priors; amplitudes and floor such that they add up to the losses."""
    count = len(layout.loss_sets)
    if name in law.exponents and name not in priors:
        values = np.exp(priors[f"{name}_mean"].median())
    else:
        values = priors[name].median()
    values = np.broadcast_to(values, count).astype(float)
    together = (*((law.floor,) if law.floor else ()), *law.terms)
    if name in together and law.terms:
        share = 2.0 if name == law.floor else 1.0
        whole = len(law.terms) + (2.0 if law.floor else 0.0)
        values = layout.mean_loss * share / whole
    return values
