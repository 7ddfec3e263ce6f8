"""Measure how the cost of the default form grows with the number of models.

Simulated data by `calibration/simulator.py` with 100, 500, 2,000 and 5,000 models on six
benchmarks, all in one run and by one compiled model. Run with ``python benchmarks/growth.py``; the
largest takes a quarter of an hour and some GiB. ``--models 100 --models 500`` measures these only.
The exponents are those of all sizes from 500 models on: of time for the same number of draws, and
of time for one effective draw of the slowest parameter, which is named.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from bayesdense.sampler.settings import Run

sys.path.insert(0, str(Path(__file__).parents[1] / "calibration"))

from designs import wide_design
from scenarios import scenarios
from simulator import simulate

import bayesdense as bd
from bayesdense.posterior.diagnostics import diagnostics_table
from bayesdense.sampler.settings import SamplingSettings

COLUMNS = ("models", "scores", "parameters", "seconds", "gradients", "microseconds", "rhat", "ess")
COLUMNS = (*COLUMNS, "seconds_per_draw", "slowest", "accept", "divergences", "peak_gib")
COSTS = {"seconds": "seconds", "seconds_per_draw": "seconds per effective draw"}
BENCHMARKS, SMALLEST = 6, 500


def simulated(n_models: int, seed: int) -> bd.Dataset:
    """Return data of many models on six benchmarks."""
    random = np.random.default_rng(seed)
    truth = scenarios()["coverage"].truth(random)
    # The stored truths are of five benchmarks.
    truth = {n: np.resize(v, BENCHMARKS) if v.ndim else v for n, v in truth.items()}
    design = wide_design(n_models, BENCHMARKS, seed=seed)
    truth["map_floor"] = design.benchmarks["chance"].to_numpy(dtype=float)
    return simulate(design, truth, random).data


def measured(n_models: int, settings: SamplingSettings, seed: int) -> dict[str, Any]:
    """Return the figures of one fit."""
    data = simulated(n_models, seed)
    model = bd.DensityModel(form="first-edition")
    design = model.make_design(data)
    label = f"{n_models} models"
    drawn = model.sample_design(design, Run(settings, label), data=data)
    stats = drawn.result.sample_stats
    table = diagnostics_table(drawn.result.posterior, drawn.free)
    ess, seconds = float(table["ess"].min()), drawn.result.sampling_seconds
    gradients = float(stats["n_steps"].mean())
    kept = stats["n_steps"].size
    # Of the warm-up nothing is known; it is counted as if its draws were like those that are kept.
    share = settings.draws / (settings.draws + settings.tune)
    return {
        "models": n_models,
        "scores": len(data.scores),
        "parameters": len(table),
        "seconds": seconds,
        "gradients": gradients,
        "microseconds": 1e6 * seconds * share / (gradients * kept),
        "rhat": float(table["rhat"].max()),
        "ess": ess,
        "seconds_per_draw": seconds / ess,
        "slowest": str(table.loc[table["ess"].idxmin(), "parameter"]),
        "accept": drawn.result.accept,
        "divergences": int(stats["diverging"].sum()),
        "peak_gib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def exponent(rows: list[dict[str, Any]], what: str) -> tuple[float, float]:
    """Return the slope of a cost in the number of scores, both as logarithms, and its error."""
    x = np.log([row["scores"] for row in rows])
    y = np.log([row[what] for row in rows])
    design = np.column_stack([np.ones_like(x), x])
    fitted, rest, *_ = np.linalg.lstsq(design, y, rcond=None)
    if len(rows) < 3:
        return float(fitted[1]), float("nan")
    spread = float(rest[0]) / (len(rows) - 2) / float(((x - x.mean()) ** 2).sum())
    return float(fitted[1]), float(np.sqrt(spread))


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=int, action="append")
    parser.add_argument("--draws", type=int, default=500, help="of each of four chains")
    parser.add_argument("--tune", type=int, default=800)
    parser.add_argument("--target-accept", type=float, help="that of the package if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    settings = SamplingSettings(
        draws=options.draws,
        tune=options.tune,
        random_seed=options.seed,
        target_accept=options.target_accept,
    )
    rows: list[dict[str, Any]] = []
    print("| " + " | ".join(COLUMNS) + " |")
    print("|---" * len(COLUMNS) + "|")
    options.out.mkdir(parents=True, exist_ok=True)
    for count in options.models or [100, 500, 2000, 5000]:
        rows.append(measured(count, settings, options.seed))
        cells = (f"{v:.4g}" if isinstance(v, float) else str(v) for v in rows[-1].values())
        print("| " + " | ".join(cells) + " |", flush=True)
        (options.out / "growth.json").write_text(json.dumps(rows, indent=1) + "\n")
    large = [row for row in rows if row["models"] >= SMALLEST]
    for cost, words in COSTS.items() if len(large) > 1 else ():
        slope, error = exponent(large, cost)
        print(f"\n{words} grow as the number of scores to the power {slope:.2f} +- {error:.2f}")


if __name__ == "__main__":
    main()
