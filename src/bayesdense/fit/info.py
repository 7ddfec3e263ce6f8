"""How a fit was made: what is saved beside its draws."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bayesdense.sampler.settings import SamplingSettings
from bayesdense.sampler.warmup import Pilot

__all__ = ["Attempt", "CutInfo", "FitInfo", "ReferencePosteriorInfo", "SharedFromInfo"]


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A run of the sampler that was not to be trusted, so that another was made.

    Attributes
    ----------
    draws : int
        Of each chain.
    target_accept : float
        Acceptance that the step size was tuned to.
    rhat, ess : float
        Largest R-hat and lowest effective sample size.
    divergences : int
        Number of divergent transitions.
    """

    draws: int
    target_accept: float
    rhat: float
    ess: float
    divergences: int


@dataclass(frozen=True, kw_only=True)
class CutInfo:
    """How a cut posterior was sampled.

    Attributes
    ----------
    rulers : int
        Number of posterior draws of the ruler, each of which has a short chain.
    """

    rulers: int


@dataclass(frozen=True, kw_only=True)
class ReferencePosteriorInfo:
    """How the posterior of the ruler given the references only was sampled.

    Attributes
    ----------
    rhat, ess : float
        Largest R-hat and lowest effective sample size.
    divergences, draws : int
        Number of divergent transitions, and of draws over all chains.
    seconds : float
        Wall time, with compilation.
    """

    rhat: float
    ess: float
    divergences: int
    draws: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SharedFromInfo:
    """How the parameters that all models share were sampled from a subset of the targets.

    Attributes
    ----------
    targets, of : int
        Number of targets in the subset, and of all.
    rhat, ess, bfmi : float
        Largest R-hat, lowest effective sample size and lowest E-BFMI of the
        fit to the subset.
    step : float
        Step size of the trajectories that move single models.
    refused : float
        Share of these trajectories that ended where the data are impossible.
    energy_error : float
        Their mean absolute energy error for each coordinate.
    """

    targets: int
    of: int
    rhat: float = float("nan")
    ess: float = float("nan")
    bfmi: float = float("nan")
    step: float = float("nan")
    refused: float = float("nan")
    energy_error: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class FitInfo:
    """How a fit was made.

    Attributes
    ----------
    settings : SamplingSettings
        With the seed and the target acceptance that were used.
    free : tuple of str
        Names of the variables that were sampled.
    data_digest : str
        SHA-256 of the dataset.
    sampler : str
        Name of the sampler.
    compile_seconds, sampling_seconds : float
        Wall time; compilation takes none where compiled code was at hand.
    interrupted : str
        Empty, or how many draws were kept when sampling was stopped.
    pilots : tuple of Pilot
        The short runs into which the warm-up was split.
    notes : tuple of str
        What the data or the model gave reason to say before sampling.
    warm_start : str
        Digest of the data of the fit that warm-up began with, or empty.
    attempts : tuple of Attempt
        The run before this one, where that was not to be trusted.
    cut : CutInfo, optional
        For ``ruler="cut"``.
    shared_from : SharedFromInfo, optional
        For an approximate fit.
    reference_posterior : ReferencePosteriorInfo, optional
        Where the ruler was fitted to the references only as well.
    versions : mapping of str to str
        Versions of Python and of the packages that were used.
    thinned_from : int
        Number of draws over all chains before some were left out; 0 where all are there.
    shipped_with : str
        Of a fit that comes with the package, the package and its version; else empty.

    Examples
    --------
    >>> import bayesdense as bd
    >>> fit = bd.load_fit("densing5.nc")  # doctest: +SKIP
    >>> fit.info.settings.random_seed, fit.info.sampling_seconds  # doctest: +SKIP
    """

    settings: SamplingSettings
    free: tuple[str, ...]
    data_digest: str
    sampler: str = "nutpie"
    compile_seconds: float = 0.0
    sampling_seconds: float = 0.0
    interrupted: str = ""
    pilots: tuple[Pilot, ...] = ()
    notes: tuple[str, ...] = ()
    warm_start: str = ""
    attempts: tuple[Attempt, ...] = ()
    cut: CutInfo | None = None
    shared_from: SharedFromInfo | None = None
    reference_posterior: ReferencePosteriorInfo | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    thinned_from: int = 0
    shipped_with: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return all entries as plain values, for a file.

        Returns
        -------
        dict of str
            Of numbers, texts, lists and dicts; what does not apply is left out.
        """
        found = dataclasses.asdict(self)
        found |= {name: list(found[name]) for name in ("free", "pilots", "notes", "attempts")}
        return {name: value for name, value in found.items() if value is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> FitInfo:
        """Return what `to_dict` was called on.

        Parameters
        ----------
        values : mapping of str
            What `to_dict` returned.

        Returns
        -------
        FitInfo
        """
        records: dict[str, Any] = {
            "settings": SamplingSettings,
            "cut": CutInfo,
            "shared_from": SharedFromInfo,
            "reference_posterior": ReferencePosteriorInfo,
        }
        found = {n: records[n](**v) if n in records else v for n, v in values.items()}
        found |= {name: tuple(found[name]) for name in ("free", "notes")}
        found["pilots"] = tuple(Pilot(**pilot) for pilot in found["pilots"])
        # Fits saved by a previous version have none.
        found["attempts"] = tuple(Attempt(**attempt) for attempt in found.get("attempts", ()))
        return cls(**found)
