"""Commands that must answer at once, and bad usage."""

from __future__ import annotations

import subprocess
import sys

import pytest

import bayesdense

HEAVY = ("pymc", "arviz", "nutpie", "matplotlib", "scipy", "xarray", "numba", "pytensor")
CODE = """
import sys
from bayesdense.cli.main import main
sys.argv = ["bayesdense", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
finally:
    print("LOADED", *(name for name in {heavy!r} if name in sys.modules))
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["fit", "--help"],
        ["sensitivity", "-h"],
        ["datasets"],
        ["validate", "FOLDER"],
    ],
)
def test_nothing_heavy_is_imported(words, folder):
    words = [str(folder) if word == "FOLDER" else word for word in words]
    code = CODE.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].strip() == "LOADED"
    assert done.stderr == "" and "\x1b" not in done.stdout


def test_version(run):
    assert run("--version").stdout == f"bayesdense {bayesdense.__version__}\n"


@pytest.mark.parametrize(
    "command", ["datasets", "validate", "fit", "show", "place", "sensitivity", "warm"]
)
def test_help_has_an_example(run, command):
    done = run(command, "--help")
    assert done.exit_code == 0
    assert f"Example: bayesdense {command}" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_datasets(run):
    done = run("datasets")
    assert done.exit_code == 0
    for name in ("base_models", "densing5", "ikp", "leaderboard", "olmo_ladder"):
        assert f"\n{name}" in done.stdout


def test_validate_good(run, folder):
    done = run("validate", folder)
    assert done.exit_code == 0
    assert "The tables are valid." in done.stdout
    assert "14 models (9 targets, 5 references)" in done.stdout
    assert "note: 1 of 9 targets have no release date" in done.stdout


def test_validate_takes_the_name_of_what_is_shipped(run):
    done = run("validate", "densing5")
    assert done.exit_code == 0 and "The tables are valid." in done.stdout


def test_validate_what_is_not_ready_is_a_note(run, folder, tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("models", "benchmarks", "scores"):
        text = (folder / f"{name}.csv").read_text()
        text = text.replace("True", "False") if name == "models" else text
        (tmp_path / "mine" / f"{name}.csv").write_text(text)
    done = run("validate", tmp_path / "mine")
    assert done.exit_code == 0
    assert "note: dataset 'mine' is not ready to be fitted" in done.stdout


def test_validate_bad(run, folder, tmp_path):
    (tmp_path / "mine").mkdir()
    for name in ("models", "benchmarks", "scores"):
        text = (folder / f"{name}.csv").read_text()
        (tmp_path / "mine" / f"{name}.csv").write_text(text.replace("New-0,", "New-00,"))
    scores = tmp_path / "mine" / "scores.csv"
    scores.write_text(scores.read_text().replace("New-00,", "New-0,"))
    done = run("validate", tmp_path / "mine")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ") and "New-0" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["validate", "no-such-folder"], "does not exist"),
        (["show", "no-such-file.nc"], "there is no file"),
        (["fit", "desning5", "--out", "OUT"], "did you mean 'densing5'"),
        (["fit", "olmo_ladder", "--out", "OUT"], "no target models"),
        (["fit", "densing5", "--out", "OUT", "--trend", "liner"], "did you mean 'linear'"),
        (["fit", "densing5", "--out", "OUT", "--form", "fuller"], "form must be one of"),
        (["fit", "densing5", "--out", "OUT", "--since", "May"], "is not a day"),
        (["fit", "densing5", "--out", "OUT", "--prob", "90"], "prob must be"),
        (["fit", "densing5", "--out", "OUT", "--chains", "0"], "chains must be"),
        (["fit", "densing5", "--out", "OUT", "--reference", "Lama-2"], "did you mean 'Llama-2'"),
        (["fit", "", "--out", "OUT"], "the name of a dataset is empty"),
        (
            ["fit", "densing5", "--out", "OUT", "--ruler", "skill", "--reference", "Qwen1.5"],
            "--ruler skill does without references",
        ),
    ],
)
def test_bad_input_is_one_message(run, tmp_path, words, message):
    done = run(*(str(tmp_path / "out") if word == "OUT" else word for word in words))
    assert done.exit_code == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("words", [["fit"], ["fit", "densing5"], ["fit", "--no-such"], ["nothing"]])
def test_wrong_usage(run, words):
    done = run(*words)
    assert done.exit_code == 2
    assert "Usage:" in done.stderr
