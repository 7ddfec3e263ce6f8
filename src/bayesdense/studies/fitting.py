"""Fit one specification of a study."""

from __future__ import annotations

import time
import warnings

import numpy as np

from bayesdense.errors import BayesdenseError, BayesdenseWarning
from bayesdense.models.density import Options
from bayesdense.posterior.diagnostics import worst_of
from bayesdense.sampler.initial_points import evenly_spread
from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.sampler.settings import Run
from bayesdense.sampler.warm_start import WarmStart
from bayesdense.studies.tasks import KEPT_DRAWS, Outcome, Task, failure

__all__ = ["fit_one"]


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
    run = Run(task.settings, task.model.spec.trend.name, progressbar=False)
    begun = None if cut else warm_start
    options = Options(None, reference_posterior=cut, warm_start=begun, shared_from=None)
    try:
        with warnings.catch_warnings():
            # Verdict and notes are part of what is returned.
            warnings.simplefilter("ignore", BayesdenseWarning)
            fit = task.model.fit_as_asked(
                task.data,  # type: ignore[arg-type]
                run,
                options,
                go_on=True,
            )
        if fit.interrupted:
            raise SamplingInterrupted(f"interrupted in '{task.name}': this fit is lost")
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
        "compile_seconds": fit.info.compile_seconds,
        "seconds": time.monotonic() - start,
    }
    return outcome, None if cut else fit.warm_start()
