"""Compile, sample with nutpie, and keep compiled models for the next dataset."""

from __future__ import annotations

import dataclasses
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.errors import BayesdenseError, SamplingError
from bayesdense.progress import Progress

__all__ = [
    "KEPT_STATS",
    "SampleResult",
    "SamplingInterrupted",
    "SamplingSettings",
    "clear_compiled",
    "compiled_for",
    "sample",
]

JITTER = 0.5
KEPT_COMPILED = 8
FEWEST_KEPT_DRAWS = 10


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


@dataclass(frozen=True, kw_only=True)
class SamplingSettings:
    """How to sample.

    Parameters
    ----------
    draws, tune : int
        Draws kept and warm-up draws of each chain.
    chains : int
        Number of chains.
    cores : int, optional
        Chains that run at the same time; by default as many as there are
        processors, at most `chains`.
    seed : int, optional
        Source of randomness; drawn, and recorded, where none is given.
    target_accept : float
        Acceptance that the step size is tuned to, between 0.5 and 1.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    cores: int | None = None
    seed: int | None = None
    target_accept: float = 0.9

    def __post_init__(self) -> None:
        """Check every setting."""
        least = {"draws": FEWEST_KEPT_DRAWS, "tune": 50, "chains": 1, "cores": 1, "seed": 0}
        for name, low in least.items():
            value = getattr(self, name)
            if value is None and name in ("cores", "seed"):
                continue
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
                raise BayesdenseError(f"{name} must be a whole number from {low}, not {value!r}")
        accept: Any = self.target_accept
        if not isinstance(accept, float) or not 0.5 <= accept < 1.0:
            raise BayesdenseError(f"target_accept must be from 0.5 to below 1, not {accept!r}")
        if self.seed is None:
            object.__setattr__(self, "seed", int(np.random.SeedSequence().generate_state(1)[0]))


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
    """

    posterior: xr.Dataset
    sample_stats: xr.Dataset
    compile_seconds: float
    sampling_seconds: float
    interrupted: str


_compiled: OrderedDict[Any, Any] = OrderedDict()


def clear_compiled() -> None:
    """Forget all compiled models of this process."""
    _compiled.clear()


def sample(
    model: Any, *, structure: Any, settings: SamplingSettings, label: str, progress: bool
) -> SampleResult:
    """Draw from the posterior of a PyMC model.

    Parameters
    ----------
    model : pymc.Model
        All numbers that may change from one dataset to the next are in
        `pymc.Data`.
    structure : hashable
        Everything else that shapes the model's graph. Models of equal
        structure share one compiled function.
    settings : SamplingSettings
        How to sample.
    label : str
        What is being fitted, for the progress bar.
    progress : bool
        Whether to show a progress bar.

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
    import nutpie

    with Progress(progress, label) as shown:
        start = time.monotonic()
        compiled, fresh = compiled_for(model, structure, shown)
        compile_seconds = time.monotonic() - start if fresh else 0.0
        start = time.monotonic()
        try:
            running = nutpie.sample(
                compiled,
                draws=settings.draws,
                tune=settings.tune,
                chains=settings.chains,
                cores=settings.cores,
                seed=settings.seed,
                target_accept=settings.target_accept,
                progress_bar=False,
                progress_callback=shown.chains,
                progress_rate=200,
                save_warmup=False,
                blocking=False,
            )
            tree, interrupted = _wait(running)
        except (RuntimeError, ValueError) as error:
            raise SamplingError(f"the sampler stopped: {error}") from error
        seconds = time.monotonic() - start
    posterior = tree["posterior"].to_dataset()
    stats = tree["sample_stats"].to_dataset()[list(KEPT_STATS)].rename(KEPT_STATS)
    note = ""
    if interrupted:
        posterior, stats, note = _kept(posterior, stats, settings)
    return SampleResult(posterior, stats, compile_seconds, seconds, note)


def compiled_for(model: Any, structure: Any, shown: Progress) -> tuple[Any, bool]:
    """Return a compiled model with this model's data.

    Parameters
    ----------
    model : pymc.Model
        As for `sample`.
    structure : hashable
        As for `sample`.
    shown : Progress
        Told when something is compiled.

    Returns
    -------
    compiled : nutpie.sample.CompiledModel
        With initial points around those of the model.
    fresh : bool
        Whether it was compiled now.
    """
    import nutpie

    key = (structure, _shapes(model), _data_kinds(model))
    if key in _compiled:
        _compiled.move_to_end(key)
        return _with_data(_compiled[key], model), False
    shown.status("compiling (half a minute or so, once for each kind of model)")
    compiled = nutpie.compile_pymc_model(model)
    compiled = dataclasses.replace(compiled, initial_point_func=_initial_points(model))
    _compiled[key] = compiled
    while len(_compiled) > KEPT_COMPILED:
        _compiled.popitem(last=False)
    return compiled, True


def _shapes(model: Any) -> tuple[Any, ...]:
    """Return names and shapes of all free variables, as the sampler sees them."""
    point = model.initial_point(0)
    values = [model.rvs_to_values[variable].name for variable in model.free_RVs]
    return tuple((name, np.shape(point[name])) for name in values)


def _data_kinds(model: Any) -> tuple[Any, ...]:
    """Return names, types and ranks of the data."""
    return tuple(
        (data.name, str(data.get_value(borrow=True).dtype), data.get_value(borrow=True).ndim)
        for data in model.data_vars
    )


def _with_data(compiled: Any, model: Any) -> Any:
    """Return a compiled model that reads another model's data.

    nutpie takes other data without looking at the number of parameters, and
    a wrong number corrupts memory and aborts Python, so it is checked here.
    """
    wanted = sum(int(np.prod(shape, dtype=int)) for _, shape in _shapes(model))
    if wanted != compiled.n_dim:
        raise SamplingError(
            f"a compiled model with {compiled.n_dim} parameters cannot take data that need {wanted}"
        )
    # Data that the graph does not read are unknown to the compiled model.
    read = {variable.name for variable in compiled.shared_var_keys}
    values = {data.name: data.get_value() for data in model.data_vars if data.name in read}
    fresh = compiled.with_data(**values)
    labels = {name: pd.Index(v) for name, v in model.coords.items() if v is not None}
    known = {name: labels.get(name, old) for name, old in compiled.coords.items()}
    return dataclasses.replace(fresh, _coords=known, initial_point_func=_initial_points(model))


def _initial_points(model: Any) -> Callable[[Any], np.ndarray]:
    """Return the function that scatters chains around the model's own initial point.

    nutpie's default jitter is twice as wide and can put a floor or a ceiling
    where no score is possible.
    """
    point = model.initial_point(0)
    names = [model.rvs_to_values[variable].name for variable in model.free_RVs]
    centre = np.concatenate([np.ravel(point[name]) for name in names])

    def scattered(seed: Any) -> np.ndarray:
        random = np.random.default_rng(seed)
        return np.asarray(centre + random.uniform(-JITTER, JITTER, centre.shape))

    return scattered


def _wait(running: Any) -> tuple[Any, bool]:
    """Wait for the sampler; on Ctrl-C stop it and take what there is."""
    try:
        return running.wait(), False
    except KeyboardInterrupt:
        return running.abort(), True
    except BaseException:
        # Its threads use memory that Python frees: they must end first.
        running.cancel()
        raise


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
