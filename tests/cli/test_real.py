"""The command line on a user's own folder, with real sampling."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import bayesdense as bd
from tests.simulate import simulate

pytestmark = pytest.mark.sampling


def test_a_folder_of_ones_own_goes_through_the_same_command(tmp_path):
    """Other benchmarks and another reference family than any that ships."""
    folder = simulate("scores only", seed=8).to_folder(tmp_path / "mine")
    out = tmp_path / "result"
    arguments = ["fit", str(folder), "--out", str(out), "--trend", "linear", "--form", "pooled"]
    # Without a number of draws a fit that is not to be trusted yet goes on by itself.
    arguments += ["--seed", "2", "--quiet"]
    command = [str(Path(sys.executable).parent / "bayesdense"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "all benchmarks" in done.stdout
    fit = bd.load_fit(out / "linear.nc")
    assert fit.data.core_benchmarks == ["know", "sums", "read"]
    table = pd.read_csv(out / "tables" / "linear_doubling_time.csv")
    overall = table[table["benchmark"] == "all benchmarks"].iloc[0]
    assert overall["lower"] < overall["median"] < overall["upper"]
    for name in ("doubling_time", "linear_trend", "linear_density"):
        for ending in ("png", "svg"):
            assert (out / "figures" / f"{name}.{ending}").stat().st_size > 1000
