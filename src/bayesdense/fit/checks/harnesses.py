"""Whether one harness measured nearly all scores of a year, so that it cannot be told from time."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import CheckedDensity, CheckResult

__all__ = ["harnesses"]

MOST = 0.9
FEWEST_SCORES = 10


def harnesses(fit: CheckedDensity) -> CheckResult | None:
    """Count the scores of targets by year and harness; None where there is one harness only."""
    data, core = fit.data, fit.data.core_benchmarks
    dated = data.targets.dropna(subset=["release_date"]).set_index("model")["release_date"]
    scores = data.scores[
        data.scores["benchmark"].isin(core) & data.scores["model"].isin(dated.index)
    ]
    if not fit.spec.has_growth or scores["harness"].nunique() < 2:
        return None
    year = scores["model"].map(dated).dt.year.rename("year")
    count = pd.crosstab(year, scores["harness"])
    table = pd.DataFrame(
        {
            "year": count.index,
            "scores": count.sum(axis=1).to_numpy(),
            "harness": count.idxmax(axis=1).to_numpy(),
            "share": (count.max(axis=1) / count.sum(axis=1)).to_numpy(),
        }
    )
    alone = table[(table["share"] > MOST) & (table["scores"] >= FEWEST_SCORES)]
    if not len(alone):
        text = (
            f"no year with at least {FEWEST_SCORES} scores of targets has more than "
            f"{100 * MOST:.0f} % of them by one harness."
        )
        return CheckResult("harnesses", True, False, text, table)
    named = ", ".join(
        f"{row['year']} {100 * row['share']:.0f} % by {row['harness']}"
        for row in alone.to_dict("records")
    )
    text = (
        f"nearly all scores of a year are by one harness: {named}; a change of that harness in "
        "time cannot be told from growth."
    )
    return CheckResult("harnesses", None, False, text, table)
