"""Very many models: what they share from some of them, and each of them given that.

The posterior of what all models share (ruler, growth, scales) rests on the references more than on
the number of targets, so a subset of the targets says nearly as much of it. Draws of the subset are
passed on to all: a cut posterior, as of a ruler from references only (docs/model.md, "Joint or
cut").
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.data import Dataset, check_readiness
from bayesdense.data.cells import DAYS_PER_YEAR
from bayesdense.errors import BayesdenseError, ReadinessError
from bayesdense.fit.info import SharedFromInfo
from bayesdense.model import Design, default_priors
from bayesdense.model.design import drift_years
from bayesdense.models.base import Drawn, Model, sampler_model, structure_of
from bayesdense.posterior.diagnostics import energy_table, worst
from bayesdense.sampler.conditional_hmc import SINGLE_MODEL_DIMS, Singles, sample_single
from bayesdense.sampler.initial_points import evenly_spread, spread_out
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.settings import Run
from bayesdense.sampler.warm_start import scored_targets

if TYPE_CHECKING:
    from bayesdense.sampler.nuts import SampleResult

__all__ = [
    "FEWEST_SHARED",
    "Subset",
    "alike",
    "given_shared",
    "make_subset",
    "sample_with_subset",
    "subset_of",
]

FEWEST_SHARED = 30
KEPT = 2000
# A family of more than this share of the subset, one in so many, is not taken whole.
WHOLE = 5
# Targets of the subset that a harness measured on a benchmark, and without a date, if there are as
# many.
OF_EACH = 5
# Draws that coordinates come from: they need no more.
FOR_COORDINATES = 300


@dataclass(frozen=True)
class Subset:
    """Some of the targets, ready to be fitted.

    Attributes
    ----------
    data : Dataset
        They, and all references.
    design : Design
        They under the model, with everything shared defined as in the whole.
    """

    data: Dataset
    design: Design


def make_subset(model: Model[Any], data: Dataset, whole: Design, count: Any) -> Subset:
    """Choose a subset of a dataset, and refuse one that cannot be.

    Parameters
    ----------
    model : Model
        The model.
    data : Dataset
        The whole.
    whole : Design
        The whole under the model.
    count : object
        How many targets the subset is to have, a whole number.

    Returns
    -------
    Subset

    Raises
    ------
    BayesdenseError
        If it is no number of targets that there are, the ruler is not sampled
        jointly, or the subset lacks what a shared parameter needs.
    ReadinessError
        If the subset cannot answer the question.
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
    subset = subset_of(data, int(count))
    try:
        check_readiness(subset, trend=model.spec.has_growth)
    except ReadinessError as error:
        raise ReadinessError(f"shared_from={count}: the subset is too small: {error}") from None
    own = alike(model.make_design(subset), whole)
    here, every = default_priors(own), default_priors(whole)
    # What is of undated targets is of single models.
    missing = sorted(every.keys() - here.keys() - {"undated_log_density"})
    if missing:
        raise BayesdenseError(
            f"shared_from={count}: no target of the subset informs {', '.join(missing)}; "
            "let more of them share"
        )
    return Subset(subset, own)


def subset_of(data: Dataset, count: int) -> Dataset:
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
        a benchmark. Of families that are too large some models are taken.
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
        # Some of the others, evenly over their dates.
        rest = targets[~whole].sort_values("release_date", kind="stable", na_position="last")
        places = evenly_spread(len(rest), left)
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


def sample_with_subset(
    model: Model[Any],
    subset: Subset,
    whole: Design,
    run: Run,
) -> Drawn:
    """Sample what all models share from some, and all models given that.

    Parameters
    ----------
    model : Model
        The model.
    subset : Subset
        The targets that inform what is shared.
    whole : Design
        All targets under the model.
    run : Run
        How to sample the subset, and what is shown meanwhile.

    Returns
    -------
    Drawn
        At most `KEPT` draws, evenly spread, with the sampler statistics of
        the subset, and ``shared_from``.

    Raises
    ------
    SamplingInterrupted
        If it was interrupted (Ctrl-C) before every model had some draws.
    """
    own = subset.design
    some, every = f"{own.size('target'):,} targets", f"all {whole.size('target'):,} targets"
    first = model.sample_design(own, run.replace(label=f"{run.label}, {some}"), data=subset.data)
    if first.result.interrupted:
        raise SamplingInterrupted("interrupted in the fit of some targets: no draws kept")
    posterior = first.result.posterior
    every_run = run.replace(label=f"{run.label}, {every}")
    singles, chosen = given_shared(model, whole, posterior, every_run)
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
    sampled = worst(posterior, first.free)
    info = SharedFromInfo(
        targets=own.size("target"),
        of=whole.size("target"),
        rhat=sampled.rhat,
        ess=sampled.ess,
        bfmi=float(energy_table(first.result.sample_stats)["bfmi"].min(skipna=False)),
        step=singles.step,
        refused=singles.refused,
        energy_error=singles.energy_error,
    )
    free = tuple(str(name) for name in chosen)
    return dataclasses.replace(first, result=result, free=free, shared_from=info)


def given_shared(
    model: Model[Any],
    whole: Design,
    posterior: xr.Dataset,
    run: Run,
) -> tuple[Singles, xr.Dataset]:
    """Sample all models given draws of what they share.

    Parameters
    ----------
    model : Model
        The model.
    whole : Design
        All targets under the model.
    posterior : xarray.Dataset
        Draws of the same model of any targets.
    run : Run
        As for `sample_with_subset`.

    Returns
    -------
    singles : Singles
        All models.
    shared : xarray.Dataset
        The draws that they were given, of every free variable of them all.
    """
    built, retune = sampler_model(whole)
    dims = built.model.named_vars_to_dims
    free = [name for name in built.free if not SINGLE_MODEL_DIMS & set(dims.get(name, ()))]
    shared = spread_out(posterior[free], KEPT)
    ruler = [n for n, v in posterior.items() if not {*SINGLE_MODEL_DIMS, "model"} & set(v.dims)]
    some = spread_out(posterior[ruler], FOR_COORDINATES)
    for name, values in retune(some).items():
        built.model.set_data(name, values)
    structure = structure_of(whole)
    found = sample_single(built, structure=structure, shared=shared, run=run)
    return found, shared


def _reversed_bits(number: int) -> int:
    return int(f"{number:032b}"[::-1], 2)


def alike(own: Design, whole: Design) -> Design:
    """Return the design of a subset with shared variables that mean what they do in the whole.

    Dates are relative to the mean date of all targets and to that of whole families, and harnesses
    have offsets where they measured any of them.

    Parameters
    ----------
    own, whole : Design
        Of the subset and of the whole.

    Returns
    -------
    Design

    Raises
    ------
    BayesdenseError
        If one has a benchmark, harness, reference or loss set that the other
        does not have.
    """
    for dim in ("benchmark", "harness", "reference", "loss_set"):
        if own.coords[dim] != whole.coords[dim]:
            raise BayesdenseError(f"shared_from: the subset has other entries of '{dim}' than all")
    later = (own.mean_date - whole.mean_date) / np.timedelta64(1, "D") / DAYS_PER_YEAR
    dated = np.arange(own.size("target")) < own.size("dated_target")
    moved = {
        "years": own.arrays["years"] + later,
        "target_years": own.arrays["target_years"] + np.where(dated, later, 0.0),
    }
    moved |= _of_switches(own, whole, moved["target_years"])
    # Offsets are zero-sum over the harnesses that measured a benchmark in the whole.
    same = {name: whole.arrays[name] for name in ("harness_measured", *whole.spec.trend.constants)}
    return dataclasses.replace(
        own, arrays={**own.arrays, **moved, **same}, mean_date=whole.mean_date
    )


def _of_switches(own: Design, whole: Design, years: np.ndarray) -> dict[str, np.ndarray]:
    """Return the numbers of growth within families and of a drifting harness, as in the whole."""
    found: dict[str, np.ndarray] = {}
    if "family_years" in own.arrays:
        place = pd.Index(whole.coords["dated_target"]).get_indexer(own.coords["dated_target"])
        found["family_years"] = whole.arrays["family_years"][place]
    if "score_drift_years" in own.arrays:
        found["score_drift_years"] = drift_years(own.scores, years, own.spec.harness_drift)
    return found


def _stats_of(result: SampleResult, draws: int) -> xr.Dataset:
    """Return statistics of evenly spread draws; a divergence counts wherever it was."""
    stats = result.sample_stats
    chosen = evenly_spread(stats.sizes["draw"], draws)
    after = np.concatenate([chosen[:-1] + 1, [stats.sizes["draw"]]])
    before = np.concatenate([[0], after[:-1]])
    diverging = stats["diverging"].transpose("chain", "draw").values
    any_of = [diverging[:, a:b].any(axis=1) for a, b in zip(before, after, strict=True)]
    thinned = stats.isel(draw=chosen).assign_coords(draw=np.arange(draws))
    return thinned.assign(diverging=(("chain", "draw"), np.array(any_of).T))
