"""Draw what belongs to single models and families given draws of what all models share.

The number of models that a chain can mix is limited: the more there are, the narrower what they
share is for a given position of every one of them, against its posterior
(`benchmarks/log/2026-11-26-why-chains-slow-down.md`).
Given what is shared, families are independent, and in the coordinates of this package what belongs
to them is close to standard Normal, whatever their number. So it is moved by Hamiltonian
trajectories of about a quarter period, a few for each draw of what is shared. They are not
corrected by acceptance, which at tens of thousands of variables would want a far shorter step: with
a step `e` the variance of a coordinate that is standard Normal is too large by about `e^2 / 4`, two
per cent at most, and that of the stiffest one by a tenth.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.errors import SamplingError
from bayesdense.sampler.backend.compile_cache import Compiled, compiled_for
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.progress import Progress
from bayesdense.sampler.settings import Run

__all__ = ["SINGLE_MODEL_DIMS", "Singles", "sample_single"]

SINGLE_MODEL_DIMS = frozenset(
    {"target", "dated_target", "undated_target", "release", "family", "developer", "cell"}
)
"""Dimensions of what belongs to single models, families and developers."""

QUARTER = np.pi / 2.0
LONGEST_STEP = 0.3
# Of the longest step at which a trajectory is stable, what is used.
STABLE = 0.3
# Trajectories before the first draw, and for each.
FIRST, EACH = 50, 2
POWER, SMALL = 20, 1e-4
# Draws between two looks at the clock, and the fewest that are worth keeping.
AT_ONCE, FEWEST = 10, 10


@dataclass(frozen=True)
class Singles:
    """Draws of everything, and how those of single models were made.

    Attributes
    ----------
    posterior : xarray.Dataset
        Dimensions ``chain`` and ``draw`` first.
    compile_seconds, sampling_seconds : float
        Wall time.
    step : float
        Of the trajectories.
    refused : float
        The share of trajectories that ended where the data are impossible, and
        were not taken.
    energy_error : float
        Its mean size for each coordinate: how far trajectories were from exact
        ones. Of independent standard Normals it is less than a thousandth.
    """

    posterior: xr.Dataset
    compile_seconds: float
    sampling_seconds: float
    step: float
    refused: float
    energy_error: float


def sample_single(
    model: Any,
    *,
    structure: Any,
    shared: xr.Dataset,
    run: Run,
) -> Singles:
    """Sample everything that belongs to single models and families.

    Parameters
    ----------
    model : pymc.Model
        In coordinates that suit the draws.
    structure : hashable
        As for `bayesdense.sampler.nuts.sample`.
    shared : xarray.Dataset
        Draws of all other free variables.
    run : Run
        Cores and seed, and what is shown meanwhile.

    Returns
    -------
    Singles
        One draw for each of those that were given; Ctrl-C keeps those that
        are done.

    Raises
    ------
    SamplingError
        If a draw is impossible for these data.
    SamplingInterrupted
        If it was interrupted before a few draws were done.
    """
    settings = run.settings
    with Progress(run.progressbar, run.label) as shown:
        begun = time.monotonic()
        compiled, fresh = compiled_for(model, structure, shown, settings.compiler)
        compile_seconds = time.monotonic() - begun if fresh else 0.0
        begun = time.monotonic()
        shown.status("placing all models")
        single, places = _places(compiled)
        points = _shared_points(compiled, model, shared, places)
        chains, draws = points.shape[:2]
        seeds = np.random.SeedSequence(settings.random_seed).spawn(chains)
        movers = [
            _Mover(compiled, single, np.random.default_rng(seed), points[chain])
            for chain, seed in enumerate(seeds)
        ]
        values = np.empty((chains, draws, movers[0].n_values))
        done = 0
        cores = settings.cores or min(os.cpu_count() or 1, chains)
        try:
            with ThreadPoolExecutor(cores) as pool:
                list(pool.map(_Mover.begin, movers))
                # The same for all, by the steepest place that any of them has seen.
                step = min(pool.map(_Mover.longest_step, movers))
                for mover in movers:
                    mover.step = step
                while done < draws:
                    until = min(done + AT_ONCE, draws)
                    jobs = [pool.submit(mover.move, done, until) for mover in movers]
                    for chain, job in enumerate(jobs):
                        values[chain, done:until] = job.result()
                    done = until
                    shown.count(done, draws, "draws of all models")
        except KeyboardInterrupt:
            if done < FEWEST:
                raise SamplingInterrupted("interrupted in warm-up: no draws kept") from None
        moved = chains * done * EACH
        posterior = compiled.named(values[:, :done])
    return Singles(
        posterior,
        compile_seconds,
        time.monotonic() - begun,
        step,
        sum(mover.refused for mover in movers) / moved,
        sum(mover.energy_error for mover in movers) / moved,
    )


class _Mover:
    """One chain: the position of all single models, and how it goes on."""

    def __init__(
        self,
        compiled: Compiled,
        single: np.ndarray,
        random: np.random.Generator,
        shared: np.ndarray,
    ) -> None:
        self._density = compiled.density()
        self._expanded: Callable[[np.ndarray], np.ndarray] = compiled.expanded()
        self._single, self._random, self._shared = single, random, shared
        self._at = np.zeros(int(single.sum()))
        self.step = LONGEST_STEP
        self.n_values = self._expanded(self._point(shared[0])).size
        self.refused = 0
        self.energy_error = 0.0

    def begin(self) -> None:
        """Move from where the data put all models to where the posterior has them."""
        self.step = self.longest_step()
        for _ in range(FIRST):
            self._trajectory(self._shared[0])
        self.energy_error, self.refused = 0.0, 0

    def longest_step(self) -> float:
        """Return a step that is stable along the steepest direction here, by the power method."""
        point = self._point(self._shared[0])
        vector = np.where(self._single, self._random.standard_normal(point.size), 0.0)
        steepest = 1.0
        for _ in range(POWER):
            vector *= SMALL / np.abs(vector).max()
            ends = self._density(point + vector), self._density(point - vector)
            if ends[0] is None or ends[1] is None:
                break
            curved = np.where(self._single, ends[1][1] - ends[0][1], 0.0) / 2.0
            steepest = max(float(np.linalg.norm(curved) / np.linalg.norm(vector)), 1.0)
            vector = curved
        # A leapfrog trajectory is stable up to a step of two over the root of the curvature.
        return float(min(LONGEST_STEP, STABLE * 2.0 / np.sqrt(steepest)))

    def move(self, start: int, stop: int) -> np.ndarray:
        """Return all values of some draws, one row for each."""
        rows = []
        for shared in self._shared[start:stop]:
            for _ in range(EACH):
                point = self._trajectory(shared)
            rows.append(self._expanded(point))
        return np.array(rows)

    def _point(self, shared: np.ndarray) -> np.ndarray:
        point = np.empty(self._single.size)
        point[self._single], point[~self._single] = self._at, shared
        return point

    def _trajectory(self, shared: np.ndarray) -> np.ndarray:
        """Move the single models once, given what they share; return the whole point."""
        # Of one length, a coordinate of half the period would come back to where it began.
        length = QUARTER * self._random.uniform(0.5, 1.5)
        step, point = self.step, self._point(shared)
        momentum = self._random.standard_normal(self._at.size)
        found = self._density(point)
        before = None if found is None else 0.5 * momentum @ momentum - found[0]
        for _ in range(max(round(length / step), 1)):
            if found is None:
                break
            momentum += 0.5 * step * found[1][self._single]
            point[self._single] += step * momentum
            found = self._density(point)
            if found is not None:
                momentum += 0.5 * step * found[1][self._single]
        if found is None or before is None:
            self.refused += 1
            return self._point(shared)
        error = abs(0.5 * momentum @ momentum - found[0] - before) / max(momentum.size, 1)
        self.energy_error += float(error)
        self._at = point[self._single]
        return point


def _places(compiled: Compiled) -> tuple[np.ndarray, dict[str, slice]]:
    """Return which coordinates are of single models, and where all others are, by variable."""
    single = np.ones(compiled.n_parameters, dtype=bool)
    places = {}
    for name, dims in compiled.packed_data.variables:
        if not SINGLE_MODEL_DIMS & set(dims):
            places[name] = compiled.places[name]
            single[places[name]] = False
    return single, places


def _shared_points(
    compiled: Compiled, model: Any, shared: xr.Dataset, places: dict[str, slice]
) -> np.ndarray:
    """Return every draw of what is shared as the sampler sees it, shape (chain, draw, coordinate).

    In the order of the coordinates.
    """
    usual = model.starts
    shared_coordinates = np.sort(np.concatenate([np.r_[place] for place in places.values()]))
    exactly = compiled.exactly()
    shape = shared.sizes["chain"], shared.sizes["draw"]
    points = np.empty((*shape, shared_coordinates.size))
    for at in np.ndindex(*shape):
        values = usual | model.complete({name: shared[name].values[at] for name in shared})
        point, _ = exactly(values)
        wrong = [name for name, place in places.items() if not np.isfinite(point[place]).all()]
        if wrong:
            raise SamplingError(
                f"shared_from: values of {', '.join(wrong)} that the subset allows are impossible "
                "for all targets; let more of them share"
            )
        points[at] = point[shared_coordinates]
    return points
