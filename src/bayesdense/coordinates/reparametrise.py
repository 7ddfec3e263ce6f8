"""The sampler's model: the textbook model with every variable in coordinates that suit it.

Which variable is sampled how, in the order in which they depend on one another. No result depends
on anything here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bayesdense.coordinates.decorrelation import (
    end_features,
    law_features,
    residual_shift,
    shape_exponents,
)
from bayesdense.coordinates.family_variables import move_families
from bayesdense.coordinates.initial import Coordinates
from bayesdense.coordinates.law_variables import move_loss_law
from bayesdense.coordinates.score_inversion import (
    LITTLE,
    ScoreInversion,
    invert_scores,
)
from bayesdense.coordinates.skew_normal import skew_normal_logp
from bayesdense.coordinates.transforms import Floor, end_transforms, moved_from_data
from bayesdense.coordinates.variables import Rewrite
from bayesdense.model.build import build_model, given_ruler, model_priors
from bayesdense.model.cells import has_pooled_spread
from bayesdense.model.dates import within_families, years_of
from bayesdense.model.design import Design
from bayesdense.model.loss_law import pooled_exponents
from bayesdense.model.numbers import prior_parameters
from bayesdense.model.ruler import Ruler
from bayesdense.model.trend import differences, line, target_sizes
from bayesdense.parts.trends.base import HALF_NORMAL_MEAN, factor_of
from bayesdense.priors import Prior
from bayesdense.spec import ModelSpec

__all__ = ["SamplerModel", "numbers_that_stay", "reparametrise"]

STAY: dict[str, tuple[str, ...]] = {
    "map_floor": ("sigma",),
    "ceiling_share": ("alpha",),
    "cell_effect_sd_sd": ("sigma",),
    "developer_effect_sd": ("sigma",),
    "size_slope_sd": ("sigma",),
}
"""Numbers of priors that set coordinates, and so are part of the graph, of any design."""

FROM_ZERO = 1.0 / 3.0
"""Of the scale of a prior: below it, a standard deviation is sampled as near 0."""

NOT_KEPT = ("benchmark_difference", "expected_loss", "expected_score")
"""What follows from other variables and is too large to keep of every draw."""


def numbers_that_stay(design: Design) -> dict[str, tuple[str, ...]]:
    """Return which numbers of priors set coordinates, and so are part of the graph.

    Parameters
    ----------
    design : Design
        The dataset under the model.

    Returns
    -------
    dict of str to tuple of str
        Names of numbers, by parameter.
    """
    return STAY | {sd: ("sigma",) for _, sd in pooled_exponents(design).values()}


@dataclass(frozen=True)
class SamplerModel:
    """A model as the sampler sees it.

    Attributes
    ----------
    model : pymc.Model
        Rewritten; every number is data.
    starts : dict of str to numpy.ndarray
        Where chains start, by free variable.
    near : dict of str to float
        How far from there, in its coordinates, where it is not as usual.
    bases : dict of str to str
        The directions of the free variables that stand for zero-sum effects:
        ``<effects>_contrast`` and the name of the data.
    terms : tuple of str
        The variables that are sampled together as ``log_terms``.
    free : list of str
        The free variables of the textbook model.
    """

    model: Any
    starts: dict[str, np.ndarray]
    near: dict[str, float]
    bases: dict[str, str]
    terms: tuple[str, ...]
    free: list[str]
    hidden: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Name what draws do not keep: free variables that the textbook model does not have."""
        names = {str(variable.name) for variable in self.model.free_RVs}
        object.__setattr__(self, "hidden", frozenset(names - set(self.free)))

    def complete(self, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return values of variables with those of the free variables that stand for them.

        Parameters
        ----------
        values : mapping of str to numpy.ndarray
            Of variables of the textbook model; not all need be there.

        Returns
        -------
        dict of str to numpy.ndarray
        """
        found = dict(values)
        for contrast, basis in self.bases.items():
            effects = contrast.removesuffix("_contrast")
            if effects in found:
                directions = self.model[basis].get_value()
                found[contrast] = np.ravel(found[effects]) @ directions
        if self.terms and all(name in found for name in self.terms):
            found["log_terms"] = np.log(np.stack([found[n] for n in self.terms], axis=-1))
        return found


def reparametrise(
    design: Design,
    coordinates: Coordinates,
    given: Mapping[str, np.ndarray] | None = None,
) -> SamplerModel:
    """Build a model in the coordinates of the sampler.

    Parameters
    ----------
    design : Design
        The dataset under the model.
    coordinates : Coordinates
        From the data or from a pilot.
    given : mapping of str to numpy.ndarray, optional
        Values of the ruler, as for `bayesdense.model.build_model`.

    Returns
    -------
    SamplerModel
    """
    model = build_model(design, given=given, replaceable=True)
    return _Reparametrisation(model, design, coordinates, bool(given)).run()


class _Reparametrisation:
    """The rewrite of one model; every method is about some of its variables."""

    def __init__(self, model: Any, design: Design, coordinates: Coordinates, given: bool) -> None:
        self.design, self.spec, self.given = design, design.spec, given
        self.free = [str(variable.name) for variable in model.free_RVs]
        self.priors: dict[str, Prior] = model_priors(design)
        self.coordinates = coordinates
        self.v = Rewrite(model, coordinates.arrays())
        self.parameters = prior_parameters(self.priors, self.v)
        self.near: dict[str, float] = {}
        self.bases: dict[str, str] = {}
        self.terms: tuple[str, ...] = ()

    def run(self) -> SamplerModel:
        v = self.v
        size = v["relative_log_size"]
        if "log_size" in v:
            size = v["log_size"] - v["log_size_centre"]
        self._source_noise()
        self._harness_offsets()
        if self.given:
            ruler = given_ruler(self.spec, v, {n[6:]: v[n] for n in v if n.startswith("given_")})
        else:
            ruler = Ruler.of(v, v, self.design)
            self._ruler(ruler)
        if self.design.size("cell"):
            self._cell_spread(ruler)
            seen = invert_scores(
                v,
                ruler,
                size=size,
                count=v.length,
                any_known=bool(self.design.has_losses.any()),
            )
            if isinstance(self.spec, ModelSpec):
                self._targets(seen, size)
            self._references()
            self._cells(seen, size)
        else:
            self._references()
        if "item_effect" in v:
            v.start("item_effect", 0.0)
        model = v.finish(without=NOT_KEPT)
        return SamplerModel(
            model=model,
            starts=self._starts(model),
            near=self.near,
            bases=self.bases,
            terms=self.terms,
            free=self.free,
        )

    def _starts(self, model: Any) -> dict[str, np.ndarray]:
        """Return where chains start: the median of the prior where nothing else is said."""
        found = {}
        for variable in model.free_RVs:
            name = str(variable.name)
            if name not in self.v.starts:
                plain = name.removesuffix("_with_losses").removesuffix("_scores_only")
                prior = self.priors[name if name in self.priors else plain]
                self.v.start(name, prior.median())
            found[name] = np.asarray(self.v.starts[name], dtype=float)
        return found

    def move(
        self,
        name: str,
        shift: Any,
        *,
        prior: str = "",
        rate: Any = 1.0,
        from_data: bool = False,
        together: tuple[Any, Any] | None = None,
        start: Any = None,
    ) -> None:
        """Move a parameter that has a prior; one with bounds is sampled as it is."""
        key = prior or name
        prior_of = self.priors[key]
        value = prior_of.median() if start is None else start
        if prior_of.support == "bounded" or shift is None:
            self.v.start(name, value)
            return
        self.v.move(
            name,
            *self._distribution(key),
            shift=shift,
            rate=rate,
            log=prior_of.support == "positive",
            from_data=from_data,
            together=together if prior_of.support == "positive" else None,
            start=value,
        )

    def _source_noise(self) -> None:
        """Noise of sources: exponent and scale by what the noise is at the scores there are."""
        v = self.v
        if "source_noise_exponent" not in v:
            return
        exponent, tilt = v["source_noise_exponent"], v["source_noise_tilt"]
        self.move("source_noise_exponent", v["at_noise_slope"] * tilt)
        centre = v["at_noise_centre"]
        self.move("source_noise_sd", exponent * centre[0] + tilt * centre[1])

    def _harness_offsets(self) -> None:
        """Offsets of harnesses, along contrasts that scores know apart."""
        v = self.v
        if "harness_offset" not in v:
            return
        scale = v["harness_offset_sd"][v["at_harness_benchmark"]]
        v.contrast(
            "harness_offset",
            v["at_harness_basis"],
            scale,
            list(range(len(self.coordinates.harness.error))),
            error=v["at_harness_error"],
            pull=v["at_harness_pull"],
            shape=v["harness_measured"].shape,
        )
        self.bases["harness_offset_contrast"] = "at_harness_basis"

    def _ruler(self, ruler: Ruler) -> None:
        """Decorrelate the coefficients of law and map."""
        v, design, spec = self.v, self.design, self.spec
        if design.loss_sets:
            law = self.coordinates.law
            assert law is not None
            self.terms = move_loss_law(self, law)
        known = design.has_losses
        if not len(known):
            return
        self._floor_and_ceiling()
        ends = end_features(v["at_knots"], v["at_knot_margin"], ruler.floor, ruler.span)
        names = shape_exponents(spec.law)
        mixed = bool(design.loss_sets) and not known.all()
        centre = v["at_regression_centre"]
        pooled = pooled_exponents(design)
        if not known.all():
            which = v["unknown_benchmarks"]
            suffix = "_scores_only" if mixed else ""
            own = [values[which] for values in ends]
            for name in spec.law.shape:
                slopes = v[f"at_regression_of_{name}"] if name in names else None
                shift = None if slopes is None else residual_shift(slopes, centre, own, which)
                if name in pooled:
                    error, pull = (v[f"at_{of}_of_{name}"][which] for of in ("error", "pull"))
                    self._pooled(f"{name}{suffix}", pooled[name], shift, error, pull)
                else:
                    self.move(f"{name}{suffix}", shift, prior=name)
        features = [*ends, *law_features(names, ruler.coefficients, v["benchmark_ruler"])]
        slope_shift = residual_shift(v["at_regression_slope"], centre, features)
        if known.any():
            which = v["known_benchmarks"]
            gamma = v["map_steepness"]
            self.move("map_steepness", slope_shift[which])
            # The logit at the lowest loss is what scores fix best: small runs are at chance. With
            # it in the place of the midpoint the posterior loses a ridge.
            shift = self._logit_shift(features, gamma, which)
            lowest = v["at_lowest_loss"][which]
            self.move(
                "map_midpoint_loss",
                shift - gamma * lowest,
                rate=gamma,
                start=self.coordinates.lowest_loss[known],
            )
        if not known.all():
            suffix = "_scores_only" if bool(known.any()) else ""
            which = v["unknown_benchmarks"]
            names = [f"map_{of}_at_centre{suffix}" for of in ("slope", "logit")]
            # Targets fix how steep rulers are beside one another better than how steep all are.
            unit = v["at_regression_slope_unit"][which]
            self.move(
                names[0],
                slope_shift[which],
                prior="map_slope_at_centre",
                together=(v["at_regression_slope_share"], unit),
            )
            shift = self._logit_shift(features, v[names[0]], which)
            self.move(names[1], shift, prior="map_logit_at_centre")

    def _pooled(
        self, variable: str, pooled: tuple[str, str], shift: Any, error: Any, pull: Any
    ) -> None:
        """Sample LogNormal numbers around a common mean, given what scores say of each."""
        import pymc as pm
        import pytensor.tensor as pt

        v = self.v
        self.from_zero(pooled[1])
        mean, sd = (v[of] for of in pooled)
        precision = sd**-2.0
        rate = pt.sqrt(precision + error**-2.0)
        # The regression is of what scores say: it counts by as much as they do.
        towards = precision * mean + pull - error**-2.0 * shift
        v.move(
            variable,
            [mean, sd],
            pm.LogNormal.dist,
            shift=-towards / rate,
            rate=rate,
            log=True,
            start=np.exp(self.priors[pooled[0]].median()),
        )

    def from_zero(self, name: str) -> None:
        """Sample a standard deviation that may be 0 in a coordinate without a long tail there."""
        prior = self.priors[name]
        if prior.distribution == "HalfNormal":
            scale = float(np.mean(prior.arrays()["sigma"]))
            self.v.set_transform(name, Floor(FROM_ZERO * scale), prior.median())
        else:
            self.move(name, None)

    def _logit_shift(self, features: list[Any], slope: Any, which: Any) -> Any:
        """Return by how much less than the logit is what scores see of it.

        Scores fix the logit where they are, on the harness that measured them.
        """
        import pytensor.tensor as pt

        v = self.v
        own = [*(f[which] for f in features), pt.log(slope)]
        shift = residual_shift(v["at_regression_logit"], v["at_regression_centre"], own, which)
        if "harness_offset" in v:
            shift = shift + (v["at_harness_share"] * v["harness_offset"]).sum(axis=0)[which]
        return shift

    def _floor_and_ceiling(self) -> None:
        """Floor and ceiling in coordinates in which their densities have no long tail."""
        v, straight = self.v, end_transforms(self.priors)
        starts = {"map_floor": np.maximum(self.design.chance, 0.01)}
        for name in ("map_floor", "ceiling_share"):
            if name not in self.priors:
                continue
            start = starts.get(name, self.priors[name].median())
            if name not in straight:
                v.start(name, start)
                continue
            parameters, dist = self._distribution(name)
            place, width = (v[f"at_bend_{of}_of_{name}"] for of in ("place", "width"))
            v.bend(
                name,
                parameters,
                dist,
                transform=straight[name],
                place=place,
                width=width,
                start=start,
            )

    def _distribution(self, name: str) -> tuple[list[Any], Callable[..., Any]]:
        """Return the numbers of a prior, and what makes its distribution of them."""
        prior, numbers = self.priors[name], self.parameters[name]

        def dist(*values: Any) -> Any:
            return prior.unnamed(dict(zip(numbers, values, strict=True)))

        return list(numbers.values()), dist

    def _cell_spread(self, ruler: Ruler) -> None:
        """Deviations of cells shrink as the ruler gets steeper."""
        import pytensor.tensor as pt

        v = self.v
        ends = end_features(v["at_knots"], v["at_knot_margin"], ruler.floor, ruler.span)
        names = shape_exponents(self.spec.law)
        features = [*ends, *law_features(names, ruler.coefficients, v["benchmark_ruler"])]
        logit = ruler.steepness * (ruler.midpoint - v["at_lowest_loss"])
        features += [pt.log(ruler.steepness), logit]
        shift = residual_shift(v["at_regression_spread"], v["at_regression_centre"], features)
        if has_pooled_spread(self.design):
            error, pull = (v[f"at_{of}_of_cell_effect_sd"] for of in ("error", "pull"))
            pooled = "cell_effect_sd_mean", "cell_effect_sd_sd"
            self._pooled("cell_effect_sd", pooled, shift, error, pull)
        else:
            self.move("cell_effect_sd", shift)

    def _targets(self, seen: ScoreInversion, size: Any) -> None:
        """Level, growth, size slope, families and models, from what scores say of them."""
        import pytensor.tensor as pt

        v, spec = self.v, self.spec
        assert isinstance(spec, ModelSpec)
        n_on_line, n_targets = v.length(self.design.on_line), v.length("target")
        if "date_error" in v:
            sd = v["date_sd"]
            v.standardise("date_error", sd**-2.0, _log(sd), 0.0, start=0.0)
        years = years_of(v, v)
        size = target_sizes(size, v, n_targets)
        common = seen.common
        between = (seen.levels - common).T
        on_line = years[:n_on_line]
        names = (*spec.trend.priors(), "growth_rate", *spec.trend.constants)
        values = {n: v[n] for n in names if n in v}
        sd, lag = spec.trend.scales(values, on_line)
        for name in spec.trend.priors():
            shift = seen.stretch if self.priors[name].support == "positive" else None
            if name == "frontier_total_sd":
                # Of the total, what the scatter of the models fixes is their standard deviation.
                shift = shift + 0.5 * _log(1.0 - HALF_NORMAL_MEAN**2 * v["lag_share"])
            self.move(name, shift)
        bend = spec.trend.line(values | {"growth_rate": 0.0}, on_line)
        above = *_above_models(lag, bend, on_line), 0.0
        for i, name in enumerate(("log_density_level", "growth_rate", "size_slope")):
            if name in self.priors:
                self.move(name, -(common[i] + above[i]), from_data=True)
        self._benchmarks(between, seen)
        left = differences(v, years, size)
        if left is None:
            left = pt.zeros((n_targets, v.length("benchmark")))
        expected = line(v, v, spec.trend, on_line, size[:n_on_line])
        expected = expected + within_families(v, v)
        # Without a date a model says nothing of the trend; its level is the common one.
        rest = v["log_density_level"] + 0.0 * years[n_on_line:]
        if "size_slope" in v:
            rest = rest + v["size_slope"] * size[n_on_line:]
        expected = pt.concatenate([expected, rest])
        if "family_effect" in v:
            factor = factor_of(spec.trend, values, on_line)
            expected, left = move_families(
                self, seen, left, expected, sd=sd, lag=lag, factor=factor
            )
        mean, information = seen.by_target(seen.residual(left), n_targets)
        self._models(mean, information, expected[:n_on_line], sd, lag)

    def _benchmarks(self, between: Any, seen: ScoreInversion) -> None:
        """Zero-sum levels, growth rates and size slopes between benchmarks."""
        v = self.v
        labels = list(range(self.design.size("benchmark") - 1))
        if "benchmark_offset" in v:
            sigma = v.get("benchmark_offset_sd")
            if sigma is None:
                sigma = self.parameters["benchmark_offset"]["sigma"]
            basis, error = v["at_level_basis"], v["at_level_error"]
            v.contrast("benchmark_offset", basis, sigma, labels, error=error, mean=between[0])
            self.bases["benchmark_offset_contrast"] = "at_level_basis"
        for name, place in (("growth", 1), ("size_slope", 2)):
            rate = "growth_rate" if name == "growth" else name
            if f"{rate}_deviation" not in v:
                continue
            scale, basis = v[f"{rate}_sd"], v[f"at_{name}_basis"]
            if rate == "growth_rate":
                self.move(f"{rate}_sd", seen.stretch)
            else:
                # Little differs, so that 0 is among what is likely.
                self.from_zero(f"{rate}_sd")
            v.contrast(
                f"{rate}_deviation",
                basis,
                scale,
                labels,
                error=v[f"at_{name}_error"],
                mean=between[place],
            )
            self.bases[f"{rate}_deviation_contrast"] = f"at_{name}_basis"

    def effects(self, name: str, scale: Any, information: Any, mean: Any) -> None:
        """Standardise effects by what scores say of them."""
        self.v.standardise(name, scale**-2.0, _log(scale), information, mean=mean)

    def _models(self, mean: Any, information: Any, expected: Any, sd: Any, lag: Any) -> None:
        """Effects of single models, given what their scores say of their density."""
        import pytensor.tensor as pt

        v = self.v
        n_on_line = v.length(self.design.on_line)
        around, known = mean[:n_on_line] - expected, information[:n_on_line]
        if lag is None:
            self.effects("model_effect", sd, known, around)
        else:
            # Standardised by a Normal of the same mean and variance.
            middle = -HALF_NORMAL_MEAN * lag
            precision = 1.0 / (sd**2 + (1.0 - HALF_NORMAL_MEAN**2) * lag**2)
            rate = pt.sqrt(precision + known)
            shift = -(middle * precision + around * known) / rate
            parameters = [sd, lag, rate, shift]
            v.custom("model_effect", parameters, skew_normal_logp, moved_from_data)
            v.start("model_effect", 0.0)
        if "undated_log_density" in v:
            # Sampled as they are, all of them would have to move whenever the ruler does.
            rate = pt.sqrt(information[n_on_line:])
            shift = -rate * mean[n_on_line:]
            self.move("undated_log_density", shift, rate=rate, from_data=True)

    def _references(self) -> None:
        """Sample each reference standardised by its spread, and families as contrasts."""
        v = self.v
        if "reference_effect" in v:
            residual = v["reference_residual"]
            v.standardise("reference_effect", residual**-2.0, _log(residual), 0.0, start=0.0)
        if "reference_family_offset" in v:
            sigma = self.parameters["reference_family_offset"]["sigma"]
            labels = list(range(self.design.size("reference_family") - 1))
            v.contrast("reference_family_offset", v["at_reference_family_basis"], sigma, labels)
            self.bases["reference_family_offset_contrast"] = "at_reference_family_basis"

    def _cells(self, seen: ScoreInversion, size: Any) -> None:
        """Deviations of cells, from where their scores put them on the ruler."""
        import pytensor.tensor as pt

        v = self.v
        model = v["cell_model"]
        # All of the effective size but the deviation itself.
        x = (v["log_density"] + size)[model]
        if isinstance(self.spec, ModelSpec):
            shape = v.length("reference"), v.length("benchmark")
            difference = pt.concatenate([v["benchmark_difference"], pt.zeros(shape)])
            x = x + difference[model, v["cell_benchmark"]]
        mean = seen.x - x
        if "cell_loss" in v:
            mean = pt.where(v["cell_loss_seen"] > 0, seen.x - size[model], mean)
        v.standardise("cell_effect", seen.precision, seen.log_scale, seen.information, mean=mean)


def _above_models(lag: Any, bend: Any, years: Any) -> tuple[Any, Any]:
    """Return how far ``B + A t`` is above the average model: at the mean date, and per year."""
    along = years - years.mean()
    expected = -bend + 0.0 * along
    if lag is not None:
        expected = expected + HALF_NORMAL_MEAN * lag
    slope = (along * expected).sum() / ((along**2).sum() + LITTLE)
    return expected.mean() - slope * years.mean(), slope


def _log(value: Any) -> Any:
    import pytensor.tensor as pt

    return pt.log(value)
