"""The ruler of a density model from its references alone, to compare with or to cut to."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesdense.build import Layout, build_model, default_priors, lay_out
from bayesdense.coordinates.from_pilot import retune_for
from bayesdense.data import Dataset
from bayesdense.models.base import Drawn, structure_of
from bayesdense.posterior.diagnostics import diagnostics_table
from bayesdense.posterior.draws import Draws, RulerDraws
from bayesdense.sampler.cut_chains import DRAWS_OF_A_RULER, sample_given
from bayesdense.sampler.initial_points import spread_out
from bayesdense.sampler.nuts import SamplingInterrupted, SamplingSettings, sample
from bayesdense.spec import ModelSpec, RulerSpec

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["KEPT_DRAWS", "Alone", "fit_alone", "sample_cut"]

DRAWS, TUNE, TARGET_ACCEPT = 2500, 1000, 0.99
KEPT_DRAWS = 2000
REMEMBERED = 4
# What belongs to single models and cells is no part of the ruler.
NOT_THE_RULER = {"model", "reference", "cell", "harness", "harness_contrast"}

_remembered: OrderedDict[Any, Alone] = OrderedDict()


@dataclass(frozen=True)
class Alone:
    """The ruler as references alone show it.

    Attributes
    ----------
    posterior : xarray.Dataset
        Draws of the ruler's variables.
    layout : Layout
        The references, with the harnesses of all models.
    spec : RulerSpec
        The composition of the ruler.
    info : dict
        Largest R-hat, lowest effective sample size, divergences, draws and
        seconds.
    """

    posterior: xr.Dataset
    layout: Layout
    spec: RulerSpec
    info: dict[str, Any]


def fit_alone(
    data: Dataset, spec: ModelSpec, settings: SamplingSettings, *, label: str, progress: bool
) -> Alone:
    """Fit the ruler of a density model to the references alone.

    Several models of one dataset and seed that share it, such as those of two
    trends, fit it once.

    Parameters
    ----------
    data : Dataset
        With references, targets and core benchmarks.
    spec : ModelSpec
        The composition of the density model.
    settings : SamplingSettings
        Chains, cores and seed; the numbers of draws are set here.
    label : str
        What is being fitted, for the progress bar.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Alone

    Raises
    ------
    SamplingInterrupted
        If it was interrupted (Ctrl-C), whatever had been drawn.
    """
    plain = spec.ruler_spec(())
    layout = lay_out(data, plain, beside_targets=True)
    own = spec.ruler_spec(default_priors(layout, plain))
    chosen = dataclasses.replace(
        settings,
        draws=DRAWS,
        tune=TUNE,
        target_accept=max(settings.target_accept or 0.0, TARGET_ACCEPT),
    )
    structure = ("beside targets", structure_of(layout, own))
    key = (data.digest, structure, repr(own.to_dict()), dataclasses.astuple(chosen))
    if key in _remembered:
        return _remembered[key]
    model = build_model(layout, own)
    result = sample(
        model,
        structure=structure,
        settings=chosen,
        label=label,
        progress=progress,
        retune=retune_for(layout, own),
    )
    if result.interrupted:
        raise SamplingInterrupted("interrupted in the fit of the references alone: no draws kept")
    free = [variable.name for variable in model.free_RVs]
    table = diagnostics_table(result.posterior, free)
    info = {
        "rhat": float(table["rhat"].max(skipna=False)),
        "ess": float(table["ess"].min(skipna=False)),
        "divergences": int(result.sample_stats["diverging"].sum()),
        "draws": int(result.sample_stats["diverging"].size),
        "seconds": result.compile_seconds + result.sampling_seconds,
    }
    posterior = result.posterior
    posterior = posterior[[n for n, v in posterior.items() if not NOT_THE_RULER & set(v.dims)]]
    alone = Alone(spread_out(posterior, KEPT_DRAWS), layout, own, info)
    _remembered[key] = alone
    while len(_remembered) > REMEMBERED:
        _remembered.popitem(last=False)
    return alone


def sample_cut(
    layout: Layout,
    spec: ModelSpec,
    alone: Alone,
    count: int,
    settings: SamplingSettings,
    *,
    label: str,
    progress: bool,
) -> Drawn:
    """Sample everything else given each of many rulers (docs/model.md, "Joint or cut").

    Parameters
    ----------
    layout : Layout
        All models under the density model.
    spec : ModelSpec
        The composition of the density model.
    alone : Alone
        The ruler from references alone.
    count : int
        How many of its draws to use.
    settings : SamplingSettings
        Cores, seed and target acceptance.
    label : str
        What is being fitted, for the progress bar.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Drawn
        With the draws of the ruler beside those of the rest.
    """
    chosen = spread_out(alone.posterior, count)
    rulers = _held(chosen, alone)
    model = build_model(layout, spec, {name: values[0, 0] for name, values in rulers.items()})
    result = sample_given(
        model,
        structure=("cut", structure_of(layout, spec)),
        rulers=rulers,
        settings=settings,
        label=label,
        progress=progress,
    )
    draws = result.posterior.sizes["draw"]
    owner = np.arange(draws) // DRAWS_OF_A_RULER
    repeated = chosen.isel(draw=owner).assign_coords(draw=np.arange(draws))
    repeated = repeated[[n for n in repeated.data_vars if n not in result.posterior]]
    posterior = result.posterior.merge(repeated, join="override", compat="override")
    # How well the ruler itself was sampled is known from `alone`.
    free = [variable.name for variable in model.free_RVs]
    info = {"rulers": draws // DRAWS_OF_A_RULER * posterior.sizes["chain"]}
    merged = dataclasses.replace(result, posterior=posterior)
    return Drawn(merged, free, {"cut": info})


def _held(posterior: xr.Dataset, alone: Alone) -> dict[str, np.ndarray]:
    """Return the values that `held_ruler` reads, shape ``(chain, draw, ...)``."""
    draws = Draws(posterior)
    ruler = RulerDraws(draws, alone.layout, alone.spec)
    values = {f"law_{name}": v for name, v in ruler.coefficients.items()}
    values |= {
        "pivot": ruler.pivot,
        "steepness": ruler.steepness,
        "floor": ruler.floor,
        "span": ruler.span,
    }
    values |= {"r": draws["r"]} if "r" in draws else {}
    # A coefficient that references say nothing of is left to the targets.
    for name, design in alone.layout.size_design.items():
        if len(np.unique(design)) > 1:
            values[f"size_{name}"] = draws[name]
    shape = posterior.sizes["chain"], posterior.sizes["draw"]
    return {name: v.reshape(*shape, *v.shape[1:]) for name, v in values.items()}
