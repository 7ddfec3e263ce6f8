"""Scores against what all others predict: by hand, and calibrated where the model is right."""

from dataclasses import fields, replace

import numpy as np
import pytest
from scipy import stats

import bayesdense as bd
from bayesdense.fit.checks.calibration import calibration
from bayesdense.fit.info import CutInfo
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.tables.scores import _cell_density, left_out_quantiles, replicate_scores
from tests.fake import fake, fake_fit, tiny_dataset


def test_the_density_of_a_cell_is_an_average_over_its_deviation():
    """Against many draws of the deviation, of two sources that share items."""
    from bayesdense.posterior.draws import cell_logits, ruler_of
    from bayesdense.posterior.log_density import given_logits

    fit = fake_fit()
    design, draws = make_design(fit.data, fit.spec), Draws(fit.posterior, most=3)
    found = _cell_density(draws, design)
    random, ruler = np.random.default_rng(1), ruler_of(draws, design)
    scale = (
        design.arrays["cell_scale"] * (draws["cell_effect_sd"][:, design.arrays["cell_benchmark"]])
    )
    total = np.zeros(found.shape)
    count = 20_000
    for _ in range(count):
        deviation = scale * random.standard_normal(scale.shape)
        size = draws["log_effective_size"] - draws["cell_effect"] + deviation
        logit = cell_logits(ruler, draws, design, size, deviation)
        total += np.exp(given_logits(logit, draws, ruler, design))
    likely = total / count > 0.05
    assert likely.sum() > 5
    assert np.exp(found)[likely] == pytest.approx((total / count)[likely], rel=0.15)
    assert np.median(found[likely] - np.log(total[likely] / count)) == pytest.approx(0, abs=0.01)


def test_quantiles_of_scores_that_were_simulated_are_uniform():
    """With known parameters, so that what is left out matters through its own deviation only."""
    fit = fake_fit()
    design = make_design(fit.data, fit.spec)
    quantiles = []
    for i in range(30):
        one = fit.posterior.isel(chain=[0] * 200, draw=[i % 25])
        one = one.assign_coords(chain=range(200))
        draws = Draws(one)
        score = replicate_scores(draws, design, new_cells=True, random_seed=i)[0]
        made = replace(design, arrays={**design.arrays, "score_observed": score})
        found = left_out_quantiles(draws, made)
        assert found is not None and np.isfinite(found[1]).all()
        quantiles.append(found[0])
    everything = np.concatenate(quantiles)
    assert everything.min() >= 0 and everything.max() <= 1 + 1e-9
    assert stats.kstest(everything, "uniform").pvalue > 0.01
    # And are not where scores are all twice as far from the middle.
    worse = 0.5 + 2 * (everything - 0.5)
    assert stats.kstest(np.clip(worse, 0, 1), "uniform").pvalue < 1e-6


def test_too_few_draws_and_student_t_noise_have_no_quantiles():
    fit = fake_fit()
    design = make_design(fit.data, fit.spec)
    assert left_out_quantiles(Draws(fit.posterior), design) is None
    student = fake(bd.DensityModel(observation="student-t"), tiny_dataset())
    many = Draws(student.posterior.isel(chain=[0, 1] * 3).assign_coords(chain=range(6)))
    assert left_out_quantiles(many, make_design(student.data, student.spec)) is None


def test_calibration_names_its_kinds_and_counts_scores():
    table = fake_fit().calibration()
    assert set(table["replicate"]) == {"measurement", "new cell"}
    assert (table["scores"] > 0).all()


def test_the_check_says_what_it_rests_on():
    """Draws of one posterior are weighed; where ruler and models came one after the other, not."""
    fit = fake_fit()
    fit.posterior = fit.posterior.isel(chain=[0, 1] * 3).assign_coords(chain=range(6))
    table = fit.calibration()
    own = table[table["replicate"] == "left out"]
    assert set(own["benchmark"]) == {"MMLU", "MATH"} and own["high_k"].between(0, 1).all()
    assert table.loc[table["replicate"] != "left out", "high_k"].isna().all()
    result = calibration(fit)
    assert "of scores that are left out, hold" in result.text
    # Draws from the prior: hardly any of them expects these scores.
    assert "by weights with a high Pareto k" in result.text and result.verdict == "look"
    fit.info = replace(fit.info, cut=CutInfo(**{entry.name: 1 for entry in fields(CutInfo)}))
    assert set(fit.calibration()["replicate"]) == {"measurement", "new cell"}
    assert "which have seen the scores" in calibration(fit).text
