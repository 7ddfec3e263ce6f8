"""What is predicted when something is left out: densities by hand, and refits that agree."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit
from scipy.stats import multivariate_normal, norm, t

import bayesdense as bd
from bayesdense.model.design import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.log_density import log_densities
from bayesdense.studies.stacking import clustered_error, stacking_weights
from bayesdense.studies.units import units_of, withhold
from tests.simulate import KINDS, simulate


@pytest.fixture(scope="module")
def pooled(plain_fit):
    """Return the design and a few draws of a fit with scores only."""
    few = plain_fit.posterior.isel(draw=slice(0, None, 500))
    return plain_fit, make_design(plain_fit.data, plain_fit.spec), Draws(few)


@pytest.mark.parametrize("missed_by", [0.0, 0.25])
def test_a_cell_by_adaptive_quadrature(pooled, missed_by):
    """A grid that is fine and wide enough gives what scipy gives, also far from the middle."""
    fit, design, draws = pooled
    observed = design.arrays["score_observed"] + missed_by
    design = replace(design, arrays=design.arrays | {"score_observed": observed})
    units = units_of(design)
    cells = [0, 7, 40, len(units) - 1]
    chosen = np.isin(np.arange(len(units)), cells)
    found = log_densities(draws, design, chosen)
    assert found.shape == (draws.count, len(cells)) and set(units["quantity"]) == {"score"}
    a, p = design.arrays, draws
    for column, cell in enumerate(cells):
        j = a["cell_benchmark"][cell]
        scores = observed[a["score_cell"] == cell]
        n = len(scores)
        for i in (0, 11):
            scale = a["cell_scale"][cell] * p["cell_effect_sd"][i, j]
            middle = p["log_effective_size"][i, cell] - p["cell_effect"][i, cell]
            alpha, d, c, phi = (
                p[name][i, j] for name in ("alpha", "map_floor", "map_span", "source_noise_sd")
            )

            def log_joint(z, i=i, j=j, cell=cell, scale=scale, middle=middle, alpha=alpha, d=d,
                          c=c, phi=phi, n=n, scores=scores):  # fmt: skip
                x = middle + scale * z - design.log_size_centre
                logit = (
                    p["map_logit_at_centre"][i, j]
                    + p["map_slope_at_centre"][i, j] * (1 - np.exp(-alpha * x)) / alpha
                )
                score = d + c * expit(logit)
                items = score * (1 - score) / a["cell_items"][cell]
                covariance = phi**2 * np.eye(n) + items * np.ones((n, n))
                density = multivariate_normal.logpdf(scores, np.full(n, score), covariance)
                return norm.logpdf(z) + density

            places = np.linspace(-60, 60, 2401)
            peak = places[np.argmax([log_joint(z) for z in places])]
            top = log_joint(peak)
            exact = quad(
                lambda z, f=log_joint, top=top: np.exp(f(z) - top),
                peak - 8,
                peak + 8,
                points=np.linspace(peak - 7.9, peak + 7.9, 159),
                limit=2000,
            )[0]
            assert found[i, column] == pytest.approx(top + np.log(exact), abs=2e-3)


def test_a_loss_by_hand():
    data = simulate(KINDS[1], seed=4, n_targets=6, n_families=3)
    model = bd.RulerModel()
    design = model.make_design(data)
    import pymc as pm

    with model.build(data):
        prior = pm.sample_prior_predictive(
            5, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
        )
    posterior = prior["prior"].to_dataset()
    draws = Draws(posterior)
    found = log_densities(draws, design)
    units = units_of(design)
    assert (units["quantity"] == "loss").sum() == 54 and (units["quantity"] == "score").sum() == 54
    row = data.losses.iloc[7]
    run = data.models.set_index("model").loc[row["model"]]
    references = data.models[data.models["is_reference"]]
    x = np.log(run["n_params"]) - np.log(references["n_params"]).mean()
    z = np.log(run["n_tokens"]) - np.log(references["n_tokens"]).mean()
    k = design.loss_sets.index(row["loss_set"])
    unit = units.index[(units["model"] == row["model"]) & (units["of"] == row["loss_set"])][0]
    for i in range(draws.count):
        loss = draws["loss_size_term"][i, k] * np.exp(-draws["alpha"][i, k] * x)
        loss += draws["loss_token_term"][i, k] * np.exp(-draws["beta"][i, k] * z)
        scale = draws["loss_noise_sd"][i, k]
        expected = t.logpdf((np.log(row["loss"]) - np.log(loss)) / scale, 4) - np.log(scale)
        assert found[i, unit] == pytest.approx(expected, abs=1e-9)


def test_withholding_drops_the_data_and_no_parameter():
    data = simulate(KINDS[1], seed=4, n_targets=6, n_families=3)
    model = bd.DensityModel()
    design = model.make_design(data)
    units = units_of(design)
    out = (units["model"] == "reference 3").to_numpy() | (units["of"] == "sums").to_numpy()
    part = withhold(design, out)
    dropped = data.scores[
        (data.scores["model"] == "reference 3") | (data.scores["benchmark"] == "sums")
    ]
    assert len(part.scores) == len(data.scores) - len(dropped)
    assert part.size("loss_id") == design.size("loss_id") - 3
    assert part.size("cell") == design.size("cell") and part.size("model") == design.size("model")
    # Scores of one cell still find the first of their cell.
    first, before = part.arrays["score_first"], part.arrays["score_before"]
    assert (part.arrays["score_cell"][first] == part.arrays["score_cell"]).all()
    assert (np.arange(len(first)) - first == before).all()


def test_weights_of_a_mixture_by_hand():
    """2 ln(0.1 + 0.8 w) + ln(0.9 - 0.8 w) is largest at w = 17/24."""
    densities = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    assert stacking_weights(np.log(densities)) == pytest.approx([17 / 24, 7 / 24], abs=1e-6)
    # Shifting a unit for all models changes nothing, however far.
    shifted = np.log(densities) + np.array([[-2000.0], [0.0], [3000.0]])
    assert stacking_weights(shifted) == pytest.approx([17 / 24, 7 / 24], abs=1e-6)
    assert stacking_weights(np.log([[0.5, 0.4], [0.5, 0.4]])) == pytest.approx([1.0, 0.0], abs=1e-4)
    assert clustered_error(np.array([1.0, 2.0, 3.0])) == pytest.approx(np.sqrt(3.0))
    assert np.isnan(clustered_error(np.array([1.0])))
