"""Ask which loss law and which score map real reference families prefer.

Each family is a comparison of its own, by `bayesdense.studies.compare_rulers`:
what the rulers predict of what they have not seen. Run with ``make compare``;
it takes an hour or two, and goes on where it was stopped.
Effective sizes of the leaderboard's models are then averaged over the laws by
their weights on the open_lm runs.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

import bayesdense as bd
from bayesdense.studies.stacking import stacking_weights

LAWS = ("power-sum", "irreducible", "over-training", "kaplan-floor")
MAPS = ("exponential-error", "threshold")
BEST_LAW = "irreducible"
WEIGHED_BY = "leave one out"
LEAST_WEIGHT, MOST_RHAT = 0.02, 1.05
# Those that rise above chance within the runs; not SQuAD, with which chains do not mix (docs).
OLMO = ["HellaSwag", "ARC-E", "ARC-C", "PIQA", "BoolQ", "MMLU-STEM"]
OPEN_LM = ["HellaSwag", "ARC-E", "ARC-C", "PIQA", "LAMBADA"]


def olmo_ladder() -> bd.Dataset:
    """Return the OLMo ladder and OLMo-2: a loss set for each benchmark."""
    return bd.load_dataset("olmo_ladder").select(benchmarks=OLMO)


def open_lm() -> bd.Dataset:
    """Return the open_lm runs on RedPajama: one loss set for all benchmarks."""
    return bd.load_dataset("openlm_redpajama").select(benchmarks=OPEN_LM, loss_sets="c4_val")


FAMILIES: dict[str, Callable[[], bd.Dataset]] = {"open_lm": open_lm, "OLMo": olmo_ladder}


def rulers() -> dict[str, bd.RulerModel]:
    """Return the laws with the sigmoid, and the other maps with one law."""
    found = {law: bd.RulerModel(law=law) for law in LAWS}
    for score_map in MAPS:
        name = f"{BEST_LAW}, {score_map}"
        found[name] = bd.RulerModel(law=BEST_LAW, score_map=score_map)
    return found


def averaged_leaderboard(weights: dict[str, float]) -> pd.DataFrame:
    """Return effective sizes of the leaderboard's models, averaged over laws by weight."""
    data = bd.load_dataset("leaderboard").with_reference(
        dataset=bd.load_dataset("openlm_redpajama")
    )
    chosen = data.select(
        benchmarks=["HellaSwag", "ARC-C", "WinoGrande"], since="2022-06-01", until="2024-06-30"
    )
    model = bd.DensityModel(form="first-edition", d0=1e12)
    fits = {law: model.replace(law=law).fit(chosen, random_seed=1) for law in weights}
    for law, fit in fits.items():
        row = fit.doubling_time().iloc[0]
        interval = f"{row['median']:.2f} ({row['lower']:.2f}-{row['upper']:.2f})"
        print(f"\n{law}, weight {weights[law]:.2f}: {interval} months\n{fit.checks()}")
    return bd.studies.average_rulers(fits, weights)


def main() -> None:
    """Compare, print, and write the tables as CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--family", choices=list(FAMILIES), action="append")
    parser.add_argument("--draws", type=int, default=1000, help="of each chain of a comparison")
    parser.add_argument("--target-accept", type=float, default=0.95)
    parser.add_argument("--max-refits", type=int, default=5)
    parser.add_argument("--no-average", action="store_true", help="compare only")
    parser.add_argument("--average-only", action="store_true", help="of what is compared already")
    parser.add_argument("--out", type=Path, default=Path("out/compare"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pd.set_option("display.width", 220, "display.max_columns", 30)
    warnings.simplefilter("ignore", bd.BayesdenseWarning)
    for family in () if options.average_only else options.family or FAMILIES:
        file = options.out / f"{family}.csv"
        if not file.exists():
            compared = bd.studies.compare_rulers(
                FAMILIES[family](),
                rulers(),
                families=False,
                draws=options.draws,
                target_accept=options.target_accept,
                max_refits=options.max_refits,
                store=options.out / "fits",
            )
            compared.pointwise().to_csv(options.out / f"{family}_pointwise.csv", index=False)
            compared.summary().to_csv(file, index=False)
            print("\n".join(compared.notes))
        print(f"\n{family}")
        print(pd.read_csv(file).to_string(index=False, float_format=lambda v: f"{v:.3g}"))
    if not options.no_average:
        average(options.out)


def average(out: Path) -> None:
    """Average over the laws of weight on the open_lm runs, and say how much wider that is."""
    table = pd.read_csv(out / "open_lm.csv")
    rows = table[(table["criterion"] == WEIGHED_BY) & table["ruler"].isin(LAWS)]
    # A law whose fits did not mix has no say.
    mixed = rows.loc[rows["rhat"] <= MOST_RHAT, "ruler"].astype(str).tolist()
    points = pd.read_csv(out / "open_lm_pointwise.csv")
    points = points[(points["criterion"] == WEIGHED_BY) & points["ruler"].isin(mixed)]
    sums = points.pivot_table(index="model", columns="ruler", values="elpd", aggfunc="sum")
    found = zip(sums.columns.astype(str), stacking_weights(sums.to_numpy()), strict=True)
    weights = {law: float(weight) for law, weight in found if weight >= LEAST_WEIGHT}
    file = out / "average.csv"
    if not file.exists():
        averaged_leaderboard(weights).to_csv(file, index=False)
    averaged = pd.read_csv(file)
    outside = averaged["outside_reference"] > 0.5
    print(f"\nleaderboard, averaged over {weights}")
    for name, part in (("inside", averaged[~outside]), ("outside", averaged[outside])):
        widening = part["widening"].quantile([0.1, 0.5, 0.9]).round(2).tolist()
        print(f"{len(part)} models {name} the reference range: widening {widening} (10, 50, 90 %)")


if __name__ == "__main__":
    main()
