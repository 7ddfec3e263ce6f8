"""Drift within the short chains of a cut posterior."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bayesdense.fit.checks.base import WORST_SHOWN, CheckedDensity, CheckResult
from bayesdense.sampler.cut_chains import DRAWS_OF_A_RULER

__all__ = ["short_chains"]

MAX_DRIFT = 5.0  # Of about two thousand that are looked at.


def short_chains(fit: CheckedDensity) -> CheckResult | None:
    """Compare first and last draw of each ruler's chain; None unless the ruler is cut."""
    if fit.info.cut is None:
        return None
    rows = []
    for name in dict.fromkeys([*fit.info.free, *fit.headline_names]):
        if name not in fit.posterior:
            continue
        values = fit.posterior[name].transpose("chain", "draw", ...).values
        flat = values.reshape(-1, DRAWS_OF_A_RULER, int(np.prod(values.shape[2:], dtype=int)))
        off = (flat - flat.mean(axis=(0, 1))) ** 2
        # Chains that have not left their starting points have too little spread.
        for what, seen in (("mean", flat), ("spread", off)):
            moved = seen[:, -1] - seen[:, 0]
            with np.errstate(divide="ignore", invalid="ignore"):
                z = moved.mean(axis=0) / (moved.std(axis=0) / np.sqrt(len(moved)))
            rows += [
                {"parameter": name, "entry": i, "of": what, "z": float(v)} for i, v in enumerate(z)
            ]
    table = pd.DataFrame(rows).assign(size=lambda t: t["z"].abs())
    table = table.sort_values("size", ascending=False).drop(columns="size")
    worst = table.iloc[0]
    passed = bool(abs(worst["z"]) < MAX_DRIFT)
    text = (
        f"between the first and the last draw given one ruler, the {worst['of']} of "
        f"{worst['parameter']} moves most: {abs(worst['z']):.1f} standard errors over "
        f"{fit.info.cut.rulers} rulers"
    )
    if not passed:
        text += f"; allowed are {MAX_DRIFT:g}: these chains are too short"
    return CheckResult("short chains", passed, True, text + ".", table.head(WORST_SHOWN))
