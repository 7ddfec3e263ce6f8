"""Of many models, what they share is sampled from some, and each of them given that."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.fit.info import SharedFromInfo
from bayesdense.models.subset import OF_EACH, alike, given_shared, make_subset, subset_of
from bayesdense.sampler.settings import Run, SamplingSettings
from tests.fake import fake_fit
from tests.simulate import KINDS, simulate

FULL = bd.DensityModel()


def flat(draws, name):
    return draws[name].stack(sample=("chain", "draw")).transpose("sample", ...).values


@pytest.fixture(scope="module")
def singles(fits):
    """Return a fit of the default form, and all models drawn again given what it has shared."""
    fit = fits(KINDS[0])
    found, shared = given_shared(
        FULL,
        FULL.make_design(fit.data),
        fit.posterior,
        Run(SamplingSettings(random_seed=3), "test", progressbar=False),
    )
    return fit, shared, found


def test_what_is_shared_is_passed_on_as_it_was(singles):
    _, shared, found = singles
    assert {
        "growth_rate",
        "cell_effect_sd",
        "benchmark_offset",
        "harness_offset",
        "alpha",
        "family_effect_sd",
    } <= set(shared)
    for name, values in shared.items():
        np.testing.assert_allclose(found.posterior[name].values, values, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "name",
    [
        "log_density",
        "log_effective_size",
        "family_effect",
        "family_benchmark_effect",
        "model_effect",
    ],
)
def test_given_what_nuts_has_shared_every_model_is_where_nuts_has_it(singles, name):
    fit, _, found = singles
    nuts, drawn = flat(fit.posterior, name), flat(found.posterior, name)
    sd = nuts.std(axis=0)
    # With 400 effective draws or more on both sides a mean is off by 0.07 at most, in one of
    # hundreds by four times as much; a variance is too large by the square of the step over four.
    gap = (drawn.mean(axis=0) - nuts.mean(axis=0)) / sd
    assert np.sqrt(np.mean(gap**2)) < 0.07 and np.abs(gap).max() < 0.3
    assert abs(np.log(np.median(drawn.std(axis=0) / sd))) < 0.04
    assert found.refused == 0.0 and 0.1 <= found.step <= 0.3 and found.energy_error < 0.01


def test_models_move_with_the_ruler_as_nuts_has_them_move(singles):
    fit, shared, found = singles

    def together(draws):
        common = [flat(draws, n) for n in shared]
        common = [v.reshape(len(v), -1) for v in common]
        both = np.column_stack([*common, flat(draws, "log_density")])
        count = sum(subset.shape[1] for subset in common)
        return np.corrcoef(both.T)[:count, count:]

    nuts, drawn = together(fit.posterior), together(found.posterior)
    # Some rulers move some models, and a correlation from 400 draws is off by 0.05.
    assert np.abs(nuts).max() > 0.4
    assert np.sqrt(np.mean((nuts - drawn) ** 2)) < 0.06 and np.abs(nuts - drawn).max() < 0.3


def test_a_part_has_whole_families_over_all_dates_and_every_harness():
    data = simulate(KINDS[0], seed=4, n_targets=200, n_families=60)
    subset = subset_of(data, 80)
    assert 80 <= len(subset.targets) <= 90
    assert len(subset.references) == len(data.references)
    whole = data.targets.groupby("family")["model"].count()
    own = subset.targets.groupby("family")["model"].count()
    assert (own == whole[own.index]).mean() > 0.9
    dates, every = subset.targets["release_date"], data.targets["release_date"]
    assert abs((dates.mean() - every.mean()).days) < 60
    assert (dates.max() - dates.min()) > 0.85 * (every.max() - every.min())

    def pairs(of):
        scores = of.scores[of.scores["model"].isin(of.targets["model"])]
        return scores.groupby(["harness", "benchmark"])["model"].nunique()

    least = np.minimum(pairs(data), OF_EACH)
    assert (pairs(subset).reindex(least.index, fill_value=0) >= least).all()


def test_of_families_that_are_too_large_a_part_is_taken():
    data = simulate(KINDS[0], seed=4, n_targets=120, n_families=3)
    subset = subset_of(data, 35)
    assert 35 <= len(subset.targets) <= 45
    assert subset.targets["family"].nunique() == data.targets["family"].nunique()


def undated(data, names):
    models = data.models.copy()
    models.loc[models["model"].isin(names), "release_date"] = pd.NaT
    return bd.Dataset.from_frames(
        models=models, benchmarks=data.benchmarks, scores=data.scores, name="undated"
    )


def test_models_without_a_date_are_in_a_part_too():
    data = simulate(KINDS[0], seed=4, n_targets=100, n_families=30)
    data = undated(data, data.targets["model"].tolist()[:20])
    design = FULL.make_design(data)
    subset = make_subset(FULL, data, design, 40)
    assert subset.design.size("undated_target") >= OF_EACH
    dated = subset.design.size("dated_target")
    moved = subset.design.arrays["target_years"]
    np.testing.assert_array_equal(moved[:dated], subset.design.arrays["years"])
    assert (moved[dated:] == 0.0).all()


def test_a_part_that_cannot_answer_is_refused_before_anything_is_sampled():
    data = simulate(KINDS[0], seed=4, n_targets=100, n_families=30)
    data = undated(data, data.targets["model"].tolist()[:98])
    with pytest.raises(bd.BayesdenseError, match="shared_from=40: the subset is too small"):
        make_subset(FULL, data, FULL.make_design(data), 40)


def test_what_is_shared_means_the_same_for_a_part_and_the_whole():
    data = simulate(KINDS[0], seed=4, n_targets=120, n_families=40)
    late = data.targets.sort_values("release_date")["model"].iloc[60:].tolist()
    design = FULL.make_design(data)
    plain = FULL.make_design(data.select(models=late))
    own = alike(plain, design)
    assert own.mean_date == design.mean_date != plain.mean_date

    def years(of):
        return pd.Series(of.arrays["years"], of.coords["dated_target"])

    pd.testing.assert_series_equal(years(own), years(design)[own.coords["dated_target"]])
    np.testing.assert_array_equal(own.arrays["target_years"], own.arrays["years"])
    np.testing.assert_array_equal(own.arrays["harness_measured"], design.arrays["harness_measured"])
    whole = pd.Series(design.arrays["relative_log_size"], design.coords["model"])
    np.testing.assert_allclose(own.arrays["relative_log_size"], whole[own.coords["model"]])


def test_an_approximate_fit_has_all_models_and_says_what_it_is(fits, tmp_path):
    data = fits(KINDS[0]).data
    fit = FULL.fit(
        data,
        draws=1500,
        random_seed=11,
        shared_from=40,
        reference_posterior=False,
        progressbar=False,
    )
    subset = fit.info.shared_from
    assert 35 <= subset.targets <= 45 and subset.of == len(data.targets) == 60
    assert fit.posterior.sizes["model"] == len(data.models)
    assert np.isfinite(fit.density()["median"]).all()
    words = f"approximate equal-tailed (shared part from {subset.targets} of 60 targets)"
    assert words in fit.headline() and words in repr(fit)
    tables = [fit.doubling_time(), fit.growth(), fit.density(), fit.trend_line(), fit.scores()]
    tables += [fit.effective_size(), fit.effective_size(by="benchmark"), fit.parameters()]
    tables += [
        fit.coefficients(),
        fit.reach(),
        fit.effective_size(by="benchmark", method="plug-in"),
    ]
    for table in tables:
        assert table["kind"].str.contains(words, regex=False).all()
    check = fit.checks()["approximation"]
    assert f"{subset.targets} of 60 targets" in check.text and check.passed is None
    assert "approximation" in fit.checks().verdict
    again = bd.load_fit(fit.save(tmp_path / "fit.nc", full=True))
    assert again.headline() == fit.headline()
    for study in (bd.studies.influence, bd.studies.prior_sensitivity):
        with pytest.raises(bd.BayesdenseError, match="this fit is approximate"):
            study(fit)
    # Fewer models say less of what is shared, and each has its own scores all the same.
    joint = fits(KINDS[0])
    assert fit.posterior["growth_rate"].std() > 0.9 * joint.posterior["growth_rate"].std()
    own, whole = (f.density().set_index("model")["median"] for f in (fit, joint))
    assert np.corrcoef(np.log(own), np.log(whole[own.index]))[0, 1] > 0.95


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ({}, {"shared_from": 60}, "from 30 to below the number of targets with scores, 60"),
        ({}, {"shared_from": 29}, "shared_from must be a whole number from 30"),
        ({}, {"shared_from": 40.0}, "not 40.0; leave it out"),
        ({"ruler": "cut"}, {"shared_from": 40}, "shared_from is for ruler='joint'"),
    ],
)
def test_bad_requests_for_a_part(model, options, message):
    data = simulate(KINDS[0], seed=4)
    with pytest.raises(bd.BayesdenseError, match=message):
        bd.DensityModel(**model).fit(data, progressbar=False, **options)


def test_a_part_and_a_warm_start_exclude_one_another(fits):
    fit = fits(KINDS[0])
    with pytest.raises(bd.BayesdenseError, match="exclude one another"):
        FULL.fit(fit.data, warm_start=fit, shared_from=40, progressbar=False)


@pytest.mark.parametrize(("bfmi", "passed"), [(0.1, False), (0.9, None)])
def test_energies_of_the_subset_count(bfmi, passed):
    fit = fake_fit()
    subset = SharedFromInfo(
        targets=5, of=8, rhat=1.0, ess=900.0, bfmi=bfmi, step=0.1, refused=0.0, energy_error=0.0
    )
    fit.info = dataclasses.replace(fit.info, shared_from=subset)
    check = fit.checks()["approximation"]
    assert check.passed is passed and f"lowest E-BFMI {bfmi:.2f}" in check.text
