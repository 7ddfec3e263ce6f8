"""`bayesdense fit --trend none`: densities and nothing about growth; sampling is replaced."""

from __future__ import annotations

import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.cli import results as output
from tests.fake import fake, fake_fit, tiny_dataset
from tests.models.test_no_trend import changed


@pytest.fixture
def fitted(monkeypatch):
    """Replace sampling by draws from the prior."""
    ready = {"linear": fake_fit("linear")}

    def fit(model, data, **settings):
        return ready.get(model.spec.trend.name) or fake(model, data)

    monkeypatch.setattr(bd.DensityModel, "fit", fit)


def test_tables_and_figures_of_growth_are_left_out(run, fitted, tmp_path):
    data = changed(tiny_dataset(), release_date=pd.NaT).to_folder(tmp_path / "undated")
    out = tmp_path / "out"
    done = run("fit", data, "--trend", "none", "--out", out)
    # Draws of a prior are not to be trusted; the files are written all the same.
    assert done.exit_code == 3, done.stderr
    names = {str(p.relative_to(out)) for p in out.rglob("*") if p.is_file()}
    growth = {"doubling_time", "growth", "trend_line"}
    wanted = {"none.nc"} | {f"tables/none_{t}.csv" for t in output.TABLES if t not in growth}
    for kind in ("density", "effective_size", "calibration"):
        wanted |= {f"figures/none_{kind}.png", f"figures/none_{kind}.svg"}
    assert names == wanted
    assert "Capability density (effective size / size), without a trend" in done.stdout
    assert "Doubling time" not in done.stdout
    assert "growth: none: densities lie around a level" in done.stdout
    shown = run("show", out / "none.nc")
    assert shown.exit_code == 3 and "without a trend" in shown.stdout


def test_beside_another_trend_only_that_has_doubling_times(
    run, fitted, folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(output, "TABLES", {n: output.TABLES[n] for n in ("growth", "density")})
    monkeypatch.setattr(output, "FIGURES", ("trend",))
    out = tmp_path / "out"
    done = run("fit", folder, "--trend", "linear", "--trend", "none", "--out", out)
    assert done.exit_code == 3, done.stderr
    assert set(pd.read_csv(out / "headline.csv")["fit"]) == {"linear"}
    tables = {p.name for p in (out / "tables").iterdir()}
    assert tables == {"linear_growth.csv", "linear_density.csv", "none_density.csv"}
    assert "Doubling time" in done.stdout and "without a trend" in done.stdout


def test_without_dates_and_without_a_word_on_trends_there_are_densities(run, fitted, tmp_path):
    data = changed(tiny_dataset(), release_date=pd.NaT).to_folder(tmp_path / "undated")
    out = tmp_path / "out"
    done = run("fit", data, "--out", out)
    assert done.exit_code == 3, done.stderr
    assert "warning: targets with scores and a release date: 0; a trend needs" in done.stderr
    assert "fitted without a trend, for densities only" in done.stderr
    assert [file.name for file in out.glob("*.nc")] == ["none.nc"]


def test_too_few_dates_name_the_option(run, tmp_path):
    data = changed(tiny_dataset(), release_date=pd.NaT).to_folder(tmp_path / "undated")
    done = run("fit", data, "--trend", "linear", "--out", tmp_path / "out")
    assert done.exit_code == 1
    assert "trend='none' gives densities without a trend" in done.stderr
    assert "bayesdense fit --trend none" in done.stderr
