"""A fit as a DataTree: ArviZ takes it in one line, and its numbers are those of the model."""

from __future__ import annotations

from dataclasses import replace

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.special import expit
from scipy.stats import multivariate_normal, norm, t

import bayesdense as bd
from bayesdense.data import Dataset
from bayesdense.errors import BayesdenseError, UnknownNameError
from bayesdense.fit.datatree import ALWAYS, ON_REQUEST
from bayesdense.fit.info import SharedFromInfo
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.log_density import log_densities, loss_noise
from tests.fake import CHAINS, DRAWS, fake, tiny_dataset
from tests.simulate import KINDS, simulate

# Draws of a prior are no sample of a posterior, and ArviZ says so.
PRIOR_DRAWS = "ignore:Estimated shape parameter of Pareto distribution:UserWarning"
# xarray warns of how ArviZ puts the lines of two variables together.
TWO_VARIABLES = "ignore:Deleting a single level of a MultiIndex:FutureWarning"


@pytest.fixture(scope="module", autouse=True)
def without_a_screen():
    plt.switch_backend("Agg")
    yield
    plt.close("all")


def two_sources() -> Dataset:
    """Return the tiny dataset with a second source, on another harness, of some scores."""
    data = tiny_dataset()
    scores = data.scores[["model", "benchmark", "score"]].assign(source="paper", harness="own")
    again = scores.iloc[::2].assign(source="board", harness="common", score=scores["score"] + 0.02)
    columns = ["model", "family", "release_date", "n_params", "is_reference"]
    return Dataset.from_frames(
        models=data.models[columns],
        benchmarks=data.benchmarks[["benchmark", "n_items", "chance"]],
        scores=pd.concat([scores, again], ignore_index=True),
        name="two sources",
    )


@pytest.fixture(scope="module")
def fit():
    made = fake(bd.DensityModel(), two_sources())
    # Draws of the prior are far from the data; with so much noise nothing underflows.
    made.posterior["source_noise_sd"] = 0.3 + made.posterior["source_noise_sd"]
    return made


@pytest.fixture(scope="module")
def ruler():
    """Return a fit of a ruler with losses and scores."""
    return fake(bd.RulerModel(), simulate(KINDS[1], seed=4, n_targets=6, n_families=3))


@pytest.fixture(scope="module")
def tree(fit):
    return fit.to_datatree("all", prior_draws=60)


def test_groups_in_order(fit, tree):
    assert list(fit.to_datatree().children) == list(ALWAYS)
    assert list(tree.children) == [*ALWAYS, *ON_REQUEST]
    assert list(fit.to_datatree("log_prior").children) == [*ALWAYS, "log_prior"]
    assert isinstance(tree, xr.DataTree) and tree.attrs == {
        "dataset": "two sources",
        "fit": "density",
    }


def test_what_was_measured(fit, tree):
    observed, constant = tree["observed_data"], tree["constant_data"]
    assert observed["score"].values == pytest.approx(fit._design.scores["score"].to_numpy())
    labels = pd.DataFrame({n: observed[f"score_{n}"] for n in ("model", "benchmark", "source")})
    expected = fit._design.scores[["model", "benchmark", "source"]]
    assert (labels.to_numpy() == expected.to_numpy()).all()
    assert set(constant.data_vars) == {"target_years", "relative_log_size", "cell_items"}
    assert constant["cell_items"].attrs["long_name"] == "number of items"
    by_name = dict(
        zip(fit.data.benchmarks["benchmark"], fit.data.benchmarks["n_items"], strict=True)
    )
    items = [by_name[b] for b in constant["cell_benchmark"].values]
    assert constant["cell_items"].values == pytest.approx(items)
    # As the model has it for people.
    drawn = bd.model.build_model(fit._design)
    assert set(constant.data_vars) == {v.name for v in drawn.data_vars} - {"score_observed"}


def test_draws_say_what_they_are(fit, tree):
    posterior = tree["posterior"]
    assert posterior["growth_rate"].attrs["symbol"] == "A"
    assert posterior["growth_rate"].attrs["equation"] == "eq. 5"
    one = posterior["cell_effect"].isel(cell=3)
    assert (str(one["cell_model"].values), str(one["cell_benchmark"].values)) == (
        fit._design.coords["model"][1],
        "MATH",
    )
    assert tree["prior"]["growth_rate"].attrs["units"] == "1/year"
    assert tree["prior"].sizes["draw"] == 60
    assert "cell_model" not in fit.posterior.coords and not fit.posterior["growth_rate"].attrs
    assert tree["sample_stats"].to_dataset().equals(fit.sample_stats)


def test_shapes_and_coordinates(fit, tree):
    design, sizes = fit._design, (CHAINS, DRAWS)
    n_scores, n_cells = design.size("score_id"), design.size("cell")
    assert tree["posterior_predictive"]["score"].shape == (*sizes, n_scores)
    assert tree["prior_predictive"]["score"].shape == (1, 60, n_scores)
    assert tree["log_likelihood"]["cell_scores"].shape == (*sizes, n_cells)
    assert list(tree["log_likelihood"].data_vars) == ["cell_scores"]
    groups = ["posterior_predictive", "log_prior", "log_likelihood"]
    thin = fit.to_datatree(groups, by="score", draws=10)
    for group in ("posterior", "sample_stats", "posterior_predictive", "log_likelihood"):
        assert thin[group]["draw"].values.tolist() == [0, 6, 12, 18, 24], group
    same = thin["posterior"]["growth_rate"].values
    assert (same == fit.posterior["growth_rate"].sel(draw=[0, 6, 12, 18, 24]).values).all()


def test_replicates_are_repeated_and_follow_the_cells(fit, tree):
    again = fit.to_datatree("posterior_predictive")["posterior_predictive"]["score"]
    assert (again.values == tree["posterior_predictive"]["score"].values).all()
    other = fit.to_datatree("posterior_predictive", random_seed=5)["posterior_predictive"]["score"]
    assert (again.values != other.values).all()
    same_cells = fit.to_datatree("posterior_predictive", new_cells=False)
    found = same_cells["posterior_predictive"]["score"]
    cell = fit._design.arrays["score_cell"]
    expected = fit.posterior["expected_score"].values[..., cell]
    assert np.median(abs(found.values - expected)) < np.median(abs(again.values - expected))


def test_cells_are_those_of_the_studies(fit, ruler, tree):
    found = tree["log_likelihood"]["cell_scores"].values.reshape(CHAINS * DRAWS, -1)
    assert (found == log_densities(Draws(fit.posterior), fit._design)).all()
    both = ruler.to_datatree("log_likelihood", draws=4)
    found = [both["log_likelihood"][name].values for name in ("loss", "cell_scores")]
    draws = Draws(both["posterior"].to_dataset())
    expected = log_densities(draws, ruler._design)
    assert np.concatenate(found, axis=-1).reshape(4, -1) == pytest.approx(expected)


def test_scores_of_a_cell_add_up_to_their_joint_density(fit):
    """Their covariance is phi^2 I + p (1 - p) / n 11', with each mean on its own harness."""
    found = fit.to_datatree("log_likelihood", by="score")["log_likelihood"]["score"]
    arrays, draws = fit._design.arrays, Draws(fit.posterior)
    cell = int(np.flatnonzero(np.bincount(arrays["score_cell"]) == 2)[3])
    rows = arrays["score_cell"] == cell
    j, harness = arrays["cell_benchmark"][cell], arrays["score_harness"][rows]
    added = found.values.reshape(CHAINS * DRAWS, -1)[:, rows].sum(axis=1)
    for i in range(0, CHAINS * DRAWS, 7):
        x = draws["log_effective_size"][i, cell] - fit._design.log_size_centre
        alpha = draws["alpha"][i, j]
        logit = draws["map_logit_at_centre"][i, j]
        logit += draws["map_slope_at_centre"][i, j] * (1 - np.exp(-alpha * x)) / alpha
        logits = logit + draws["harness_offset"][i][harness, j]
        floor, span = draws["map_floor"][i, j], draws["map_span"][i, j]
        p, mean = floor + span * expit(logit), floor + span * expit(logits)
        items = p * (1 - p) / arrays["cell_items"][cell]
        q = (4 * p * (1 - p) + 0.04) / 1.04
        source = draws["source_noise_sd"][i, j] * q ** draws["source_noise_exponent"][i, j]
        source *= np.exp(draws["source_noise_tilt"][i, j] * (p - 0.5))
        covariance = source**2 * np.eye(2) + items
        observed = arrays["score_observed"][rows]
        expected = multivariate_normal.logpdf(observed, mean, covariance)
        assert added[i] == pytest.approx(expected, rel=1e-9)


def test_priors_by_hand(fit, tree):
    log_prior, posterior = tree["log_prior"], tree["posterior"]
    assert set(log_prior.data_vars) == set(fit.priors)
    by_hand = norm.logpdf(posterior["growth_rate"], 1.5, 1.5)
    assert log_prior["growth_rate"].values == pytest.approx(by_hand)
    assert log_prior["map_floor"].dims == ("chain", "draw", "benchmark")
    # A spread has a prior; the effects that it is of belong to the model.
    assert "family_effect_sd" in log_prior and "family_effect" not in log_prior


def test_a_ruler_with_losses(ruler):
    groups = ["log_likelihood", "posterior_predictive", "prior_predictive"]
    tree = ruler.to_datatree(groups, by="score", prior_draws=60)
    assert set(tree["observed_data"].data_vars) == {"score", "loss"}
    design = ruler._design
    assert tree["observed_data"]["loss"].values == pytest.approx(design.arrays["loss_observed"])
    assert {"cell_loss", "cell_tokens", "loss_tokens"} <= set(tree["constant_data"].data_vars)
    for group in ("posterior_predictive", "prior_predictive"):
        assert set(tree[group].data_vars) == {"score", "loss"}
    row = ruler.data.losses.iloc[5]
    loss = tree["log_likelihood"]["loss"]
    here = (loss["loss_model"] == row["model"]) & (loss["loss_set_name"] == row["loss_set"])
    assert int(here.sum()) == 1
    assert loss.shape == tree["posterior_predictive"]["loss"].shape == (CHAINS, DRAWS, 54)
    # Replicates of a loss are Student-t around the law.
    mean, scale = loss_noise(Draws(ruler.posterior), design)
    z = (tree["posterior_predictive"]["loss"].values.reshape(CHAINS * DRAWS, -1) - mean) / scale
    assert np.quantile(z, [0.1, 0.5, 0.9]) == pytest.approx(t.ppf([0.1, 0.5, 0.9], 4), abs=0.2)


@pytest.mark.filterwarnings(PRIOR_DRAWS)
def test_arviz_in_one_line(fit, tree, ruler):
    table = az.summary(fit.to_datatree(), var_names=["growth_rate", "cell_effect_sd"])
    assert list(table.index) == ["growth_rate", "cell_effect_sd[MMLU]", "cell_effect_sd[MATH]"]
    loo = az.loo(tree)
    assert loo.n_data_points == fit._design.size("cell") and np.isfinite(loo.elpd)
    by_score = az.loo(fit.to_datatree("log_likelihood", by="score"))
    assert by_score.n_data_points == fit._design.size("score_id")
    of_losses = az.loo(ruler.to_datatree("log_likelihood", by="score"), var_name="loss")
    assert of_losses.n_data_points == ruler._design.size("loss_id")
    compared = az.compare({"one": tree, "two": tree})
    assert set(compared.index) == {"one", "two"}
    sensitivity = az.psense_summary(tree, var_names=["growth_rate", "size_slope"])
    assert list(sensitivity.index) == ["growth_rate", "size_slope"]
    assert np.isfinite(sensitivity[["prior", "likelihood"]].astype(float)).all(axis=None)


@pytest.mark.filterwarnings(TWO_VARIABLES)
def test_figures_of_arviz_in_one_line(fit, tree, ruler):
    assert az.plot_ppc_dist(tree) is not None
    assert az.plot_ppc_dist(ruler.to_datatree("posterior_predictive")) is not None
    assert az.plot_ppc_dist(tree, group="prior_predictive") is not None
    assert az.plot_trace_dist(fit.to_datatree(), var_names=["growth_rate"]) is not None


def test_what_cannot_be_had(fit):
    with pytest.raises(UnknownNameError, match="did you mean 'posterior_predictive'"):
        fit.to_datatree("posterior_predictiv")
    with pytest.raises(BayesdenseError, match="by must be 'cell' or 'score', not 'model'"):
        fit.to_datatree("log_likelihood", by="model")
    with pytest.raises(BayesdenseError, match="draws must be at least 1, not 0"):
        fit.to_datatree(draws=0)
    heavy = type(fit)(
        posterior=fit.posterior.assign(item_effect=0.0 * fit.posterior["cell_effect"]),
        sample_stats=fit.sample_stats,
        data=fit.data,
        spec=replace(fit.spec, observation="student-t"),
        info=fit.info,
    )
    with pytest.raises(BayesdenseError, match="by cell needs observation='normal'"):
        heavy.to_datatree("log_likelihood")
    found = heavy.to_datatree("log_likelihood", by="score")["log_likelihood"]["score"]
    assert np.isfinite(found).all()
    approximate = type(fit)(
        posterior=fit.posterior,
        sample_stats=fit.sample_stats,
        data=fit.data,
        spec=fit.spec,
        info=replace(fit.info, shared_from=SharedFromInfo(targets=4, of=9)),
    )
    assert approximate.to_datatree().attrs["approximation"] == "shared part from 4 of 9 targets"
    with pytest.raises(BayesdenseError, match="log_likelihood weighs draws of the whole"):
        approximate.to_datatree("log_likelihood")
