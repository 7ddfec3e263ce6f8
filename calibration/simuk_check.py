"""Hold one configuration against simuk, which simulates from the model itself.

`run.py` simulates by code that shares nothing with the package's models, and ranks by code of its
own. simuk draws parameters and data from the PyMC model that `DensityModel.build` returns, and
counts ranks itself. Fits are the package's, whole: it compiles once, where `pymc.sample`, which
simuk calls otherwise, compiles for each dataset. Pooled, on a small design; needs the extra
``bench``. Run with ``python calibration/simuk_check.py``; a quarter of an hour.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import simuk
import xarray as xr
from designs import small_design
from report import OF_SIMUK, ranks
from run import RANKED, exact_design
from scenarios import COMMON, OF_TREND, SCORES_ONLY, _from_priors
from simulator import Simulated, simulate

import bayesdense as bd
from bayesdense.posterior.diagnostics import diagnostics_table
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.settings import Run, SamplingSettings

SHOWN = (
    "growth_rate",
    "log_density_level",
    "model_effect_sd",
    "alpha",
    "map_logit_at_centre",
    "map_slope_at_centre",
    "ceiling_share",
    "cell_effect_sd",
    "source_noise_sd",
    "model_effect",
)
OF_POOLED = (
    "alpha",
    "map_logit_at_centre",
    "map_slope_at_centre",
    "ceiling_share",
    "growth_rate",
    "log_density_level",
    "cell_effect_sd",
    "source_noise_sd",
    "model_effect_sd",
)
# Of a variable with an entry for each benchmark or model, so many are looked at.
ENTRIES = 4


class FittedByPackage(simuk.SBC):
    """Parameters, data and ranks by simuk, fits by the package."""

    def __init__(self, model: bd.DensityModel, data: bd.Dataset, **options: Any) -> None:
        """Build the PyMC model of a dataset, whose scores are not used."""
        self.fitted, self.data = model, data
        self.quality: list[tuple[float, int]] = []
        super().__init__(model.build(data), **options)

    def _get_posterior_samples(self, replicated_data: dict[str, np.ndarray]) -> xr.Dataset:
        """Fit scores that simuk simulated; return as many draws as ranks are among."""
        rows = self.fitted.make_design(self.data).scores[["model", "benchmark", "source"]]
        exact = np.asarray(replicated_data["score"])
        scores = self.data.scores.drop(columns="score").merge(
            rows.assign(exact=exact, score=exact.clip(0.0, 1.0)), validate="one_to_one"
        )
        data = bd.Dataset.from_frames(
            name="simulated by simuk",
            models=self.data.models,
            benchmarks=self.data.benchmarks,
            scores=scores.drop(columns="exact"),
        )
        design = exact_design(self.fitted, Simulated(data, scores, {}, pd.DataFrame()))
        seed = self._simulations_complete
        settings = SamplingSettings(draws=500, tune=600, random_seed=seed, target_accept=0.95)
        drawn = self.fitted.sample_design(design, Run(settings, "", progressbar=False))
        if drawn.result.interrupted:
            raise SamplingInterrupted("interrupted: this dataset is not counted")
        rhat = diagnostics_table(drawn.result.posterior, drawn.free)["rhat"].max(skipna=False)
        self.quality.append((float(rhat), int(drawn.result.sample_stats["diverging"].sum())))
        posterior = drawn.result.posterior[self.var_names].stack(sample=("chain", "draw"))
        every = np.linspace(0, posterior.sizes["sample"] - 1, RANKED).round().astype(int)
        return posterior.isel(sample=every)


def pooled() -> tuple[bd.DensityModel, bd.Dataset]:
    """Return a pooled model with the priors of the calibration, and a small dataset."""
    everything = {**SCORES_ONLY, **COMMON, **OF_TREND["linear"]}
    priors = {name: everything[name] for name in OF_POOLED}
    design = small_design(n_targets=12, n_families=4)
    random = np.random.default_rng(1)
    data = simulate(design, _from_priors(everything, design)(random), random).data
    return bd.DensityModel(form="pooled", priors=priors), data


def main() -> None:
    """Simulate, fit, store ranks, and say which leave their band."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--out", type=Path, default=OF_SIMUK)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    check = FittedByPackage(*pooled(), num_simulations=options.simulations, seed=1, keep_fits=False)
    check.run_simulations()
    done = check._simulations_complete
    if not done:
        raise SystemExit("simuk stopped before a simulation was complete")
    found, seeds = check.simulations["prior_sbc"], np.arange(done)
    rows = []
    for name in SHOWN:
        by_entry = np.asarray(found[name]).reshape(done, -1)[:, :ENTRIES]
        for i, column in enumerate(by_entry.T):
            label = name if by_entry.shape[1] == 1 else f"{name}[{i}]"
            rows.append(
                {"scenario": "simuk, pooled", "quantity": label, "seed": seeds, "rank": column}
            )
    table = pd.concat([pd.DataFrame(row) for row in rows], ignore_index=True)
    table.to_csv(options.out, index=False)
    panels = ranks(table)
    outside = panels.loc[panels["outside"] > 0, "quantity"]
    rhat, diverged = np.array(check.quality).T
    print(f"{done} of {options.simulations} simulations, {len(panels)} quantities")
    print(
        f"R-hat above 1.05 in {(rhat > 1.05).sum()} fits (largest {rhat.max():.2f}); "
        f"{(diverged > 0).sum()} with divergences"
    )
    print("outside the 95 % band:", ", ".join(outside) or "none")


if __name__ == "__main__":
    main()
