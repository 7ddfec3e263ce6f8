"""Divergent transitions of the sampler."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import Checked, CheckResult

__all__ = ["divergences"]


def divergences(fit: Checked) -> CheckResult:
    """Count divergent transitions."""
    count = int(fit.sample_stats["diverging"].sum())
    total = int(fit.sample_stats["diverging"].size)
    text = f"{count} of {total:,} draws diverged"
    if count:
        text += (
            "; parts of the posterior may be missing: raise target_accept, "
            "or simplify the model where the data say little"
        )
    table = pd.DataFrame({"divergences": [count], "draws": [total]})
    return CheckResult("divergences", count == 0, True, text + ".", table)
