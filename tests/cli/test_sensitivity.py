"""What `bayesdense sensitivity` writes, prints and returns; sampling is replaced."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from bayesdense.sampler.nuts import SamplingInterrupted
from bayesdense.studies import Study, executors
from tests.studies.fake import FAILED, outcome


@pytest.fixture
def fits(monkeypatch):
    """Replace each fit by known draws; returns the names of what was fitted."""
    done = []

    def fit_one(task, warm_start):
        done.append((task.name, task.data.core_benchmarks, task.settings))
        return outcome(2.0 + 0.1 * len(done)), None

    monkeypatch.setattr(executors, "fit_one", fit_one)
    return done


def test_everything_is_written_and_done_once(run, fits, folder, tmp_path):
    out = tmp_path / "study"
    words = ("sensitivity", folder, "--over", "benchmarks", "--over", "size", "--out", out)
    done = run(*words, "--prob", "0.8")
    assert done.exit_code == 0, done.stderr
    names = {p.name for p in out.iterdir()}
    assert names == {
        "study.json",
        "table.csv",
        "by_benchmark.csv",
        "study.png",
        "study.svg",
        "fits",
    }
    table = pd.read_csv(out / "table.csv")
    assert len(table) == len(fits) == len(list((out / "fits").iterdir()))
    study = Study.load(out / "study.json")
    pd.testing.assert_frame_equal(study.summary(prob=0.8)[["median"]], table[["median"]])
    assert "80 % equal-tailed" in done.stdout
    before = len(fits)
    assert run(*words).exit_code == 0
    assert len(fits) == before


def test_all_combinations_with_a_decomposition(run, fits, folder, tmp_path):
    words = ("--over", "size", "--over", "trend", "--cross", "--quiet")
    done = run("sensitivity", folder, *words, "--out", tmp_path / "o")
    assert done.exit_code == 0, done.stderr
    assert len(fits) == 4
    assert "choices together" in done.stdout
    assert (tmp_path / "o" / "decomposition.csv").exists()


def test_a_failed_fit_has_a_row_and_an_exit_code(run, monkeypatch, folder, tmp_path):
    monkeypatch.setattr(executors, "fit_one", lambda *_: (FAILED | {"seconds": 0.0}, None))
    done = run("sensitivity", folder, "--over", "size", "--out", tmp_path / "o")
    assert done.exit_code == 3
    assert "no target is left" in done.stdout
    assert json.loads((tmp_path / "o" / "study.json").read_text())["outcomes"][0]["reason"]


def test_an_interrupted_study_says_what_is_kept(run, monkeypatch, folder, tmp_path):
    def stop(task, warm_start):
        raise SamplingInterrupted("interrupted")

    monkeypatch.setattr(executors, "fit_one", stop)
    done = run("sensitivity", folder, "--over", "size", "--out", tmp_path / "o")
    assert done.exit_code == 130
    assert "interrupted; no fit was done, and nothing was written to" in done.stderr
    (tmp_path / "o" / "fits").mkdir(exist_ok=True)
    (tmp_path / "o" / "fits" / "one.json").write_text("{}")
    done = run("sensitivity", folder, "--over", "size", "--out", tmp_path / "o")
    assert "the fits that are done (1) are in" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--over", "sizes"), "unknown choice 'sizes': did you mean 'size'?"),
        (("--over", "reference"), "needs at least one --family"),
        (("--over", "size", "--family", "OLMo"), "--family is for --over reference, which is not"),
        (("--over", "size", "--smallest", "2"), "--smallest is for --over subsets, which is not"),
        (("--over", "subsets", "--smallest", "9"), "smallest must be from 1 to"),
        (("--over", "size", "--workers", "0"), "--workers must be a number from 1, not 0"),
        (("--over", "size", "--prob", "90"), "prob must"),
    ],
)
def test_bad_input_is_one_sentence(run, fits, folder, tmp_path, words, message):
    done = run("sensitivity", folder, *words, "--out", tmp_path / "o")
    assert done.exit_code == 1
    assert message in done.stderr and done.stderr.count("\n") == 1
    assert not fits
