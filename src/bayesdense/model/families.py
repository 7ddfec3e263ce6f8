"""What the models of one family share: on all benchmarks, and on one (eq. 5).

``f[family] ~ Normal(0, family_effect_sd)`` is part of the density of its models, and
``f2[family, benchmark] ~ Normal(0, family_benchmark_effect_sd)`` of their effective size on one
benchmark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.model.design import Design
from bayesdense.model.numbers import PriorInModel
from bayesdense.priors import Prior

__all__ = ["add_families", "family_priors"]


def family_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of the spread of families.

    Parameters
    ----------
    design : Design
        Decides whether there are several benchmarks.

    Returns
    -------
    dict of str to Prior
    """
    if not design.spec.families:
        return {}
    priors = {"family_effect_sd": Prior("HalfNormal", sigma=1.0)}
    if design.size("benchmark") > 1:
        priors["family_benchmark_effect_sd"] = Prior("HalfNormal", sigma=0.7)
    return priors


def add_families(priors: Mapping[str, PriorInModel]) -> tuple[Any, Any]:
    """Add the effects of families to the PyMC model in context.

    Parameters
    ----------
    priors : mapping of str to PriorInModel
        With ``family_effect_sd`` where families have effects, and
        ``family_benchmark_effect_sd`` where there are several benchmarks.

    Returns
    -------
    effect : tensor, shape (family,), or None
    benchmark_effect : tensor, shape (family, benchmark), or None
        None for what the model does not have.
    """
    import pymc as pm

    if "family_effect_sd" not in priors:
        return None, None
    sd = priors["family_effect_sd"].variable("family_effect_sd")
    effect = pm.Normal("family_effect", 0.0, sd, dims="family")
    if "family_benchmark_effect_sd" not in priors:
        return effect, None
    sd = priors["family_benchmark_effect_sd"].variable("family_benchmark_effect_sd")
    dims = ("family", "benchmark")
    return effect, pm.Normal("family_benchmark_effect", 0.0, sd, dims=dims)
