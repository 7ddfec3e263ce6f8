"""All parts together: a PyMC model that is written as docs/model.md has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.errors import PriorError
from bayesdense.model.cells import add_cells, cell_priors
from bayesdense.model.design import Design
from bayesdense.model.loss_law import (
    add_loss_law,
    add_losses,
    add_shape,
    loss_law_priors,
    pooled_exponents,
)
from bayesdense.model.numbers import Numbers, add_priors
from bayesdense.model.observation import (
    SOURCE_NOISE,
    add_harness_offsets,
    add_scores,
    add_source_noise,
    observation_priors,
)
from bayesdense.model.precision import in_double_precision
from bayesdense.model.references import add_references, reference_priors
from bayesdense.model.ruler import Ruler
from bayesdense.model.score_map import add_map_at_centre, add_score_map, score_map_priors
from bayesdense.model.sizes import add_sizes, size_priors
from bayesdense.model.trend import add_targets, target_priors
from bayesdense.priors import Prior, override
from bayesdense.spec import ModelSpec, RulerSpec

__all__ = ["build_model", "default_priors", "given_ruler", "model_priors"]

ZERO_SUM = ("benchmark_offset", "reference_family_offset")


def default_priors(design: Design) -> dict[str, Prior]:
    """Return the default prior of every parameter that this model has.

    Parameters
    ----------
    design : Design
        The dataset under this model.

    Returns
    -------
    dict of str to Prior
        In the order ruler, sizes, targets, references, cells, observation.
    """
    return {
        **loss_law_priors(design),
        **score_map_priors(design),
        **size_priors(design),
        **(target_priors(design) if isinstance(design.spec, ModelSpec) else {}),
        **reference_priors(design),
        **cell_priors(design),
        **observation_priors(design),
    }


def model_priors(design: Design) -> dict[str, Prior]:
    """Return the priors in force: the defaults, with those the user gave in their place.

    Parameters
    ----------
    design
        As for `default_priors`.

    Returns
    -------
    dict of str to Prior

    Raises
    ------
    PriorError
        If a name is unknown, or a prior does not suit its parameter.
    """
    defaults = default_priors(design)
    for name in design.spec.priors:
        _require_own_prior(name, design, defaults)
    chosen = override(defaults, design.spec.priors)
    entries = entries_of_priors(design)
    priors = {name: prior.in_order(name, entries.get(name)) for name, prior in chosen.items()}
    for name, prior in priors.items():
        of = name[:-5] if name.endswith("_mean") and design.loss_sets else ""
        is_exponent_mean = of in design.spec.law.exponents
        normal = name in (*ZERO_SUM, "map_midpoint_loss") or is_exponent_mean
        if normal and prior.distribution != "Normal":
            raise PriorError(f"priors: '{name}' must be Normal, and has {prior}")
    return priors


SEVERAL = "it is there with several benchmarks"
DEVELOPERS = "it is there with families='nested' where a developer has several families"
ABSENT = {
    **dict.fromkeys(
        ("cell_effect_sd_mean", "cell_effect_sd_sd"), f"{SEVERAL} and cell_spread='pooled'"
    ),
    "benchmark_offset_sd": f"{SEVERAL} and level='pooled'",
    "within_family_growth": "it is there with within_families=True, a trend, effects of families "
    "and a family with models of two dates",
    "developer_effect_sd": DEVELOPERS,
    "developer_benchmark_effect_sd": f"{DEVELOPERS}, on several benchmarks",
    "source_noise_exponent": "it is there with noise='by-score'",
    "source_noise_tilt": "it is there with noise='by-score'",
}
"""Where there are parameters that not every model has."""


def _require_own_prior(name: str, design: Design, defaults: Mapping[str, Prior]) -> None:
    """Say which switch gives a prior of its own to what varies around a common mean."""
    switches = dict.fromkeys(pooled_exponents(design), ("exponents", "separate"))
    switches["cell_effect_sd"] = "cell_spread", "separate"
    switches["benchmark_offset"] = "level", "by-benchmark"
    if name in defaults:
        return
    if name in ABSENT:
        raise PriorError(f"priors: the model has no '{name}' here: {ABSENT[name]}")
    switch, value = switches.get(name, ("", ""))
    known = [n for n in defaults if n.startswith((f"{name}_mean", f"{name}_sd"))]
    if getattr(design.spec, switch, "") != "pooled" or not known:
        return
    raise PriorError(
        f"priors: '{name}' varies around a common mean, with priors of {' and '.join(known)}; "
        f"{switch}={value!r} gives it one of its own"
    )


def entries_of_priors(design: Design) -> dict[str, list[str]]:
    """Return the names of the entries of every parameter that has several.

    Parameters
    ----------
    design : Design
        The dataset under this model.

    Returns
    -------
    dict of str to list of str
        By parameter. Where a coefficient of the law is wanted both for loss
        sets and for benchmarks with scores only, its prior is the same for all,
        and it is not here.
    """
    coords, known, law = design.coords, design.has_losses, design.spec.law
    by_benchmark = (
        *("map_floor", "ceiling_share", "cell_effect_sd", "harness_offset_sd", "harness_drift"),
        *SOURCE_NOISE,
    )
    found = dict.fromkeys(by_benchmark, coords["benchmark"])
    labels = np.array(coords["benchmark"], dtype=object)
    found |= dict.fromkeys(("map_steepness", "map_midpoint_loss"), list(labels[known]))
    found |= dict.fromkeys(("map_slope_at_centre", "map_logit_at_centre"), list(labels[~known]))
    if not design.loss_sets:
        found |= dict.fromkeys(law.shape, coords["benchmark"])
    else:
        found |= dict.fromkeys((*law.coefficients, "loss_noise_sd"), design.loss_sets)
        if not known.all():
            found = {name: own for name, own in found.items() if name not in law.shape}
    found["growth_bends"] = coords.get("bend", [])
    return found | {"undated_log_density": coords.get("undated_target", [])}


@in_double_precision
def build_model(
    design: Design,
    *,
    given: Mapping[str, np.ndarray] | None = None,
    replaceable: bool = False,
) -> Any:
    """Build the PyMC model.

    Parameters
    ----------
    design : Design
        The dataset under this model.
    given : mapping of str to numpy.ndarray, optional
        Values of the ruler, by name: ``law_<coefficient>``, shape
        ``(ruler,)``; ``midpoint``, ``steepness``, ``floor`` and ``span``,
        shape ``(benchmark,)``; ``reference_family_offset`` and
        ``size_<coefficient>``, where these are held fixed. The ruler then has
        no variables; all other parts of the model do.
    replaceable : bool
        Whether every number of the dataset is `pymc.Data`, and the lengths of
        dimensions are symbolic.

    Returns
    -------
    pymc.Model
        With named dimensions.
    """
    import pymc as pm
    import pytensor.tensor as pt

    chosen = model_priors(design)
    with pm.Model(coords=_coords(design)) as model:
        numbers = Numbers(design.arrays, replaceable=replaceable)
        priors = add_priors(chosen, replaceable=replaceable)
        values = model.named_vars
        fixed = {name: pm.Data(f"given_{name}", v) for name, v in (given or {}).items()}
        if fixed:
            ruler = given_ruler(design.spec, numbers, fixed)
        else:
            add_loss_law(design, priors)
            add_score_map(design, priors)
            add_shape(design, numbers)
            ruler = Ruler.of(values, numbers, design)
            add_map_at_centre(design, ruler)
        size = add_sizes(design, numbers, priors, fixed)
        parts, difference = [], None
        if isinstance(design.spec, ModelSpec) and design.size("cell"):
            density, difference = add_targets(design, numbers, priors, size)
            parts.append(density)
            dims = ("target", "benchmark")
            difference = pm.Deterministic("benchmark_difference", difference, dims=dims)
            shape = numbers.length("reference"), numbers.length("benchmark")
            difference = pt.concatenate([difference, pt.zeros(shape)])
        reference_density = add_references(design, numbers, priors, fixed)
        parts += [] if reference_density is None else [reference_density]
        density = pt.concatenate(parts) if len(parts) > 1 else parts[0]
        density = pm.Deterministic("log_density", density, dims="model")
        if design.loss_sets and not fixed:
            add_losses(ruler, numbers, priors, size)
        if design.size("cell"):
            add_harness_offsets(design, numbers, priors)
            add_source_noise(priors)
            logit = add_cells(
                ruler, numbers, priors, density=density, difference=difference, size=size
            )
            add_scores(design.spec, ruler, numbers, logit=logit)
    return model


def _coords(design: Design) -> dict[str, list[Any]]:
    """Return the named dimensions that are not empty."""
    coords = {name: labels for name, labels in design.coords.items() if labels}
    known = design.has_losses
    benchmarks = np.array(design.coords["benchmark"], dtype=object)
    if known.any():
        coords["benchmark_with_losses"] = list(benchmarks[known])
    if not known.all():
        coords["benchmark_scores_only"] = list(benchmarks[~known])
    coords["ruler"] = [*design.loss_sets, *benchmarks[~known]]
    return coords


def given_ruler(spec: RulerSpec, numbers: Any, given: Mapping[str, Any]) -> Ruler:
    """Return a ruler whose values are given.

    Parameters
    ----------
    spec : RulerSpec
        With law and map.
    numbers : mapping of str to tensor
        Numbers of the design.
    given : mapping of str to tensor
        As for `build_model`.

    Returns
    -------
    Ruler
    """
    # With scores only, the law's unit form has an offset besides its coefficients.
    names = [n for n in (*spec.law.coefficients, "offset") if f"law_{n}" in given]
    return Ruler(
        law=spec.law,
        score_map=spec.score_map,
        coefficients={name: given[f"law_{name}"] for name in names},
        midpoint=given["midpoint"],
        steepness=given["steepness"],
        floor=given["floor"],
        span=given["span"],
        ruler=numbers["benchmark_ruler"],
        tokens=numbers["benchmark_known"] * numbers["tokens_budget"],
        log_size_centre=numbers["log_size_centre"],
    )
