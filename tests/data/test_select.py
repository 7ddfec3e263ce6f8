"""What each filter keeps, and what it says about itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from bayesdense.data import Dataset, load_dataset, read_dataset
from bayesdense.errors import DataError, UnknownNameError

from .conftest import LOSSES, MODELS, SCORES, WriteFolder


@pytest.mark.parametrize(
    ("filters", "targets"),
    [
        ({}, ["new-2", "new-9", "solo"]),
        ({"since": "2023-12-01"}, ["new-9", "solo"]),
        ({"since": dt.date(2023, 12, 2)}, ["solo"]),
        ({"until": "2023-12-01"}, ["new-2", "new-9"]),
        ({"since": "2023-06-01", "until": "2023-06-01"}, ["new-2"]),
        ({"models": "solo"}, ["solo"]),
        ({"models": ["solo", "new-2", "ref-1"]}, ["new-2", "solo"]),
        ({"families": "New"}, ["new-2", "new-9"]),
        ({"families": ["solo"]}, ["solo"]),
        ({"min_params": 4e9}, ["new-9", "solo"]),
        ({"max_params": 4_000_000_000}, ["new-2", "solo"]),
        ({"base_only": True}, ["new-2", "solo"]),
        ({"base_only": False}, ["new-2", "new-9", "solo"]),
        ({"compressed": False}, ["new-2", "new-9", "solo"]),
        ({"min_benchmarks": 1}, ["new-2", "new-9", "solo"]),
        ({"min_benchmarks": 2}, ["new-2"]),
        ({"min_benchmarks": 1, "benchmarks": "GSM8K"}, ["solo"]),
        ({"min_benchmarks": 1, "harness": "vendor", "benchmarks": ["GSM8K", "MMLU"]}, ["solo"]),
        ({"families": "New", "base_only": True}, ["new-2"]),
    ],
)
def test_filters_keep_targets(small: Dataset, filters: dict[str, Any], targets: list[str]) -> None:
    chosen = small.select(**filters)
    assert chosen.targets["model"].tolist() == targets
    assert chosen.references["model"].tolist() == ["ref-1", "ref-7"]
    assert set(chosen.scores["model"]) <= {*targets, "ref-1", "ref-7"}


def test_scores_and_losses_go_with_their_models(small: Dataset) -> None:
    chosen = small.select(models="solo", max_params=5e9, references=None)
    assert len(chosen.scores) == 6
    everywhere = small.select(max_params=5e9, references=True)
    assert everywhere.models["model"].tolist() == ["ref-1", "new-2", "solo"]
    assert everywhere.losses["model"].tolist() == ["ref-1"]


def test_references_are_filtered_where_there_is_nothing_else(small: Dataset) -> None:
    only = small.with_reference(models=small.models["model"])
    assert only.select(max_params=5e9).models["model"].tolist() == ["ref-1", "new-2", "solo"]
    assert len(only.select(max_params=5e9, references=False).models) == 5


def test_model_without_a_date_is_in_no_window(write_folder: WriteFolder) -> None:
    data = read_dataset(write_folder(models=MODELS.replace("2024-06-01", "")))
    assert "solo" not in data.select(since="2000-01-01").models["model"].tolist()
    assert "solo" not in data.select(until="2100-01-01").models["model"].tolist()
    assert "solo" in data.select().models["model"].tolist()


def test_benchmarks_become_core_in_the_given_order(small: Dataset) -> None:
    chosen = small.select(benchmarks=["GSM8K", "MMLU"])
    assert chosen.core_benchmarks == ["GSM8K", "MMLU"]
    assert set(chosen.scores["benchmark"]) == {"GSM8K", "MMLU"}
    assert len(chosen.models) == 5
    assert small.core_benchmarks == ["MMLU", "MATH"]


def test_loss_sets_keep_losses_of_all_models(write_folder: WriteFolder) -> None:
    more = LOSSES + "ref-1,pile,2.4,nats per token\nref-7,pile,2.1,nats per token\n"
    data = read_dataset(write_folder(losses=more))
    chosen = data.select(loss_sets="pile")
    assert chosen.losses["loss"].tolist() == [2.4, 2.1]
    assert chosen.models.equals(data.models) and chosen.scores.equals(data.scores)
    assert chosen.selection[-1]["dropped_losses"] == 2
    with pytest.raises(UnknownNameError, match="unknown loss set 'piles': did you mean 'pile'"):
        data.select(loss_sets="piles")


def test_harness_filters_scores_of_all_models(small: Dataset) -> None:
    chosen = small.select(harness="vendor")
    assert chosen.scores["model"].tolist() == ["solo"]
    assert len(chosen.models) == 5


def test_compressed(write_folder: WriteFolder) -> None:
    text = MODELS.replace("is_base", "is_compressed")
    data = read_dataset(write_folder(models=text))
    assert data.select(compressed=True).targets["model"].tolist() == ["new-2", "solo"]
    assert data.select(compressed=False).targets["model"].tolist() == ["new-9"]


@pytest.mark.parametrize(
    ("recalled", "targets"),
    [
        (None, ["new-2", "new-9", "solo"]),
        (True, ["new-2", "new-9", "solo"]),
        (False, ["solo"]),
        ("n_tokens", ["new-2", "solo"]),
        (["release_date"], ["new-9", "solo"]),
        ({"release_date", "n_tokens"}, ["new-2", "new-9", "solo"]),
    ],
)
def test_recalled(write_folder: WriteFolder, recalled: Any, targets: list[str]) -> None:
    rows = [
        "n_tokens_source,release_date_source",
        ",Recalled",
        ",",
        '"recalled, unverified",report',
        "report,nominal/recalled",
        ",",
    ]
    text = "\n".join(f"{a},{b}" for a, b in zip(MODELS.splitlines(), rows, strict=True))
    data = read_dataset(write_folder(models=text))
    assert data.select(recalled=recalled).targets["model"].tolist() == targets


def test_selection_says_what_was_dropped(small: Dataset) -> None:
    chosen = small.select(since="2023-12-01", base_only=True).select(benchmarks="MMLU")
    assert [(s["filter"], s["value"]) for s in chosen.selection] == [
        ("since", "2023-12-01"),
        ("base_only", True),
        ("benchmarks", ["MMLU"]),
    ]
    assert [(s["dropped_models"], s["dropped_scores"]) for s in chosen.selection] == [
        (1, 2),
        (1, 1),
        (0, 3),
    ]
    assert [s["dropped_losses"] for s in chosen.selection] == [0, 0, 0]
    assert small.select(max_params=5e9, references=True).selection[0]["dropped_losses"] == 1
    assert [s["references_too"] for s in chosen.selection] == [False, False, True]
    assert small.selection == []


def test_selecting_everything_changes_nothing(small: Dataset) -> None:
    assert small.select() == small
    assert small.select(benchmarks=["MMLU", "MATH"]).digest != small.digest


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"models": "new-99"}, "unknown model 'new-99': did you mean 'new-9'\\? Known: ref-1"),
        ({"families": "new"}, "unknown family 'new': did you mean 'New'\\?"),
        ({"benchmarks": ["MMLU", "HumanEval"]}, "unknown benchmark 'HumanEval'.*GSM8K"),
        ({"harness": "lm-evl"}, "unknown harness 'lm-evl': did you mean 'lm-eval'"),
        ({"recalled": ["n_token"]}, "field in recalled 'n_token': did you mean 'n_tokens'"),
    ],
)
def test_unknown_names(small: Dataset, filters: dict[str, Any], said: str) -> None:
    with pytest.raises(UnknownNameError, match=said):
        small.select(**filters)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"since": "2023-13-01"}, "since='2023-13-01' is not a day: allowed is an ISO day"),
        ({"until": 2023}, "until=2023 is not a day"),
        ({"since": "2023"}, "since='2023' is not a day"),
        ({"since": ""}, "since='' is not a day"),
        (
            {"since": "2024-01-02", "until": "2024-01-01"},
            "since=2024-01-02 is after until=2024-01-01",
        ),
        ({"min_params": -1}, "min_params=-1: allowed is a count of parameters above 0"),
        ({"max_params": 0}, "max_params=0: allowed"),
        ({"max_params": float("nan")}, "max_params=nan: allowed"),
        ({"max_params": "5e9"}, "max_params='5e9': allowed"),
        ({"min_params": 5e9, "max_params": 1e9}, r"min_params=5e\+09 is more than max_params=1e"),
        ({"min_benchmarks": 3}, "min_benchmarks=3: allowed is a whole number from 1 to 2"),
        ({"min_benchmarks": 0}, "min_benchmarks=0: allowed"),
        ({"min_benchmarks": 1.5}, "min_benchmarks=1.5: allowed"),
        ({"min_benchmarks": True}, "min_benchmarks=True: allowed"),
        ({"models": 3}, "models=3: allowed is a name or a list of names"),
        ({"models": [3]}, r"models=\[3\]: allowed is a name"),
        ({"models": []}, "models is empty"),
        ({"base_only": "yes"}, "base_only='yes': allowed are True, False and None"),
        ({"compressed": 1}, "compressed=1: allowed"),
        ({"since": "2030-01-01"}, "no target model is left after since='2030-01-01'"),
        ({"models": "ref-1"}, r"no target model is left.*references=True"),
        ({"harness": "vendor", "benchmarks": "MATH"}, "no score is left after benchmarks"),
        ({"max_params": 1, "references": True}, "no model is left after max_params"),
    ],
)
def test_bad_filters(small: Dataset, filters: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        small.select(**filters)


def test_densing5_default_study() -> None:
    chosen = load_dataset("densing5").select(
        since="2023-02-01", base_only=True, compressed=False, min_benchmarks=3
    )
    assert (len(chosen.targets), len(chosen.references)) == (100, 7)
    core = chosen.scores[chosen.scores["benchmark"].isin(chosen.core_benchmarks)]
    assert len(core) == 838
    assert len(core[["model", "benchmark"]].drop_duplicates()) == 493


# -- references ------------------------------------------------------------------------------


def test_swapping_references(small: Dataset) -> None:
    swapped = small.with_reference(families="New")
    assert swapped.references["model"].tolist() == ["new-2", "new-9"]
    assert swapped.targets["model"].tolist() == ["ref-1", "ref-7", "solo"]
    both = small.with_reference(families=["New", "Ref"], models=["new-2", "ref-1", "solo"])
    assert both.references["model"].tolist() == ["ref-1", "new-2"]
    assert both.selection[-1]["value"] == ["ref-1", "new-2"]
    assert len(swapped.scores) == len(small.scores)
    with pytest.raises(UnknownNameError, match="unknown family 'Nw': did you mean 'New'"):
        small.with_reference(families="Nw")
    with pytest.raises(DataError, match="no model is both"):
        small.with_reference(families="New", models="solo")
    with pytest.raises(DataError, match="name the families or models, or give a dataset"):
        small.with_reference()
    with pytest.raises(DataError, match="allowed is a Dataset"):
        small.with_reference(dataset="densing5")  # type: ignore[arg-type]


def test_dense_references_leave_mixture_models_out() -> None:
    data = load_dataset("densing5")
    mixed = data.with_reference(families="Qwen1.5")
    dense = data.with_reference(families="Qwen1.5", dense=True)
    out = set(mixed.references["model"]) - set(dense.references["model"])
    assert out == {"Qwen1.5-MoE-A2.7B"} and out <= set(dense.targets["model"])
    assert (dense.references["n_active"] == dense.references["n_params"]).all()
    with pytest.raises(DataError, match="dense must be True or False, not 'yes'"):
        data.with_reference(families="Qwen1.5", dense="yes")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="and dense"):
        data.with_reference(models="Qwen1.5-MoE-A2.7B", dense=True)


def renamed(data: Dataset, **benchmarks: Any) -> Dataset:
    """Return a lender: the same data with other model names, harness and loss set."""
    frames = {name: getattr(data, name) for name in ("models", "scores", "losses")}
    frames = {name: f.assign(model="their " + f["model"]) for name, f in frames.items()}
    frames["scores"] = frames["scores"].assign(harness="theirs")
    frames["benchmarks"] = data.benchmarks.assign(**{"loss_set": "c4", **benchmarks})
    return Dataset.from_frames(**frames, name="lender", sources=[{"title": "theirs"}])


def test_borrowing_references(small: Dataset) -> None:
    lender = renamed(small, chance=small.benchmarks["chance"] + 0.01, n_items=7)
    borrowed = small.select(benchmarks=["MATH", "MMLU"]).with_reference(dataset=lender)
    assert borrowed.references["model"].tolist() == ["their ref-1", "their ref-7"]
    assert len(borrowed.targets) == 5
    assert borrowed.core_benchmarks == ["MATH", "MMLU"]
    assert borrowed.benchmarks["loss_set"].tolist() == ["c4", "c4"]
    assert borrowed.benchmarks["n_items"].tolist() == [5000, 14042]
    assert borrowed.benchmarks["chance"].tolist() == [0, 0.25]
    harness = borrowed.scores.groupby("model")["harness"].agg(set)
    assert harness["their ref-1"] == {"theirs"}
    assert harness["ref-1"] == {"lm-eval"}
    assert set(borrowed.losses["model"]) == {"their ref-1", "their ref-7"}
    assert borrowed.name == "mine on lender"
    assert {"title": "theirs"} in borrowed.sources
    part = small.with_reference(dataset=lender, models="their ref-7")
    assert part.references["model"].tolist() == ["their ref-7"]
    assert set(part.losses["model"]) == {"their ref-7"}


def test_borrowing_keeps_extra_columns(small: Dataset) -> None:
    lender = renamed(small)
    own = {name: getattr(small, name) for name in ("models", "benchmarks", "scores", "losses")}
    own["models"] = own["models"].assign(is_moe=True)
    borrowed = Dataset.from_frames(**own).with_reference(dataset=lender)
    assert borrowed.models["is_moe"].tolist()[:5] == [True] * 5
    assert borrowed.models["is_moe"].isna().tolist()[5:] == [True] * 2
    assert borrowed.models["n_params"].dtype == small.models["n_params"].dtype
    assert borrowed.models["is_base"].dtype == bool


def test_what_cannot_be_borrowed(small: Dataset) -> None:
    lender = renamed(small)
    with pytest.raises(DataError, match="2 models are in both datasets, such as 'ref-1'"):
        small.with_reference(dataset=small)
    with pytest.raises(UnknownNameError, match="unknown model 'their solo'"):
        lender.select().with_reference(dataset=small, models="their solo")
    with pytest.raises(DataError, match="no benchmark is shared with 'lender'; here are GSM8K"):
        small.select(benchmarks="GSM8K").with_reference(dataset=lender.select(benchmarks="MMLU"))
    far = renamed(small, chance=[0.25, 0.02, 0.0])
    with pytest.raises(DataError, match="chance of 'MATH' is 0 here and 0.02 in 'lender'"):
        small.with_reference(dataset=far)
    targets = lender.select(references=True, families="New")
    with pytest.raises(DataError, match="has no reference models to lend"):
        small.with_reference(dataset=targets)


def test_leaderboard_on_openlm() -> None:
    borrowed = load_dataset("leaderboard").with_reference(dataset=load_dataset("openlm_redpajama"))
    assert borrowed.benchmarks["benchmark"].tolist() == ["MMLU", "ARC-C", "HellaSwag", "WinoGrande"]
    chosen = borrowed.select(benchmarks=["HellaSwag", "ARC-C", "WinoGrande"], until="2024-06-30")
    assert (len(chosen.targets), len(chosen.references)) == (86, 35)
    assert set(chosen.benchmarks["loss_set"]) == {"c4_val"}
    used = chosen.scores.merge(chosen.models, on="model").groupby("is_reference")["harness"]
    assert used.agg(set).to_dict() == {True: {"llm-foundry"}, False: {"open-llm-leaderboard-v1"}}


# -- merging ---------------------------------------------------------------------------------


def cell(write_folder: WriteFolder, *rows: str) -> Dataset:
    header = SCORES.splitlines()[0] + ",shots"
    lines = [f"solo,MMLU,{row}" for row in rows]
    return read_dataset(write_folder(scores="\n".join([header, *lines])))


def test_near_scores_are_merged(write_folder: WriteFolder) -> None:
    data = cell(write_folder, "0.5,vendor,a,1,", "0.9,vendor,b,1,", "0.501,qwen,c,3,5")
    merged = data.merge_scores()
    columns = ["score", "harness", "n_sources", "source", "shots"]
    first, second = merged.scores[columns].to_dict("records")
    assert first == {
        "score": pytest.approx(0.50075, abs=1e-12),
        "harness": "qwen",
        "n_sources": 4,
        "source": "a; c",
        "shots": 5.0,
    }
    assert second["source"] == "b"
    assert merged.selection[-1]["dropped_scores"] == 1
    assert merged.merge_scores() == merged
    assert data.merge_scores(0.0009) == data
    assert len(data.merge_scores(0.5).scores) == 1


def test_reports_of_a_harness_are_harnesses_of_their_own(write_folder: WriteFolder) -> None:
    data = cell(write_folder, "0.5,vendor,a,1,", "0.9,vendor,b,1,", "0.6,qwen,c,3,5")
    split = data.split_harness("vendor")
    assert split.scores["harness"].tolist() == ["vendor: a", "vendor: b", "qwen"]
    assert split.scores.drop(columns="harness").equals(data.scores.drop(columns="harness"))
    assert split.selection[-1]["filter"] == "split_harness" and split.digest != data.digest
    with pytest.raises(UnknownNameError, match="unknown harness 'vendors': did you mean 'vendor'"):
        data.split_harness("vendors")


def test_reports_without_a_name_are_not_split(write_folder: WriteFolder) -> None:
    nameless = cell(write_folder, "0.5,vendor,,1,", "0.9,vendor,b,1,")
    with pytest.raises(DataError, match="1 of 2 scores of 'vendor' have no source"):
        nameless.split_harness()


def test_a_chain_is_measured_from_its_first_score(write_folder: WriteFolder) -> None:
    data = cell(write_folder, "0.5,v,a,1,", "0.5008,v,b,1,", "0.5016,v,c,1,")
    assert data.merge_scores().scores["source"].tolist() == ["a; b", "c"]


@pytest.mark.parametrize(
    ("rows", "sources"),
    [
        (("0.5,qwen,a,1,", "0.5,opencompass,b,1,"), ["a", "b"]),
        (("0.5,qwen,a,1,", "0.5,opencompass,b,1,", "0.5,vendor,c,1,"), ["a; c", "b"]),
        (("0.5,vendor,a,1,0", "0.5,vendor,b,1,5"), ["a", "b"]),
        (("0.5,vendor,a,1,", "0.5,vendor,b,1,5"), ["a; b"]),
    ],
)
def test_what_is_not_merged(
    write_folder: WriteFolder, rows: tuple[str, ...], sources: list[str]
) -> None:
    assert cell(write_folder, *rows).merge_scores().scores["source"].tolist() == sources


def test_cells_stay_apart(small: Dataset) -> None:
    assert len(small.merge_scores(0.99).scores) == len(small.scores)


@pytest.mark.parametrize("tolerance", [-0.1, 1, float("nan"), "0.1", True])
def test_bad_tolerance(small: Dataset, tolerance: Any) -> None:
    with pytest.raises(DataError, match="tolerance=.*allowed is a fraction"):
        small.merge_scores(tolerance)


# -- modes -----------------------------------------------------------------------------------

TWINS = """model,family,n_params,is_reference,release_date
big,llama,7e10,true,2023-07-18
mid,llama,1.3e10,true,2023-07-18
plain,new,8e9,false,2024-06-07
plain-think,new,8e9,false,2024-06-07
other-think,else,9e9,false,2024-08-01
"""
TWIN_SCORES = """model,benchmark,score,harness,source
big,MMLU,0.7,lab,a
mid,MMLU,0.55,lab,a
plain,MMLU,0.6,lab,a
plain-think,MMLU,0.65,lab,a
plain-think,MMLU,0.66,vendor,b
other-think,MMLU,0.7,lab,a
"""
IN_MODE = ["plain-think", "other-think"]


def twins(write_folder: WriteFolder) -> Dataset:
    return read_dataset(write_folder(models=TWINS, scores=TWIN_SCORES, losses=None))


def test_a_mode_is_a_harness_and_weights_are_one_model(write_folder: WriteFolder) -> None:
    data = twins(write_folder)
    merged = data.with_mode("thinking", IN_MODE, weights_of={"plain-think": "plain"})
    assert merged.models["model"].tolist() == ["big", "mid", "plain", "other-think"]
    own = merged.scores[merged.scores["model"] == "plain"]
    assert list(zip(own["score"], own["harness"], own["source"], strict=True)) == [
        (0.6, "lab", "a"),
        (0.65, "lab, thinking", "a, thinking"),
        (0.66, "vendor, thinking", "b, thinking"),
    ]
    other = merged.scores[merged.scores["model"] == "other-think"]
    assert other["harness"].tolist() == ["lab, thinking"]
    assert merged.selection[-1]["dropped_models"] == 1
    # Without twins the mode is a harness all the same.
    apart = data.with_mode("thinking", IN_MODE)
    assert len(apart.models) == 5 and set(apart.scores["harness"]) == set(merged.scores["harness"])


@pytest.mark.parametrize(
    ("models", "weights_of", "message"),
    [
        ([], {}, "name the mode, and at least one model"),
        (["plain-thunk"], {}, "unknown model 'plain-thunk': did you mean 'plain-think'"),
        (IN_MODE, {"plain": "big"}, "'plain' is in weights_of and not among the models"),
        (IN_MODE, {"plain-think": "other-think"}, "which was run in the same mode"),
        (IN_MODE, ["plain-think"], "allowed is a mapping"),
        (IN_MODE, {"plain-think": "big"}, "cannot have the same weights"),
        (IN_MODE, {"other-think": "plain"}, "cannot have the same weights: n_params is 9"),
    ],
)
def test_modes_that_cannot_be(
    write_folder: WriteFolder, models: list[str], weights_of: dict[str, str], message: str
) -> None:
    with pytest.raises((DataError, UnknownNameError), match=message):
        twins(write_folder).with_mode("thinking", models, weights_of=weights_of)


def test_two_scores_of_one_source_in_one_mode_are_refused(
    write_folder: WriteFolder, tmp_path: Path
) -> None:
    models = TWINS + "plain-hard,new,8e9,false,2024-06-07\n"
    scores = TWIN_SCORES + "plain-hard,MMLU,0.67,lab,a\n"
    data = read_dataset(write_folder(models=models, scores=scores, losses=None))
    both = {"plain-think": "plain", "plain-hard": "plain"}
    message = "'plain' would have two scores on MMLU from the source 'a, thinking'"
    with pytest.raises(DataError, match=message):
        data.with_mode("thinking", [*IN_MODE, "plain-hard"], weights_of=both)
    one = data.with_mode("thinking", IN_MODE, weights_of={"plain-think": "plain"})
    two = one.with_mode("thinking hard", "plain-hard", weights_of={"plain-hard": "plain"})
    assert read_dataset(two.to_folder(tmp_path / "out")) == two and len(two.models) == 4
    with pytest.raises(DataError, match="name the mode"):
        data.with_mode(1, IN_MODE)  # type: ignore[arg-type]
