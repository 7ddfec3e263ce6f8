"""Coverage of predictive intervals."""

from __future__ import annotations

import numpy as np

from bayesdense.fit.checks.base import Checked, CheckResult

__all__ = ["calibration"]

CALIBRATION_SLACK = 4.0  # Of standard errors.
MANY = 0.25
"""Share of scores that are left out by unsure weights, above which a person has to judge."""


def calibration(fit: Checked) -> CheckResult | None:
    """Compare the coverage of 90 % predictive intervals with 90 %; None without scores."""
    if "cell_effect_sd" not in fit.posterior:
        return None
    table = fit.calibration()
    kinds = set(table["replicate"])
    kind, seen = "left out", "of scores that are left out"
    if kind not in kinds:
        kind, seen = "new cell", "which have seen the scores"
    new = table[table["replicate"] == kind]
    error = np.sqrt(0.9 * 0.1 / new["scores"].clip(lower=1))
    off = new[(new["inside_90"] - 0.9).abs() > CALIBRATION_SLACK * error]
    text = f"90 % predictive intervals, {seen}, hold " + ", ".join(
        f"{100 * row['inside_90']:.0f} % of {row['benchmark']}" for row in new.to_dict("records")
    )
    unsure = new["high_k"].mean() if kind == "left out" else 0.0
    if unsure > 0:
        text += f"; {100 * unsure:.0f} % of them by weights with a high Pareto k"
    if len(off):
        text += "; the spread of scores is not well described on " + ", ".join(off["benchmark"])
    passed = None if len(off) or unsure > MANY else True
    return CheckResult("calibration", passed, False, text + ".", table)
