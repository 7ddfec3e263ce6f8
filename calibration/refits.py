"""Leave a model of `densing5` out, fit the others, place it, and hold it against the fit with it.

``python calibration/refits.py --models 20`` goes on where it was stopped; with ``--report`` it
prints what is stored. The fit that has all models is the shipped posterior.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
import pandas as pd
from report import markdown
from run import RESULTS, _store

import bayesdense as bd
from bayesdense.posterior.weights import HIGH_K

SEED = 7
FILE = RESULTS / "placing-refits.csv"


def chosen_models(number: int) -> list[str]:
    """Return names of targets of the shipped fit, in an order of chance."""
    fit = bd.load_fit("densing5")
    models = fit.data.models.set_index("model").loc[list(fit.posterior["dated_target"].values)]
    # The trend says nothing of a time before all models that were fitted.
    later = models[models["release_date"] > models["release_date"].min()]
    return list(later.index.to_series().sample(frac=1.0, random_state=SEED))[:number]


def one_model(name: str) -> dict[str, Any]:
    """Fit all models but one, place it, and return how far it is from the fit of all."""
    warnings.simplefilter("ignore")
    shipped = bd.load_fit("densing5")
    data = shipped.data
    others = data.select(models=[model for model in data.models["model"] if model != name])
    start = time.perf_counter()
    fit = bd.DensityModel().fit(
        others, draws=500, cores=1, random_seed=SEED, progressbar=False, target_accept=0.95
    )
    seconds = time.perf_counter() - start
    table = data.models[data.models["model"].eq(name)]
    scores = data.scores[data.scores["model"].eq(name)]
    scores = scores[scores["benchmark"].isin(data.core_benchmarks)]
    there = shipped.posterior["log_density"].sel(model=name).to_numpy().ravel()
    row: dict[str, Any] = {
        "model": name,
        "benchmarks": scores["benchmark"].nunique(),
        "known_family": table["family"].isin(others.models["family"]).item(),
        "rhat": fit.diagnostics()["rhat"].max(),
        "seconds": seconds,
        "median": np.median(there),
        "sd": there.std(),
    }
    for weights in ("ruler", "fitted"):
        placed = fit.place(table, scores=scores, weights=weights)
        found = placed._placed.log_density[:, 0]
        row |= {f"{weights}_median": np.median(found), f"{weights}_sd": found.std()}
        row[f"{weights}_k"] = placed.pareto_k
    return row


def report() -> None:
    """Print the differences in standard deviations of the fit that has the model."""
    found = pd.read_csv(FILE)
    rows = []
    for weights in ("ruler", "fitted"):
        off = (found[f"{weights}_median"] - found["median"]) / found["sd"]
        ratio = found[f"{weights}_sd"] / found["sd"]
        row: dict[str, Any] = {"weights": weights, "models": len(found)}
        row |= {"mean difference": off.mean(), "its standard error": off.sem()}
        row |= {"standard deviation": off.std(), "largest": off.abs().max()}
        row |= {"median ratio of widths": ratio.median()}
        row["k above 0.7"] = int((found[f"{weights}_k"] > HIGH_K).sum())
        rows.append(row)
    print("Placed against fitted, in posterior standard deviations\n")
    print(markdown(pd.DataFrame(rows)))


def main() -> None:
    """Do what is missing, or print what there is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=int, default=20)
    parser.add_argument("--report", action="store_true", help="print what is stored, and stop")
    options = parser.parse_args()
    if options.report:
        report()
        return
    done = set(pd.read_csv(FILE)["model"]) if FILE.exists() else set()
    for number, name in enumerate(chosen_models(options.models), 1):
        if name not in done:
            _store([{"seed": number} | one_model(name)], FILE, [number])
            print(f"{number} of {options.models}: {name}", flush=True)


if __name__ == "__main__":
    main()
