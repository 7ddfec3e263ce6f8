"""Whether the data tell a frontier from noise."""

from __future__ import annotations

import pandas as pd

from bayesdense.fit.checks.base import PRIOR_DRAWS, PRIOR_LIKE, Checked, CheckResult
from bayesdense.posterior.intervals import TABLE_SEED

__all__ = ["frontier"]


def frontier(fit: Checked) -> CheckResult | None:
    """Compare the share of the one-sided lag with its prior; None for other trends."""
    if "lag_share" not in fit.posterior:
        return None
    share = fit.posterior["lag_share"].values.ravel()
    prior, before = (
        fit.priors[n].sample(PRIOR_DRAWS, TABLE_SEED) for n in ("lag_share", "lag_trend")
    )
    ratio = float(share.std() / prior.std())
    shift = float(abs(share.mean() - prior.mean()) / prior.std())
    table = pd.DataFrame(
        {
            "quantity": ["lag_share", "lag_trend"],
            "posterior_mean": [share.mean(), float(fit.posterior["lag_trend"].mean())],
            "posterior_sd": [share.std(), float(fit.posterior["lag_trend"].std())],
            "prior_mean": [prior.mean(), before.mean()],
            "prior_sd": [prior.std(), before.std()],
        }
    )
    if ratio > PRIOR_LIKE and shift < 0.5:
        text = (
            "the share of the one-sided lag is as wide as its prior: the data do not identify "
            "a frontier apart from the typical model"
        )
        return CheckResult("frontier", None, False, text + ".", table)
    text = (
        f"the share of the one-sided lag is {share.mean():.2f} +- {share.std():.2f} "
        f"(prior {prior.mean():.2f} +- {prior.std():.2f})"
    )
    return CheckResult("frontier", True, False, text + ".", table)
