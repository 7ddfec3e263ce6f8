"""What is allowed and hardly true is named, and no fit of it is called good."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.data import check_readiness
from bayesdense.data.plausibility import doubts
from tests.fake import fake_fit, tiny_dataset


def changed(table: str, change) -> bd.Dataset:
    """Return the tiny dataset with one of its tables changed."""
    data = tiny_dataset()
    tables = {name: getattr(data, name).copy() for name in ("models", "benchmarks", "scores")}
    tables[table] = change(tables[table])
    return bd.Dataset.from_frames(**tables, name="changed")


def with_values(column: str, values: dict[str, object]):
    def change(models: pd.DataFrame) -> pd.DataFrame:
        models = models.set_index("model")
        for name, value in values.items():
            models.loc[name, column] = value
            if column == "n_params":
                models.loc[name, "n_active"] = value
        return models.reset_index()

    return change


def said(data: bd.Dataset) -> list[tuple[str, bool]]:
    return [(doubt.subject, doubt.grave) for doubt in doubts(data, data.core_benchmarks)]


def test_nothing_is_doubted_of_the_data_that_are_shipped():
    for name in ("densing5", "leaderboard", "olmo_ladder"):
        data = bd.load_dataset(name)
        assert doubts(data, data.core_benchmarks) == []


@pytest.mark.parametrize(
    ("model", "day", "grave", "words"),
    [
        ("New-3", "2099-01-01", True, r"after today: New-3 \(2099-01-01\)"),
        ("Alpha-1B", "2098-03-01", True, r"after today: Alpha-1B \(2098-03-01\)"),
        ("New-3", "2014-05-01", True, r"from all others: New-3 \(2014-05-01\)"),
        ("Beta-2B", "2013-03-01", True, r"from all others: Beta-2B \(2013-03-01\)"),
    ],
)
def test_dates_that_slipped_by_years(model, day, grave, words):
    data = changed("models", with_values("release_date", {model: pd.Timestamp(day)}))
    assert said(data) == [("dates", grave)]
    assert any(pd.Series(check_readiness(data)).str.contains(words))


def test_the_day_after_today_is_late_and_today_is_not():
    data = tiny_dataset()
    last = data.models["release_date"].max().date()
    assert doubts(data, data.core_benchmarks, today=last) == []
    before = last - datetime.timedelta(days=1)
    [late] = doubts(data, data.core_benchmarks, today=before)
    assert late.grave and "1 model with a release date after today: New-7" in late.text


@pytest.mark.parametrize(
    ("column", "values", "words"),
    [
        ("n_params", {"New-1": 2000.0}, "n_params of 1 model is below 1e+06: New-1 (2000)"),
        ("n_params", {f"New-{i}": 1e3 * (i + 1) for i in range(8)}, "of 8 models is below 1e+06"),
        ("n_params", {"Alpha-7B": 7e18}, "n_params of 1 model is above 1e+14: Alpha-7B (7e+18)"),
        ("n_tokens", {"New-0": 2e6}, "n_tokens of 1 model is below 1e+07: New-0 (2e+06)"),
    ],
)
def test_sizes_and_tokens_in_another_unit(column, values, words):
    data = changed("models", with_values(column, values))
    found = doubts(data, data.core_benchmarks)
    assert any(words in doubt.text and doubt.grave for doubt in found)


def test_tokens_for_each_parameter():
    data = changed("models", with_values("n_tokens", {"New-7": 1e9}))
    [doubt] = doubts(data, data.core_benchmarks)
    assert doubt.subject == "tokens" and not doubt.grave and "New-7 (0.125)" in doubt.text


def test_scores_that_were_rescaled_lie_below_chance():
    def rescaled(scores: pd.DataFrame) -> pd.DataFrame:
        own = scores["benchmark"] == "MMLU"
        scores.loc[own, "score"] = (scores.loc[own, "score"] - 0.25).clip(lower=0.0) / 0.75
        return scores

    data = changed("scores", rescaled)
    [doubt] = doubts(data, data.core_benchmarks)
    rows = data.scores[data.scores["benchmark"] == "MMLU"]
    error = (0.25 * 0.75 / 14042) ** 0.5
    count = int((rows["score"] < 0.25 - 3 * error).sum())
    assert f"'MMLU' {count} of {len(rows)} scores lie more than 3 standard" in doubt.text
    assert "set chance to 0" in doubt.text
    # One model that did not understand the questions is no reason to say so.
    assert (
        said(changed("scores", lambda s: s.assign(score=s["score"].where(s.index > 0, 0.1)))) == []
    )


def test_a_ruler_that_falls_with_size():
    def worse(scores: pd.DataFrame) -> pd.DataFrame:
        reference = scores["model"].str.startswith(("Alpha", "Beta"))
        scores.loc[reference, "score"] = 0.9 - scores.loc[reference, "score"]
        return scores

    assert said(changed("scores", worse)) == [("ruler", True), ("ruler", True)]


def test_two_days_make_no_trend():
    def two(models: pd.DataFrame) -> pd.DataFrame:
        late = models["family"].isin(["Family 2", "Family 3"]) & ~models["is_reference"]
        day = late.map({True: "2025-06-01", False: "2023-06-01"})
        return models.assign(release_date=pd.to_datetime(day))

    with pytest.raises(bd.ReadinessError, match="released on 2 days; a trend needs at least 3"):
        check_readiness(changed("models", two))


@pytest.mark.parametrize(("day", "passed"), [("2099-01-01", False), ("2024-01-01", True)])
def test_a_fit_of_doubtful_data_is_not_called_good(day, passed):
    data = changed("models", with_values("release_date", {"New-3": pd.Timestamp(day)}))
    report = fake_fit(data=data).checks()
    assert report["data"].passed is passed
    assert ("2099" in report.verdict) is not passed


def test_densities_that_cannot_be_are_named():
    fit = fake_fit()
    assert "densities" not in fit.checks().summary()["check"].tolist()
    fit = fake_fit()
    shift = 14.0 * (fit.posterior["model"] == "New-2")
    fit.posterior["log_density"] = fit.posterior["log_density"] + shift
    check = fit.checks()["densities"]
    assert check.verdict == "bad" and "above 10000: New-2 (" in check.text
