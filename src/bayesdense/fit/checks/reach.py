"""Scores above what an infinitely large reference model could have."""

from __future__ import annotations

from bayesdense.fit.checks.base import CheckedDensity, CheckResult

__all__ = ["reach"]

MAX_BEYOND = 0.05  # Of the targets of a benchmark.


def reach(fit: CheckedDensity) -> CheckResult:
    """Count the measured scores that the ruler cannot reach."""
    table = fit.reach()
    table = table[table["informed_by"] == table["informed_by"].iloc[-1]]
    beyond = table[table["p_target_above"] > MAX_BEYOND]
    text = "measured scores lie within what an infinitely large reference model could score"
    if len(beyond):
        named = ", ".join(
            f"{row['benchmark']} {100 * row['p_target_above']:.0f} %"
            for row in beyond.to_dict("records")
        )
        text = f"share of targets' measured scores above the reach of the ruler: {named}"
    return CheckResult("reach", None if len(beyond) else True, False, text + ".", table)
