"""What one fit found begins the warm-up of another, and does not change what is sampled."""

from __future__ import annotations

import arviz as az
import numpy as np
import pytest

import bayesdense as bd
from bayesdense.earlier import Earlier
from bayesdense.errors import BayesdenseError

POOLED = bd.DensityModel(form="pooled")
SHORT = {
    "draws": 600,
    "tune": 500,
    "chains": 4,
    "seed": 12,
    "progress": False,
    "references_alone": False,
}


def begun(fit, data, model=POOLED):
    """Return what a model of some data takes from a fit."""
    coords = model.build(data).coords
    return fit.earlier().for_other(model.lay_out(data), coords, model.spec, data.digest)


def test_other_data_take_their_own_cells_models_and_benchmarks(plain_fit):
    data = plain_fit.data.select(benchmarks=["read", "know"])
    found = begun(plain_fit, data)
    assert not found.same
    layout, arrays = POOLED.lay_out(data), POOLED.lay_out(plain_fit.data).arrays
    own = layout.arrays
    count = found.draws.sizes["draw"]
    kept = np.linspace(0, plain_fit.posterior.sizes["draw"] - 1, count).round().astype(int)
    for here in (0, 17, layout.size("cell") - 1):
        model = layout.coords["model"][own["cell_model"][here]]
        benchmark = layout.coords["benchmark"][own["cell_benchmark"][here]]
        of_model = np.array(plain_fit.posterior["model"])[arrays["cell_model"]] == model
        of_benchmark = (
            np.array(plain_fit.posterior["benchmark"])[arrays["cell_benchmark"]] == benchmark
        )
        (there,) = np.flatnonzero(of_model & of_benchmark)
        np.testing.assert_allclose(
            found.draws["cell_ln_size"].values[..., here],
            plain_fit.posterior["cell_ln_size"].values[:, kept, there],
            rtol=1e-6,
        )
    assert list(found.draws["benchmark"].values) == layout.coords["benchmark"]


def test_the_same_question_is_known_as_such(plain_fit):
    assert begun(plain_fit, plain_fit.data).same
    narrower = POOLED.replace({"reference_residual": 0.05})
    assert not begun(plain_fit, plain_fit.data, narrower).same


def test_other_parts_or_more_cells_begin_with_nothing(plain_fit):
    data = plain_fit.data
    assert begun(plain_fit, data, POOLED.replace({"score_map": "exponential-error"})) is None
    fewer = data.select(benchmarks=["know", "read"])
    layout = POOLED.lay_out(fewer)
    part = plain_fit.posterior.isel(cell=slice(0, layout.size("cell")))
    of_fewer = Earlier.of(part, layout, POOLED.spec, fewer.digest)
    whole = POOLED.lay_out(data)
    assert of_fewer.for_other(whole, POOLED.build(data).coords, POOLED.spec, data.digest) is None


def test_what_is_kept_comes_back_from_a_file(plain_fit, tmp_path):
    earlier = plain_fit.earlier()
    earlier.save(tmp_path / "one.nc")
    again = Earlier.load(tmp_path / "one.nc", POOLED.spec, plain_fit.data.digest)
    assert again is not None
    assert again.draws.equals(earlier.draws)
    assert [file.name for file in tmp_path.iterdir()] == ["one.nc"]
    (tmp_path / "one.nc").write_bytes(b"no such thing")
    assert Earlier.load(tmp_path / "one.nc", POOLED.spec, plain_fit.data.digest) is None


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
@pytest.mark.filterwarnings("ignore::bayesdense.ReadinessWarning")
@pytest.mark.parametrize("trend", ["linear", "frontier"])
def test_a_posterior_does_not_depend_on_where_its_warm_up_began(plain_fit, trend):
    """The frontier has variables that the earlier fit does not know."""
    data = plain_fit.data.select(benchmarks=["know", "read"])
    model = bd.DensityModel(form="pooled", trend=trend)
    cold, warm = (model.fit(data, **SHORT, warm_start=s) for s in (None, plain_fit))
    assert cold.info["warm_start"] == "" and warm.info["warm_start"] == plain_fit.data.digest
    assert warm.info["pilots"][0]["tune"] < cold.info["pilots"][0]["tune"]
    assert len(warm.info["pilots"]) < len(cold.info["pilots"])
    for name in ("A", "B", "s", "pi", "tau", "sigma_v", "ln_density"):
        ends = [np.array(f.posterior[name].quantile([0.05, 0.5, 0.95])) for f in (cold, warm)]
        errors = [
            np.array([az.mcse(f.posterior[name], method="quantile", prob=p) for p in (0.05, 0.95)])
            for f in (cold, warm)
        ]
        scale = np.sqrt(errors[0] ** 2 + errors[1] ** 2)
        assert np.max(np.abs(ends[0] - ends[1])[[0, 2]] / scale) < 5, name


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_a_fit_goes_on_without_pilots(plain_fit):
    again = POOLED.fit(plain_fit.data, **SHORT | {"draws": 100}, warm_start=plain_fit)
    assert again.info["pilots"] == []
    assert again.posterior["A"].mean() == pytest.approx(plain_fit.posterior["A"].mean(), abs=0.1)


def test_what_is_no_fit_is_refused(plain_fit):
    with pytest.raises(BayesdenseError, match="warm_start must be a DensityFit, not str"):
        POOLED.fit(plain_fit.data, warm_start="fit.nc")
    with pytest.raises(BayesdenseError, match="warm_start is not for ruler='cut'"):
        bd.DensityModel(ruler="cut").fit(plain_fit.data, warm_start=plain_fit)
