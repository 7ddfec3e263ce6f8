"""Results of lm-evaluation-harness become a dataset, and nothing of them is guessed."""

import copy
import json
import warnings

import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.data import load_dataset
from bayesdense.readers.lm_eval import _known_tasks

# EleutherAI/pythia-1b on the Open LLM Leaderboard, run of 2025-01-27: its figures, items as there.
LEADERBOARD = {
    "results": {
        "leaderboard": {"acc,none": 0.11361369680851063, "alias": "leaderboard"},
        "leaderboard_gpqa": {"acc_norm,none": 0.25671140939597314, "alias": " - leaderboard_gpqa"},
        "leaderboard_gpqa_diamond": {"acc_norm,none": 0.2727272727272727},
        "leaderboard_gpqa_extended": {"acc_norm,none": 0.2600732600732601},
        "leaderboard_gpqa_main": {"acc_norm,none": 0.24553571428571427},
        "leaderboard_ifeval": {
            "prompt_level_strict_acc,none": 0.16820702402957485,
            "prompt_level_strict_acc_stderr,none": 0.016096550188063007,
            "inst_level_strict_acc,none": 0.2733812949640288,
            "inst_level_strict_acc_stderr,none": "N/A",
        },
        "leaderboard_mmlu_pro": {"acc,none": 0.11361369680851063},
        "leaderboard_musr": {"acc_norm,none": 0.3544973544973545},
        "leaderboard_musr_murder_mysteries": {"acc_norm,none": 0.492},
        "leaderboard_musr_object_placements": {"acc_norm,none": 0.265625},
        "leaderboard_musr_team_allocation": {"acc_norm,none": 0.308},
    },
    "group_subtasks": {
        "leaderboard": [
            "leaderboard_gpqa",
            "leaderboard_ifeval",
            "leaderboard_mmlu_pro",
            "leaderboard_musr",
        ],
        "leaderboard_gpqa": [
            "leaderboard_gpqa_diamond",
            "leaderboard_gpqa_extended",
            "leaderboard_gpqa_main",
        ],
        "leaderboard_musr": [
            "leaderboard_musr_murder_mysteries",
            "leaderboard_musr_object_placements",
            "leaderboard_musr_team_allocation",
        ],
        "leaderboard_ifeval": [],
    },
    "n-samples": {
        name: {"original": count, "effective": count}
        for name, count in {
            "leaderboard_gpqa_diamond": 198,
            "leaderboard_gpqa_extended": 546,
            "leaderboard_gpqa_main": 448,
            "leaderboard_ifeval": 541,
            "leaderboard_mmlu_pro": 12032,
            "leaderboard_musr_murder_mysteries": 250,
            "leaderboard_musr_object_placements": 256,
            "leaderboard_musr_team_allocation": 250,
        }.items()
    },
    "n-shot": {"leaderboard_mmlu_pro": 5, "leaderboard_musr_murder_mysteries": 0},
    "config": {"model_args": "pretrained=EleutherAI/pythia-1b,dtype=bfloat16"},
    "date": 1737972636.0,
}
PLAIN = {
    "results": {
        "mmlu": {"acc,none": 0.65, "acc_stderr,none": 0.004, "alias": "mmlu"},
        "mmlu_law": {"acc,none": 0.5},
        "mmlu_virology": {"acc,none": 0.4},
        "gsm8k": {"exact_match,strict-match": 0.41, "exact_match,flexible-extract": 0.43},
        "minerva_math": {"exact_match,none": 0.2},
        "my_task": {"acc,none": 0.3},
    },
    "group_subtasks": {"mmlu": ["mmlu_law", "mmlu_virology"]},
    "n-samples": {
        "mmlu_law": {"original": 1534, "effective": 1534},
        "mmlu_virology": {"original": 166, "effective": 166},
        "gsm8k": {"original": 1319, "effective": 200},
    },
    "n-shot": {"mmlu_law": 5, "mmlu_virology": 5, "gsm8k": 5},
    "config": {"model_num_parameters": 8030261248, "limit": 200},
    "model_name": "mine/8B",
    "date": 5.0,
}
KNOWN = {"gsm8k": 200, "mmlu": 1700}


@pytest.fixture
def write(tmp_path):
    def write_results(content, name="results_1.json"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write_results


def read(*paths, **more):
    """Read, and return the dataset and what was warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = bd.readers.lm_eval(paths, **more)
    return data, [str(warning.message) for warning in caught]


def test_a_run_of_the_leaderboard(write):
    file = write(LEADERBOARD, "EleutherAI__pythia-1b/results_2025-01-27T10-10-36.877664.json")
    data, said = read(file.parent.parent, models={"n_params": 1.01e9, "model": "Pythia-1B"})
    scores = data.scores.set_index("benchmark")
    assert scores["score"].to_dict() == {
        "GPQA": 0.24553571428571427,
        "GPQA-Diamond": 0.2727272727272727,
        "GPQA-Extended": 0.2600732600732601,
        "IFEval": 0.16820702402957485,
        "MuSR": 0.3544973544973545,
    }
    # 0.492 of 250, 0.265625 of 256 and 0.308 of 250 are 268 of 756.
    assert scores.loc["MuSR", "n_items"] == 756
    assert scores.loc["MuSR", "score"] == pytest.approx(268 / 756)
    assert scores.loc["MuSR", "source"] == f"leaderboard_musr (acc_norm,none) in {file.name}"
    assert scores["harness"].eq("lm-eval").all()
    assert data.models["model"].tolist() == ["Pythia-1B"]
    [warning] = said
    assert warning.startswith("tasks of the results that are not known are left out: ")
    assert "leaderboard_mmlu_pro." in warning and "musr_murder" not in warning


def test_items_shots_sizes_and_metrics(write):
    data, said = read(write(PLAIN))
    scores = data.scores.set_index("benchmark")
    assert scores["score"].to_dict() == {"GSM8K": 0.41, "MATH": 0.2, "MMLU": 0.65}
    # Of MATH the results say no number of items: those of the benchmark.
    assert scores["n_items"].to_dict() == {"GSM8K": 200, "MATH": 5000, "MMLU": 1700}
    assert scores.loc["MMLU", "shots"] == 5
    model = data.models.iloc[0]
    assert model["n_params"] == 8030261248
    assert model["n_params_source"] == "model_num_parameters of lm-evaluation-harness"
    assert any("gsm8k is a mean of 200 of its 1,319 items" in text for text in said)
    assert any("left out: my_task." in text for text in said)


def test_what_is_asked_for_comes_first(write):
    own = pd.DataFrame({"benchmark": ["Mine"], "n_items": [50], "chance": [0.25]})
    data, said = read(
        write(PLAIN),
        tasks={"my_task": "Mine"},
        metrics={"gsm8k": "exact_match,flexible-extract"},
        benchmarks=own,
        models=pd.DataFrame({"model": ["mine/8B", "other"], "n_params": [7e9, 1e9]}),
    )
    scores = data.scores.set_index("benchmark")["score"]
    assert scores["GSM8K"] == 0.43 and scores["Mine"] == 0.3
    assert data.models[["n_params", "n_params_source"]].values.tolist() == [[7e9, ""]]
    assert "models without results are left out: other" in said
    assert not any("my_task" in text for text in said)


def test_the_latest_result_counts_and_one_task_a_benchmark(write):
    later = copy.deepcopy(PLAIN)
    later["date"] = 9.0
    later["results"] = {
        "mmlu": {"acc,none": 0.7},
        "gsm8k_cot": {"exact_match,strict-match": 0.9},
        "hendrycks_math": {"exact_match,none": 0.1},
    }
    later["group_subtasks"] = {}
    files = write(later, "results_a.json"), write(PLAIN, "results_b.json")
    data, said = read(*files)
    scores = data.scores.set_index("benchmark")["score"]
    assert scores.to_dict() == {"GSM8K": 0.41, "MATH": 0.2, "MMLU": 0.7}
    assert "of several results the latest counts: mmlu of mine/8B" in said
    [tasks] = [text for text in said if text.startswith("of several tasks")]
    assert "gsm8k, not gsm8k_cot" in tasks and "minerva_math, not hendrycks_math" in tasks


def test_several_models(write):
    other = PLAIN | {"model_name": "mine/1B", "config": {"model_num_parameters": -1}}
    files = write(PLAIN, "a/results_1.json"), write(other, "b/results_1.json")
    with pytest.raises(bd.DataError, match="do not say how many parameters mine/1B has"):
        read(*files)
    with pytest.raises(bd.DataError, match="results are of 2 models"):
        read(*files, models={"n_params": 1e9})
    with pytest.raises(bd.DataError, match=r"no row for 'mine/1B'.*did you mean 'mine/1b'"):
        read(*files, models=pd.DataFrame({"model": ["mine/8B", "mine/1b"], "n_params": 1e9}))
    data, _ = read(
        *files, models=pd.DataFrame({"model": ["mine/1B", "mine/8B"], "n_params": [1e9, None]})
    )
    assert data.models.set_index("model")["n_params"].to_dict() == {
        "mine/1B": 1e9,
        "mine/8B": 8030261248,
    }
    assert len(data.scores) == 6


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("{", {}, "cannot be read as JSON"),
        ([1], {}, "no results file of lm-evaluation-harness"),
        ({"scores": 1}, {}, "no results file of lm-evaluation-harness"),
        ({"results": {"mmlu": {"acc": 0.5}}, "model_name": "m"}, {}, "before 0.4"),
        ({"results": {"mmlu": {"acc,none": 0.5}}}, {}, "does not say which model"),
        ({"results": {}, "model_name": "m"}, {}, "no task of the results is known: they have none"),
        (
            {"results": {"arc_easyy": {"acc,none": 0.5}}, "model_name": "m"},
            {},
            'they have arc_easyy. Say of which benchmark a task is, as tasks={"arc_easy": "ARC-E"}',
        ),
        (
            {"results": {"mmlu": {"em,none": 0.5}}, "model_name": "m"},
            {},
            'mmlu has no acc,none, but em,none: choose one, as metrics={"mmlu": "em,none"}',
        ),
        (PLAIN, {"tasks": {"mmlv": "MMLU"}}, "no results file has the task 'mmlv': did you mean"),
        (PLAIN, {"metrics": {"gsm": "a,b"}}, "no results file has the task 'gsm'"),
        (PLAIN, {"metrics": {"gsm8k": "acc,none"}}, "gsm8k has no acc,none, but exact_match"),
        (PLAIN, {"tasks": {"my_task": "Mine"}}, "items and chance of the benchmark 'Mine' are not"),
        (PLAIN, {"models": [1]}, "allowed is a DataFrame with the column model, or a mapping"),
        (PLAIN, {"models": {"n_params": "many"}}, "many"),
    ],
)
def test_what_is_wrong_is_said(write, content, more, message):
    with pytest.raises(bd.DataError) as raised:
        read(write(content), **more)
    assert message in str(raised.value)


def test_paths_that_are_not_there(tmp_path):
    with pytest.raises(bd.DataError, match="does not exist"):
        read(tmp_path / "none.json")
    with pytest.raises(bd.DataError, match=r"has no results\*\.json in it"):
        read(tmp_path)
    with pytest.raises(bd.DataError, match="no path at all"):
        read()


def test_the_tables_of_what_is_known():
    known = bd.readers.known_benchmarks()
    assert len(known) >= 50 and known["benchmark"].is_unique
    tasks = _known_tasks()
    assert set(tasks["benchmark"]) <= set(known["benchmark"])
    assert not tasks.duplicated(["task", "metric"]).any()
    assert tasks.groupby("task")["benchmark"].nunique().eq(1).all()
    assert tasks["metric"].str.fullmatch(r"[^,]+,[^,]+").all()


@pytest.mark.parametrize("name", bd.list_datasets()["dataset"])
def test_known_figures_are_those_of_the_shipped_data(name):
    known = bd.readers.known_benchmarks().set_index("benchmark")
    for row in load_dataset(name).benchmarks.to_dict("records"):
        if row["benchmark"] in known.index:
            expected = known.loc[row["benchmark"]]
            assert expected["n_items"] == row["n_items"], row["benchmark"]
            assert expected["chance"] == pytest.approx(row["chance"], abs=0.01), row["benchmark"]
