"""Other observations and trends, sampled on simulated data that call for them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from tests.models.test_coverage import POOLED
from tests.simulate import KINDS, simulate

SAMPLING = {
    "draws": 2500,
    "tune": 1000,
    "chains": 4,
    "random_seed": 7,
    "progressbar": False,
    "reference_posterior": False,
}
WRONG = 0.05


def with_wrong_scores(data):
    """Return the data with one score in twenty of the targets off by 15 points."""
    random = np.random.default_rng(5)
    scores = data.scores
    target = scores["model"].str.startswith("target").to_numpy()
    wrong = target & (random.uniform(size=len(scores)) < WRONG)
    score = scores["score"] + np.where(wrong, random.choice([-0.15, 0.15], len(scores)), 0.0)
    return bd.Dataset.from_frames(
        models=data.models,
        benchmarks=data.benchmarks,
        scores=scores.assign(score=score.clip(0, 1)),
        name="some scores are wrong",
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_student_noise_is_not_misled_by_wrong_scores():
    """Normal noise takes wrong scores for noise of all scores, Student-t noise does not."""
    data = with_wrong_scores(simulate(KINDS[0], seed=21, truth=POOLED))
    fits = {
        kind: bd.DensityModel(form="pooled", observation=kind).fit(data, **SAMPLING)
        for kind in ("normal", "student-t")
    }
    for fit in fits.values():
        table = fit.diagnostics()
        assert table["rhat"].max() < 1.03 and table["ess"].min() > 100
        assert int(fit.sample_stats["diverging"].sum()) <= 5
    phi = {
        kind: fit.parameters(names=["source_noise_sd"])["median"].to_numpy()
        for kind, fit in fits.items()
    }
    truth = np.array(POOLED.phi)
    # Wrong scores alone have a standard deviation of 0.15 sqrt(0.05), 3.4 points.
    assert (phi["normal"] > truth + 0.01).all()
    assert np.abs(np.log(phi["student-t"] / truth)).max() < np.log(2)
    growth = fits["student-t"].growth(prob=0.98).iloc[0]
    assert growth["lower"] < POOLED.growth < growth["upper"]
    # What is shown and checked with Student-t noise runs on real draws.
    assert fits["student-t"].scores()["inside"].mean() > 0.8
    assert set(fits["student-t"].calibration()["benchmark"]) == set(POOLED.benchmarks)


def bent():
    """Return the truth of a bend, and data of it in which one target in six has no date."""
    truth = replace(POOLED, growth=2.0, change=1.5, change_at=0.0)
    data = simulate(KINDS[0], seed=22, truth=truth, n_targets=90)
    models = data.models
    undated = ~models["is_reference"] & (np.arange(len(models)) % 6 == 0)
    return truth, bd.Dataset.from_frames(
        models=models.assign(release_date=models["release_date"].where(~undated, pd.NaT)),
        benchmarks=data.benchmarks,
        scores=data.scores,
        name="a bend, and models without a date",
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
@pytest.mark.filterwarnings("ignore::bayesdense.ReadinessWarning")
def test_a_change_of_slope_is_recovered_and_undated_models_have_a_density():
    truth, data = bent()
    trend = bd.trends.ChangePoint("2024-06-01")
    fit = bd.DensityModel(form="pooled", trend=trend).fit(data, **SAMPLING)
    table = fit.diagnostics()
    assert table["rhat"].max() < 1.03 and table["ess"].min() > 100
    assert int(fit.sample_stats["diverging"].sum()) <= 5

    growth = fit.growth(prob=0.98).set_index(["estimator", "period"])
    typical = growth.loc["typical"]
    assert len(typical) == 2
    by_end = dict(typical.iterrows())
    before = next(row for period, row in by_end.items() if period.startswith("before"))
    after = next(row for period, row in by_end.items() if not period.startswith("before"))
    assert before["lower"] < truth.growth - truth.change < before["upper"]
    assert after["lower"] < truth.growth < after["upper"]
    change = fit.parameters(names=["growth_rate_change"], prob=0.98).iloc[0]
    assert 0 < change["lower"] < truth.change < change["upper"]

    sizes = fit.effective_size()
    undated = sizes[sizes["release_date"].isna() & ~sizes["is_reference"]]
    assert len(undated) == 15
    assert (undated["upper"] / undated["lower"] < 20).all()
    # Scores place them: the order of mean score within a size class is not left to the prior.
    scores = data.scores.groupby("model")["score"].mean()
    order = np.corrcoef(np.log(undated["median"]), scores.loc[undated["model"]].to_numpy())
    assert order[0, 1] > 0.8
