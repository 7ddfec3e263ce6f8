"""Priors: values that print, compare, check themselves and become variables."""

import copy
import json
import pickle

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.errors import PriorError
from bayesdense.priors import Prior, override
from tests.fake import fake_fit, tiny_dataset


def test_print_compare_and_json():
    prior = Prior("LogNormal", mu=-1.2, sigma=0.3)
    assert repr(prior) == "Prior('LogNormal', mu=-1.2, sigma=0.3)"
    assert prior == eval(repr(prior)) and hash(prior) == hash(eval(repr(prior)))
    assert prior != Prior("LogNormal", mu=-1.2, sigma=0.4)
    assert Prior.from_dict(json.loads(json.dumps(prior.to_dict()))) == prior
    with pytest.raises(AttributeError, match="cannot be changed"):
        prior.distribution = "Normal"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Prior("LogNorm", mu=0, sigma=1), "did you mean 'LogNormal'"),
        (lambda: Prior("Normal", mu=0), "Normal needs sigma"),
        (lambda: Prior("Normal", mu=0, sigma=1, nu=3), "no parameter 'nu'; it takes mu, sigma"),
        (lambda: Prior("Normal", mu=0, sigma=0), "sigma must be above 0"),
        (lambda: Prior("Normal", mu=float("nan"), sigma=1), "mu must be finite"),
        (lambda: Prior("Normal", mu="a", sigma=1), "mu must be a number"),
        (lambda: Prior("Uniform", lower=1, upper=1), "lower below upper"),
    ],
)
def test_bad_priors_say_what_is_allowed(make, message):
    with pytest.raises(PriorError, match=message):
        make()


DEFAULTS = {
    "growth_rate": Prior("Normal", mu=1.5, sigma=1.5),
    "alpha": Prior("LogNormal", mu=-1.2, sigma=0.3),
    "ceiling_share": Prior("Beta", alpha=12, beta=1),
}


def test_override_replaces_by_name_and_keeps_the_rest():
    chosen = override(DEFAULTS, {"alpha": Prior("HalfNormal", sigma=1)})
    assert chosen["alpha"] == Prior("HalfNormal", sigma=1)
    assert chosen["growth_rate"] is DEFAULTS["growth_rate"] and list(chosen) == list(DEFAULTS)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"alhpa": Prior("HalfNormal", sigma=1)}, "did you mean 'alpha'"),
        ({"alpha": 0.3}, "needs a bayesdense.Prior, and has float"),
        ({"alpha": Prior("Normal", mu=0, sigma=1)}, "'alpha' is positive"),
        ({"growth_rate": Prior("HalfNormal", sigma=1)}, "whole real line"),
        ({"ceiling_share": Prior("Uniform", lower=0, upper=2)}, "reaches beyond"),
    ],
)
def test_override_checks_name_and_support(chosen, message):
    with pytest.raises(PriorError, match=message):
        override(DEFAULTS, chosen)


def test_a_model_refuses_what_is_no_prior_when_it_is_made():
    with pytest.raises(PriorError, match="'growth_rate' needs a bayesdense.Prior, and has int"):
        bd.DensityModel(priors={"growth_rate": 1})


def test_samples_have_the_prior_mean():
    values = Prior("Normal", mu=[0.0, 10.0], sigma=1.0).sample(4000, 1)
    assert values.shape == (4000, 2)
    assert values.mean(axis=0) == pytest.approx([0.0, 10.0], abs=0.1)
    assert np.log(Prior("LogNormal", mu=2.0, sigma=0.5).sample(4000, 1)).std() == pytest.approx(
        0.5, abs=0.03
    )


EXAMPLES = [
    Prior("Beta", alpha=2.0, beta=3.0),
    Prior("Exponential", scale=2.0),
    Prior("Gamma", alpha=3.0, beta=2.0),
    Prior("HalfCauchy", beta=0.5),
    Prior("HalfNormal", sigma=1.5),
    Prior("HalfStudentT", nu=5, sigma=0.7),
    Prior("InverseGamma", alpha=4.0, beta=2.0),
    Prior("Laplace", mu=1.0, b=0.5),
    Prior("LogNormal", mu=0.3, sigma=0.5),
    Prior("Normal", mu=-1.0, sigma=2.0),
    Prior("StudentT", nu=4, mu=1.0, sigma=2.0),
    Prior("TruncatedNormal", mu=0.1, sigma=0.2, lower=0.0),
    Prior("Uniform", lower=-1.0, upper=3.0),
]


@pytest.mark.parametrize("prior", EXAMPLES, ids=lambda p: p.distribution)
def test_samples_and_pymc_mean_the_same_distribution(prior):
    """Samples follow the density that PyMC gives to the same prior."""
    import pymc as pm
    from scipy.integrate import cumulative_trapezoid

    draws = np.sort(prior.sample(4000, 3))
    grid = np.linspace(draws[40] - 0.05, draws[-41] + 0.05, 4001)
    arrays = {n: np.asarray(v) for n, v in prior.parameters.items()}
    variable = getattr(pm, prior.distribution).dist(**arrays)
    density = np.exp(pm.logp(variable, grid).eval(mode="FAST_COMPILE"))
    probability = cumulative_trapezoid(density, grid, initial=0.0)
    inside = draws[(draws > grid[0]) & (draws < grid[-1])]
    expected = np.interp(inside, grid, probability / probability[-1])
    observed = (np.arange(len(inside)) + 0.5) / len(inside)
    # Kolmogorov-Smirnov at 1 in 10,000.
    assert np.abs(expected - observed).max() < 2.23 / np.sqrt(len(inside))


@pytest.mark.parametrize("prior", EXAMPLES, ids=lambda p: p.distribution)
def test_the_log_density_is_that_of_pymc(prior):
    import pymc as pm

    values = np.append(prior.sample(20, 3), -0.7)
    arrays = {n: np.asarray(v) for n, v in prior.parameters.items()}
    variable = getattr(pm, prior.distribution).dist(**arrays)
    expected = pm.logp(variable, values).eval(mode="FAST_COMPILE")
    # PyMC has some constants in single precision.
    assert prior.log_density(values) == pytest.approx(expected, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))]
)
def test_priors_models_and_fits_can_be_copied(copied):
    for prior in (
        Prior("Normal", mu=0, sigma=1),
        Prior("Normal", mu={"a": 0.1, "b": 0.2}, sigma=[1, 2]),
    ):
        assert copied(prior) == prior and hash(copied(prior)) == hash(prior)
    model = bd.DensityModel(priors={"growth_rate": Prior("Normal", mu=2, sigma=1)})
    assert copied(model).spec.to_dict() == model.spec.to_dict()
    assert copied(model).spec.priors == model.spec.priors
    fit = fake_fit()
    assert fit.priors and repr(fit) and fit._repr_html_()
    assert copied(fit).headline() == fit.headline()


def test_values_by_name_go_to_their_entries():
    data = tiny_dataset()
    order = data.core_benchmarks
    by_name = {"MATH": 0.02, "MMLU": 0.25, "other": 0.9}
    model = bd.DensityModel(priors={"map_floor": Prior("Beta", alpha=by_name, beta=5)})
    found = model.priors(data)["map_floor"].parameters["alpha"]
    assert found == [by_name[benchmark] for benchmark in order]
    fewer = model.priors(data.select(benchmarks=["MATH"]))["map_floor"]
    assert fewer == Prior("Beta", alpha=[0.02], beta=5)
    assert model.build(data)["map_floor"].type.ndim == 1


@pytest.mark.parametrize(
    ("name", "prior", "message"),
    [
        ("map_floor", Prior("Beta", alpha={"MMLU": 1, "MAHT": 1}, beta=5),
         "alpha of 'map_floor' has no value for MATH; it has MMLU, MAHT, and needs MMLU, MATH"),
        ("source_noise_sd", Prior("HalfNormal", sigma=[1, 2, 3]),
         "sigma of 'source_noise_sd' has 3 values, and needs 2, one for each of MMLU, MATH"),
        ("growth_rate", Prior("Normal", mu=[1, 2], sigma=1),
         "'growth_rate' takes one value of each parameter"),
    ],
)  # fmt: skip
def test_wrong_numbers_and_names_of_values_are_refused_when_the_model_is_built(
    name, prior, message
):
    with pytest.raises(PriorError, match=message):
        bd.DensityModel(priors={name: prior}).build(tiny_dataset())
