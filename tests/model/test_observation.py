"""Scores that share the items of a cell: the density is the exact joint one."""

import numpy as np
import pytensor.tensor as pt
import pytest
from scipy.stats import multivariate_normal

from bayesdense.model.observation import replicated_logp, replicated_random

CELLS = np.array([0, 0, 0, 1, 2, 2])
FIRST = np.array([0, 0, 0, 3, 4, 4])
BEFORE = np.array([0.0, 1.0, 2.0, 0.0, 0.0, 1.0])
MEAN = np.array([0.5, 0.52, 0.49, 0.3, 0.7, 0.75])
ITEM = np.array([4e-4, 4e-4, 4e-4, 1e-4, 9e-4, 9e-4])
SOURCE = np.array([1e-4, 1e-4, 1e-4, 4e-4, 1e-4, 1e-4])


def joint(cell):
    rows = CELLS == cell
    covariance = np.diag(SOURCE[rows]) + ITEM[rows][0]
    return rows, covariance


def test_terms_add_up_to_the_joint_density():
    value = MEAN + np.array([0.01, -0.03, 0.02, 0.05, -0.04, 0.03])
    found = replicated_logp(value, MEAN, ITEM, SOURCE, BEFORE, FIRST)
    symbolic = replicated_logp(pt.as_tensor(value), MEAN, ITEM, SOURCE, BEFORE, FIRST)
    assert symbolic.eval() == pytest.approx(found, rel=1e-12)
    # Draws come before scores.
    draws = np.stack([MEAN, value])
    assert (replicated_logp(draws, MEAN, ITEM, SOURCE, BEFORE, FIRST)[1] == found).all()
    assert found.shape == value.shape
    for cell in range(3):
        rows, covariance = joint(cell)
        exact = multivariate_normal(MEAN[rows], covariance).logpdf(value[rows])
        assert found[rows].sum() == pytest.approx(exact, abs=1e-10)


def test_random_scores_have_the_joint_covariance():
    draws = replicated_random(
        MEAN, ITEM, SOURCE, BEFORE, FIRST, rng=np.random.default_rng(1), size=(200_000, 6)
    )
    assert draws.mean(axis=0) == pytest.approx(MEAN, abs=3e-4)
    for cell in range(3):
        rows, covariance = joint(cell)
        assert np.cov(draws[:, rows].T) == pytest.approx(np.squeeze(covariance), rel=0.03, abs=1e-5)
    between = np.cov(draws.T)[np.ix_(CELLS == 0, CELLS == 2)]
    assert between == pytest.approx(np.zeros((3, 2)), abs=1e-5)


def test_without_item_noise_scores_are_independent():
    value = MEAN + 0.01
    found = replicated_logp(value, MEAN, 0 * ITEM, SOURCE, BEFORE, FIRST)
    exact = -0.5 * (0.01**2 / SOURCE + np.log(2 * np.pi * SOURCE))
    assert found == pytest.approx(exact, abs=1e-12)
