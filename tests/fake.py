"""A fit whose draws come from the prior: for tests of what is drawn and written, not of models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr

from bayesdense.data import Dataset
from bayesdense.fit import DensityFit, RulerFit
from bayesdense.fit.info import FitInfo
from bayesdense.models import DensityModel, RulerModel
from bayesdense.sampler.settings import SamplingSettings

CHAINS, DRAWS = 2, 25
FAMILIES = {"Alpha": [1e9, 7e9, 30e9], "Beta": [2e9, 13e9]}
TARGETS = 8


def tiny_dataset() -> Dataset:
    """Return two reference families, eight targets and two benchmarks."""
    models, scores = [], []
    for family, sizes in FAMILIES.items():
        for size in sizes:
            name = f"{family}-{size / 1e9:g}B"
            models.append((name, family, "2023-03-01", size, True))
    dates = pd.date_range("2023-06-01", "2025-06-01", periods=TARGETS).strftime("%Y-%m-%d")
    for i, date in enumerate(dates):
        models.append((f"New-{i}", f"Family {i // 2}", date, (i + 1) * 1e9, False))
    # One model without a date: it has a density, and no place in the trend.
    models.append(("Undated", "Family 9", None, 5e9, False))
    for i, (name, _, _, size, reference) in enumerate(models):
        level = 0.08 * np.log(size / 1e9) + (0.0 if reference else 0.02 * i)
        scores += [(name, "MMLU", 0.3 + level), (name, "MATH", 0.05 + level)]
    columns = ["model", "family", "release_date", "n_params", "is_reference"]
    return Dataset.from_frames(
        models=pd.DataFrame(models, columns=columns),
        benchmarks=pd.DataFrame(
            {"benchmark": ["MMLU", "MATH"], "n_items": [14042, 5000], "chance": [0.25, 0.0]}
        ),
        scores=pd.DataFrame(scores, columns=["model", "benchmark", "score"]),
        name="tiny",
    )


def fake_fit(trend: str = "linear", data: Dataset | None = None) -> DensityFit:
    """Return a fit of the tiny dataset with draws from the prior."""
    return fake(DensityModel(trend=trend), tiny_dataset() if data is None else data)


def fake(model: DensityModel | RulerModel, data: Dataset) -> DensityFit | RulerFit:
    """Return a fit of any model with draws from its prior."""
    built = model.build(data)
    names = [v.name for v in (*built.free_RVs, *built.deterministics)]
    prior = pm.sample_prior_predictive(
        draws=CHAINS * DRAWS,
        model=built,
        var_names=names,
        random_seed=1,
        # Numba takes longer to compile, and warns that it knows no TruncatedNormal.
        compile_kwargs={"mode": "FAST_COMPILE"},
    )["prior"].to_dataset()
    draws = {}
    for name, values in prior.isel(chain=0).data_vars.items():
        cells = values.values.reshape(CHAINS, DRAWS, *values.shape[1:])
        draws[name] = (("chain", "draw", *values.dims[1:]), cells)
    random = np.random.default_rng(1)
    shape = (CHAINS, DRAWS)
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros(shape, dtype=bool)),
            "energy": (("chain", "draw"), random.normal(size=shape)),
        }
    )
    coords = {n: c for n, c in prior.coords.items() if n not in ("chain", "draw")}
    posterior = xr.Dataset(draws, coords=coords).assign_coords(
        chain=np.arange(CHAINS), draw=np.arange(DRAWS)
    )
    made = DensityFit if isinstance(model, DensityModel) else RulerFit
    return made(
        posterior=posterior,
        sample_stats=stats.assign_coords(chain=np.arange(CHAINS), draw=np.arange(DRAWS)),
        data=data,
        spec=model.spec,
        info=FitInfo(
            settings=SamplingSettings(draws=DRAWS, chains=CHAINS, random_seed=1),
            free=tuple(v.name for v in built.free_RVs),
            data_digest=data.digest,
            versions={"bayesdense": "0"},
        ),
    )
