"""Which variables a prior speaks of, for every kind of reference family."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.build.model import model_priors
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.prior_variables import governed_by
from tests.fake import fake, tiny_dataset
from tests.simulate import KINDS, simulate


def entries(built, name):
    dims = built.named_vars_to_dims.get(name, ())
    return int(np.prod([len(built.coords[dim]) for dim in dims], dtype=int))


@pytest.mark.parametrize("kind", KINDS)
def test_every_prior_has_variables_with_as_many_entries_as_it_governs(kind):
    data = simulate(kind, seed=3)
    model = bd.DensityModel()
    layout, built = model.lay_out(data), model.build(data)
    priors, found = model_priors(layout, model.spec), {}
    for name in priors:
        found[name] = governed_by(name, set(built.named_vars), priors)
        assert found[name], name
    only, known = int((~layout.has_losses).sum()), int(layout.has_losses.sum())
    if only:
        for name in ("pi", "s"):
            assert sum(entries(built, variable) for variable in found[name]) == only
    if known:
        for name in ("gamma", "l"):
            assert sum(entries(built, variable) for variable in found[name]) == known
        for name in ("a", "b", "sigma_loss"):
            assert sum(entries(built, v) for v in found[name]) == len(layout.loss_sets), name
    # Those of several loss sets have priors of their mean.
    sets = len(layout.loss_sets) if "alpha_mean" not in priors else 0
    if "alpha" in priors:
        assert sum(entries(built, variable) for variable in found["alpha"]) == only + sets


def test_priors_of_benchmarks_with_scores_only_are_weighed_by_these():
    fit = fake(bd.DensityModel(), simulate("some of each", seed=3))
    table = bd.studies.prior_sensitivity(fit)
    assert set(fit.priors) <= set(table["prior"])
    from bayesdense.studies.prior_sensitivity import _log_prior

    own = fit.priors["pi"].log_density(fit.posterior["pi_scores_only"].values)
    draws = Draws(fit.posterior)
    np.testing.assert_allclose(_log_prior(draws, "pi", fit.priors), own.sum(axis=-1).ravel())


def test_a_posterior_that_is_the_prior_is_said_to_be_like_it():
    """Draws from the prior, with two reference families, whose offsets add up to zero."""
    table = fake(bd.DensityModel(), tiny_dataset()).checks()["priors"].table
    ratios = table.set_index("parameter")["sd_ratio"]
    for name in ("r", "o"):
        # Fifty draws: a standard deviation is known to a tenth.
        assert np.median(ratios[name]) == pytest.approx(1.0, abs=0.25), name
