"""The loss law (eq. 2) in a PyMC model: its coefficients, and the losses that were measured.

The law gives the loss ``L_k(N, D)`` on loss set ``k``; a measured one has ``ln L_measured ~
StudentT(4, ln L_k, loss_noise_sd_k)``. Exponents are partially pooled over loss sets. Where there
are scores only, the loss has no scale, and only the coefficients in ``LossLaw.shape`` are left;
with ``exponents="pooled"`` those of such benchmarks are partially pooled too, ``ln alpha_j ~
Normal(alpha_mean, alpha_sd)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.model.design import Design
from bayesdense.model.loss_data import LOSS_DEGREES
from bayesdense.model.numbers import Numbers, PriorInModel, at
from bayesdense.model.ruler import Ruler, coefficients_of
from bayesdense.priors import Prior

__all__ = [
    "EXPONENT_SPREAD",
    "add_loss_law",
    "add_losses",
    "add_shape",
    "expected_losses",
    "pooled_exponents",
    "loss_law_priors",
]

EXPONENT_SPREAD = 0.3
"""Standard deviation of the prior of a log exponent, and scale of that of its spread."""

POOLED_CENTRE = 1 / 3
"""Of exponents with scores only, the prior median of their mean, in units of that with losses."""

POOLED_MEAN_SD = 0.4
"""Standard deviation of the prior of the mean of log exponents with scores only."""


def loss_law_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of the law's coefficients and of the noise of losses.

    Parameters
    ----------
    design : Design
        Decides which parameters there are.

    Returns
    -------
    dict of str to Prior
    """
    law = design.spec.law
    priors: dict[str, Prior] = {}
    n_sets, scores_only = len(design.loss_sets), not design.has_losses.all()
    centre = float(np.log(law.exponent_centre))
    pooled = pooled_exponents(design)
    for name in law.exponents:
        if n_sets > 1:
            priors[f"{name}_mean"] = Prior("Normal", mu=centre, sigma=EXPONENT_SPREAD)
            priors[f"{name}_sd"] = Prior("HalfNormal", sigma=EXPONENT_SPREAD)
        if n_sets == 1 or (scores_only and name in law.shape and name not in pooled):
            priors[name] = Prior("LogNormal", mu=centre, sigma=EXPONENT_SPREAD)
        if name in pooled:
            mean, sd = pooled[name]
            lower = centre + float(np.log(POOLED_CENTRE))
            priors[mean] = Prior("Normal", mu=lower, sigma=POOLED_MEAN_SD)
            priors[sd] = Prior("HalfNormal", sigma=EXPONENT_SPREAD)
    if n_sets:
        priors |= law.priors(design.mean_loss)
        priors["loss_noise_sd"] = Prior("HalfNormal", sigma=0.1)
    return priors


def pooled_exponents(design: Design) -> dict[str, tuple[str, str]]:
    """Return the exponents that benchmarks with scores only have around a common mean.

    Parameters
    ----------
    design : Design
        Decides whether there are several such benchmarks.

    Returns
    -------
    dict of str to (str, str)
        By exponent, the names of the mean and of the spread of its logarithm.
    """
    law = design.spec.law
    if design.spec.exponents != "pooled" or (~design.has_losses).sum() < 2:
        return {}
    # Loss sets have a mean and a spread of their own, of losses and not of scores.
    suffix = "_scores_only" if design.loss_sets else ""
    names = [name for name in law.shape if name in law.exponents]
    return {name: (f"{name}_mean{suffix}", f"{name}_sd{suffix}") for name in names}


def add_loss_law(design: Design, priors: Mapping[str, PriorInModel]) -> None:
    """Add the coefficients of the law to the PyMC model in context.

    Parameters
    ----------
    design : Design
        Decides which loss sets there are, and which benchmarks have scores only.
    priors : mapping of str to PriorInModel
        All priors of the model.
    """
    import pymc as pm

    law, scores_only = design.spec.law, not design.has_losses.all()
    mixed = bool(design.loss_sets) and scores_only
    if design.loss_sets:
        suffix = "_with_losses" if mixed else ""
        for name in law.coefficients:
            if name in law.exponents and len(design.loss_sets) > 1:
                mean, sd = (
                    priors[f"{name}_{of}"].variable(f"{name}_{of}") for of in ("mean", "sd")
                )
                pm.LogNormal(f"{name}{suffix}", mean, sd, dims="loss_set")
            else:
                priors[name].variable(f"{name}{suffix}", dims="loss_set")
    if not scores_only:
        return
    suffix = "_scores_only" if mixed else ""
    dims = "benchmark_scores_only" if mixed else "benchmark"
    pooled = pooled_exponents(design)
    for name in law.shape:
        if name in pooled:
            mean, sd = (priors[of].variable(of) for of in pooled[name])
            pm.LogNormal(f"{name}{suffix}", mean, sd, dims=dims)
        else:
            priors[name].variable(f"{name}{suffix}", dims=dims)


def add_shape(design: Design, numbers: Numbers) -> None:
    """Add, with one entry a ruler, the coefficients that a law keeps without losses.

    They are deterministics, of use where some benchmarks have losses and
    others scores only.

    Parameters
    ----------
    design
        As for `add_loss_law`.
    numbers : Numbers
        Numbers of the design.
    """
    import pymc as pm

    if design.loss_sets and not design.has_losses.all():
        every = coefficients_of(pm.modelcontext(None).named_vars, numbers, design)
        for name in design.spec.law.shape:
            pm.Deterministic(name, every[name], dims="ruler")


def expected_losses(ruler: Ruler, values: Any, numbers: Any, size: Any, n_targets: Any) -> Any:
    """Return the loss that the law gives for every run with a measured one.

    Parameters
    ----------
    ruler : Ruler
        With values, or draws.
    values : mapping of str to array_like
        Variables of the model, or draws.
    numbers : mapping of str to array_like
        Numbers of the design.
    size : array_like, shape (..., model)
        ``ln(N/N*)``, as the model counts sizes.
    n_targets : int or tensor
        Targets come before references.

    Returns
    -------
    array_like, shape (..., loss_id)
    """
    run = numbers["loss_model"]
    x = at(size, run)
    if "reference_family_offset" in values:
        # The offset r of a reference family acts as extra log size.
        family = numbers["reference_family_code"][run - n_targets]
        x = x + at(values["reference_family_offset"], family)
    covariates = {name: numbers[f"loss_{name}"] for name in ruler.law.covariates}
    return ruler.loss(x, numbers["loss_tokens"], numbers["loss_set_code"], covariates)


def add_losses(
    ruler: Ruler, numbers: Numbers, priors: Mapping[str, PriorInModel], size: Any
) -> None:
    """Add the measured losses to the PyMC model in context.

    Parameters
    ----------
    ruler : Ruler
        The ruler of the model.
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        All priors of the model.
    size : tensor, shape (model,)
        ``ln(N/N*)``, as the model counts sizes.
    """
    import pymc as pm

    sigma = priors["loss_noise_sd"].variable("loss_noise_sd", dims="loss_set")
    values = pm.modelcontext(None).named_vars
    expected = expected_losses(ruler, values, numbers, size, numbers.length("target"))
    pm.StudentT(
        "loss",
        nu=LOSS_DEGREES,
        mu=pm.math.log(expected),
        sigma=sigma[numbers["loss_set_code"]],
        observed=numbers["loss_observed"],
        dims="loss_id",
    )
