"""The ruler inside a PyMC model: loss law, score map and their priors (eq. 2 and 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.build.effects import scaled_normal, zero_sum
from bayesdense.build.layout import Layout
from bayesdense.priors import Prior
from bayesdense.spec import ModelSpec

__all__ = ["Ruler", "add_losses", "add_ruler", "ruler_priors"]

EXPONENT = Prior("LogNormal", mu=float(np.log(0.3)), sigma=0.3)
EXPONENT_MEAN = Prior("Normal", mu=float(np.log(0.3)), sigma=0.3)
EXPONENT_SD = Prior("HalfNormal", sigma=0.3)
FLOOR_SD = 0.02


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

    def logit(self, law: Any, x: Any, z: Any, benchmark: Any, ruler: Any) -> Any:
        """Return ``gamma (l - L)`` at log sizes and tokens relative to the centre.

        Parameters
        ----------
        law : LossLaw
            The loss law.
        x, z : tensor
            ``ln(N/N*)`` and ``ln(D/D*)``.
        benchmark, ruler : tensor of int
            Codes, one for each entry of `x`.

        Returns
        -------
        tensor
        """
        c = {name: values[ruler] for name, values in self.coefficients.items()}
        loss = law.loss(x, z, c)
        return self.pivot[benchmark] - self.steepness[benchmark] * (loss - self.centre[benchmark])


def ruler_priors(layout: Layout, spec: ModelSpec, chance: np.ndarray) -> dict[str, Prior]:
    """Return the default priors of the ruler (MODEL section 8).

    Parameters
    ----------
    layout : Layout
        Decides which parameters there are.
    spec : ModelSpec
        With the law.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing.

    Returns
    -------
    dict of str to Prior
    """
    law, priors = spec.law, {}
    n_sets, scores_only = len(layout.loss_sets), not layout.has_losses.all()
    for name in law.exponents:
        if n_sets > 1:
            priors[f"{name}_mean"] = EXPONENT_MEAN
            priors[f"{name}_sd"] = EXPONENT_SD
        if n_sets == 1 or (scores_only and name in law.shape):
            priors[name] = EXPONENT
    if n_sets:
        priors |= law.priors(layout.mean_loss)
        priors["sigma_loss"] = Prior("HalfNormal", sigma=0.1)
        ruler = layout.ruler[layout.has_losses]
        steep = [float(v) for v in np.log(2.0 / layout.sd_loss[ruler])]
        priors["gamma"] = Prior("LogNormal", mu=steep, sigma=0.7)
        priors["l"] = Prior("Normal", mu=layout.mean_loss[ruler], sigma=2 * layout.sd_loss[ruler])
    if scores_only:
        priors["pi"] = Prior("Normal", mu=-1.0, sigma=1.5)
        priors["s"] = Prior("LogNormal", mu=float(np.log(0.8)), sigma=0.5)
    priors["d"] = Prior("TruncatedNormal", mu=chance, sigma=FLOOR_SD, lower=0.0, upper=1.0)
    priors["u"] = Prior("Beta", alpha=12.0, beta=1.0)
    return priors


def add_ruler(
    layout: Layout, spec: ModelSpec, priors: Mapping[str, Prior], chance: np.ndarray
) -> Ruler:
    """Add the ruler's variables to the PyMC model in context.

    Parameters
    ----------
    layout : Layout
        Decides which benchmarks are read through losses.
    spec : ModelSpec
        With the law.
    priors : mapping of str to Prior
        All priors of the model.
    chance : numpy.ndarray, shape (benchmark,)
        Score of guessing, near which the floor starts.

    Returns
    -------
    Ruler
    """
    import pymc as pm

    known = layout.has_losses
    coefficients = _coefficients(layout, spec, priors)
    parts: list[tuple[np.ndarray, Any, Any]] = []
    if known.any():
        gamma = priors["gamma"].variable("gamma", dims="benchmark_with_losses")
        # The logit at the lowest loss is what scores fix best: small runs are at
        # chance. With it in place of the midpoint l the posterior loses a ridge. Its
        # prior is the one that the Normal prior of l implies: only coordinates change.
        middle = np.asarray(priors["l"].parameters["mu"])
        spread = np.asarray(priors["l"].parameters["sigma"])
        anchor = layout.lowest_loss[layout.ruler[known]]
        pivot = pm.Normal(
            "pivot", gamma * (middle - anchor), gamma * spread, dims="benchmark_with_losses"
        )
        pm.Deterministic("l", anchor + pivot / gamma, dims="benchmark_with_losses")
        parts.append((np.flatnonzero(known), pivot, gamma))
    if not known.all():
        mixed = bool(known.any())
        dims = "benchmark_scores_only" if mixed else "benchmark"
        suffix = "_scores_only" if mixed else ""
        pi = priors["pi"].variable(f"pi{suffix}", dims=dims)
        s = priors["s"].variable(f"s{suffix}", dims=dims)
        parts.append((np.flatnonzero(~known), pi, s))
    back = np.argsort(np.concatenate([where for where, _, _ in parts]))
    pivot_all, steepness = (
        pm.math.concatenate([part[i] for part in parts])[back] if len(parts) > 1 else parts[0][i]
        for i in (1, 2)
    )
    values = np.zeros(len(known))
    values[known] = layout.lowest_loss[layout.ruler[known]]
    centre = pm.Data("ruler_centre", values)

    floor = priors["d"].variable("d", dims="benchmark", initval=np.maximum(chance, 0.01))
    u = priors["u"].variable("u", dims="benchmark")
    span = pm.Deterministic("c", (1.0 - floor) * u, dims="benchmark")
    ruler = Ruler(coefficients, pivot_all, steepness, centre, floor, span)
    if known.any():
        _add_standard_form(layout, spec, ruler)
    return ruler


def add_losses(
    layout: Layout,
    spec: ModelSpec,
    priors: Mapping[str, Prior],
    ruler: Ruler,
) -> None:
    """Add the observed losses: Student-t on the log, four degrees (MODEL section 2).

    Parameters
    ----------
    layout, spec, priors
        As for `add_ruler`.
    ruler : Ruler
        What `add_ruler` returned.
    """
    import pymc as pm

    model = pm.modelcontext(None)
    sigma = priors["sigma_loss"].variable("sigma_loss", dims="loss_set")
    which = model["loss_set_code"]
    c = {name: values[which] for name, values in ruler.coefficients.items()}
    expected = spec.law.loss(model["loss_size"], model["loss_tokens"], c)
    pm.StudentT(
        "loss",
        nu=4.0,
        mu=pm.math.log(expected),
        sigma=sigma[which],
        observed=model["loss_observed"],
        dims="loss_id",
    )


def _coefficients(layout: Layout, spec: ModelSpec, priors: Mapping[str, Prior]) -> dict[str, Any]:
    """Return the law's coefficients for all rulers, loss sets first."""
    import pymc as pm

    law, n_sets = spec.law, len(layout.loss_sets)
    scores_only = not layout.has_losses.all()
    mixed = n_sets > 0 and scores_only
    seen: dict[str, Any] = {}
    if n_sets:
        suffix = "_with_losses" if mixed else ""
        if all(priors[name].distribution == "LogNormal" for name in law.terms):
            seen |= _terms(law.terms, priors, suffix)
        owner = dict(zip(law.exponents, law.terms, strict=True))
        for name in law.coefficients:
            if name in seen:
                continue
            if name in law.exponents and n_sets > 1:
                seen[name] = _pooled_exponent(name, priors, suffix, n_sets)
            elif owner.get(name) in seen and priors[name].distribution == "LogNormal":
                seen[name] = _exponent(name, seen[owner[name]], priors, suffix)
            else:
                seen[name] = priors[name].variable(f"{name}{suffix}", dims="loss_set")
    if not scores_only:
        return seen
    suffix = "_scores_only" if mixed else ""
    dim = "benchmark_scores_only" if mixed else "benchmark"
    shape = {name: priors[name].variable(f"{name}{suffix}", dims=dim) for name in law.shape}
    unit = law.unit(shape)
    if not mixed:
        return unit
    n_only = int((~layout.has_losses).sum())
    both = {}
    for name, values in unit.items():
        first = seen[name] if name in seen else np.zeros(n_sets)
        both[name] = pm.math.concatenate([first, values * np.ones(n_only)])
    for name in law.shape:
        pm.Deterministic(name, both[name], dims="ruler")
    return both


def _terms(names: tuple[str, str], priors: Mapping[str, Prior], suffix: str) -> dict[str, Any]:
    """Return the two terms of the loss at the centre, sampled as their sum and its split.

    The losses fix the sum much better than either term.
    """
    import pymc as pm

    from bayesdense.build.transforms import total_and_split

    def column(parameter: str) -> np.ndarray:
        return np.stack([np.broadcast_to(priors[n].parameters[parameter], size) for n in names], 1)

    size = len(pm.modelcontext(None).coords["loss_set"])
    logs = pm.Normal(
        "log_terms",
        column("mu"),
        column("sigma"),
        transform=total_and_split,
        dims=("loss_set", "term"),
    )
    return {
        name: pm.Deterministic(f"{name}{suffix}", pm.math.exp(logs[:, i]), dims="loss_set")
        for i, name in enumerate(names)
    }


def _exponent(name: str, term: Any, priors: Mapping[str, Prior], suffix: str) -> Any:
    """Return the exponent of a single loss set, sampled as the slope of its term.

    The losses fix how fast they fall, exponent times term, better than either.
    """
    import pymc as pm

    prior, log_term = priors[name].parameters, pm.math.log(term)
    slope = pm.Normal(f"log_{name}_slope", prior["mu"] + log_term, prior["sigma"], dims="loss_set")
    return pm.Deterministic(f"{name}{suffix}", pm.math.exp(slope - log_term), dims="loss_set")


def _pooled_exponent(name: str, priors: Mapping[str, Prior], suffix: str, count: int) -> Any:
    """Return exponents that loss sets share in part: Normal(mean, sd) on the log.

    The losses fix the average of the log exponents, not the mean that they
    were drawn from. So the average is sampled, with the mean integrated out,
    and the deviations around it sum to zero.
    """
    import pymc as pm

    mean, spread = priors[f"{name}_mean"].parameters, priors[f"{name}_sd"].variable(f"{name}_sd")
    width = pm.math.sqrt(np.square(mean["sigma"]) + spread**2 / count)
    level = pm.Normal(f"{name}_level", mean["mu"], width)
    error = pm.modelcontext(None)["exponent_error"]
    logs = level + zero_sum(scaled_normal(name, spread, error, "loss_set"))
    return pm.Deterministic(f"{name}{suffix}", pm.math.exp(logs), dims="loss_set")


def _add_standard_form(layout: Layout, spec: ModelSpec, ruler: Ruler) -> None:
    """Report logit and slope at the centre for benchmarks that are read through losses."""
    import pymc as pm

    model = pm.modelcontext(None)
    which = layout.ruler
    c = {name: values[which] for name, values in ruler.coefficients.items()}
    z = np.where(layout.has_losses, 1.0, 0.0) * model["tokens_budget"]
    loss = spec.law.loss(0.0, z, c)
    slope = spec.law.slope(0.0, z, c)
    pm.Deterministic("pi", ruler.pivot - ruler.steepness * (loss - ruler.centre), dims="benchmark")
    pm.Deterministic("s", ruler.steepness * slope, dims="benchmark")
