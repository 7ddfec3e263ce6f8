"""What the models of one family and of one developer share: on all benchmarks, and on one (eq. 5).

``f[family] ~ Normal(0, family_effect_sd)`` is part of the density of its models, and
``f2[family, benchmark] ~ Normal(0, family_benchmark_effect_sd)`` of their effective size on one
benchmark. With ``families="nested"`` so are ``e[developer] ~ Normal(0, developer_effect_sd)`` and
``e2[developer, benchmark] ~ Normal(0, developer_benchmark_effect_sd)``: families of one developer
then have something in common too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.model.design import Design
from bayesdense.model.numbers import PriorInModel
from bayesdense.priors import Prior

__all__ = ["KINDS", "add_families", "family_priors"]

KINDS = ("developer", "family")
"""Groups of models with an effect in common, the wider first."""


def family_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of the spread of families and developers.

    Parameters
    ----------
    design : Design
        Decides whether there are several benchmarks, and developers.

    Returns
    -------
    dict of str to Prior
    """
    if not design.spec.families:
        return {}
    several = design.size("benchmark") > 1
    priors = {"family_effect_sd": Prior("HalfNormal", sigma=1.0)}
    if several:
        priors["family_benchmark_effect_sd"] = Prior("HalfNormal", sigma=0.7)
    if design.size("developer"):
        priors["developer_effect_sd"] = Prior("HalfNormal", sigma=0.7)
        if several:
            priors["developer_benchmark_effect_sd"] = Prior("HalfNormal", sigma=0.5)
    return priors


def add_families(priors: Mapping[str, PriorInModel]) -> dict[str, tuple[Any, Any]]:
    """Add the effects of families and developers to the PyMC model in context.

    Parameters
    ----------
    priors : mapping of str to PriorInModel
        With ``family_effect_sd`` where families have effects, and
        ``family_benchmark_effect_sd`` where there are several benchmarks; and
        likewise for developers.

    Returns
    -------
    dict of str to (tensor, tensor or None)
        By ``"developer"`` and ``"family"``, as far as they have effects: those
        on all benchmarks, shape ``(group,)``, and those on one, shape
        ``(group, benchmark)``.
    """
    import pymc as pm

    found: dict[str, tuple[Any, Any]] = {}
    for kind in KINDS:
        if f"{kind}_effect_sd" not in priors:
            continue
        sd = priors[f"{kind}_effect_sd"].variable(f"{kind}_effect_sd")
        effect, on_benchmark = pm.Normal(f"{kind}_effect", 0.0, sd, dims=kind), None
        name = f"{kind}_benchmark_effect"
        if f"{name}_sd" in priors:
            sd = priors[f"{name}_sd"].variable(f"{name}_sd")
            on_benchmark = pm.Normal(name, 0.0, sd, dims=(kind, "benchmark"))
        found[kind] = effect, on_benchmark
    return found
