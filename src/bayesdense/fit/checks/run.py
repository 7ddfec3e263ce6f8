"""Run every check that a fit calls for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bayesdense.fit.checks.approximation import approximation
from bayesdense.fit.checks.base import Checked, CheckReport, CheckResult
from bayesdense.fit.checks.calibration import calibration
from bayesdense.fit.checks.convergence import convergence
from bayesdense.fit.checks.data import data, densities
from bayesdense.fit.checks.divergences import divergences
from bayesdense.fit.checks.energy import energy
from bayesdense.fit.checks.frontier import frontier
from bayesdense.fit.checks.harnesses import harnesses
from bayesdense.fit.checks.interruption import interruption
from bayesdense.fit.checks.priors import priors
from bayesdense.fit.checks.reach import reach
from bayesdense.fit.checks.reference_posterior import reference_posterior
from bayesdense.fit.checks.reference_range import reference_range
from bayesdense.fit.checks.score_map import score_map
from bayesdense.fit.checks.short_chains import short_chains
from bayesdense.fit.checks.within_families import within_families

__all__ = ["run_checks"]

Check = Callable[[Any], CheckResult | None]
"""From a fit to the outcome; None where the check does not apply to it."""

SAMPLING: tuple[Check, ...] = (convergence, divergences, approximation, energy, interruption)
DENSITY: tuple[Check, ...] = (
    *(densities, short_chains, reference_posterior, reference_range, reach),
    harnesses,
)
MODEL: tuple[Check, ...] = (data, score_map, calibration, priors, frontier, within_families)


def run_checks(fit: Checked) -> CheckReport:
    """Run every check on a fit.

    Parameters
    ----------
    fit : Fit
        The fit, of either kind.

    Returns
    -------
    CheckReport
    """
    checks = [*SAMPLING, *(DENSITY if fit.kind == "density" else ()), *MODEL]
    results = [check(fit) for check in checks]
    return CheckReport(tuple(result for result in results if result is not None))
