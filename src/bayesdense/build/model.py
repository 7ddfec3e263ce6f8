"""All pieces together: a plain `pymc.Model` with named dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesdense.build.anchors import add_anchors
from bayesdense.build.cells import add_measurements, add_spread, cell_priors
from bayesdense.build.coefficients import sampled_together
from bayesdense.build.law_coordinates import law_coordinates
from bayesdense.build.law_fit import fit_law
from bayesdense.build.law_starts import start_at_losses
from bayesdense.build.layout import Layout
from bayesdense.build.observation import add_harness_offsets, observation_priors
from bayesdense.build.placed import length, place
from bayesdense.build.references import add_references, reference_priors
from bayesdense.build.ruler import add_losses, add_ruler, held_ruler, ruler_priors
from bayesdense.build.size import add_sizes, size_priors
from bayesdense.build.targets import add_targets, target_priors
from bayesdense.errors import PriorError
from bayesdense.priors import Prior, override
from bayesdense.spec import ModelSpec, RulerSpec

__all__ = ["build_model", "default_priors", "model_priors"]


def default_priors(layout: Layout, spec: RulerSpec) -> dict[str, Prior]:
    """Return the default prior of every parameter that this model has.

    Parameters
    ----------
    layout : Layout
        The dataset under this model.
    spec : RulerSpec
        The composition of the model; with a `ModelSpec` there are targets.

    Returns
    -------
    dict of str to Prior
        In the order ruler, sizes, targets, references, cells, observation.
    """
    of_targets = target_priors(layout, spec) if isinstance(spec, ModelSpec) else {}
    return {
        **ruler_priors(layout, spec, layout.chance),
        **size_priors(layout, spec),
        **of_targets,
        **reference_priors(layout),
        **cell_priors(layout),
        **observation_priors(layout, spec),
    }


def model_priors(layout: Layout, spec: RulerSpec) -> dict[str, Prior]:
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
        zero_sum = name in ("o", "r")
        of_exponent = name.endswith("_mean") and name[:-5] in spec.law.exponents
        if (name == "l" or of_exponent or zero_sum) and prior.distribution != "Normal":
            raise PriorError(f"priors: '{name}' must be Normal, and has {prior}")
        if zero_sum and np.ndim(prior.parameters["sigma"]):
            raise PriorError(f"priors: '{name}' has one sigma for all, and was given {prior}")
    return priors


def build_model(
    layout: Layout, spec: RulerSpec, held: Mapping[str, np.ndarray] | None = None
) -> Any:
    """Build the PyMC model.

    Parameters
    ----------
    layout : Layout
        The dataset under this model.
    spec : RulerSpec
        The composition of the model; with a `ModelSpec` there are targets.
    held : mapping of str to numpy.ndarray, optional
        A ruler that is held: what `held_ruler`, `add_references` and
        `add_sizes` read. What is sampled is the rest, given that ruler.

    Returns
    -------
    pymc.Model
        With named dimensions; every number of the dataset is in `pymc.Data`.
    """
    import pymc as pm
    import pytensor.tensor as pt

    chosen = model_priors(layout, spec)
    benchmarks = np.array(layout.coords["benchmark"], dtype=object)
    coords = {name: labels for name, labels in layout.coords.items() if labels}
    known = layout.has_losses
    if layout.loss_sets and spec.law.terms:
        floor = (spec.law.floor,) if spec.law.floor else ()
        coords["term"] = [*floor, *spec.law.terms]
    if known.any():
        coords["benchmark_with_losses"] = list(benchmarks[known])
    if not known.all():
        coords["benchmark_scores_only"] = list(benchmarks[~known])
    fitted = fit_law(layout, spec.law, chosen) if layout.loss_sets and not held else None
    arrays = dict(layout.arrays)
    if fitted is not None:
        together = sampled_together(spec.law, chosen)
        arrays |= law_coordinates(fitted, spec.law, together=together)
    coords["ruler"] = [*layout.loss_sets, *benchmarks[~known]]

    with pm.Model(coords=coords) as model:
        for name, values in arrays.items():
            along = f"{name.split('_')[0]}_id"
            measured = along in ("score_id", "loss_id") and along in coords
            pm.Data(name, values, dims=along if measured else None)
        priors = place(chosen)
        given = {name: pm.Data(f"held_{name}", v) for name, v in (held or {}).items()}
        eta = add_harness_offsets(priors)
        ruler = (
            held_ruler(layout, spec, given)
            if given
            else add_ruler(layout, spec, priors, layout.chance, eta)
        )
        factor = add_sizes(layout, spec, priors, given)
        density, difference = None, None
        size = model["relative_log_size"]
        size = size if factor is None else size + factor
        anchors = None
        if layout.size("cell"):
            phi = priors["phi"].variable("phi", dims="benchmark")
            tau = add_spread(spec, priors, ruler)
            anchors = add_anchors(layout, spec, ruler, eta=eta, size=size, phi=phi, tau=tau)
        if isinstance(spec, ModelSpec) and anchors is not None:
            density, difference = add_targets(layout, spec, priors, factor, anchors)
            shape = length("reference"), length("benchmark")
            difference = pt.concatenate([difference, pt.zeros(shape)])
        of_references = add_references(layout, priors, given)
        density = of_references if density is None else pt.concatenate([density, of_references])
        density = pm.Deterministic("ln_density", density, dims="model")
        if fitted is not None:
            add_losses(layout, spec, priors, ruler, size)
        if anchors is not None:
            add_measurements(
                layout,
                spec,
                priors,
                ruler,
                density=density,
                difference=difference,
                size=size,
                eta=eta,
                anchors=anchors,
                phi=phi,
            )
    if fitted is not None:
        start_at_losses(model, fitted, spec, chosen)
    return model
