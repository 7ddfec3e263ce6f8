"""One sampler on `densing5`, in a process of its own; `run.py` starts these and reads their JSON.

Every sampler has the same posterior: the package's model, or the plain PyMC file. Seconds of
sampling are warm-up and draws without compilation (with that of the sampler itself for those on
JAX, which compile when they are called). The whole call is what a user waits for in a session that
has fitted this before.
"""

from __future__ import annotations

import argparse
import json
import os
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

SELECTION = {
    "since": "2023-02-01",
    "base_only": True,
    "compressed": False,
    "min_benchmarks": 3,
}
# What a result should have: R-hat of every variable at most, and effective draws at least.
RHAT, ESS = 1.01, 400
# How many lengths of the kept draws are looked at for when they were enough.
LENGTHS = 20


def of_variables(function: Callable[..., Any], posterior: Any, free: list[str]) -> np.ndarray:
    """Return a diagnostic of every element of every free variable."""
    found = function(posterior[free])
    return np.concatenate([np.ravel(found[name].values) for name in free])


def figures(posterior: Any, stats: Any, free: list[str], tune: int) -> dict[str, float]:
    """Return what the draws are worth, and after which share of warm-up and draws it was enough.

    Parameters
    ----------
    posterior, stats : xarray.Dataset
        Draws and sampler statistics, with ``diverging``.
    free : list of str
        Free variables.
    tune : int
        Warm-up draws of each chain.

    Returns
    -------
    dict of str to float
    """
    import arviz as az

    kept = posterior.sizes["draw"]
    enough = float("nan")
    for count in np.linspace(kept / LENGTHS, kept, LENGTHS).round().astype(int):
        part = posterior.isel(draw=slice(0, int(count)))
        ess = of_variables(az.ess, part, free).min()
        if ess >= ESS and of_variables(az.rhat, part, free).max() <= RHAT:
            enough = (tune + count) / (tune + kept)
            break
    steps = next((n for n in ("n_steps", "tree_size", "num_integration_steps") if n in stats), None)
    return {
        "draws": int(stats["diverging"].size),
        "gradients": float(stats[steps].mean()) if steps else float("nan"),
        "rhat": float(of_variables(az.rhat, posterior, free).max()),
        "ess": float(of_variables(az.ess, posterior, free).min()),
        "divergences": int(stats["diverging"].sum()),
        "growth": float(posterior["growth_rate"].mean()),
        "growth_sd": float(posterior["growth_rate"].std()),
        "enough_after": enough,
    }


def with_bayesdense(data: Any, settings: dict[str, Any]) -> dict[str, float]:
    """Fit twice: the second fit compiles nothing."""
    import bayesdense as bd

    model = bd.DensityModel(form="first-edition")
    options = {"reference_posterior": False, "progressbar": False}
    shortest = {"draws": 50, "tune": 50}
    first = model.fit(data, **settings | shortest, **options)
    start = time.monotonic()
    fit = model.fit(data, **settings, **options)
    call = time.monotonic() - start
    found = figures(fit.posterior, fit.sample_stats, fit.info.free, settings["tune"])
    seconds = {"seconds": fit.info.sampling_seconds, "call": call}
    return found | seconds | {"compile": first.info.compile_seconds}


def _wait_for_blackjax() -> None:
    """Have PyMC look at the clock when BlackJAX is done, not when JAX was handed the work."""
    import jax
    import pymc.sampling.jax as of_jax

    sample = of_jax._sample_blackjax_nuts

    def waiting(**options: Any) -> tuple[Any, Any, Any]:
        draws, stats, library = sample(**options)
        return *jax.block_until_ready((draws, stats)), library

    of_jax._sample_blackjax_nuts = waiting


def plain(sampler: str, **options: Any) -> Callable[[Any, dict[str, Any]], dict[str, float]]:
    """Return a function that samples the plain file through `pymc.sample`."""

    def run(data: Any, settings: dict[str, Any]) -> dict[str, float]:
        import pymc as pm
        from plain import plain_model

        own = dict(settings)
        model = plain_model(data)
        if sampler == "blackjax":
            _wait_for_blackjax()
        start = time.monotonic()
        with model:
            tree = pm.sample(**own, **options, nuts_sampler=sampler, progressbar=False)
        call = time.monotonic() - start
        posterior, stats = tree["posterior"].dataset, tree["sample_stats"].dataset
        seconds = float(tree["posterior"].attrs.get("sampling_time", np.nan))
        free = [variable.name for variable in model.free_RVs]
        found = figures(posterior, stats, free, settings["tune"])
        return found | {"seconds": seconds, "call": call, "compile": call - seconds}

    return run


SAMPLERS: dict[str, Callable[[Any, dict[str, Any]], dict[str, float]]] = {
    "bayesdense": with_bayesdense,
    "plain, nutpie": plain("nutpie"),
    # Its default start, with jitter, ends in an error: the density is not finite there.
    "plain, PyMC": plain("pymc", init="adapt_diag"),
    "plain, NumPyro": plain("numpyro"),
    "plain, BlackJAX": plain("blackjax"),
}


def main() -> None:
    """Sample, and print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("sampler", choices=list(SAMPLERS))
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--tune", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    # JAX runs chains at the same time only on what it takes for several devices.
    os.environ.setdefault("XLA_FLAGS", "--xla_force_host_platform_device_count=4")
    warnings.simplefilter("ignore")
    import bayesdense as bd

    data = bd.load_dataset("densing5").select(**SELECTION)
    settings = {
        "draws": options.draws,
        "tune": options.tune,
        "chains": 4,
        "random_seed": options.seed,
        "target_accept": 0.95,
    }
    found = SAMPLERS[options.sampler](data, settings)
    print(json.dumps({k: None if pd.isna(v) else v for k, v in found.items()}))


if __name__ == "__main__":
    main()
