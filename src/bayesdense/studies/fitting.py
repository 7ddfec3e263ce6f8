"""Fit one specification of a study."""

from __future__ import annotations

import math
import time
import warnings
from typing import Any

import numpy as np

from bayesdense.errors import BayesdenseError, BayesdenseWarning
from bayesdense.posterior.diagnostics import MAX_RHAT, MIN_ESS, Convergence, worst_of
from bayesdense.sampler.initial_points import evenly_spread
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.studies.tasks import KEPT_DRAWS, MORE, Outcome, Task, failure

__all__ = ["fit_one"]

# Of draws that are lacking, so much more that chance does not undo it.
MARGIN = 1.3
# Largest R-hat of chains that have met and are only short.
MIXING = 1.03
# Acceptance that the step size is tuned to where draws diverged and none was asked for.
CAREFUL = 0.99


def fit_one(task: Task, warm_start: WarmStart | None = None) -> tuple[Outcome, WarmStart | None]:
    """Fit one specification, and once more if its posterior is not to be trusted.

    The second time it has the draws that it lacked, and smaller steps where
    draws diverged and no acceptance was asked for.

    Parameters
    ----------
    task : Task
        The specification; it has data.
    warm_start : WarmStart, optional
        What its warm-up begins with.

    Returns
    -------
    outcome : dict
        Plain values: headline draws by estimator, period and benchmark,
        counts, diagnostics, the verdict of the checks, and a ``reason`` where
        there is no result.
    warm_start : WarmStart or None
        What another fit can take from this one; None where there is no
        result, or each ruler has a chain of its own.
    """
    start = time.monotonic()
    cut = task.model.spec.ruler == "cut"
    settings, compiling = task.settings, 0.0
    draws, accept = settings.draws, settings.target_accept
    fit: Any = None
    try:
        with warnings.catch_warnings():
            # Verdict and notes are part of what is returned.
            warnings.simplefilter("ignore", BayesdenseWarning)
            for _ in range(2):
                fit = task.model.fit(
                    task.data,  # type: ignore[arg-type]
                    draws=draws,
                    tune=settings.tune,
                    chains=settings.chains,
                    cores=settings.cores,
                    random_seed=settings.random_seed,
                    target_accept=accept,
                    reference_posterior=cut,
                    warm_start=None if cut else warm_start,
                    progressbar=False,
                )
                compiling += fit.info.compile_seconds
                if fit.interrupted:
                    raise SamplingInterrupted(f"interrupted in '{task.name}': this fit is lost")
                if fit.checks().trusted or cut:
                    break
                warm_start, draws = fit.warm_start(), _more(draws, worst_of(fit.diagnostics()))
                if accept is None and fit.sample_stats["diverging"].any():
                    accept = CAREFUL
    except (BayesdenseError, FloatingPointError, np.linalg.LinAlgError) as error:
        if isinstance(error, SamplingInterrupted):
            raise
        return failure(" ".join(str(error).split()), seconds=time.monotonic() - start), None
    report = fit.checks()
    rates = [
        {
            "estimator": estimator,
            "period": period,
            "benchmark": benchmark,
            "draws": [float(f"{v:.6g}") for v in values[evenly_spread(len(values), KEPT_DRAWS)]],
        }
        for (estimator, period, benchmark), values in fit.rate_draws().items()
        if not estimator.startswith("envelope")
    ]
    design = task.model.make_design(fit.data)
    outcome = {
        "reason": "",
        "rates": rates,
        "models": design.size("target"),
        "references": design.size("reference"),
        "scores": len(design.scores),
        "draws": int(fit.sample_stats["diverging"].size),
        **worst_of(fit.diagnostics())._asdict(),
        "divergences": int(fit.sample_stats["diverging"].sum()),
        "trusted": report.trusted,
        "verdict": report.verdict,
        "compile_seconds": compiling,
        "seconds": time.monotonic() - start,
    }
    return outcome, None if cut else fit.warm_start()


def _more(draws: int, found: Convergence) -> int:
    """Return how many draws a fit needs that has too few.

    Parameters
    ----------
    draws : int
        That it had, of each chain.
    found : Convergence
        Its largest R-hat and lowest effective sample size.
    """
    rhat, ess = found
    if not (rhat <= MIXING and ess >= MIN_ESS / MORE):
        return MORE * draws
    # How far R-hat is above 1 by chance falls as draws are added.
    lacking = max(1.0, MIN_ESS / ess, (rhat - 1.0) / (MAX_RHAT - 1.0))
    return math.ceil(draws * min(MORE, MARGIN * lacking))
