"""When a dataset cannot be fitted, and what will rest on priors."""

from __future__ import annotations

import pandas as pd
import pytest

from bayesdense.data import Dataset, check_readiness, load_dataset, read_dataset
from bayesdense.errors import ReadinessError

from .conftest import BENCHMARKS, MODELS, SCORES, WriteFolder

FEW = [f"benchmark '{b}' has {n} target models" for b, n in (("MMLU", 3), ("MATH", 1))]


def test_small_is_ready(small: Dataset) -> None:
    *found, of_losses = check_readiness(small)
    assert [w.split(";")[0] for w in found] == FEW
    assert of_losses.startswith("losses of the references are on c4")


def test_shipped_studies_are_ready() -> None:
    data = load_dataset("densing5").select(since="2023-02-01", base_only=True, min_benchmarks=3)
    assert check_readiness(data) == []
    assert check_readiness(data.with_reference(families="Qwen1.5")) == []


def test_no_references(small: Dataset) -> None:
    data = Dataset.from_frames(
        models=small.models.assign(is_reference=False),
        benchmarks=small.benchmarks,
        scores=small.scores,
    )
    with pytest.raises(ReadinessError, match="no reference models: mark some.*with_reference"):
        check_readiness(data)


def test_no_targets() -> None:
    with pytest.raises(ReadinessError, match="no target models: every model is a reference"):
        check_readiness(load_dataset("olmo_ladder"))


def test_all_uninformed_benchmarks_are_named_at_once(small: Dataset) -> None:
    one = small.with_reference(models="new-2")
    with pytest.raises(ReadinessError, match=r"too few sizes on MMLU \(1\), MATH \(1\)"):
        check_readiness(one)
    with pytest.raises(ReadinessError, match=r"different sizes.* on GSM8K \(0\)"):
        check_readiness(small, benchmarks=["MMLU", "GSM8K"])


def test_reference_sizes_must_differ(write_folder: WriteFolder) -> None:
    data = read_dataset(write_folder(models=MODELS.replace("7e9", "1e9")))
    with pytest.raises(ReadinessError, match=r"too few sizes on MMLU \(1\), MATH \(1\)"):
        check_readiness(data)


def test_problems_come_together(small: Dataset) -> None:
    with pytest.raises(ReadinessError) as error:
        check_readiness(small.with_reference(models=small.models["model"]), benchmarks="GSM8K")
    assert "too few sizes on GSM8K (1)" in str(error.value)
    assert "no target models" in str(error.value)


def test_unknown_benchmark(small: Dataset) -> None:
    with pytest.raises(ReadinessError, match="unknown benchmark 'MMLO': did you mean 'MMLU'"):
        check_readiness(small, benchmarks=["MATH", "MMLO"])


def test_no_core_benchmark(small: Dataset) -> None:
    benchmarks = small.benchmarks.assign(core=False)
    data = Dataset.from_frames(models=small.models, benchmarks=benchmarks, scores=small.scores)
    with pytest.raises(ReadinessError, match="no benchmark is marked core"):
        check_readiness(data)


def test_targets_without_scores_on_the_benchmark(write_folder: WriteFolder) -> None:
    rows = [row for row in SCORES.splitlines() if not row.startswith("new-2,MATH")]
    data = read_dataset(write_folder(scores="\n".join(rows)))
    with pytest.raises(ReadinessError, match="no target model has a score on MATH"):
        check_readiness(data, benchmarks="MATH")


def test_too_few_dates(write_folder: WriteFolder) -> None:
    data = read_dataset(write_folder(models=MODELS.replace("2024-06-01", "")))
    with pytest.raises(ReadinessError, match="with scores and a release date: 2; .*at least"):
        check_readiness(data)
    assert not any("release date" in w for w in check_readiness(data, trend=False))


@pytest.mark.parametrize(("last", "ready"), [("2023-08-29", False), ("2023-08-30", True)])
def test_dates_too_close(write_folder: WriteFolder, last: str, ready: bool) -> None:
    text = MODELS.replace("2023-12-01", "2023-07-01").replace("2024-06-01", last)
    data = read_dataset(write_folder(models=text))
    if ready:
        assert check_readiness(data)
        return
    with pytest.raises(ReadinessError, match="within 89 days; dates must be spread over at least"):
        check_readiness(data)


def test_dates_of_two_days_are_no_trend(write_folder: WriteFolder) -> None:
    text = MODELS.replace("2023-12-01", "2023-06-01").replace("2024-06-01", "2023-08-30")
    with pytest.raises(ReadinessError, match="released on 2 days; a trend needs at least 3"):
        check_readiness(read_dataset(write_folder(models=text)))


def test_dates_of_unscored_targets_do_not_count(small: Dataset) -> None:
    with pytest.raises(ReadinessError, match="with scores and a release date: 1; "):
        check_readiness(small, benchmarks="MATH")


def test_undated_targets_are_counted(write_folder: WriteFolder) -> None:
    text = MODELS + "late,,,5e9,,,true,false\n"
    data = read_dataset(write_folder(models=text, scores=SCORES + "late,MMLU,0.5,lm-eval,x,1\n"))
    assert any(
        w.startswith("1 of 4 targets have no release date: they have a density but no place")
        for w in check_readiness(data)
    )


def test_idle_targets_are_named(write_folder: WriteFolder) -> None:
    data = read_dataset(write_folder(models=MODELS + "idle,,2024-06-01,5e9,,,true,false\n"))
    assert any("are left out: idle." in w for w in check_readiness(data))


def test_narrow_reference_sizes(write_folder: WriteFolder) -> None:
    data = read_dataset(write_folder(models=MODELS.replace("7e9", "2.9e9")))
    narrow = [w for w in check_readiness(data) if "span a factor of 2.9" in w]
    assert ["MMLU" in narrow[0], "MATH" in narrow[1]] == [True, True]
    data = Dataset.from_frames(
        models=data.models.replace({"n_params": {2.9e9: 3e9}}).assign(n_active=1e9),
        benchmarks=data.benchmarks,
        scores=data.scores,
    )
    assert not any("span" in w for w in check_readiness(data))


def with_harness(small: Dataset, **of_models: str) -> Dataset:
    """Give models another harness on MMLU; add a second score where a '+' leads it."""
    scores = small.scores
    for model, harness in of_models.items():
        name = model.replace("_", "-")
        mine = (scores["model"] == name) & (scores["benchmark"] == "MMLU")
        if harness.startswith("+"):
            extra = scores[mine].head(1).assign(harness=harness[1:], source=f"for {harness}")
            scores = pd.concat([scores, extra], ignore_index=True)
        else:
            scores.loc[mine, "harness"] = harness
    return Dataset.from_frames(models=small.models, benchmarks=small.benchmarks, scores=scores)


@pytest.mark.parametrize(
    ("of_models", "cut_off"),
    [
        ({}, None),
        ({"new_2": "other"}, "other"),
        ({"new_2": "other", "new_9": "+other"}, None),
        ({"new_2": "other", "ref_1": "+other"}, None),
        ({"new_2": "b", "new_9": "c"}, "b, c"),
        ({"new_2": "b", "new_9": "c", "solo": "+c"}, "b"),
        ({"new_2": "b", "new_9": "b", "solo": "c"}, "b, c"),
    ],
)
def test_harness_confounding(small: Dataset, of_models: dict[str, str], cut_off: str) -> None:
    data = with_harness(small, **of_models)
    found = [w for w in check_readiness(data) if "harness" in w]
    if cut_off is None:
        assert found == []
        return
    assert found == [
        f"on MMLU no model links harness {cut_off} to those of the references (lm-eval); "
        "harness offset and density are confounded there; the answer rests on the prior of the "
        "offset."
    ]


def test_one_notice_is_enough_for_benchmarks_with_the_same_harnesses() -> None:
    data = load_dataset("leaderboard").with_reference(dataset=load_dataset("openlm_redpajama"))
    (found,) = [w for w in check_readiness(data) if "harness" in w]
    assert found.startswith("on MMLU, ARC-C, HellaSwag, WinoGrande no model links harness open-llm")


def test_harness_links_reach_through_others(small: Dataset) -> None:
    linked = with_harness(small, new_2="b", new_9="c", solo="d")
    linked = with_harness(linked, new_2="+c", new_9="+d", solo="+lm-eval")
    assert not any("harness" in w for w in check_readiness(linked))


def test_losses_that_no_benchmark_is_read_through_are_named(write_folder: WriteFolder) -> None:
    """The small folder has losses on c4, and its benchmarks none of that name."""
    (note,) = [n for n in check_readiness(read_dataset(write_folder())) if "losses" in n]
    assert "losses of the references are on c4, and no" in note and "it has MATH, MMLU." in note


def test_losses_of_one_benchmark_are_enough(write_folder: WriteFolder) -> None:
    header, first, *others = BENCHMARKS.splitlines()
    table = [f"{header},loss_set", f"{first},c4", *(f"{row}," for row in others)]
    data = read_dataset(write_folder(benchmarks="\n".join(table) + "\n"))
    assert not [n for n in check_readiness(data) if "losses" in n]


def test_references_at_chance_are_named(small: Dataset) -> None:
    """Of 10,000 items guessing a quarter, 0.263 is three standard errors above."""
    of = small.scores["benchmark"] == "MMLU"
    rows = small.scores["model"].isin(small.references["model"]) & of

    def warned(score: float) -> list[str]:
        data = Dataset.from_frames(
            models=small.models,
            benchmarks=small.benchmarks.assign(chance=0.25),
            scores=small.scores.assign(
                score=small.scores["score"].where(~rows, score),
                n_items=small.scores["n_items"].where(~of, 10_000.0),
            ),
        )
        found = [text for text in check_readiness(data) if "clearly above chance" in text]
        return [text for text in found if "MMLU" in text]

    [text] = warned(0.2629)
    assert text.startswith("on benchmark 'MMLU' no reference") and "(0.25; the best has" in text
    assert not warned(0.2631)


def test_a_ruler_that_is_flat_is_named(small: Dataset) -> None:
    def said(low: float, high: float) -> list[str]:
        """Give the references of 1e9 and 7e9 parameters these scores on MMLU."""
        scores, ends = small.scores, {"ref-1": low, "ref-7": high}
        own = scores["model"].isin(ends) & (scores["benchmark"] == "MMLU")
        assert own.sum() == 2
        data = Dataset.from_frames(
            models=small.models,
            benchmarks=small.benchmarks,
            scores=scores.assign(score=scores["score"].where(~own, scores["model"].map(ends))),
        )
        return [w for w in check_readiness(data) if "whatever their size" in w]

    # One standard error of 0.5 over 14,042 items is 0.0042; two of a difference are 0.0119.
    (found,) = said(0.50, 0.51)
    assert "benchmark 'MMLU'" in found
    assert "(0.5 at 1e+09 parameters, 0.51 at 7e+09)" in found
    assert not said(0.50, 0.513)
    assert len(said(0.51, 0.50)) == 1


@pytest.mark.parametrize(("family", "named"), [("New", False), ("Other", True)])
def test_few_families_each_with_a_date_of_its_own_are_named(
    write_folder: WriteFolder, family: str, named: bool
) -> None:
    """With both of its models, the family 'New' has dates over half a year."""
    data = read_dataset(write_folder(models=MODELS.replace("new-9,New", f"new-9,{family}")))
    found = [w for w in check_readiness(data) if "cannot be told from" in w]
    assert len(found) == named
    assert all("of 3 families" in w and "(New, Other, " in w for w in found)
