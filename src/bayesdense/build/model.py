"""All pieces together: a plain `pymc.Model` with named dimensions."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesdense.build.layout import Layout
from bayesdense.build.observation import add_scores, observation_priors
from bayesdense.build.ruler import add_losses, add_ruler, ruler_priors
from bayesdense.build.targets import (
    add_references,
    add_targets,
    cell_priors,
    target_priors,
)
from bayesdense.errors import PriorError
from bayesdense.priors import Prior, override
from bayesdense.spec import ModelSpec

__all__ = ["build_model", "default_priors", "model_priors"]


def default_priors(layout: Layout, spec: ModelSpec) -> dict[str, Prior]:
    """Return the default prior of every parameter that this model has.

    Parameters
    ----------
    layout : Layout
        The dataset under this model.
    spec : ModelSpec
        The composition of the model.

    Returns
    -------
    dict of str to Prior
        In the order ruler, targets, cells, observation.
    """
    return {
        **ruler_priors(layout, spec, layout.chance),
        **target_priors(layout, spec),
        **cell_priors(layout),
        **observation_priors(layout, spec),
    }


def model_priors(layout: Layout, spec: ModelSpec) -> dict[str, Prior]:
    """Return the priors in force: the defaults, less what the user replaced.

    Parameters
    ----------
    layout, spec
        As for `default_priors`.

    Returns
    -------
    dict of str to Prior

    Raises
    ------
    PriorError
        If a name is unknown, or a prior does not suit its parameter.
    """
    priors = override(default_priors(layout, spec), spec.priors)
    for name, prior in priors.items():
        needs_normal = name == "l" or (name.endswith("_mean") and name[:-5] in spec.law.exponents)
        if needs_normal and prior.distribution != "Normal":
            raise PriorError(f"priors: '{name}' must be Normal, and has {prior}")
    return priors


def build_model(layout: Layout, spec: ModelSpec) -> Any:
    """Build the PyMC model.

    Parameters
    ----------
    layout : Layout
        The dataset under this model.
    spec : ModelSpec
        The composition of the model.

    Returns
    -------
    pymc.Model
        With named dimensions; every number of the dataset is in `pymc.Data`.
    """
    import pymc as pm
    import pytensor.tensor as pt

    priors = model_priors(layout, spec)
    benchmarks = np.array(layout.coords["benchmark"], dtype=object)
    coords = {name: labels for name, labels in layout.coords.items() if labels}
    known = layout.has_losses
    if known.any():
        coords["term"] = list(spec.law.terms)
        coords["benchmark_with_losses"] = list(benchmarks[known])
    if not known.all():
        coords["benchmark_scores_only"] = list(benchmarks[~known])
    coords["ruler"] = [*layout.loss_sets, *benchmarks[~known]]

    with pm.Model(coords=coords) as model:
        for name, values in layout.arrays.items():
            pm.Data(name, values)
        ruler = add_ruler(layout, spec, priors, layout.chance)
        density, difference = add_targets(layout, spec, priors)
        reference_density = add_references(layout, priors)
        density = pm.Deterministic(
            "ln_density", pt.concatenate([density, reference_density]), dims="model"
        )
        tau = priors["tau"].variable("tau", dims="benchmark")

        # Per model and benchmark: ln N_eff relative to the centre of the ruler.
        of_model, of_benchmark = model["cell_model"], model["cell_benchmark"]
        no_difference = pt.zeros((layout.size("reference"), layout.size("benchmark")))
        difference = pt.concatenate([difference, no_difference])[of_model, of_benchmark]
        position = (density + model["relative_log_size"])[of_model] + difference
        stray = pm.Normal("z_raw", 0.0, 1.0, dims="cell")
        position = position + model["cell_scale"] * tau[of_benchmark] * stray
        pm.Deterministic("cell_ln_size", position + layout.log_size_centre, dims="cell")

        if layout.loss_sets:
            add_losses(layout, spec, priors, ruler)
        logit = ruler.logit(
            spec.law, position, model["cell_tokens"], of_benchmark, model["cell_ruler"]
        )
        add_scores(layout, spec, priors, ruler, logit)
    return model
