"""Which variables a prior speaks of, for every kind of reference family."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.model import model_priors
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.prior_variables import variables_of_prior
from tests.fake import fake, tiny_dataset
from tests.simulate import KINDS, simulate


def entries(built, name):
    dims = built.named_vars_to_dims.get(name, ())
    return int(np.prod([len(built.coords[dim]) for dim in dims], dtype=int))


@pytest.mark.parametrize("kind", KINDS)
def test_every_prior_has_variables_with_as_many_entries_as_it_governs(kind):
    data = simulate(kind, seed=3)
    model = bd.DensityModel()
    design, built = model.make_design(data), model.build(data)
    priors, found = model_priors(design), {}
    for name in priors:
        found[name] = variables_of_prior(name, set(built.named_vars), priors)
        assert found[name], name
    only, known = int((~design.has_losses).sum()), int(design.has_losses.sum())
    if only:
        for name in ("map_logit_at_centre", "map_slope_at_centre"):
            assert sum(entries(built, variable) for variable in found[name]) == only
    if known:
        for name in ("map_steepness", "map_midpoint_loss"):
            assert sum(entries(built, variable) for variable in found[name]) == known
        for name in ("loss_size_term", "loss_token_term", "loss_noise_sd"):
            assert sum(entries(built, v) for v in found[name]) == len(design.loss_sets), name
    # Those of several loss sets have priors of their mean.
    sets = len(design.loss_sets) if "alpha_mean" not in priors else 0
    if "alpha" in priors:
        assert sum(entries(built, variable) for variable in found["alpha"]) == only + sets


@pytest.mark.sampling
def test_priors_of_benchmarks_with_scores_only_are_weighed_by_these():
    fit = fake(bd.DensityModel(), simulate("some of each", seed=3))
    table = bd.studies.prior_sensitivity(fit)
    assert set(fit.priors) <= set(table["prior"])
    from bayesdense.studies.prior_sensitivity import _log_prior

    own = fit.priors["map_logit_at_centre"].log_density(
        fit.posterior["map_logit_at_centre_scores_only"].values
    )
    draws = Draws(fit.posterior)
    np.testing.assert_allclose(
        _log_prior(draws, "map_logit_at_centre", fit.priors), own.sum(axis=-1).ravel()
    )


def test_a_posterior_that_is_the_prior_is_said_to_be_like_it():
    """Draws from the prior, with two reference families, whose offsets add up to zero."""
    table = fake(bd.DensityModel(level="by-benchmark"), tiny_dataset()).checks()["priors"].table()
    ratios = table.set_index("parameter")["sd_ratio"]
    for name in ("reference_family_offset", "benchmark_offset"):
        # Fifty draws: a standard deviation is known to a tenth.
        assert np.median(ratios[name]) == pytest.approx(1.0, abs=0.25), name


def test_a_mean_of_losses_is_not_that_of_scores_only():
    """Several loss sets and several benchmarks with scores only: each kind has a mean."""
    priors = ("alpha_mean", "alpha_sd", "alpha_mean_scores_only", "alpha_sd_scores_only")
    variables = (*priors, "alpha_with_losses", "alpha_scores_only", "alpha")
    for name in priors:
        assert variables_of_prior(name, variables, priors) == [name]
