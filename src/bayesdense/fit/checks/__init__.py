"""Can this posterior be trusted? Diagnostics with a verdict, and what to do about it."""

from bayesdense.fit.checks.base import MAX_RHAT, MIN_ESS, CheckReport, CheckResult
from bayesdense.fit.checks.run import run_checks

__all__ = ["MAX_RHAT", "MIN_ESS", "CheckReport", "CheckResult", "run_checks"]
