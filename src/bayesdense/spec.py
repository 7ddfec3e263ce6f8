"""What a density model is made of: the parts and switches, checked once."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, get_args

from bayesdense.errors import BayesdenseError
from bayesdense.parts.laws import LossLaw, laws
from bayesdense.parts.maps import ScoreMap, maps
from bayesdense.parts.registry import Registry
from bayesdense.parts.settings import settings_of
from bayesdense.parts.sizes import SizeDefinition, sizes
from bayesdense.parts.trends import Trend, trends
from bayesdense.parts.trends.base import has_growth
from bayesdense.priors import Prior, require_prior

__all__ = [
    "DENSITY_SIZE",
    "FIRST_EDITION",
    "OF_SKILL",
    "SECOND_EDITION",
    "ModelSpec",
    "RulerSpec",
    "require_growth",
]

DENSITY_SIZE = 2e10
"""Number of parameters at which the trend of density is read off."""

LAW_OF_SKILL = "log-linear"
OF_SKILL: Mapping[str, str] = {"size_slope": "none", "level": "common", "exponents": "separate"}
"""What is fixed where a latent skill takes the place of the ruler."""

DEFAULT_D0 = 1e12
"""Token budget of the effective size where the user names none; the paper's."""

RESERVED = frozenset(
    {"growth_rate", "growth_rate_by_benchmark", "growth_rate_sd", "growth_rate_deviation"}
    | {
        "growth_rate_change",
        "change_place",
        "change_year",
        "spread_trend",
        "growth_walk_sd",
        "growth_bends",
        "log_density_level",
        "benchmark_offset",
        "size_slope",
    }
    | {"size_slope_by_benchmark", "size_slope_sd", "size_slope_deviation", "family_effect"}
    | {"family_effect_sd", "family_benchmark_effect", "family_benchmark_effect_sd"}
    | {"developer_effect", "developer_effect_sd", "developer_benchmark_effect"}
    | {"developer_benchmark_effect_sd", "within_family_growth", "date_error", "harness_drift"}
    | {"model_effect", "model_effect_sd", "undated_log_density", "frontier_total_sd"}
    | {"lag_share", "lag_trend", "lag_sd", "log_density", "log_effective_size", "log_size"}
    | {"cell_effect", "cell_effect_sd", "source_noise_sd", "harness_offset", "harness_offset_sd"}
    | {"reference_family_offset", "reference_effect", "map_steepness", "map_midpoint_loss"}
    | {"map_logit_at_centre", "map_slope_at_centre", "map_floor", "map_span", "ceiling_share"}
    | {"benchmark_offset_sd", "source_noise_exponent", "source_noise_tilt"}
    | {"cell_effect_sd_mean", "cell_effect_sd_sd"}
    | {"loss_noise_sd", "item_effect", "loss", "score", "expected_loss", "expected_score"}
    | {"benchmark_difference"}
)
"""Names of variables that are there whatever the law; its coefficients have others."""

FIRST_EDITION: dict[str, Any] = {
    "growth": "by-benchmark",
    "level": "by-benchmark",
    "size_slope": "by-benchmark",
    "families": True,
    "within_families": False,
    "harness_offsets": True,
    "date_sd": 0.0,
    "harness_drift": None,
    "noise": "constant",
    "exponents": "separate",
    "cell_spread": "separate",
}
"""The switches of the model's first edition, which are those of fits that do not say others."""

SECOND_EDITION: dict[str, Any] = FIRST_EDITION | {
    "level": "pooled",
    "families": "nested",
    "within_families": True,
    "noise": "by-score",
    "exponents": "pooled",
    "cell_spread": "pooled",
}
"""The switches of the default model."""

ByBenchmark = Literal["by-benchmark", "common"]
Level = Literal["by-benchmark", "pooled", "common"]
SizeSlope = Literal["by-benchmark", "common", "none"]
Observation = Literal["normal", "student-t"]
Noise = Literal["constant", "by-score"]
Exponents = Literal["pooled", "separate"]
RulerUse = Literal["joint", "cut", "skill"]


@dataclass(frozen=True, kw_only=True)
class RulerSpec:
    """The composition of a ruler: from sizes and tokens to losses to measured scores.

    The fields are the arguments of `bayesdense.RulerModel`, where they are
    described.
    """

    law: LossLaw
    score_map: ScoreMap
    size: SizeDefinition
    harness_offsets: bool = True
    item_noise: bool = True
    observation: Observation = "normal"
    noise: Noise = "constant"
    exponents: Exponents = "separate"
    cell_spread: Exponents = "separate"
    reference_residual: float = 0.1
    reference_cell_scale: float = 0.3
    d0: float | None = None
    priors: Mapping[str, Prior] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Turn names into parts and check every switch."""
        for name, registry in self._registries().items():
            part: Any = registry.get(getattr(self, name))
            object.__setattr__(self, name, part)
        taken = RESERVED.intersection(self.law.coefficients)
        if taken:
            raise BayesdenseError(
                f"the loss law '{self.law.name}' has a coefficient '{sorted(taken)[0]}', which is "
                "the name of another variable of the model: give it another name"
            )
        for name, allowed in self._choices().items():
            if getattr(self, name) not in allowed:
                raise BayesdenseError(
                    f"{name}={getattr(self, name)!r} is not known; "
                    f"allowed are {', '.join(repr(a) for a in allowed)}"
                )
        for name in self._switches():
            if not isinstance(getattr(self, name), bool):
                raise BayesdenseError(f"{name} must be True or False, not {getattr(self, name)!r}")
        _check_number("reference_residual", self.reference_residual, low=0.0)
        _check_number("reference_cell_scale", self.reference_cell_scale, low=0.0)
        if self.d0 is not None:
            _check_number("d0", self.d0, low=0.0)
        priors: Any = self.priors
        if not isinstance(priors, Mapping):
            raise BayesdenseError(
                f"priors must be a dict of parameter name to Prior, not {priors!r}"
            )
        for name, prior in priors.items():
            require_prior(name, prior)

    def _registries(self) -> dict[str, Registry[Any]]:
        return {"law": laws, "score_map": maps, "size": sizes}

    def _choices(self) -> dict[str, tuple[str, ...]]:
        return {
            "observation": get_args(Observation),
            "noise": get_args(Noise),
            "exponents": get_args(Exponents),
            "cell_spread": get_args(Exponents),
        }

    def _switches(self) -> tuple[str, ...]:
        return ("harness_offsets", "item_noise")

    @property
    def tokens(self) -> float:
        """Token budget ``D0`` at which effective size is read off."""
        return DEFAULT_D0 if self.d0 is None else float(self.d0)

    def to_dict(self) -> dict[str, Any]:
        """Return the composition as plain values, ready for JSON.

        Returns
        -------
        dict
            Parts by their names, settings of parts, switches and chosen priors.
        """
        values: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            values[entry.name] = value.name if hasattr(value, "name") else value
        values["priors"] = {name: prior.to_dict() for name, prior in self.priors.items()}
        parts = {name: getattr(self, name) for name in RulerSpec._registries(self)}
        settings = {name: _settings_text(part) for name, part in parts.items()}
        # Shipped parts have none.
        if any(settings.values()):
            values["part_settings"] = {name: text for name, text in settings.items() if text}
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the composition from what `to_dict` gave.

        Parameters
        ----------
        values : mapping
            As returned by `to_dict`.

        Returns
        -------
        RulerSpec

        Raises
        ------
        UnknownNameError
            If a part of the user's own is not registered in this session.
        BayesdenseError
            If the one that is registered has other settings.
        """
        known = {entry.name for entry in fields(cls)}
        chosen = {n: v for n, v in FIRST_EDITION.items() if n in known} | dict(values)
        chosen["priors"] = {n: Prior.from_dict(p) for n, p in chosen["priors"].items()}
        settings = chosen.pop("part_settings", {})
        made = cls(**chosen)
        for name in RulerSpec._registries(made):
            stored, found = settings.get(name, ""), _settings_text(getattr(made, name))
            if found != stored:
                raise BayesdenseError(
                    f"this was made with the {name.replace('_', ' ')} '{chosen[name]}' and "
                    f"{stored or 'no settings'}, and the one that is registered here has "
                    f"{found or 'none'}: register a class that has the former by default"
                )
        return made


@dataclass(frozen=True, kw_only=True)
class ModelSpec(RulerSpec):
    """The composition of a density model: a ruler, and what is read off it.

    The fields are the arguments of `bayesdense.DensityModel`, where they are
    described.
    """

    trend: Trend
    noise: Noise = "by-score"
    exponents: Exponents = "pooled"
    cell_spread: Exponents = "pooled"
    growth: ByBenchmark = "by-benchmark"
    level: Level = "pooled"
    size_slope: SizeSlope = "by-benchmark"
    families: bool | Literal["nested"] = "nested"
    within_families: bool = True
    date_sd: float = 0.0
    harness_drift: str | None = None
    ruler: RulerUse = "joint"

    def __post_init__(self) -> None:
        """Turn names into parts and check every switch."""
        super().__post_init__()
        if not isinstance(self.families, bool) and self.families != "nested":
            raise BayesdenseError(
                f"families must be True, False or 'nested', not {self.families!r}"
            )
        _check_number("date_sd", self.date_sd, low=0.0, or_equal=True)
        if self.harness_drift is not None and not isinstance(self.harness_drift, str):
            raise BayesdenseError(
                f"harness_drift must be the name of a harness or None, not {self.harness_drift!r}"
            )
        for name in () if self.has_growth else ("date_sd", "harness_drift"):
            if getattr(self, name):
                raise BayesdenseError(
                    f"{name}={getattr(self, name)!r} is about dates, and trend="
                    f"{self.trend.name!r} reads none: leave it out"
                )
        if self.ruler != "skill":
            return
        wanted = {"law": LAW_OF_SKILL, **OF_SKILL}
        for name, value in wanted.items():
            given = getattr(self, name)
            if getattr(given, "name", given) != value:
                raise BayesdenseError(
                    f"ruler='skill' knows {name}={value!r} only, not {given!r}: without a "
                    "reference family nothing tells the ruler's form from that of density"
                )

    @property
    def has_growth(self) -> bool:
        """Whether density grows in time, so that targets need dates."""
        return has_growth(self.trend)

    def ruler_spec(self, parameters: Container[str]) -> RulerSpec:
        """Return the composition of only the ruler.

        Parameters
        ----------
        parameters : container of str
            The parameters that it has; priors of others are left out.

        Returns
        -------
        RulerSpec
        """
        shared = {entry.name: getattr(self, entry.name) for entry in fields(RulerSpec)}
        own = {name: prior for name, prior in self.priors.items() if name in parameters}
        return RulerSpec(**shared | {"priors": own})

    def _registries(self) -> dict[str, Registry[Any]]:
        return {**super()._registries(), "trend": trends}

    def _choices(self) -> dict[str, tuple[str, ...]]:
        return {
            **super()._choices(),
            "growth": get_args(ByBenchmark),
            "level": get_args(Level),
            "size_slope": get_args(SizeSlope),
            "ruler": get_args(RulerUse),
        }

    def _switches(self) -> tuple[str, ...]:
        return (*super()._switches(), "within_families")

    def to_dict(self) -> dict[str, Any]:
        """Return the composition as plain values, with the settings of the trend."""
        return {**super().to_dict(), "trend_settings": self.trend.settings()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the composition from what `to_dict` gave."""
        chosen = dict(values)
        settings = chosen.pop("trend_settings")
        chosen["trend"] = type(trends.get(chosen["trend"]))(**settings)
        return super().from_dict(chosen)


def require_growth(spec: ModelSpec, what: str) -> None:
    """Refuse what there is only with a growth rate.

    Parameters
    ----------
    spec : ModelSpec
        The composition of a model.
    what : str
        What was asked for.

    Raises
    ------
    BayesdenseError
        If the model has no growth rate.
    """
    if not spec.has_growth:
        raise BayesdenseError(
            f"{what} needs a trend in time, and this model has none (trend={spec.trend.name!r}): "
            "use density() or effective_size() of a fit, or trend='linear' for a growth rate"
        )


def _settings_text(part: Any) -> str:
    return ", ".join(f"{name}={text}" for name, text in settings_of(part).items())


def _check_number(name: str, value: Any, *, low: float, or_equal: bool = False) -> None:
    allowed = f"of at least {low:g}" if or_equal else f"above {low:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BayesdenseError(f"{name} must be a number {allowed}, not {value!r}")
    if not math.isfinite(value) or value < low or (value == low and not or_equal):
        raise BayesdenseError(f"{name} must be a finite number {allowed}, not {value!r}")
