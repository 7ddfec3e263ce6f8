"""Chains start where the losses are."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.build.model import model_priors
from bayesdense.build.starts import LEAST_NOISE, law_starts
from tests.model.test_reference import IRREDUCIBLE, runs_of


def starts_of(model, runs):
    layout = model.lay_out(bd.Dataset.from_losses(runs))
    return layout, law_starts(layout, model.spec.law, model_priors(layout, model.spec))


def test_starts_are_the_law_that_made_the_losses():
    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=9, sizes=8, ratios=5)
    layout, found = starts_of(bd.ReferenceModel(law="irreducible"), runs)
    x = layout.arrays["relative_log_size"][layout.arrays["loss_model"]]
    c = {name: found[name][0] for name in ("e", "a", "alpha", "b", "beta")}
    missed = np.log(bd.laws.Irreducible().loss(x, layout.arrays["loss_tokens"], c))
    missed -= layout.arrays["loss_observed"]
    assert np.median(np.abs(missed)) < 0.01
    assert LEAST_NOISE <= found["sigma_loss"][0] < 0.02


def test_a_run_far_off_does_not_move_the_start():
    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=9, sizes=8, ratios=5)
    _, plain = starts_of(bd.ReferenceModel(law="irreducible"), runs)
    runs.loc[3, "loss"] *= 1.5
    _, moved = starts_of(bd.ReferenceModel(law="irreducible"), runs)
    for name in ("e", "a", "alpha", "b", "beta"):
        assert moved[name] == pytest.approx(plain[name], rel=0.25), name


def test_a_law_that_cannot_be_fitted_starts_where_its_priors_are():
    @bd.laws.register
    class Stubborn(bd.laws.LossLaw):
        name, equation = "stubborn", "L = a, for symbols only"
        coefficients = ("a",)

        def priors(self, mean_loss):
            return {"a": bd.Prior("LogNormal", mu=0.3, sigma=1.0)}

        def loss(self, x, z, c):
            raise TypeError("no numbers, please")

    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=9, sizes=4, ratios=3)
    _, found = starts_of(bd.ReferenceModel(law="stubborn"), runs)
    assert found["a"] == pytest.approx([np.exp(0.3)])
