"""Unreported scores that would bring another doubling time, by hand."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.intervals import interval
from bayesdense.studies.missing import _reports
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


def test_the_share_of_reports_and_its_slope_by_hand():
    """The fifth model has no date; both benchmarks together fall half as fast as the first."""
    share, slope, error = _reports(FourModels())
    assert share == pytest.approx([0.5, 1.0, 0.75])
    # Sum of squares of the dates 1.25, of dates times reports -1.
    assert slope == pytest.approx([-0.8, 0.0, -0.4])
    # What is left of 1 around the mean: 1 - 0.8, over 2 degrees of freedom and 1.25.
    assert error == pytest.approx([np.sqrt(0.2 / 2 / 1.25), 0.0, np.sqrt(0.05 / 2 / 1.25)])


def test_the_gap_is_what_growth_is_too_fast_by_over_how_fast_reports_get_rarer(monkeypatch):
    fit = fake(bd.DensityModel(growth="common"), tiny_dataset())
    names = bd.studies.tipping_points(fit)["benchmark"]
    slope = np.full(len(names), -0.5)
    slope[0] = 0.1
    reports = (np.ones(len(names)), slope, np.zeros(len(names)))
    monkeypatch.setattr("bayesdense.studies.missing._reports", lambda _: reports)
    table = bd.studies.missing_scores(fit, months=8.0)
    assert table["benchmark"].tolist() == names.tolist() and table["benchmark"].iloc[-1] == ALL
    gap = (Draws(fit.posterior)["growth_rate"] - 12 * np.log(2) / 8) / 0.5
    for value, name in zip(interval(gap, 0.9), ("median", "lower", "upper"), strict=True):
        assert table[name].iloc[1:].to_numpy() == pytest.approx(value)
    # Where scores are reported more and more often, none that are missing make growth slower.
    assert table.loc[0, ["median", "lower", "upper"]].isna().all()


@pytest.mark.parametrize("months", [0, -1.0, True, "six"])
def test_months_must_be_a_number_above_0(months):
    fit = fake(bd.DensityModel(growth="common"), tiny_dataset())
    with pytest.raises(bd.BayesdenseError, match="months must be a number above 0"):
        bd.studies.missing_scores(fit, months=months)


def test_without_a_trend_there_is_nothing_to_tip():
    with pytest.raises(bd.BayesdenseError, match="missing_scores needs a trend"):
        bd.studies.missing_scores(fake(bd.DensityModel(trend="none"), tiny_dataset()))
