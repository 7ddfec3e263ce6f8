"""What a density model is made of: the parts and switches, checked once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from bayesdense.errors import BayesdenseError
from bayesdense.parts.laws import LossLaw, laws
from bayesdense.parts.maps import ScoreMap, maps
from bayesdense.parts.sizes import SizeDefinition, sizes
from bayesdense.parts.trends import Trend, trends
from bayesdense.priors import Prior

__all__ = ["DENSITY_SIZE", "ModelSpec"]

DENSITY_SIZE = 2e10
"""Number of parameters at which the trend of density is read off."""

DEFAULT_D0 = 1e12
"""Token budget of the effective size where the user names none; the paper's."""

ByBenchmark = Literal["by-benchmark", "common"]
SizeSlope = Literal["by-benchmark", "common", "none"]
Observation = Literal["normal", "student-t"]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """The composition of a density model.

    The fields are the arguments of `bayesdense.DensityModel`, where they are
    described.
    """

    law: LossLaw
    score_map: ScoreMap
    trend: Trend
    size: SizeDefinition
    growth: ByBenchmark = "by-benchmark"
    level: ByBenchmark = "by-benchmark"
    size_slope: SizeSlope = "by-benchmark"
    families: bool = True
    harness_offsets: bool = True
    item_noise: bool = True
    observation: Observation = "normal"
    reference_residual: float = 0.1
    reference_cell_scale: float = 0.3
    d0: float | None = None
    priors: Mapping[str, Prior] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Turn names into parts and check every switch."""
        for name, registry in (
            ("law", laws),
            ("score_map", maps),
            ("trend", trends),
            ("size", sizes),
        ):
            part: Any = registry.get(getattr(self, name))
            object.__setattr__(self, name, part)
        for name, allowed in (
            ("growth", get_args(ByBenchmark)),
            ("level", get_args(ByBenchmark)),
            ("size_slope", get_args(SizeSlope)),
            ("observation", get_args(Observation)),
        ):
            if getattr(self, name) not in allowed:
                raise BayesdenseError(
                    f"{name}={getattr(self, name)!r} is not known; "
                    f"allowed are {', '.join(repr(a) for a in allowed)}"
                )
        for name in ("families", "harness_offsets", "item_noise"):
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

    @property
    def tokens(self) -> float:
        """Token budget ``D0`` at which effective size is read off."""
        return DEFAULT_D0 if self.d0 is None else float(self.d0)

    def to_dict(self) -> dict[str, Any]:
        """Return the composition as plain values, ready for JSON.

        Returns
        -------
        dict
            Parts by their names, the trend's settings, switches and chosen priors.
        """
        values: dict[str, Any] = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            values[entry.name] = value.name if hasattr(value, "name") else value
        values["trend_settings"] = self.trend.settings()
        values["priors"] = {name: prior.to_dict() for name, prior in self.priors.items()}
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelSpec:
        """Make the composition from what `to_dict` gave.

        Parameters
        ----------
        values : mapping
            As returned by `to_dict`.

        Returns
        -------
        ModelSpec

        Raises
        ------
        UnknownNameError
            If a part of the user's own is not registered in this session.
        """
        chosen = dict(values)
        settings = chosen.pop("trend_settings")
        trend_class = type(trends.get(chosen["trend"]))
        chosen["trend"] = trend_class(**settings)
        chosen["priors"] = {n: Prior.from_dict(p) for n, p in chosen["priors"].items()}
        return cls(**chosen)


def _check_number(name: str, value: Any, *, low: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BayesdenseError(f"{name} must be a number above {low:g}, not {value!r}")
    if not math.isfinite(value) or value <= low:
        raise BayesdenseError(f"{name} must be a finite number above {low:g}, not {value!r}")
