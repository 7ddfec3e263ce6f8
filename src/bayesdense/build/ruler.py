"""The ruler inside a PyMC model: loss law, score map and their priors (eq. 2 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.build.coefficients import EXPONENT_SPREAD, add_coefficients
from bayesdense.build.effects import moved_normal, moved_prior
from bayesdense.build.layout import Layout
from bayesdense.build.leans import lean, map_features, of_ends
from bayesdense.build.losses import LOSS_DEGREES
from bayesdense.build.placed import PlacedPrior, length
from bayesdense.priors import Prior
from bayesdense.spec import RulerSpec

__all__ = ["STAY", "Ruler", "add_losses", "add_ruler", "held_ruler", "ruler_priors"]

FLOOR_SD = 0.02
# Numbers of priors that set coordinates, and so are part of the model.
STAY = {"d": ("sigma",), "u": ("alpha",)}


@dataclass(frozen=True)
class Ruler:
    """Symbols that turn a size into a score.

    Attributes
    ----------
    coefficients : dict of str to tensor
        Coefficients of the law, shape ``(ruler,)``.
    pivot : tensor, shape (benchmark,)
        Logit of the score at the loss `centre`.
    steepness : tensor, shape (benchmark,)
        ``gamma``, per unit of loss.
    centre : tensor, shape (benchmark,)
        Lowest observed loss; 0 where there are scores only.
    floor, span : tensor, shape (benchmark,)
        ``d`` and ``c``.
    """

    coefficients: dict[str, Any]
    pivot: Any
    steepness: Any
    centre: Any
    floor: Any
    span: Any

    def loss(self, law: Any, x: Any, z: Any, ruler: Any, covariates: Mapping[str, Any]) -> Any:
        """Return the loss at log sizes and tokens relative to the centre.

        Parameters
        ----------
        law : LossLaw
            The loss law.
        x, z : tensor
            ``ln(N/N*)`` and ``ln(D/D*)``.
        ruler : tensor of int
            Codes of rulers, one for each entry of `x`.
        covariates : mapping of str to tensor
            What the law reads besides, one value for each entry of `x`.

        Returns
        -------
        tensor
        """
        return law.loss(x, z, self._of(law, ruler) | dict(covariates))

    def slope(self, law: Any, x: Any, z: Any, ruler: Any, covariates: Mapping[str, Any]) -> Any:
        """Return how fast the loss falls in log size; arguments as for `loss`."""
        return law.slope(x, z, self._of(law, ruler) | dict(covariates))

    def limit(self, law: Any, z: Any, ruler: Any, covariates: Mapping[str, Any]) -> Any:
        """Return the loss at infinite size; arguments as for `loss`."""
        return law.limit(z, self._of(law, ruler) | dict(covariates))

    def logit(self, loss: Any, benchmark: Any) -> Any:
        """Return ``gamma (l - L)``.

        Parameters
        ----------
        loss : tensor
            In the unit of the ruler.
        benchmark : tensor of int
            Codes, one for each entry of `loss`.

        Returns
        -------
        tensor
        """
        return self.pivot[benchmark] - self.steepness[benchmark] * (loss - self.centre[benchmark])

    def _of(self, law: Any, ruler: Any) -> dict[str, Any]:
        dense = dict.fromkeys(law.covariates, 0.0)
        # What is the same for all rulers is a plain number.
        own = self.coefficients.items()
        return dense | {n: v[ruler] if getattr(v, "ndim", 0) else v for n, v in own}


def ruler_priors(layout: Layout, spec: RulerSpec, chance: np.ndarray) -> dict[str, Prior]:
    """Return the default priors of the ruler (docs/model.md, "Priors").

    Parameters
    ----------
    layout : Layout
        Decides which parameters there are.
    spec : RulerSpec
        With the law.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing.

    Returns
    -------
    dict of str to Prior
    """
    law = spec.law
    priors: dict[str, Prior] = {}
    n_sets, scores_only = len(layout.loss_sets), not layout.has_losses.all()
    centre = float(np.log(law.exponent_centre))
    for name in law.exponents:
        if n_sets > 1:
            priors[f"{name}_mean"] = Prior("Normal", mu=centre, sigma=EXPONENT_SPREAD)
            priors[f"{name}_sd"] = Prior("HalfNormal", sigma=EXPONENT_SPREAD)
        if n_sets == 1 or (scores_only and name in law.shape):
            priors[name] = Prior("LogNormal", mu=centre, sigma=EXPONENT_SPREAD)
    if n_sets:
        priors |= law.priors(layout.mean_loss)
        priors["sigma_loss"] = Prior("HalfNormal", sigma=0.1)
    if layout.has_losses.any():
        ruler = layout.ruler[layout.has_losses]
        steep = [float(v) for v in np.log(2.0 / layout.sd_loss[ruler])]
        priors["gamma"] = Prior("LogNormal", mu=steep, sigma=0.7)
        priors["l"] = Prior("Normal", mu=layout.mean_loss[ruler], sigma=2 * layout.sd_loss[ruler])
    if scores_only:
        priors |= spec.score_map.priors()
    if len(chance):
        priors["d"] = Prior("TruncatedNormal", mu=chance, sigma=FLOOR_SD, lower=0.0, upper=1.0)
        if spec.score_map.has_ceiling:
            priors["u"] = Prior("Beta", alpha=12.0, beta=1.0)
    return priors


def add_ruler(
    layout: Layout,
    spec: RulerSpec,
    priors: Mapping[str, PlacedPrior],
    chance: np.ndarray,
    eta: Any = None,
) -> Ruler:
    """Add the ruler's variables to the PyMC model in context.

    Parameters
    ----------
    layout : Layout
        Decides which benchmarks are read through losses.
    spec : RulerSpec
        With the law.
    priors : mapping of str to PlacedPrior
        All priors of the model.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing, near which the floor starts.
    eta : tensor, shape (harness, benchmark), optional
        Offsets of harnesses.

    Returns
    -------
    Ruler
    """
    import pymc as pm

    model, known = pm.modelcontext(None), layout.has_losses
    if not len(known):
        coefficients = add_coefficients(layout, spec, priors, [])
        return Ruler(coefficients, None, None, None, None, None)
    floor, u = _floor(priors["d"], chance), _ceiling(priors.get("u"))
    span = pm.Deterministic("c", (1.0 - floor) * (1.0 if u is None else u), dims="benchmark")
    ends = of_ends(model["knot_scores"], model["knot_margin"], floor, span)
    coefficients = add_coefficients(layout, spec, priors, ends)
    features = map_features(spec, coefficients, ends)
    slope_shift = lean("slope", features)
    centre = _centre(layout)
    parts: list[tuple[Any, Any]] = []
    if known.any():
        which = model["known_benchmarks"]
        dims = "benchmark_with_losses"
        gamma = moved_prior("gamma", priors["gamma"], slope_shift[which], dims=dims)
        pivot_shift = _pivot_shift(features, gamma, which, eta)
        # The logit at the lowest loss is what scores fix best: small runs are at
        # chance. With it in place of the midpoint l the posterior loses a ridge. Its
        # prior is the one that the Normal prior of l implies: only coordinates change.
        middle, spread = (priors["l"].symbols[name] for name in ("mu", "sigma"))
        anchor = centre[which]
        mean, sd = gamma * (middle - anchor), gamma * spread
        pivot = moved_normal("pivot", mean, sd, shift=pivot_shift, dims=dims, start=0.0)
        pm.Deterministic("l", anchor + pivot / gamma, dims=dims)
        parts.append((pivot, gamma))
    if not known.all():
        mixed = bool(known.any())
        dims = "benchmark_scores_only" if mixed else "benchmark"
        suffix = "_scores_only" if mixed else ""
        which = model["unknown_benchmarks"]
        s = moved_prior(f"s{suffix}", priors["s"], slope_shift[which], dims=dims)
        pivot_shift = _pivot_shift(features, s, which, eta)
        pi = moved_prior(f"pi{suffix}", priors["pi"], pivot_shift, dims=dims)
        parts.append((pi, s))
    # Those with losses came first; back to the order of the benchmarks.
    back = model["benchmark_place"]
    pivot_all, steepness = (
        pm.math.concatenate([part[i] for part in parts])[back] if len(parts) > 1 else parts[0][i]
        for i in (0, 1)
    )
    ruler = Ruler(coefficients, pivot_all, steepness, centre, floor, span)
    if known.any():
        _add_standard_form(layout, spec, ruler)
    return ruler


def held_ruler(layout: Layout, spec: RulerSpec, held: Mapping[str, Any]) -> Ruler:
    """Return a ruler whose values are given, in the PyMC model in context.

    Parameters
    ----------
    layout : Layout
        The dataset under the model.
    spec : RulerSpec
        With the law.
    held : mapping of str to tensor
        ``law_<coefficient>``, shape ``(ruler,)``; ``pivot``, ``steepness``,
        ``floor`` and ``span``, shape ``(benchmark,)``.

    Returns
    -------
    Ruler
    """
    # With scores only, the law's unit form has an offset besides its coefficients.
    names = [n for n in (*spec.law.coefficients, "offset") if f"law_{n}" in held]
    return Ruler(
        {name: held[f"law_{name}"] for name in names},
        held["pivot"],
        held["steepness"],
        _centre(layout),
        held["floor"],
        held["span"],
    )


def _centre(layout: Layout) -> Any:
    """Add the losses at which maps are anchored; 0 where there are scores only."""
    import pymc as pm

    known = layout.has_losses
    values = np.zeros(len(known))
    values[known] = layout.lowest_loss[layout.ruler[known]]
    return pm.Data("ruler_centre", values)


def _floor(prior: PlacedPrior, chance: np.ndarray) -> Any:
    """Add the floors; near 0 in coordinates in which their density has no long tail."""
    from bayesdense.build.transforms import Floor

    start = np.maximum(chance, 0.01)
    lower = prior.symbols.get("lower", -1.0)
    if prior.distribution != "TruncatedNormal" or np.any(np.asarray(lower) != 0.0):
        return prior.variable("d", dims="benchmark", initval=start)
    scale = float(np.mean(prior.prior.parameters["sigma"]))
    return prior.variable("d", dims="benchmark", initval=start, default_transform=Floor(scale))


def _ceiling(prior: PlacedPrior | None) -> Any:
    """Add the shares of the span that ceilings leave, where the map has a ceiling."""
    from bayesdense.build.transforms import Ceiling

    if prior is None or prior.distribution != "Beta":
        return None if prior is None else prior.variable("u", dims="benchmark")
    power = float(np.mean(prior.prior.parameters["alpha"]))
    return prior.variable("u", dims="benchmark", default_transform=Ceiling(power))


def _pivot_shift(features: list[Any], slope: Any, which: Any, eta: Any) -> Any:
    """Return by how much less than the map's pivot is what scores see of it.

    Scores fix the logit where they are, on the harness that measured them.
    """
    import pymc as pm

    shift = lean("pivot", [*(f[which] for f in features), pm.math.log(slope)], which)
    if eta is not None:
        shift = shift + (pm.modelcontext(None)["harness_lean"] * eta).sum(axis=0)[which]
    return shift


def add_losses(
    layout: Layout,
    spec: RulerSpec,
    priors: Mapping[str, PlacedPrior],
    ruler: Ruler,
    size: Any,
) -> None:
    """Add the observed losses: Student-t on the log, four degrees (docs/model.md, eq. 2).

    Parameters
    ----------
    layout, spec, priors
        As for `add_ruler`.
    ruler : Ruler
        What `add_ruler` returned.
    size : tensor, shape (model,)
        ``ln(N/N*)``, as the model counts sizes.
    """
    import pymc as pm

    model = pm.modelcontext(None)
    sigma = priors["sigma_loss"].variable("sigma_loss", dims="loss_set")
    which, run = model["loss_set_code"], model["loss_model"]
    covariates = {name: model[f"loss_{name}"] for name in spec.law.covariates}
    position = size[run]
    if "r" in model.named_vars:
        # Another family's runs have the losses of runs of another size.
        family = model["reference_family_code"][run - length("target")]
        position = position + model["r"][family]
    expected = ruler.loss(spec.law, position, model["loss_tokens"], which, covariates)
    pm.StudentT(
        "loss",
        nu=LOSS_DEGREES,
        mu=pm.math.log(expected),
        sigma=sigma[which],
        observed=model["loss_observed"],
        dims="loss_id",
    )


def _add_standard_form(layout: Layout, spec: RulerSpec, ruler: Ruler) -> None:
    """Report logit and slope at the centre for benchmarks that are read through losses."""
    import pymc as pm

    model = pm.modelcontext(None)
    which = model["benchmark_ruler"]
    z = model["benchmark_known"] * model["tokens_budget"]
    loss = ruler.loss(spec.law, 0.0, z, which, {})
    slope = ruler.slope(spec.law, 0.0, z, which, {})
    pm.Deterministic("pi", ruler.pivot - ruler.steepness * (loss - ruler.centre), dims="benchmark")
    pm.Deterministic("s", ruler.steepness * slope, dims="benchmark")
