"""Fit the specification curve of `docs/sensitivity.md`: 208 ways to ask one question of `densing5`.

Every set of at least two of the five benchmarks, two reference families, two ways to count
parameters, and the full form beside the paper's pooled one. An hour or two on two cores. Run with
``python benchmarks/curve.py``; stopped, it goes on where it was.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from samplers import SELECTION

import bayesdense as bd

FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "specification-curve.png"
DRAWS, TUNE, SEED = 800, 500, 1


def main() -> None:
    """Fit, print what it says, and write tables, study and figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=Path("out/curve"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--figure", type=Path, default=FIGURE)
    options = parser.parse_args()
    data = bd.load_dataset("densing5").select(**SELECTION)
    ready = bd.studies.choices
    choices = {
        "benchmarks": ready.benchmark_subsets(data, smallest=2),
        "reference": ready.references(data, ["Qwen2.5"]),
        "size": ready.sizes(),
        "form": ready.model_options("form", ["first-edition", "pooled"]),
    }
    start = time.monotonic()
    study = bd.studies.sensitivity(
        bd.DensityModel(form="first-edition"),
        data,
        choices,
        cross=True,
        name="densing5",
        draws=DRAWS,
        tune=TUNE,
        random_seed=SEED,
        executor=options.workers,
        store=options.out / "fits",
    )
    minutes = (time.monotonic() - start) / 60
    print(f"{minutes:.0f} minutes; fits took {sum(o['seconds'] for o in study.outcomes):.0f} s")
    study.save(options.out / "study.json")
    study.summary().to_csv(options.out / "table.csv", index=False)
    print(study.summary().round(2).to_string())
    print(study.decomposition().round(3).to_string())
    print(study.share_holding().round(3).to_string())
    figure, _ = bd.plots.specification_curve(study)
    figure.savefig(options.figure, dpi=200)


if __name__ == "__main__":
    main()
