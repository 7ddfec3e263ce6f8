"""New models in a posterior: the model's own terms, exact integrals, limits, alarms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest, norm

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.parts.trends.base import factor_of
from bayesdense.posterior.draws import Columns
from bayesdense.posterior.log_density import log_densities
from bayesdense.posterior.new_models import UNKNOWN, Likelihood, arranged
from bayesdense.posterior.placing import _Prior, place
from tests.fake import fake
from tests.simulate import KINDS, simulate, with_developers

FORMS = {
    "default": {},
    "first edition": {"form": "first-edition"},
    "pooled": {"form": "pooled"},
    "frontier": {"trend": "frontier"},
    "spread": {"trend": "spread"},
    "change": {"trend": "change-point"},
    "nested": {"families": "nested"},
    "active sizes blended": {"size": "blend"},
}
RARELY = 1e-3


CASES = [*((kind, "default") for kind in KINDS[:2]), *((KINDS[2], form) for form in FORMS)]


@pytest.fixture(scope="module", params=CASES, ids=str)
def own(request):
    """Return a fit with draws of the prior, and its own targets as if they were new."""
    kind, form = request.param
    data = with_developers(simulate(kind, seed=3, n_targets=12, n_families=4))
    fit = fake(bd.DensityModel(**FORMS[form]), data)
    return fit, arranged(targets_of(data), fit._design, fit._draws)


def targets_of(data):
    models = data.models[~data.models["is_reference"]]
    scores = data.scores[data.scores["model"].isin(models["model"])]
    return bd.Dataset.from_frames(models=models, benchmarks=data.benchmarks, scores=scores)


def of_fit(fit, new):
    """Return the codes that the new models have in the fit."""
    return pd.Index(fit._design.coords["model"]).get_indexer(pd.Index(new.table["model"]))


def test_what_is_expected_is_all_but_the_effect_of_the_model(own):
    fit, new = own
    draws, codes = fit._draws, of_fit(fit, new)
    mean, sd, lag = new.expected(draws)
    effect = draws["model_effect"][:, codes]
    trend, columns = fit.spec.trend, Columns(draws)
    factor = factor_of(trend, {n: columns[n] for n in trend.priors()}, new.years)
    np.testing.assert_allclose(draws["log_density"][:, codes], mean + effect, atol=1e-9)
    # Families are known, so that the spread is that of models alone.
    np.testing.assert_allclose(sd, np.broadcast_to(factor * columns["model_effect_sd"], sd.shape))
    assert (lag is None) == (fit.spec.trend.name != "frontier")
    if lag is not None:
        growing = np.exp(draws["lag_trend"][:, None] * new.years)
        np.testing.assert_allclose(lag, draws["lag_sd"][:, None] * growing)


def test_of_unknown_families_and_developers_only_the_spread_is_known(own):
    fit, new = own
    draws = fit._draws
    nobody = np.full(len(new), UNKNOWN)
    strange = replace(new, family=nobody, developer=nobody)
    groups = [kind for kind in ("family", "developer") if f"{kind}_effect" in draws]
    # The pooled form has neither.
    assert bool(groups) == bool(fit.spec.families)
    assert ("developer" in groups) == (fit.spec.families == "nested")
    known, sd, _ = new.expected(draws)
    mean, wider, _ = strange.expected(draws)
    trend, columns = fit.spec.trend, Columns(draws)
    factor = factor_of(trend, {n: columns[n] for n in trend.priors()}, new.years)
    variance = sum(columns[f"{kind}_effect_sd"] ** 2 for kind in groups) * factor**2
    np.testing.assert_allclose(wider**2, sd**2 + variance)
    codes = {"family": new.family, "developer": new.developer}
    effects = sum(draws[f"{kind}_effect"][:, codes[kind]] for kind in groups)
    np.testing.assert_allclose(known - mean, factor * effects, atol=1e-9)


def test_a_lag_is_taken_off_a_normal():
    """The density of ``v - w`` by the integral over ``w >= 0``."""
    v, lag = 0.4, 0.9
    prior = _Prior(np.array([[1.0]]), np.array([[v]]), np.array([[lag]]), np.zeros((1, 1)))
    w = np.linspace(0, 10, 20001)
    for x in (-2.0, 0.3, 1.0, 2.0):
        terms = norm.pdf(x + w, 1.0, v) * 2.0 * norm.pdf(w, 0.0, lag)
        exact = np.log(np.trapezoid(terms, w))
        assert prior(np.array([x])).item() == pytest.approx(exact, abs=1e-6)
    assert prior.variance.item() == pytest.approx(v**2 + (1 - 2 / np.pi) * lag**2)


def test_cells_have_the_density_that_they_have_in_the_fit(own):
    """Given the log density that the fit drew, with their own deviation integrated out."""
    fit, new = own
    draws, codes = fit._draws.at_most(4), of_fit(fit, new)
    arrays, design = new.design.arrays, fit._design
    model = arrays["cell_model"]
    shift, sd = new.on_benchmarks(draws)
    middle = draws["log_density"][:, codes][:, model] + new.log_size(draws)[:, model] + shift
    z = np.linspace(-7, 7, 14001)
    found = np.empty_like(middle)
    for d in range(draws.count):
        # Points of the integral take the place of draws.
        likelihood = Likelihood(new, draws.taken(np.full(len(z), d)), np.arange(len(model)))
        terms = likelihood(middle[d] + sd[d] * z[:, None]) + norm.logpdf(z)[:, None]
        found[d] = logsumexp(terms, axis=0) + np.log(z[1] - z[0])
    units = log_densities(draws, design)[:, len(design.coords["loss_id"]) :]
    cells = pd.MultiIndex.from_arrays(
        [design.arrays["cell_model"], design.arrays["cell_benchmark"]]
    ).get_indexer(pd.MultiIndex.from_arrays([codes[model], arrays["cell_benchmark"]]))
    assert (cells >= 0).all()
    # Draws of the prior are far from many a score, where the integral is not within seven
    # standard deviations.
    near = found > -15
    assert near.mean() > 0.1
    np.testing.assert_allclose(found[near], units[:, cells][near], atol=1e-3)


@pytest.fixture(scope="module")
def fit():
    return fake(bd.DensityModel(), simulate(KINDS[0], seed=3, n_targets=12, n_families=4))


def of_one(fit, scores, harness="house", family="family 1"):
    """Return one new model under the fit."""
    data = bd.Dataset.from_frames(
        models=pd.DataFrame(
            {"model": ["new"], "family": family, "release_date": "2024-08-01", "n_params": 8e9}
        ),
        benchmarks=fit.data.benchmarks,
        scores=pd.DataFrame(
            {"model": "new", "benchmark": list(scores), "score": list(scores.values())}
        ).assign(harness=harness),
    )
    return arranged(data, fit._design, fit._draws)


def exactly(new, draws, w, model=0):
    """Return prior times likelihood of one model in one draw at points of ``w``."""
    z = np.linspace(-8, 8, 1601)
    # Points of the inner integral take the place of draws.
    same = draws.taken(np.zeros(len(z), dtype=int))
    mean, sd, _ = new.expected(draws)
    centre = (mean + new.log_size(draws))[0, model]
    cells = new.cells_of(model)
    shift, spread = (values[:, cells] for values in new.on_benchmarks(draws))
    likelihood = Likelihood(new, same, cells)
    found = []
    for at in w:
        terms = likelihood(at + shift + spread * z[:, None]) + norm.logpdf(z)[:, None]
        of_cells = logsumexp(terms, axis=0) + np.log(z[1] - z[0])
        found.append(norm.logpdf(at, centre, sd[0, model]) + of_cells.sum())
    return np.array(found)


def typical(fit):
    """Return the draw in whose middle scores of a half are: one with a usual ruler."""
    far = np.abs(fit._draws["cell_effect_sd"] - 0.4).max(axis=1)
    return int(far.argmin())


@pytest.mark.parametrize("family", ["family 1", "another"])
@pytest.mark.parametrize("harness", ["house", "nobody's"])
def test_draws_and_evidence_are_those_of_the_integral(fit, family, harness):
    """By quadrature in both unknowns, point by point."""
    new = of_one(fit, {"know": 0.6, "sums": 0.3}, harness, family)
    assert (new.family[0] == UNKNOWN) == (family == "another")
    assert (new.strangers >= 0).all() == (harness != "house")
    chosen = typical(fit)
    one = fit._draws.taken(np.array([chosen]))
    mean, sd, _ = new.expected(one)
    middle = (mean + new.log_size(one)).item()
    w = middle + sd.item() * np.linspace(-7, 7, 101)
    exact = exactly(new, one, w)
    step = w[1] - w[0]
    weights = np.exp(exact - exact.max())
    weights /= weights.sum()
    expected, spread = weights @ w, np.sqrt(weights @ w**2 - (weights @ w) ** 2)

    count = 4000
    many = fit._draws.taken(np.full(count, chosen))
    random = np.random.default_rng(1)
    placed = place(new, many, np.array([0]), with_trend=True, random=random)[0]
    found = placed.log_density + placed.log_size - new.design.log_size_centre
    error = spread / np.sqrt(count)
    assert found.mean() == pytest.approx(expected, abs=4 * error)
    assert found.std() == pytest.approx(spread, rel=0.06)
    evidence = logsumexp(exact) + np.log(step)
    np.testing.assert_allclose(placed.log_evidence, evidence, atol=0.01)
    assert placed.share_of_prior == pytest.approx((spread / sd.item()) ** 2, rel=0.01)


def siblings_of(fit, dates=("2024-08-01", "2025-02-01")):
    """Return two new models of a family that the fit does not know."""
    names = [f"new {i}" for i in range(len(dates))]
    rows = [(m, b, s) for m, at in zip(names, (0.0, 0.2), strict=True)
            for b, s in (("know", 0.6 - at), ("sums", 0.3 + at))]  # fmt: skip
    data = bd.Dataset.from_frames(
        models=pd.DataFrame(
            {"model": names, "family": "another", "release_date": dates, "n_params": 8e9}
        ),
        benchmarks=fit.data.benchmarks,
        scores=pd.DataFrame(rows, columns=["model", "benchmark", "score"]).assign(harness="house"),
    )
    return arranged(data, fit._design, fit._draws)


def test_siblings_share_the_effect_of_their_family(fit):
    """By quadrature over both densities and the effect that they share."""
    new = siblings_of(fit)
    assert [list(group) for group in new.siblings()] == [[0, 1]]
    chosen = typical(fit)
    one = fit._draws.taken(np.array([chosen]))
    mean, sd, _ = new.expected(one)
    shared, size = new.of_unknown(one)[0], new.log_size(one)[0]
    effect_sd = one["family_effect_sd"].item()
    np.testing.assert_allclose(shared, effect_sd)
    own = np.sqrt(sd[0] ** 2 - shared**2)
    assert (own > 0.1).all()
    z = np.linspace(-6, 6, 241)
    grids, by_scores = [], []
    for m in range(2):
        grid = mean[0, m] + size[m] + sd[0, m] * np.linspace(-6, 6, 121)
        # What is expected of a model alone is in it.
        alone = exactly(new, one, grid, m)
        grids.append(grid)
        by_scores.append(alone - norm.logpdf(grid, mean[0, m] + size[m], sd[0, m]))
    given = [
        norm.logpdf(grid[:, None], mean[0, m] + size[m] + shared[m] * z, own[m])
        + by_scores[m][:, None]
        for m, grid in enumerate(grids)
    ]
    evidence = [logsumexp(g, axis=0) + np.log(grid[1] - grid[0])
                for g, grid in zip(given, grids, strict=True)]  # fmt: skip
    joint = norm.logpdf(z) + evidence[0] + evidence[1]
    total = logsumexp(joint) + np.log(z[1] - z[0])

    count = 4000
    many = fit._draws.taken(np.full(count, chosen))
    random = np.random.default_rng(1)
    placed = place(new, many, np.array([0, 1]), with_trend=True, random=random)
    np.testing.assert_allclose(placed[0].log_evidence + placed[1].log_evidence, total, atol=0.01)
    found = [p.log_density + size[m] for m, p in enumerate(placed)]
    means = []
    for m, grid in enumerate(grids):
        weights = np.exp(given[m] + norm.logpdf(z) + evidence[1 - m])
        weights /= weights.sum()
        of_w = weights.sum(axis=1)
        means.append(of_w @ grid)
        spread = np.sqrt(of_w @ grid**2 - means[m] ** 2)
        assert found[m].mean() == pytest.approx(means[m], abs=4 * spread / np.sqrt(count))
        assert found[m].std() == pytest.approx(spread, rel=0.06)
        prior = np.exp(norm.logpdf(z) + evidence[1 - m])
        prior /= prior.sum()
        of_effect = shared[m] ** 2 * (prior @ z**2 - (prior @ z) ** 2)
        share = spread**2 / (own[m] ** 2 + of_effect)
        assert placed[m].share_of_prior == pytest.approx(share, rel=0.02)
    # Together: the covariance is that of the effect, as far as scores leave it open.
    weights = np.exp(joint - logsumexp(joint))
    at = [np.exp(g - logsumexp(g, axis=0)).T @ grid for g, grid in zip(given, grids, strict=True)]
    covariance = weights @ (at[0] * at[1]) - (weights @ at[0]) * (weights @ at[1])
    error = 4 * found[0].std() * found[1].std() / np.sqrt(count)
    assert np.cov(*found)[0, 1] == pytest.approx(covariance, abs=error)


def test_of_a_new_family_the_average_date_is_that_of_its_models(fit):
    new = siblings_of(fit)
    gap = new.years[1] - new.years[0]
    np.testing.assert_allclose(new.since_family, [-gap / 2, gap / 2])


def test_too_many_siblings_are_refused(fit):
    new = siblings_of(fit, ("2024-08-01",) * 2)
    many = fit._draws.taken(np.zeros(160_000, dtype=int))
    with pytest.raises(BayesdenseError, match="2 new models of the family 'another'.* at most 1,"):
        place(new, many, np.array([0, 1]), with_trend=True, random=np.random.default_rng(1))


def test_without_a_prior_scores_must_bound_the_density(fit):
    top = of_one(fit, {"know": 1.0})
    with pytest.raises(
        BayesdenseError, match=r"do not bound its density, since they lie at an end"
    ):
        place(top, fit._draws, np.array([0]), with_trend=False, random=np.random.default_rng(1))


def test_a_score_is_out_of_line_as_rarely_as_is_said(fit):
    """Scores of new models as the posterior's own draw makes them: p-values are uniform."""
    chosen, count = typical(fit), 100
    truth = fit._draws.taken(np.array([chosen]))
    random = np.random.default_rng(5)
    names = [f"new {i}" for i in range(count)]
    models = pd.DataFrame(
        {"model": names, "family": names, "release_date": "2024-08-01", "n_params": 8e9}
    )
    benchmarks = list(fit._design.coords["benchmark"])
    rows = pd.DataFrame([(m, b) for m in names for b in benchmarks], columns=["model", "benchmark"])
    rows = rows.assign(score=0.5, harness="house")

    def made():
        return arranged(
            bd.Dataset.from_frames(models=models, benchmarks=fit.data.benchmarks, scores=rows),
            fit._design,
            truth,
        )

    new = made()
    mean, sd, _ = new.expected(truth)
    w = mean + new.log_size(truth) + sd * random.standard_normal(sd.shape)
    shift, spread = new.on_benchmarks(truth)
    x = w[:, new.design.arrays["cell_model"]] + shift
    x = x + spread * random.standard_normal(x.shape)
    everything = Likelihood(new, truth, np.arange(x.shape[1]))
    middle, noise = everything.replicated(x, random)
    order = new.design.scores
    rows = order[["model", "benchmark"]].assign(
        score=(middle + noise * random.standard_normal(middle.shape))[0].clip(0, 1), harness="house"
    )
    new = made()
    values = []
    many = fit._draws.taken(np.full(200, chosen))
    for m in range(count):
        placed = place(new, many, np.array([m]), with_trend=True, random=random)[0]
        own = new.design.scores["model"].eq(new.table["model"][m])
        observed = new.design.scores.loc[own, "score"].to_numpy()
        z = (observed - placed.predicted_mean) / placed.predicted_sd
        values.append(norm.cdf(z).mean(axis=0))
    below = np.stack(values)
    for j in range(below.shape[1]):
        assert kstest(below[:, j], "uniform").pvalue > RARELY
