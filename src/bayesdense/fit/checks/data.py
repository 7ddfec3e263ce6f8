"""Numbers of the dataset, and densities that follow from them, that are hardly true."""

from __future__ import annotations

import pandas as pd

from bayesdense.data.plausibility import doubts
from bayesdense.fit.checks.base import Checked, CheckedDensity, CheckResult

__all__ = ["data", "densities"]

DENSITIES = (1e-4, 1e4)
"""No model is known to be so far from the references in effective size for its own size."""


def data(fit: Checked) -> CheckResult:
    """Look for dates, sizes, tokens and scores that are hardly true."""
    found = doubts(fit.data, fit.data.core_benchmarks)
    if not getattr(fit.spec, "has_growth", True):
        # Without a trend no date is read.
        found = [doubt for doubt in found if doubt.subject != "dates"]
    table = pd.DataFrame(
        [(doubt.subject, doubt.grave, doubt.text) for doubt in found],
        columns=["subject", "grave", "text"],
    )
    if not found:
        text = "dates, sizes, tokens and scores are of a usual kind."
        return CheckResult("data", True, True, text, table)
    passed = False if any(doubt.grave for doubt in found) else None
    return CheckResult("data", passed, True, " ".join(doubt.text for doubt in found), table)


def densities(fit: CheckedDensity) -> CheckResult | None:
    """Look for densities that no model has; None where there are none."""
    table = fit.density()
    low, high = DENSITIES
    odd = table[(table["median"] < low) | (table["median"] > high)]
    if not len(odd):
        return None
    named = ", ".join(
        f"{model} ({value:.2g})" for model, value in zip(odd["model"], odd["median"], strict=True)
    )
    return CheckResult(
        "densities",
        False,
        True,
        f"densities below {low:g} or above {high:g}: {named}; look for sizes in another unit.",
        odd,
    )
