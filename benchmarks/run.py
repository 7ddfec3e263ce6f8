"""Measure the default form on `densing5` against the same posterior in plain PyMC.

One run on one machine, so that what counts is a ratio: the lowest effective sample size of all
free variables per second of warm-up and sampling, compilation left out. Run with
``python benchmarks/run.py``; PyMC's own NUTS takes long and runs only when it is asked for.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import arviz as az
import nutpie
import pymc as pm
from plain import plain_model

import bayesdense as bd

SELECTION = {
    "since": "2023-02-01",
    "base_only": True,
    "compressed": False,
    "min_benchmarks": 3,
}
COLUMNS = ("draws", "seconds", "gradients", "rhat", "ess", "ess_per_second", "divergences")


def measured(posterior: Any, stats: Any, free: list[str], seconds: float) -> dict[str, float]:
    """Return the figures of one run.

    Parameters
    ----------
    posterior, stats : xarray.Dataset
        Draws and sampler statistics, with ``diverging`` and ``n_steps``.
    free : list of str
        Free variables.
    seconds : float
        Wall time of warm-up and sampling.

    Returns
    -------
    dict of str to float
    """
    ess = min(float(v.min()) for v in az.ess(posterior[free]).data_vars.values())
    rhat = max(float(v.max()) for v in az.rhat(posterior[free]).data_vars.values())
    return {
        "draws": int(stats["diverging"].size),
        "seconds": seconds,
        "gradients": float(stats["n_steps"].mean()),
        "rhat": rhat,
        "ess": ess,
        "ess_per_second": ess / seconds,
        "divergences": int(stats["diverging"].sum()),
    }


def with_bayesdense(data: bd.Dataset, settings: dict[str, Any]) -> dict[str, float]:
    """Fit twice and measure the second fit, which compiles nothing."""
    model = bd.DensityModel()
    model.fit(data, **settings | {"draws": 50, "tune": 400}, references_alone=False, progress=False)
    fit = model.fit(data, **settings, references_alone=False, progress=False)
    seconds = fit.info["sampling_seconds"]
    return measured(fit.posterior, fit.sample_stats, fit.info["free"], seconds)


def plain_with_nutpie(data: bd.Dataset, settings: dict[str, Any]) -> dict[str, float]:
    """Sample the plain model with nutpie, as its users do."""
    model = plain_model(data)
    compiled = nutpie.compile_pymc_model(model)
    start = time.monotonic()
    tree = nutpie.sample(compiled, **settings, progress_bar=False)
    seconds = time.monotonic() - start
    free = [variable.name for variable in model.free_RVs]
    return measured(tree["posterior"].dataset, tree["sample_stats"].dataset, free, seconds)


def plain_with_pymc(data: bd.Dataset, settings: dict[str, Any]) -> dict[str, float]:
    """Sample the plain model with PyMC's own NUTS; its compilation is part of the time."""
    model = plain_model(data)
    start = time.monotonic()
    with model:
        tree = pm.sample(**settings, init="adapt_diag", progressbar=False)
    seconds = time.monotonic() - start
    free = [variable.name for variable in model.free_RVs]
    return measured(tree["posterior"].dataset, tree["sample_stats"].dataset, free, seconds)


SAMPLERS: dict[str, Callable[[bd.Dataset, dict[str, Any]], dict[str, float]]] = {
    "bayesdense": with_bayesdense,
    "plain-nutpie": plain_with_nutpie,
    "plain-pymc": plain_with_pymc,
}


def main() -> None:
    """Measure, print a table, and write it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sampler", choices=list(SAMPLERS), action="append")
    parser.add_argument("--draws", type=int, default=1000, help="of each of four chains")
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    data = bd.load_dataset("densing5").select(**SELECTION)
    settings = {
        "draws": options.draws,
        "tune": options.tune,
        "chains": 4,
        "seed": options.seed,
        "target_accept": 0.95,
    }
    chosen = options.sampler or ["bayesdense", "plain-nutpie"]
    found = {}
    for name in chosen:
        own = dict(settings)
        if name == "plain-pymc":
            own["random_seed"] = own.pop("seed")
        found[name] = SAMPLERS[name](data, own)
    print("| sampler | " + " | ".join(COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for name, row in found.items():
        print(f"| {name} | " + " | ".join(f"{row[column]:.4g}" for column in COLUMNS) + " |")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "densing5.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
