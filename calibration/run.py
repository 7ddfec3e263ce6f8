"""Simulate, fit, and hold what comes out against what is true.

Run with ``make calibrate``, as often as it takes: what is stored is not done again. Every dataset
has a seed of its own, so that results do not depend on the order or on the number of workers.
``python calibration/run.py --scenario coverage --datasets 200`` does part of it.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import time
import warnings
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from designs import SELECTION
from scenarios import HERE, SHOWN_TARGETS, TRUTHS, Scenario, scenarios
from simulator import Simulated, simulate

import bayesdense as bd
from bayesdense.posterior.diagnostics import diagnostics_table
from bayesdense.sampler.settings import Run, SamplingSettings
from bayesdense.studies.differences import rate_differences
from bayesdense.tables.envelope import envelope_slope

RESULTS = HERE / "results"
QUANTILES = (0.005, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.995)
# Ranks are among this many draws, spread evenly over all.
RANKED = 99
STORED_TRUTHS = 400
# Fits of one scenario that a worker does before it reports.
CHUNK = 4


def compared(posterior: Any, truth: dict[str, np.ndarray], n_targets: int) -> Iterator[Any]:
    """Yield name, true value and draws of every number that is held against the truth."""
    chosen = {"log_density": [i for i in SHOWN_TARGETS if i < n_targets]}
    for name, value in truth.items():
        if name not in posterior:
            continue
        draws = posterior[name].stack(sample=("chain", "draw"))
        draws = draws.transpose("sample", ...).values.reshape(draws.sizes["sample"], -1)
        values = np.atleast_1d(np.asarray(value, dtype=float)).ravel()
        if draws.shape[1] != len(values):
            raise ValueError(f"{name}: {draws.shape[1]} values in the fit, {len(values)} are true")
        for i in chosen.get(name, range(len(values))):
            label = name if len(values) == 1 else f"{name}[{i}]"
            yield label, float(values[i]), draws[:, i]


def exact_design(model: bd.DensityModel, simulated: Simulated) -> Any:
    """Return the design of a dataset with scores as they were simulated, also beyond 0 and 1."""
    design = model.make_design(simulated.data)
    keys = ["model", "benchmark", "source"]
    exact = simulated.scores.set_index(keys)["exact"]
    rows = pd.MultiIndex.from_frame(design.scores[keys])
    observed = exact.reindex(rows).to_numpy()
    if np.isnan(observed).any():
        raise ValueError("the design has scores that were not simulated")
    return dataclasses.replace(design, arrays={**design.arrays, "score_observed": observed})


def shown_sizes(design: Any, made: Simulated) -> tuple[np.ndarray, np.ndarray]:
    """Return cells of some targets, and the logarithm of the effective size that is true there."""
    targets = [i for i in SHOWN_TARGETS if i < design.size("target")]
    cells = np.flatnonzero(np.isin(design.arrays["cell_model"], targets))
    models = design.models["model"].to_numpy()[design.arrays["cell_model"][cells]]
    benchmarks = np.array(design.coords["benchmark"])[design.arrays["cell_benchmark"][cells]]
    places = zip(models, benchmarks, strict=True)
    return cells, np.array([made.log_size.loc[place] for place in places])


def _envelope(density: Any, years: np.ndarray) -> Any:
    """Return the slope of the envelope of the dated targets, draw by draw."""
    found = density.transpose("chain", "draw", "model")[..., : len(years)]
    slopes = envelope_slope(found.values.reshape(-1, len(years)), years)
    return found.isel(model=0, drop=True).copy(data=slopes.reshape(found.shape[:2]))


def _beside_others(rates: Any) -> Any:
    """Return the growth on each benchmark less the mean of the others, draw by draw."""
    found = rates.transpose("chain", "draw", "benchmark")
    flat = found.values.reshape(-1, found.sizes["benchmark"])
    return found.copy(data=rate_differences(flat).reshape(found.shape))


def one_dataset(scenario: Scenario, seed: int) -> tuple[list[dict], list[dict]]:
    """Simulate one dataset, fit every analysis, and return rows of answers and of fits."""
    # A stable number for the name: the built-in hash differs between processes.
    source = [zlib.crc32((scenario.seeded or scenario.name).encode()), seed]
    random = np.random.default_rng(source)
    made = simulate(
        scenario.design(),
        scenario.truth(random),
        random,
        scenario.departures,
        change_year=scenario.change_year,
    )
    answers, fits = [], []
    for name, model in scenario.analyses.items():
        design = exact_design(model, made)
        settings = SamplingSettings(
            draws=scenario.draws, tune=scenario.tune, cores=1, random_seed=seed, target_accept=0.95
        )
        start = time.monotonic()
        drawn = model.sample_design(design, Run(settings, "", progressbar=False))
        seconds = time.monotonic() - start
        posterior = drawn.result.posterior
        key = {"scenario": scenario.name, "analysis": name, "seed": seed}
        table = diagnostics_table(posterior, drawn.free)
        fits.append(
            key
            | {
                "rhat": table["rhat"].max(skipna=False),
                "ess": table["ess"].min(skipna=False),
                "divergences": int(drawn.result.sample_stats["diverging"].sum()),
                "seconds": seconds,
            }
        )
        n_targets = design.size("target")
        # Targets in the order of the model, which may not be that of the simulation.
        names = scenario.design().models["model"]
        known = dict(zip(names, made.truth["log_density"], strict=True))
        truth = made.truth | {"log_density": np.array([known[m] for m in design.models["model"]])}
        cells, truth["log_effective_size"] = shown_sizes(design, made)
        sizes = posterior["log_effective_size"].isel(cell=cells)
        # A dimension of its own: a part of the cells would be filled up to all of them.
        sizes = sizes.drop_vars("cell", errors="ignore").rename(cell="shown")
        posterior = posterior.assign(log_effective_size=sizes)
        if "growth_rate_by_benchmark" in posterior:
            beside = _beside_others(posterior["growth_rate_by_benchmark"])
            posterior = posterior.assign(growth_rate_beside_others=beside)
            rates = np.atleast_2d(truth["growth_rate_by_benchmark"])
            truth["growth_rate_beside_others"] = rate_differences(rates)[0]
        # Its own estimand: the envelope of the true densities of these very models.
        years = design.arrays["years"]
        posterior = posterior.assign(envelope=_envelope(posterior["log_density"], years))
        truth["envelope"] = envelope_slope(truth["log_density"][None, : len(years)], years)
        for quantity, value, draws in compared(posterior, truth, n_targets):
            # An envelope of which one model sets every record has no slope.
            draws = draws[np.isfinite(draws)]
            if not len(draws) or not np.isfinite(value):
                continue
            picked = draws[np.linspace(0, len(draws) - 1, RANKED).round().astype(int)]
            quantiles = np.quantile(draws, QUANTILES)
            answers.append(
                key
                | {"quantity": quantity, "truth": value, "rank": int((picked < value).sum())}
                | {f"q{100 * q:g}": v for q, v in zip(QUANTILES, quantiles, strict=True)}
            )
    return answers, fits


def chunk(name: str, seeds: list[int]) -> tuple[list[dict], list[dict]]:
    """Do some datasets of a scenario, in a process of its own."""
    warnings.simplefilter("ignore")
    scenario = scenarios()[name]
    answers: list[dict] = []
    fits: list[dict] = []
    for seed in seeds:
        try:
            found = one_dataset(scenario, seed)
        except bd.SamplingError as error:
            reason = str(error).splitlines()[0]
            fits.append({"scenario": name, "analysis": "", "seed": seed, "failed": reason})
            continue
        answers += found[0]
        fits += found[1]
    return answers, fits


def store_truths() -> None:
    """Fit the default form to `densing5` and store draws of what data are simulated from."""
    data = bd.load_dataset("densing5").select(**SELECTION)
    fit = bd.DensityModel().fit(data, random_seed=1, reference_posterior=False)
    print(fit.checks())
    wanted = ["alpha", "map_logit_at_centre", "map_slope_at_centre", "map_floor", "ceiling_share"]
    wanted += ["growth_rate", "log_density_level", "model_effect_sd", "growth_rate_sd"]
    wanted += ["size_slope", "size_slope_sd", "family_effect_sd", "family_benchmark_effect_sd"]
    wanted += ["cell_effect_sd", "source_noise_sd", "harness_offset_sd", "benchmark_offset_sd"]
    wanted += ["source_noise_exponent", "source_noise_tilt", "within_family_growth"]
    wanted += ["developer_effect_sd", "developer_benchmark_effect_sd"]
    draws = fit.posterior[wanted].stack(sample=("chain", "draw"))
    every = np.linspace(0, draws.sizes["sample"] - 1, STORED_TRUTHS).round().astype(int)
    stored = [
        {n: np.round(draws[n].isel(sample=i).values, 6).tolist() for n in wanted} for i in every
    ]
    TRUTHS.write_text(json.dumps(stored) + "\n")


def _file(name: str, what: str) -> Path:
    return RESULTS / f"{name.replace(', ', '-').replace(' ', '-')}-{what}.csv"


def _store(rows: list[dict], file: Path, seeds: list[int]) -> None:
    """Store rows in the place of those that there are of the same seeds."""
    table = pd.DataFrame(rows)
    if file.exists():
        old = pd.read_csv(file)
        table = pd.concat([old[~old["seed"].isin(seeds)], table], ignore_index=True)
    if not len(table):
        return
    part = file.with_suffix(".part")
    table.round(5).to_csv(part, index=False)
    part.replace(file)


def missing(name: str, datasets: int, again: float = np.inf) -> list[int]:
    """Return the seeds that are not stored yet, or of which a fit did not mix.

    Whether chains agree hangs on the data and on chance, and on what is true through the data
    only, so that ranks stay uniform when fits are made again for it.
    """
    file = _file(name, "fits")
    done: set[int] = set()
    if file.exists():
        fits = pd.read_csv(file)
        # A fit that failed has no R-hat.
        worst = fits["rhat"].fillna(np.inf).groupby(fits["seed"]).max()
        done = set(worst.index[(worst <= again)])
    return [seed for seed in range(1, datasets + 1) if seed not in done]


def main() -> None:
    """Do what is missing and store it, showing how far it is."""
    known = scenarios()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--scenario", choices=list(known), action="append")
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--again", type=float, default=np.inf, help="fit again what has an R-hat above this"
    )
    parser.add_argument("--truths", action="store_true", help="store new truths, and stop")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    if options.truths or not TRUTHS.exists():
        store_truths()
        if options.truths:
            return
    tasks = []
    for name in options.scenario or known:
        seeds = missing(name, options.datasets, options.again)
        tasks += [(name, seeds[i : i + CHUNK]) for i in range(0, len(seeds), CHUNK)]
    total, done, start = sum(len(seeds) for _, seeds in tasks), 0, time.monotonic()
    if not total:
        print("nothing is missing")
        return
    with stoppable(ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"))) as pool:
        running = {pool.submit(chunk, *task): task for task in tasks}
        for future in as_completed(running):
            name, seeds = running[future]
            answers, fits = future.result()
            # Answers first: seeds count as done once their fits are stored.
            _store(answers, _file(name, "answers"), seeds)
            _store(fits, _file(name, "fits"), seeds)
            done += len(seeds)
            left = (time.monotonic() - start) / done * (total - done)
            print(f"{name}: {done} of {total} datasets, {left / 60:.0f} minutes left", flush=True)


@contextmanager
def stoppable(pool: ProcessPoolExecutor) -> Iterator[ProcessPoolExecutor]:
    """End the processes of a pool with this one, by Ctrl-C or by a signal to end.

    By itself a pool finishes all that was asked of it before it lets go, and its processes outlive
    one that is ended.
    """

    def end(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        with pool:
            try:
                yield pool
            except KeyboardInterrupt:
                # From Python 3.14 on: `terminate_workers`.
                for process in list(pool._processes.values()):
                    process.terminate()
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    except KeyboardInterrupt:
        raise SystemExit("stopped; what is done is stored, and the same command goes on") from None


if __name__ == "__main__":
    main()
