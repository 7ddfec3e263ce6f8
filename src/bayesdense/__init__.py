"""Bayesian models for the Densing Law of large language models."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from bayesdense._version import __version__

if TYPE_CHECKING:
    from bayesdense import plots, readers, studies
    from bayesdense.data import Dataset, list_datasets, load_dataset, read_dataset, validate
    from bayesdense.errors import (
        BayesdenseError,
        BayesdenseWarning,
        DataError,
        DiagnosticsWarning,
        FitFileError,
        PriorError,
        ReadinessError,
        ReadinessWarning,
        SamplingError,
        UnknownNameError,
    )
    from bayesdense.fit import DensityFit, RulerFit, load_fit
    from bayesdense.models import DensityModel, RulerModel
    from bayesdense.parts import laws, maps, sizes, trends
    from bayesdense.priors import Prior

_HOMES = {
    "BayesdenseError": "bayesdense.errors",
    "BayesdenseWarning": "bayesdense.errors",
    "DataError": "bayesdense.errors",
    "Dataset": "bayesdense.data",
    "DensityFit": "bayesdense.fit",
    "DensityModel": "bayesdense.models",
    "DiagnosticsWarning": "bayesdense.errors",
    "FitFileError": "bayesdense.errors",
    "Prior": "bayesdense.priors",
    "PriorError": "bayesdense.errors",
    "ReadinessError": "bayesdense.errors",
    "ReadinessWarning": "bayesdense.errors",
    "RulerFit": "bayesdense.fit",
    "RulerModel": "bayesdense.models",
    "SamplingError": "bayesdense.errors",
    "UnknownNameError": "bayesdense.errors",
    "laws": "bayesdense.parts",
    "list_datasets": "bayesdense.data",
    "load_dataset": "bayesdense.data",
    "load_fit": "bayesdense.fit",
    "maps": "bayesdense.parts",
    "plots": "bayesdense",
    "read_dataset": "bayesdense.data",
    "readers": "bayesdense",
    "sizes": "bayesdense.parts",
    "studies": "bayesdense",
    "trends": "bayesdense.parts",
    "validate": "bayesdense.data",
}

__all__ = [
    "BayesdenseError",
    "BayesdenseWarning",
    "DataError",
    "Dataset",
    "DensityFit",
    "DensityModel",
    "DiagnosticsWarning",
    "FitFileError",
    "Prior",
    "PriorError",
    "ReadinessError",
    "ReadinessWarning",
    "RulerFit",
    "RulerModel",
    "SamplingError",
    "UnknownNameError",
    "__version__",
    "laws",
    "list_datasets",
    "load_dataset",
    "load_fit",
    "maps",
    "plots",
    "read_dataset",
    "readers",
    "sizes",
    "studies",
    "trends",
    "validate",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: PyMC takes seconds to import."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'bayesdense' has no attribute {name!r}")
    if name in ("laws", "maps", "plots", "readers", "sizes", "studies", "trends"):
        value: Any = importlib.import_module(f"{home}.{name}")
    else:
        value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
