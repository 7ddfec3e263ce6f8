"""Where chains start in the coefficients of the law: least squares through the losses.

From far off, some chains end where the noise makes up for a law that is wrong, and stay there.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.layout import Layout
from bayesdense.errors import BayesdenseError
from bayesdense.priors import Prior

__all__ = ["law_starts"]

# Weight of the priors against a per cent of scatter, so that coefficients that losses do not
# fix stay where they are usual.
PULL = 0.01
LEAST_NOISE = 0.005


def law_starts(layout: Layout, law: Any, priors: Mapping[str, Prior]) -> dict[str, np.ndarray]:
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
        fixed = {name: usual[name][k] for name in law.coefficients if name not in free}
        start = np.log([usual[name][k] for name in free])

        def residual(p: np.ndarray, *at: Any) -> np.ndarray:
            x, z, seen, start, more = at
            c = dict(zip(free, np.exp(p), strict=True)) | more
            missed = np.log(law.loss(x, z, c)) - seen
            return np.concatenate([missed, PULL * (p - start)])

        try:
            # A law of one's own may do anything, and this is only a start.
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                fitted = least_squares(
                    residual,
                    start,
                    args=(x, z, seen, start, given | fixed),
                    loss="soft_l1",
                    f_scale=0.02,
                )
        except (ValueError, TypeError, BayesdenseError):
            continue
        if not np.isfinite(fitted.x).all() or np.abs(fitted.x - start).max() > 5.0:
            continue
        missed = residual(fitted.x, x, z, seen, start, given | fixed)[: rows.sum()]
        for name, value in zip(free, np.exp(fitted.x), strict=True):
            found[name][k] = value
        found["sigma_loss"][k] = max(float(np.median(np.abs(missed))) * 1.5, LEAST_NOISE)
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
