"""What a prior does to the answer: by weights, and in earnest."""

from __future__ import annotations

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.posterior.weights import smoothed, weighted
from bayesdense.studies import prior_sensitivity
from bayesdense.studies.prior_sensitivity import ALL_PRIORS, LIKELIHOOD
from tests.conftest import SAMPLING


def pooled_fit(data, sigma):
    """Fit with a prior of the growth rate that is far from what the data say."""
    prior = bd.Prior("Normal", mu=0.5, sigma=sigma)
    model = bd.DensityModel(form="pooled", priors={"growth_rate": prior})
    return model.fit(data, reference_posterior=False, **SAMPLING)


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_half_and_twice_a_prior_agree_with_refits(plain_fit):
    sigma = 0.6
    table = prior_sensitivity(pooled_fit(plain_fit.data, sigma)).set_index("prior")
    row = table.loc["growth_rate"]
    assert row["reliable"] and row["sensitivity"] > 0.05
    for name, factor in (("half", np.sqrt(2.0)), ("twice", np.sqrt(0.5))):
        refit = pooled_fit(plain_fit.data, sigma * factor)
        overall = refit.doubling_time().query("benchmark == 'all benchmarks'").iloc[0]
        assert row[name] == pytest.approx(overall["median"], rel=0.04), name
        assert row[f"{name}_lower"] == pytest.approx(overall["lower"], rel=0.07), name
        assert row[f"{name}_upper"] == pytest.approx(overall["upper"], rel=0.07), name
    # A prior of small growth makes doubling slow, and twice of it slower.
    assert row["twice"] > row["half"]


def test_every_prior_has_a_row_and_so_has_the_likelihood(plain_fit):
    table = prior_sensitivity(plain_fit, prob=0.5)
    assert set(table["prior"]) == {ALL_PRIORS, LIKELIHOOD, *plain_fit.priors}
    assert table["sensitivity"].is_monotonic_decreasing
    likelihood = table.set_index("prior").loc[LIKELIHOOD]
    assert np.isnan(likelihood["half"]) and likelihood["sensitivity"] > 0.05
    priors = table[table["prior"] != LIKELIHOOD]
    assert (priors["half_lower"] < priors["half"]).all()
    assert (priors["twice"] < priors["twice_upper"]).all()
    assert priors.set_index("prior").loc["map_floor", "sensitivity"] < likelihood["sensitivity"]
    with pytest.raises(bd.BayesdenseError, match="prob"):
        prior_sensitivity(plain_fit, prob=90)


def test_weights_make_another_normal_of_a_normal():
    """Normal(0, 1) draws weighed by the square root of Normal(1, 1): precision 1.5, mean 1/3."""
    draws = np.random.default_rng(1).standard_normal(20_000)
    weights, k = smoothed(0.25 * (draws - 1.0) ** 2, 1.0)
    assert weights.sum() == pytest.approx(1.0) and k < 0.5
    low, middle, high = weighted(draws, weights, 0.9)
    sd = 1.5**-0.5
    assert (low, middle, high) == pytest.approx(
        (1 / 3 - 1.645 * sd, 1 / 3, 1 / 3 + 1.645 * sd), abs=0.03
    )
