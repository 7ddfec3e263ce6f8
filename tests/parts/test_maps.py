"""Score maps: hand-computed values, inverses and where there is none."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesdense.parts.laws import PowerSum
from bayesdense.parts.maps import Sigmoid, maps

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
    c = {"a": 3.0, "alpha": 1 / 3, "b": 0.5, "beta": 0.25}
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
    assert maps.names == ["sigmoid"]
