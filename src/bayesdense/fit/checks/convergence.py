"""R-hat and effective sample size."""

from __future__ import annotations

from bayesdense.fit.checks.base import MAX_RHAT, MIN_ESS, WORST_SHOWN, Checked, CheckResult
from bayesdense.posterior.diagnostics import worst_of

__all__ = ["convergence"]


def convergence(fit: Checked) -> CheckResult:
    """Look at R-hat and effective sample size of every free variable and headline quantity."""
    table = fit.diagnostics()
    worst = table.sort_values("ess")
    found = worst_of(table)
    rhat, ess, passed = found.rhat, found.ess, found.good
    worst_rhat = table.sort_values("rhat")["parameter"].iloc[-1]
    worst_ess = worst["parameter"].iloc[0]
    # A figure just above what is allowed must not look like it.
    digits = 4 if rhat > MAX_RHAT and f"{rhat:.3f}" == f"{MAX_RHAT:.3f}" else 3
    text = (
        f"largest R-hat {rhat:.{digits}f} ({worst_rhat}), lowest effective sample size "
        f"{ess:.0f} ({worst_ess}) over {len(table):,} quantities"
    )
    if not passed:
        text += f"; needed are R-hat <= {MAX_RHAT} and at least {MIN_ESS}: " + (
            "use more ruler_draws" if fit.info.cut else "sample more draws, and at least 4 chains"
        )
    return CheckResult("convergence", passed, True, text + ".", worst.head(WORST_SHOWN))
