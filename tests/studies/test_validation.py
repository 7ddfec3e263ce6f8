"""What is predicted of models, families and benchmarks that a fit has not seen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.studies import leave_future_out, leave_groups_out, validation
from tests.conftest import samples
from tests.simulate import KINDS, simulate

MODEL = bd.DensityModel(form="pooled")
SHORT = {"draws": 400, "tune": 600, "random_seed": 2, "progressbar": False}


@pytest.fixture(scope="module")
def data():
    return simulate(KINDS[0], seed=3)


@pytest.fixture(scope="module")
@samples
def later(data, tmp_path_factory):
    store = tmp_path_factory.mktemp("validation")
    return leave_future_out(MODEL, data, ["2024-06-30", "2024-12-31"], store=store, **SHORT), store


def test_what_came_later_is_predicted(later, data):
    found, _ = later
    row = found.summary().set_index("left_out").loc["after 2024-06-30"]
    models = data.targets[data.targets["release_date"] > "2024-06-30"]
    assert row["models"] == len(models)
    scores = data.scores[data.scores["model"].isin(models["model"])]
    own = found.scores()[found.scores()["left_out"] == "after 2024-06-30"]
    assert len(own) == row["scores"] == len(scores)
    np.testing.assert_allclose(sorted(own["score"]), sorted(scores["score"]))
    held = own["score"].between(own["lower"], own["upper"])
    assert row["inside_90"] == pytest.approx(held.mean())
    # The data have terms that the pooled form lacks, so that this is no test of calibration.
    assert 0.6 < row["inside_90"] <= 1.0 and row["inside_50"] < row["inside_90"]
    # Predicted is something: these scores are nearer to their predictions than to their mean.
    error = (own["score"] - own["median"]).abs().mean()
    spread = own.groupby("benchmark")["score"].transform(lambda s: (s - s.mean()).abs()).mean()
    assert error < spread


def test_how_often_as_few_inside_are_to_be_expected(later):
    table = later[0].summary().set_index("left_out")
    found = table[["p_50", "p_80", "p_90"]].astype(float)
    parts = found.drop("all of these")
    assert ((parts > 0.0) & (parts <= 1.0)).all().all()
    # Groups share scores and errors, so that they have none together.
    assert found.loc["all of these"].isna().all()


def test_densities_are_predicted_without_the_model(later):
    found, _ = later
    own = found.densities()[found.densities()["left_out"] == "after 2024-12-31"]
    assert (pd.to_datetime(own["release_date"]) > "2024-12-31").all()
    assert (own["lower"] < own["median"]).all() and (own["median"] < own["upper"]).all()
    inside = own["estimate"].between(own["lower"], own["upper"]).mean()
    rows = found.summary().set_index("left_out")["densities_inside_90"]
    assert rows["after 2024-12-31"] == pytest.approx(inside) and inside > 0.6


def test_several_groups_have_a_row_together(later):
    table = later[0].summary().set_index("left_out")
    together, parts = table.loc["all of these"], table.iloc[:-1]
    assert together["scores"] == parts["scores"].sum()
    assert together["elpd"] == pytest.approx(parts["elpd"].sum())
    weighted = np.average(parts["inside_90"].astype(float), weights=parts["scores"].astype(float))
    assert together["inside_90"] == pytest.approx(weighted)


def test_what_is_stored_is_not_fitted_again(later, data, monkeypatch):
    found, store = later
    assert len(list(store.iterdir())) == 3
    monkeypatch.setattr(validation, "_fitted", None)
    days = ["2024-06-30", "2024-12-31"]
    again = leave_future_out(MODEL, data, days, store=store, **SHORT)
    pd.testing.assert_frame_equal(again.summary(), found.summary())


@pytest.mark.sampling
def test_a_benchmark_is_predicted_from_the_others(data):
    """References keep their scores there, so that its ruler is known."""
    one = data.core_benchmarks[0]
    other = data.select(benchmarks=data.core_benchmarks[:2])
    found = leave_groups_out(MODEL, other, "benchmark", **SHORT)
    assert set(found.summary()["left_out"]) == {*other.core_benchmarks, "all of these"}
    own = found.scores()[found.scores()["left_out"] == one]
    assert (own["benchmark"] == one).all()
    assert set(own["model"]) <= set(data.targets["model"])
    assert np.isfinite(found.summary()["elpd"]).all()
    assert "all of these" in repr(found)


@pytest.mark.parametrize(
    ("days", "message"),
    [
        ("soon", "is not a day"),
        (20240630, "is not a day"),
        ([], "at least one"),
        ("2035-01-01", "no target on one side"),
        ("2015-01-01", "no target on one side"),
    ],
)
def test_days_that_divide_nothing_are_refused(data, days, message):
    with pytest.raises(BayesdenseError, match=message):
        leave_future_out(MODEL, data, days, **SHORT)


def test_days_are_dates_too_and_undated_targets_take_no_part(data, monkeypatch):
    monkeypatch.setattr(
        validation, "_validate", lambda m, data, units, groups, notes, _: (data, groups, notes)
    )
    day = pd.Timestamp("2024-06-30")
    whole, groups, notes = leave_future_out(MODEL, data, day, **SHORT)
    assert list(groups) == ["after 2024-06-30"] and notes == []
    days = [day.date(), np.datetime64("2024-12-31")]
    assert list(leave_future_out(MODEL, data, days, **SHORT)[1]) == [
        "after 2024-06-30",
        "after 2024-12-31",
    ]
    models = data.models.copy()
    lost = data.targets["model"].iloc[:3].tolist()
    models.loc[models["model"].isin(lost), "release_date"] = pd.NaT
    undated = bd.Dataset.from_frames(
        name="undated", models=models, benchmarks=data.benchmarks, scores=data.scores
    )
    part, _, notes = leave_future_out(MODEL, undated, day, **SHORT)
    assert set(part.targets["model"]) == set(data.targets["model"]) - set(lost)
    assert notes == ["3 targets have no date, and were left out of every fit."]


def test_data_without_benchmarks_are_refused_in_a_sentence(data):
    none = bd.Dataset.from_frames(
        name="none",
        models=data.models,
        benchmarks=data.benchmarks.assign(core=False),
        scores=data.scores,
    )
    for call in (leave_groups_out, lambda m, d: leave_future_out(m, d, "2024-06-30")):
        with pytest.raises(BayesdenseError, match="benchmark"):
            call(MODEL, none)


def test_groups_that_are_none_are_refused(data):
    with pytest.raises(BayesdenseError, match="by must be one of"):
        leave_groups_out(MODEL, data, "harness", **SHORT)
    with pytest.raises(BayesdenseError, match="no family can be left out"):
        leave_groups_out(MODEL, data, "family", smallest=100, **SHORT)
    with pytest.raises(BayesdenseError, match="ruler='joint'"):
        leave_groups_out(MODEL.replace(ruler="cut"), data, **SHORT)
