"""Print what the validation and influence sections of `docs/sensitivity.md` say of `densing5`.

Run with ``python scripts/validation.py``; up to an hour on two cores, and it goes on where it was
stopped. ``--part influence`` does this part only, ``--form first-edition`` holds the first edition.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import bayesdense as bd

SELECTION: dict[str, Any] = {
    "since": "2023-02-01",
    "base_only": True,
    "compressed": False,
    "min_benchmarks": 3,
}
UNTIL = ["2023-12-31", "2024-06-30", "2024-12-31", "2025-03-31"]
HOW: dict[str, Any] = {"draws": 800, "tune": 700}
# The fewest models of a developer that is left out: of one only.
MOST = 10
# Left out in earnest as well: the six most influential by weights, and two of which weights are
# sure.
FAMILIES = ["Klear", "Mistral", "Qwen", "Falcon", "Qwen1.5", "Llama-3", "Gemma3", "Qwen2"]


def future(model: bd.DensityModel, data: bd.Dataset, store: Path) -> None:
    """Predict later models."""
    print(bd.studies.leave_future_out(model, data, UNTIL, **HOW, store=store / "validation"))


def groups(model: bd.DensityModel, data: bd.Dataset, store: Path) -> None:
    """Predict one developer, and each benchmark."""
    how: dict[str, Any] = {**HOW, "store": store / "validation"}
    print(bd.studies.leave_groups_out(model, data, by="developer", smallest=MOST, **how))
    print(bd.studies.leave_groups_out(model, data, by="benchmark", **how))


def influence(model: bd.DensityModel, data: bd.Dataset, store: Path) -> None:
    """Hold weights without a family against fits without it."""
    fit = model.fit(data, random_seed=1, reference_posterior=False)
    weights = bd.studies.influence(fit, by="family").set_index("left_out")
    print(weights["reliable"].value_counts().to_string())
    print(bd.studies.influence(fit, by="model")["reliable"].value_counts().to_string())
    every = list(data.targets["family"].unique())
    options: dict[str, Any] = {"all": None}
    for family in FAMILIES:
        others = [name for name in every if name != family]
        options[family] = lambda d, others=others: d.select(families=others)
    study = bd.studies.sensitivity(
        model,
        data,
        {"family": options},
        draws=1000,
        tune=500,
        random_seed=1,
        executor=2,
        store=store / "families",
    )
    columns = ["median", "lower", "upper"]
    refits = study.summary().set_index("family")[[*columns, "trusted"]].add_suffix(" by a fit")
    table = weights.loc[FAMILIES, ["pareto_k", *columns]].join(refits)
    print(table.round(2).to_string())


PARTS = {"future": future, "groups": groups, "influence": influence}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--part", choices=list(PARTS), action="append")
    parser.add_argument("--store", type=Path, default=Path("out/validation"))
    parser.add_argument("--form", choices=["full", "first-edition"], default="full")
    options = parser.parse_args()
    data = bd.load_dataset("densing5").select(**SELECTION)
    for part in options.part or PARTS:
        PARTS[part](bd.DensityModel(form=options.form), data, options.store)


if __name__ == "__main__":
    main()
