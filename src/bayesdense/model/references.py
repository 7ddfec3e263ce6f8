"""Log density of the references (eq. 1), which is 0 on average by definition of the ruler.

``ln rho = r[family] + v_ref``, ``r`` zero-sum over the reference families, ``v_ref ~ Normal(0,
reference_residual)``, 0.1 by default.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.model.design import Design
from bayesdense.model.numbers import Numbers, PriorInModel
from bayesdense.priors import Prior

__all__ = ["add_references", "reference_priors"]


def reference_priors(design: Design) -> dict[str, Prior]:
    """Return the default prior of the offsets between reference families.

    Parameters
    ----------
    design : Design
        With the reference families.

    Returns
    -------
    dict of str to Prior
        ``reference_family_offset``, where there is more than one family.
    """
    if design.size("reference_family") < 2:
        return {}
    return {"reference_family_offset": Prior("Normal", mu=0.0, sigma=0.5)}


def add_references(
    design: Design,
    numbers: Numbers,
    priors: Mapping[str, PriorInModel],
    given: Mapping[str, Any],
) -> Any:
    """Add the log density of the references to the PyMC model in context.

    Parameters
    ----------
    design : Design
        With the references and their families.
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        With ``reference_family_offset`` where there are several families.
    given : mapping of str to tensor
        With ``reference_family_offset`` where it has a value.

    Returns
    -------
    tensor, shape (reference,), or None
        None where there are no references.
    """
    import pymc as pm

    if not design.size("reference"):
        return None
    density = pm.Normal("reference_effect", 0.0, numbers["reference_residual"], dims="reference")
    family = numbers["reference_family_code"]
    if "reference_family_offset" in given:
        return density + given["reference_family_offset"][family]
    if "reference_family_offset" in priors:
        sigma = priors["reference_family_offset"].parameters["sigma"]
        offset = pm.ZeroSumNormal("reference_family_offset", sigma, dims="reference_family")
        return density + offset[family]
    return density
