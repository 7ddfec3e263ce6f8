"""The default form for scores-only references in plain PyMC, as a competent user would write it.

It is what `bayesdense` is measured against, so it is kept as it is. The posterior is the same:
the same likelihood, the same priors, non-centred effects, zero-sum effects by PyMC's own
distribution, sensible starting points. Nothing of the package's models is used, only its data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytensor.tensor as pt

import bayesdense as bd

DENSITY_SIZE = 2e10


def plain_model(data: bd.Dataset) -> Any:
    """Return the default form as a PyMC model.

    Parameters
    ----------
    data : bayesdense.Dataset
        With references that have scores only, and dated targets.

    Returns
    -------
    pymc.Model
    """
    benchmarks = data.core_benchmarks
    scores = data.scores[data.scores["benchmark"].isin(benchmarks)]
    models = data.models[data.models["model"].isin(scores["model"])]
    models = models.sort_values("is_reference", kind="stable").reset_index(drop=True)
    is_reference = models["is_reference"].to_numpy()
    n_targets = int((~is_reference).sum())
    log_size = np.log(models["n_params"].to_numpy(dtype=float))
    relative = log_size - log_size[is_reference].mean()
    dates = models["release_date"].to_numpy(dtype="datetime64[D]")[:n_targets].astype(float)
    years = (dates - dates.mean()) / 365.25
    lean = log_size[:n_targets] - np.log(DENSITY_SIZE)
    family, families = pd.factorize(models["family"][:n_targets])
    reference_family, reference_families = pd.factorize(models["family"][n_targets:])
    model_code = pd.Index(models["model"]).get_indexer(pd.Index(scores["model"]))
    benchmark_code = pd.Index(benchmarks).get_indexer(pd.Index(scores["benchmark"]))
    harness, harnesses = pd.factorize(scores["harness"])
    cells, score_cell = np.unique(
        np.column_stack([model_code, benchmark_code]), axis=0, return_inverse=True
    )
    score_cell = score_cell.ravel()
    cell_model, cell_benchmark = cells.T
    items = scores["n_items"].groupby(score_cell).mean().to_numpy(dtype=float)
    chance = data.benchmarks.set_index("benchmark").loc[benchmarks, "chance"].to_numpy(dtype=float)
    n_benchmarks = len(benchmarks)
    measured = np.zeros((len(harnesses), n_benchmarks), dtype=bool)
    measured[harness, benchmark_code] = True

    coords = {
        "benchmark": benchmarks,
        "family": families,
        "reference_family": reference_families,
        "target": models["model"][:n_targets],
        "reference": models["model"][n_targets:],
        "cell": range(len(cells)),
    }
    with pm.Model(coords=coords) as model:
        alpha = pm.LogNormal("alpha", np.log(0.3), 0.3, dims="benchmark")
        pi = pm.Normal("map_logit_at_centre", -1.0, 1.5, dims="benchmark")
        s = pm.LogNormal("map_slope_at_centre", np.log(0.8), 0.5, dims="benchmark")
        d = pm.TruncatedNormal(
            "map_floor",
            chance,
            0.02,
            lower=0,
            upper=1,
            dims="benchmark",
            initval=np.maximum(chance, 0.01),
        )
        u = pm.Beta("ceiling_share", 12, 1, dims="benchmark", initval=np.full(n_benchmarks, 0.95))
        tau = pm.LogNormal("cell_effect_sd", np.log(0.7), 0.5, dims="benchmark")
        phi = pm.LogNormal("source_noise_sd", np.log(0.015), 0.7, dims="benchmark")

        a = pm.Normal("growth_rate", 1.5, 1.5)
        b = pm.Normal("log_density_level", 0, 2)
        sigma_a = pm.HalfNormal("growth_rate_sd", 1)
        a_beside = sigma_a * pm.ZeroSumNormal("growth_rate_deviation_raw", 1, dims="benchmark")
        pm.Deterministic("growth_rate_by_benchmark", a + a_beside, dims="benchmark")
        level = pm.ZeroSumNormal("benchmark_offset", 1, dims="benchmark")
        slope = pm.Normal("size_slope", 0, 0.5)
        sigma_l = pm.HalfNormal("size_slope_sd", 0.3)
        slope_beside = sigma_l * pm.ZeroSumNormal("size_slope_deviation_raw", 1, dims="benchmark")
        sigma_f = pm.HalfNormal("family_effect_sd", 1)
        f = sigma_f * pm.Normal("family_effect_raw", 0, 1, dims="family")
        sigma_fj = pm.HalfNormal("family_benchmark_effect_sd", 0.7)
        f2 = sigma_fj * pm.Normal("family_benchmark_effect_raw", 0, 1, dims=("family", "benchmark"))
        sigma_v = pm.HalfNormal("model_effect_sd", 1)
        v = sigma_v * pm.Normal("model_effect_raw", 0, 1, dims="target")
        of_targets = b + a * years + slope * lean + f[family] + v
        beside = level + a_beside * years[:, None] + slope_beside * lean[:, None] + f2[family]

        r = pm.ZeroSumNormal("reference_family_offset", 0.5, dims="reference_family")
        own = 0.1 * pm.Normal("reference_effect_raw", 0, 1, dims="reference")
        of_references = r[reference_family] + own

        density = pt.concatenate([of_targets, of_references])
        pm.Deterministic("log_density", density)
        none = pt.zeros((len(models) - n_targets, n_benchmarks))
        position = (relative + density)[:, None] + pt.concatenate([beside, none])
        scale = np.where(is_reference[cell_model], 0.3, 1.0) * tau[cell_benchmark]
        x = position[cell_model, cell_benchmark] + scale * pm.Normal(
            "cell_effect_raw", 0, 1, dims="cell"
        )
        bend = alpha[cell_benchmark]
        logit = pi[cell_benchmark] + s[cell_benchmark] * (1 - pt.exp(-bend * x)) / bend

        eta_sd = pm.HalfNormal("harness_offset_sd", 0.4, dims="benchmark")
        columns = []
        for j in range(n_benchmarks):
            rows = np.flatnonzero(measured[:, j])
            column = pt.zeros(len(harnesses))
            if len(rows) > 1:
                eta = pm.ZeroSumNormal(f"harness_offset_{benchmarks[j]}", 1, shape=len(rows))
                column = pt.set_subtensor(column[rows], eta_sd[j] * eta)
            columns.append(column)
        eta = pt.stack(columns, axis=1)

        span = (1 - d) * u
        latent = d[cell_benchmark] + span[cell_benchmark] * pm.math.sigmoid(logit)
        # What item sampling does is shared by the scores of a cell, so it is a variable.
        sampling = pm.Normal("items", 0, 1, dims="cell") * pt.sqrt(latent * (1 - latent) / items)
        shifted = logit[score_cell] + eta[harness, benchmark_code]
        mean = d[benchmark_code] + span[benchmark_code] * pm.math.sigmoid(shifted)
        pm.Normal(
            "score", mean + sampling[score_cell], phi[benchmark_code], observed=scores["score"]
        )
    return model
