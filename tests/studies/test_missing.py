"""Unreported scores that would bring another doubling time, by hand."""

import numpy as np
import pytest
from scipy import special

import bayesdense as bd
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import interval
from bayesdense.studies.missing import RESAMPLES, _rarer, _reports
from bayesdense.tables.growth import ALL
from tests.fake import fake, tiny_dataset


class FourModels:
    """Half a year apart: the first benchmark is left out by the last two, the second by none."""

    arrays = {
        "cell_model": np.array([0, 1, 0, 1, 2, 3, 4, 4]),
        "cell_benchmark": np.array([0, 0, 1, 1, 1, 1, 0, 1]),
        "target_years": np.array([-0.75, -0.25, 0.25, 0.75, 9.0]),
    }
    sizes = {"dated_target": 4, "benchmark": 2}

    def size(self, dim):
        return self.sizes[dim]


def test_who_reports_is_read_off_the_cells():
    """The fifth model has no date."""
    years, there = _reports(FourModels())
    assert years.tolist() == [-0.75, -0.25, 0.25, 0.75]
    assert there.T.tolist() == [[1, 1, 0, 0], [1, 1, 1, 1]]


def test_how_fast_reports_get_rarer_is_the_slope_at_those_that_report():
    random = np.random.default_rng(1)
    years = random.uniform(-1.0, 1.0, 40_000)
    share = special.expit(0.5 - 1.5 * years)
    there = np.column_stack([random.random(len(years)) < share, np.ones(len(years))]).astype(float)
    own = there[:, 0] > 0
    expected = np.polyfit(years[own], 1.0 - share[own], 1)[0]
    assert _rarer(years, there) == pytest.approx([expected, 0.0], abs=0.01)
    # Where reports get more frequent it is negative; a step is no infinite slope.
    assert _rarer(-years, there)[0] < 0
    step = (years < 0.2).astype(float)[:, None]
    assert 0 < _rarer(years, step)[0] < 2


def fit_with(monkeypatch, model, slopes, error):
    """Return a fit whose reports get rarer as given, give or take an error."""
    fit = fake(model, tiny_dataset())
    random, count = np.random.default_rng(2), [0]

    def rarer(years, there):
        count[0] += 1
        noise = 0.0 if count[0] == 1 else error * random.normal(size=len(slopes))
        return np.array(slopes) + noise

    monkeypatch.setattr("bayesdense.studies.missing._rarer", rarer)
    return fit


def test_the_gap_is_what_growth_is_too_fast_by_over_how_fast_reports_get_rarer(monkeypatch):
    fit = fit_with(monkeypatch, bd.DensityModel(form="first-edition"), [0.5, -0.1], 0.0)
    draws = Draws(fit.posterior)
    table = bd.studies.missing_scores(fit, months=8.0).set_index("benchmark")
    assert table.index.tolist() == ["MMLU", "MATH", ALL]
    wanted = 12 * np.log(2) / 8
    gap = (draws["growth_rate_by_benchmark"][:, 0] - wanted) / 0.5
    for value, name in zip(interval(gap, 0.9), ("median", "lower", "upper"), strict=True):
        assert table.loc["MMLU", name] == pytest.approx(value)
    assert table.loc["MMLU", "least"] == pytest.approx(np.median(gap))
    # Where scores are reported more and more often, none that are missing make growth slower.
    assert table.loc["MATH", ["median", "lower", "upper", "least"]].isna().all()
    together = (draws["growth_rate"] - wanted) / 0.2
    assert table.loc[ALL, "median"] == pytest.approx(interval(together, 0.9)[0])


def test_how_well_the_slope_is_known_is_part_of_the_interval(monkeypatch):
    model = bd.DensityModel(form="first-edition")
    exact = bd.studies.missing_scores(fit_with(monkeypatch, model, [0.5, 0.5], 0.0)).iloc[0]
    noisy = bd.studies.missing_scores(fit_with(monkeypatch, model, [0.5, 0.1], 0.1))
    assert noisy.loc[0, "se"] == pytest.approx(0.1, rel=4 / (2 * RESAMPLES) ** 0.5)
    assert noisy.loc[0, "upper"] - noisy.loc[0, "lower"] > exact["upper"] - exact["lower"]
    # One standard error from 0: nothing to divide by, but a least gap.
    assert np.isnan(noisy.loc[1, "median"]) and np.isfinite(noisy.loc[1, "least"])


def test_one_growth_rate_has_one_row(monkeypatch):
    fit = fit_with(monkeypatch, bd.DensityModel(growth="common"), [0.5, 0.1], 0.0)
    assert bd.studies.missing_scores(fit)["benchmark"].tolist() == [ALL]


@pytest.mark.parametrize("months", [0, -1.0, True, "six"])
def test_months_must_be_a_number_above_0(months):
    fit = fake(bd.DensityModel(growth="common"), tiny_dataset())
    with pytest.raises(bd.BayesdenseError, match="months must be a number above 0"):
        bd.studies.missing_scores(fit, months=months)


def test_without_a_trend_there_is_nothing_to_tip():
    with pytest.raises(bd.BayesdenseError, match="missing_scores needs a trend"):
        bd.studies.missing_scores(fake(bd.DensityModel(trend="none"), tiny_dataset()))
