"""Very many models: what they share from some of them, and each of them given that.

The posterior of what all models share (ruler, growth, scales) rests on the references more than on
the number of targets, so a part of the targets says nearly as much of it. Draws of the part are
passed on to all: a cut posterior, as of a ruler from references alone (MODEL section 2).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.build import Layout, build_model
from bayesdense.build.layout import DAYS_PER_YEAR
from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError
from bayesdense.models.base import Drawn, Model, structure_of
from bayesdense.pilot import retune_for
from bayesdense.sampling import SamplingInterrupted, SamplingSettings
from bayesdense.single import OF_SINGLE, sample_single
from bayesdense.spec import ModelSpec
from bayesdense.starts import spread_out
from bayesdense.summaries.diagnostics import diagnostics_table

if TYPE_CHECKING:
    from bayesdense.sampling import SampleResult

__all__ = ["FEWEST_SHARED", "check_part", "part_of", "sample_partly"]

FEWEST_SHARED = 30
KEPT = 2000
# Targets of the part that a harness measured on a benchmark, if there are as many.
OF_EACH_HARNESS = 5
# What a variable of all models is counted in: it must mean the same for the part.
MEANING = ("growth", "size_slope", "harness", "benchmark", "reference_family")


def check_part(data: Dataset, spec: ModelSpec, count: int) -> None:
    """Refuse a part that cannot be.

    Parameters
    ----------
    data : Dataset
        The whole.
    spec : ModelSpec
        The composition of the model.
    count : int
        How many targets the part is to have.

    Raises
    ------
    BayesdenseError
        If it is no number of targets that there are, or the ruler is not
        sampled jointly.
    """
    if spec.ruler != "joint":
        raise BayesdenseError(
            f"shared_from is for ruler='joint'; this model's ruler is {spec.ruler!r}"
        )
    there = len(_scored(data))
    if type(count) is not int or not FEWEST_SHARED <= count < there:
        raise BayesdenseError(
            f"shared_from must be a whole number from {FEWEST_SHARED} to below the number of "
            f"targets with scores, {there}, not {count!r}; leave it out to sample all together"
        )


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
        With about as many: more where a harness measured no other model on a
        benchmark.
    """
    targets = _scored(data)
    families = targets.groupby("family", sort=True)["release_date"].agg(["mean", "size"])
    families = families.sort_values("mean", kind="stable", na_position="last")
    # Halves, quarters, eighths: whatever number is taken is spread evenly.
    order = np.argsort([_reversed_bits(i) for i in range(len(families))], kind="stable")
    chosen: list[str] = []
    left = count
    for family, size in zip(families.index[order], families["size"].iloc[order], strict=True):
        if size <= left:
            chosen.append(family)
            left -= int(size)
    models = set(targets.loc[targets["family"].isin(chosen), "model"])
    names = set(targets["model"])
    scores = data.scores[data.scores["model"].isin(names)]
    for _, own in scores.groupby(["harness", "benchmark"], sort=True):
        there = list(dict.fromkeys(own["model"]))
        missing = min(OF_EACH_HARNESS, len(there)) - len(models & set(there))
        models |= set([name for name in there if name not in models][: max(missing, 0)])
    return data.select(models=sorted(models))


def sample_partly(
    model: Model[Any],
    data: Dataset,
    layout: Layout,
    count: int,
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
    data : Dataset
        The whole.
    layout : Layout
        The whole under the model.
    count : int
        How many targets inform what is shared.
    settings : SamplingSettings
        How to sample the part.
    label : str
        What is being fitted, for the progress bar.
    progress : bool
        Whether to show a progress bar.

    Returns
    -------
    Drawn
        With ``shared_from`` in its ``info``: the targets of the part, those
        there are, and how well the part was sampled.

    Raises
    ------
    SamplingInterrupted
        If it was interrupted (Ctrl-C) before every model had some draws.
    """
    part = part_of(data, count)
    own = _alike(model.lay_out(part), layout)
    some, every = f"{own.size('target'):,} targets", f"all {layout.size('target'):,} targets"
    first = model.sample_layout(
        own, settings, label=f"{label}, {some}", progress=progress, data=part
    )
    if first.result.interrupted:
        raise SamplingInterrupted("interrupted in the fit of some targets: no draws kept")
    posterior = first.result.posterior
    free = [name for name in first.free if not OF_SINGLE & set(posterior[name].dims)]
    chosen = spread_out(posterior[free], KEPT)
    built = build_model(layout, model.spec)
    ruler = [n for n, v in posterior.items() if not {*OF_SINGLE, "model"} & set(v.dims)]
    for name, values in retune_for(layout, model.spec)(posterior[ruler]).items():
        built.set_data(name, values)
    singles = sample_single(
        built,
        structure=structure_of(layout, model.spec),
        shared=chosen,
        settings=settings,
        label=f"{label}, {every}",
        progress=progress,
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
        "of": layout.size("target"),
        "rhat": float(table["rhat"].max(skipna=False)),
        "ess": float(table["ess"].min(skipna=False)),
        "step": singles.step,
        "refused": singles.refused,
    }
    return Drawn(result, free, {**first.info, "shared_from": info})


def _scored(data: Dataset) -> pd.DataFrame:
    """Return the targets that have scores on the benchmarks that are fitted."""
    scores = data.scores[data.scores["benchmark"].isin(data.core_benchmarks)]
    return data.targets[data.targets["model"].isin(set(scores["model"]))]


def _reversed_bits(number: int) -> int:
    return int(f"{number:032b}"[::-1], 2)


def _alike(own: Layout, whole: Layout) -> Layout:
    """Return the layout of a part in which what all models share means what it does in the whole.

    Dates are counted from the mean date of all targets, and differences between benchmarks and
    harnesses in contrasts that suit all scores.
    """
    for dim in ("benchmark", "harness", "harness_contrast", "reference", "loss_set"):
        if own.coords[dim] != whole.coords[dim]:
            raise BayesdenseError(f"the part has other entries of '{dim}' than the whole")
    later = (own.origin - whole.origin) / np.timedelta64(1, "D") / DAYS_PER_YEAR
    arrays = dict(own.arrays)
    dated = own.size("dated_target")
    arrays["years"] = arrays["years"] + later
    arrays["target_years"] = arrays["target_years"] + np.where(
        np.arange(own.size("target")) < dated, later, 0.0
    )
    ends = ("basis", "error", "contrast_benchmark", "measured")
    names = [f"{what}_{end}" for what in MEANING for end in ends]
    arrays |= {name: whole.arrays[name] for name in names if name in whole.arrays}
    return dataclasses.replace(own, arrays=arrays, origin=whole.origin)


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
