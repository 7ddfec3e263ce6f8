"""R-hat and effective sample size."""

from __future__ import annotations

import math

from bayesdense.fit.checks.base import MAX_RHAT, MIN_ESS, WORST_SHOWN, Checked, CheckResult
from bayesdense.fit.more_draws import draws_needed
from bayesdense.posterior.diagnostics import Convergence, worst_of

__all__ = ["convergence"]

# Fewer cannot show that they disagree.
CHAINS = 4


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
        text += f"; needed are R-hat <= {MAX_RHAT} and at least {MIN_ESS}: {_advice(fit, found)}"
    return CheckResult("convergence", passed, True, text + ".", worst.head(WORST_SHOWN))


def _advice(fit: Checked, found: Convergence) -> str:
    """Say what would help, with a number."""
    if fit.info.cut:
        return f"use more ruler_draws than {fit.info.cut.rulers:,}"
    chains, draws = (fit.posterior.sizes[name] for name in ("chain", "draw"))
    wanted = math.ceil(draws_needed(draws, found) / 100) * 100
    text = f"sample draws={wanted:,} in the place of {draws:,}"
    return text if chains >= CHAINS else f"{text}, with {CHAINS} chains"
