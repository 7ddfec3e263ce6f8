"""The ruler of a density model from its references only, to compare with or to cut to."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesdense.data import Dataset
from bayesdense.fit.info import CutInfo, ReferencePosteriorInfo
from bayesdense.model import Design, default_priors, make_design
from bayesdense.model.ruler import Ruler
from bayesdense.model.variables import describe, symbols_of
from bayesdense.models.base import Drawn, sampler_model, structure_of
from bayesdense.posterior.diagnostics import worst
from bayesdense.posterior.draws import Draws
from bayesdense.sampler.cut_chains import DRAWS_OF_A_RULER, sample_given
from bayesdense.sampler.initial_points import spread_out
from bayesdense.sampler.nuts import SamplingInterrupted, sample
from bayesdense.sampler.settings import Run
from bayesdense.spec import ModelSpec

if TYPE_CHECKING:
    import xarray as xr

__all__ = [
    "KEPT_DRAWS",
    "ReferencePosterior",
    "fit_reference_posterior",
    "reference_design",
    "sample_cut",
]

DRAWS, TUNE, TARGET_ACCEPT = 2500, 1000, 0.99
KEPT_DRAWS = 2000
REMEMBERED = 4
# What belongs to single models and cells is no part of the ruler.
NOT_THE_RULER = {"model", "reference", "cell", "harness"}

_remembered: OrderedDict[Any, ReferencePosterior] = OrderedDict()


@dataclass(frozen=True)
class ReferencePosterior:
    """The ruler as references show it.

    Attributes
    ----------
    posterior : xarray.Dataset
        Draws of the ruler's variables.
    design : Design
        The references under the ruler, with the harnesses of all models.
    info : ReferencePosteriorInfo
        How it was sampled.
    """

    posterior: xr.Dataset
    design: Design
    info: ReferencePosteriorInfo


def reference_design(data: Dataset, spec: ModelSpec) -> tuple[Design, tuple[Any, ...]]:
    """Return the references of a dataset under the ruler of a density model.

    Parameters
    ----------
    data, spec
        As for `fit_reference_posterior`.

    Returns
    -------
    design : Design
        Of the references.
    structure : tuple
        What shapes its graph.
    """
    plain = spec.ruler_spec(())
    design = make_design(data, plain, with_target_harnesses=True)
    design = dataclasses.replace(design, spec=spec.ruler_spec(default_priors(design)))
    return design, ("with target harnesses", structure_of(design))


def fit_reference_posterior(data: Dataset, spec: ModelSpec, run: Run) -> ReferencePosterior:
    """Fit the ruler of a density model to the references only.

    Several models of one dataset and seed that share it, such as those of two
    trends, fit it once.

    Parameters
    ----------
    data : Dataset
        With references, targets and core benchmarks.
    spec : ModelSpec
        The composition of the density model.
    run : Run
        Chains, cores and seed, and what is shown meanwhile; the numbers of
        draws are set here.

    Returns
    -------
    ReferencePosterior

    Raises
    ------
    SamplingInterrupted
        If it was interrupted (Ctrl-C), whatever had been drawn.
    """
    design, structure = reference_design(data, spec)
    own = design.spec
    accept = max(run.settings.target_accept or 0.0, TARGET_ACCEPT)
    run = run.replace(draws=DRAWS, tune=TUNE, target_accept=accept)
    key = (data.digest, structure, repr(own.to_dict()), dataclasses.astuple(run.settings))
    if key in _remembered:
        return _remembered[key]
    model, retune = sampler_model(design)
    result = sample(model, structure=structure, run=run, retune=retune)
    if result.interrupted:
        raise SamplingInterrupted("interrupted in the fit of the references only: no draws kept")
    found = worst(result.posterior, model.free)
    info = ReferencePosteriorInfo(
        rhat=found.rhat,
        ess=found.ess,
        divergences=int(result.sample_stats["diverging"].sum()),
        draws=int(result.sample_stats["diverging"].size),
        seconds=result.compile_seconds + result.sampling_seconds,
    )
    posterior = result.posterior
    posterior = posterior[[n for n, v in posterior.items() if not NOT_THE_RULER & set(v.dims)]]
    posterior = describe(posterior, symbols_of(own.law, own.score_map, own.size))
    reference = ReferencePosterior(spread_out(posterior, KEPT_DRAWS), design, info)
    _remembered[key] = reference
    while len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return reference


def sample_cut(
    design: Design,
    reference: ReferencePosterior,
    count: int,
    run: Run,
) -> Drawn:
    """Sample everything else given each of many rulers (docs/model.md, "Joint or cut").

    Parameters
    ----------
    design : Design
        All models under the density model.
    reference : ReferencePosterior
        The ruler from references only.
    count : int
        How many of its draws to use.
    run : Run
        Cores, seed and target acceptance, and what is shown meanwhile.

    Returns
    -------
    Drawn
        With the draws of the ruler beside those of the rest.
    """
    chosen = spread_out(reference.posterior, count)
    rulers = _held(chosen, reference)
    first = {name: values[0, 0] for name, values in rulers.items()}
    model, _ = sampler_model(design, first)
    result = sample_given(
        model,
        structure=("cut", structure_of(design)),
        rulers=rulers,
        run=run,
    )
    draws = result.posterior.sizes["draw"]
    owner = np.arange(draws) // DRAWS_OF_A_RULER
    repeated = chosen.isel(draw=owner).assign_coords(draw=np.arange(draws))
    repeated = repeated[[n for n in repeated.data_vars if n not in result.posterior]]
    posterior = result.posterior.merge(repeated, join="override", compat="override")
    # How well the ruler itself was sampled is known from `reference`.
    info = CutInfo(rulers=draws // DRAWS_OF_A_RULER * posterior.sizes["chain"])
    merged = dataclasses.replace(result, posterior=posterior)
    return Drawn(merged, tuple(model.free), cut=info)


def _held(posterior: xr.Dataset, reference: ReferencePosterior) -> dict[str, np.ndarray]:
    """Return values of the ruler as `build_model` takes them, shape ``(chain, draw, ...)``."""
    draws, design = Draws(posterior), reference.design
    ruler = Ruler.of(draws, design.arrays, design)
    shape = draws.count, int(design.ruler.max()) + 1
    values = {f"law_{name}": np.broadcast_to(v, shape) for name, v in ruler.coefficients.items()}
    for name in ("midpoint", "steepness", "floor", "span"):
        values[name] = getattr(ruler, name)
    if "reference_family_offset" in draws:
        values["reference_family_offset"] = draws["reference_family_offset"]
    # A coefficient that references say nothing of is left to the targets.
    for name, multiplier in design.size_design.items():
        if len(np.unique(multiplier)) > 1:
            values[f"size_{name}"] = draws[name]
    long = posterior.sizes["chain"], posterior.sizes["draw"]
    return {name: v.reshape(*long, *v.shape[1:]) for name, v in values.items()}
