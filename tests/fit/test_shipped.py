"""The fit that comes with the package is of its data and its model, and says what it is."""

import json
import os

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.cli.common import chosen_by_default
from bayesdense.fit.shipped import shipped_fit_names, shipped_fits_root
from tests.fake import fake_fit
from tests.joint import log_density_of_draws

AGAIN = "make the fit again: make shipped-fits"
LARGEST = 3e6  # Bytes.


@pytest.fixture(scope="module")
def shipped():
    return bd.load_fit("densing5")


def test_it_is_of_the_data_as_they_are(shipped):
    assert shipped.data.digest == chosen_by_default("densing5").digest, AGAIN


def test_it_is_of_the_model_as_it_is(shipped):
    assert shipped.spec.to_dict() == bd.DensityModel().spec.to_dict(), AGAIN
    stored = json.loads(shipped_fits_root().joinpath("densing5.json").read_text())
    found = log_density_of_draws(shipped, draws=len(stored))
    for draw, expected in zip(found, stored, strict=True):
        assert draw == pytest.approx(expected, rel=1e-9), AGAIN


def test_it_is_small_and_trusted_and_says_that_it_is_thinned(shipped):
    size = shipped_fits_root().joinpath("densing5.nc").stat().st_size
    assert size < LARGEST
    assert shipped.checks().trusted
    assert "1,000 of 8,000 draws, shipped with bayesdense" in repr(shipped)
    placed = shipped.place(scores={"MMLU": 0.7}, n_params=8e9, release_date="2025-01-01")
    assert "shipped with bayesdense" in placed.of
    # Figures with 90 % intervals are of all draws; others are of those that are left.
    rate = shipped.posterior["growth_rate"]
    assert rate.size == 1000
    which = "estimator == 'typical' and benchmark == 'all benchmarks'"
    months = shipped.doubling_time().query(which)
    of_draws = 12 * np.log(2) / float(np.median(rate))
    assert months["median"].iloc[0] == pytest.approx(of_draws, rel=0.02)
    other = shipped.doubling_time(prob=0.5).iloc[0]
    assert other["prob"] == 0.5
    assert months["lower"].iloc[0] < other["lower"] < other["upper"] < months["upper"].iloc[0]


def test_names_and_files_are_told_apart(tmp_path, monkeypatch):
    assert shipped_fit_names() == ["densing5"]
    with pytest.raises(bd.FitFileError, match="no fit of that name comes with .* densing5 does"):
        bd.load_fit("densing6")
    monkeypatch.chdir(tmp_path)
    fake_fit().save(tmp_path / "densing5")
    assert bd.load_fit(os.path.join(".", "densing5")).data.name == "tiny"
    assert bd.load_fit("densing5").data.name == "densing5"


def test_a_thinned_fit_keeps_its_report(tmp_path):
    fit = fake_fit()
    thin = fit.thin(10)
    assert thin.posterior.sizes["draw"] == 5
    assert thin.thin(4).info.thinned_from == fit.posterior["growth_rate"].size
    assert fit.thin(10**6) is fit
    assert repr(thin.checks()) == repr(fit.checks())
    again = bd.load_fit(thin.save(tmp_path / "thin.nc"))
    pd.testing.assert_frame_equal(again.doubling_time(), fit.doubling_time())
    pd.testing.assert_frame_equal(again.diagnostics(), fit.diagnostics())
    assert repr(again) == repr(thin)
    for one, other in zip(again.checks().results, fit.checks().results, strict=True):
        pd.testing.assert_frame_equal(one.table(), other.table().reset_index(drop=True))
    with pytest.raises(bd.BayesdenseError, match="draws must be at least 1"):
        fit.thin(0)
