"""Measure what `shared_from` costs and saves: the approximation against NUTS on the same data.

Simulated data by `growth.simulated`. Run with ``python benchmarks/shared_from.py``, half an hour:
500 models by NUTS, and with what they share from 150 of them, which is compared with NUTS; then
2,000 and 5,000 models with what they share from 500, by the approximation alone. For each group of
parameters the table has the differences of posterior means in standard deviations of NUTS, and the
ratio of standard deviations. Exponents are those of the time of 500 models by NUTS and of more by
the approximation. ``--only-many`` leaves NUTS out.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from typing import Any

import numpy as np
import xarray as xr
from growth import COSTS, exponent, simulated

import bayesdense as bd

COMPARED = (
    "growth_rate",
    "growth_rate_by_benchmark",
    "log_density_level",
    "size_slope",
    "model_effect_sd",
    "family_effect_sd",
    "family_benchmark_effect_sd",
    "cell_effect_sd",
    "source_noise_sd",
)
COMPARED = (
    *COMPARED,
    "map_slope_at_centre",
    "map_logit_at_centre",
    "alpha",
    "map_floor",
    "ceiling_share",
    "log_density",
    "log_effective_size",
)


def fitted(
    data: bd.Dataset, shared_from: int | None, options: argparse.Namespace
) -> tuple[bd.DensityFit, dict[str, float]]:
    """Fit, and print and return what it took."""
    begun = time.monotonic()
    fit = bd.DensityModel(form="first-edition").fit(
        data,
        draws=options.draws,
        tune=options.tune,
        random_seed=options.seed,
        shared_from=shared_from,
        reference_posterior=False,
    )
    table = fit.diagnostics()
    part, growth = fit.info.shared_from, fit.posterior["growth_rate"]
    print(
        f"\n{len(data.targets):,} models, shared_from={shared_from}: "
        f"{time.monotonic() - begun:.0f} s, of which {fit.info.compile_seconds:.0f} of "
        f"compilation; largest R-hat {table['rhat'].max():.3f}, lowest ESS "
        f"{table['ess'].min():.0f}, divergences {int(fit.sample_stats['diverging'].sum())}, "
        f"peak so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB "
        f"{part or ''}\n"
        f"growth {float(growth.mean()):.3f} (sd {float(growth.std()):.3f})",
        flush=True,
    )
    seconds = fit.info.sampling_seconds
    cost = {"scores": len(data.scores), "seconds": seconds}
    return fit, cost | {"seconds_per_draw": seconds / float(table["ess"].min())}


def flat(draws: xr.Dataset, name: str, models: list[str]) -> np.ndarray:
    """Return draws of a variable, one row each; of the targets alone where it is of models."""
    found: Any = draws[name].sel(model=models) if "model" in draws[name].dims else draws[name]
    values = found.stack(sample=("chain", "draw")).transpose("sample", ...).values
    return np.asarray(values).reshape(len(values), -1)


def compare(own: bd.DensityFit, nuts: bd.DensityFit) -> None:
    """Print how far posterior means and standard deviations are from those of NUTS."""
    models = own.data.targets["model"].tolist()
    print("\n| parameter | entries | rms difference | largest | ratio of sd, median | range |")
    print("|---" * 6 + "|")
    for name in COMPARED:
        x, y = flat(own.posterior, name, models), flat(nuts.posterior, name, models)
        gap = (x.mean(axis=0) - y.mean(axis=0)) / y.std(axis=0)
        ratio = x.std(axis=0) / y.std(axis=0)
        print(
            f"| `{name}` | {len(gap):,} | {np.sqrt(np.mean(gap**2)):.2f} | "
            f"{np.abs(gap).max():.2f} | {np.median(ratio):.2f} | "
            f"{ratio.min():.2f} to {ratio.max():.2f} |"
        )


def main() -> None:
    """Fit, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--draws", type=int, default=1000, help="of each of four chains")
    parser.add_argument("--tune", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--many", type=int, nargs="+", default=[2000, 5000])
    parser.add_argument("--only-many", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    if not options.only_many:
        data = simulated(500, options.seed)
        nuts, cost = fitted(data, None, options)
        rows.append(cost)
        compare(fitted(data, 150, options)[0], nuts)
    rows += [fitted(simulated(n, options.seed), 500, options)[1] for n in options.many]
    for name, words in COSTS.items() if len(rows) > 1 else ():
        slope, error = exponent(rows, name)
        print(f"\n{words} grow as the number of scores to the power {slope:.2f} +- {error:.2f}")


if __name__ == "__main__":
    main()
