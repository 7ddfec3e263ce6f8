"""Signals that end a real process while it samples."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

import bayesdense as bd
from tests.simulate import simulate

pytestmark = pytest.mark.sampling

# Says when sampling has begun; the command line is the real one.
CODE = """
import sys
from bayesdense.sampler import nuts
wait = nuts._wait
def announce(running):
    print("sampling", flush=True)
    return wait(running)
nuts._wait = announce
from bayesdense.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    data = simulate("scores only", seed=3, n_targets=12, n_families=5)
    return data.to_folder(tmp_path_factory.mktemp("data") / "mine")


def as_in_a_terminal():
    """Undo what a job in the background or under nohup hands on: signals that are ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def start(folder, out, *, tune, draws, **streams):
    line = [sys.executable, "-c", CODE, "fit", str(folder), "--out", str(out), "--quiet"]
    line += ["--form", "pooled", "--ruler", "skill", "--trend", "linear", "--chains", "2"]
    line += ["--tune", str(tune), "--draws", str(draws)]
    return subprocess.Popen(
        line,
        text=True,
        preexec_fn=as_in_a_terminal,
        **streams,
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_drawn_is_written(folder, tmp_path, number, code):
    out = tmp_path / "out"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start(folder, out, tune=100, draws=10_000_000, **pipes)
    try:
        assert process.stdout.readline() == "sampling\n"
        time.sleep(4)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code, stderr
    assert f"written to {out}: 1 of 1 fit, linear (interrupted)" in stderr
    assert "Traceback" not in stderr and "Doubling time" in stdout
    fit = bd.load_fit(out / "linear.nc")
    assert fit.interrupted.startswith("interrupted: kept")
    assert fit.checks()["interruption"].text == fit.interrupted + "."


def test_without_draws_nothing_is_written(folder, tmp_path):
    out = tmp_path / "out"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = start(folder, out, tune=10_000_000, draws=100, **pipes)
    try:
        assert process.stdout.readline() == "sampling\n"
        process.terminate()
        _, stderr = process.communicate(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 143, stderr
    assert "arviz" not in stderr
    assert stderr.endswith(
        f"interrupted during warm-up: no draws kept; nothing was written to {out}\n"
    )
    assert not list(tmp_path.iterdir())


def test_a_closed_terminal_loses_no_draws(folder, tmp_path):
    out = tmp_path / "out"
    ours, theirs = pty.openpty()
    process = start(
        folder, out, tune=100, draws=10_000_000,
        stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        seen = b""
        while b"sampling" not in seen:
            seen += os.read(ours, 1000)
        time.sleep(4)
        os.close(ours)
        # Only the terminal of a session sends it by itself.
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=300)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 129
    assert bd.load_fit(out / "linear.nc").interrupted
