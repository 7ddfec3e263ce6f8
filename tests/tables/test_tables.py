"""Tables from draws: envelope, intervals and doubling times by hand."""

import numpy as np
import pytest

from bayesdense.errors import BayesdenseError
from bayesdense.posterior.intervals import interval, tail_levels
from bayesdense.tables.envelope import envelope_slope
from bayesdense.tables.growth import Rate, doubling_time_table, growth_table
from tests.fake import fake_fit


def one(values, years):
    return envelope_slope(np.array([values], dtype=float), np.array(years, dtype=float))[0]


def test_envelope_goes_through_record_setters_only():
    # Records at 0, 2, 3 with values 0, 2, 6; the rest is beaten.
    assert one([0, -5, 2, 6, 5.9], [0, 1, 2, 3, 4]) == pytest.approx(
        np.polyfit([0, 2, 3], [0, 2, 6], 1)[0]
    )


def test_envelope_takes_models_of_one_date_together_and_ties_are_no_records():
    assert one([0, 1, 3], [0, 0, 2]) == pytest.approx(1.0)  # best of the first day is 1
    assert np.isnan(one([2, 2, 2], [0, 1, 2]))
    assert np.isnan(one([5, 1, 2], [0, 1, 2]))


def test_envelope_does_not_depend_on_the_order_of_models():
    random = np.random.default_rng(0)
    values, years = random.normal(size=(50, 30)).cumsum(axis=1), random.uniform(0, 3, 30)
    shuffled = random.permutation(30)
    first = envelope_slope(values, years)
    assert envelope_slope(values[:, shuffled], years[shuffled]) == pytest.approx(first, nan_ok=True)


def test_intervals_are_equal_tailed_quantiles():
    assert tail_levels(0.9) == pytest.approx((0.05, 0.95))
    median, lower, upper = interval(np.arange(1, 1001), 0.9)
    assert (median, lower, upper) == (500, 50, 950)
    for bad in (0.0, 1.0, 90, True, "0.9"):
        with pytest.raises(BayesdenseError, match="between 0 and 1"):
            tail_levels(bad)


def test_doubling_time_turns_the_ends_of_the_rate_around():
    # ln 2 per year doubles in a year, 2 ln 2 in half of one.
    rate = Rate("typical", "all dates", "all benchmarks", np.log(2) * np.linspace(1, 2, 1001))
    (row,) = doubling_time_table([rate], prob=0.9).to_dict("records")
    assert row["median"] == pytest.approx(12 / 1.5)
    assert row["lower"] == pytest.approx(12 / 1.95, rel=1e-3)
    assert row["upper"] == pytest.approx(12 / 1.05, rel=1e-3)
    assert (row["p_growth"], row["unit"], row["kind"]) == (1.0, "months", "equal-tailed")


def test_doubling_time_without_growth_has_no_finite_upper_end_and_drops_no_draw():
    rate = Rate("typical", "all dates", "all benchmarks", np.linspace(-0.2, 1.8, 1001))
    (row,) = doubling_time_table([rate], prob=0.9).to_dict("records")
    assert row["upper"] == np.inf
    assert row["lower"] == pytest.approx(12 * np.log(2) / 1.7, rel=1e-2)
    assert row["p_growth"] == pytest.approx(0.9, abs=0.002)
    falling = Rate("typical", "all dates", "x", np.linspace(-2, -1, 100))
    (row,) = doubling_time_table([falling], prob=0.9).to_dict("records")
    assert row["median"] == row["lower"] == row["upper"] == np.inf


def test_undefined_slopes_are_counted():
    values = np.array([np.nan, 1.0, 2.0, 3.0])
    table = growth_table([Rate("envelope", "all dates", "x", values)], prob=0.5, unit="1/year")
    assert table["undefined"].tolist() == [0.25]
    assert table["median"].tolist() == [2.0]


def test_that_an_envelope_rises_is_no_finding():
    names = ("typical", "envelope", "envelope of replicates", "envelope excess")
    found = [Rate(name, "all dates", "x", np.array([1.0, 2.0, -1.0, 3.0])) for name in names]
    table = growth_table(found, prob=0.5, unit="1/year")
    np.testing.assert_array_equal(table["p_growth"], [0.75, np.nan, np.nan, 0.75])


def test_growth_per_day_and_unknown_unit():
    rate = [Rate("typical", "all dates", "x", np.full(10, 365.25))]
    assert growth_table(rate, prob=0.9, unit="1/day")["median"].tolist() == [1.0]
    with pytest.raises(BayesdenseError, match="'1/year' or '1/day'"):
        growth_table(rate, prob=0.9, unit="1/month")


def test_a_headline_does_not_go_without_a_bad_verdict():
    fit = fake_fit()
    verdict = fit.checks().verdict
    assert not fit.checks().trusted
    first, *_, last = fit.headline(prob=0.8).splitlines()
    assert first.startswith("doubling time, typical: ") and "80 % equal-tailed" in first
    assert last == verdict and repr(fit).count(verdict) == 1
