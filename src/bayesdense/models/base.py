"""What every model has: priors, a PyMC model, and the way from data to a fit."""

from __future__ import annotations

import dataclasses
import platform
import warnings
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesdense.coordinates.from_pilot import coordinates_from_pilot
from bayesdense.coordinates.initial import coordinates_from_data
from bayesdense.coordinates.reparametrise import SamplerModel, numbers_that_stay, reparametrise
from bayesdense.data import Dataset
from bayesdense.data.html import card
from bayesdense.errors import BayesdenseError, DiagnosticsWarning, ReadinessWarning
from bayesdense.fit.info import (
    Attempt,
    CutInfo,
    FitInfo,
    ReferencePosteriorInfo,
    SharedFromInfo,
)
from bayesdense.fit.more_draws import once_more
from bayesdense.model import Design, build_model, make_design, model_priors
from bayesdense.model.build import default_priors
from bayesdense.model.numbers import FIXED
from bayesdense.model.variables import describe, symbols_of
from bayesdense.models.graph import graph_of
from bayesdense.posterior.diagnostics import worst_of
from bayesdense.priors import Prior
from bayesdense.sampler.backend.one_at_a_time import one_at_a_time
from bayesdense.sampler.nuts import Retune, SampleResult, SamplingInterrupted, sample
from bayesdense.sampler.settings import Run
from bayesdense.sampler.warm_start import WarmStart, few_of_many
from bayesdense.sampler.warmup import SHORTEST_SPLIT
from bayesdense.spec import RulerSpec

__all__ = ["Drawn", "Model", "structure_of"]

# Draws of a fit to a few of many models, as a share of the warm-up.
FEW_DRAWS = 0.15
# Checks that a longer or more careful run can pass.
OF_SAMPLING = ("convergence", "divergences", "energy")
PACKAGES = ("bayesdense", "pymc", "pytensor", "nutpie", "arviz", "numpy", "xarray", "pandas")


# Draws of scores, and of a prior that is cut off, are made by Python code within compiled code.
OBJECT_MODE = (
    r"Numba will use object mode to run (truncated_normal|CustomDist_(score|harness_offset))"
)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """What sampling gave, and what the fit is to know of it.

    Attributes
    ----------
    result : SampleResult
        Draws.
    free : tuple of str
        The variables that were sampled.
    warm_start : str
        Digest of the data of the fit that warm-up began with, or empty.
    cut : CutInfo, optional
        How a cut posterior was sampled.
    shared_from : SharedFromInfo, optional
        How an approximate posterior was.
    reference_posterior : xarray.Dataset, optional
        Draws of the ruler from references only.
    reference_info : ReferencePosteriorInfo, optional
        How these were sampled.
    """

    result: SampleResult
    free: tuple[str, ...]
    warm_start: str = ""
    cut: CutInfo | None = None
    shared_from: SharedFromInfo | None = None
    reference_posterior: xr.Dataset | None = None
    reference_info: ReferencePosteriorInfo | None = None


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
        return model_priors(self.make_design(data))

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
        # Of their kind there is no other way, and nothing that a user could do about it.
        warnings.filterwarnings("ignore", message=OBJECT_MODE, category=UserWarning)
        return build_model(self.make_design(data))

    def to_graphviz(self, data: Dataset) -> Any:
        """Return the model as a graph: parameters, what follows from them, and observations.

        Parameters
        ----------
        data : Dataset
            Decides which parameters there are, and how many of each.

        Returns
        -------
        graphviz.Digraph
            Of `build`, by `pymc.model_to_graphviz`; it needs the package
            ``graphviz``, and the program of that name to be drawn. Its
            attribute ``source`` is the text of the graph.

        Raises
        ------
        BayesdenseError
            If the package is not installed; if the program is not, when the
            graph is drawn.
        """
        return graph_of(self.build(data))

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
        return [*self._notes(data), *self.make_design(data).notes]

    def _notes(self, data: Dataset) -> list[str]:
        """Return what a user should know of a dataset, or raise what forbids its use."""
        raise NotImplementedError

    def fit_as_asked(
        self, data: Dataset, run: Run, options: Any = None, *, go_on: bool = False
    ) -> Any:
        """Check, build, sample and check again.

        Parameters
        ----------
        data : Dataset
            The dataset.
        run : Run
            How to sample, and what is shown meanwhile.
        options : optional
            What the `fit` of this kind of model can be asked for besides.
        go_on : bool
            Whether to sample once more, with the draws that were lacking and,
            where draws diverged and no acceptance was asked for, smaller
            steps, if the posterior is not to be trusted.

        Returns
        -------
        Fit
            Of this kind of model.
        """
        self._require_dataset(data)
        notes = self._notes(data)
        design = self.make_design(data)
        notes += design.notes
        if self.spec.d0 is not None and not design.loss_sets:
            notes.append(
                f"d0={self.spec.d0:g} has no effect: without losses the ruler knows no tokens."
            )
        for note in notes:
            warnings.warn(note, ReadinessWarning, stacklevel=3)
        run = run.replace(label=f"{data.name}, {run.label}")
        drawn = self._draw(data, design, run, options)
        fit = self._fit_of(data, run, drawn, notes)
        if go_on and drawn.cut is None and drawn.shared_from is None:
            fit = self._gone_on(fit, design, run, drawn)
        report = fit.checks()
        if not report.trusted:
            warnings.warn(report.verdict, DiagnosticsWarning, stacklevel=3)
        return fit

    def _gone_on(self, fit: Any, design: Design, run: Run, drawn: Drawn) -> Any:
        """Return a fit, or that of a second run where the first was not enough."""
        failed = [r for r in fit.checks().results if r.passed is False and r.name in OF_SAMPLING]
        if fit.interrupted or not failed:
            return fit
        found, settings = worst_of(fit.diagnostics()), fit.info.settings
        divergences = int(fit.sample_stats["diverging"].sum())
        smaller_steps = bool(divergences) and run.settings.target_accept is None
        again = once_more(settings, found, smaller_steps=smaller_steps)
        attempt = Attempt(
            draws=settings.draws,
            target_accept=settings.target_accept,
            rhat=found.rhat,
            ess=found.ess,
            divergences=divergences,
        )
        second = Run(again, f"{run.label}, once more with {again.draws:,} draws", run.progressbar)
        warm_start = WarmStart.of(fit.posterior, design, fit.data.digest)
        try:
            other = self.sample_design(design, second, warm_start=warm_start, data=fit.data)
        except SamplingInterrupted:
            other = None
        if other is None or other.result.interrupted:
            # The first has as many draws as were asked for.
            note = "interrupted while it was sampled once more: the draws of the first run are kept"
            result = dataclasses.replace(drawn.result, interrupted=note)
            return self._fit_of(
                fit.data, run, dataclasses.replace(drawn, result=result), fit.info.notes
            )
        result = other.result.after(drawn.result)
        drawn = dataclasses.replace(drawn, result=result)
        return self._fit_of(fit.data, second, drawn, fit.info.notes, (attempt,))

    def _fit_of(
        self,
        data: Dataset,
        run: Run,
        drawn: Drawn,
        notes: Iterable[str],
        attempts: tuple[Attempt, ...] = (),
    ) -> Any:
        """Return the fit that draws make, with how they were made."""
        result = drawn.result
        info = FitInfo(
            settings=dataclasses.replace(run.settings, target_accept=result.accept),
            free=drawn.free,
            data_digest=data.digest,
            compile_seconds=result.compile_seconds,
            sampling_seconds=result.sampling_seconds,
            interrupted=result.interrupted,
            pilots=result.pilots,
            notes=tuple(notes),
            warm_start=drawn.warm_start,
            attempts=attempts,
            cut=drawn.cut,
            shared_from=drawn.shared_from,
            reference_posterior=drawn.reference_info,
            versions=_versions(),
        )
        posterior = describe(result.posterior, symbols_of(*vars(self.spec).values()))
        drawn = dataclasses.replace(drawn, result=dataclasses.replace(result, posterior=posterior))
        return self._make_fit(data, drawn, info)

    def _make_fit(self, data: Dataset, drawn: Drawn, info: FitInfo) -> Any:
        """Return the fit of this kind of model."""
        raise NotImplementedError

    def _draw(self, data: Dataset, design: Design, run: Run, options: Any) -> Drawn:
        """Sample the posterior; `data` is what `design` was made from."""
        return self.sample_design(design, run)

    def sample_design(
        self,
        design: Design,
        run: Run,
        *,
        warm_start: WarmStart | None = None,
        data: Dataset | None = None,
    ) -> Drawn:
        """Sample the posterior given a design, whole or with part of it withheld.

        Parameters
        ----------
        design : Design
            The dataset under this model.
        run : Run
            How to sample, and what is shown meanwhile.
        warm_start : WarmStart, optional
            What is known from another fit.
        data : Dataset, optional
            What the design was made from, whole. Of very many models a few are
            fitted first.

        Returns
        -------
        Drawn
        """
        first: Drawn | None = None
        subset = None if data is None or warm_start is not None else few_of_many(data)
        few = None if subset is None else self.make_design(subset)
        if few is not None and default_priors(few).keys() != default_priors(design).keys():
            # Some of many may lack what tells developers from families.
            few = None
        if few is not None and subset is not None and run.settings.tune >= SHORTEST_SPLIT:
            draws = round(FEW_DRAWS * run.settings.tune)
            short = run.replace(label=f"{run.label}, some models", draws=draws)
            first = self.sample_design(few, short)
            if first.result.interrupted:
                raise SamplingInterrupted("interrupted during warm-up: no draws kept")
            warm_start = WarmStart.of(first.result.posterior, few, subset.digest)
        model, retune = sampler_model(design)
        beginning = None
        if warm_start is not None:
            digest = "" if data is None else data.digest
            beginning = warm_start.for_other(design, model.model, digest)
        result = sample(
            model,
            structure=structure_of(design),
            run=run,
            retune=retune,
            beginning=beginning,
        )
        if first is not None:
            result = result.after(first.result)
        begun = "" if warm_start is None or beginning is None else warm_start.data_digest
        return Drawn(result, tuple(model.free), begun)

    def _repr_html_(self) -> str:
        """Return the call that makes this model, and its parts, for a notebook."""
        return card(repr(self), table=self._parts())

    def _parts(self) -> pd.DataFrame:
        """Return the named parts of the model with their equations."""
        rows = []
        for entry in dataclasses.fields(self.spec):
            part = getattr(self.spec, entry.name)
            if hasattr(part, "name"):
                equation = getattr(part, "equation", "")
                rows.append((entry.name.replace("_", " "), part.name, equation))
        return pd.DataFrame(rows, columns=["part", "name", "equation"])

    def _require_dataset(self, data: Any) -> None:
        if not isinstance(data, Dataset):
            raise BayesdenseError(
                f"a model is fitted to a bayesdense Dataset, not to {type(data).__name__}; "
                "load_dataset, read_dataset and Dataset.from_frames make one"
            )

    def make_design(self, data: Dataset) -> Design:
        """Arrange a dataset for this model.

        Parameters
        ----------
        data : Dataset
            The dataset.

        Returns
        -------
        Design
        """
        self._require_dataset(data)
        return make_design(data, self.spec)


@one_at_a_time
def sampler_model(
    design: Design, given: Mapping[str, np.ndarray] | None = None
) -> tuple[SamplerModel, Retune]:
    """Return a model in the coordinates of the sampler, and how a pilot changes these.

    Parameters
    ----------
    design : Design
        The dataset under the model.
    given : mapping of str to numpy.ndarray, optional
        Values of the ruler, as for `bayesdense.model.build_model`.

    Returns
    -------
    model : SamplerModel
    retune : callable
        From the draws of a pilot to new values of the model's data.
    """
    first = coordinates_from_data(design, model_priors(design), given=bool(given))
    before = first.arrays()

    def retune(posterior: xr.Dataset) -> Mapping[str, np.ndarray]:
        after = coordinates_from_pilot(design, first, posterior).arrays()
        return {name: v for name, v in after.items() if v is not before[name]}

    return reparametrise(design, first, given), retune


def structure_of(design: Design) -> tuple[Any, ...]:
    """Return what shapes a model's graph besides the data.

    Parameters
    ----------
    design : Design
        The dataset under the model.

    Returns
    -------
    tuple
        Hashable; models for which it is equal can share compiled code.
    """
    entries = [(f.name, getattr(design.spec, f.name)) for f in dataclasses.fields(design.spec)]
    parts = [(name, value) for name, value in entries if hasattr(value, "equation")]
    # A definition without a factor is only in the data.
    parts += [("size", design.spec.size)] if design.size_design else []
    switches = [(n, v) for n, v in entries if isinstance(v, str | bool)]
    stay = numbers_that_stay(design)
    return (
        type(design.spec).__name__,
        tuple((n, type(part), repr(sorted(vars(part).items()))) for n, part in parts),
        tuple(switches),
        tuple(_shape_of_prior(n, p, stay) for n, p in sorted(model_priors(design).items())),
        bool(design.has_losses.any()),
        bool(design.has_losses.all()),
        tuple(name for name, labels in sorted(design.coords.items()) if labels),
        # One of a kind has no differences.
        tuple(design.size(dim) > 1 for dim in ("benchmark", "loss_set", "reference_family")),
    )


def _shape_of_prior(
    name: str, prior: Prior, numbers: dict[str, tuple[str, ...]]
) -> tuple[Any, ...]:
    """Return what a prior has to do with the graph: not its numbers, but for the few that stay."""
    stay = [*FIXED, *numbers.get(name, ())]
    parameters, arrays = sorted(prior.parameters.items()), prior.arrays()
    return (
        name,
        prior.distribution,
        tuple((p, arrays[p].ndim, repr(value) if p in stay else "") for p, value in parameters),
    )


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
