"""Size definitions and trends, by hand."""

import numpy as np
import pandas as pd
import pytest

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.parts.sizes import GeometricMean, Precision, Representation, Routed, sizes
from bayesdense.parts.trends import (
    ChangePoint,
    Frontier,
    Linear,
    NoTrend,
    Smooth,
    Spread,
    UnknownChange,
    trends,
)
from bayesdense.parts.trends.base import factor_of, has_growth
from bayesdense.parts.trends.spread import mean_of_maximum

ORIGIN = np.datetime64("2024-01-01", "s")
YEARS = np.array([-1.0, 0.0, 2.0])


def draws(**values):
    return {name: np.array([float(v)]) for name, v in values.items()}


def test_total_and_active_sizes():
    table = pd.DataFrame({"n_params": [np.e**2, np.e**3], "n_active": [np.e, np.e**3]})
    assert sizes.get("total").log_size(table) == pytest.approx([2.0, 3.0])
    assert sizes.get("active").log_size(table) == pytest.approx([1.0, 3.0])
    with pytest.raises(UnknownNameError, match="nown: "):
        sizes.get("bits")


def test_geometric_mean_lies_half_way_and_agrees_for_dense_models():
    table = pd.DataFrame({"n_params": [np.e**4, np.e**3], "n_active": [np.e**2, np.e**3]})
    assert GeometricMean().log_size(table) == pytest.approx([3.0, 3.0])


def test_precision_by_hand_and_at_many_bits():
    table = pd.DataFrame(
        {
            "model": ["a", "b", "c"],
            "n_params": [1e9] * 3,
            "bits_weights": [4, None, 1e6],
            "bits_kv_cache": ["8", "", "16"],
        }
    )
    design = Precision().design(table)
    assert design["sensitivity_weights"].tolist() == [4.0, 16.0, 1e6]
    assert (
        set(design)
        == set(Precision().priors(design))
        == {"sensitivity_weights", "sensitivity_kv_cache"}
    )
    factor = np.exp(
        Precision().log_multiplier(
            design, {"sensitivity_weights": 4.0, "sensitivity_kv_cache": 8.0}
        )
    )
    expected = [
        (1 - np.exp(-1)) * (1 - np.exp(-1)),
        (1 - np.exp(-4)) * (1 - np.exp(-2)),
        1 - np.exp(-2),
    ]
    assert factor == pytest.approx(expected, rel=1e-12)
    many = {name: np.full(1, 1e6) for name in design}
    assert (
        Precision().log_multiplier(many, {"sensitivity_weights": 4.0, "sensitivity_kv_cache": 8.0})
        == 0.0
    )


def test_representation_multiplies_capacities():
    table = pd.DataFrame({"representation": ["int4 + sparse50", None, "sparse50"]})
    design = Representation().design(table)
    capacities = {"capacity_int4": 0.5, "capacity_sparse50": 0.8}
    assert set(design) == set(capacities)
    found = np.exp(Representation().log_multiplier(design, capacities))
    assert found == pytest.approx([0.4, 1.0, 0.8])
    whole = dict.fromkeys(capacities, 1.0)
    assert np.exp(Representation().log_multiplier(design, whole)) == pytest.approx(np.ones(3))


def test_routed_is_the_dense_size_of_equal_loss():
    """log L = a log N + b log E + c log N log E + d, solved for the dense N by hand."""
    a, b, c, n, experts = -0.08, -0.03, 0.001, 1e9, 64.0
    log_loss = a * np.log(n) + b * np.log(experts) + c * np.log(n) * np.log(experts)
    dense = log_loss / a
    table = pd.DataFrame({"model": ["m", "d"], "n_active": [n, n], "n_experts": [experts, None]})
    design = Routed().design(table)
    centre = np.log(2e10)
    coefficients = {"experts_exponent": (b + c * centre) / a, "experts_size_interaction": c / a}
    found = Routed().log_size(table) + Routed().log_multiplier(design, coefficients)
    assert found == pytest.approx([dense, np.log(n)], rel=1e-12)


@pytest.mark.parametrize(
    ("size", "columns", "message"),
    [
        (Precision(), {}, "at least one of the columns bits_weights, bits_activations, bits_kv"),
        (Precision(), {"bits_weights": [4, -1]}, "'bits_weights': 'b' has -1; allowed is a number"),
        (Precision(), {"bits_weights": [4, "few"]}, "'bits_weights': 'b' has few; allowed"),
        (Representation(), {}, "reads the column 'representation', which is not there"),
        (Representation(), {"representation": ["", None]}, "no model names a format"),
        (Routed(), {}, "reads the column 'n_experts', which is not there"),
        (Routed(), {"n_experts": [8, 0]}, "'n_experts': 'b' has 0; allowed is a number from 1 up"),
    ],
)
def test_columns_that_a_size_reads(size, columns, message):
    table = pd.DataFrame({"model": ["a", "b"], "n_params": 1e9, "n_active": 1e9, **columns})
    with pytest.raises(BayesdenseError, match=message):
        size.design(table)


def test_linear_line_and_growth():
    trend = Linear()
    assert trend.line(draws(growth_rate=2.0), YEARS).tolist() == [-2.0, 0.0, 4.0]
    (growth,) = trend.growth(draws(growth_rate=2.0), YEARS)
    assert (growth.estimator, growth.period, growth.rate.tolist()) == ("typical", "all dates", [2])


def test_no_trend_is_level_and_has_no_rate():
    trend = NoTrend()
    assert trend.line({}, YEARS).tolist() == [0.0, 0.0, 0.0]
    assert trend.growth({}, YEARS) == [] and trend.priors() == Linear().priors()
    assert not has_growth(trend) and has_growth(Linear())


def test_change_point_is_continuous_and_has_two_rates():
    trend = ChangePoint("2024-01-01")
    values = draws(growth_rate=2.0, growth_rate_change=0.5)
    line = trend.line(values | trend.constant_values(ORIGIN), YEARS)
    assert line.tolist() == [-1.5, 0.0, 4.0]
    after, before = trend.growth(values, YEARS)
    assert (after.period, after.rate[0]) == ("from 2024-01-01", 2.0)
    assert (before.period, before.rate[0]) == ("before 2024-01-01", 1.5)
    assert trend.settings() == {"date": "2024-01-01"}
    assert ChangePoint("2024-07-01").constant_values(ORIGIN)["change_year"] == pytest.approx(
        182 / 365.25
    )


def test_change_point_says_when_one_side_is_empty():
    dates = pd.Series(pd.to_datetime(["2024-01-01", "2024-06-01"]))
    assert ChangePoint("2024-03-01").notes(dates) == []
    (early,) = ChangePoint("2023-01-01").notes(dates)
    # The day itself counts as after.
    (first,) = ChangePoint("2024-01-01").notes(dates)
    (late,) = ChangePoint("2025-01-01").notes(dates)
    assert early.startswith("no dated target was released before 2023-01-01: growth before")
    assert "before 2024-01-01" in first and "after 2025-01-01" in late


def test_change_point_wants_a_date():
    with pytest.raises(BayesdenseError, match="ISO day"):
        ChangePoint("soon")


def test_frontier_typical_growth_by_hand():
    # E[w] = sqrt(2/pi) sigma_w exp(w1 t); its mean slope over the dates is taken off A.
    values = draws(growth_rate=2.0, frontier_total_sd=1.0, lag_share=0.25, lag_trend=0.3)
    frontier, typical = Frontier().growth(values, YEARS)
    slope = np.sqrt(2 / np.pi) * 0.5 * 0.3 * np.exp(0.3 * YEARS).mean()
    assert frontier.rate[0] == 2.0
    assert typical.rate[0] == pytest.approx(2.0 - slope)


def test_frontier_deviation_has_the_moments_of_its_parts():
    given = {"frontier_total_sd": 1.0, "lag_share": 0.5, "lag_trend": 0.4}
    many = {n: np.full(200_000, v) for n, v in given.items()}
    found = Frontier().deviation(many, np.array([1.0]), np.random.default_rng(1))[:, 0]
    sigma_v, sigma_w = np.sqrt(0.5), np.sqrt(0.5) * np.exp(0.4)
    assert found.mean() == pytest.approx(-np.sqrt(2 / np.pi) * sigma_w, abs=0.01)
    expected = sigma_v**2 + (1 - 2 / np.pi) * sigma_w**2
    assert found.var() == pytest.approx(expected, rel=0.02)


def test_linear_deviation_is_normal():
    many = {"model_effect_sd": np.full(200_000, 0.7)}
    found = Linear().deviation(many, np.array([0.0]), np.random.default_rng(1))
    assert (found.mean(), found.std()) == pytest.approx((0.0, 0.7), abs=0.01)


def test_registered():
    assert trends.names == [
        *("linear", "change-point", "frontier", "none", "smooth", "spread", "unknown-change"),
    ]


def smooth_values(years, bends, size=0.6):
    return {
        "growth_rate": np.array([2.0]),
        "growth_walk_sd": np.array([size]),
        "growth_bends": np.array([bends]),
        **Smooth().dated_constants(years),
    }


def test_a_smooth_deviation_is_no_level_and_no_slope():
    years = np.sort(np.random.default_rng(1).uniform(-1.0, 1.5, 40))
    bends = np.random.default_rng(2).standard_normal(9)
    values = smooth_values(years, bends)
    columns = {n: v[:, None] if v.shape == (1,) else v for n, v in values.items()}
    deviation = Smooth().line(columns, years)[0] - 2.0 * years
    assert np.abs(deviation).max() > 0.05
    assert np.polyfit(years, deviation, 1) == pytest.approx([0.0, 0.0], abs=1e-12)
    # Without bends it is the line.
    flat = Smooth().line(columns | {"growth_bends": np.zeros((1, 9))}, years)[0]
    assert flat == pytest.approx(2.0 * years)


def test_growth_of_a_smooth_trend_is_the_slope_of_its_line():
    years = np.linspace(-1.0, 1.5, 40)
    values = smooth_values(years, np.random.default_rng(3).standard_normal(9))
    columns = {n: v[:, None] if v.shape == (1,) else v for n, v in values.items()}
    at = np.array([0.9, -0.93, 0.1])
    step = 1e-6
    ends = [Smooth().line(columns, at + by)[0] for by in (-step, step)]
    found = Smooth().rate_at(values, years, at, np.random.default_rng(1))[0]
    assert found == pytest.approx((ends[1] - ends[0]) / (2 * step), abs=1e-6)
    # From one piece to the next it changes by the walk's standard deviation times a bend.
    piece = 2.5 / 10
    before, after = Smooth().rate_at(
        values, years, np.array([-1 + 0.5 * piece, -1 + 1.5 * piece]), np.random.default_rng(1)
    )[0]
    assert after - before == pytest.approx(0.6 * np.sqrt(piece) * values["growth_bends"][0, 0])
    average, first, last = Smooth().growth(values, years)
    assert average.rate == pytest.approx([2.0])
    assert (first.period, last.period) == ("first date", "last date")
    assert first.rate == pytest.approx(before)


def test_growth_beyond_the_dates_becomes_less_known():
    years, many = np.linspace(-1.0, 1.0, 30), 40_000
    values = {
        "growth_rate": np.full(many, 2.0),
        "growth_walk_sd": np.full(many, 0.5),
        "growth_bends": np.zeros((many, 9)),
        **Smooth().dated_constants(years),
    }
    at = np.array([3.0, 1.0, -2.0, 2.0])
    found = Smooth().rate_at(values, years, at, np.random.default_rng(1))
    assert found.mean(axis=0) == pytest.approx(2.0, abs=0.02)
    assert found.std(axis=0) == pytest.approx(
        0.5 * np.sqrt([2.0, 0.0, 1.0, 1.0]), rel=0.02, abs=1e-12
    )
    # Later dates go on from earlier ones.
    assert np.corrcoef(found[:, 0], found[:, 3])[0, 1] == pytest.approx(np.sqrt(0.5), abs=0.02)


def test_growth_at_any_date_of_other_trends():
    values = draws(growth_rate=2.0, growth_rate_change=0.5, change_year=0.3)
    at, random = np.array([0.2, 0.3, 5.0]), np.random.default_rng(1)
    assert Linear().rate_at(values, YEARS, at, random)[0] == pytest.approx(2.0)
    assert ChangePoint().rate_at(values, YEARS, at, random)[0] == pytest.approx([1.5, 2.0, 2.0])


def test_a_change_at_an_unknown_date_is_a_change_at_each_draws_date():
    years = np.linspace(-1.0, 1.0, 21)
    bend = UnknownChange()
    constants = bend.dated_constants(years)
    # A tenth of the targets on either side.
    assert constants == pytest.approx({"first_change": -0.8, "last_change": 0.8})
    values = {
        "growth_rate": np.array([2.0, 2.0]),
        "growth_rate_change": np.array([0.5, -1.0]),
        "change_place": np.array([0.0, 0.75]),
        **constants,
    }
    assert bend.derived(values)["change_year"] == pytest.approx([-0.8, 0.4])
    columns = {n: v[:, None] if np.ndim(v) else v for n, v in values.items()}
    for i, (change, date) in enumerate([(0.5, -0.8), (-1.0, 0.4)]):
        known = {"growth_rate": 2.0, "growth_rate_change": change, "change_year": date}
        assert bend.line(columns, years)[i] == pytest.approx(ChangePoint().line(known, years))
    at, random = np.array([-0.9, -0.5, 0.5]), np.random.default_rng(1)
    found = bend.rate_at(values, years, at, random)
    assert found == pytest.approx(np.array([[1.5, 2.0, 2.0], [3.0, 3.0, 2.0]]))
    after, before = bend.growth(values, years)
    assert (after.period, before.period) == ("after the change", "before the change")
    assert before.rate == pytest.approx([1.5, 3.0])
    days = pd.Series(pd.to_datetime(["2024-01-01"] * 19 + ["2025-01-01"]))
    assert "nearly all dated targets were released on 2024-01-01" in bend.notes(days)[0]
    assert not bend.notes(pd.Series(pd.date_range("2024-01-01", periods=20)))


def test_a_spread_that_grows_by_hand():
    values = draws(growth_rate=2.0, model_effect_sd=0.3, family_effect_sd=0.4, spread_trend=0.5)
    typical, tenth, best = Spread().growth(values, YEARS)
    assert typical.rate == pytest.approx([2.0])
    # s = 0.5; the upper tenth of a Normal is 1.2816 standard deviations up, and the mean of the
    # largest of ten 1.5388.
    assert tenth.rate == pytest.approx([2.0 + 1.2816 * 0.5 * 0.5], abs=1e-4)
    assert best.rate == pytest.approx([2.0 + 1.5388 * 0.5 * 0.5], abs=1e-4)
    assert factor_of(Spread(), values, YEARS) == pytest.approx(np.exp([-0.5, 0.0, 1.0]))
    assert factor_of(Linear(), values, YEARS) == 1.0
    # The upper tenth of many models moves at that rate.
    random, step = np.random.default_rng(1), 0.01
    ends = []
    for year in (-step, step):
        shared = random.standard_normal((2, 2_000_000))
        scatter = 0.3 * shared[0] + 0.4 * shared[1]
        ends.append(np.quantile(2.0 * year + np.exp(0.5 * year) * scatter, 0.9))
    assert (ends[1] - ends[0]) / (2 * step) == pytest.approx(float(tenth.rate[0]), abs=0.15)


def test_the_spread_of_new_models_is_that_of_their_dates():
    many = {"model_effect_sd": np.full(100_000, 0.7), "spread_trend": np.full(100_000, -0.4)}
    found = Spread().deviation(many, np.array([-1.0, 1.0]), np.random.default_rng(1))
    assert found.std(axis=0) == pytest.approx(0.7 * np.exp([0.4, -0.4]), rel=0.01)


def test_the_mean_of_the_largest_of_some_normal_numbers():
    assert mean_of_maximum(3) == pytest.approx(1.5 / np.sqrt(np.pi))
    largest = np.random.default_rng(1).standard_normal((200_000, 10)).max(axis=1)
    assert mean_of_maximum(10) == pytest.approx(largest.mean(), abs=0.01)
