"""A year that one harness measured alone is named."""

from __future__ import annotations

import pandas as pd

from bayesdense import load_dataset
from bayesdense.fit.checks.harnesses import harnesses


class OfData:
    """Only what the check reads of a fit."""

    def __init__(self, data, *, has_growth=True):
        self.data = data
        self.spec = type("Spec", (), {"has_growth": has_growth})


def test_the_scores_of_densing5_in_2025_are_of_one_kind():
    data = load_dataset("densing5").select(since="2023-02-01", base_only=True)
    result = harnesses(OfData(data))
    assert result.verdict == "look" and not result.trust
    assert "2025 100 % by vendor" in result.text
    table = result.table().set_index("year")
    # By hand: targets of 2023 on core benchmarks.
    dates = data.targets.set_index("model")["release_date"]
    scores = data.scores[data.scores["benchmark"].isin(data.core_benchmarks)]
    scores = scores[scores["model"].map(dates).dt.year.eq(2023)]
    assert table.loc[2023, "scores"] == len(scores)
    assert table.loc[2023, "share"] == scores["harness"].value_counts(normalize=True).iloc[0]
    assert ("2023" in result.text) == (table.loc[2023, "share"] > 0.9)


def test_one_harness_or_no_trend_is_no_question():
    data = load_dataset("densing5").select(since="2023-02-01")
    assert harnesses(OfData(data, has_growth=False)) is None
    scores = data.scores.assign(harness="house")
    same = type(data).from_frames(
        models=data.models,
        benchmarks=data.benchmarks,
        scores=scores.drop_duplicates(["model", "benchmark", "source"]),
    )
    assert harnesses(OfData(same)) is None


def test_two_harnesses_that_share_every_year_are_good():
    data = load_dataset("densing5").select(since="2023-02-01")
    turns = pd.Series(range(len(data.scores))).mod(2).map({0: "house", 1: "street"})
    mixed = type(data).from_frames(
        models=data.models,
        benchmarks=data.benchmarks,
        scores=data.scores.assign(harness=turns.to_numpy()),
    )
    assert harnesses(OfData(mixed)).verdict == "good"
