"""The size of every model (eq. 1): a count, or a count times a factor with coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.model.design import Design
from bayesdense.model.numbers import Numbers, PriorInModel
from bayesdense.priors import Prior

__all__ = ["add_sizes", "size_priors"]


def size_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of the coefficients of the size definition.

    Parameters
    ----------
    design : Design
        With what the definition reads.

    Returns
    -------
    dict of str to Prior
        Empty where sizes are counts.
    """
    return design.spec.size.priors(design.size_design)


def add_sizes(
    design: Design,
    numbers: Numbers,
    priors: Mapping[str, PriorInModel],
    given: Mapping[str, Any],
) -> Any:
    """Add the sizes to the PyMC model in context.

    Parameters
    ----------
    design : Design
        With sizes and what the definition reads.
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        All priors of the model.
    given : mapping of str to tensor
        With ``size_<coefficient>`` where that has a value.

    Returns
    -------
    tensor, shape (model,)
        ``ln(N/N*)``.
    """
    import pymc as pm

    size = numbers["relative_log_size"]
    if not design.size_design:
        return size
    multipliers = {name: numbers[f"size_{name}"] for name in design.size_design}
    coefficients = {
        name: given[f"size_{name}"] if f"size_{name}" in given else priors[name].variable(name)
        for name in multipliers
    }
    size = size + design.spec.size.log_multiplier(multipliers, coefficients)
    pm.Deterministic("log_size", size + numbers["log_size_centre"], dims="model")
    return size
