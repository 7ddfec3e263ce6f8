"""Targets outside the range of the reference models."""

from __future__ import annotations

from bayesdense.fit.checks.base import CheckedDensity, CheckResult

__all__ = ["reference_range"]

MAX_ABOVE_REFERENCE = 0.5


def reference_range(fit: CheckedDensity) -> CheckResult:
    """Count the targets above the largest and below the smallest reference."""
    table = fit.above_reference()
    over = table[table["share_above_reference"] > MAX_ABOVE_REFERENCE]
    sizes = fit.effective_size()
    sizes = sizes[~sizes["is_reference"]]
    outside, above = sizes["outside_reference"], sizes["p_above_reference"] > 0.5
    text = (
        f"{100 * (outside & above).mean():.0f} % of the targets lie above the largest reference "
        f"and {100 * (outside & ~above).mean():.0f} % below the smallest"
    )
    if len(over):
        named = ", ".join(
            f"{row['benchmark']} {100 * row['share_above_reference']:.0f} %"
            for row in over.to_dict("records")
        )
        rests = "growth there rests" if fit.spec.has_growth else "densities there rest"
        text += (
            f"; by benchmark {named} lie above, so that {rests} on the form of the ruler: compare "
            "another reference family"
        )
    return CheckResult("reference range", len(over) == 0, False, text + ".", table)
