"""Sample the rest of a model given each of many rulers, which the rest does not inform.

The cut posterior is that of the ruler given only the references, times that
of everything else given the ruler and all scores. It has no density that one
chain could sample, so each draw of the ruler gets a short chain of its own.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.errors import SamplingError
from bayesdense.sampler.backend.compile_cache import compiled_for
from bayesdense.sampler.nuts import KEPT_STATS, SampleResult, SamplingInterrupted
from bayesdense.sampler.progress import Progress
from bayesdense.sampler.settings import Run

__all__ = ["DRAWS_OF_A_RULER", "sample_given"]

DRAWS_OF_A_RULER = 5
"""Draws that are kept of the chain of one ruler."""

THIN = 4
TUNE = 100
PILOT = {"draws": 100, "tune": 400, "chains": 1, "cores": 1}


def sample_given(
    model: Any,
    *,
    structure: Any,
    rulers: Mapping[str, np.ndarray],
    run: Run,
) -> SampleResult:
    """Sample a model given each of many values of some of its data.

    Parameters
    ----------
    model : SamplerModel
        With the values of one ruler in ``given_<name>``.
    structure : hashable
        As for `bayesdense.sampler.nuts.sample`.
    rulers : mapping of str to numpy.ndarray, shape (chain, ruler, ...)
        Values of all rulers, by name.
    run : Run
        Cores, seed and target acceptance, and what is shown meanwhile; the
        lengths of chains are set here.

    Returns
    -------
    SampleResult
        Draws of one ruler come one after another, `DRAWS_OF_A_RULER` of them,
        in the order of the rulers of each chain. Ctrl-C keeps the rulers that
        are done.

    Raises
    ------
    SamplingError
        If the sampler failed, with its reason.
    SamplingInterrupted
        If it was interrupted before every chain had two rulers.
    """
    settings = run.settings
    n_chains, n_rulers = next(iter(rulers.values())).shape[:2]
    cores = settings.cores or min(os.cpu_count() or 1, settings.chains)
    # Chains in turn, so that what an interrupt leaves is as much of each.
    places = [(chain, i) for i in range(n_rulers) for chain in range(n_chains)]
    done: list[tuple[xr.Dataset, xr.Dataset]] = []
    running: deque[Any] = deque()
    note = ""
    with Progress(run.progressbar, run.label) as shown:
        start = time.monotonic()
        compiled, fresh = compiled_for(model, structure, shown, settings.compiler)
        compile_seconds = time.monotonic() - start if fresh else 0.0
        accept = settings.accept(compiled.n_parameters)
        start = time.monotonic()
        count = len(places) + n_chains
        seeds = iter(np.random.SeedSequence(settings.random_seed).generate_state(count))
        try:
            shown.status("looking for the starting points of short chains")

            def given(place: tuple[int, int], start_at: Any = None) -> Any:
                changes = {f"given_{name}": v[place] for name, v in rulers.items()}
                return compiled.given(changes, start_at)

            # Under several rulers, so that chains start further apart than any ruler says.
            for place in places[:n_chains]:
                one = given(place)
                running.append(
                    _start(one, int(next(seeds)), accept, **PILOT, store_unconstrained=True)
                )
            parts = []
            while running:
                parts.append(_of(running.popleft())[1]["unconstrained_draw"].values[0])
            points = np.concatenate(parts)
            for place in places:
                one = given(place, _one_of(points))
                more = {"draws": DRAWS_OF_A_RULER * THIN, "tune": TUNE, "chains": 1, "cores": 1}
                running.append(_start(one, int(next(seeds)), accept, **more))
                if len(running) == cores:
                    done.append(_thinned(running.popleft()))
                    shown.count(len(done), len(places), "rulers")
            while running:
                done.append(_thinned(running.popleft()))
                shown.count(len(done), len(places), "rulers")
        except KeyboardInterrupt:
            note = f"interrupted: kept {len(done) // n_chains * n_chains} of {len(places)} rulers"
        except (RuntimeError, ValueError) as error:
            raise SamplingError(f"the sampler stopped: {error}") from error
        finally:
            # Their threads use memory that Python frees: they must end first.
            for left in running:
                left.cancel()
        seconds = time.monotonic() - start
    kept = len(done) // n_chains
    if kept < min(2, n_rulers):
        raise SamplingInterrupted(f"interrupted after {len(done)} rulers: no draws kept")
    posterior, stats = (
        _in_chains([pair[i] for pair in done[: kept * n_chains]], n_chains) for i in (0, 1)
    )
    return SampleResult(
        posterior=posterior,
        sample_stats=stats,
        compile_seconds=compile_seconds,
        sampling_seconds=seconds,
        interrupted=note,
        accept=accept,
    )


def _start(compiled: Any, seed: int, accept: float, **more: Any) -> Any:
    import nutpie

    return nutpie.sample(
        compiled,
        seed=seed,
        target_accept=accept,
        progress_bar=False,
        save_warmup=False,
        blocking=False,
        **more,
    )


def _of(running: Any) -> tuple[xr.Dataset, xr.Dataset]:
    """Wait for a sampler, and return draws and statistics."""
    try:
        tree = running.wait()
    except BaseException:
        running.cancel()
        raise
    return tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()


def _thinned(running: Any) -> tuple[xr.Dataset, xr.Dataset]:
    posterior, stats = _of(running)
    stats = stats[list(KEPT_STATS)].rename(KEPT_STATS)
    last = {"draw": slice(THIN - 1, None, THIN)}
    thinned = stats.isel(last)
    # A divergence counts wherever in the chain it was.
    blocks = stats["diverging"].values.reshape(1, -1, THIN).any(axis=-1)
    return posterior.isel(last), thinned.assign(diverging=(("chain", "draw"), blocks))


def _one_of(points: np.ndarray) -> Any:
    def drawn(seed: Any) -> np.ndarray:
        return np.array(points[np.random.default_rng(seed).integers(len(points))])

    return drawn


def _in_chains(parts: list[xr.Dataset], n_chains: int) -> xr.Dataset:
    """Return short chains, given chain by chain in turn, as so many long ones."""
    long = [xr.concat(parts[c::n_chains], dim="draw") for c in range(n_chains)]
    joined = xr.concat(long, dim="chain")
    return joined.assign_coords(chain=np.arange(n_chains), draw=np.arange(joined.sizes["draw"]))
