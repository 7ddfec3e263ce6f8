"""Densities without a trend in time: ``trend="none"``."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.model import build_model, make_design, model_priors
from bayesdense.models.subset import make_subset
from tests.joint import drawn_from_prior, log_densities
from tests.simulate import KINDS, Truth, simulate


def changed(data, **columns):
    """Return data whose targets have other values in some columns of models."""
    models = data.models
    for name, value in columns.items():
        models.loc[~models["is_reference"], name] = value
    parts = {"benchmarks": data.benchmarks, "scores": data.scores, "losses": data.losses}
    return bd.Dataset.from_frames(models=models, name=data.name, **parts)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_linear_trend_whose_growth_is_zero(kind):
    """Every log density that both models have, and the density itself by hand."""
    data = simulate(kind, seed=5, n_targets=12, n_families=5)
    designs = {t: make_design(data, bd.DensityModel(trend=t).spec) for t in ("none", "linear")}
    models = {trend: build_model(design) for trend, design in designs.items()}
    values = drawn_from_prior(models["none"], seed=3)
    still = {name: np.zeros(()) for name in ("growth_rate", "growth_rate_deviation")}
    still["growth_rate_deviation"] = np.zeros(3)
    still["within_family_growth"] = np.zeros(())
    found = log_densities(models["none"], values)
    linear = log_densities(models["linear"], values | still | {"growth_rate_sd": np.array(1.0)})
    growth = {"growth_rate", "growth_rate_sd", "growth_rate_deviation", "within_family_growth"}
    assert linear.keys() - found.keys() == growth and found.keys() <= linear.keys()
    assert found == pytest.approx({name: linear[name] for name in found}, rel=1e-12)

    size = np.log(data.models["n_params"].to_numpy()[:12] / 2e10)
    family = designs["none"].arrays["family_code"]
    expected = values["log_density_level"] + values["size_slope"] * size
    expected = expected + values["family_effect"][family] + values["model_effect"]
    assert values["log_density"][:12] == pytest.approx(expected, abs=1e-10)
    difference = values["benchmark_offset"] + size[:, None] * values["size_slope_deviation"]
    difference = difference + values["family_benchmark_effect"][family]
    assert values["benchmark_difference"] == pytest.approx(difference, abs=1e-10)


def test_priors_are_those_of_the_linear_trend_but_for_growth():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5)
    priors = {t: bd.DensityModel(trend=t).priors(data) for t in ("none", "linear")}
    growth = {"growth_rate", "growth_rate_sd", "within_family_growth"}
    assert priors["none"] == {n: p for n, p in priors["linear"].items() if n not in growth}
    model = bd.DensityModel(trend="none", priors={"growth_rate": bd.Prior("Normal", mu=0, sigma=1)})
    with pytest.raises(bd.PriorError, match="growth_rate"):
        model.priors(data)


def test_no_date_is_read():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5)
    model = bd.DensityModel(trend="none")
    late = changed(data, release_date=pd.Timestamp("2024-01-01"))
    never = changed(data, release_date=pd.NaT)
    some = data.models["release_date"].where(np.arange(len(data.models)) % 2 == 0)
    partly = changed(data, release_date=some)
    designs = [make_design(d, model.spec) for d in (data, late, never, partly)]
    for other in designs[1:]:
        assert other.coords == designs[0].coords
        assert other.arrays.keys() == designs[0].arrays.keys()
        for name, values in designs[0].arrays.items():
            np.testing.assert_array_equal(other.arrays[name], values)
    assert designs[0].size("undated_target") == designs[0].size("dated_target") == 0
    built = model.build(never)
    assert built.named_vars_to_dims["model_effect"] == ("target",)
    assert "target_years" not in built
    assert list(model_priors(designs[2])) == list(model_priors(designs[0]))


def test_readiness_asks_for_no_dates_and_says_what_does_without():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5)
    late = changed(data, release_date=pd.Timestamp("2090-01-01"))
    never = changed(data, release_date=pd.NaT)
    some = np.where(np.arange(len(data.models)) % 2, "2024-01-01", "2024-09-01")
    twice = changed(data, release_date=pd.Series(pd.to_datetime(some)))
    for dataset in (late, never, twice):
        with pytest.raises(bd.ReadinessError, match="trend='none' gives densities without a trend"):
            bd.DensityModel().check(dataset)
        assert bd.DensityModel(trend="none").check(dataset) == []


def test_a_subset_of_targets_without_dates():
    model = bd.DensityModel(trend="none")
    data = simulate(KINDS[0], seed=4, n_targets=100, n_families=30)
    data = changed(data, release_date=pd.NaT)
    subset = make_subset(model, data, model.make_design(data), 40)
    assert 40 <= subset.design.size("target") < 60
    assert len(subset.design.arrays["years"]) == subset.design.size("target")
    assert not subset.design.arrays["target_years"].any()


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_densities_of_targets_without_dates_are_found():
    """Pooled, 30 targets whose densities do not grow: 90 % intervals hold most of them."""
    truth = Truth(
        growth=0.0,
        growth_by_benchmark=(0.0, 0.0, 0.0),
        level_by_benchmark=(0.0, 0.0, 0.0),
        size_slope=0.0,
        size_slope_by_benchmark=(0.0, 0.0, 0.0),
        sigma_f=0.0,
        sigma_fj=0.0,
        eta=(0.0, 0.0),
    )
    record = {}
    data = simulate(KINDS[0], seed=11, truth=truth, n_targets=30, record=record)
    fit = bd.DensityModel(form="pooled", trend="none").fit(
        changed(data, release_date=pd.NaT),
        draws=200,
        tune=500,
        chains=2,
        random_seed=3,
        reference_posterior=False,
        progressbar=False,
    )
    assert fit.diagnostics()["rhat"].max() < 1.1 and not fit.sample_stats["diverging"].any()
    table = fit.density().set_index("model").loc[list(record)]
    inside = np.exp(list(record.values()))
    inside = (table["lower"].to_numpy() < inside) & (inside < table["upper"].to_numpy())
    assert inside.mean() > 0.7
    level = fit.parameters(names="log_density_level", prob=0.98).iloc[0]
    assert level["lower"] < truth.level < level["upper"]
    spread = fit.parameters(names="model_effect_sd", prob=0.98).iloc[0]
    assert spread["lower"] < truth.sigma_v < spread["upper"]
