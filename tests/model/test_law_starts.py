"""Chains start in the law where the losses put it."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.build import build_model, lay_out
from bayesdense.build.law_starts import SPREAD, least_squares_law
from bayesdense.build.model import model_priors
from bayesdense.compiled import compiled_for
from bayesdense.models.base import structure_of
from bayesdense.packing import in_order
from bayesdense.progress import Progress
from bayesdense.starts import spread_of
from tests.model.simulate import simulate


def _law(law="power-sum"):
    data = simulate("losses and scores", seed=5, n_targets=8, n_families=3)
    spec = bd.DensityModel(law=law).spec
    layout = lay_out(data, spec)
    return layout, spec, model_priors(layout, spec)


def test_least_squares_find_the_law_of_losses_without_noise():
    layout, spec, priors = _law()
    arrays = layout.arrays
    truth = {"a": 0.8, "alpha": 0.35, "b": 1.4, "beta": 0.25}
    x = arrays["relative_log_size"][arrays["loss_model"]]
    arrays["loss_observed"] = np.log(spec.law.loss(x, arrays["loss_tokens"], truth))
    found = least_squares_law(layout, spec.law, priors)
    for name, value in truth.items():
        # The priors pull a little.
        assert found[name] == pytest.approx(value, rel=0.05), name
    assert (found["sigma_loss"] < 0.01).all()


def test_a_law_that_cannot_be_fitted_starts_where_is_usual():
    layout, spec, priors = _law()
    layout.arrays["loss_observed"][:] = np.nan
    found = least_squares_law(layout, spec.law, priors)
    assert found["alpha"] == pytest.approx(0.3)
    assert found["a"] == pytest.approx(layout.mean_loss / 2)


@pytest.mark.parametrize("law", ["power-sum", "irreducible", "kaplan"])
def test_every_chain_starts_near_least_squares(law):
    layout, spec, priors = _law(law)
    model = build_model(layout, spec)
    found = least_squares_law(layout, spec.law, priors)
    start = {v.name: np.asarray(model.rvs_to_initial_values[v]) for v in model.free_RVs}
    # Amplitudes that are not a sum are variables of their own.
    terms = [str(name) for name in model.coords.get("term", ())]
    for i, name in enumerate(terms):
        assert start["log_terms"][:, i] == pytest.approx(np.log(found[name]))
    for name in {"a", "b"} - set(terms):
        assert start[name] == pytest.approx(found[name])
    assert start["sigma_loss"] == pytest.approx(found["sigma_loss"])
    close = {v.name for v in model.free_RVs if spread_of(v) == SPREAD}
    assert "sigma_loss" in close and close >= ({"log_terms"} if terms else {"a", "b"})
    assert spread_of(model["A"]) > SPREAD


def test_chains_start_no_further_off_than_a_variable_says():
    layout, spec, _ = _law()
    model = build_model(layout, spec)
    with Progress(False, "") as shown:
        compiled, _ = compiled_for(model, structure_of(layout, spec), shown)
    centre, _ = compiled.as_sampled(
        {v.name: np.asarray(model.rvs_to_initial_values[v], dtype=float) for v in model.free_RVs}
    )
    allowed = np.concatenate(
        [np.full(np.size(model.rvs_to_initial_values[v]), spread_of(v)) for v in in_order(model)]
    )
    far = np.abs([compiled.start(seed) - centre for seed in range(40)]).max(axis=0)
    assert (far <= allowed + 1e-12).all()
    # Of forty, the furthest is near the bound.
    assert (far > 0.7 * allowed).all()
