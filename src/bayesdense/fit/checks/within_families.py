"""Whether density grows within families as it does between them."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import Checked, CheckResult
from bayesdense.posterior.intervals import PROB, interval, interval_columns
from bayesdense.tables.growth import WITHIN

__all__ = ["within_families"]


def within_families(fit: Checked) -> CheckResult | None:
    """Compare the two growth rates; None where the model has one only."""
    if "within_family_growth" not in fit.posterior:
        return None
    between = fit.posterior["growth_rate"].values.ravel()
    more = fit.posterior["within_family_growth"].values.ravel()
    rates = {"between families": between, WITHIN: between + more, "difference": more}
    table = pd.DataFrame([{"growth": n, **interval_columns(v, PROB)} for n, v in rates.items()])
    middle, low, high = interval(between + more, PROB)
    of = "" if "lag_share" not in fit.posterior else "the frontier of "
    text = (
        f"{of}density grows by {interval(between, PROB)[0]:.2f} a year between families and by "
        f"{middle:.2f} ({low:.2f} to {high:.2f}) within them"
    )
    _, low, high = interval(more, PROB)
    if low <= 0.0 <= high:
        return CheckResult("within families", True, False, text + ".", table)
    text += (
        ": effects of families go with their dates; the doubling time is that between families, "
        "and says little of the next models of one family."
    )
    return CheckResult("within families", None, False, text, table)
