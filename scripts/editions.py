"""Hold every switch of the second edition, alone and all together, against the first.

Run with ``make editions``; a fit and its evidence take some minutes, and what is
in the output files is not done again. For each dataset and form: doubling times,
the log density of a model, family or developer that is left out (PSIS, with
what only these inform integrated out), the prior probability that an infinitely
large reference scores below 0.75, and how well it was sampled.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import bayesdense as bd
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.weights import HIGH_K, efficiency_of, smoothed
from bayesdense.sampler.initial_points import spread_out
from bayesdense.studies.marginal import densities_of_models
from bayesdense.tables.growth import doubling_months

RESULTS = Path(__file__).parents[1] / "calibration" / "results"
TABLE, POINTS = "editions.csv", "editions-left-out.csv"
FIRST, SECOND = "first edition", "second edition"
SINCE: dict[str, Any] = {"since": "2023-02-01", "compressed": False, "min_benchmarks": 3}
SWITCHES: dict[str, dict[str, Any]] = {
    "exponents": {"exponents": "pooled"},
    "cell spread": {"cell_spread": "pooled"},
    "level": {"level": "pooled"},
    "noise": {"noise": "by-score"},
    "developers": {"families": "nested"},
    "within families": {"within_families": True},
    "dates": {"date_sd": 1.0},
    "size": {"size": "blend"},
}
TOGETHER = "all together"
# Of a latent skill: nothing tells an exponent or a level from that of density.
NOT_OF_SKILL = ("exponents", "level")
GROUPS = ("model", "family", "developer")
LOW_REACH, PRIOR_DRAWS = 0.75, 200_000
# Of the posterior, for what is left out.
WEIGHED = 500


def densing5() -> tuple[bd.Dataset, dict[str, Any]]:
    """Return the selection of the paper's kind, and how its models are fitted."""
    return bd.load_dataset("densing5").select(base_only=True, **SINCE), {}


def base_models() -> tuple[bd.Dataset, dict[str, Any]]:
    """Return the same to September 2026."""
    return bd.load_dataset("base_models").select(base_only=True, **SINCE), {}


def ikp() -> tuple[bd.Dataset, dict[str, Any]]:
    """Return chat models on factual questions, by a latent skill and active parameters."""
    data = bd.load_dataset("ikp").select(base_only=False, **SINCE)
    return data, {"ruler": "skill", "size": "active"}


DATASETS: dict[str, Callable[[], tuple[bd.Dataset, dict[str, Any]]]] = {
    "densing5": densing5,
    "base_models": base_models,
    "ikp": ikp,
}


def forms(usual: dict[str, Any]) -> dict[str, bd.DensityModel]:
    """Return every form by name.

    Parameters
    ----------
    usual : dict
        Arguments of all models of the dataset.

    Returns
    -------
    dict of str to DensityModel
    """
    skill = usual.get("ruler") == "skill"
    single = {n: s for n, s in SWITCHES.items() if not (skill and n in NOT_OF_SKILL)}
    every = {key: value for switch in single.values() for key, value in switch.items()}
    chosen = {FIRST: {}, **single, TOGETHER: every}
    found = {
        name: bd.DensityModel(form="first-edition", **usual | options)
        for name, options in chosen.items()
    }
    return found | {SECOND: bd.DensityModel(**usual)}


def reach_below(model: bd.DensityModel, data: bd.Dataset) -> float:
    """Return the prior probability that an infinitely large reference scores below 0.75.

    Parameters
    ----------
    model : DensityModel
        The form.
    data : Dataset
        Read through scores only.

    Returns
    -------
    float
        Mean over the benchmarks; NaN where no exponent bounds the ruler.
    """
    priors, random = model.priors(data), np.random.default_rng(1)
    chance = make_design(data, model.spec).chance
    shape = (PRIOR_DRAWS, len(chance))
    drawn = {
        name: priors[name].draw(shape, random)
        for name in ("map_logit_at_centre", "map_slope_at_centre", "ceiling_share", "map_floor")
    }
    if "alpha_mean" in priors:
        mean, sd = (priors[f"alpha_{of}"].draw((PRIOR_DRAWS, 1), random) for of in ("mean", "sd"))
        alpha = np.exp(mean + sd * random.standard_normal(shape))
    elif "alpha" in priors:
        alpha = priors["alpha"].draw(shape, random)
    else:
        return float("nan")
    logit = drawn["map_logit_at_centre"] + drawn["map_slope_at_centre"] / alpha
    span = (1.0 - drawn["map_floor"]) * drawn["ceiling_share"]
    reach = drawn["map_floor"] + span / (1.0 + np.exp(-logit))
    return float((reach < LOW_REACH).mean())


def left_out(fit: bd.DensityFit) -> pd.DataFrame:
    """Return the log density of everything that can be left out, given all else.

    Parameters
    ----------
    fit : DensityFit
        A fit.

    Returns
    -------
    pandas.DataFrame
        Columns ``by``, ``left_out``, ``elpd`` and ``pareto_k``.
    """
    design = make_design(fit.data, fit.spec)
    posterior = spread_out(fit.posterior, WEIGHED)
    draws = Draws(posterior)
    chains = posterior["growth_rate"].transpose("chain", "draw").values
    efficiency = efficiency_of(chains, draws.count)
    density = densities_of_models(draws, design)
    targets = design.models[~design.models["is_reference"]]
    rows = []
    for by in GROUPS:
        for name in dict.fromkeys(targets[by]):
            found = density(np.flatnonzero(targets[by] == name)).log
            weights, k = smoothed(found, efficiency)
            top = found.max()
            elpd = float(np.log(weights @ np.exp(found - top)) + top)
            rows.append({"by": by, "left_out": name, "elpd": elpd, "pareto_k": k})
    return pd.DataFrame(rows)


def measure(
    data: bd.Dataset, model: bd.DensityModel, *, draws: int
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fit one form; return its row and what it says of everything left out.

    Parameters
    ----------
    data : Dataset
        The data.
    model : DensityModel
        The form.
    draws : int
        Of each chain.

    Returns
    -------
    dict, pandas.DataFrame
    """
    with warnings.catch_warnings():
        # What they say is in the table.
        warnings.simplefilter("ignore", bd.BayesdenseWarning)
        fit = model.fit(
            data, draws=draws, random_seed=1, reference_posterior=False, progressbar=False
        )
    table, worst = fit.growth(), fit.diagnostics()
    rates = table[table["estimator"] == table["estimator"].iloc[0]].set_index("benchmark")
    overall = rates.loc["all benchmarks"]
    above = fit.effective_size(by="benchmark")
    row: dict[str, Any] = {
        "months": doubling_months(overall["median"]),
        "lower": doubling_months(overall["upper"]),
        "upper": doubling_months(overall["lower"]),
    }
    for name in fit.data.core_benchmarks:
        if name in rates.index:
            row[f"months, {name}"] = doubling_months(rates.loc[name, "median"])
    if fit.spec.ruler != "skill":
        row["prior reach below 0.75"] = reach_below(model, data)
        column = next(c for c in above.columns if "above_reach" in c)
        row["scores above reach"] = float(above.loc[~above["is_reference"], column].mean())
    row |= {
        "rhat": float(worst["rhat"].max()),
        "ess": float(worst["ess"].min()),
        "divergences": int(fit.sample_stats["diverging"].sum()),
        "draws": int(fit.sample_stats["diverging"].size),
        "gradients": int(fit.sample_stats["n_steps"].sum()),
        "sampling_seconds": fit.info.sampling_seconds,
    }
    told = ("within_family_growth", "active_weight", "developer_effect_sd", "growth_rate_sd")
    for name in told:
        if name in fit.posterior:
            values = np.quantile(fit.posterior[name], [0.05, 0.5, 0.95])
            row[name] = "{1:.2f} ({0:.2f} to {2:.2f})".format(*values)
    return row, left_out(fit)


def against_first(points: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each form predicts better than the first edition.

    Parameters
    ----------
    points : pandas.DataFrame
        Everything that was left out, of all forms and datasets.

    Returns
    -------
    pandas.DataFrame
        One row a dataset, form and group: the difference, its standard error
        and the share of Pareto k above 0.7.
    """
    rows = []
    for (dataset, by), group in points.groupby(["dataset", "by"], sort=False):
        wide = group.pivot_table(index="left_out", columns="form", values="elpd")
        high = group.assign(high=group["pareto_k"] > HIGH_K).groupby("form")["high"].mean()
        for form in dict.fromkeys(group["form"]):
            if FIRST not in wide:
                continue
            difference = wide[form] - wide[FIRST]
            rows.append(
                {
                    "dataset": dataset,
                    "form": form,
                    "by": by,
                    "elpd": float(difference.sum()),
                    "se": float(difference.std() * np.sqrt(len(difference))),
                    "high_k": float(high[form]),
                }
            )
    return pd.DataFrame(rows)


def main() -> None:
    """Fit every form that is missing from the output files and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--dataset", action="append", choices=list(DATASETS))
    parser.add_argument("--form", action="append", help="only this form; repeatable")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    files = [options.out / name for name in (TABLE, POINTS)]
    table, points = (pd.read_csv(f) if f.is_file() else pd.DataFrame() for f in files)
    for dataset in options.dataset or DATASETS:
        data, usual = DATASETS[dataset]()
        for form, model in forms(usual).items():
            key = {"dataset": dataset, "form": form}
            done = len(table) and (table[list(key)] == pd.Series(key)).all(axis=1).any()
            if done or (options.form and form not in options.form):
                continue
            row, found = measure(data, model, draws=options.draws)
            table = pd.concat([table, pd.DataFrame([key | row])], ignore_index=True)
            points = pd.concat([points, found.assign(**key)], ignore_index=True)
            for frame, file in zip((table, points), files, strict=True):
                frame.to_csv(file, index=False)
            print(key, {n: round(v, 3) if isinstance(v, float) else v for n, v in row.items()})
    with pd.option_context("display.width", 200, "display.max_columns", None):
        print(table.round(3).to_string(index=False))
        print(against_first(points).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
