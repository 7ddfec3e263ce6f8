"""What one fit found begins the warm-up of another, and does not change what is sampled."""

from __future__ import annotations

import arviz as az
import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.coordinates.from_pilot import coordinates_from_pilot
from bayesdense.coordinates.initial import coordinates_from_data
from bayesdense.errors import BayesdenseError
from bayesdense.model import model_priors
from bayesdense.sampler.warm_start import WarmStart, few_of_many
from tests.simulate import KINDS, simulate

pytestmark = pytest.mark.sampling

POOLED = bd.DensityModel(form="pooled")
SHORT = {
    "draws": 600,
    "tune": 500,
    "chains": 4,
    "random_seed": 12,
    "progressbar": False,
    "reference_posterior": False,
}


def begun(fit, data, model=POOLED):
    """Return what a model of some data takes from a fit."""
    design = model.make_design(data)
    return fit.warm_start().for_other(design, model.build(data), data.digest)


def test_other_data_take_their_own_cells_models_and_benchmarks(plain_fit):
    data = plain_fit.data.select(benchmarks=["read", "know"])
    found = begun(plain_fit, data)
    assert not found.same
    design, arrays = POOLED.make_design(data), POOLED.make_design(plain_fit.data).arrays
    own = design.arrays
    count = found.draws.sizes["draw"]
    kept = np.linspace(0, plain_fit.posterior.sizes["draw"] - 1, count).round().astype(int)
    for here in (0, 17, design.size("cell") - 1):
        model = design.coords["model"][own["cell_model"][here]]
        benchmark = design.coords["benchmark"][own["cell_benchmark"][here]]
        of_model = np.array(plain_fit.posterior["model"])[arrays["cell_model"]] == model
        of_benchmark = (
            np.array(plain_fit.posterior["benchmark"])[arrays["cell_benchmark"]] == benchmark
        )
        (there,) = np.flatnonzero(of_model & of_benchmark)
        np.testing.assert_allclose(
            found.draws["log_effective_size"].values[..., here],
            plain_fit.posterior["log_effective_size"].values[:, kept, there],
            rtol=1e-6,
        )
    assert list(found.draws["benchmark"].values) == design.coords["benchmark"]


def test_the_same_question_is_known_as_such(plain_fit):
    assert begun(plain_fit, plain_fit.data).same
    narrower = POOLED.replace(reference_residual=0.05)
    assert not begun(plain_fit, plain_fit.data, narrower).same


def test_of_other_models_the_ruler_is_known_and_cells_are_read_off_it(plain_fit):
    data, design = plain_fit.data, POOLED.make_design(plain_fit.data)
    part = data.select(models=data.targets["model"].tolist()[::2])
    few = POOLED.make_design(part)
    cells = np.flatnonzero(
        np.isin(np.array(design.coords["model"])[design.arrays["cell_model"]], few.coords["model"])
    )
    of_part = plain_fit.posterior.isel(cell=cells, drop=True).drop_vars("cell")
    warm_start = WarmStart.of(of_part, few, part.digest)
    found = warm_start.for_other(design, POOLED.build(data), data.digest)
    assert "log_effective_size" not in found.draws and "source_noise_sd" in found.draws
    priors = model_priors(design)
    first = coordinates_from_data(design, priors)
    by_ruler, by_draws = (
        coordinates_from_pilot(design, first, draws).cells.x
        for draws in (found.draws, plain_fit.posterior)
    )
    # A score that noise put beyond reach is not read; of the others noise is all the difference.
    gap = np.abs(by_ruler - by_draws)[design.arrays["cell_model"] < design.size("target")]
    assert np.median(gap) < 0.1 and np.mean(gap > 1.0) < 0.05


def test_few_of_many_are_spread_over_time():
    many = simulate(KINDS[0], seed=5, n_targets=450, n_families=60)
    few = few_of_many(many)
    assert len(few.targets) == 150 and len(few.references) == len(many.references)
    dates = [pd.to_datetime(d.targets["release_date"]) for d in (many, few)]
    for share in (0.1, 0.5, 0.9):
        ends = [d.quantile(share) for d in dates]
        assert abs(ends[0] - ends[1]) < pd.Timedelta(days=10)
    assert few_of_many(few) is None


def test_models_that_are_not_fitted_do_not_make_many():
    """Of 450 targets 441 have scores on a benchmark only that is not used."""
    data = simulate(KINDS[0], seed=5, n_targets=450, n_families=60)
    fitted = set(data.targets["model"].iloc[:9]) | set(data.references["model"])
    elsewhere = data.scores.assign(
        benchmark=data.scores["benchmark"].where(data.scores["model"].isin(fitted), "other")
    ).drop_duplicates(["model", "benchmark", "source"])
    other = data.benchmarks.iloc[:1].assign(benchmark="other", core=False)
    benchmarks = pd.concat([data.benchmarks.assign(core=True), other])
    few = bd.Dataset.from_frames(
        name="few", models=data.models, benchmarks=benchmarks, scores=elsewhere
    )
    assert len(few.targets) == 450 and few_of_many(few) is None


def test_other_parts_or_more_benchmarks_begin_with_nothing(plain_fit):
    data = plain_fit.data
    assert begun(plain_fit, data, POOLED.replace(score_map="exponential-error")) is None
    fewer = data.select(benchmarks=["know", "read"])
    design = POOLED.make_design(fewer)
    part = plain_fit.posterior.isel(cell=slice(0, design.size("cell"))).sel(
        benchmark=["know", "read"]
    )
    of_fewer = WarmStart.of(part, design, fewer.digest)
    whole = POOLED.make_design(data)
    assert of_fewer.for_other(whole, POOLED.build(data), data.digest) is None


@pytest.mark.parametrize("kind", KINDS[1:])
def test_benchmarks_that_are_read_through_losses_begin_with_nothing(plain_fit, kind):
    """The same benchmarks, of which rulers without losses have no slope in the loss."""
    assert begun(plain_fit, simulate(kind, seed=3)) is None


def test_what_is_kept_comes_back_from_a_file(plain_fit, tmp_path):
    warm_start = plain_fit.warm_start()
    warm_start.save(tmp_path / "one.nc")
    again = WarmStart.load(tmp_path / "one.nc", POOLED.spec, plain_fit.data.digest)
    assert again is not None
    assert again.draws.equals(warm_start.draws)
    # Sums go in the order of memory, and what differs in rounding gives other draws.
    for name, values in warm_start.draws.data_vars.items():
        assert values.values.flags.c_contiguous and again.draws[name].values.flags.c_contiguous
    assert [file.name for file in tmp_path.iterdir()] == ["one.nc"]
    (tmp_path / "one.nc").write_bytes(b"no such thing")
    assert WarmStart.load(tmp_path / "one.nc", POOLED.spec, plain_fit.data.digest) is None


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
@pytest.mark.filterwarnings("ignore::bayesdense.ReadinessWarning")
@pytest.mark.parametrize("trend", ["linear", "frontier"])
def test_a_posterior_does_not_depend_on_where_its_warm_up_began(plain_fit, trend):
    """The frontier has variables that the earlier fit does not know."""
    data = plain_fit.data.select(benchmarks=["know", "read"])
    model = bd.DensityModel(form="pooled", trend=trend)
    cold, warm = (model.fit(data, **SHORT, warm_start=s) for s in (None, plain_fit))
    assert cold.info.warm_start == "" and warm.info.warm_start == plain_fit.data.digest
    assert warm.info.pilots[0].tune < cold.info.pilots[0].tune
    # The earlier draws stand for one pilot of at most four.
    assert len(warm.info.pilots) <= 3
    for name in (
        "growth_rate",
        "log_density_level",
        "map_slope_at_centre",
        "map_logit_at_centre",
        "cell_effect_sd",
        "model_effect_sd",
        "log_density",
    ):
        for prob in (0.05, 0.95):
            ends = [f.posterior[name].quantile(prob, ("chain", "draw")) for f in (cold, warm)]
            errors = [
                az.mcse(f.posterior[name], method="quantile", prob=prob) for f in (cold, warm)
            ]
            scale = np.sqrt(errors[0] ** 2 + errors[1] ** 2)
            assert float((abs(ends[0] - ends[1]) / scale).max()) < 5, (name, prob)


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_a_fit_goes_on_without_pilots(plain_fit):
    again = POOLED.fit(plain_fit.data, **SHORT | {"draws": 100}, warm_start=plain_fit)
    assert again.info.pilots == ()
    means = [float(fit.posterior["growth_rate"].mean()) for fit in (again, plain_fit)]
    assert means[0] == pytest.approx(means[1], abs=0.1)


def test_what_is_no_fit_is_refused(plain_fit):
    with pytest.raises(BayesdenseError, match="warm_start must be a DensityFit, not str"):
        POOLED.fit(plain_fit.data, warm_start="fit.nc")
    with pytest.raises(BayesdenseError, match="warm_start is not for ruler='cut'"):
        bd.DensityModel(ruler="cut").fit(plain_fit.data, warm_start=plain_fit)
