"""Simulate models, fit most of them, place the others, and hold what comes out against the truth.

``python calibration/placing.py --datasets 200`` goes on where it was stopped; with ``--report`` it
prints what is stored. Each dataset has 50 targets of `densing5`, chosen anew, with its references,
sources and harnesses, and true parameters from a posterior draw of the default form on it; 40
targets are fitted by the default model and 10 placed. Then one score of each of these is altered.
"""

from __future__ import annotations

import argparse
import time
import warnings
import zlib
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import numpy as np
import pandas as pd
from designs import densing5_design
from report import INTERVALS, markdown
from run import QUANTILES, RESULTS, _store, stoppable
from scenarios import _from_posterior
from scipy.stats import binomtest
from simulator import Design, simulate

import bayesdense as bd
from bayesdense.posterior.weights import HIGH_K
from bayesdense.tables.placement import ALARM

FITTED, PLACED = 40, 10
# By how much one score of each placed model is altered, up or down.
ALTERED = 0.15
MODELS, SCORES = RESULTS / "placing-models.csv", RESULTS / "placing-scores.csv"


def chosen_design(random: np.random.Generator) -> tuple[Design, list[str]]:
    """Return a design with 50 targets, and the names of those that are to be placed."""
    design = densing5_design()
    targets = design.models[~design.models["is_reference"]]
    kept = targets.sample(FITTED + PLACED, random_state=random).sort_index()
    # The trend says nothing of a time before all models that were fitted.
    others = kept[kept["release_date"] > kept["release_date"].min()]
    new = list(others["model"].sample(PLACED, random_state=random))
    models = pd.concat([kept, design.models[design.models["is_reference"]]], ignore_index=True)
    measured = design.measured[design.measured["model"].isin(models["model"])]
    return replace(design, models=models, measured=measured.reset_index(drop=True)), new


def one_dataset(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Simulate, fit and place; return rows of placed models and of their scores."""
    warnings.simplefilter("ignore")
    random = np.random.default_rng([zlib.crc32(b"placing"), seed])
    design, new = chosen_design(random)
    made = simulate(design, _from_posterior(random), random)
    truth = dict(zip(design.models["model"], made.truth["log_density"], strict=True))
    stay = [name for name in truth if name not in new]
    fitted = made.data.select(models=stay)
    fit = bd.DensityModel().fit(
        fitted,
        draws=500,
        tune=600,
        cores=1,
        random_seed=seed,
        target_accept=0.95,
        progressbar=False,
    )
    known = set(fitted.models["family"])
    table = made.data.models[made.data.models["model"].isin(new)].reset_index(drop=True)
    scores = made.data.scores[made.data.scores["model"].isin(new)].reset_index(drop=True)
    key = {"seed": seed, "rhat": fit.diagnostics()["rhat"].max()}
    models, rows = [], []
    start = time.perf_counter()
    together = fit.place(table, scores=scores)
    seconds = (time.perf_counter() - start) / PLACED
    for number, row in table.iterrows():
        name = row["model"]
        own = table[table["model"].eq(name)], scores[scores["model"].eq(name)]
        alone = fit.place(own[0], scores=own[1], weights="fitted")
        draws = {
            "ruler": together._placed.log_density[:, number],
            "fitted": alone._placed.log_density[:, 0],
        }
        for weights, found in draws.items():
            of = alone if weights == "fitted" else together
            models.append(
                key
                | {
                    "model": name,
                    "weights": weights,
                    "known_family": row["family"] in known,
                    "benchmarks": own[1]["benchmark"].nunique(),
                    "pareto_k": of.pareto_k,
                    "ess": of.ess,
                    "seconds": seconds,
                    "truth": truth[name],
                    "below": (found < truth[name]).mean(),
                }
                | {f"q{100 * q:g}": np.quantile(found, q) for q in QUANTILES}
            )
    as_they_are = together.scores()
    altered = scores.copy()
    for name in table["model"]:
        at = random.choice(scores.index[scores["model"].eq(name)])
        steps = [s for s in (-ALTERED, ALTERED) if 0 < scores.loc[at, "score"] + s < 1]
        # Every source of that cell is altered: they would not bear each other out otherwise.
        same = scores["model"].eq(name) & scores["benchmark"].eq(scores.loc[at, "benchmark"])
        altered.loc[same, "score"] = (scores.loc[same, "score"] + random.choice(steps)).clip(0, 1)
    again = fit.place(table, scores=altered).scores()
    columns = ["model", "benchmark", "source"]
    both = as_they_are.merge(again, on=columns, suffixes=("", "_altered"))
    for row in both.to_dict("records"):
        rows.append(
            key
            | {name: row[name] for name in columns}
            | {
                "benchmarks": scores.loc[scores["model"].eq(row["model"]), "benchmark"].nunique(),
                "score": row["score"],
                "altered_by": row["score_altered"] - row["score"],
                "p_value": row["p_value"],
                "p_value_altered": row["p_value_altered"],
            }
        )
    return models, rows


def report() -> None:
    """Print coverage, weights, and how often scores are out of line."""
    models, scores = pd.read_csv(MODELS), pd.read_csv(SCORES)
    parts = {"all": models.index, "known family": models.index[models["known_family"]]}
    parts["new family"] = models.index.difference(parts["known family"])
    rows = []
    for weights in ("ruler", "fitted"):
        for part, index in parts.items():
            own = models.loc[index]
            own = own[own["weights"].eq(weights)]
            row: dict[str, Any] = {"weights": weights, "models": part, "number": len(own)}
            row["datasets"] = own["seed"].nunique()
            for prob, (low, high) in INTERVALS.items():
                held = own["truth"].between(own[low], own[high])
                by_seed = held.groupby(own["seed"]).mean()
                row[f"{prob} %"] = held.mean()
                row[f"se of {prob} %"] = by_seed.std() / np.sqrt(len(by_seed))
            row["error"] = (own["q50"] - own["truth"]).mean()
            row["k above 0.7"] = int((own["pareto_k"] > HIGH_K).sum())
            row["median ESS"] = own["ess"].median()
            rows.append(row)
    print("Intervals of log density\n")
    print(markdown(pd.DataFrame(rows)))
    rows = []
    for benchmarks in (3, 4, 5):
        own = scores[scores["benchmarks"].eq(benchmarks)]
        row = {"benchmarks": benchmarks, "scores": len(own)}
        row["out of line as they are"] = (own["p_value"] < ALARM).mean()
        wrong = own[own["altered_by"].ne(0)].drop_duplicates(["seed", "model"])
        found = wrong["p_value_altered"] < ALARM
        ends = binomtest(int(found.sum()), len(found)).proportion_ci(0.95)
        row |= {"altered": len(wrong), "out of line": found.mean()}
        row["95 % interval"] = f"{ends.low:.2f} to {ends.high:.2f}"
        beside = own[own["altered_by"].eq(0)]
        row["others of an altered model"] = (beside["p_value_altered"] < ALARM).mean()
        rows.append(row)
    print(f"\nScores out of line, as they are and altered by {ALTERED}\n")
    print(markdown(pd.DataFrame(rows)))
    print(f"\nSeconds a model, of {PLACED} at a time: {models['seconds'].median():.2f}")


def main() -> None:
    """Do what is missing, or print what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--datasets", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--report", action="store_true", help="print what is stored, and stop")
    options = parser.parse_args()
    if options.report:
        report()
        return
    done = set(pd.read_csv(MODELS)["seed"]) if MODELS.exists() else set()
    seeds = [seed for seed in range(1, options.datasets + 1) if seed not in done]
    start = time.monotonic()
    pool = ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"))
    with stoppable(pool) as pool:
        running = {pool.submit(one_dataset, seed): seed for seed in seeds}
        for count, future in enumerate(as_completed(running), 1):
            seed = running[future]
            models, scores = future.result()
            # Scores first: a seed counts as done once its models are stored.
            _store(scores, SCORES, [seed])
            _store(models, MODELS, [seed])
            left = (time.monotonic() - start) / count * (len(seeds) - count) / 60
            print(f"{count} of {len(seeds)} datasets, {left:.0f} minutes left", flush=True)


if __name__ == "__main__":
    main()
