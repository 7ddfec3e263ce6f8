"""Hold one configuration against simuk, which simulates from the model itself.

`run.py` simulates by code that shares nothing with the package's models; simuk draws data from the
PyMC model that `DensityModel.build` returns, and fits that by `pymc.sample`. Pooled, on a small
design; needs the extra ``bench``. Run with ``python calibration/simuk_check.py``; half an hour.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import simuk
from designs import small_design
from report import bands
from run import RANKED, RESULTS
from scenarios import COMMON, OF_TREND, SCORES_ONLY, _from_priors
from simulator import simulate

import bayesdense as bd

SHOWN = ("A", "B", "sigma_v", "alpha", "pi", "s", "u", "tau", "phi", "v")
OF_POOLED = ("alpha", "pi", "s", "u", "A", "B", "tau", "phi", "sigma_v")


def pooled_model() -> object:
    """Return a small pooled model with the priors of the calibration."""
    everything = {**SCORES_ONLY, **COMMON, **OF_TREND["linear"]}
    priors = {name: everything[name] for name in OF_POOLED}
    design = small_design(n_targets=12, n_families=4)
    random = np.random.default_rng(1)
    data = simulate(design, _from_priors(everything, design)(random), random).data
    return bd.DensityModel(form="pooled", priors=priors).build(data)


def main() -> None:
    """Simulate, fit, store ranks, and say which leave their band."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--out", type=Path, default=RESULTS / "simuk-ranks.csv")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    draws = RANKED + 1
    check = simuk.SBC(
        pooled_model(),
        num_simulations=options.simulations,
        seed=1,
        keep_fits=False,
        sample_kwargs={
            "draws": 5 * draws,
            "tune": 800,
            "chains": 2,
            "cores": 2,
            "nuts_sampler": "nutpie",
            "nuts": {"target_accept": 0.95},
        },
    )
    check.run_simulations()
    rows = []
    total = 2 * 5 * draws
    for name in SHOWN:
        ranks = np.asarray(check.simulations[name], dtype=float)
        ranks = ranks.reshape(options.simulations, -1)
        for i in range(min(ranks.shape[1], 4)):
            label = name if ranks.shape[1] == 1 else f"{name}[{i}]"
            scaled = np.floor(ranks[:, i] / total * draws)
            rows += [
                {"quantity": label, "simulation": s, "rank": int(r)}
                for s, r in enumerate(np.clip(scaled, 0, RANKED))
            ]
    table = pd.DataFrame(rows)
    table.to_csv(options.out, index=False)
    outside = []
    for quantity, part in table.groupby("quantity", sort=False):
        _, ecdf, low, high = bands(part["rank"].to_numpy(), f"simuk, {quantity}")
        if ((ecdf < low) | (ecdf > high)).any():
            outside.append(str(quantity))
    print(f"{options.simulations} simulations, {table['quantity'].nunique()} quantities")
    print("outside the 95 % band:", ", ".join(outside) or "none")


if __name__ == "__main__":
    main()
