"""From density to effective size (eq. 1) to the logit of a score (eq. 2 and 3): the cells.

``ln N_eff[m, j] = ln N[m] + ln rho[m] + g[m, j] + tau_j epsilon[m, j]``, ``epsilon ~ Normal(0,
1)``. The last term, the variable ``cell_effect``, is how far a model deviates on one benchmark;
its scale is ``reference_cell_scale tau_j`` for references, 0.3 by default. With
``cell_spread="pooled"``, ``ln tau_j ~ Normal(cell_effect_sd_mean, cell_effect_sd_sd)``. Where the
loss of a run was measured, the map is read at it and the deviation acts to first order: ``L =
L_measured + (dL / d ln N) tau_j epsilon``, the slope being that of the law at the run's own ``N``
and ``D``.
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

__all__ = ["add_cells", "cell_losses", "cell_priors", "has_pooled_spread"]


def cell_priors(design: Design) -> dict[str, Prior]:
    """Return the default prior of the deviations.

    Parameters
    ----------
    design : Design
        Decides whether there are cells.

    Returns
    -------
    dict of str to Prior
    """
    if not design.size("benchmark"):
        return {}
    if has_pooled_spread(design):
        return {
            "cell_effect_sd_mean": Prior("Normal", mu=float(np.log(0.4)), sigma=0.5),
            "cell_effect_sd_sd": Prior("HalfNormal", sigma=0.3),
        }
    return {"cell_effect_sd": Prior("LogNormal", mu=float(np.log(0.7)), sigma=0.5)}


def has_pooled_spread(design: Design) -> bool:
    """Return whether the spread of deviations varies around a common one between benchmarks.

    Parameters
    ----------
    design : Design
        Decides whether there are several benchmarks.

    Returns
    -------
    bool
    """
    return design.spec.cell_spread == "pooled" and design.size("benchmark") > 1


def add_cells(
    ruler: Ruler,
    numbers: Numbers,
    priors: Mapping[str, PriorInModel],
    *,
    density: Any,
    difference: Any,
    size: Any,
) -> Any:
    """Add deviations, effective sizes and losses of cells to the PyMC model in context.

    Parameters
    ----------
    ruler : Ruler
        The ruler of the model.
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        All priors of the model.
    density : tensor, shape (model,)
        ``ln rho``, targets first.
    difference : tensor, shape (model, benchmark), or None
        ``g``; None for nothing.
    size : tensor, shape (model,)
        ``ln(N/N*)``, as the model counts sizes.

    Returns
    -------
    tensor, shape (cell,)
        The logit ``gamma (l - L)`` of each cell.
    """
    import pymc as pm

    cell_model, cell_benchmark = numbers["cell_model"], numbers["cell_benchmark"]
    if "cell_effect_sd" in priors:
        sd = priors["cell_effect_sd"].variable("cell_effect_sd", dims="benchmark")
    else:
        names = ("cell_effect_sd_mean", "cell_effect_sd_sd")
        mean, spread = (priors[name].variable(name) for name in names)
        sd = pm.LogNormal("cell_effect_sd", mean, spread, dims="benchmark")
    scale = numbers["cell_scale"] * sd[cell_benchmark]
    deviation = pm.Normal("cell_effect", 0.0, scale, dims="cell")
    log_size = (density + size)[cell_model]
    if difference is not None:
        log_size = log_size + difference[cell_model, cell_benchmark]
    log_size = log_size + deviation + numbers["log_size_centre"]
    log_size = pm.Deterministic("log_effective_size", log_size, dims="cell")
    x = log_size - numbers["log_size_centre"]
    loss = cell_losses(ruler, numbers, x, deviation, size)
    loss = pm.Deterministic("expected_loss", loss, dims="cell")
    return ruler.logit(loss, cell_benchmark)


def cell_losses(ruler: Ruler, numbers: Any, x: Any, deviation: Any, size: Any) -> Any:
    """Return the loss at which the score of each cell is read.

    Parameters
    ----------
    ruler : Ruler
        With values, or draws.
    numbers : mapping of str to array_like
        Numbers of the design.
    x : array_like, shape (..., cell)
        ``ln(N_eff/N*)`` on the benchmark of the cell.
    deviation : array_like, shape (..., cell)
        What of it is the deviation of the model on this benchmark.
    size : array_like, shape (..., model)
        ``ln(N/N*)``, as the model counts sizes.

    Returns
    -------
    array_like, shape (..., cell)
        By the law at the effective size; where the loss of a run was measured,
        that loss plus the slope of the law times the deviation.
    """
    names = ruler.law.covariates if "cell_loss" in numbers else ()
    covariates = {name: numbers[f"cell_{name}"] for name in names}
    at_cell = numbers["cell_tokens"], numbers["cell_ruler"], covariates
    loss = ruler.loss(x, *at_cell)
    if "cell_loss" not in numbers:
        return loss
    fall = ruler.slope(at(size, numbers["cell_model"]), *at_cell)
    measured = numbers["cell_loss"] - fall * deviation
    return namespace(loss, measured).where(numbers["cell_loss_seen"] > 0, measured, loss)
