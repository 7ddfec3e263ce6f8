"""Sample with nutpie."""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.errors import SamplingError
from bayesdense.sampler.backend.compile_cache import Compiled, compiled_for
from bayesdense.sampler.initial_points import Start, spread_out, where_chains_were
from bayesdense.sampler.progress import Progress
from bayesdense.sampler.settings import FEWEST_KEPT_DRAWS, Run, SamplingSettings
from bayesdense.sampler.warm_start import Beginning
from bayesdense.sampler.warmup import (
    FEWEST,
    SHORTEST_SPLIT,
    Pilot,
    after_pilots,
    enough,
    largest_rhat,
    pilot_settings,
)

__all__ = [
    "KEPT_STATS",
    "Retune",
    "SampleResult",
    "SamplingInterrupted",
    "sample",
]

# Of this many draws of a pilot chains start at any.
STARTS = 32

# What nutpie says where it finds no density to start with.
NO_START = "initialization points failed"

# What ArviZ says of a result with fewer draws than chains.
FEW_DRAWS = "Found chain dimension to be longer than draw dimension"

Retune = Callable[[xr.Dataset], Mapping[str, np.ndarray]]
"""From the draws of a pilot, new values of the model's data that set coordinates."""

# nutpie's statistics that are kept, under the names that ArviZ gives them.
KEPT_STATS = {
    "diverging": "diverging",
    "energy": "energy",
    "energy_error": "energy_error",
    "logp": "lp",
    "n_steps": "n_steps",
    "depth": "tree_depth",
    "maxdepth_reached": "reached_max_treedepth",
    "step_size": "step_size",
    "mean_tree_accept": "acceptance_rate",
}


class SamplingInterrupted(KeyboardInterrupt):
    """Sampling was stopped before any draw could be kept."""


@dataclass(frozen=True)
class SampleResult:
    """What sampling gave.

    Attributes
    ----------
    posterior, sample_stats : xarray.Dataset
        Draws and sampler statistics, dimensions ``chain`` and ``draw`` first.
    compile_seconds, sampling_seconds : float
        Wall time; compilation is 0 where a compiled model was at hand.
    interrupted : str
        Empty, or how many draws were kept when sampling was stopped.
    accept : float
        Acceptance that the step size was tuned to.
    pilots : tuple of Pilot
        Into which the warm-up was split.
    """

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    compile_seconds: float
    sampling_seconds: float
    interrupted: str
    accept: float
    pilots: tuple[Pilot, ...] = ()

    def after(self, first: SampleResult) -> SampleResult:
        """Return this result with the time of one that was needed for it.

        Parameters
        ----------
        first : SampleResult
            The other one.

        Returns
        -------
        SampleResult
        """
        return dataclasses.replace(
            self,
            compile_seconds=self.compile_seconds + first.compile_seconds,
            sampling_seconds=self.sampling_seconds + first.sampling_seconds,
        )


def sample(
    model: Any,
    *,
    structure: Any,
    run: Run,
    retune: Retune | None = None,
    beginning: Beginning | None = None,
) -> SampleResult:
    """Draw from the posterior of a PyMC model.

    Parameters
    ----------
    model, structure
        As for `bayesdense.sampler.backend.compile_cache.compiled_for`; models of equal structure
        share one compiled function.
    run : Run
        How to sample, and what is shown meanwhile.
    retune : callable, optional
        Splits the warm-up into pilots and the rest: takes the draws of a pilot
        and returns new values for data of the model that set coordinates and
        nothing else. Those of each pilot are for the next.
    beginning : Beginning, optional
        Draws of another fit that stand for the first pilot; for all, if they
        are of the same posterior.

    Returns
    -------
    SampleResult

    Raises
    ------
    SamplingError
        If the sampler failed, with its reason.
    SamplingInterrupted
        If it was interrupted (Ctrl-C) before enough draws could be kept.
    """
    settings, label = run.settings, run.label
    if settings.compiler != "dynamic":
        # Other coordinates are other code, which takes longer to compile than they save.
        retune = None
    with Progress(run.progressbar, label) as shown:
        begun = time.monotonic()
        compiled, fresh = compiled_for(model, structure, shown, settings.compiler)
        compile_seconds = time.monotonic() - begun if fresh else 0.0
        begun = time.monotonic()
        pilots: list[Pilot] = []
        start = compiled.start
        to_come: list[SamplingSettings] = []
        if retune is not None and settings.tune >= SHORTEST_SPLIT:
            to_come = pilot_settings(settings, settings.accept(compiled.n_parameters))
            settings = after_pilots(settings)

        def move(draws: xr.Dataset, *, own: bool) -> tuple[Compiled, Start]:
            for name, values in (retune(draws) if retune else {}).items():
                model.model.set_data(name, values)
            moved, _ = compiled_for(model, structure, shown, settings.compiler)
            return moved, _start(moved, draws, model, own=own)

        if beginning is not None:
            compiled, start = move(beginning.draws, own=beginning.same)
            to_come = [] if beginning.same else to_come[1:]
        fewest = FEWEST if beginning is None else FEWEST - 1
        for pilot in to_come:
            shown.label = f"{label}, finding coordinates"
            tree, interrupted = _run(compiled, pilot, shown, start)
            if interrupted:
                raise SamplingInterrupted("interrupted during warm-up: no draws kept")
            draws = tree["posterior"].to_dataset()
            pilots.append(Pilot(pilot.tune, pilot.draws, largest_rhat(draws)))
            compiled, start = move(draws, own=pilots[-1].met)
            if enough(pilots, fewest):
                break
        shown.label = label
        tree, interrupted = _run(compiled, settings, shown, start)
        seconds = time.monotonic() - begun
    posterior = tree["posterior"].to_dataset()
    stats = tree["sample_stats"].to_dataset()[list(KEPT_STATS)].rename(KEPT_STATS)
    note = ""
    if interrupted:
        posterior, stats, note = _kept(posterior, stats, settings)
    return SampleResult(
        posterior=posterior,
        sample_stats=stats,
        compile_seconds=compile_seconds,
        sampling_seconds=seconds,
        interrupted=note,
        accept=settings.accept(compiled.n_parameters),
        pilots=tuple(pilots),
    )


def _start(compiled: Compiled, draws: xr.Dataset, model: Any, *, own: bool) -> Start:
    """Return where chains start, given draws of most variables.

    Draws of the posterior are gone on from as they are. In those of another one, or of chains that
    have not met, coordinates that are standardised by the data start around 0.
    A variable of which there are none, or none that is possible here, starts around its initial
    value; so do all where no draw has a density in these coordinates.
    """
    usual = model.starts
    known = [name for name in (*model.free, *model.terms) if name in draws]
    some = spread_out(draws[list(dict.fromkeys(known))], STARTS)
    there = model.complete({name: some[name].values[0, 0] for name in some})
    unknown = np.zeros(compiled.n_parameters, dtype=bool)
    for name in usual.keys() - there.keys():
        unknown[compiled.places[name]] = True
    own = own and not unknown.any()
    as_sampled = compiled.exactly() if own else compiled.as_sampled
    points, scattered = [], unknown
    for place in np.ndindex(some.sizes["chain"], some.sizes["draw"]):
        values = usual | model.complete({name: some[name].values[place] for name in some})
        point, is_standardised = as_sampled(values)
        scattered = scattered | (is_standardised & (not own)) | ~np.isfinite(point)
        points.append(point)
    found = np.where(np.isfinite(points), points, compiled.centre)
    possible = compiled.possible(found)
    # Chains that have not met can be where the coordinates of their common draws do not reach.
    if not possible.any():
        return compiled.start
    return where_chains_were(found[possible], scattered)


def _run(
    compiled: Compiled,
    settings: SamplingSettings,
    shown: Progress,
    start: Start,
) -> tuple[Any, bool]:
    """Run the sampler; return its result, and whether it was interrupted."""
    import nutpie

    running: Any = None
    try:
        running = nutpie.sample(
            compiled.given(start=start),
            draws=settings.draws,
            tune=settings.tune,
            chains=settings.chains,
            cores=settings.cores,
            seed=settings.random_seed,
            target_accept=settings.accept(compiled.n_parameters),
            progress_bar=False,
            progress_callback=shown.chains,
            progress_rate=200,
            save_warmup=False,
            blocking=False,
        )
        return _wait(running), False
    except KeyboardInterrupt:
        # Also one that comes between the start and the wait: threads of a run that nobody
        # stops use memory that Python frees.
        if running is None:
            raise
        return _aborted(running), True
    except (RuntimeError, ValueError) as error:
        if NO_START in str(error):
            raise SamplingError(
                "no chain could start: at all points that were tried the data are impossible; "
                "look for scores or losses far from all others, or for a prior that excludes them"
            ) from error
        raise SamplingError(f"the sampler stopped: {error}") from error


def _wait(running: Any) -> Any:
    """Wait for the sampler; on any error but Ctrl-C stop its threads first."""
    try:
        return running.wait()
    except KeyboardInterrupt:
        raise
    except BaseException:
        running.cancel()
        raise


def _aborted(running: Any) -> Any:
    """Stop the sampler, and take what there is."""
    with warnings.catch_warnings():
        # Of a run that has hardly begun there are fewer draws than chains.
        warnings.filterwarnings("ignore", message=FEW_DRAWS, category=UserWarning)
        return running.abort()


def _kept(
    posterior: xr.Dataset, stats: xr.Dataset, settings: SamplingSettings
) -> tuple[xr.Dataset, xr.Dataset, str]:
    """Return the complete part of an interrupted run: equal chains without holes."""
    lengths = np.zeros(posterior.sizes.get("chain", 0), dtype=int)
    if posterior.sizes.get("draw", 0):
        first = next(iter(posterior.data_vars.values()))
        other = [dim for dim in first.dims if dim not in ("chain", "draw")]
        lengths = np.asarray(first.notnull().all(other).sum("draw").values)
    # Trade chains against draws: the choice that keeps most.
    order = np.argsort(-lengths)
    kept = lengths[order] * np.arange(1, len(order) + 1)
    best = int(np.argmax(kept)) if len(order) else 0
    draws = int(lengths[order[best]]) if len(order) else 0
    if draws < FEWEST_KEPT_DRAWS:
        raise SamplingInterrupted("interrupted during warm-up: no draws kept")
    chains = np.sort(order[: best + 1])
    note = (
        f"interrupted: kept {draws * len(chains):,} of "
        f"{settings.draws * settings.chains:,} draws ({len(chains)} chains of {draws})"
    )
    part = {"chain": chains, "draw": slice(0, draws)}
    renumber = {"chain": np.arange(len(chains))}
    return (
        posterior.isel(part).assign_coords(renumber),
        stats.isel(part).assign_coords(renumber),
        note,
    )
