"""What only some models inform is integrated out: exactly where it can be, and by brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy.optimize import minimize
from scipy.special import expit, logsumexp
from scipy.stats import multivariate_normal, multivariate_t

import bayesdense as bd
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.log_density import of_cells
from bayesdense.studies.marginal import _shared, densities_of_models, laplace
from tests.simulate import KINDS, simulate


def test_normal_terms_are_integrated_exactly():
    """Two draws, three numbers, each measured with Normal noise."""
    random = np.random.default_rng(1)
    half = random.standard_normal((2, 3, 3))
    covariance = half @ half.transpose(0, 2, 1) + 0.1 * np.eye(3)
    mean, noise = random.standard_normal((2, 3)), np.array([0.05, 0.3, 2.0])
    seen = np.array([0.4, -1.0, 30.0])

    def terms(at):
        return -0.5 * ((seen - at) / noise) ** 2 - np.log(noise) - 0.5 * np.log(2 * np.pi)

    found = laplace(terms, np.zeros((2, 3)), mean, lambda rows: covariance[rows]).log
    for i in range(2):
        exact = multivariate_normal.logpdf(seen, mean[i], covariance[i] + np.diag(noise**2))
        assert found[i] == pytest.approx(exact, abs=1e-4)


# Much like the posterior of real data: the package's own priors are so wide that a score may say
# next to nothing on one side, where no expansion holds.
PRIORS = {
    "alpha": bd.Prior("LogNormal", mu=-1.2, sigma=0.3),
    "map_logit_at_centre": bd.Prior("Normal", mu=-1.0, sigma=0.5),
    "map_slope_at_centre": bd.Prior("LogNormal", mu=-0.2, sigma=0.3),
    "cell_effect_sd": bd.Prior("LogNormal", mu=-0.9, sigma=0.3),
    "source_noise_sd": bd.Prior("LogNormal", mu=-4.2, sigma=0.4),
    "growth_rate": bd.Prior("Normal", mu=1.8, sigma=0.5),
    "log_density_level": bd.Prior("Normal", mu=0.0, sigma=0.5),
    "model_effect_sd": bd.Prior("HalfNormal", sigma=0.5),
    "family_effect_sd": bd.Prior("HalfNormal", sigma=0.7),
}


@pytest.fixture(scope="module")
def drawn():
    """Return the default model, a design under it, and some draws of its prior."""
    data = simulate(KINDS[0], seed=4, n_targets=9, n_families=3)
    model = bd.DensityModel(form="first-edition", priors=PRIORS)
    with model.build(data):
        prior = pm.sample_prior_predictive(
            6, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
        )
    return model, model.make_design(data), Draws(prior["prior"].to_dataset())


def _expected(design, p, i, size, cells, of_score):
    """Return scores that effective sizes lead to, on the harness of each source."""
    a = design.arrays
    j = a["cell_benchmark"][cells]
    alpha, d, c = (p[name][i, j] for name in ("alpha", "map_floor", "map_span"))
    at = size - design.log_size_centre
    logit = (
        p["map_logit_at_centre"][i, j]
        + p["map_slope_at_centre"][i, j] * (1 - np.exp(-alpha * at)) / alpha
    )
    latent = d + c * expit(logit)
    k = np.searchsorted(cells, a["score_cell"][of_score])
    eta = p["harness_offset"][i, a["score_harness"][of_score], j[k]]
    return latent, d[k] + c[k] * expit(logit[..., k] + eta)


def _by_brute_force(design, p, i, models):
    """Return the log density of all scores of some models of one family, by importance sampling."""
    a = design.arrays
    cells = np.flatnonzero(np.isin(a["cell_model"], models))
    who, j = a["cell_model"][cells], a["cell_benchmark"][cells]
    family = a["family_code"][models[0]]
    less = p["cell_effect"][i, cells] + p["model_effect"][i, who]
    less = less + p["family_effect"][i, family] + p["family_benchmark_effect"][i, family, j]
    scale = a["cell_scale"][cells] * p["cell_effect_sd"][i, j]
    covariance = np.diag(scale**2) + p["model_effect_sd"][i] ** 2 * (who == who[:, None])
    covariance += p["family_effect_sd"][i] ** 2 + p["family_benchmark_effect_sd"][i] ** 2 * (
        j == j[:, None]
    )
    prior = multivariate_normal(p["log_effective_size"][i, cells] - less, covariance)
    of_score = np.flatnonzero(np.isin(a["score_cell"], cells))

    def log_joint(x):
        latent, expected = _expected(design, p, i, np.atleast_2d(x), cells, of_score)
        total = prior.logpdf(np.atleast_2d(x))
        for k, cell in enumerate(cells):
            rows = a["score_cell"][of_score] == cell
            off = (a["score_observed"][of_score] - expected)[:, rows]
            items = latent[:, k] * (1 - latent[:, k]) / a["cell_items"][cell]
            n, source = rows.sum(), p["source_noise_sd"][i, j[k]] ** 2
            # The inverse of source I + items 11', by hand.
            square = (off**2).sum(1) - items * off.sum(1) ** 2 / (source + n * items)
            determinant = (n - 1) * np.log(source) + np.log(source + n * items)
            total = total - 0.5 * (square / source + determinant + n * np.log(2 * np.pi))
        return total

    top = minimize(lambda x: -log_joint(x)[0], p["log_effective_size"][i, cells], method="BFGS")
    wide = multivariate_t(top.x, 1.2 * top.hess_inv, df=8, seed=2)
    tried = wide.rvs(40_000)
    weights = log_joint(tried) - wide.logpdf(tried)
    effective = np.exp(2 * logsumexp(weights) - logsumexp(2 * weights))
    assert effective > 400
    return logsumexp(weights) - np.log(len(weights))


def test_a_family_and_a_model_by_brute_force(drawn):
    """Models of a family share its deviation: what the others say of it is known of each."""
    model, design, p = drawn
    a = design.arrays
    every, cells = np.arange(len(a["score_cell"])), np.arange(len(a["cell_model"]))
    alike = np.flatnonzero(a["family_code"] == a["family_code"][0])
    assert len(alike) >= 2
    closest = np.inf
    for i in range(p.count):
        # Scores as this draw would have them: those of the data have next to no density.
        _, expected = _expected(design, p, i, p["log_effective_size"][i], cells, every)
        noise = p["source_noise_sd"][i, a["score_benchmark"]] * np.random.default_rng(i).normal(
            size=len(every)
        )
        own = replace(design, arrays=a | {"score_observed": expected + noise})
        density = densities_of_models(p, own)
        found = density(alike)
        whole = _by_brute_force(own, p, i, alike)
        # The error is small where the next order is, and else of its size: of these six draws two
        # have a next order of 0.37 and 0.73, and errors of 0.35 and 0.32.
        error = 0.04 + found.next_order[i] * (found.next_order[i] > 0.25)
        assert found.log[i] == pytest.approx(whole, abs=error)
        alone = density(alike[:1])
        others = _by_brute_force(own, p, i, alike[1:])
        assert alone.log[i] == pytest.approx(whole - others, abs=error)
        closest = min(closest, found.next_order[i])
    assert closest < 0.25


def test_what_families_and_developers_share_by_hand():
    """Of families within developers, and of a spread that changes in time."""
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    family, _ = pd.factorize(data.models["family"])
    data = bd.Dataset.from_frames(
        models=data.models.assign(developer=np.where(family % 2, "odd", "even")),
        benchmarks=data.benchmarks,
        scores=data.scores,
    )
    model = bd.DensityModel(families="nested", trend="spread")
    prior = pm.sample_prior_predictive(
        3, model=model.build(data), random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
    )
    design, p = model.make_design(data), Draws(prior["prior"].to_dataset())
    cells = np.flatnonzero(design.arrays["cell_model"] < 12)
    both = np.array([0, 1])
    total, shares = _shared(p, design, of_cells(design, cells), both)
    # A developer of whom other families tell stays in the draws.
    kept, fewer = _shared(p, design, of_cells(design, cells), both[:1])
    a = design.arrays
    who, j = a["cell_model"][cells], a["cell_benchmark"][cells]
    f, h = a["family_code"][who], a["developer_code"][who]

    def same(code):
        return code == code[:, None]

    for i in range(p.count):
        factor = np.exp(p["spread_trend"][i] * a["target_years"][who])
        expected = p["model_effect_sd"][i] ** 2 * same(who)
        expected = expected + p["family_effect_sd"][i] ** 2 * same(f)
        expected = expected + p["developer_effect_sd"][i] ** 2 * same(h)
        expected = expected * np.outer(factor, factor)
        on_one = p["family_benchmark_effect_sd"][i] ** 2 * (same(f) & same(j))
        on_one = on_one + p["developer_benchmark_effect_sd"][i] ** 2 * (same(h) & same(j))
        found = sum(np.outer(sd[i], sd[i]) * which for sd, which in shares)
        assert found == pytest.approx(expected + on_one)
        effects = p["family_effect"][i, f] + p["developer_effect"][i, h]
        by_hand = p["model_effect"][i, who] + factor * effects
        by_hand = by_hand + p["family_benchmark_effect"][i, f, j]
        by_hand = by_hand + p["developer_benchmark_effect"][i, h, j]
        assert total[i] == pytest.approx(by_hand)
        other = h == 1
        less = factor * p["developer_effect"][i, h] + p["developer_benchmark_effect"][i, h, j]
        assert kept[i] == pytest.approx(by_hand - np.where(other, less, 0.0))
        found = sum(np.outer(sd[i], sd[i]) * which for sd, which in fewer)
        shared = p["developer_effect_sd"][i] ** 2 * np.outer(factor, factor)
        shared = shared + p["developer_benchmark_effect_sd"][i] ** 2 * same(j)
        without = (expected + on_one) - shared * same(h) * np.outer(other, other)
        assert found == pytest.approx(without)


def test_developers_are_integrated_out_where_no_other_family_tells_of_them(monkeypatch):
    from bayesdense.studies import marginal

    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    family, _ = pd.factorize(data.models["family"])
    data = bd.Dataset.from_frames(
        models=data.models.assign(developer=np.where(family < 2, "two", data.models["family"])),
        benchmarks=data.benchmarks,
        scores=data.scores,
    )
    design = bd.DensityModel().make_design(data)
    codes, developer = design.arrays["family_code"], design.arrays["developer_code"]
    calls = []
    found = marginal.Density(np.zeros(2), np.zeros(2))
    monkeypatch.setattr(
        marginal, "_joint", lambda d, g, models, alone: calls.append((models, alone)) or found
    )
    density = marginal.densities_of_models({}, design)

    def alone_of(models):
        calls.clear()
        density(np.asarray(models))
        return {tuple(alone) for _, alone in calls}

    single = np.flatnonzero(codes == 3)
    assert alone_of(single[:1]) == {tuple(np.unique(developer[single]))}
    # One family of two: the other still tells of their developer. Both: nobody does.
    assert alone_of(np.flatnonzero(codes == 0)) == {()}
    two = np.unique(developer[codes < 2])
    assert len(two) == 1 and alone_of(np.flatnonzero(codes < 2)) == {tuple(two)}
