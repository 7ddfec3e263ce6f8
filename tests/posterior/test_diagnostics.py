"""Which entries are held against R-hat and effective sample size."""

import warnings

import numpy as np
import pytest
import xarray as xr

from bayesdense.posterior.diagnostics import diagnostics_table, worst


@pytest.fixture
def posterior():
    """Return offsets of two harnesses on two benchmarks, of which one was never measured."""
    offsets = np.random.default_rng(1).normal(size=(4, 200, 2, 2))
    offsets[..., 1, 0] = 0.0
    dims = ("chain", "draw", "harness", "benchmark")
    coords = {"harness": ["lab", "vendor"], "benchmark": ["MMLU", "BBH"]}
    return xr.Dataset({"harness_offset": (dims, offsets)}, coords=coords)


def test_what_only_fills_an_array_has_no_row_and_no_warning(posterior):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = diagnostics_table(posterior, ["harness_offset"])
    names = ["lab, MMLU", "lab, BBH", "vendor, BBH"]
    assert table["parameter"].tolist() == [f"harness_offset[{name}]" for name in names]
    assert np.isfinite(table[["rhat", "ess"]]).all().all()
    assert worst(posterior, ["harness_offset"]).good


def test_chains_that_never_moved_are_no_such_entry(posterior):
    posterior["harness_offset"][..., 0, 0] = np.array([1.0, 2.0, 3.0, 4.0])[:, None]
    table = diagnostics_table(posterior, ["harness_offset"]).set_index("parameter")
    assert not table.loc["harness_offset[lab, MMLU]", "rhat"] <= 1.01
    posterior["harness_offset"][..., 0, 0] = 1.0
    assert not worst(posterior, ["harness_offset"]).good
