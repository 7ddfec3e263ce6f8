"""The size of every model, where it has a factor with coefficients of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.build.layout import Layout
from bayesdense.build.placed import PlacedPrior
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec

__all__ = ["add_sizes", "size_priors"]


def size_priors(layout: Layout, spec: RulerSpec) -> dict[str, Prior]:
    """Return the default priors of the coefficients of the size definition.

    Parameters
    ----------
    layout : Layout
        With what the definition reads.
    spec : RulerSpec
        With the definition.

    Returns
    -------
    dict of str to Prior
        Empty where sizes are counts.
    """
    return spec.size.priors(layout.size_design)


def add_sizes(
    layout: Layout, spec: RulerSpec, priors: Mapping[str, PlacedPrior], held: Mapping[str, Any]
) -> Any:
    """Add the factor of every model's size to the PyMC model in context.

    Parameters
    ----------
    layout : Layout
        With sizes and what the definition reads.
    spec : RulerSpec
        With the definition.
    priors : mapping of str to PlacedPrior
        All priors of the model.
    held : mapping of str to tensor
        With ``size_<coefficient>`` where that is not to be sampled.

    Returns
    -------
    tensor, shape (model,), or None
        The logarithm of the factor; None where sizes are counts.
    """
    import pymc as pm

    if not layout.size_design:
        return None
    model = pm.modelcontext(None)
    design = {name: model[f"size_{name}"] for name in layout.size_design}
    coefficients = {
        name: held[f"size_{name}"] if f"size_{name}" in held else priors[name].variable(name)
        for name in design
    }
    factor = spec.size.log_multiplier(design, coefficients)
    log_size = factor + model["relative_log_size"] + model["log_size_centre"]
    pm.Deterministic("ln_size", log_size, dims="model")
    return factor
