"""Loss laws: hand-computed values, inverses, slopes and limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bayesdense as bd
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.parts.laws import (
    DenseSparse,
    Irreducible,
    Kaplan,
    KaplanFloor,
    LossLaw,
    OverTraining,
    PowerSum,
    laws,
)
from bayesdense.priors import Prior

positive = st.floats(0.05, 5.0)
exponent = st.floats(0.05, 1.0)
log_size = st.floats(-8.0, 8.0)


def test_power_sum_by_hand():
    # a 8^(-1/3) + b 16^(-1/4) = 3/2 + 1/2 * 1 with a = 3, b = 1.
    law, c = (
        PowerSum(),
        {"loss_size_term": 3.0, "alpha": 1 / 3, "loss_token_term": 1.0, "beta": 0.25},
    )
    assert law.loss(np.log(8.0), np.log(16.0), c) == pytest.approx(1.5 + 0.5, abs=1e-15)
    assert law.limit(np.log(16.0), c) == pytest.approx(0.5, abs=1e-15)
    assert law.slope(np.log(8.0), 0.0, c) == pytest.approx(0.5, abs=1e-15)
    assert np.exp(law.log_size(2.0, np.log(16.0), c)) == pytest.approx(8.0, rel=1e-12)


@given(a=positive, alpha=exponent, b=positive, beta=exponent, x=log_size, z=log_size)
def test_inverse_of_forward_is_the_identity(a, alpha, b, beta, x, z):
    law, c = PowerSum(), {"loss_size_term": a, "alpha": alpha, "loss_token_term": b, "beta": beta}
    loss = law.loss(x, z, c)
    # The size term must not vanish beside the rest in double precision.
    tolerance = 1e-10 * (1.0 + loss / (loss - law.limit(z, c)) / alpha)
    assert law.log_size(loss, z, c) == pytest.approx(x, abs=tolerance)


@given(a=positive, alpha=exponent, b=positive, beta=exponent, x=log_size, z=log_size)
def test_slope_is_the_derivative(a, alpha, b, beta, x, z):
    law, c = PowerSum(), {"loss_size_term": a, "alpha": alpha, "loss_token_term": b, "beta": beta}
    step = 1e-5
    numeric = -(law.loss(x + step, z, c) - law.loss(x - step, z, c)) / (2 * step)
    assert law.slope(x, z, c) == pytest.approx(numeric, rel=1e-4, abs=1e-8)
    assert law.slope(x, z, c) > 0


def test_no_size_reaches_a_loss_at_or_below_the_limit():
    law, c = PowerSum(), {"loss_size_term": 1.0, "alpha": 0.3, "loss_token_term": 0.5, "beta": 0.3}
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

    law, c = PowerSum(), {"loss_size_term": 3.0, "alpha": 0.4, "loss_token_term": 1.0, "beta": 0.25}
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


# Coefficients of a size that a fit could find, for what all laws have in common.
CASES = [
    (PowerSum(), {"loss_size_term": 1.2, "alpha": 0.3, "loss_token_term": 0.8, "beta": 0.25}),
    (
        Irreducible(),
        {
            "loss_floor": 1.5,
            "loss_size_term": 0.6,
            "alpha": 0.34,
            "loss_token_term": 0.4,
            "beta": 0.28,
        },
    ),
    (Kaplan(), {"loss_size_term": 2.0, "alpha": 0.076, "loss_token_term": 1.7, "beta": 0.095}),
    (
        KaplanFloor(),
        {
            "loss_floor": 0.7,
            "loss_size_term": 1.0,
            "alpha": 0.2,
            "loss_token_term": 0.9,
            "beta": 0.3,
        },
    ),
    (
        OverTraining(),
        {
            "loss_floor": 1.8,
            "loss_size_term": 0.7,
            "loss_token_term": 0.5,
            "compute_exponent": 0.136,
        },
    ),
    (
        DenseSparse(),
        {
            "loss_floor": 1.5,
            "sparsity_floor_exponent": 0.2,
            "loss_size_term": 0.6,
            "sparsity_size_term": 0.3,
            "alpha": 0.3,
            "loss_token_term": 0.4,
            "beta": 0.3,
        },
    ),
    (
        DenseSparse(),
        {
            **{
                "loss_floor": 1.5,
                "sparsity_floor_exponent": 0.2,
                "loss_size_term": 0.6,
                "sparsity_size_term": 0.3,
                "alpha": 0.3,
                "loss_token_term": 0.4,
                "beta": 0.3,
            },
            "sparsity": 0.75,
        },
    ),
]
IDS = [f"{law.name}{', sparse' if 'sparsity' in c else ''}" for law, c in CASES]


@pytest.mark.parametrize(("law", "c"), CASES, ids=IDS)
@given(x=st.floats(-6.0, 6.0), z=st.floats(-6.0, 6.0))
def test_inverse_slope_and_limit_of_every_law(law, c, x, z):
    loss = law.loss(x, z, c)
    assert law.log_size(loss, z, c) == pytest.approx(x, abs=1e-6)
    numeric = (law.loss(x - 1e-4, z, c) - law.loss(x + 1e-4, z, c)) / 2e-4
    assert law.slope(x, z, c) == pytest.approx(numeric, rel=1e-5)
    assert law.slope(x, z, c) > 0
    limit = law.limit(z, c)
    assert limit < loss
    assert law.loss(600.0, z, c) == pytest.approx(limit, rel=1e-6)
    assert np.isnan(law.log_size(limit * (1 - 1e-9), z, c))


@pytest.mark.parametrize(("law", "c"), CASES, ids=IDS)
def test_what_is_not_overridden_agrees_with_the_numerical_form(law, c):
    base = LossLaw
    for x, z in ((-2.0, 1.0), (0.0, 0.0), (3.0, -1.0)):
        loss = law.loss(x, z, c)
        assert base.log_size(law, loss, z, c) == pytest.approx(law.log_size(loss, z, c), abs=1e-6)
        assert base.slope(law, x, z, c) == pytest.approx(law.slope(x, z, c), rel=1e-6)
        assert base.limit(law, z, c) == pytest.approx(law.limit(z, c), rel=1e-6)


@pytest.mark.parametrize(("law", "c"), CASES, ids=IDS)
def test_symbols_and_numbers_agree_for_every_law(law, c):
    import pytensor.tensor as pt

    x = pt.dscalar()
    for formula in (law.loss, law.slope):
        assert formula(x, 0.7, c).eval({x: 1.3}) == pytest.approx(formula(1.3, 0.7, c))


@pytest.mark.parametrize("law", [c[0] for c in CASES if c[0].shape], ids=lambda law: law.name)
def test_the_unit_form_is_the_same_for_all_laws_that_have_one(law):
    (name,) = law.shape
    c = law.unit({name: 0.2})
    alpha = 0.4 if name == "compute_exponent" else 0.2
    assert law.loss(1.7, 5.0, c) == pytest.approx(np.expm1(-alpha * 1.7) / alpha, rel=1e-9)
    assert law.slope(0.0, 0.0, c) == pytest.approx(1.0)
    assert law.limit(0.0, c) == pytest.approx(-1.0 / alpha)


def test_irreducible_by_hand_and_without_a_floor():
    # e + a 8^(-1/3) + b 16^(-1/4) = 1 + 3/2 + 1/2.
    c = {"loss_size_term": 3.0, "alpha": 1 / 3, "loss_token_term": 1.0, "beta": 0.25}
    x, z = np.log(8.0), np.log(16.0)
    assert Irreducible().loss(x, z, {**c, "loss_floor": 1.0}) == pytest.approx(3.0, abs=1e-15)
    assert Irreducible().loss(x, z, {**c, "loss_floor": 0.0}) == PowerSum().loss(x, z, c)


def test_kaplan_by_hand_and_its_limits():
    # alpha = 1/2, beta = 1/4: [(4/N)^2 + 16/D]^(1/4) at N = 2, D = 1 is (4 + 16)^(1/4).
    c = {"loss_size_term": 4**0.5, "alpha": 0.5, "loss_token_term": 16**0.25, "beta": 0.25}
    assert Kaplan().loss(np.log(2.0), 0.0, c) == pytest.approx(20**0.25, abs=1e-14)
    assert Kaplan().loss(np.log(2.0), 200.0, c) == pytest.approx((4 / 2) ** 0.5)
    assert Kaplan().at_one(c, np.log(3.0), np.log(5.0)) == pytest.approx(
        {"Nc": 12.0, "alpha": 0.5, "Dc": 80.0, "beta": 0.25}
    )
    assert KaplanFloor().loss(0.3, 0.2, {**c, "loss_floor": 0.0}) == Kaplan().loss(0.3, 0.2, c)
    assert KaplanFloor().loss(0.3, 0.2, {**c, "loss_floor": 0.4}) == 0.4 + Kaplan().loss(
        0.3, 0.2, c
    )


def test_over_training_by_hand():
    """At N = 4e8 and M = 20, from the constants that Gadre et al. print for RedPajama."""
    a, b, eta, e = 212.0, 366.7, 0.136, 1.837
    n, ratio = 4e8, 20.0
    compute = 6 * n * ratio * n
    expected = e + (a * ratio**eta + b * ratio**-eta) * compute**-eta
    centre = np.log(1e9), np.log(3e10)
    c = {
        "loss_floor": e,
        "loss_size_term": a * np.exp(-eta * (np.log(6.0) + 2 * centre[0])),
        "loss_token_term": b * np.exp(-eta * (np.log(6.0) + 2 * centre[1])),
        "compute_exponent": eta,
    }
    x, z = np.log(n) - centre[0], np.log(ratio * n) - centre[1]
    assert OverTraining().loss(x, z, c) == pytest.approx(expected, rel=1e-12)
    assert OverTraining().at_one(c, *centre) == pytest.approx(
        {"loss_floor": e, "loss_size_term": a, "loss_token_term": b, "compute_exponent": eta}
    )


def test_over_training_is_irreducible_with_one_exponent():
    c = {"loss_floor": 1.8, "loss_size_term": 0.7, "loss_token_term": 0.5}
    same = {**c, "alpha": 0.3, "beta": 0.3}
    left = OverTraining().loss(0.8, -0.4, {**c, "compute_exponent": 0.15})
    assert left == pytest.approx(Irreducible().loss(0.8, -0.4, same), abs=1e-15)


def test_dense_and_sparse_by_hand_and_without_sparsity():
    c = {
        "loss_floor": 2.0,
        "sparsity_floor_exponent": 1.0,
        "loss_size_term": 3.0,
        "sparsity_size_term": 4.0,
        "alpha": 0.5,
        "loss_token_term": 1.0,
        "beta": 0.25,
    }
    # s = 3/4: 2/4 + (3/2 + 3)/2 + 1/2 at N = 4, D = 16.
    x, z = np.log(4.0), np.log(16.0)
    assert DenseSparse().loss(x, z, {**c, "sparsity": 0.75}) == pytest.approx(0.5 + 2.25 + 0.5)
    dense = {
        name: c[name]
        for name in ("loss_floor", "loss_size_term", "alpha", "loss_token_term", "beta")
    }
    assert DenseSparse().loss(x, z, {**c, "sparsity": 0.0}) == Irreducible().loss(x, z, dense)
    assert DenseSparse().loss(x, z, c) == Irreducible().loss(x, z, dense)


def test_a_law_without_a_scale_free_form_says_what_to_use():
    with pytest.raises(BayesdenseError, match="'kaplan' needs losses .* use one of power-sum"):
        Kaplan().unit({})


def test_ten_lines_make_a_law():
    class OnePower(LossLaw):
        name, equation = "one-power", "L = e + a (N/N*)^-alpha"
        coefficients, exponents = ("loss_floor", "loss_size_term", "alpha"), ("alpha",)

        def priors(self, mean_loss):
            return {
                n: Prior("LogNormal", mu=np.log(mean_loss), sigma=1.0)
                for n in ("loss_floor", "loss_size_term")
            }

        def loss(self, x, z, c):
            return c["loss_floor"] + c["loss_size_term"] * np.exp(-c["alpha"] * x)

    c = {"loss_floor": 1.0, "loss_size_term": 0.5, "alpha": 0.4}
    assert OnePower().log_size(1.2, 0.0, c) == pytest.approx(-np.log(0.4) / 0.4)
    assert OnePower().limit(0.0, c) == pytest.approx(1.0)
    assert np.isnan(OnePower().log_size(0.9, 0.0, c))
    assert repr(OnePower()) == "OnePower()"


def test_a_coefficient_must_not_be_named_as_a_variable_of_the_model():
    class Taken(Irreducible):
        name = "taken"
        coefficients = (*Irreducible.coefficients, "cell_effect_sd")

    with pytest.raises(
        BayesdenseError, match="has a coefficient 'cell_effect_sd', which is the name of"
    ):
        bd.RulerModel(law=Taken())
