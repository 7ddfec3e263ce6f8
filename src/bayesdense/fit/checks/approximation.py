"""What was approximated, and how well the subset was sampled that it rests on."""

from __future__ import annotations

from dataclasses import asdict

import pandas as pd

from bayesdense.fit.checks.base import MAX_RHAT, MIN_BFMI, MIN_ESS, Checked, CheckResult

__all__ = ["approximation"]

MAX_REFUSED = 0.01  # Of trajectories, and of energy for each coordinate.


def approximation(fit: Checked) -> CheckResult | None:
    """Say what was approximated, and how well the subset was sampled; None for an exact fit."""
    part = fit.info.shared_from
    if part is None:
        return None
    sampled = part.rhat <= MAX_RHAT and part.ess >= MIN_ESS and part.bfmi >= MIN_BFMI
    moved = part.refused <= MAX_REFUSED and part.energy_error <= MAX_REFUSED
    line = "growth" if fit.spec.has_growth else "level"
    text = (
        f"ruler, {line} and scales are sampled from {part.targets:,} of {part.of:,} targets "
        f"(largest R-hat {part.rhat:.3f}, lowest effective sample size {part.ess:.0f}, lowest "
        f"E-BFMI {part.bfmi:.2f}), and every model given these: intervals are as wide as so many "
        "targets make them"
    )
    if not sampled:
        text += f"; needed are R-hat <= {MAX_RHAT}, {MIN_ESS} and E-BFMI {MIN_BFMI}: sample more"
    if not moved:
        text += (
            f"; {part.refused:.2g} of the trajectories of single models were refused and their "
            f"energies are off by {part.energy_error:.2g}, where {MAX_REFUSED} is allowed: "
            "sample all together"
        )
    # It is for the user to say whether an approximation will do; a bad part will not.
    passed = None if sampled and moved else False
    return CheckResult("approximation", passed, True, text + ".", pd.DataFrame([asdict(part)]))
