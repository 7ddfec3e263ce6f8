"""Lines through targets, against the same estimate with one covariance of everything."""

import numpy as np
import pytest

from bayesdense.coordinates.decorrelation import noise_at_scores
from bayesdense.coordinates.lines import LARGEST_BLOCK, Spread, _solve, lines
from bayesdense.model import make_design
from bayesdense.model.observation import noise_terms
from bayesdense.spec import DENSITY_SIZE
from tests.simulate import KINDS, simulate, with_developers

SPREAD = Spread(0.4, 0.7, 0.3, 0.5, 0.2, (1.0, 0.6, 0.2))


def made():
    import bayesdense as bd

    data = with_developers(simulate(KINDS[0], seed=5, n_targets=12, n_families=5))
    design = make_design(data, bd.DensityModel().spec)
    assert "developer_code" in design.arrays
    return design


def same(code):
    return (code[:, None] == code).astype(float)


def test_common_level_growth_and_slope_are_those_of_generalised_least_squares():
    design = made()
    arrays, n_targets = design.arrays, design.size("target")
    cell_model, benchmark = arrays["cell_model"], arrays["cell_benchmark"]
    on_line = cell_model < len(arrays["years"])
    variance = np.random.default_rng(1).uniform(0.1, 0.4, len(on_line))
    found = lines(arrays, on_line, n_targets, variance, SPREAD)
    model, benchmark = cell_model[on_line], benchmark[on_line]
    family, developer = arrays["family_code"][model], arrays["developer_code"][model]
    size = arrays["relative_log_size"][model] + design.log_size_centre - np.log(DENSITY_SIZE)
    x = np.column_stack([np.ones(len(model)), arrays["target_years"][model], size])
    count = design.size("benchmark")
    covariance = np.diag(variance[on_line]) + 0.4**2 * same(model)
    covariance += (0.7**2 + 0.3**2 * same(benchmark)) * same(family)
    covariance += (0.5**2 + 0.2**2 * same(benchmark)) * same(developer)
    # Differences of benchmarks: Normal, less their mean.
    for k, sd in enumerate(SPREAD.between):
        centred = same(benchmark) - 1.0 / count
        covariance += sd**2 * np.outer(x[:, k], x[:, k]) * centred
    solved = np.linalg.solve(covariance, x)
    expected = solved @ np.linalg.inv(x.T @ solved + np.eye(3))
    assert found.common_weights[on_line] == pytest.approx(expected, rel=1e-8, abs=1e-10)
    assert not found.common_weights[~on_line].any() and not found.weights[~on_line].any()
    for j in range(count):
        own = benchmark == j
        covariance = np.diag(variance[on_line][own])
        covariance += 0.3**2 * same(family[own]) + 0.2**2 * same(developer[own])
        solved = np.linalg.solve(covariance, x[own])
        inverse = np.linalg.inv(x[own].T @ solved + np.eye(3))
        assert found.weights[on_line][own] == pytest.approx(solved @ inverse)
        assert found.error[j] == pytest.approx(np.sqrt(np.diag(inverse)))


def test_without_anything_shared_it_is_weighted_least_squares():
    design = made()
    arrays = design.arrays
    on_line = arrays["cell_model"] < len(arrays["years"])
    variance = np.full(len(on_line), 0.2)
    alone = Spread(0.0, 0.0, 0.0, 0.0, 0.0, (1e3, 1e3, 1e3))
    found = lines(arrays, on_line, design.size("target"), variance, alone)
    density = np.random.default_rng(2).standard_normal(len(on_line))
    level = [
        np.sum((found.weights * density[:, None])[arrays["cell_benchmark"] == j], axis=0)
        for j in range(design.size("benchmark"))
    ]
    common = (found.common_weights * density[:, None]).sum(axis=0)
    # Benchmarks without anything in common count alike, but for what priors pull.
    assert common == pytest.approx(np.mean(level, axis=0), abs=0.02)


def test_large_blocks_keep_their_diagonal():
    count = LARGEST_BLOCK + 1
    one = np.zeros(count, dtype=int)
    columns = np.arange(2.0 * count).reshape(count, 2)
    found = _solve(columns, np.full(count, 0.5), [([one], (0.5,))])
    assert found == pytest.approx(columns / 0.75)
    two = _solve(columns[:2], np.full(2, 0.5), [([one[:2]], (0.5,))])
    expected = np.linalg.solve(np.array([[0.75, 0.25], [0.25, 0.75]]), columns[:2])
    assert two == pytest.approx(expected)


def test_the_noise_at_the_scores_stays_where_exponent_and_scale_follow_the_tilt():
    random = np.random.default_rng(1)
    scores = np.concatenate([random.uniform(0.02, 0.4, 60), random.uniform(0.5, 0.95, 40)])
    benchmark = np.repeat([0, 1], [60, 40])
    slope, centre = noise_at_scores(scores, benchmark, 3)
    for j in (0, 1):
        spread, tilt = noise_terms(scores[benchmark == j])
        plain = 0.3 * spread
        # One more of tilt, and what it takes with it.
        moved = (0.3 - slope[j]) * spread + tilt + slope[j] * centre[0, j] - centre[1, j]
        difference = moved - plain
        assert difference.mean() == pytest.approx(0.0, abs=1e-12)
        assert np.corrcoef(difference, spread)[0, 1] == pytest.approx(0.0, abs=1e-9)
        assert difference.std() < 0.6 * tilt.std()
    # A benchmark without scores has nothing to keep.
    assert slope[2] == 0.0 and not centre[:, 2].any()
