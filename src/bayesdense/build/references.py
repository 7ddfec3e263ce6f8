"""Log density of the references: what the ruler calls 1.

The equations are in docs/model.md, "From scores to density".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.effects import standard, zero_sum
from bayesdense.build.layout import Layout
from bayesdense.build.placed import PlacedPrior
from bayesdense.priors import Prior

__all__ = ["add_references", "reference_priors"]


def reference_priors(layout: Layout) -> dict[str, Prior]:
    """Return the default prior of the offsets between reference families.

    Parameters
    ----------
    layout : Layout
        With the reference families.

    Returns
    -------
    dict of str to Prior
        ``r``, where there is more than one family.
    """
    if layout.size("reference_family") < 2:
        return {}
    return {"r": Prior("Normal", mu=0.0, sigma=0.5)}


def add_references(
    layout: Layout, priors: Mapping[str, PlacedPrior], held: Mapping[str, Any]
) -> Any:
    """Add the log density of the references: family offset and residual.

    Parameters
    ----------
    layout : Layout
        With the references and their families.
    priors : mapping of str to PlacedPrior
        With ``r`` where there are several reference families.
    held : mapping of str to tensor
        With ``r`` where it is not to be sampled.

    Returns
    -------
    tensor, shape (reference,)
    """
    import pymc as pm

    if not layout.size("reference"):
        return np.zeros(0)
    model = pm.modelcontext(None)
    residual = standard("reference_raw", "reference")
    density = model["reference_residual"] * residual
    if "r" in held:
        density = density + held["r"][model["reference_family_code"]]
    elif "r" in priors:
        offset = zero_sum("r", priors["r"], "reference_family_contrast")
        r = pm.Deterministic("r", offset, dims="reference_family")
        density = density + r[model["reference_family_code"]]
    return density
