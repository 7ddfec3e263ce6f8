"""Log density of the targets and what differs between benchmarks (docs/model.md, "The trend")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bayesdense.build.algebra import root
from bayesdense.build.anchors import LITTLE, Anchors
from bayesdense.build.effects import (
    moved_prior,
    scaled_normal,
    scaled_zero_sum,
    zero_sum,
)
from bayesdense.build.families import add_families
from bayesdense.build.lagging import lagging
from bayesdense.build.layout import Layout
from bayesdense.build.placed import PlacedPrior, length
from bayesdense.parts.trends.base import HALF_NORMAL_MEAN
from bayesdense.priors import Prior
from bayesdense.spec import ModelSpec

__all__ = ["add_targets", "target_priors"]


def target_priors(layout: Layout, spec: ModelSpec) -> dict[str, Prior]:
    """Return the default priors of trend, levels, slopes and families (docs/model.md, "Priors").

    Parameters
    ----------
    layout : Layout
        Decides which parameters there are.
    spec : ModelSpec
        With trend and switches.

    Returns
    -------
    dict of str to Prior
    """
    several = layout.size("benchmark") > 1
    priors = {
        "A": Prior("Normal", mu=1.5, sigma=1.5),
        "B": Prior("Normal", mu=0.0, sigma=2.0),
        **spec.trend.priors(),
    }
    if spec.ruler == "skill":
        # The level is that of the maps: density is counted from the trend itself.
        del priors["B"]
    if spec.growth == "by-benchmark" and several:
        priors["sigma_A"] = Prior("HalfNormal", sigma=1.0)
    if spec.level == "by-benchmark" and several:
        priors["o"] = Prior("Normal", mu=0.0, sigma=1.0)
    if spec.size_slope != "none":
        priors["lambda"] = Prior("Normal", mu=0.0, sigma=0.5)
        if spec.size_slope == "by-benchmark" and several:
            priors["sigma_lambda"] = Prior("HalfNormal", sigma=0.3)
    if spec.families:
        priors["sigma_f"] = Prior("HalfNormal", sigma=1.0)
        if several:
            priors["sigma_fj"] = Prior("HalfNormal", sigma=0.7)
    if layout.size("undated_target"):
        priors["undated"] = Prior("Normal", mu=0.0, sigma=3.0)
    return priors


def add_targets(
    layout: Layout,
    spec: ModelSpec,
    priors: Mapping[str, PlacedPrior],
    factor: Any,
    anchors: Anchors,
) -> tuple[Any, Any]:
    """Add the log density of the targets and their differences between benchmarks.

    Parameters
    ----------
    layout : Layout
        With targets, dates, sizes and families.
    spec : ModelSpec
        With trend and switches.
    priors : mapping of str to PlacedPrior
        All priors of the model.
    factor : tensor, shape (model,), or None
        Logarithm of the factor of the sizes.
    anchors : Anchors
        Where the scores put levels and slopes on the ruler at hand.

    Returns
    -------
    density : tensor, shape (target,)
        ``ln rho``.
    difference : tensor, shape (target, benchmark)
        ``g``: what a benchmark adds to the log effective size.
    """
    import pymc as pm
    import pytensor.tensor as pt

    model = pm.modelcontext(None)
    several = layout.size("benchmark") > 1
    years, size = model["target_years"], model["target_log_size"]
    if factor is not None:
        size = size + factor[: length("target")]
    n_dated, n_targets = length("dated_target"), length("target")
    # Level, growth and size slope: common to all benchmarks, and what one has beside them.
    at = anchors.levels.mean(axis=0)
    beside = (anchors.levels - at).T

    def add(name: str, shift: Any = None) -> Any:
        return moved_prior(name, priors[name], shift)

    def add_scale(name: str, shift: Any = None) -> Any:
        of_ruler = anchors.stretch if priors[name].support == "positive" else None
        if shift is None:
            return add(name, of_ruler)
        return add(name, shift if of_ruler is None else shift + of_ruler)

    sigma_v, lag = spec.trend.scales(model["years"], add_scale)
    above = _above_models(lag, model["years"])
    growth = moved_prior("A", priors["A"], -(at[1] + above[1]), from_data=True)
    start = (
        moved_prior("B", priors["B"], -(at[0] + above[0]), from_data=True)
        if "B" in priors
        else pm.Deterministic("B", pt.zeros(()))
    )
    level = start * pt.ones(n_targets)
    difference = pt.zeros((n_targets, length("benchmark")))

    if "lambda" in priors:
        level = level + moved_prior("lambda", priors["lambda"], -at[2], from_data=True) * size
    if several:
        if "o" in priors:
            offsets = zero_sum(
                "o",
                priors["o"],
                "benchmark_contrast",
                around=beside[0],
            )
            difference = difference + pm.Deterministic("o", offsets, dims="benchmark")
        if "sigma_A" in priors:
            sigma_a = add_scale("sigma_A")
            basis, error = model["growth_basis"], model["growth_error"]
            rates = scaled_zero_sum(
                "A", sigma_a, basis, error, "benchmark_contrast", around=beside[1]
            )
            pm.Deterministic("A_j", growth + rates, dims="benchmark")
            difference = difference + rates * years[:, None]
        if "sigma_lambda" in priors:
            sigma_l = priors["sigma_lambda"].variable("sigma_lambda")
            basis, error = model["size_slope_basis"], model["size_slope_error"]
            slopes = scaled_zero_sum(
                "lambda", sigma_l, basis, error, "benchmark_contrast", around=beside[2]
            )
            pm.Deterministic("lambda_j", model["lambda"] + slopes, dims="benchmark")
            difference = difference + slopes * size[:, None]
    if "sigma_f" in priors:
        family = model["family_code"]
        left = anchors.beside(difference + (level + growth * years)[:, None])
        of_lag = 0.0 if lag is None else (1.0 - HALF_NORMAL_MEAN**2) * lag**2
        dated = (sigma_v**2 + of_lag) * pt.ones(n_dated)
        # Without a date a model says nothing of the trend.
        undated = pt.full((n_targets - n_dated,), 1.0 / LITTLE)
        scatter = pt.concatenate([dated, undated])
        f, f2 = add_families(priors, anchors, scatter, dated.mean(), left)
        level = level + f[family]
        if f2 is not None:
            difference = difference + f2[family]

    # What the scores of each model say of its density, once benchmarks and families are known.
    seen, known = anchors.of_targets(anchors.beside(difference))
    line = spec.trend.centre(level[:n_dated], model["years"], layout.origin, add)
    around, of_dated = seen[:n_dated] - line, known[:n_dated]
    if lag is None:
        density = line + scaled_normal("v", sigma_v, of_dated, "dated_target", around=around)
    else:
        density = line + lagging("v_less_w", sigma_v, lag, of_dated, "dated_target", around=around)
    if "undated" in priors:
        # Without a date there is no place in the trend, so only a broad prior.
        undated = _undated(priors["undated"], seen[n_dated:], known[n_dated:])
        density = pt.concatenate([density, undated])
    return density, difference


def _undated(prior: PlacedPrior, seen: Any, known: Any) -> Any:
    """Add the log density of targets without a date, counted from what their scores say.

    Scores know it far better than the prior. Sampled as it is, all of them would have to move
    together whenever the ruler does.
    """
    rate = root(known)
    dims = "undated_target"
    return moved_prior("undated", prior, -rate * seen, rate=rate, dims=dims, from_data=True)


def _above_models(lag: Any, years: Any) -> tuple[Any, Any]:
    """Return how far the line is above the average model: at the mean date, and per year."""
    if lag is None:
        return 0.0, 0.0
    expected = HALF_NORMAL_MEAN * lag
    along = years - years.mean()
    slope = (along * expected).sum() / ((along**2).sum() + LITTLE)
    return expected.mean() - slope * years.mean(), slope
