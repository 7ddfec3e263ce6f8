"""Loss laws: hand-computed values, inverses, slopes and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.parts.laws import PowerSum, laws

positive = st.floats(0.05, 5.0)
exponent = st.floats(0.05, 1.0)
log_size = st.floats(-8.0, 8.0)


def test_power_sum_by_hand():
    # a 8^(-1/3) + b 16^(-1/4) = 3/2 + 1/2 * 1 with a = 3, b = 1.
    law, c = PowerSum(), {"a": 3.0, "alpha": 1 / 3, "b": 1.0, "beta": 0.25}
    assert law.loss(np.log(8.0), np.log(16.0), c) == pytest.approx(1.5 + 0.5, abs=1e-15)
    assert law.limit(np.log(16.0), c) == pytest.approx(0.5, abs=1e-15)
    assert law.slope(np.log(8.0), 0.0, c) == pytest.approx(0.5, abs=1e-15)
    assert np.exp(law.log_size(2.0, np.log(16.0), c)) == pytest.approx(8.0, rel=1e-12)


@given(a=positive, alpha=exponent, b=positive, beta=exponent, x=log_size, z=log_size)
def test_inverse_of_forward_is_the_identity(a, alpha, b, beta, x, z):
    law, c = PowerSum(), {"a": a, "alpha": alpha, "b": b, "beta": beta}
    loss = law.loss(x, z, c)
    # The size term must not vanish beside the rest in double precision.
    tolerance = 1e-10 * (1.0 + loss / (loss - law.limit(z, c)) / alpha)
    assert law.log_size(loss, z, c) == pytest.approx(x, abs=tolerance)


@given(a=positive, alpha=exponent, b=positive, beta=exponent, x=log_size, z=log_size)
def test_slope_is_the_derivative(a, alpha, b, beta, x, z):
    law, c = PowerSum(), {"a": a, "alpha": alpha, "b": b, "beta": beta}
    step = 1e-5
    numeric = -(law.loss(x + step, z, c) - law.loss(x - step, z, c)) / (2 * step)
    assert law.slope(x, z, c) == pytest.approx(numeric, rel=1e-4, abs=1e-8)
    assert law.slope(x, z, c) > 0


def test_no_size_reaches_a_loss_at_or_below_the_limit():
    law, c = PowerSum(), {"a": 1.0, "alpha": 0.3, "b": 0.5, "beta": 0.3}
    assert np.isnan(law.log_size([0.5, 0.4, 0.0], 0.0, c)).all()
    assert np.isfinite(law.log_size(0.5001, 0.0, c))


@given(alpha=exponent, x=log_size)
def test_the_unit_law_is_the_scale_free_form(alpha, x):
    # MODEL section 2: q(x; alpha) = (1 - exp(-alpha x)) / alpha, with L = -q.
    law = PowerSum()
    c = law.unit({"alpha": alpha})
    assert law.loss(x, 123.0, c) == pytest.approx(np.expm1(-alpha * x) / alpha, rel=1e-9, abs=1e-9)
    assert law.loss(0.0, 0.0, c) == pytest.approx(0.0, abs=1e-12)
    assert law.slope(0.0, 0.0, c) == pytest.approx(1.0)
    assert law.limit(0.0, c) == pytest.approx(-1.0 / alpha)


def test_small_exponents_approach_the_logarithm():
    law = PowerSum()
    c = law.unit({"alpha": 1e-6})
    assert law.loss(3.0, 0.0, c) == pytest.approx(-3.0, abs=1e-4)


def test_symbols_and_numbers_agree():
    import pytensor.tensor as pt

    law, c = PowerSum(), {"a": 3.0, "alpha": 0.4, "b": 1.0, "beta": 0.25}
    x = pt.dscalar()
    for formula in (law.loss, law.slope):
        assert formula(x, 0.7, c).eval({x: 1.3}) == pytest.approx(formula(1.3, 0.7, c))


def test_registry_names_and_near_match():
    assert "power-sum" in laws.names
    assert isinstance(laws.get("power-sum"), PowerSum)
    assert isinstance(laws.get(PowerSum), PowerSum)
    with pytest.raises(UnknownNameError, match="did you mean 'power-sum'"):
        laws.get("power-summ")
    with pytest.raises(BayesdenseError, match="is not a loss law: it lacks"):
        laws.get(3)
    with pytest.raises(BayesdenseError, match="lacks equation"):
        laws.register(type("Half", (), {"name": "half"}))
    with pytest.raises(BayesdenseError, match="already registered"):
        laws.register(type("Other", (PowerSum,), {"__qualname__": "Other"}))
    assert laws.register(PowerSum) is PowerSum
