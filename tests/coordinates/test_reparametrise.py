"""The sampler's model is the textbook model in other coordinates: nothing else differs."""

import dataclasses

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from scipy import integrate, stats

import bayesdense as bd
from bayesdense.coordinates.from_pilot import coordinates_from_pilot
from bayesdense.coordinates.initial import coordinates_from_data
from bayesdense.coordinates.law_variables import log_term_logp
from bayesdense.coordinates.reparametrise import NOT_KEPT, reparametrise
from bayesdense.coordinates.skew_normal import skew_normal_logp
from bayesdense.coordinates.variables import Rewrite
from bayesdense.model import build_model, make_design, model_priors
from tests.joint import PYTHON, drawn_from_prior, log_densities, starting_point
from tests.model.test_build import evaluate, undated
from tests.simulate import (
    KINDS,
    simulate,
    with_developers,
    with_losses_of_one_benchmark,
)


def sampler_model(design):
    """Return the model in the coordinates that data give."""
    return reparametrise(design, coordinates_from_data(design, model_priors(design)))


def as_posterior(drawn):
    """Return draws as one chain."""
    return xr.Dataset(
        {
            name: (("chain", "draw", *(f"{name}_{i}" for i in range(v.ndim - 1))), v[None])
            for name, v in drawn.items()
        }
    )


FEW_LOSSES = "losses of one benchmark, scores of all"

FORMS = [
    *(({}, kind) for kind in KINDS),
    *(({"form": "first-edition"}, kind) for kind in KINDS),
    ({"trend": "frontier", "law": "irreducible"}, KINDS[1]),
    ({"trend": "change-point", "observation": "student-t"}, KINDS[0]),
    ({"form": "pooled", "score_map": "threshold", "law": "log-linear"}, KINDS[0]),
    ({"priors": {"model_effect_sd": bd.Prior("HalfStudentT", nu=4, sigma=1)}}, KINDS[0]),
    ({"ruler": "skill"}, KINDS[0]),
    ({"trend": "none"}, KINDS[2]),
    ({"trend": "none", "ruler": "skill", "families": False}, KINDS[0]),
    ({"exponents": "pooled"}, KINDS[0]),
    ({"exponents": "pooled", "level": "pooled"}, FEW_LOSSES),
    ({"exponents": "pooled", "law": "over-training"}, KINDS[0]),
    ({"families": "nested"}, KINDS[2]),
    ({"cell_spread": "pooled", "level": "pooled"}, KINDS[2]),
    ({"noise": "by-score"}, KINDS[0]),
    ({"harness_drift": "house", "noise": "by-score"}, KINDS[0]),
    ({"harness_drift": "street", "harness_offsets": False}, KINDS[2]),
    ({"date_sd": 2.0, "within_families": True}, KINDS[2]),
    ({"noise": "by-score", "observation": "student-t", "size": "blend"}, KINDS[0]),
    ({"families": "nested", "trend": "frontier", "within_families": True}, KINDS[0]),
    ({"families": "nested", "trend": "none", "ruler": "skill"}, KINDS[0]),
    ({"families": "nested", "trend": "spread"}, KINDS[2]),
    ({"trend": "smooth"}, KINDS[0]),
    ({"trend": "unknown-change"}, KINDS[2]),
]


@pytest.mark.parametrize(("options", "kind"), FORMS, ids=lambda v: str(v)[:40])
def test_the_density_is_that_of_the_textbook_model(options, kind):
    """In coordinates from the data, and in those of a pilot."""
    few = kind == FEW_LOSSES
    data = with_developers(simulate(KINDS[1] if few else kind, seed=5, n_targets=12, n_families=5))
    data = with_losses_of_one_benchmark(data) if few else data
    spec = bd.DensityModel(**options).spec
    design = make_design(data, spec)
    model = build_model(design)
    drawn = drawn_from_prior(model, seed=3, draws=40)
    first = coordinates_from_data(design, model_priors(design))
    second = coordinates_from_pilot(design, first, as_posterior(drawn))
    assert not np.array_equal(first.cells.x, second.cells.x)
    assert second.regressions.logit.any() and second.regressions.spread.any()
    second = bent(second)
    values = {name: v[0] for name, v in drawn.items()}
    expected = sum(log_densities(model, values).values())
    points = []
    for coordinates in (first, second):
        sampled = reparametrise(design, coordinates)
        full = sampled.complete(values)
        found = sum(log_densities(sampled.model, full).values())
        # Terms of the law are sampled as logarithms.
        found -= sum(np.log(values[name]).sum() for name in sampled.terms)
        assert found == pytest.approx(expected, rel=1e-9)
        # What follows from others and is large is not kept of draws.
        assert not {*NOT_KEPT} & {*sampled.model.named_vars}
        free = sampled.model.free_RVs
        assert set(sampled.starts) == {str(v.name) for v in free}
        point = starting_point(sampled, full)
        assert all(np.isfinite(values).all() for values in point.values())
        points.append(point[sampled.model.rvs_to_values[sampled.model["cell_effect"]].name])
    assert not np.allclose(*points)


def bent(coordinates):
    """Return coordinates of which no slope is by itself and no floor or ceiling is straight."""
    r = coordinates.regressions
    count = len(r.slope_unit)
    place, width = ({name: np.full(count, v) for name in r.bend_place} for v in (-0.5, 0.6))
    own = dataclasses.replace(
        r,
        slope_unit=np.linspace(0.3, 0.9, count),
        slope_share=np.array(0.4),
        bend_place=place,
        bend_width=width,
    )
    return dataclasses.replace(coordinates, regressions=own)


def test_moved_variables_have_the_density_of_their_coordinate():
    """By numerical differences: the density of the coordinate integrates to one."""
    with pm.Model(coords={"i": range(3)}) as plain:
        pm.Normal("other")
        pm.HalfNormal("p", 1.5)
        pm.StudentT("r", nu=4, mu=1, sigma=2)
        pm.Normal("e", 0.0, 0.8)
        pm.ZeroSumNormal("z", 0.7, dims="i")
    basis = coordinates_basis(3)
    v = Rewrite(plain, {"basis": basis})
    v.move("p", [np.array(1.5)], pm.HalfNormal.dist, shift=2.0 * v["other"], log=True, start=1.0)
    v.move(
        "r",
        [1.0, 2.0],
        lambda m, s: pm.StudentT.dist(nu=4, mu=m, sigma=s),
        shift=v["other"],
        rate=0.5,
    )
    v.standardise("e", 0.8**-2.0, np.log(0.8), pm.math.exp(v["other"]), mean=0.5 * v["other"])
    v.contrast("z", v["basis"], pm.math.constant(0.7), [0, 1], mean=v["r"] * np.array([1, 0, -1.0]))
    model = v.finish()
    density = model.compile_logp(sum=False, **PYTHON)
    names = [model.rvs_to_values[v].name for v in model.free_RVs]
    start = {name: np.zeros(2 if name.startswith("z") else ()) for name in names}
    start["other"] = np.array(0.7)
    for name in ("p_moved_log__", "r_moved__", "e_moved__"):
        grid = np.linspace(-60, 60, 24_001) if name.startswith("r") else np.linspace(-25, 25, 5_001)
        which = names.index(name)
        values = [density(start | {name: np.array(y)})[which] for y in grid]
        assert integrate.trapezoid(np.exp(values), grid) == pytest.approx(1.0, abs=2e-3), name
    drawn = evaluate(model, {"z_contrast": np.array([0.3, -1.1])}, ["z"])["z"]
    assert drawn.sum() == pytest.approx(0.0, abs=1e-12)
    assert drawn @ basis == pytest.approx([0.3, -1.1])


def coordinates_basis(count):
    """Return the usual contrasts."""
    from bayesdense.model.zero_sum import contrasts

    return contrasts(count)


@pytest.mark.parametrize(("noise", "lag"), [(0.3, 0.5), (0.8, 0.05), (0.05, 0.7)])
def test_noise_less_a_lag_has_the_density_of_their_convolution(noise, lag):
    at = np.array([-1.1, -0.2, 0.3])
    found = skew_normal_logp(at, np.array(noise), np.array(lag)).eval(**PYTHON)

    def joint(w, x):
        return stats.norm.pdf(x + w, scale=noise) * stats.halfnorm.pdf(w, scale=lag)

    places = [
        integrate.quad(joint, 0, 12, args=(x,), points=[max(-x, 0), lag], limit=400)[0] for x in at
    ]
    assert found == pytest.approx(np.log(places), abs=1e-6)
    usual = pm.SkewNormal.dist(mu=0.0, sigma=np.hypot(noise, lag), alpha=-lag / noise)
    assert found == pytest.approx(pm.logp(usual, at).eval(**PYTHON), abs=1e-6)


def test_the_density_of_the_logarithm_of_a_term():
    value = np.array([-1.0, 0.4])
    location, scale, half = np.array([0.2, 0.0]), np.array([1.3, 2.0]), np.array([0.0, 1.0])
    found = log_term_logp(value, location, scale, half, 0.0 * half).eval(**PYTHON)
    # The second: half-normal on the number, times the number for the change of variable.
    expected = [
        stats.norm(0.2, 1.3).logpdf(-1.0),
        stats.halfnorm(scale=2.0).logpdf(np.exp(0.4)) + 0.4,
    ]
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_targets_without_a_date_move_with_the_ruler(kind):
    """Sampled as they are, all of them would have to follow every move of the ruler."""
    data = undated(kind)
    spec = bd.DensityModel().spec
    sampled = sampler_model(make_design(data, spec))
    model = sampled.model
    # With the coordinate kept, the density follows the scores when the map is another.
    variable = model["undated_log_density"]
    transform, inputs = model.rvs_to_transforms[variable], variable.owner.inputs
    with model:
        pm.Deterministic("at_zero", transform.backward(np.zeros(1), *inputs))
        pm.Deterministic("rate", inputs[-2])
    # Little noise, and models that deviate little: scores know the density better than the prior.
    values = dict(sampled.starts)
    little = {"source_noise_sd": 0.01, "cell_effect_sd": 0.3}
    values |= {name: np.full_like(values[name], v) for name, v in little.items()}
    steep = values.get("map_steepness", 1.0)
    up = {"map_logit_at_centre": 0.3, "map_logit_at_centre_scores_only": 0.3}
    up |= {"map_midpoint_loss": 0.3 / steep}
    higher = values | {name: values[name] + by for name, by in up.items() if name in values}
    before, after = (evaluate(model, v, ["at_zero", "rate"]) for v in (values, higher))
    assert before["rate"] > 1.5
    # Sampled as it is, the density would not move at all.
    assert (after["at_zero"] < before["at_zero"] - 0.1).all()


def test_a_run_is_counted_from_the_loss_that_it_had():
    """Its score is read at that loss: what the law says of its size has no part in it."""
    data = simulate("losses and scores", seed=5, n_targets=12, n_families=5)
    spec = bd.DensityModel().spec
    design = make_design(data, spec)
    sampled = sampler_model(design)
    model = sampled.model
    effect = model["cell_effect"]
    with model:
        at_zero = model.rvs_to_transforms[effect].backward(
            pm.math.zeros_like(effect), *effect.owner.inputs
        )
        pm.Deterministic("at_zero", at_zero)
    # Models may deviate far, and scores have little noise, so that they alone say where a run is.
    values = dict(sampled.starts)
    little = {"source_noise_sd": 0.01, "cell_effect_sd": 30.0}
    values |= {name: np.full_like(values[name], v) for name, v in little.items()}
    before = evaluate(model, values, ["at_zero"])["at_zero"]
    # With terms of the law larger by a tenth all losses, and how fast they fall, are so too.
    larger = values | {"log_terms": values["log_terms"] + np.log(1.1)}
    after = evaluate(model, larger, ["at_zero"])["at_zero"]
    seen = design.arrays["cell_loss_seen"] > 0
    assert seen.sum() > 20
    assert after[seen] == pytest.approx(before[seen] / 1.1, rel=0.05, abs=0.02)
    assert np.abs(after[~seen] - before[~seen]).min() > 0.1


def test_what_pilots_go_on_from_is_not_put_back_to_the_losses():
    data = simulate("losses and scores", seed=5, n_targets=8, n_families=3)
    spec = bd.DensityModel().spec
    model = sampler_model(make_design(data, spec)).model
    standardised = {
        v.name for v in model.free_RVs if getattr(model.rvs_to_transforms[v], "from_origin", False)
    }
    assert "cell_effect" in standardised
    assert not standardised & {"harness_offset_contrast", "alpha", "beta", "log_terms"}


def test_a_model_without_scores_is_reparametrised_too():
    runs = pd.DataFrame(
        {
            "n_params": [1e8, 1e9, 1e10, 3e8, 3e9, 3e10],
            "n_tokens": [2e9, 2e10, 2e11, 3e10, 3e11, 3e12],
            "loss": [3.6, 3.0, 2.5, 3.2, 2.7, 2.3],
        }
    )
    ruler = bd.RulerModel()
    design = ruler.make_design(bd.Dataset.from_losses(runs))
    sampled = sampler_model(design)
    assert np.isfinite(list(sampled.starts["log_terms"].ravel())).all()
    assert "log_density" in sampled.model.named_vars
