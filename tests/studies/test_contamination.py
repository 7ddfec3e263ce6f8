"""Inflation of scores that would bring another doubling time, by hand and on simulated data."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import interval
from tests.fake import fake, fake_fit, tiny_dataset


def test_without_asymptote_the_slope_is_that_of_the_map():
    """With the log-linear law the logit is a straight line in log size."""
    model = bd.DensityModel(form="first-edition", law="log-linear")
    fit = fake(model, tiny_dataset())
    draws = Draws(fit.posterior)
    table = bd.studies.tipping_points(fit, months=8.0).set_index("benchmark")
    rate = 12 * np.log(2) / 8
    slope = draws["map_slope_at_centre"]
    names = make_design(fit.data, fit.spec).coords["benchmark"]
    for j, name in enumerate(names):
        kappa = (draws["growth_rate_by_benchmark"][:, j] - rate) * slope[:, j]
        assert table.loc[name, "median"] == pytest.approx(interval(kappa, 0.9)[0], rel=1e-9)
        # A score moves by at most a quarter of its logit.
        assert abs(table.loc[name, "points"]) <= 25 * np.abs(kappa).max()
    together = (draws["growth_rate"] - rate) / (1 / slope).mean(axis=1)
    row = table.loc["all benchmarks"]
    assert row["upper"] == pytest.approx(interval(together, 0.9)[2], rel=1e-9)
    assert np.isnan(row["points"])


def test_a_doubling_time_that_is_there_needs_no_inflation():
    fit = fake(bd.DensityModel(growth="common"), tiny_dataset())
    rate = fit.posterior["growth_rate"]
    fit.posterior["growth_rate"] = 0.0 * rate + 2.0
    found = bd.studies.tipping_points(fit, months=6 * np.log(2))
    assert found["median"].to_numpy() == pytest.approx(0.0, abs=1e-12)
    # The slower the doubling that is asked for, the more of it would have to be inflation.
    slower = bd.studies.tipping_points(fit, months=12.0)
    assert (slower["median"] > 0).all() and slower["unit"].eq("logits per year").all()


@pytest.mark.parametrize("months", [0, -1.0, True, "six"])
def test_months_must_be_a_number_above_0(months):
    with pytest.raises(bd.BayesdenseError, match="months must be a number above 0"):
        bd.studies.tipping_points(fake_fit(), months=months)


def test_without_a_trend_there_is_nothing_to_tip():
    with pytest.raises(bd.BayesdenseError, match="tipping_points needs a trend"):
        bd.studies.tipping_points(fake(bd.DensityModel(trend="none"), tiny_dataset()))
