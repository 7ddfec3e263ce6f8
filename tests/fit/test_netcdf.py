"""A saved fit comes back whole, or says in one sentence why not."""

import os
import re
import subprocess
import sys

import h5netcdf.legacyapi
import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.fit import netcdf as storage


@pytest.fixture(scope="module")
def saved(plain_fit, tmp_path_factory):
    return plain_fit.save(tmp_path_factory.mktemp("saved") / "fit.nc", full=True)


def test_everything_comes_back(plain_fit, saved):
    again = bd.load_fit(saved)
    for name in plain_fit.posterior.data_vars:
        assert np.array_equal(plain_fit.posterior[name], again.posterior[name]), name
    assert again.posterior["benchmark"].values.tolist() == ["know", "sums", "read"]
    assert again.data == plain_fit.data
    assert again.spec.to_dict() == plain_fit.spec.to_dict()
    assert again.info == plain_fit.info
    assert again.info.settings.random_seed == 11
    assert again.priors == plain_fit.priors
    pd.testing.assert_frame_equal(again.doubling_time(), plain_fit.doubling_time())
    pd.testing.assert_frame_equal(again.scores(), plain_fit.scores())
    assert repr(again.checks()) == repr(plain_fit.checks())


def test_saving_and_reading_change_nothing(plain_fit, saved):
    before = saved.read_bytes()
    fit = bd.load_fit(saved)
    fit.doubling_time(), fit.checks(), fit.effective_size(by="benchmark")
    table = fit.growth()
    table["median"] = 0.0
    assert fit.growth()["median"].iloc[0] != 0.0
    assert saved.read_bytes() == before


def fails(path, message):
    with pytest.raises(bd.FitFileError, match=message) as caught:
        bd.load_fit(path)
    assert "\n" not in str(caught.value)


def test_missing_foreign_and_truncated_files(saved, tmp_path):
    fails(tmp_path / "none.nc", "there is no file")
    text = tmp_path / "text.nc"
    text.write_text("not netCDF")
    fails(text, "not a saved fit, or it was cut short")
    content = saved.read_bytes()
    for share in (0.001, 0.3, 0.9, 0.9999):
        cut = tmp_path / "cut.nc"
        cut.write_bytes(content[: int(len(content) * share)])
        fails(cut, "cut short|damaged")
    other = tmp_path / "other.nc"
    with h5netcdf.legacyapi.Dataset(other, "w") as file:
        file.createDimension("x", 1)
    fails(other, "not a fit saved by bayesdense")


def altered(saved, tmp_path, change):
    path = tmp_path / "altered.nc"
    path.write_bytes(saved.read_bytes())
    with h5netcdf.legacyapi.Dataset(path, "a") as file:
        change(file)
    return path


def test_altered_draws_data_and_settings_are_noticed(saved, tmp_path):
    def one_draw(file):
        file["posterior/growth_rate"][0, 0] += 1e-12

    def one_byte(file):
        values = file["bayesdense/manifest"][...]
        values[5] += 1
        file["bayesdense/manifest"][...] = values

    for change in (one_draw, one_byte):
        fails(altered(saved, tmp_path, change), "altered after it was saved")


def test_another_versions_layout_is_named(saved, tmp_path):
    def newer(file):
        file.attrs["bayesdense_format"] = np.int64(storage.FORMAT + 1)

    message = f"layout {storage.FORMAT + 1} and was saved by another version"
    fails(altered(saved, tmp_path, newer), message)

    def older(file):
        file.attrs["bayesdense_format"] = np.int64(3)

    fails(altered(saved, tmp_path, older), r"by bayesdense 0\.1\.0, .*: fit the data again, or")


def test_where_a_fit_cannot_be_saved(plain_fit, tmp_path):
    with pytest.raises(bd.BayesdenseError, match="does not exist"):
        plain_fit.save(tmp_path / "no" / "fit.nc")
    with pytest.raises(bd.BayesdenseError, match="is a folder"):
        plain_fit.save(tmp_path)


KILLED = """
import os, sys
import bayesdense as bd
fit = bd.load_fit(sys.argv[1])
def die(*_):
    os._exit(9)
# The data are on the disk, the file is not yet in its place.
os.replace = die
fit.save(sys.argv[1])
"""


def test_a_killed_save_leaves_the_old_file_whole(saved, tmp_path):
    path = tmp_path / "fit.nc"
    path.write_bytes(saved.read_bytes())
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == 9
    assert path.read_bytes() == saved.read_bytes()
    assert bd.load_fit(path).data.name
    leftovers = [name for name in os.listdir(tmp_path) if name != "fit.nc"]
    assert all(re.match(r"\.fit\.nc\.", name) for name in leftovers)
