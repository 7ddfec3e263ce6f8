"""What a user holds: a density model that is composed, inspected and fitted."""

from __future__ import annotations

import dataclasses
import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from bayesdense.build import Layout, build_model, lay_out
from bayesdense.build.model import model_priors
from bayesdense.data import Dataset, check_readiness
from bayesdense.errors import BayesdenseError, DiagnosticsWarning, ReadinessWarning
from bayesdense.fit import DensityFit
from bayesdense.parts.laws import LossLaw
from bayesdense.parts.maps import ScoreMap
from bayesdense.parts.sizes import SizeDefinition
from bayesdense.parts.trends import Trend
from bayesdense.priors import Prior
from bayesdense.sampling import SamplingSettings, sample
from bayesdense.spec import ModelSpec

__all__ = ["DensityModel"]

FORMS: dict[str, dict[str, Any]] = {
    "full": {},
    "pooled": {
        "growth": "common",
        "level": "common",
        "size_slope": "none",
        "families": False,
        "harness_offsets": False,
    },
}
DEFAULT_SPEC = ModelSpec(
    law="power-sum",  # type: ignore[arg-type]
    score_map="sigmoid",  # type: ignore[arg-type]
    trend="linear",  # type: ignore[arg-type]
    size="total",  # type: ignore[arg-type]
)
PACKAGES = ("bayesdense", "pymc", "pytensor", "nutpie", "arviz", "numpy", "xarray", "pandas")


class DensityModel:
    """A Bayesian model of the Densing Law: from scores to effective sizes to a doubling time.

    Scores of reference models fix a ruler (loss law and score map, eq. 2 and
    3 of Xiao et al., arXiv 2412.04315); scores of targets are read off it as
    latent effective sizes (eq. 4); their ratio to the actual sizes is the
    density (eq. 1), and its trend in time the law (eq. 5). All are sampled
    together, so that every interval carries the uncertainty of the whole chain.

    Parameters
    ----------
    form : {"full", "pooled"}
        Where the switches below start: ``full`` has differences between
        benchmarks, sizes, families and harnesses; ``pooled`` has none, as the
        paper.
    law : str or LossLaw
        Loss law: ``"power-sum"``.
    score_map : str or ScoreMap
        Score map: ``"sigmoid"``.
    trend : str or Trend
        ``"linear"`` (the typical model), ``"frontier"`` or ``"change-point"``.
    size : str or SizeDefinition
        What counts as parameters: ``"total"`` or ``"active"``.
    growth, level : {"by-benchmark", "common"}, optional
        Whether growth rates and levels differ between benchmarks.
    size_slope : {"by-benchmark", "common", "none"}, optional
        Whether density depends on size.
    families : bool, optional
        Whether models of one family have a deviation in common.
    harness_offsets : bool, optional
        Whether harnesses differ systematically.
    item_noise : bool
        Whether scores carry the sampling noise of the benchmark's items.
    observation : {"normal", "student-t"}
        Noise between sources.
    reference_residual : float
        Standard deviation of a reference's log density.
    reference_cell_scale : float
        How far references stray on one benchmark, relative to targets.
    d0 : float, optional
        Token budget at which effective size is read off; 1e12, as in the
        paper, if not given. It matters only where losses are known.
    priors : mapping of str to Prior, optional
        Priors that replace the defaults; `priors` lists the parameters.

    Examples
    --------
    >>> import bayesdense as bd
    >>> model = bd.DensityModel(trend="frontier", growth="common")
    >>> model
    DensityModel(trend='frontier', growth='common')
    """

    def __init__(
        self,
        *,
        form: str = "full",
        law: str | LossLaw = "power-sum",
        score_map: str | ScoreMap = "sigmoid",
        trend: str | Trend = "linear",
        size: str | SizeDefinition = "total",
        growth: str | None = None,
        level: str | None = None,
        size_slope: str | None = None,
        families: bool | None = None,
        harness_offsets: bool | None = None,
        item_noise: bool = True,
        observation: str = "normal",
        reference_residual: float = 0.1,
        reference_cell_scale: float = 0.3,
        d0: float | None = None,
        priors: Mapping[str, Prior] | None = None,
    ) -> None:
        if form not in FORMS:
            raise BayesdenseError(
                f"form must be one of {', '.join(map(repr, FORMS))}, not {form!r}"
            )
        switches = {
            "growth": growth,
            "level": level,
            "size_slope": size_slope,
            "families": families,
            "harness_offsets": harness_offsets,
        }
        chosen = FORMS[form] | {name: v for name, v in switches.items() if v is not None}
        parts: dict[str, Any] = {"law": law, "score_map": score_map, "trend": trend, "size": size}
        self.spec = ModelSpec(
            **parts,
            **chosen,
            item_noise=item_noise,
            observation=observation,  # type: ignore[arg-type]
            reference_residual=reference_residual,
            reference_cell_scale=reference_cell_scale,
            d0=d0,
            priors=priors or {},
        )

    def __repr__(self) -> str:
        """Return the call that makes this model, without what is default."""
        values, defaults = self.spec.to_dict(), DEFAULT_SPEC.to_dict()
        settings, default_settings = values.pop("trend_settings"), defaults["trend_settings"]
        values["priors"] = dict(self.spec.priors)
        pooled = all(values[name] == value for name, value in FORMS["pooled"].items())
        if pooled:
            rest = {name: v for name, v in values.items() if name not in FORMS["pooled"]}
            values = {"form": "pooled", **rest}
            defaults["form"] = "full"
        shown = {k: v for k, v in values.items() if v != defaults[k]}
        if settings and settings != default_settings:
            shown["trend"] = self.spec.trend
        return f"DensityModel({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def priors(self, data: Dataset) -> dict[str, Prior]:
        """Return the priors in force for a dataset.

        Parameters
        ----------
        data : Dataset
            Decides which parameters there are and the scale of some priors.

        Returns
        -------
        dict of str to Prior
            By parameter; any of these names can be given as ``priors=``.
        """
        return model_priors(self._lay_out(data), self.spec)

    def build(self, data: Dataset) -> Any:
        """Return the model as a plain PyMC model with named dimensions.

        Parameters
        ----------
        data : Dataset
            With references, targets and core benchmarks.

        Returns
        -------
        pymc.Model
            Everything in PyMC and ArviZ works on it.

        Raises
        ------
        ReadinessError
            If the dataset cannot answer the question.
        """
        check_readiness(data)
        return build_model(self._lay_out(data), self.spec)

    def fit(
        self,
        data: Dataset,
        *,
        draws: int = 1000,
        tune: int = 1000,
        chains: int = 4,
        cores: int | None = None,
        seed: int | None = None,
        target_accept: float = 0.9,
        progress: bool = True,
    ) -> DensityFit:
        """Sample the posterior with nutpie, and check it.

        Parameters
        ----------
        data : Dataset
            With references, targets and core benchmarks.
        draws, tune : int
            Draws kept and warm-up draws of each chain.
        chains : int
            Number of chains.
        cores : int, optional
            Chains that run at the same time.
        seed : int, optional
            Source of randomness; recorded in the fit.
        target_accept : float
            Acceptance that the step size is tuned to.
        progress : bool
            Whether to show a progress bar.

        Returns
        -------
        DensityFit
            Ctrl-C during sampling returns what has been drawn so far, and the
            checks say so; during compilation or warm-up it raises.

        Raises
        ------
        ReadinessError
            If the dataset cannot answer the question.
        SamplingError
            If the sampler failed.

        Warns
        -----
        ReadinessWarning
            If part of the answer will rest on priors.
        DiagnosticsWarning
            If the posterior is not to be trusted.
        """
        settings = SamplingSettings(
            draws=draws,
            tune=tune,
            chains=chains,
            cores=cores,
            seed=seed,
            target_accept=target_accept,
        )
        notes = check_readiness(data)
        layout = self._lay_out(data)
        notes += layout.notes
        if self.spec.d0 is not None and not layout.loss_sets:
            notes.append(
                f"d0={self.spec.d0:g} has no effect: without losses the ruler knows no tokens."
            )
        for note in notes:
            warnings.warn(note, ReadinessWarning, stacklevel=2)
        model = build_model(layout, self.spec)
        result = sample(
            model,
            structure=self._structure(layout),
            settings=settings,
            label=f"{data.name}, {self.spec.trend.name}",
            progress=progress,
        )
        fit = DensityFit(
            posterior=result.posterior,
            sample_stats=result.sample_stats,
            data=data,
            spec=self.spec,
            info={
                "sampler": "nutpie",
                "settings": dataclasses.asdict(settings),
                "compile_seconds": result.compile_seconds,
                "sampling_seconds": result.sampling_seconds,
                "interrupted": result.interrupted,
                "free": [variable.name for variable in model.free_RVs],
                "notes": notes,
                "data_digest": data.digest,
                "versions": _versions(),
            },
        )
        report = fit.checks()
        if not report.trusted:
            warnings.warn(report.verdict, DiagnosticsWarning, stacklevel=2)
        return fit

    def _lay_out(self, data: Dataset) -> Layout:
        if not isinstance(data, Dataset):
            raise BayesdenseError(
                f"a model is fitted to a bayesdense Dataset, not to {type(data).__name__}; "
                "load_dataset and read_dataset make one"
            )
        return lay_out(data, self.spec)

    def _structure(self, layout: Layout) -> tuple[Any, ...]:
        """Return what shapes the graph besides the data and the variables' shapes."""
        spec = self.spec
        parts = (spec.law, spec.score_map, spec.trend, spec.size)
        return (
            tuple((type(part), repr(sorted(vars(part).items()))) for part in parts),
            (spec.growth, spec.level, spec.size_slope, spec.families, spec.harness_offsets),
            (spec.item_noise, spec.observation),
            repr(sorted((n, p.to_dict()) for n, p in model_priors(layout, spec).items())),
            tuple(layout.has_losses),
            tuple(layout.ruler),
            tuple(
                (name, len(labels))
                for name, labels in layout.coords.items()
                if name not in ("score_id", "loss_id")
            ),
        )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
