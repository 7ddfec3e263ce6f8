"""`bayesdense place` on a saved fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.fake import TARGETS, fake_fit, tiny_dataset


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    file = tmp_path_factory.mktemp("fit") / "linear.nc"
    fake_fit().save(file)
    return file


ONE = ("--params", "8e9", "--date", "2024-05-01", "--score", "MMLU=0.6", "--score", "MATH=0.2")


@pytest.mark.parametrize("trusted", [True, False])
def test_one_model_is_placed(run, saved, trusted):
    done = run("place", "densing5" if trusted else saved, *ONE, "--name", "Mine")
    assert done.exit_code == (0 if trusted else 3), done.stderr
    assert "Mine: effective size" in done.stdout and "density" in done.stdout
    assert "months" in done.stdout and "of the trend" in done.stdout
    assert ("is not to be trusted" in done.stdout) is not trusted


def test_models_of_a_folder_are_placed(run, saved, tmp_path):
    data = tiny_dataset()
    dated = data.models.loc[data.models["release_date"].notna(), "model"]
    data.select(models=list(dated)).to_folder(tmp_path / "new")
    done = run("place", saved, "--models", tmp_path / "new")
    assert done.exit_code == 3, done.stderr  # These draws are not to be trusted.
    assert done.stdout.count("effective size") == TARGETS


def test_the_readme_shows_what_is_printed(run):
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("bayesdense place"))
    assert run(*line.split()[1:]).stdout.strip() in text


def results(benchmarks):
    return {
        "results": benchmarks,
        "config": {"model_num_parameters": 8_030_261_248},
        "model_name": "mine/8B",
    }


def test_results_of_lm_eval_are_placed(run, tmp_path):
    file = tmp_path / "results_1.json"
    found = {"mmlu": {"acc,none": 0.76}, "minerva_math": {"exact_match,none": 0.61}}
    file.write_text(json.dumps(results(found | {"hellaswag": {"acc_norm,none": 0.8}})))
    line = ("place", "densing5", "--date", "2025-05-01")
    done = run(*line, "--lm-eval", tmp_path)
    assert done.exit_code == 0, done.stderr
    assert "mine/8B: effective size" in done.stdout
    assert done.stderr == "warning: the fit does not have HellaSwag: left out\n"
    # The size is that of the results, and the harness is one that the fit does not know.
    by_hand = ("--params", "8030261248", "--score", "MMLU=0.76", "--score", "MATH=0.61")
    same = run(*line, *by_hand, "--name", "mine/8B", "--harness", "lm-eval")
    assert same.stdout == done.stdout
    named = run(*line, "--lm-eval", file, "--name", "Mine", "--params", "16e9")
    assert "Mine: effective size" in named.stdout
    file.write_text(json.dumps(results({"hellaswag": {"acc_norm,none": 0.8}})))
    done = run(*line, "--lm-eval", tmp_path)
    assert done.exit_code == 1 and "the fit is of none of them: it has MMLU, BBH" in done.stderr


def test_models_that_cannot_be_placed_are_named(run, saved, folder):
    done = run("place", saved, "--models", folder, "--prior", "none")
    # One of them has scores at an end of both benchmarks, under draws of the prior.
    assert done.exit_code == 1 and "do not bound its density" in done.stderr
    done = run("place", saved, "--models", folder)
    assert done.exit_code == 1
    assert "needs the release_date of Undated; without one, use prior='none'" in done.stderr
    assert "--prior none" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--params", "8e9", "--score", "MMLU"), "--score is NAME=VALUE, such as MMLU=0.76"),
        (("--params", "8e9", "--score", "=0.5"), "--score is NAME=VALUE"),
        (("--params", "8e9", "--score", "MMLU=good"), "not 'MMLU=good'"),
        (("--score", "MMLU=0.5"), "n_params is missing"),
        (("--params", "8e9"), "no score at all: give scores on at least one of MMLU, MATH"),
        ((*ONE, "--score", "MMLU=0.5"), "--score has MMLU twice"),
        ((*ONE, "--models", "mine"), "scores are given in one way: --score, --lm-eval or --models"),
        ((*ONE, "--lm-eval", "mine"), "scores are given in one way"),
        (("--params", "8e9", "--models", "mine"), "give no other model or score beside it"),
        (("--lm-eval", "mine", "--harness", "h"), "whose scores are by 'lm-eval'"),
        (("--lm-eval", "nowhere"), "'nowhere' does not exist"),
        ((*ONE, "--prob", "90"), "prob"),
        ((*ONE, "--weights", "equal"), "weights must be 'ruler' or 'fitted'"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(run, saved, words, said):
    done = run("place", saved, *words)
    assert done.exit_code == 1 and said in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_no_fit_is_named(run, tmp_path):
    done = run("place", tmp_path / "none.nc", *ONE)
    assert done.exit_code == 1 and "none.nc" in done.stderr
