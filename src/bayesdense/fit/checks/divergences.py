"""Divergent transitions of the sampler."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import Checked, CheckResult
from bayesdense.fit.more_draws import more_careful

__all__ = ["divergences"]


def divergences(fit: Checked) -> CheckResult:
    """Count divergent transitions."""
    count = int(fit.sample_stats["diverging"].sum())
    total = int(fit.sample_stats["diverging"].size)
    text = f"{count} of {total:,} draws diverged"
    if count:
        text += (
            f"; parts of the posterior may be missing: raise target_accept{_to(fit)}, "
            "or simplify the model where the data say little"
        )
    table = pd.DataFrame({"divergences": [count], "draws": [total]})
    return CheckResult("divergences", count == 0, True, text + ".", table)


def _to(fit: Checked) -> str:
    accept = fit.info.settings.target_accept
    return "" if accept is None else f" from {accept:.4g} to {more_careful(accept):.4g}"
