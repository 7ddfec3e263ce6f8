"""Draws that were kept when sampling was stopped."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import Checked, CheckResult

__all__ = ["interruption"]


def interruption(fit: Checked) -> CheckResult | None:
    """Say how many draws were kept; None for a fit that was not interrupted."""
    if not fit.interrupted:
        return None
    return CheckResult("interruption", None, False, fit.interrupted + ".", pd.DataFrame())
