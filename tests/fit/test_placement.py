"""Placing new models in a fit: what may be given, tables and words, and what a refit says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from tests.fake import fake, fake_fit, tiny_dataset
from tests.simulate import with_developers

ONE = {"n_params": 8e9, "release_date": "2024-05-01", "scores": {"MMLU": 0.6, "MATH": 0.2}}


@pytest.fixture(scope="module")
def fit():
    return fake_fit()


@pytest.fixture(scope="module")
def placed(fit):
    return fit.place(**ONE)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": None}, "no score at all: give scores on at least one of MMLU, MATH"),
        ({"scores": {}}, "no score at all"),
        ({"scores": [0.5]}, "scores are a mapping such as .* not a list"),
        ({"scores": {"MMUL": 0.5}}, "did you mean 'MMLU'.*says nothing of a benchmark"),
        ({"scores": {"MMLU": 60.0}}, "60"),
        ({"n_params": None}, "n_params is missing"),
        ({"n_params": -1}, "n_params"),
        ({"release_date": "soon"}, "soon"),
        ({"release_date": None}, "needs the release_date of new model; without one, use prior"),
        ({"release_date": "2019-01-01"}, "released on 2019-01-01, before all models of the fit"),
        ({"prior": "flat"}, "prior must be 'trend' or 'none', not 'flat'"),
        ({"weights": "equal"}, "weights must be 'ruler' or 'fitted', not 'equal'"),
        ({"prior": "none", "weights": "fitted"}, "weights='fitted' needs prior='trend'"),
        ({"draws": 0}, "draws must be a whole number from 1 up, not 0"),
        ({"draws": 50, "weights": "fitted"}, "draws must be a whole number from 100 up, not 50"),
        ({"weights": "fitted"}, "needs a fit of 100 draws at least; this one has 50"),
        ({"random_seed": -1}, "random_seed must be a whole number from 0 up, not -1"),
        ({"model": None}, "model is missing: what it is called"),
        ({"draws": True}, "draws must be a whole number from 1 up, not True"),
    ],
)
def test_what_is_wrong_is_said(fit, change, said):
    with pytest.raises(BayesdenseError, match=said):
        fit.place(**ONE | change)


def test_tables_and_words(placed):
    density, size = placed.density().iloc[0], placed.effective_size().iloc[0]
    # eq. 1, draw by draw: with one size the medians have the same ratio.
    assert density["median"] * 8e9 == pytest.approx(size["median"])
    assert density["lower"] < density["median"] < density["upper"]
    assert 1 <= density["rank_lower"] <= density["rank"] <= density["rank_upper"] <= density["of"]
    trend = placed.against_trend().iloc[0]
    assert (trend["median"] > 0) == (trend["p_above_trend"] > 0.5)
    scores = placed.scores()
    np.testing.assert_allclose(scores["deviation"], [0.6, 0.2] - scores["median"])
    assert list(scores["benchmark"]) == ["MMLU", "MATH"] and scores["p_value"].between(0, 1).all()
    text = placed.headline()
    assert "effective size" in text and "rank" in text and "months" in text
    assert len(placed.effective_size(by="benchmark")) == 2
    assert "Placement in 'tiny'" in repr(placed) and "<table" in placed._repr_html_()
    with pytest.raises(BayesdenseError, match="by must be 'model' or 'benchmark', not 'cell'"):
        placed.effective_size(by="cell")


def test_a_seed_gives_the_same_placement(fit, placed):
    pd.testing.assert_frame_equal(fit.place(**ONE).scores(), placed.scores())


def test_scores_may_be_a_series(fit, placed):
    again = fit.place(**ONE | {"scores": pd.Series(ONE["scores"])})
    pd.testing.assert_frame_equal(placed.density(), again.density())


def test_models_of_a_dataset_are_its_targets(fit):
    data = tiny_dataset()
    dated = data.models[data.models["release_date"].notna()]
    placed = fit.place(data.select(models=list(dated["model"])), draws=20)
    targets = dated.loc[~dated["is_reference"], "model"]
    assert list(placed.density()["model"]) == list(targets)
    assert (placed.density()["of"] == placed._placed.fitted.size("target")).all()
    assert "(the fit has it, and its scores, already)" in placed.headline()
    with pytest.raises(BayesdenseError, match="give nothing besides"):
        fit.place(data, scores={"MMLU": 0.5})
    with pytest.raises(BayesdenseError, match="give nothing besides"):
        fit.place(data, harness="mine")


def test_a_family_that_the_fit_has_brings_its_developer():
    data = with_developers(tiny_dataset())
    fit = fake(bd.DensityModel(), data)
    placed = fit.place(**ONE, family="Family 1")
    assert placed.data.models["developer"].item() == "Other"
    codes = fit._design.coords["developer"]
    assert codes[placed._placed.new.developer[0]] == "Other"


def test_a_missing_harness_is_filled_and_other_models_are_refused(fit):
    scores = pd.DataFrame(
        {"benchmark": ["MMLU", "MATH"], "score": [0.6, 0.2], "harness": ["one", None]}
    )
    placed = fit.place(**ONE | {"scores": scores}, harness="two")
    assert list(placed.scores()["harness"]) == ["one", "two"]
    with pytest.raises(BayesdenseError, match="scores of one model have rows of 'b'"):
        fit.place(**ONE | {"scores": scores.assign(model="b")})


def test_the_only_score_is_held_against_what_was_expected(fit):
    text = fit.place(**ONE | {"scores": {"MMLU": 1.0}, "n_params": 1e6}).headline()
    assert "too good for what was expected" in text


def test_dates_of_which_the_fit_does_not_know_enough(fit):
    early = fit.place(**ONE | {"release_date": "2019-01-01"}, prior="none", draws=20)
    assert "months" not in early.headline()
    with pytest.raises(BayesdenseError, match="before all models of the fit"):
        early.against_trend()
    smooth = fake(bd.DensityModel(trend="smooth"), tiny_dataset())
    with pytest.raises(BayesdenseError, match="where a smooth trend has no line yet: use prior"):
        smooth.place(**ONE | {"release_date": "2026-01-01"})
    uncertain = fake(bd.DensityModel(date_sd=2), tiny_dataset())
    with pytest.raises(BayesdenseError, match="not placed where dates are uncertain"):
        uncertain.place(**ONE)


def test_several_models_are_placed_as_one_by_one(fit):
    models = pd.DataFrame(
        {"model": ["a", "b"], "release_date": "2024-05-01", "n_params": [8e9, 3e9]}
    )
    scores = pd.DataFrame(
        {"model": ["b", "a", "a"], "benchmark": ["MMLU", "MMLU", "MATH"], "score": [0.5, 0.6, 0.2]}
    )
    both = fit.place(models, scores=scores)
    alone = fit.place(**ONE | {"model": "a"})
    # The first draws the same random numbers; scores stand in the order of the benchmarks.
    pd.testing.assert_frame_equal(both.density().head(1), alone.density(), check_dtype=False)
    assert list(both.scores()["model"]) == ["a", "a", "b"]
    with pytest.raises(BayesdenseError, match="no score at all for b: give scores"):
        fit.place(models, scores=scores[scores["model"].eq("a")])
    with pytest.raises(BayesdenseError, match="n_params is for one model"):
        fit.place(models, scores=scores, n_params=1e9)


@pytest.mark.sampling
@pytest.mark.filterwarnings("ignore")
def test_a_placed_model_is_where_a_fit_with_it_has_it(plain_fit):
    """Three models are left out of a fit, and placed in it with their own family known or not."""
    table = plain_fit.density()
    dated = table[table["release_date"].notna() & ~table["is_reference"]]
    left_out = list(dated["model"].iloc[[5, 25, 45]])
    data = plain_fit.data
    rest = bd.DensityModel(form="pooled").fit(
        data.select(models=[m for m in data.models["model"] if m not in left_out]),
        draws=600, tune=500, chains=4, random_seed=3, progressbar=False, reference_posterior=False,
    )  # fmt: skip
    new = bd.Dataset.from_frames(
        models=data.models[data.models["model"].isin(left_out)],
        benchmarks=data.benchmarks,
        scores=data.scores[data.scores["model"].isin(left_out)],
    )
    log_density = plain_fit.posterior["log_density"].sel(model=left_out)
    assert not set(left_out) & set(rest._design.coords["model"])
    # What the new scores say of ruler and family is left out by the first.
    for weights, within in (("ruler", 0.5), ("fitted", 0.2)):
        placed = rest.place(new, weights=weights)
        found = placed.density().set_index("model").loc[left_out]
        off = np.log(found["median"]) - log_density.median(("chain", "draw")).to_numpy()
        sd = log_density.std(("chain", "draw")).to_numpy()
        assert (np.abs(off) < within * sd).all(), (weights, list(off / sd))
    assert placed.ess > 100 and placed.pareto_k < 0.7
