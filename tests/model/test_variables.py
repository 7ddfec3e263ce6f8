"""Every variable has a symbol, a name in words, a unit and an equation, also after saving."""

from __future__ import annotations

import pytest

import bayesdense as bd
from bayesdense.model.variables import VARIABLES, attributes, describe, symbols_of
from bayesdense.parts.laws import laws
from tests.fake import fake_fit, tiny_dataset
from tests.simulate import KINDS, simulate

# Mean and spread of logarithms that vary around a common mean.
COMMON = {f"{name}_{of}" for name in ("alpha", "beta", "cell_effect_sd") for of in ("mean", "sd")}
EQUATIONS = {*(f"eq. {i}" for i in range(1, 6)), "observation", "prior"}


def plain(name):
    return name.removesuffix("_with_losses").removesuffix("_scores_only")


@pytest.mark.parametrize("trend", ["linear", "frontier", "change-point"])
def test_every_variable_of_a_model_is_described(trend):
    model = bd.DensityModel(trend=trend).build(tiny_dataset())
    names = {v.name for v in (*model.free_RVs, *model.deterministics)}
    assert names - COMMON <= VARIABLES.keys()


@pytest.mark.parametrize("kind", KINDS)
def test_with_losses_as_well(kind):
    model = bd.DensityModel().build(simulate(kind, seed=1))
    names = {plain(v.name) for v in (*model.free_RVs, *model.deterministics)}
    assert names - COMMON <= VARIABLES.keys()
    assert {attributes(name)["equation"] for name in COMMON} == {"prior"}


def test_every_coefficient_of_a_law_has_a_symbol():
    for name in laws:
        law = laws.get(name)
        assert set(law.coefficients) <= {*VARIABLES, *law.symbols}, name


def test_what_is_said_is_complete():
    for name, variable in VARIABLES.items():
        said = attributes(name)
        assert all(said.values()) and said["symbol"] == variable.symbol
        assert said["equation"] in EQUATIONS
    assert attributes("of_ones_own")["symbol"] == "of_ones_own"
    assert attributes("of_ones_own", {"of_ones_own": "k"})["symbol"] == "k"
    assert symbols_of(laws.get("over-training"), None, "joint") == {"compute_exponent": "eta"}


def test_attributes_survive_saving(tmp_path):
    fit = fake_fit()
    assert not fit.posterior["growth_rate"].attrs
    fit.posterior = describe(fit.posterior, symbols_of(fit.spec.law, fit.spec.size))
    again = bd.load_fit(fit.save(tmp_path / "fit.nc", full=True))
    for name in fit.posterior.data_vars:
        assert again.posterior[name].attrs == attributes(name), name
    assert again.parameters().equals(fit.parameters())
    table = again.parameters(names=["growth_rate"])
    assert table[["parameter", "symbol"]].values.tolist() == [["growth_rate", "A"]]
