"""Score maps: hand-computed values, inverses and where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesdense.parts.laws import PowerSum
from bayesdense.parts.maps import ExponentialError, Sigmoid, Threshold, maps

unit = st.floats(0.02, 0.98)


def test_sigmoid_by_hand():
    # logistic(ln 3) = 3/4: 0.25 + 0.6 * 3/4.
    assert Sigmoid().score(np.log(3.0), 0.25, 0.6) == pytest.approx(0.7, abs=1e-15)
    assert Sigmoid().inverse(0.7, 0.25, 0.6) == pytest.approx(np.log(3.0), abs=1e-12)


@given(floor=st.floats(0.0, 0.5), ceiling=unit, y=st.floats(-8.0, 8.0))
def test_inverse_of_forward_is_the_identity(floor, ceiling, y):
    span = (1.0 - floor) * ceiling
    score = Sigmoid().score(y, floor, span)
    assert floor < score < floor + span
    assert Sigmoid().inverse(score, floor, span) == pytest.approx(y, abs=1e-9)


@given(y=st.floats(-1e4, 1e4))
def test_far_tails_stay_between_floor_and_ceiling(y):
    score = Sigmoid().score(y, 0.2, 0.7)
    assert 0.2 <= score <= 0.9


def test_no_inverse_at_or_beyond_floor_and_ceiling():
    found = Sigmoid().inverse(np.array([0.1, 0.25, 0.26, 0.84, 0.85, 1.0]), 0.25, 0.6)
    assert np.isnan(found).tolist() == [True, True, False, False, True, True]


def test_equations_2_to_4_are_consistent_by_hand():
    """A run of 8 N* scores what eq. 2 and 3 say, and eq. 4 gives 8 N* back."""
    law, score_map = PowerSum(), Sigmoid()
    c = {"loss_size_term": 3.0, "alpha": 1 / 3, "loss_token_term": 0.5, "beta": 0.25}
    gamma, midpoint, floor, span = 2.0, 2.5, 0.25, 0.6
    loss = law.loss(np.log(8.0), 0.0, c)
    assert loss == pytest.approx(2.0)  # 3/2 + 1/2
    score = score_map.score(gamma * (midpoint - loss), floor, span)
    assert score == pytest.approx(0.25 + 0.6 / (1 + np.exp(-1.0)))
    back = midpoint - score_map.inverse(score, floor, span) / gamma
    # The paper's form of the same inverse.
    assert back == pytest.approx(midpoint + np.log(span / (score - floor) - 1) / gamma)
    assert np.exp(law.log_size(back, 0.0, c)) == pytest.approx(8.0)


def test_registered():
    assert set(maps.names) >= {"sigmoid", "exponential-error", "threshold"}


def test_exponential_error_by_hand():
    # Gadre et al.: error = eps - k exp(-gamma L), with eps = 0.75, k = 1.5, gamma = ln 2, L = 3.
    eps, k, gamma, loss = 0.75, 1.5, np.log(2.0), 3.0
    floor = 1.0 - eps
    span = 1.0 - floor
    midpoint = np.log(k / span) / gamma
    score = ExponentialError().score(gamma * (midpoint - loss), floor, span)
    assert score == pytest.approx(1.0 - (0.75 - 1.5 / 8), abs=1e-15)


@given(floor=st.floats(0.0, 0.5), y=st.floats(-6.0, 1.0))
def test_exponential_error_inverse(floor, y):
    span = 1.0 - floor
    score = ExponentialError().score(y, floor, span)
    assert ExponentialError().inverse(score, floor, span) == pytest.approx(y, abs=1e-9)


def test_exponential_error_is_the_high_loss_limit_of_the_sigmoid():
    floor, span = 0.25, 0.7
    high = np.array([-10.0, -14.0, -18.0])
    sigmoid = Sigmoid().score(high, floor, span) - floor
    exponential = ExponentialError().score(high, floor, span) - floor
    assert sigmoid / exponential == pytest.approx(np.ones(3), abs=np.exp(-10.0) * 1.1)
    assert np.isnan(ExponentialError().inverse([0.25, 0.2], floor, span)).all()


def test_threshold_by_hand():
    # y = 2: 4/5 of the span.
    assert Threshold().score(2.0, 0.25, 0.5) == pytest.approx(0.65, abs=1e-15)
    assert Threshold().score(-2.0, 0.25, 0.5) == 0.25
    assert Threshold().inverse(0.65, 0.25, 0.5) == pytest.approx(2.0)
    assert np.isnan(Threshold().inverse([0.25, 0.75, 0.9, 0.1], 0.25, 0.5)).all()


@given(y=st.floats(0.05, 30.0))
def test_threshold_inverse_above_the_threshold(y):
    score = Threshold().score(y, 0.2, 0.6)
    assert Threshold().inverse(score, 0.2, 0.6) == pytest.approx(y, rel=1e-6)


@pytest.mark.parametrize("score_map", [Sigmoid(), ExponentialError(), Threshold()])
def test_maps_rise_and_symbols_agree(score_map):
    import pytensor.tensor as pt

    y = np.linspace(-5.0, 2.0, 50)
    assert (np.diff(score_map.score(y, 0.25, 0.6)) >= 0).all()
    symbol = pt.dvector()
    found = score_map.score(symbol, 0.25, 0.6).eval({symbol: y})
    assert found == pytest.approx(score_map.score(y, 0.25, 0.6))


def test_a_map_of_ones_own_has_a_numerical_inverse():
    from bayesdense.parts.maps import ScoreMap

    class Own(ScoreMap):
        name, equation = "own", "S = d + c logistic(y)"

        def score(self, y, floor, span):
            return floor + span / (1 + np.exp(-y))

    scores = np.array([0.3, 0.5, 0.8, 0.1, 0.95])
    expected = Sigmoid().inverse(scores, 0.25, 0.6)
    assert Own().inverse(scores, 0.25, 0.6) == pytest.approx(expected, abs=1e-9, nan_ok=True)
