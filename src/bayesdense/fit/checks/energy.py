"""E-BFMI: how well chains explore energies."""

from __future__ import annotations

from bayesdense.fit.checks.base import MIN_BFMI, Checked, CheckResult
from bayesdense.posterior.diagnostics import energy_table

__all__ = ["energy"]


def energy(fit: Checked) -> CheckResult | None:
    """Look at the lowest E-BFMI; None for a fit without energies of its own."""
    # Energies of chains with different rulers have no common scale; an approximation reports those
    # of its subset itself.
    if fit.info.cut or fit.info.shared_from:
        return None
    table = energy_table(fit.sample_stats)
    lowest = float(table["bfmi"].min(skipna=False))
    passed = bool(lowest >= MIN_BFMI)
    text = f"lowest E-BFMI {lowest:.2f}"
    if not passed:
        text += f"; needed is {MIN_BFMI}: the tails are hard to reach, sample longer"
    return CheckResult("energy", passed, True, text + ".", table)
