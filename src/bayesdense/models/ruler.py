"""The ruler on its own: loss law and score map fitted to the reference models."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from bayesdense.data import Dataset, check_ruler_readiness
from bayesdense.fit import RulerFit
from bayesdense.fit.info import FitInfo
from bayesdense.models.base import Drawn, Model
from bayesdense.parts.laws import LossLaw
from bayesdense.parts.maps import ScoreMap
from bayesdense.parts.sizes import SizeDefinition
from bayesdense.priors import Prior
from bayesdense.sampler.settings import Run, SamplingSettings
from bayesdense.spec import RulerSpec

__all__ = ["RulerModel"]

# Of each chain, where none are asked for.
DRAWS = 3000

DEFAULT_SPEC = RulerSpec(
    law="power-sum",  # type: ignore[arg-type]
    score_map="sigmoid",  # type: ignore[arg-type]
    size="total",  # type: ignore[arg-type]
)


class RulerModel(Model[RulerSpec]):
    """The two-step ruler of the Densing Law, from reference models only.

    Losses of the runs fix the loss law (eq. 2 of Xiao et al., arXiv
    2412.04315), and scores at those losses the score map (eq. 3). There are
    two stages of noise: losses deviate from the law between runs, and scores
    from the map. Several loss sets share their exponents in part. A dataset
    without scores fits the law only, one without losses both steps in one.

    Targets of the dataset play no part: `DensityModel` is for them.

    Parameters
    ----------
    law : str or LossLaw
        Loss law: ``"power-sum"``, or another of `bayesdense.laws`.
    score_map : str or ScoreMap
        Score map: ``"sigmoid"``, or another of `bayesdense.maps`.
    size : str or SizeDefinition
        What counts as parameters: ``"total"``, ``"active"``, or another of
        `bayesdense.sizes`.
    harness_offsets : bool
        Whether harnesses differ systematically.
    item_noise : bool
        Whether scores carry the sampling noise of the benchmark's items.
    observation : {"normal", "student-t"}
        Noise between sources of one score.
    noise : {"constant", "by-score"}
        Whether the noise between sources depends on the score.
    exponents : {"separate", "pooled"}
        Whether the exponents of benchmarks with scores only have priors of
        their own, or vary around a common mean.
    cell_spread : {"separate", "pooled"}
        Likewise the spread of deviations of models on single benchmarks.
    reference_residual : float
        Standard deviation of a run's log density, where it is read by its
        size because its loss is not known.
    reference_cell_scale : float
        Standard deviation of runs on single benchmarks, as a multiple of ``cell_effect_sd``.
    priors : mapping of str to Prior, optional
        Priors that replace the defaults; `priors` lists the parameters.

    Examples
    --------
    >>> import bayesdense as bd
    >>> bd.RulerModel(law="irreducible")
    RulerModel(law='irreducible')
    """

    def __init__(
        self,
        *,
        law: str | LossLaw = "power-sum",
        score_map: str | ScoreMap = "sigmoid",
        size: str | SizeDefinition = "total",
        harness_offsets: bool = True,
        item_noise: bool = True,
        observation: str = "normal",
        noise: str = "constant",
        exponents: str = "separate",
        cell_spread: str = "separate",
        reference_residual: float = 0.1,
        reference_cell_scale: float = 0.3,
        priors: Mapping[str, Prior] | None = None,
    ) -> None:
        parts: dict[str, Any] = {"law": law, "score_map": score_map, "size": size}
        self.spec = RulerSpec(
            **parts,
            harness_offsets=harness_offsets,
            item_noise=item_noise,
            observation=observation,  # type: ignore[arg-type]
            noise=noise,  # type: ignore[arg-type]
            exponents=exponents,  # type: ignore[arg-type]
            cell_spread=cell_spread,  # type: ignore[arg-type]
            reference_residual=reference_residual,
            reference_cell_scale=reference_cell_scale,
            priors=priors or {},
        )

    def __repr__(self) -> str:
        """Return the call that makes this model, without what is default."""
        values, defaults = self.spec.to_dict(), DEFAULT_SPEC.to_dict()
        values["priors"] = dict(self.spec.priors)
        values |= {name: getattr(self.spec, name) for name in values.pop("part_settings", {})}
        shown = {k: v for k, v in values.items() if v != defaults[k]}
        return f"RulerModel({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def replace(self, **changes: Any) -> RulerModel:
        """Return this model with some of its arguments replaced.

        Parameters
        ----------
        **changes
            Arguments of `RulerModel`; ``priors`` are added to those there are.

        Returns
        -------
        RulerModel

        Examples
        --------
        >>> import bayesdense as bd
        >>> bd.RulerModel(law="irreducible").replace(size="active")
        RulerModel(law='irreducible', size='active')
        """
        if "priors" in changes:
            changes["priors"] = {**self.spec.priors, **changes["priors"]}
        names = list(inspect.signature(RulerModel).parameters)
        return RulerModel(**{name: getattr(self.spec, name) for name in names} | changes)

    def fit(
        self,
        data: Dataset,
        *,
        draws: int | None = None,
        tune: int = 1000,
        chains: int = 4,
        cores: int | None = None,
        random_seed: int | None = None,
        target_accept: float = 0.99,
        compiler: str = "dynamic",
        progressbar: bool = True,
    ) -> RulerFit:
        """Sample the posterior with nutpie, and check it.

        Parameters
        ----------
        data : Dataset
            With reference models that have losses, scores or both.
        draws : int, optional
            Draws kept of each chain. If not given 3,000; and where these are
            not to be trusted, sampling goes on by itself, once: with the
            draws that were lacking, at most 9,000. ``info.attempts`` has the run
            before.
        tune : int
            Warm-up draws of each chain.
        chains : int
            Number of chains.
        cores : int, optional
            Chains that run at the same time.
        random_seed : int, optional
            Source of randomness; recorded in the fit.
        target_accept : float
            Acceptance that the step size is tuned to.
        compiler : {"dynamic", "nutpie"}
            How the model is compiled, of which no result depends:
            ``"dynamic"``, once for data of any size, or ``"nutpie"``, by
            `nutpie.compile_pymc_model`, anew for every dataset and without
            pilots, in case a new version of nutpie breaks the first.
        progressbar : bool
            Whether to show a progress bar.

        Returns
        -------
        RulerFit

        Raises
        ------
        ReadinessError
            If the references cannot fix a ruler.
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
        run = Run(settings, "ruler", progressbar)
        fit: RulerFit = self.fit_as_asked(data, run, go_on=draws is None)
        return fit

    def _make_fit(self, data: Dataset, drawn: Drawn, info: FitInfo) -> RulerFit:
        return RulerFit(
            posterior=drawn.result.posterior,
            sample_stats=drawn.result.sample_stats,
            data=data,
            spec=self.spec,
            info=info,
        )

    def _notes(self, data: Dataset) -> list[str]:
        return check_ruler_readiness(data)
