"""Place targets of a saved fit as if they were new, and hold them against the fit.

``python scripts/placing.py out/fit.nc`` prints how far medians and standard deviations of log
density are from those of the fit, for a sample of its targets: with family and developer known,
and as if both were unknown. The figures of ``docs/model.md`` are of

    fit = bd.DensityModel().fit(bd.load_dataset("densing5"), random_seed=1)
    fit.save("out/fit.nc")
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import bayesdense as bd

SEED = 7


def main() -> None:
    """Print one line for known families, one for unknown ones, and how much the trend pulls."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("fit", type=Path)
    parser.add_argument("--models", type=int, default=24)
    options = parser.parse_args()
    fit = bd.load_fit(options.fit)
    if not isinstance(fit, bd.DensityFit):
        raise SystemExit(f"{options.fit} is a fit of a ruler alone, which has no densities")
    table = fit.density()
    dated = table[~table["is_reference"] & table["release_date"].notna()]
    chosen = list(dated["model"].sample(options.models, random_state=SEED))
    models = fit.data.models[fit.data.models["model"].isin(chosen)]
    scores = fit.data.scores[fit.data.scores["model"].isin(chosen)]
    benchmarks = fit.data.core_benchmarks
    scores = scores[scores["benchmark"].isin(benchmarks)]
    unknown = models.assign(family="other " + models["model"], developer="other " + models["model"])
    of_fit = fit.posterior["log_density"].stack(sample=("chain", "draw"))
    for name, own in (("known", models), ("unknown", unknown)):
        start = time.perf_counter()
        placed = fit.place(own, scores=scores)
        seconds = (time.perf_counter() - start) / len(own)
        log_density = np.log(placed.density().set_index("model")["median"])
        there = of_fit.sel(model=log_density.index)
        sd = there.std("sample").to_numpy()
        off = np.abs(log_density - there.median("sample").to_numpy()) / sd
        print(
            f"families {name}: medians off by {off.median():.2f} standard deviations (half), "
            f"{off.quantile(0.9):.2f} (nine of ten), {off.max():.2f} (furthest); "
            f"{seconds:.1f} s a model"
        )
    for count in (1, len(benchmarks)):
        one = dict.fromkeys(benchmarks[:count], 0.6)
        placed = fit.place(
            n_params=8e9, release_date="2025-03-01", harness="opencompass", scores=one
        )
        share = placed.density()["share_of_prior"].item()
        print(f"weight of the prior with scores on {', '.join(one)}: {share:.2f}")


if __name__ == "__main__":
    main()
