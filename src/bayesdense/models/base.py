"""What every model has: priors, a PyMC model, and the way from data to a fit."""

from __future__ import annotations

import dataclasses
import platform
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from bayesdense.build import Layout, build_model, lay_out
from bayesdense.build.model import model_priors
from bayesdense.build.placed import FIXED
from bayesdense.build.ruler import STAY
from bayesdense.coordinates.from_pilot import retune_for
from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError, DiagnosticsWarning, ReadinessWarning
from bayesdense.priors import Prior
from bayesdense.sampler.nuts import SampleResult, SamplingInterrupted, SamplingSettings, sample
from bayesdense.sampler.warm_start import Earlier, few_of_many
from bayesdense.sampler.warmup import SHORTEST_SPLIT
from bayesdense.spec import RulerSpec

__all__ = ["Drawn", "Model", "structure_of"]

# Draws of a fit to a few of many models, as a share of the warm-up.
FEW_DRAWS = 0.15
PACKAGES = ("bayesdense", "pymc", "pytensor", "nutpie", "arviz", "numpy", "xarray", "pandas")


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What sampling gave, and what the fit is to know of it.

    Attributes
    ----------
    result : SampleResult
        Draws.
    free : list of str
        The variables that were sampled.
    info : dict
        More entries of the fit's ``info``.
    also : dict
        More arguments of the fit.
    """

    result: SampleResult
    free: list[str]
    info: dict[str, Any] = dataclasses.field(default_factory=dict)
    also: dict[str, Any] = dataclasses.field(default_factory=dict)


class Model[S: RulerSpec]:
    """A composition of parts that is built for a dataset and fitted to it.

    Attributes
    ----------
    spec : RulerSpec
        The parts and switches, checked.
    """

    spec: S

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
        return model_priors(self.lay_out(data), self.spec)

    def build(self, data: Dataset) -> Any:
        """Return the model as a plain PyMC model with named dimensions.

        Parameters
        ----------
        data : Dataset
            With what this model needs.

        Returns
        -------
        pymc.Model
            Everything in PyMC and ArviZ works on it.

        Raises
        ------
        ReadinessError
            If the dataset cannot answer the question.
        """
        self._require_dataset(data)
        self._notes(data)
        return build_model(self.lay_out(data), self.spec)

    def check(self, data: Dataset) -> list[str]:
        """Look whether a dataset can answer the question.

        Parameters
        ----------
        data : Dataset
            The dataset.

        Returns
        -------
        list of str
            What a user should know.

        Raises
        ------
        ReadinessError
            If the dataset cannot answer the question.
        """
        self._require_dataset(data)
        return [*self._notes(data), *self.lay_out(data).notes]

    def _notes(self, data: Dataset) -> list[str]:
        """Return what a user should know of a dataset, or raise what forbids its use."""
        raise NotImplementedError

    def _fit(
        self,
        data: Dataset,
        kind: Any,
        *,
        label: str,
        progress: bool,
        options: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> Any:
        """Check, build, sample, check again."""
        chosen = SamplingSettings(**settings)
        self._require_dataset(data)
        notes = self._notes(data)
        layout = self.lay_out(data)
        notes += layout.notes
        if self.spec.d0 is not None and not layout.loss_sets:
            notes.append(
                f"d0={self.spec.d0:g} has no effect: without losses the ruler knows no tokens."
            )
        for note in notes:
            warnings.warn(note, ReadinessWarning, stacklevel=3)
        drawn = self._draw(
            data, layout, chosen, f"{data.name}, {label}", progress, **(options or {})
        )
        result = drawn.result
        fit = kind(
            posterior=result.posterior,
            sample_stats=result.sample_stats,
            data=data,
            spec=self.spec,
            **drawn.also,
            info={
                "sampler": "nutpie",
                "settings": dataclasses.asdict(chosen) | {"target_accept": result.accept},
                "compile_seconds": result.compile_seconds,
                "sampling_seconds": result.sampling_seconds,
                "interrupted": result.interrupted,
                "pilots": [dataclasses.asdict(pilot) for pilot in result.pilots],
                "free": drawn.free,
                "notes": notes,
                **drawn.info,
                "data_digest": data.digest,
                "versions": _versions(),
            },
        )
        report = fit.checks()
        if not report.trusted:
            warnings.warn(report.verdict, DiagnosticsWarning, stacklevel=3)
        return fit

    def _draw(
        self,
        data: Dataset,
        layout: Layout,
        settings: SamplingSettings,
        label: str,
        progress: bool,
        **options: Any,
    ) -> Drawn:
        """Sample the posterior; `data` is what `layout` was made from."""
        return self.sample_layout(layout, settings, label=label, progress=progress)

    def sample_layout(
        self,
        layout: Layout,
        settings: SamplingSettings,
        *,
        label: str,
        progress: bool,
        earlier: Earlier | None = None,
        data: Dataset | None = None,
    ) -> Drawn:
        """Sample the posterior given a layout, whole or with part of it withheld.

        Parameters
        ----------
        layout : Layout
            The dataset under this model.
        settings : SamplingSettings
            How to sample.
        label : str
            What is being fitted, for the progress bar.
        progress : bool
            Whether to show a progress bar.
        earlier : Earlier, optional
            What is known from another fit.
        data : Dataset, optional
            What the layout was made from, whole. Of very many models a few are
            fitted first.

        Returns
        -------
        Drawn
            What warm-up began with is in its ``info``.
        """
        first: Drawn | None = None
        part = None if data is None or earlier is not None else few_of_many(data)
        if part is not None and settings.tune >= SHORTEST_SPLIT:
            few = self.lay_out(part)
            short = dataclasses.replace(settings, draws=round(FEW_DRAWS * settings.tune))
            first = self.sample_layout(few, short, label=f"{label}, some models", progress=progress)
            if first.result.interrupted:
                raise SamplingInterrupted("interrupted during warm-up: no draws kept")
            earlier = Earlier.of(first.result.posterior, few, self.spec, part.digest)
        model = build_model(layout, self.spec)
        beginning = None
        if earlier is not None:
            digest = "" if data is None else data.digest
            beginning = earlier.for_other(layout, model, self.spec, digest)
        result = sample(
            model,
            structure=structure_of(layout, self.spec),
            settings=settings,
            label=label,
            progress=progress,
            retune=retune_for(layout, self.spec),
            beginning=beginning,
        )
        if first is not None:
            result = result.after(first.result)
        free = [variable.name for variable in model.free_RVs]
        begun = "" if earlier is None or beginning is None else earlier.data_digest
        return Drawn(result, free, {"warm_start": begun})

    def _require_dataset(self, data: Any) -> None:
        if not isinstance(data, Dataset):
            raise BayesdenseError(
                f"a model is fitted to a bayesdense Dataset, not to {type(data).__name__}; "
                "load_dataset, read_dataset and Dataset.from_frames make one"
            )

    def lay_out(self, data: Dataset) -> Layout:
        """Arrange a dataset for this model.

        Parameters
        ----------
        data : Dataset
            The dataset.

        Returns
        -------
        Layout
        """
        self._require_dataset(data)
        return lay_out(data, self.spec)


def structure_of(layout: Layout, spec: RulerSpec) -> tuple[Any, ...]:
    """Return what shapes a model's graph besides the data.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        The composition of the model.

    Returns
    -------
    tuple
        Hashable; models for which it is equal can share compiled code.
    """
    entries = [(f.name, getattr(spec, f.name)) for f in dataclasses.fields(spec)]
    parts = [(name, value) for name, value in entries if hasattr(value, "equation")]
    # A definition without a factor is in the data alone.
    parts += [("size", spec.size)] if layout.size_design else []
    switches = [(n, v) for n, v in entries if isinstance(v, str | bool)]
    return (
        type(spec).__name__,
        tuple((n, type(part), repr(sorted(vars(part).items()))) for n, part in parts),
        tuple(switches),
        tuple(_shape_of_prior(n, p) for n, p in sorted(model_priors(layout, spec).items())),
        bool(layout.has_losses.any()),
        bool(layout.has_losses.all()),
        tuple(name for name, labels in sorted(layout.coords.items()) if labels),
        # One of a kind has no differences.
        tuple(layout.size(dim) > 1 for dim in ("benchmark", "loss_set", "reference_family")),
    )


def _shape_of_prior(name: str, prior: Prior) -> tuple[Any, ...]:
    """Return what a prior has to do with the graph: not its numbers, but for the few that stay."""
    stay = [*FIXED, *STAY.get(name, ())]
    parameters = sorted(prior.parameters.items())
    return (
        name,
        prior.distribution,
        tuple((p, np.ndim(value), repr(value) if p in stay else "") for p, value in parameters),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
