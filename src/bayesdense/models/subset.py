"""Very many models: what they share from some of them, and each of them given that.

The posterior of what all models share (ruler, growth, scales) rests on the references more than on
the number of targets, so a part of the targets says nearly as much of it. Draws of the part are
passed on to all: a cut posterior, as of a ruler from references alone (docs/model.md, "Joint or
cut").
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.build import Layout, build_model, default_priors
from bayesdense.build.layout import DAYS_PER_YEAR
from bayesdense.coordinates.from_pilot import retune_for
from bayesdense.data import Dataset, check_readiness
from bayesdense.errors import BayesdenseError, ReadinessError
from bayesdense.models.base import Drawn, Model, structure_of
from bayesdense.posterior.diagnostics import diagnostics_table, energy_table
from bayesdense.sampler.conditional_hmc import OF_SINGLE, Singles, sample_single
from bayesdense.sampler.initial_points import spread_out
from bayesdense.sampler.nuts import SamplingInterrupted, SamplingSettings
from bayesdense.sampler.warm_start import scored_targets

if TYPE_CHECKING:
    from bayesdense.sampler.nuts import SampleResult

__all__ = [
    "FEWEST_SHARED",
    "Part",
    "alike",
    "given_shared",
    "make_part",
    "part_of",
    "sample_partly",
]

FEWEST_SHARED = 30
KEPT = 2000
# A family of more than this share of the part, one in so many, is not taken whole.
WHOLE = 5
# Targets of the part that a harness measured on a benchmark, and without a date, if there are as
# many.
OF_EACH = 5
# Draws that coordinates come from: they need no more.
FOR_COORDINATES = 300
# What shared variables are counted in: it must mean the same for the part.
MEANING = (
    *("growth_basis", "growth_error", "size_slope_basis", "size_slope_error", "benchmark_basis"),
    *("harness_basis", "harness_error", "harness_pull"),
    *("harness_contrast_benchmark", "harness_measured"),
)


@dataclass(frozen=True)
class Part:
    """Some of the targets, ready to be fitted.

    Attributes
    ----------
    data : Dataset
        They, and all references.
    layout : Layout
        They under the model, with everything shared counted as in the whole.
    """

    data: Dataset
    layout: Layout


def make_part(model: Model[Any], data: Dataset, whole: Layout, count: Any) -> Part:
    """Choose a part of a dataset, and refuse one that cannot be.

    Parameters
    ----------
    model : Model
        The model.
    data : Dataset
        The whole.
    whole : Layout
        The whole under the model.
    count : object
        How many targets the part is to have, a whole number.

    Returns
    -------
    Part

    Raises
    ------
    BayesdenseError
        If it is no number of targets that there are, the ruler is not sampled
        jointly, or the part lacks what a shared parameter needs.
    ReadinessError
        If the part cannot answer the question.
    """
    if model.spec.ruler != "joint":
        raise BayesdenseError(
            f"shared_from is for ruler='joint'; this model's ruler is {model.spec.ruler!r}"
        )
    there = whole.size("target")
    if there <= FEWEST_SHARED:
        raise BayesdenseError(
            f"shared_from is for more than {FEWEST_SHARED} targets with scores, and there are "
            f"{there}; leave it out"
        )
    number = isinstance(count, int | np.integer) and not isinstance(count, bool)
    if not number or not FEWEST_SHARED <= count < there:
        raise BayesdenseError(
            f"shared_from must be a whole number from {FEWEST_SHARED} to below the number of "
            f"targets with scores, {there}, not {count!r}; leave it out to sample all together"
        )
    part = part_of(data, int(count))
    try:
        check_readiness(part)
    except ReadinessError as error:
        raise ReadinessError(f"shared_from={count}: the part is too small: {error}") from None
    own = alike(model.lay_out(part), whole)
    here, every = default_priors(own, model.spec), default_priors(whole, model.spec)
    # What is of undated targets is of single models.
    missing = sorted(every.keys() - here.keys() - {"undated"})
    if missing:
        raise BayesdenseError(
            f"shared_from={count}: no target of the part informs {', '.join(missing)}; "
            "let more of them share"
        )
    return Part(part, own)


def part_of(data: Dataset, count: int) -> Dataset:
    """Return the references and some of the targets, whole families spread over time.

    Parameters
    ----------
    data : Dataset
        The whole.
    count : int
        How many targets are wanted.

    Returns
    -------
    Dataset
        With as many, or a few more where a harness measured no other model on
        a benchmark. Of families that are too large a part is taken.
    """
    targets = scored_targets(data)
    families = targets.groupby("family", sort=True)["release_date"].agg(["mean", "size"])
    families = families.sort_values("mean", kind="stable", na_position="last")
    # Halves, quarters, eighths: whatever number is taken is spread evenly.
    order = np.argsort([_reversed_bits(i) for i in range(len(families))], kind="stable")
    chosen: list[str] = []
    left = count
    for family, size in zip(families.index[order], families["size"].iloc[order], strict=True):
        if size <= min(left, count // WHOLE):
            chosen.append(family)
            left -= int(size)
    whole = targets["family"].isin(chosen)
    models = set(targets.loc[whole, "model"])
    if left:
        # The others in part, evenly over their dates.
        rest = targets[~whole].sort_values("release_date", kind="stable", na_position="last")
        places = np.linspace(0, len(rest) - 1, left).round().astype(int)
        models |= set(rest["model"].iloc[places])

    def at_least(names: pd.Series, fewest: int) -> None:
        there = list(dict.fromkeys(names))
        missing = min(fewest, len(there)) - len(models & set(there))
        models.update([name for name in there if name not in models][: max(missing, 0)])

    scores = data.scores[data.scores["model"].isin(set(targets["model"]))]
    for _, own in scores.groupby(["harness", "benchmark"], sort=True):
        at_least(own["model"], OF_EACH)
    at_least(targets.loc[targets["release_date"].isna(), "model"], OF_EACH)
    return data.select(models=sorted(models))


def sample_partly(
    model: Model[Any],
    part: Part,
    whole: Layout,
    settings: SamplingSettings,
    *,
    label: str,
    progress: bool,
) -> Drawn:
    """Sample what all models share from some, and all models given that.

    Parameters
    ----------
    model : Model
        The model.
    part : Part
        The targets that inform what is shared.
    whole : Layout
        All targets under the model.
    settings : SamplingSettings
        How to sample the part.
    label : str
        What is being fitted, for the progress bar.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Drawn
        At most `KEPT` draws, evenly spread, with the sampler statistics of
        the part; with ``shared_from`` in its ``info``: the targets of the
        part, those there are, and how well both steps went.

    Raises
    ------
    SamplingInterrupted
        If it was interrupted (Ctrl-C) before every model had some draws.
    """
    own = part.layout
    some, every = f"{own.size('target'):,} targets", f"all {whole.size('target'):,} targets"
    first = model.sample_layout(
        own, settings, label=f"{label}, {some}", progress=progress, data=part.data
    )
    if first.result.interrupted:
        raise SamplingInterrupted("interrupted in the fit of some targets: no draws kept")
    posterior = first.result.posterior
    singles, chosen = given_shared(
        model, whole, posterior, settings, label=f"{label}, {every}", progress=progress
    )
    kept = singles.posterior.sizes["draw"]
    note = ""
    if kept < chosen.sizes["draw"]:
        note = f"interrupted: kept {kept} of {chosen.sizes['draw']} draws of each chain"
    result = dataclasses.replace(
        first.result,
        posterior=singles.posterior,
        sample_stats=_stats_of(first.result, chosen.sizes["draw"]).isel(draw=slice(0, kept)),
        compile_seconds=first.result.compile_seconds + singles.compile_seconds,
        sampling_seconds=first.result.sampling_seconds + singles.sampling_seconds,
        interrupted=note,
    )
    table = diagnostics_table(posterior, first.free)
    info = {
        "targets": own.size("target"),
        "of": whole.size("target"),
        "rhat": float(table["rhat"].max(skipna=False)),
        "ess": float(table["ess"].min(skipna=False)),
        "bfmi": float(energy_table(first.result.sample_stats)["bfmi"].min(skipna=False)),
        "step": singles.step,
        "refused": singles.refused,
        "energy_error": singles.energy_error,
    }
    free = [str(name) for name in chosen]
    return Drawn(result, free, {**first.info, "shared_from": info})


def given_shared(
    model: Model[Any],
    whole: Layout,
    posterior: xr.Dataset,
    settings: SamplingSettings,
    *,
    label: str,
    progress: bool,
) -> tuple[Singles, xr.Dataset]:
    """Sample all models given draws of what they share.

    Parameters
    ----------
    model : Model
        The model.
    whole : Layout
        All targets under the model.
    posterior : xarray.Dataset
        Draws of the same model of any targets.
    settings, label, progress
        As for `sample_partly`.

    Returns
    -------
    singles : Singles
        All models.
    shared : xarray.Dataset
        The draws that they were given, of every free variable of them all.
    """
    built = build_model(whole, model.spec)
    dims = built.named_vars_to_dims
    free = [v.name for v in built.free_RVs if not OF_SINGLE & set(dims.get(v.name, ()))]
    shared = spread_out(posterior[free], KEPT)
    ruler = [n for n, v in posterior.items() if not {*OF_SINGLE, "model"} & set(v.dims)]
    some = spread_out(posterior[ruler], FOR_COORDINATES)
    for name, values in retune_for(whole, model.spec)(some).items():
        built.set_data(name, values)
    structure = structure_of(whole, model.spec)
    found = sample_single(
        built,
        structure=structure,
        shared=shared,
        settings=settings,
        label=label,
        progress=progress,
    )
    return found, shared


def _reversed_bits(number: int) -> int:
    return int(f"{number:032b}"[::-1], 2)


def alike(own: Layout, whole: Layout) -> Layout:
    """Return the layout of a part in which what all models share means what it does in the whole.

    Dates are counted from the mean date of all targets, and differences between benchmarks and
    harnesses in contrasts that suit all scores.

    Parameters
    ----------
    own, whole : Layout
        Of the part and of the whole.

    Returns
    -------
    Layout

    Raises
    ------
    BayesdenseError
        If one has a benchmark, harness, reference or loss set that the other
        does not have.
    """
    for dim in ("benchmark", "harness", "harness_contrast", "reference", "loss_set"):
        if own.coords[dim] != whole.coords[dim]:
            raise BayesdenseError(f"shared_from: the part has other entries of '{dim}' than all")
    later = (own.origin - whole.origin) / np.timedelta64(1, "D") / DAYS_PER_YEAR
    dated = np.arange(own.size("target")) < own.size("dated_target")
    moved = {
        "years": own.arrays["years"] + later,
        "target_years": own.arrays["target_years"] + np.where(dated, later, 0.0),
    }
    # A single benchmark has no contrasts, and a single harness none.
    names = [name for name in MEANING if name in whole.arrays]
    same = {name: whole.arrays[name] for name in names}
    return dataclasses.replace(own, arrays={**own.arrays, **moved, **same}, origin=whole.origin)


def _stats_of(result: SampleResult, draws: int) -> xr.Dataset:
    """Return statistics of evenly spread draws; a divergence counts wherever it was."""
    stats = result.sample_stats
    chosen = np.linspace(0, stats.sizes["draw"] - 1, draws).round().astype(int)
    after = np.concatenate([chosen[:-1] + 1, [stats.sizes["draw"]]])
    before = np.concatenate([[0], after[:-1]])
    diverging = stats["diverging"].transpose("chain", "draw").values
    any_of = [diverging[:, a:b].any(axis=1) for a, b in zip(before, after, strict=True)]
    thinned = stats.isel(draw=chosen).assign_coords(draw=np.arange(draws))
    return thinned.assign(diverging=(("chain", "draw"), np.array(any_of).T))
