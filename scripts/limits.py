"""Print what `docs/limits.md`, `docs/editions.md` and `docs/model.md` say beside their tables.

Run with ``python scripts/limits.py``; some ten minutes on two cores. ``--part prior`` fits nothing.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import pandas as pd

import bayesdense as bd

SELECTION: dict[str, Any] = {
    "since": "2023-02-01",
    "base_only": True,
    "compressed": False,
    "min_benchmarks": 3,
}
HOW: dict[str, Any] = {"random_seed": 1, "reference_posterior": False}
MONTHS = (6.0, 12.0)
PRIOR_DRAWS, AT_THE_FLOOR = 400, 0.02
# Of the level, and of the logit of a map at the centre of the references; the usual ones first.
LEVELS, LOGITS = (2.0, 1.5, 1.0), (1.5, 0.7)


def show(title: str, table: pd.DataFrame) -> None:
    """Print a table under its title, without what all rows have alike."""
    print(f"\n{title}\n{table.drop(columns=['prob', 'kind']).round(2).to_string(index=False)}")


def posterior(data: bd.Dataset) -> None:
    """Print what the default fit says of inflation, missing scores and a second skill."""
    fit = bd.DensityModel().fit(data, **HOW)
    print(fit.headline(), fit.checks().verdict, sep="\n")
    for months in MONTHS:
        show(f"inflation, {months:g} months", bd.studies.tipping_points(fit, months=months))
        show(f"missing scores, {months:g} months", bd.studies.missing_scores(fit, months=months))
    show("benchmarks beside one another", bd.studies.benchmark_correlations(fit))
    dated = data.targets.dropna(subset=["release_date"])
    year = dated["release_date"].dt.year
    for benchmark in data.benchmarks.loc[data.benchmarks["core"], "benchmark"]:
        own = data.scores.loc[data.scores["benchmark"] == benchmark, "model"]
        share = dated["model"].isin(own).groupby(year).mean()
        print(benchmark, "reported by", share.round(2).to_dict())


def reports(data: bd.Dataset) -> None:
    """Print the headline with an offset for each report of a vendor on each benchmark."""
    split = data.split_harness("vendor")
    own = split.scores["harness"].str.startswith("vendor: ")
    print(f"\n{split.scores.loc[own, 'harness'].nunique()} reports")
    fit = bd.DensityModel().fit(split, **HOW)
    print(fit.headline(), fit.checks().verdict, sep="\n")


def prior(data: bd.Dataset) -> None:
    """Print how many scores lie at the floor a priori, by the scales of two priors."""
    import pymc as pm

    rows = []
    for level, logit in [*((s, LOGITS[0]) for s in LEVELS), *((LEVELS[0], s) for s in LOGITS[1:])]:
        model = bd.DensityModel(
            priors={
                "log_density_level": bd.Prior("Normal", mu=0.0, sigma=level),
                "map_logit_at_centre": bd.Prior("Normal", mu=-1.0, sigma=logit),
            }
        )
        names = ["expected_score", "map_floor"]
        with model.build(data):
            drawn = pm.sample_prior_predictive(PRIOR_DRAWS, var_names=names, random_seed=1).prior
        design = model.make_design(data)
        targets = design.arrays["cell_model"] < design.size("target")
        score, floor = (drawn[name].values[0] for name in names)
        above = score - floor[:, design.arrays["cell_benchmark"]]
        share = float((above[:, targets] < AT_THE_FLOOR).mean())
        rows.append({"sd of B": level, "sd of the logit": logit, "at the floor": share})
    print(f"\n{pd.DataFrame(rows).round(3).to_string(index=False)}")
    print("quantiles of scores", np.quantile(score[:, targets], [0.05, 0.5, 0.95]).round(2))


PARTS = {"prior": prior, "posterior": posterior, "reports": reports}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--part", choices=list(PARTS), action="append")
    options = parser.parse_args()
    data = bd.load_dataset("densing5").select(**SELECTION)
    for part in options.part or PARTS:
        PARTS[part](data)


if __name__ == "__main__":
    main()
