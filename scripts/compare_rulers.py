"""Ask which loss law and which score map real reference families prefer.

Each family is a comparison of its own, by `bayesdense.studies.compare_rulers`:
what the rulers predict of what they have not seen. Run with ``make compare``;
it takes an hour. A family whose table is already there is not compared again.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import pandas as pd

import bayesdense as bd

LAWS = ("power-sum", "irreducible", "over-training", "kaplan-floor")
MAPS = ("exponential-error", "threshold")
BEST_LAW = "irreducible"
# Those that rise above chance within the runs.
OLMO = ["HellaSwag", "ARC-E", "ARC-C", "PIQA", "BoolQ", "MMLU-STEM"]
OPEN_LM = ["HellaSwag", "ARC-E", "ARC-C", "PIQA", "LAMBADA", "SQuAD"]


def olmo_ladder() -> bd.Dataset:
    """Return the OLMo ladder and OLMo-2: a loss set for each benchmark."""
    return bd.load_dataset("olmo_ladder").select(benchmarks=OLMO)


def open_lm() -> bd.Dataset:
    """Return the open_lm runs on RedPajama: one loss set for all benchmarks."""
    return bd.load_dataset("openlm_redpajama").select(benchmarks=OPEN_LM, loss_sets="c4_val")


FAMILIES: dict[str, Callable[[], bd.Dataset]] = {"open_lm": open_lm, "OLMo": olmo_ladder}


def rulers() -> dict[str, bd.ReferenceModel]:
    """Return the laws with the sigmoid, and the other maps with one law."""
    found = {law: bd.ReferenceModel(law=law) for law in LAWS}
    for score_map in MAPS:
        name = f"{BEST_LAW}, {score_map}"
        found[name] = bd.ReferenceModel(law=BEST_LAW, score_map=score_map)
    return found


def main() -> None:
    """Compare, print, and write the tables as CSV."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--family", choices=list(FAMILIES), action="append")
    parser.add_argument("--draws", type=int, help="of each chain of each fit")
    parser.add_argument("--max-refits", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/compare"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    pd.set_option("display.width", 220, "display.max_columns", 30)
    warnings.simplefilter("ignore", bd.BayesdenseWarning)
    for family in options.family or FAMILIES:
        file = options.out / f"{family}.csv"
        if not file.exists():
            compared = bd.studies.compare_rulers(
                FAMILIES[family](),
                rulers(),
                families=False,
                draws=options.draws,
                max_refits=options.max_refits,
            )
            compared.pointwise.to_csv(options.out / f"{family}_pointwise.csv", index=False)
            compared.table.to_csv(file, index=False)
            print("\n".join(compared.notes))
        print(f"\n{family}")
        print(pd.read_csv(file).to_string(index=False, float_format=lambda v: f"{v:.3g}"))


if __name__ == "__main__":
    main()
