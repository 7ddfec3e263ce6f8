"""How far sampling has come is shown, in a log too."""

import re
import time

import pytest

from bayesdense.sampler import progress
from bayesdense.sampler.progress import Progress


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(progress, "LINES", 0.2)


class Chain:
    tuning, divergences, runtime_ms, total_draws = False, 1, 0, 500

    def __init__(self, finished_draws):
        self.finished_draws = finished_draws


def test_a_long_step_is_said_again_and_again(quick, capsys):
    with Progress(True, "linear") as shown:
        shown.status("compiling")
        time.sleep(1.1)
        for done in range(0, 501, 50):
            shown.chains([Chain(done), Chain(done)])
            time.sleep(0.1)
    lines = capsys.readouterr().err.splitlines()
    compiling = [line for line in lines if "compiling" in line]
    assert 3 <= len(compiling) <= 7
    assert re.fullmatch(r"linear: compiling, \d s so far", compiling[-1])
    counted = [line for line in lines if " of 1,000 draws, 2 divergences" in line]
    assert 2 <= len(counted) <= 7 and "left" in counted[1]
    assert re.fullmatch(r"linear: done after \d s", lines[-1])


def test_it_can_be_switched_off_and_says_where_it_stopped(quick, capsys):
    with Progress(False, "linear") as shown:
        shown.status("compiling")
    assert capsys.readouterr().err == ""
    with pytest.raises(RuntimeError), Progress(True, "linear") as shown:
        shown.status("compiling")
        raise RuntimeError
    assert capsys.readouterr().err.splitlines()[-1] == "linear: stopped after 0 s"
