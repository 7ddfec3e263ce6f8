"""Parameters that are hardly narrower than their priors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesdense.fit.checks.base import PRIOR_DRAWS, PRIOR_LIKE, Checked, CheckResult
from bayesdense.posterior.intervals import TABLE_SEED
from bayesdense.posterior.prior_variables import ZERO_SUM, variables_of_prior

__all__ = ["priors"]


def priors(fit: Checked) -> CheckResult:
    """Compare the spread of each named parameter with that of its prior."""
    rows = []
    variables = set(map(str, fit.posterior.data_vars))
    for name, prior in fit.priors.items():
        if prior.support == "bounded" and name != "lag_share":
            continue
        before = prior.sample(PRIOR_DRAWS, TABLE_SEED).reshape(PRIOR_DRAWS, -1)
        for variable in variables_of_prior(name, variables, fit.priors):
            values = fit.posterior[variable].transpose("chain", "draw", ...)
            labels = [values[dim].values for dim in values.dims[2:]]
            flat = values.values.reshape(-1, int(np.prod(values.shape[2:], dtype=int)))
            # On the log, where priors of scales are comparable.
            logs = prior.support == "positive"
            flat, spread = (np.log(flat), np.log(before)) if logs else (flat, before)
            sd = spread.std(axis=0) * np.sqrt(1 - 1 / flat.shape[1] if name in ZERO_SUM else 1)
            for i in range(flat.shape[1]):
                of = str(labels[0][i]) if len(labels) == 1 else ""
                ratio = float(flat[:, i].std() / sd[i % len(sd)])
                rows.append({"parameter": variable, "of": of, "sd_ratio": ratio})
    table = pd.DataFrame(rows, columns=["parameter", "of", "sd_ratio"])
    like = table[table["sd_ratio"] > PRIOR_LIKE]
    text = "every parameter is narrower than its prior"
    if len(like):
        names = [
            f"{r['parameter']}[{r['of']}]" if r["of"] else str(r["parameter"])
            for r in like.to_dict("records")
        ]
        text = (
            "the data say little about "
            + ", ".join(names)
            + (": vary its prior" if len(like) == 1 else ": vary their priors")
            + " before relying on it"
        )
    table = table.sort_values("sd_ratio", ascending=False)
    return CheckResult("priors", None if len(like) else True, False, text + ".", table)
