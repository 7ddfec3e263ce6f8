"""Floors and ceilings of the score maps that are far from where their priors have them."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import PRIOR_DRAWS, Checked, CheckResult
from bayesdense.posterior.intervals import TABLE_SEED

__all__ = ["score_map"]

BOUNDS = {"map_floor": "floor", "ceiling_share": "ceiling"}
MAX_SHIFT = 5.0
"""Prior standard deviations by which a floor or ceiling may move."""


def score_map(fit: Checked) -> CheckResult:
    """Compare floors and ceilings with what chance and a perfect score are known to be."""
    rows = []
    for name, what in BOUNDS.items():
        if name not in fit.priors or name not in fit.posterior:
            continue
        before = fit.priors[name].sample(PRIOR_DRAWS, TABLE_SEED).reshape(PRIOR_DRAWS, -1)
        means = fit.posterior[name].mean(("chain", "draw"))
        for i, benchmark in enumerate(means["benchmark"].values):
            prior = before[:, i % before.shape[1]]
            mean = float(means[i])
            shift = (mean - prior.mean()) / prior.std()
            rows.append((what, str(benchmark), float(prior.mean()), mean, float(shift)))
    table = pd.DataFrame(rows, columns=["bound", "benchmark", "prior_mean", "mean", "shift"])
    moved = table[table["shift"].abs() > MAX_SHIFT]
    if not len(moved):
        text = "floors and ceilings are where chance and perfect answers have them."
        return CheckResult("score map", True, True, text, table)
    named = ", ".join(
        f"{r['bound']} of {r['benchmark']} from {r['prior_mean']:.3g} to {r['mean']:.3g} "
        f"({r['shift']:+.1f})"
        for r in moved.to_dict("records")
    )
    text = (
        f"scores move, by more than {MAX_SHIFT:g} prior standard deviations, {named}: look whether "
        "chance in benchmarks.csv is that of these scores, and whether they were rescaled; "
        "otherwise give the benchmark a prior of its own, or leave it out."
    )
    return CheckResult("score map", False, True, text, table)
