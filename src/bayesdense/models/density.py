"""The main model: from scores to effective sizes to a doubling time."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from bayesdense.data import Dataset, check_readiness
from bayesdense.errors import BayesdenseError
from bayesdense.fit import DensityFit
from bayesdense.fit.info import FitInfo
from bayesdense.model import Design
from bayesdense.models.base import Drawn, Model
from bayesdense.models.compile_ahead import compile_ahead
from bayesdense.models.reference_posterior import KEPT_DRAWS, fit_reference_posterior, sample_cut
from bayesdense.models.subset import make_subset, sample_with_subset
from bayesdense.models.switch_notes import switch_notes
from bayesdense.parts.laws import LossLaw
from bayesdense.parts.maps import ScoreMap
from bayesdense.parts.sizes import SizeDefinition
from bayesdense.parts.trends import ChangePoint, Trend
from bayesdense.priors import Prior
from bayesdense.sampler.settings import Run, SamplingSettings
from bayesdense.sampler.warm_start import WarmStart, scored_targets
from bayesdense.spec import (
    FIRST_EDITION,
    LAW_OF_SKILL,
    OF_SKILL,
    SECOND_EDITION,
    ModelSpec,
)

__all__ = ["DensityModel"]

FORMS: dict[str, dict[str, Any]] = {
    "full": SECOND_EDITION,
    "first-edition": FIRST_EDITION,
    "pooled": {
        **FIRST_EDITION,
        "growth": "common",
        "level": "common",
        "size_slope": "none",
        "families": False,
        "harness_offsets": False,
    },
}
RULERS, FEWEST_RULERS = 600, 20
# Of each chain, where none are asked for.
DRAWS = 2000

DEFAULT_SPEC = ModelSpec(
    law="power-sum",  # type: ignore[arg-type]
    score_map="sigmoid",  # type: ignore[arg-type]
    trend="linear",  # type: ignore[arg-type]
    size="total",  # type: ignore[arg-type]
)


@dataclasses.dataclass(frozen=True)
class Options:
    """What `DensityModel.fit` can be asked for besides the settings of the sampler.

    Attributes
    ----------
    ruler_draws : int, optional
        With ``ruler="cut"``, how many draws of the ruler are passed on.
    reference_posterior : bool
        Whether to fit the ruler to the references only as well.
    warm_start : WarmStart, optional
        What is known from another fit.
    shared_from : int, optional
        From how many targets to sample what all models share.
    """

    ruler_draws: int | None
    reference_posterior: bool
    warm_start: WarmStart | None
    shared_from: int | None


class DensityModel(Model[ModelSpec]):
    """A Bayesian model of the Densing Law: from scores to effective sizes to a doubling time.

    Scores of reference models fix a ruler (loss law and score map, eq. 2 and
    3 of Xiao et al., arXiv 2412.04315); scores of targets are read off it as
    latent effective sizes (eq. 4); their ratio to the actual sizes is the
    density (eq. 1), and its trend in time the law (eq. 5). All are sampled
    together, so that every interval carries the uncertainty of the whole chain.

    Parameters
    ----------
    form : {"full", "first-edition", "pooled"}
        Where the switches below start: ``full`` has differences between
        benchmarks, sizes, families, developers and harnesses; ``first-edition``
        is the model of the package's first release, without developers, growth
        within families, noise by score and anything pooled over benchmarks;
        ``pooled`` has no differences, as the paper.
    law : str or LossLaw, optional
        Loss law: ``"power-sum"`` if not given, or another of `bayesdense.laws`.
    score_map : str or ScoreMap
        Score map: ``"sigmoid"``, or another of `bayesdense.maps`.
    trend : str or Trend
        ``"linear"`` (the typical model), ``"frontier"``, ``"spread"``,
        ``"smooth"``, ``"change-point"`` or ``"unknown-change"``;
        ``"none"`` for densities without a growth rate, where no date is read.
    size : str or SizeDefinition
        What counts as parameters: ``"total"``, ``"active"``, or another of
        `bayesdense.sizes`.
    growth : {"by-benchmark", "common"}, optional
        Whether growth rates differ between benchmarks. Without a trend there
        is no growth to differ.
    level : {"pooled", "by-benchmark", "common"}, optional
        Whether levels do: with a spread that is a parameter, with one of 1, or
        not at all.
    size_slope : {"by-benchmark", "common", "none"}, optional
        Whether density depends on size.
    families : bool or "nested", optional
        Whether models of one family have a deviation in common; ``"nested"``
        if families of one developer have one too, as far as any developer has
        several.
    within_families : bool, optional
        Whether density may grow otherwise within families than between them.
        The doubling time is then that of growth between families, and
        ``within_family_growth`` is how much faster density grows within. There
        is no such term without a trend, without effects of families, or where
        no family has models of two dates.
    date_sd : float, optional
        Standard deviation of reported release dates, in months; 0, so that
        they are exact, if not given. Models of one family and day are wrong
        together.
    harness_drift : str, optional
        A harness whose scores of one and the same model change in time, such
        as reports of vendors; none if not given. How fast is hardly known
        from data, so it shows what the answer would be.
    noise : {"by-score", "constant"}, optional
        Whether the noise between sources depends on the score.
    exponents : {"pooled", "separate"}, optional
        Whether the exponents of benchmarks with scores only vary around a
        common mean, or have priors of their own.
    cell_spread : {"pooled", "separate"}, optional
        Likewise the spread of deviations of models on single benchmarks.
    harness_offsets : bool, optional
        Whether harnesses differ systematically.
    item_noise : bool
        Whether scores carry the sampling noise of the benchmark's items.
    observation : {"normal", "student-t"}
        Noise between sources.
    reference_residual : float
        Standard deviation of a reference's log density.
    reference_cell_scale : float
        Standard deviation of references' deviations on single benchmarks,
        as a multiple of that of targets.
    d0 : float, optional
        Token budget at which effective size is read off; 1e12, as in the
        paper, if not given. It matters only where losses are known.
    ruler : {"joint", "cut", "skill"}
        Whether scores of targets inform the ruler (all is sampled together)
        or not: then whole posterior draws of the ruler, from references
        only, are passed on, and all else is sampled given each. ``"skill"``
        does without a reference family: references are models like others,
        and what a size is worth is learned from models of one family, as in
        Sloth; density is 1 on the trend at the mean date, and law, level and
        size slope are fixed.
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
        law: str | LossLaw | None = None,
        score_map: str | ScoreMap = "sigmoid",
        trend: str | Trend = "linear",
        size: str | SizeDefinition = "total",
        growth: str | None = None,
        level: str | None = None,
        size_slope: str | None = None,
        families: bool | str | None = None,
        within_families: bool | None = None,
        date_sd: float | None = None,
        harness_drift: str | None = None,
        noise: str | None = None,
        exponents: str | None = None,
        cell_spread: str | None = None,
        harness_offsets: bool | None = None,
        item_noise: bool = True,
        observation: str = "normal",
        reference_residual: float = 0.1,
        reference_cell_scale: float = 0.3,
        d0: float | None = None,
        ruler: str = "joint",
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
            "within_families": within_families,
            "date_sd": date_sd,
            "harness_drift": harness_drift,
            "noise": noise,
            "exponents": exponents,
            "cell_spread": cell_spread,
            "harness_offsets": harness_offsets,
        }
        of_skill = dict(OF_SKILL) if ruler == "skill" else {}
        given = {name: v for name, v in switches.items() if v is not None}
        chosen = FORMS[form] | of_skill | given
        if law is None:
            law = LAW_OF_SKILL if ruler == "skill" else "power-sum"
        parts: dict[str, Any] = {"law": law, "score_map": score_map, "trend": trend, "size": size}
        self.spec = ModelSpec(
            **parts,
            **chosen,
            item_noise=item_noise,
            observation=observation,  # type: ignore[arg-type]
            reference_residual=reference_residual,
            reference_cell_scale=reference_cell_scale,
            d0=d0,
            ruler=ruler,  # type: ignore[arg-type]
            priors=priors or {},
        )

    def __repr__(self) -> str:
        """Return the call that makes this model, without what is default."""
        values, defaults = self.spec.to_dict(), DEFAULT_SPEC.to_dict()
        settings, default_settings = values.pop("trend_settings"), defaults["trend_settings"]
        values["priors"] = dict(self.spec.priors)
        values |= {name: getattr(self.spec, name) for name in values.pop("part_settings", {})}
        for form in ("first-edition", "pooled"):
            if all(values[name] == value for name, value in FORMS[form].items()):
                rest = {name: v for name, v in values.items() if name not in FORMS[form]}
                values, defaults["form"] = {"form": form, **rest}, "full"
                break
        shown = {k: v for k, v in values.items() if v != defaults[k]}
        if settings and settings != default_settings:
            shown["trend"] = self.spec.trend
        return f"DensityModel({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def replace(self, **changes: Any) -> DensityModel:
        """Return this model with some of its arguments replaced.

        Parameters
        ----------
        **changes
            Arguments of `DensityModel`. A ``form`` replaces all switches that
            are not given too; ``priors`` are added to those there are.

        Returns
        -------
        DensityModel

        Examples
        --------
        >>> import bayesdense as bd
        >>> bd.DensityModel(trend="frontier").replace(size="active")
        DensityModel(size='active', trend='frontier')
        """
        entries = dataclasses.fields(ModelSpec)
        own = {entry.name: getattr(self.spec, entry.name) for entry in entries}
        dropped = set(FORMS["pooled"]) if "form" in changes else set()
        if "skill" in (changes.get("ruler"), self.spec.ruler) and "ruler" in changes:
            # These are not free with a ruler of latent skill.
            dropped |= {"law", *OF_SKILL}
            left = self.spec.ruler == "skill" != changes["ruler"]
            if left and "form" not in changes and self._is_first_edition():
                # What a latent skill fixes comes back as this edition has it.
                changes = {n: FIRST_EDITION[n] for n in OF_SKILL} | changes
                changes["form"] = "first-edition"
        if "priors" in changes:
            changes["priors"] = {**self.spec.priors, **changes["priors"]}
        kept = {name: value for name, value in own.items() if name not in dropped}
        return DensityModel(**kept | changes)

    def _is_first_edition(self) -> bool:
        """Return whether all that a latent skill does not fix is that of the first edition."""
        own = {name: v for name, v in FIRST_EDITION.items() if name not in OF_SKILL}
        return all(getattr(self.spec, name) == value for name, value in own.items())

    def fit(
        self,
        data: Dataset,
        *,
        draws: int | None = None,
        tune: int = 1000,
        chains: int = 4,
        cores: int | None = None,
        random_seed: int | None = None,
        target_accept: float | None = None,
        ruler_draws: int | None = None,
        reference_posterior: bool = True,
        warm_start: DensityFit | WarmStart | None = None,
        shared_from: int | None = None,
        compiler: str = "dynamic",
        progressbar: bool = True,
    ) -> DensityFit:
        """Sample the posterior with nutpie, and check it.

        Parameters
        ----------
        data : Dataset
            With references, targets and core benchmarks.
        draws : int, optional
            Draws kept of each chain. If not given 2,000; and where these are
            not to be trusted, sampling goes on by itself, once: with the
            draws that were lacking, at most 6,000, and smaller steps where
            draws diverged and no ``target_accept`` was given.
            ``info.attempts`` has the run before.
        tune : int
            Warm-up draws of each chain.
        chains : int
            Number of chains.
        cores : int, optional
            Chains that run at the same time.
        random_seed : int, optional
            Source of randomness; recorded in the fit.
        target_accept : float, optional
            Acceptance that the step size is tuned to; if not given 0.95 with a
            thousand parameters, more with fewer (0.97 at most) and less with
            more, so that the step stays as it is.
        ruler_draws : int, optional
            With ``ruler="cut"``, how many draws of the ruler are passed on;
            600 if not given. Each gets a short chain, so that `draws` and
            `tune` are not used.
        reference_posterior : bool
            Whether to fit the ruler to the references only as well, so that
            `DensityFit.coefficients` and `DensityFit.reach` can show what the
            targets did to it. Models of the same data and seed share that fit.
        warm_start : DensityFit, optional
            A fit of the same question or one like it: warm-up begins with what
            it found, which does not change what is sampled. It needs the same
            law and map, and every benchmark of these data; where it lacks one,
            warm-up begins with nothing. ``info.warm_start`` has the digest
            of the data of the fit that was used, or is empty.
        shared_from : int, optional
            An approximation for thousands of targets: what all models share
            (ruler, growth, scales) is sampled from about so many of them,
            whole families spread over time, and each model given that and all
            of its scores. Intervals are those that so many targets give. Of
            all draws 2,000 are kept. The fit says so in its headline, checks,
            figures and tables of intervals; ``info.shared_from`` has the
            numbers. Ctrl-C while the subset is fitted raises.
        compiler : {"dynamic", "nutpie"}
            How the model is compiled, of which no result depends:
            ``"dynamic"``, once for data of any size, or ``"nutpie"``, by
            `nutpie.compile_pymc_model`, anew for every dataset and without
            pilots, in case a new version of nutpie breaks the first.
        progressbar : bool
            Whether to show a progress bar.

        Returns
        -------
        DensityFit
            Ctrl-C during sampling returns what has been drawn so far, and the
            checks say so; during compilation, warm-up or the fit of the
            references it raises.

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
            draws=DRAWS if draws is None else draws,
            tune=tune,
            chains=chains,
            cores=cores,
            random_seed=random_seed,
            target_accept=target_accept,
            compiler=compiler,
        )
        options = Options(ruler_draws, reference_posterior, _warm_start_of(warm_start), shared_from)
        run = Run(settings, self.spec.trend.name, progressbar)
        fit: DensityFit = self.fit_as_asked(data, run, options, go_on=draws is None)
        return fit

    def _make_fit(self, data: Dataset, drawn: Drawn, info: FitInfo) -> DensityFit:
        return DensityFit(
            posterior=drawn.result.posterior,
            sample_stats=drawn.result.sample_stats,
            data=data,
            spec=self.spec,
            info=info,
            reference_posterior=drawn.reference_posterior,
        )

    def _draw(self, data: Dataset, design: Design, run: Run, options: Options) -> Drawn:
        count, cut = options.ruler_draws, self.spec.ruler == "cut"
        if not cut and count is not None:
            raise BayesdenseError(
                f"ruler_draws is for ruler='cut'; this model's ruler is {self.spec.ruler!r}"
            )
        if cut and not options.reference_posterior:
            raise BayesdenseError(
                "ruler='cut' needs the reference posterior: reference_posterior=True"
            )
        if cut and options.warm_start is not None:
            raise BayesdenseError(
                "warm_start is not for ruler='cut', where each ruler has a chain of its own"
            )
        if cut and run.settings.compiler != "dynamic":
            raise BayesdenseError(
                "compiler='nutpie' is not for ruler='cut', where one code serves many rulers"
            )
        most = KEPT_DRAWS
        if count is not None and (type(count) is not int or not FEWEST_RULERS <= count <= most):
            raise BayesdenseError(
                f"ruler_draws must be a whole number from {FEWEST_RULERS} to {most}, not {count!r}"
            )
        subset = None
        if options.shared_from is not None:
            if options.warm_start is not None:
                raise BayesdenseError("warm_start and shared_from exclude one another")
            subset = make_subset(self, data, design, options.shared_from)

        def jointly() -> Drawn:
            if subset is not None:
                return sample_with_subset(self, subset, design, run)
            return self.sample_design(design, run, warm_start=options.warm_start, data=data)

        if not options.reference_posterior or self.spec.ruler == "skill":
            return jointly()
        # At the same time as the model of the references.
        compile_ahead(self, data, design, run.settings.compiler)
        own = fit_reference_posterior(
            data, self.spec, run.replace(label=f"{data.name}, references only")
        )
        if cut:
            drawn = sample_cut(design, own, RULERS if count is None else count, run)
        else:
            drawn = jointly()
        return dataclasses.replace(
            drawn, reference_posterior=own.posterior, reference_info=own.info
        )

    def _notes(self, data: Dataset) -> list[str]:
        found = check_readiness(
            data, references=self.spec.ruler != "skill", trend=self.spec.has_growth
        )
        found += switch_notes(self.spec, data)
        if isinstance(self.spec.trend, ChangePoint):
            found += self.spec.trend.notes(scored_targets(data)["release_date"].dropna())
        return found


def _warm_start_of(warm_start: DensityFit | WarmStart | None) -> WarmStart | None:
    """Return what can be taken from a fit."""
    if warm_start is None or isinstance(warm_start, WarmStart):
        return warm_start
    if not isinstance(warm_start, DensityFit):
        raise BayesdenseError(
            f"warm_start must be a DensityFit, not {type(warm_start).__name__}; "
            "DensityModel.fit and load_fit give one"
        )
    return warm_start.warm_start()
