"""Scores before and after their benchmark was published, and old benchmarks against new ones."""

from __future__ import annotations

import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from bayesdense.studies import choices
from bayesdense.studies.choices.publication import PUBLISHED

DAYS = {"old": "2023-03-01", "new": "2024-01-01"}


@pytest.fixture
def data():
    """Return four models, of which one has no day, on two benchmarks."""
    models = pd.DataFrame(
        {
            "model": ["reference", "early", "late", "undated"],
            "release_date": ["2022-01-01", "2023-03-01", "2024-06-01", None],
            "n_params": [7e9] * 4,
            "is_reference": [True, False, False, False],
        }
    )
    benchmarks = pd.DataFrame({"benchmark": list(DAYS), "n_items": [100, 100], "chance": [0, 0]})
    scores = pd.DataFrame(
        [(m, b, 0.5) for m in models["model"] for b in DAYS],
        columns=["model", "benchmark", "score"],
    )
    return bd.Dataset.from_frames(models=models, benchmarks=benchmarks, scores=scores, name="four")


def kept(data, change):
    scores = change(data).scores
    return set(zip(scores["model"], scores["benchmark"], strict=True))


def test_each_score_is_on_the_side_of_its_own_benchmark(data):
    found = choices.publication(data, DAYS)
    references = {("reference", "old"), ("reference", "new")}
    assert list(found) == [
        "all scores",
        "models from before the benchmark",
        "models from after the benchmark",
    ]
    assert found["all scores"] is None
    before, after = (kept(data, change) for change in list(found.values())[1:])
    # On the day itself it was there.
    assert before - references == {("early", "new")}
    assert after - references == {("early", "old"), ("late", "old"), ("late", "new")}
    assert references <= before and references <= after


def test_a_side_without_scores_is_left_out(data):
    assert list(choices.publication(data, {"old": "2020-01-01", "new": "2020-01-01"})) == [
        "all scores",
        "models from after the benchmark",
    ]


def test_targets_on_one_side_alone_are_nothing_to_compare():
    data = bd.load_dataset("densing5").select(since="2023-02-01")
    with pytest.raises(BayesdenseError, match="were released after the benchmarks on which"):
        choices.publication(data)


def test_old_and_new_benchmarks_keep_all_models(data):
    found = choices.age_of_benchmarks(data, since="2024-01-01", published=DAYS)
    older, newer = (change(data) for change in list(found.values())[1:])
    assert older.core_benchmarks == ["old"] and newer.core_benchmarks == ["new"]
    assert len(older.models) == len(newer.models) == 4


def test_every_shipped_core_benchmark_has_a_day():
    for name in ("densing5", "leaderboard"):
        assert set(bd.load_dataset(name).core_benchmarks) <= set(PUBLISHED)


def test_days_that_are_missing_or_none_are_named(data):
    with pytest.raises(BayesdenseError, match="when benchmark 'new' was published: give publ"):
        choices.publication(data, {"old": "2023-03-01"})
    with pytest.raises(BayesdenseError, match="new: '2024-13-01' is no ISO day"):
        choices.publication(data, DAYS | {"new": "2024-13-01"})
    with pytest.raises(BayesdenseError, match="published before 2025-01-01: they were published"):
        choices.age_of_benchmarks(data, since="2025-01-01", published=DAYS)
    with pytest.raises(BayesdenseError, match="since: 'soon' is no ISO day"):
        choices.age_of_benchmarks(data, since="soon", published=DAYS)
