"""Log density of the targets (eq. 5) and what differs between benchmarks.

For a target with a date ``ln rho = B + A (t - t0) + lambda (ln N - ln 2e10) + f[family] + v``,
where ``A (t - t0)`` and the distribution of ``v`` are those of the trend (`parts/trends/`). What
is known of dates, and growth within families, is in `model/dates.py`.
On benchmark ``j``, ``g_j = o_j + (A_j - A)(t - t0) + (lambda_j - lambda)(ln N - ln 2e10) +
f2[family, j]`` is added to the log effective size; ``o_j``, ``A_j - A`` and ``lambda_j - lambda``
add up to zero over the benchmarks, ``f2`` need not.

Without a trend there is no ``A`` and no ``A_j``, and the first equation is that of every target.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.model.dates import add_dates, date_priors, within_families
from bayesdense.model.design import Design
from bayesdense.model.families import add_families, family_priors
from bayesdense.model.numbers import Numbers, PriorInModel
from bayesdense.parts.trends.base import factor_of
from bayesdense.priors import Prior
from bayesdense.spec import DENSITY_SIZE

__all__ = [
    "add_targets",
    "differences",
    "line",
    "target_priors",
    "target_sizes",
]


def target_priors(design: Design) -> dict[str, Prior]:
    """Return the default priors of trend, levels, slopes and families (docs/model.md, "Priors").

    Parameters
    ----------
    design : Design
        Decides which parameters there are.

    Returns
    -------
    dict of str to Prior
    """
    several = design.size("benchmark") > 1
    growing = design.spec.has_growth
    priors = {"growth_rate": Prior("Normal", mu=1.5, sigma=1.5)} if growing else {}
    priors["log_density_level"] = Prior("Normal", mu=0.0, sigma=2.0)
    priors |= design.spec.trend.priors()
    if design.spec.ruler == "skill":
        # The level is that of the maps: density is relative to the trend itself.
        del priors["log_density_level"]
    if growing and design.spec.growth == "by-benchmark" and several:
        priors["growth_rate_sd"] = Prior("HalfNormal", sigma=1.0)
    if design.spec.level == "by-benchmark" and several:
        priors["benchmark_offset"] = Prior("Normal", mu=0.0, sigma=1.0)
    if design.spec.level == "pooled" and several:
        priors["benchmark_offset_sd"] = Prior("HalfNormal", sigma=1.5)
    if design.spec.size_slope != "none":
        priors["size_slope"] = Prior("Normal", mu=0.0, sigma=0.5)
        if design.spec.size_slope == "by-benchmark" and several:
            priors["size_slope_sd"] = Prior("HalfNormal", sigma=0.3)
    priors |= date_priors(design) | family_priors(design)
    if design.size("undated_target"):
        priors["undated_log_density"] = Prior("Normal", mu=0.0, sigma=3.0)
    return priors


def add_targets(
    design: Design,
    numbers: Numbers,
    priors: Mapping[str, PriorInModel],
    size: Any,
) -> tuple[Any, Any]:
    """Add log density and differences between benchmarks to the PyMC model in context.

    Parameters
    ----------
    design : Design
        With targets, dates, sizes and families.
    numbers : Numbers
        Numbers of the design.
    priors : mapping of str to PriorInModel
        All priors of the model.
    size : tensor, shape (model,)
        ``ln(N/N*)``.

    Returns
    -------
    density : tensor, shape (target,)
        ``ln rho``; targets with a date come first.
    difference : tensor, shape (target, benchmark)
        ``g``: what a benchmark adds to the log effective size.
    """
    import pymc as pm
    import pytensor.tensor as pt

    values = pm.modelcontext(None).named_vars
    n_on_line = numbers.length(design.on_line)
    from_2e10 = target_sizes(size, numbers, numbers.length("target"))
    if "growth_rate" in priors:
        priors["growth_rate"].variable("growth_rate")
    if "log_density_level" in priors:
        priors["log_density_level"].variable("log_density_level")
    else:
        pm.Deterministic("log_density_level", pt.zeros(()))
    if "size_slope" in priors:
        priors["size_slope"].variable("size_slope")
    _add_benchmarks(priors, values)
    trend = design.spec.trend
    dims = getattr(trend, "dims", {})
    for name in trend.priors():
        priors[name].variable(name, dims=dims.get(name))
    for name, value in trend.derived(_with_constants(values, numbers, trend)).items():
        pm.Deterministic(name, value)
    effects = add_families(priors)

    years = add_dates(numbers, priors)
    density = line(values, numbers, trend, years[:n_on_line], from_2e10[:n_on_line])
    density = density + within_families(values, numbers)
    difference = differences(values, years, from_2e10)
    if difference is None:
        difference = pt.zeros((numbers.length("target"), numbers.length("benchmark")))
    factor = factor_of(trend, _with_constants(values, numbers, trend), years[:n_on_line])
    for kind, (effect, benchmark_effect) in effects.items():
        group = numbers[f"{kind}_code"]
        density = density + factor * effect[group[:n_on_line]]
        if benchmark_effect is not None:
            difference = difference + benchmark_effect[group]
    sd, lag = trend.scales(_with_constants(values, numbers, trend), years[:n_on_line])
    if lag is None:
        density = density + pm.Normal("model_effect", 0.0, sd, dims=design.on_line)
    else:
        # v - w, v ~ Normal(0, sd), w ~ HalfNormal(lag) (Aigner, Lovell and Schmidt, 1977): density
        # 2/s phi(x/s) Phi(-x lag/(s sd)) with s^2 = sd^2 + lag^2.
        total, skew = pm.math.sqrt(sd**2 + lag**2), -lag / sd
        effects = pm.SkewNormal(
            "model_effect", mu=0.0, sigma=total, alpha=skew, dims=design.on_line
        )
        density = density + effects
    if "undated_log_density" in priors:
        # Without a date there is no place in the trend, so only a broad prior.
        undated = priors["undated_log_density"].variable(
            "undated_log_density", dims="undated_target"
        )
        density = pt.concatenate([density, undated])
    return density, difference


def target_sizes(size: Any, numbers: Any, n_targets: Any) -> Any:
    """Return ``ln N - ln 2e10`` of the targets.

    Parameters
    ----------
    size : array_like, shape (..., model)
        ``ln(N/N*)``.
    numbers : mapping of str to array_like
        Numbers of the design.
    n_targets : int or tensor
        Targets come before references.

    Returns
    -------
    array_like, shape (..., target)
    """
    return size[..., :n_targets] + (numbers["log_size_centre"] - np.log(DENSITY_SIZE))


def line(values: Any, numbers: Any, trend: Any, years: Any, size: Any) -> Any:
    """Return the mean of the log density at some dates and sizes: eq. 5 without its effects.

    Parameters
    ----------
    values : mapping of str to array_like
        ``log_density_level`` and the other parameters of the line; draws broadcast
        against `years` and `size`.
    numbers : mapping of str to array_like
        With the constants of the trend.
    trend : Trend
        The trend.
    years, size : array_like
        ``t - t0`` and ``ln N - ln 2e10``.

    Returns
    -------
    array_like
    """
    found = values["log_density_level"] + trend.line(_with_constants(values, numbers, trend), years)
    return found + values["size_slope"] * size if "size_slope" in values else found


def differences(values: Any, years: Any, size: Any) -> Any:
    """Return what a benchmark adds to the log effective size, without the effect of a family.

    Parameters
    ----------
    values : mapping of str to array_like, shape (..., benchmark)
        ``benchmark_offset``, ``growth_rate_deviation`` and
        ``size_slope_deviation``, as far as the model has them.
    years, size : array_like, shape (..., target)
        ``t - t0`` and ``ln N - ln 2e10``.

    Returns
    -------
    array_like, shape (..., target, benchmark), or None
        None where benchmarks do not differ.
    """
    found = None
    for name, by in (
        ("benchmark_offset", None),
        ("growth_rate_deviation", years),
        ("size_slope_deviation", size),
    ):
        if name in values:
            term = values[name][..., None, :] * (1.0 if by is None else by[..., :, None])
            found = term if found is None else found + term
    if found is None:
        return None
    if "growth_rate_deviation" in values or "size_slope_deviation" in values:
        return found
    # One row a target, though no term depends on it.
    return found + 0.0 * years[..., :, None]


def _add_benchmarks(priors: Mapping[str, PriorInModel], values: Any) -> None:
    """Add what differs between benchmarks: zero-sum levels, growth rates and size slopes."""
    import pymc as pm

    if "benchmark_offset" in priors:
        sigma = priors["benchmark_offset"].parameters["sigma"]
        pm.ZeroSumNormal("benchmark_offset", sigma, dims="benchmark")
    if "benchmark_offset_sd" in priors:
        sd = priors["benchmark_offset_sd"].variable("benchmark_offset_sd")
        pm.ZeroSumNormal("benchmark_offset", sd, dims="benchmark")
    for name in ("growth_rate", "size_slope"):
        if f"{name}_sd" in priors:
            sd = priors[f"{name}_sd"].variable(f"{name}_sd")
            deviation = pm.ZeroSumNormal(f"{name}_deviation", sd, dims="benchmark")
            pm.Deterministic(f"{name}_by_benchmark", values[name] + deviation, dims="benchmark")


def _with_constants(values: Any, numbers: Any, trend: Any) -> dict[str, Any]:
    """Return the parameters and constants that a trend reads, by name."""
    names = ("growth_rate", *trend.priors())
    return {n: values[n] for n in names if n in values} | {n: numbers[n] for n in trend.constants}
