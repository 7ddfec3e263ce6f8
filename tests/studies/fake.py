"""Studies with draws that are made up: they prove tables, files and figures, and nothing else."""

from __future__ import annotations

from itertools import product

import numpy as np

from bayesdense.sampler.settings import SamplingSettings
from bayesdense.studies import Study
from bayesdense.studies.study import StudyInfo

CHOICES = {"size": ["total", "active"], "form": ["full", "without", "pooled"]}
INFO = StudyInfo("made up", "0", "DensityModel()", SamplingSettings(random_seed=1), {})


def outcome(rate, *, spread=0.2, trusted=True, count=401):
    draws = rate + spread * np.random.default_rng(7).standard_normal(count)
    names = {"all benchmarks": 0.0, "sums": 0.3, "read": -0.3, "new benchmark": 0.0}
    rates = [
        {"estimator": "typical", "period": "all dates", "benchmark": n, "draws": list(draws + d)}
        for n, d in names.items()
    ]
    return {
        "reason": "",
        "rates": rates,
        "models": 60,
        "references": 6,
        "scores": 300,
        "draws": 4000,
        "rhat": 1.004,
        "ess": 700.0,
        "divergences": 0 if trusted else 3,
        "trusted": trusted,
        "verdict": "good" if trusted else "3 draws diverged",
        "compile_seconds": 0.0,
        "seconds": 1.0,
    }


FAILED = {"reason": "no target is left", "rates": [], "trusted": False, "verdict": ""}


def crossed(effects=None, **changes):
    """Growth of 2.4, and more by option; the figures of some places can be replaced."""
    effects = {"active": 0.6, "without": 0.1, "pooled": 0.3} if effects is None else effects
    every = [dict(zip(CHOICES, taken, strict=True)) for taken in product(*CHOICES.values())]
    outcomes = [outcome(2.4 + sum(effects.get(o, 0) for o in s.values())) for s in every]
    for place, value in changes.items():
        outcomes[int(place.removeprefix("at"))] = value
    return Study("size x form", CHOICES, every, outcomes, True, INFO)


def single(**changes):
    usual = {name: options[0] for name, options in CHOICES.items()}
    specifications = [usual, usual | {"size": "active"}, usual | {"form": "pooled"}]
    outcomes = [outcome(2.2), outcome(2.8), outcome(2.5, trusted=False)]
    for place, value in changes.items():
        outcomes[int(place.removeprefix("at"))] = value
    return Study("size, form", CHOICES, specifications, outcomes, False, INFO)
