"""What is simulated, how it is analysed, and which answers are held against the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from designs import densing5_design, small_design, with_developers
from simulator import Departures, Design

import bayesdense as bd

HERE = Path(__file__).parent
TRUTHS = HERE / "truths.json"
TRUTHS_FIRST = HERE / "truths-first-edition.json"
FIRST = "first edition, "
CHANGE = "2024-04-15"
# Spread over the targets of the small design: an early, a middle and a late one.
# Standard deviation of size slopes between benchmarks, half as much again as densing5 shows; and
# by how much one benchmark grows faster, per year, where growth is about 2.2.
SLOPES_DIFFER, FASTER = 0.3, 1.5
SHOWN_TARGETS = (0, 14, 29)
# Correlation of families of one developer.
OF_DEVELOPERS = 0.4


@dataclass(frozen=True)
class Scenario:
    """One way to simulate data, and the models that are fitted to each dataset.

    Attributes
    ----------
    name : str
        What results are stored under.
    design : callable
        Makes the design.
    truth : callable
        Draws true parameters, given a source of randomness.
    analyses : dict of str to DensityModel
        By a name for each.
    departures : Departures
        In what the data differ from what the models assume.
    draws, tune : int
        Of each of four chains.
    change_year : float
        Where growth changes.
    seeded : str
        The name that random numbers hang on, if it is not that of now.
    """

    name: str
    design: Callable[[], Design]
    truth: Callable[[np.random.Generator], dict[str, np.ndarray]]
    analyses: dict[str, bd.DensityModel]
    departures: Departures = field(default_factory=Departures)
    draws: int = 500
    tune: int = 600
    change_year: float = 0.0
    seeded: str = ""


# Priors for calibration by simulation: those of the package where these give data like real ones,
# narrower where they would put most scores at an end; scales of losses are fixed, since in the
# package they are those of the data at hand.
SCORES_ONLY = {
    "alpha": bd.Prior("LogNormal", mu=-1.204, sigma=0.3),
    "map_logit_at_centre": bd.Prior("Normal", mu=-1.0, sigma=0.7),
    "map_slope_at_centre": bd.Prior("LogNormal", mu=-0.223, sigma=0.3),
}
WITH_LOSSES = {
    "alpha_mean": bd.Prior("Normal", mu=-1.204, sigma=0.3),
    "alpha_sd": bd.Prior("HalfNormal", sigma=0.3),
    "beta_mean": bd.Prior("Normal", mu=-1.204, sigma=0.3),
    "beta_sd": bd.Prior("HalfNormal", sigma=0.3),
    "loss_size_term": bd.Prior("LogNormal", mu=0.2, sigma=0.3),
    "loss_token_term": bd.Prior("LogNormal", mu=0.0, sigma=0.3),
    "loss_noise_sd": bd.Prior("HalfNormal", sigma=0.05),
    "map_steepness": bd.Prior("LogNormal", mu=0.5, sigma=0.3),
    "map_midpoint_loss": bd.Prior("Normal", mu=1.8, sigma=0.3),
}
COMMON = {
    "ceiling_share": bd.Prior("Beta", alpha=12.0, beta=1.0),
    "growth_rate": bd.Prior("Normal", mu=1.8, sigma=0.8),
    "log_density_level": bd.Prior("Normal", mu=0.0, sigma=0.7),
    "growth_rate_sd": bd.Prior("HalfNormal", sigma=0.7),
    "size_slope": bd.Prior("Normal", mu=0.0, sigma=0.2),
    "size_slope_sd": bd.Prior("HalfNormal", sigma=0.2),
    "family_effect_sd": bd.Prior("HalfNormal", sigma=0.7),
    "family_benchmark_effect_sd": bd.Prior("HalfNormal", sigma=0.5),
    "cell_effect_sd": bd.Prior("LogNormal", mu=-0.9, sigma=0.4),
    "source_noise_sd": bd.Prior("LogNormal", mu=-4.2, sigma=0.5),
    "harness_offset_sd": bd.Prior("HalfNormal", sigma=0.3),
}
OF_TREND: dict[str, dict[str, bd.Prior]] = {
    "linear": {"model_effect_sd": bd.Prior("HalfNormal", sigma=0.7)},
    "frontier": {
        "frontier_total_sd": bd.Prior("HalfNormal", sigma=1.0),
        "lag_share": bd.Prior("Beta", alpha=2.0, beta=2.0),
        "lag_trend": bd.Prior("Normal", mu=0.0, sigma=0.4),
    },
    "change-point": {
        "model_effect_sd": bd.Prior("HalfNormal", sigma=0.7),
        "growth_rate_change": bd.Prior("Normal", mu=0.5, sigma=0.8),
    },
}


# The switches of the second edition, all together.
SWITCHES: dict[str, Any] = {
    "exponents": "pooled",
    "cell_spread": "pooled",
    "level": "pooled",
    "noise": "by-score",
    "families": "nested",
    "within_families": True,
    "date_sd": 2.0,
    "size": "blend",
}
OF_SWITCHES = {
    "alpha_mean": bd.Prior("Normal", mu=-1.6, sigma=0.3),
    "alpha_sd": bd.Prior("HalfNormal", sigma=0.3),
    "cell_effect_sd_mean": bd.Prior("Normal", mu=-0.9, sigma=0.3),
    "cell_effect_sd_sd": bd.Prior("HalfNormal", sigma=0.3),
    "benchmark_offset_sd": bd.Prior("HalfNormal", sigma=1.0),
    "source_noise_exponent": bd.Prior("Normal", mu=0.3, sigma=0.3),
    "source_noise_tilt": bd.Prior("Normal", mu=0.0, sigma=0.7),
    "within_family_growth": bd.Prior("Normal", mu=0.0, sigma=1.0),
    "developer_effect_sd": bd.Prior("HalfNormal", sigma=0.5),
    "developer_benchmark_effect_sd": bd.Prior("HalfNormal", sigma=0.3),
    "active_weight": bd.Prior("Beta", alpha=1.5, beta=1.5),
}


def _own_priors(trend: str, *, losses: bool) -> dict[str, bd.Prior]:
    return {**(WITH_LOSSES if losses else SCORES_ONLY), **COMMON, **OF_TREND[trend]}


def _from_priors(
    priors: dict[str, bd.Prior], design: Design
) -> Callable[[np.random.Generator], dict[str, np.ndarray]]:
    """Return what draws true parameters from priors, by benchmark where there is one for each."""
    by_benchmark = {
        "alpha",
        "map_logit_at_centre",
        "map_slope_at_centre",
        "loss_size_term",
        "loss_token_term",
        "loss_noise_sd",
        "map_steepness",
        "map_midpoint_loss",
    }
    by_benchmark |= {
        "source_noise_exponent",
        "source_noise_tilt",
        "ceiling_share",
        "cell_effect_sd",
        "source_noise_sd",
        "harness_offset_sd",
    }
    chance = design.benchmarks["chance"].to_numpy()
    floor = bd.Prior("TruncatedNormal", mu=chance, sigma=0.02, lower=0.0, upper=1.0)

    def draw(random: np.random.Generator) -> dict[str, np.ndarray]:
        found = {
            name: prior.draw((len(chance),) if name in by_benchmark else (), random)
            for name, prior in priors.items()
        }
        return found | {"map_floor": floor.draw((len(chance),), random)}

    return draw


def _small(trend: str, *, losses: bool) -> Scenario:
    design = small_design(losses=losses)
    priors = _own_priors(trend, losses=losses)
    dates = design.models.loc[~design.models["is_reference"], "release_date"]
    mean = dates.to_numpy(dtype="datetime64[D]").astype(float).mean()
    year = (np.datetime64(CHANGE, "D").astype(float) - mean) / 365.25
    form: Any = bd.trends.ChangePoint(CHANGE) if trend == "change-point" else trend
    kind = "losses" if losses else "scores"
    return Scenario(
        name=f"sbc, {kind}, {trend}",
        design=lambda: design,
        truth=_from_priors(priors, design),
        analyses={"right": bd.DensityModel(form="first-edition", trend=form, priors=priors)},
        change_year=float(year),
    )


def _second_edition() -> Scenario:
    """Return ranks with all switches of the second edition."""
    design = with_developers(small_design())
    priors = _own_priors("linear", losses=False) | OF_SWITCHES
    priors = {n: p for n, p in priors.items() if n not in ("alpha", "cell_effect_sd")}
    draw = _from_priors(priors, design)

    def truth(random: np.random.Generator) -> dict[str, np.ndarray]:
        return draw(random) | {"date_sd": np.asarray(SWITCHES["date_sd"] / 12.0)}

    return Scenario(
        name="sbc, scores, second edition",
        design=lambda: design,
        truth=truth,
        analyses={"right": bd.DensityModel(priors=priors, **SWITCHES)},
    )


@cache
def _truths(file: Path) -> list[dict[str, Any]]:
    return list(json.loads(file.read_text()))


def _from_posterior(random: np.random.Generator, file: Path = TRUTHS) -> dict[str, np.ndarray]:
    """Return one of the stored posterior draws of the default form on `densing5`."""
    stored = _truths(file)
    return {n: np.asarray(v) for n, v in stored[random.integers(len(stored))].items()}


def _alike(random: np.random.Generator, file: Path = TRUTHS) -> dict[str, np.ndarray]:
    """Return parameters with one growth rate for all benchmarks, and size slopes that differ."""
    truth = _from_posterior(random, file)
    count = len(truth["cell_effect_sd"])
    return truth | {
        "growth_rate_beside": np.zeros(count),
        "size_slope_sd": np.asarray(SLOPES_DIFFER),
    }


def _developers_alike(random: np.random.Generator) -> dict[str, np.ndarray]:
    """Return parameters with which families of one developer correlate by `OF_DEVELOPERS`."""
    truth = _from_posterior(random)
    total = truth["family_effect_sd"] ** 2 + truth["developer_effect_sd"] ** 2
    return truth | {
        "family_effect_sd": np.sqrt((1.0 - OF_DEVELOPERS) * total),
        "developer_effect_sd": np.sqrt(OF_DEVELOPERS * total),
    }


def _one_faster(random: np.random.Generator, file: Path = TRUTHS) -> dict[str, np.ndarray]:
    """Return the same, with one benchmark, any of them, that grows faster."""
    truth = _alike(random, file)
    truth["growth_rate_beside"][random.integers(len(truth["growth_rate_beside"]))] = FASTER
    return truth


def _full(
    name: str,
    analyses: dict[str, bd.DensityModel],
    departures: Departures,
    truth: Callable[[np.random.Generator], dict[str, np.ndarray]] = _from_posterior,
    seeded: str = "",
) -> Scenario:
    return Scenario(
        name=name,
        seeded=seeded,
        design=densing5_design,
        truth=truth,
        analyses=analyses,
        departures=departures,
    )


def _full_size(edition: str = "", **options: Any) -> list[Scenario]:
    """Return the scenarios at full size, by the default model or by one with other options."""
    truths = TRUTHS_FIRST if edition else TRUTHS

    def model(**others: Any) -> bd.DensityModel:
        return bd.DensityModel(**options | others)

    default = {"default": model()}
    left_out = {
        "without families": model(families=False),
        "without size slope": model(size_slope="none"),
        "growth in common": model(growth="common"),
        "pooled": model(form="pooled"),
    }
    student = {**default, "student-t": model(observation="student-t")}
    cases: list[tuple[str, dict[str, bd.DensityModel], Departures, Callable[..., Any]]] = [
        ("coverage", default, Departures(), _from_posterior),
        ("omission", left_out, Departures(), _from_posterior),
        ("wrong scores", student, Departures(wrong_scores=0.05), _from_posterior),
        ("sizes misreported", default, Departures(size_error=0.1), _from_posterior),
        ("dates misreported", default, Departures(date_error=2 / 12), _from_posterior),
        ("heavy-tailed models", default, Departures(model_degrees=3.0), _from_posterior),
        ("scores at the ends", default, Departures(clip=True), _from_posterior),
        ("growth alike", default, Departures(), _alike),
        ("one grows faster", default, Departures(), _one_faster),
    ]
    return [
        _full(f"{edition}{name}", analyses, departures, partial(truth, file=truths), name)
        for name, analyses, departures, truth in cases
    ]


def scenarios() -> dict[str, Scenario]:
    """Return all scenarios by name.

    Returns
    -------
    dict of str to Scenario
    """
    small = [
        _small(trend, losses=losses)
        for losses in (False, True)
        for trend in ("linear", "frontier", "change-point")
    ]
    small.append(_second_edition())
    forms = {"default": bd.DensityModel(), "first edition": bd.DensityModel(form="first-edition")}
    developers = _full("developers alike", forms, Departures(), _developers_alike)
    # The same data, by a model that knows.
    known = _full(
        "dates misreported, and said to be",
        {"date_sd of 2 months": bd.DensityModel(date_sd=2.0)},
        Departures(date_error=2 / 12),
        seeded="dates misreported",
    )
    full = [*_full_size(), developers, known, *_full_size(FIRST, form="first-edition")]
    return {scenario.name: scenario for scenario in [*small, *full]}
