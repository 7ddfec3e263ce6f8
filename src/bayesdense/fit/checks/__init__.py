"""Can this posterior be trusted? Diagnostics with a verdict, and what to do about it.

The checks themselves, `run.run_checks`, need what a fit needs to be made; a fit that was read has
their outcome.
"""

from bayesdense.fit.checks.base import MAX_RHAT, MIN_ESS, CheckReport, CheckResult

__all__ = ["MAX_RHAT", "MIN_ESS", "CheckReport", "CheckResult"]
