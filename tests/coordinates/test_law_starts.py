"""Chains start in the law where the losses put it."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.coordinates.law_variables import NEAR
from bayesdense.coordinates.loss_law import law_coordinates
from bayesdense.coordinates.loss_law_fit import LEAST_NOISE, fit_law
from bayesdense.model import build_model, make_design, model_priors
from bayesdense.sampler.backend.compile_cache import _coordinates, _for_model
from bayesdense.sampler.backend.packed_data import PackedData, in_order
from bayesdense.sampler.initial_points import JITTER
from tests.coordinates.test_reparametrise import sampler_model
from tests.simulate import simulate


def _law(law="power-sum"):
    data = simulate("losses and scores", seed=5, n_targets=8, n_families=3)
    spec = bd.DensityModel(law=law).spec
    design = make_design(data, spec)
    return design, spec, model_priors(design)


def test_the_law_of_losses_without_noise_is_found():
    design, spec, priors = _law()
    arrays = design.arrays
    truth = {"loss_size_term": 0.8, "alpha": 0.35, "loss_token_term": 1.4, "beta": 0.25}
    x = arrays["relative_log_size"][arrays["loss_model"]]
    arrays["loss_observed"] = np.log(spec.law.loss(x, arrays["loss_tokens"], truth))
    found = fit_law(design, spec.law, priors)
    for name, value in truth.items():
        assert found.coefficients[name] == pytest.approx(value, rel=2e-3), name
    assert found.noise == pytest.approx(LEAST_NOISE)


def test_one_wrong_loss_does_not_move_the_law():
    design, spec, priors = _law()
    before = fit_law(design, spec.law, priors)
    design.arrays["loss_observed"][5] += 0.4
    after = fit_law(design, spec.law, priors)
    for name in spec.law.coefficients:
        assert after.coefficients[name] == pytest.approx(before.coefficients[name], rel=0.1), name
    # A single error of forty times the noise, and sixteen losses.
    assert (after.noise < 3 * before.noise).all()


def test_what_losses_say_of_a_straight_line_by_hand():
    """``L = e - a x``: one over the squared standard errors of a regression, as logarithms."""
    data = bd.Dataset.from_losses(
        pd.DataFrame(
            {
                "n_params": np.exp(20.0 + np.array([-1.0, -0.5, 0.5, 1.0])),
                "n_tokens": 1e11,
                "loss": [2.11, 2.04, 1.96, 1.89],
            }
        )
    )
    reference = bd.RulerModel(law="log-linear")
    design = reference.make_design(data)
    found = fit_law(design, reference.spec.law, model_priors(design))
    e, a = (found.coefficients[name][0] for name in ("loss_at_centre", "loss_log_slope"))
    # By least squares through the losses themselves, not their logarithms.
    assert (e, a) == (pytest.approx(2.0, rel=1e-3), pytest.approx(0.104, rel=0.02))
    x = np.array([-1.0, -0.5, 0.5, 1.0])
    slopes = np.column_stack([e / (e - a * x), -a * x / (e - a * x)])
    expected = 5 / 7 * slopes.T @ slopes / found.noise[0] ** 2
    assert found.information[0] == pytest.approx(expected, rel=1e-6)


def test_families_whose_runs_are_as_good_as_larger_ones_do_not_bend_the_law():
    """Losses of the second family are exactly those of runs of 1.5 times the size."""
    law, truth = (
        bd.laws.PowerSum(),
        {"loss_size_term": 0.9, "alpha": 0.32, "loss_token_term": 1.3, "beta": 0.26},
    )
    n = np.tile(np.repeat([2e8, 1e9, 5e9, 2e10], 4), 2)
    d = n * np.tile([5.0, 20.0, 80.0, 300.0], 8)
    family = np.repeat(["First", "Second"], 16)
    x, z = np.log(n) - np.log(n).mean(), np.log(d) - np.log(d).mean()
    better = np.where(family == "First", -0.5, 0.5) * np.log(1.5)
    runs = {"n_params": n, "n_tokens": d, "loss": law.loss(x + better, z, truth)}
    data = bd.Dataset.from_losses(pd.DataFrame(runs | {"family": family}))
    reference = bd.RulerModel()
    design = reference.make_design(data)
    found = fit_law(design, reference.spec.law, model_priors(design))
    for name, value in truth.items():
        assert found.coefficients[name] == pytest.approx(value, rel=2e-3), name
    assert found.noise == pytest.approx(LEAST_NOISE)


def test_a_law_that_cannot_be_fitted_is_where_is_usual():
    design, spec, priors = _law()
    design.arrays["loss_observed"][:] = np.nan
    found = fit_law(design, spec.law, priors)
    assert found.coefficients["alpha"] == pytest.approx(0.3)
    assert found.coefficients["loss_size_term"] == pytest.approx(design.mean_loss / 2)
    assert (found.information == 0).all()
    placed = law_coordinates(found, spec.law, together=("loss_size_term", "loss_token_term"))
    assert all(np.isfinite(values).all() for values in vars(placed).values())


@pytest.mark.parametrize("law", ["power-sum", "irreducible", "kaplan"])
def test_chains_start_where_the_law_was_fitted(law):
    design, spec, priors = _law(law)
    sampled = sampler_model(design)
    found = fit_law(design, spec.law, priors)
    start = sampled.starts
    assert start["loss_noise_sd"] == pytest.approx(found.noise)
    for name in spec.law.exponents:
        mean = np.log(found.coefficients[name]).mean()
        assert start[f"{name}_mean"] == pytest.approx(mean)
    assert sampled.near == dict.fromkeys(["alpha_mean", "beta_mean", "loss_noise_sd"], NEAR)
    logs = dict(zip(sampled.terms, start["log_terms"].T, strict=True)) if sampled.terms else {}
    for name in spec.law.coefficients:
        values = np.exp(logs[name]) if name in logs else start[name]
        assert values == pytest.approx(found.coefficients[name]), name


def test_chains_start_where_priors_with_bounds_allow():
    data = simulate("losses and scores", seed=5, n_targets=8, n_families=3)
    priors = {
        "loss_noise_sd": bd.Prior("Uniform", lower=0.1, upper=0.3),
        "loss_size_term": bd.Prior("Uniform", lower=0.0, upper=0.2),
    }
    reference = bd.DensityModel(priors=priors)
    start = sampler_model(reference.make_design(data)).starts
    assert all(np.isfinite(values).all() for values in start.values())
    assert start["loss_size_term"] == pytest.approx(0.1)


def test_a_law_of_ones_own_of_which_nothing_is_positive_is_left_alone():
    class Straight(bd.laws.LossLaw):
        name, equation, coefficients = "straight", "L = p + q x", ("p", "q")

        def priors(self, mean_loss):
            return {n: bd.Prior("Uniform", lower=-9.0, upper=9.0) for n in ("p", "q")}

        def loss(self, x, z, c):
            return c["p"] + c["q"] * x

    data = simulate("losses and scores", seed=5, n_targets=8, n_families=3)
    reference = bd.RulerModel(law=Straight())
    design = reference.make_design(data)
    found = fit_law(design, reference.spec.law, model_priors(design))
    assert not found.free and found.information.shape[1:] == (0, 0)
    assert build_model(design)["p"].type.ndim == 1


def test_chains_start_no_further_off_than_a_variable_says():
    design, spec, _ = _law()
    sampled = sampler_model(design)
    packed_data = PackedData.of(sampled.model)
    # Where chains start needs no code of the density, which takes minutes to compile.
    compiled = _for_model(
        None, _coordinates(*packed_data.apply(sampled.model)), packed_data, sampled
    )
    centre, _ = compiled.as_sampled(sampled.starts)
    names = [str(v.name) for v in in_order(sampled.model)]
    allowed = np.concatenate(
        [np.full(sampled.starts[n].size, sampled.near.get(n, JITTER)) for n in names]
    )
    far = np.abs([compiled.start(seed) - centre for seed in range(40)]).max(axis=0)
    assert (far <= allowed + 1e-12).all()
    # Of forty, the furthest is near the bound.
    assert (far > 0.7 * allowed).all()
