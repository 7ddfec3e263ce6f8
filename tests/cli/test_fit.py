"""What `bayesdense fit` selects, prints, writes and returns; sampling is replaced."""

from __future__ import annotations

import csv
import math
import os
import signal
import subprocess
import sys

import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.cli import results as output
from bayesdense.cli import stopping
from bayesdense.sampler.nuts import SamplingInterrupted


def files_in(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def quick(monkeypatch):
    """Write one table and one empty figure a fit: the others take the same way."""
    monkeypatch.setattr(output, "TABLES", {"density": output.TABLES["density"]})
    monkeypatch.setattr(output, "FIGURES", ("density",))

    def save(figure, stem):
        for suffix in (".png", ".svg"):
            stem.with_name(f"{stem.name}{suffix}").write_bytes(b"")

    monkeypatch.setattr(output, "_save_figure", save)


BOTH = ("--trend", "linear", "--trend", "frontier")


def test_everything_is_written(run, sampler, made, folder, tmp_path):
    out = tmp_path / "new" / "out"
    done = run("fit", folder, *BOTH, "--out", out, "--prob", "0.8")
    assert done.exit_code == 0, done.stderr
    names = set(files_in(out))
    wanted = {"headline.csv", "figures/doubling_time.png", "figures/doubling_time.svg"}
    for trend in ("linear", "frontier"):
        wanted |= {f"{trend}.nc"}
        wanted |= {f"tables/{trend}_{table}.csv" for table in output.TABLES}
        for kind in ("trend", "density", "effective_size", "calibration"):
            wanted |= {f"figures/{trend}_{kind}.png", f"figures/{trend}_{kind}.svg"}
    assert names == wanted
    assert [p.name for p in out.parent.iterdir()] == ["out"]
    assert (out / "headline.csv").stat().st_mode & 0o044 == 0o044 & ~current_umask()
    density = pd.read_csv(out / "tables" / "linear_density.csv")
    assert (density["prob"] == 0.8).all() and len(density) == 14
    headline = pd.read_csv(out / "headline.csv")
    assert set(headline["fit"]) == {"linear", "frontier"}
    assert headline["verdict"].str.len().min() > 20 and (headline["prob"] == 0.8).all()
    saved = bd.load_fit(out / "linear.nc")
    pd.testing.assert_frame_equal(saved.doubling_time(), made["linear"].doubling_time())
    # A file holds the checks of its fit: here those that the sampler of the test let pass.
    assert run("show", out / "linear.nc").exit_code == 0
    shown = run("show", made["linear"].save(tmp_path / "own.nc"))
    assert shown.exit_code == 3
    assert "not to be trusted" in shown.stdout and "seed 1" in shown.stdout


def current_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_printed_result(run, sampler, quick, folder, tmp_path):
    done = run("fit", folder, *BOTH, "--out", tmp_path / "out")
    assert "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert "9 models measured against 5 references (Alpha, Beta) on MMLU, MATH" in lines[0]
    assert any("median and 90 % equal-tailed interval" in line for line in lines)
    header = next(line for line in lines if line.startswith("fit "))
    assert header.split() == [
        "fit", "estimator", "benchmark", "months", "interval", "P(growth)", "above"
    ]  # fmt: skip
    assert sum("all benchmarks" in line for line in lines) == 10
    assert "no finite end" in done.stdout
    for said in ("total parameters", "reference models of Alpha, Beta", "size slope", "families"):
        assert said in done.stdout
    assert "linear fit: The diagnostics give no reason" in done.stdout
    assert "frontier fit: The diagnostics give no reason" in done.stdout
    assert "headline.csv" in done.stdout and "density.png and .svg" in done.stdout
    quiet = run("fit", folder, *BOTH, "--out", tmp_path / "out", "--quiet")
    assert "Doubling time" in quiet.stdout and "headline.csv" not in quiet.stdout
    assert quiet.stderr == ""
    assert [settings["progressbar"] for _, _, settings in sampler.calls] == [
        True,
        True,
        False,
        False,
    ]


def test_the_typical_model_is_what_is_fitted(run, sampler, quick, folder, tmp_path):
    assert run("fit", folder, "--out", tmp_path / "out").exit_code == 0
    assert [name for name, _, _ in sampler.calls] == ["linear"]


def test_settings_reach_the_sampler(run, sampler, quick, folder, tmp_path):
    words = "--draws 200 --tune 300 --chains 3 --cores 2 --seed 7 --target-accept 0.97"
    words += " --shared-from 40 --compiler nutpie"
    done = run("fit", folder, "--out", tmp_path / "out", "--trend", "linear", *words.split())
    assert done.exit_code == 0
    [(name, data, settings)] = sampler.calls
    assert name == "linear" and data.name == "tiny"
    assert settings == {
        "draws": 200, "tune": 300, "chains": 3, "cores": 2, "random_seed": 7,
        "target_accept": 0.97, "shared_from": 40, "compiler": "nutpie",
        "progressbar": True,
    }  # fmt: skip


def test_parts_reach_the_model(run, sampler, quick, folder, tmp_path):
    line = ["fit", folder, "--out", tmp_path / "out", "--trend", "linear"]
    words = "--ruler cut --law irreducible --score-map threshold --size active --form pooled"
    assert run(*line, *words.split()).exit_code == 0
    given = {"ruler": "cut", "law": "irreducible", "score_map": "threshold", "size": "active"}
    assert repr(sampler.models[0]) == repr(bd.DensityModel(form="pooled", **given))
    assert run(*line, "--ruler", "skill").exit_code == 0
    assert sampler.models[1].spec.ruler == "skill" and not len(sampler.calls[1][1].references)
    bent = [*line[:-1], "change-point", "--change-point", "2024-05-01"]
    run(*bent)  # There is no ready fit of this trend, but the model was made.
    assert sampler.models[2].spec.trend.date == "2024-05-01"
    wrong = run(*line, "--change-point", "2024-05-01")
    assert wrong.exit_code == 1 and "is for --trend change-point" in wrong.stderr
    wrong = run(*bent[:-1], "May")
    assert wrong.exit_code == 1 and "must be an ISO day such as 2022-11-30" in wrong.stderr
    wrong = run(*line, "--law", "power-summ")
    assert wrong.exit_code == 1 and "did you mean 'power-sum'" in wrong.stderr
    wrong = run(*line, "--ruler", "skill", "--law", "power-sum")
    assert wrong.exit_code == 1 and "ruler='skill' knows law='log-linear' only" in wrong.stderr


def test_default_selection_of_densing5(run, sampler, quick, tmp_path):
    run("fit", "densing5", "--out", tmp_path / "out", "--trend", "linear")
    wanted = bd.load_dataset("densing5").select(
        since="2023-02-01", base_only=True, compressed=False, min_benchmarks=3
    )
    assert sampler.calls[0][1] == wanted
    assert len(wanted.models) == 107


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--all-models", {}),
        ("--all-models --until 2024-12-31", {"until": "2024-12-31"}),
        (
            "--since 2024-01-01 --benchmark MMLU --benchmark MATH",
            {
                "since": "2024-01-01", "base_only": True, "compressed": False,
                "benchmarks": ["MMLU", "MATH"], "min_benchmarks": 2,
            },
        ),
        (
            "--min-benchmarks 5",
            {"since": "2023-02-01", "base_only": True, "compressed": False, "min_benchmarks": 5},
        ),
    ],
)  # fmt: skip
def test_options_replace_their_part_of_the_rule(run, sampler, quick, tmp_path, words, options):
    run("fit", "densing5", "--out", tmp_path / "out", "--trend", "linear", *words.split())
    assert sampler.calls[0][1] == bd.load_dataset("densing5").select(**options)


def test_other_references(run, sampler, quick, tmp_path):
    line = ["fit", "densing5", "--out", tmp_path / "out", "--trend", "linear"]
    run(*line, "--reference", "Qwen1.5")
    assert set(sampler.calls[0][1].references["family"]) == {"Qwen1.5"}
    done = run(*line[:1], "leaderboard", *line[2:], "--reference-dataset", "openlm_redpajama")
    assert done.exit_code == 0, done.stderr
    data = sampler.calls[1][1]
    assert data.name == "leaderboard on openlm_redpajama" and len(data.losses)


def test_not_to_be_trusted(run, sampler, quick, folder, tmp_path):
    sampler.trusted = False
    done = run("fit", folder, "--out", tmp_path / "out")
    assert done.exit_code == 3
    assert "This posterior is not to be trusted: " in done.stdout
    assert (tmp_path / "out" / "linear.nc").is_file()
    with open(tmp_path / "out" / "headline.csv") as file:
        assert {row["trusted"] for row in csv.DictReader(file)} == {"False"}


NOTE = "interrupted: kept 120 of 4,000 draws (2 chains of 60)"


def test_an_interrupted_fit_is_written(run, sampler, quick, folder, tmp_path):
    sampler.changes = {"interrupted": NOTE}
    out = tmp_path / "out"
    done = run("fit", folder, *BOTH, "--out", out, "--quiet")
    assert done.exit_code == 130
    [line] = done.stderr.splitlines()
    assert line == f"linear fit {NOTE}; written to {out}: 1 of 2 fits, linear (interrupted)"
    assert len(sampler.calls) == 1 and not (out / "frontier.nc").exists()
    assert "interruption" in set(bd.load_fit(out / "linear.nc").checks().summary()["check"])
    assert not [p for p in tmp_path.iterdir() if p != out]


def test_an_interrupted_fit_leaves_an_older_result_whole(run, sampler, quick, folder, tmp_path):
    out = tmp_path / "out"
    run("fit", folder, *BOTH, "--out", out, "--quiet")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    sampler.changes = {"interrupted": NOTE}
    done = run("fit", folder, *BOTH, "--out", out, "--quiet")
    assert done.exit_code == 130 and f"written to {out / 'interrupted'}: 1 of 2" in done.stderr
    assert {p: p.read_bytes() for p in before} == before
    assert bd.load_fit(out / "interrupted" / "linear.nc").interrupted == NOTE


def test_fits_that_were_done_before_an_interruption_are_written(
    run, sampler, quick, folder, tmp_path, monkeypatch
):
    ready = bd.DensityModel.fit

    def fit(model, data, **settings):
        if model.spec.trend.name == "frontier":
            raise SamplingInterrupted("interrupted during warm-up: no draws kept")
        return ready(model, data, **settings)

    monkeypatch.setattr(bd.DensityModel, "fit", fit)
    out = tmp_path / "out"
    done = run("fit", folder, *BOTH, "--out", out, "--quiet")
    assert done.exit_code == 130
    assert done.stderr == (
        "frontier fit interrupted during warm-up: no draws kept; "
        f"written to {out}: 1 of 2 fits, linear\n"
    )
    assert not bd.load_fit(out / "linear.nc").interrupted


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("when", ["warm-up", "bare"])
def test_interrupted_without_draws(run, sampler, quick, folder, tmp_path, when, older):
    out = tmp_path / "out"
    if older:
        run("fit", folder, "--out", out)
    before = files_in(tmp_path)
    text = "interrupted during warm-up: no draws kept"
    sampler.error = SamplingInterrupted(text) if when == "warm-up" else KeyboardInterrupt()
    done = run("fit", folder, "--out", out)
    assert done.exit_code == 130
    said = text if when == "warm-up" else "interrupted"
    whole = "; the older result is whole" if older else ""
    assert done.stderr == f"{said}; nothing was written to {out}{whole}\n"
    assert files_in(tmp_path) == before


def test_signals_are_handled_while_a_command_runs(run, sampler, folder, tmp_path, monkeypatch):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def fit(*_, **__):
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("not stopped")

    monkeypatch.setattr(bd.DensityModel, "fit", fit)
    done = run("fit", folder, "--out", tmp_path / "out")
    assert done.exit_code == 143
    assert done.stderr == f"interrupted; nothing was written to {tmp_path / 'out'}\n"
    assert {number: signal.getsignal(number) for number in before} == before


def test_a_signal_while_files_are_moved_does_not_mix_two_runs(
    run, sampler, quick, folder, tmp_path, monkeypatch
):
    move = os.replace

    def signalled(*paths):
        # Files of the tables are renamed as well, before.
        if stopping._state.held:
            os.kill(os.getpid(), signal.SIGTERM)
        move(*paths)

    monkeypatch.setattr(output.os, "replace", signalled)
    done = run("fit", folder, *BOTH, "--out", tmp_path / "out")
    assert done.exit_code == 0 and (tmp_path / "out" / "frontier.nc").exists()


def test_ignored_signals_stay_ignored(run, sampler, quick, folder, tmp_path, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ready = bd.DensityModel.fit

    def fit(*arguments, **settings):
        os.kill(os.getpid(), signal.SIGHUP)
        return ready(*arguments, **settings)

    monkeypatch.setattr(bd.DensityModel, "fit", fit)
    try:
        assert run("fit", folder, "--out", tmp_path / "out").exit_code == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_where_nothing_can_be_written(run, sampler, folder, tmp_path):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        done = run("fit", folder, "--out", out)
        assert done.exit_code == 1 and "is a file" in done.stderr
    assert sampler.calls == []
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_without_permission(run, sampler, folder, tmp_path, monkeypatch):
    def refuse(**options):
        raise PermissionError(13, "Permission denied")

    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(output.tempfile, "mkdtemp", refuse)
    done = run("fit", folder, "--out", tmp_path / "out")
    assert done.exit_code == 1 and "Permission denied" in done.stderr
    assert sampler.calls == []


def test_an_older_result_is_replaced_and_other_files_stay(run, sampler, quick, folder, tmp_path):
    out = tmp_path / "out"
    assert run("fit", folder, *BOTH, "--out", out).exit_code == 0
    (out / "notes.txt").write_text("mine")
    (out / "tables" / "mine.csv").write_text("mine")
    before = files_in(out)
    assert run("fit", folder, "--out", out, "--trend", "linear", "--prob", "0.5").exit_code == 0
    after = files_in(out)
    assert after["notes.txt"] == after["tables/mine.csv"] == b"mine"
    assert not [name for name in after if "frontier" in name]
    assert after["headline.csv"] != before["headline.csv"]


def test_a_failure_while_writing_leaves_the_older_result(
    run, sampler, quick, folder, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    run("fit", folder, "--out", out)
    before = files_in(out)

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output, "_save_figure", fail)
    done = run("fit", folder, "--out", out, "--prob", "0.5")
    assert done.exit_code == 1 and "No space left on device" in done.stderr
    assert files_in(out) == before
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


KILLED = """
import os, signal, sys
import bayesdense as bd
from bayesdense.cli import results as output
from bayesdense.cli import stopping
output.TABLES, output.FIGURES = {}, ()
fits = {"linear": bd.load_fit(sys.argv[1])}
output.write_results(fits, sys.argv[2])
output._save_figure = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
output.write_results(fits, sys.argv[2], prob=0.5)
"""


def test_a_kill_while_writing_leaves_the_older_result(made, tmp_path):
    out, saved = tmp_path / "out", made["linear"].save(tmp_path / "fit.nc")
    line = [sys.executable, "-c", KILLED, str(saved), str(out)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert set(pd.read_csv(out / "headline.csv")["prob"]) == {0.9}
    names = {"headline.csv", "linear.nc", "figures/doubling_time.png", "figures/doubling_time.svg"}
    assert set(files_in(out)) == names
    assert bd.load_fit(out / "linear.nc").data.name == "tiny"


def test_warnings_are_single_lines(run, sampler, quick, folder, tmp_path, monkeypatch):
    import warnings

    ready = bd.DensityModel.fit

    def fit(model, data, **settings):
        warnings.warn("part of it\nrests on priors", bd.ReadinessWarning, stacklevel=2)
        warnings.warn("not to be trusted", bd.DiagnosticsWarning, stacklevel=2)
        return ready(model, data, **settings)

    monkeypatch.setattr(bd.DensityModel, "fit", fit)
    done = run("fit", folder, "--out", tmp_path / "out", "--quiet")
    assert done.stderr == "warning: part of it rests on priors\n"


def test_headline_table(made):
    table = output.headline_table(made, prob=0.8)
    rates = table[table["benchmark"].isin(["MMLU", "MATH"])]
    assert rates["share_above_reference"].between(0, 1).all()
    assert table.loc[table["benchmark"] == "all benchmarks", "share_above_reference"].isna().all()
    assert (table["prob"] == 0.8).all() and not table["trusted"].any()
    assert any(math.isinf(value) for value in table["upper"])
