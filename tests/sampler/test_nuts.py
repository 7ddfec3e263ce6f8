"""Compiled models are kept and guarded; interruption keeps what there is."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import arviz as az
import numpy as np
import pytest

import bayesdense as bd
from bayesdense.models.base import sampler_model, structure_of
from bayesdense.sampler import nuts as sampling
from bayesdense.sampler.backend import compile_cache as compiled
from bayesdense.sampler.backend.compile_cache import compiled_for
from bayesdense.sampler.backend.packed_data import PackedData, in_order, lengths_of
from bayesdense.sampler.progress import Progress
from tests.joint import starting_point
from tests.simulate import KINDS, simulate

pytestmark = pytest.mark.sampling

# Enough for two means to be compared, not for a headline.
SHORT = {
    "draws": 600,
    "tune": 500,
    "chains": 4,
    "random_seed": 11,
    "progressbar": False,
    "reference_posterior": False,
}


def perturbed(data, seed):
    """Return the same models with other, and fewer, scores; every cell keeps one."""
    random = np.random.default_rng(seed)
    scores = data.scores
    scores = scores.assign(
        score=(scores["score"] + random.normal(0, 0.005, len(scores))).clip(0, 1)
    )
    second = scores.duplicated(["model", "benchmark"])
    drop = scores.index[second][:9]
    return bd.Dataset.from_frames(
        models=data.models, benchmarks=data.benchmarks, scores=scores.drop(drop), name="perturbed"
    )


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_a_second_fit_of_the_same_structure_compiles_nothing(plain_fit):
    model, data = bd.DensityModel(form="pooled"), perturbed(plain_fit.data, seed=1)
    assert len(data.scores) < len(plain_fit.data.scores)
    # A process keeps eight: other tests may have pushed out what `plain_fit` compiled.
    before = model.fit(plain_fit.data, **SHORT)
    again = model.fit(data, **SHORT)
    assert again.info.compile_seconds == 0
    # The other data were really used, and the answer is close but not the same.
    first, second = (f.posterior["growth_rate"].mean().item() for f in (before, again))
    assert first != second
    assert second == pytest.approx(first, abs=0.15)
    assert again.posterior["model"].values.tolist() == plain_fit.posterior["model"].values.tolist()


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_reuse_gives_the_posterior_that_compiling_afresh_gives(plain_fit):
    data = perturbed(plain_fit.data, seed=2)
    reused = bd.DensityModel(form="pooled").fit(data, **SHORT)
    compiled.clear_compiled()
    fresh = bd.DensityModel(form="pooled").fit(data, **SHORT)
    assert (reused.info.compile_seconds == 0) and fresh.info.compile_seconds > 0
    for name in (
        "growth_rate",
        "log_density_level",
        "model_effect_sd",
        "map_slope_at_centre",
        "cell_effect_sd",
    ):
        a, b = reused.posterior[name], fresh.posterior[name]
        error = np.sqrt(az.mcse(a).values ** 2 + az.mcse(b).values ** 2)
        gap = np.abs(a.mean(("chain", "draw")) - b.mean(("chain", "draw"))).values
        assert np.max(gap / error) < 5, name


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_reuse_reads_sizes_off_the_other_ruler(plain_fit):
    """With all models three times as large, effective sizes are three times as large."""
    data = plain_fit.data
    larger = bd.Dataset.from_frames(
        models=data.models.assign(n_params=3.0 * data.models["n_params"]),
        benchmarks=data.benchmarks,
        scores=data.scores,
        name="larger",
    )
    again = bd.DensityModel(form="pooled").fit(larger, **SHORT)
    assert again.info.compile_seconds == 0
    first, second = (
        f.posterior["log_effective_size"].mean(("chain", "draw")) for f in (plain_fit, again)
    )
    assert float((second - first).median()) == pytest.approx(np.log(3.0), abs=0.1)
    whole, part = (f.effective_size().set_index("model")["median"] for f in (plain_fit, again))
    assert np.log(part / whole).median() == pytest.approx(np.log(3.0), abs=0.1)


def test_a_joint_fit_shows_its_ruler_beside_that_of_references_only(plain_fit):
    table = plain_fit.coefficients(prob=0.8)
    assert table["informed_by"].unique().tolist() == ["references", "all models"]
    wide = table.pivot(index=["of", "coefficient"], columns="informed_by", values="sd")
    # Targets can only be seen to help: slopes of the map become narrower.
    slopes = wide.xs("map_slope_at_centre", level="coefficient")
    assert (slopes["all models"] < slopes["references"]).all()
    assert plain_fit.reach()["informed_by"].nunique() == 2
    assert plain_fit.checks()["reference posterior"].text.startswith("the ruler from references")


@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_other_data_of_any_shape_compile_nothing(plain_fit):
    """Fewer models, families and benchmarks, and other priors."""
    models = plain_fit.data.targets["model"].tolist()[:20]
    data = plain_fit.data.select(models=models, benchmarks=["know", "read"])
    assert data.models["family"].nunique() < plain_fit.data.models["family"].nunique()
    prior = bd.Prior("Normal", mu=1.5, sigma=1.0)
    again = bd.DensityModel(form="pooled", priors={"growth_rate": prior}).fit(data, **SHORT)
    assert again.info.compile_seconds == 0
    assert again.posterior["benchmark"].values.tolist() == ["know", "read"]
    assert again.posterior["dated_target"].values.tolist() == models
    rates = [float(f.posterior["growth_rate"].mean()) for f in (again, plain_fit)]
    assert rates[0] == pytest.approx(rates[1], abs=0.3)


def test_a_fit_says_into_which_pilots_its_warm_up_was_split(plain_fit):
    pilots = plain_fit.info.pilots
    assert 2 <= len(pilots) <= 4
    spent = sum(pilot.tune + pilot.draws for pilot in pilots)
    assert spent < plain_fit.info.settings.tune
    assert all(pilot.rhat > 0.9 for pilot in pilots)


@pytest.mark.parametrize("kind", KINDS)
def test_chains_start_where_pymc_would_start_them(kind):
    model = bd.DensityModel(trend="frontier")
    design = model.make_design(simulate(kind, seed=3, n_targets=12, n_families=4))
    sampled, _ = sampler_model(design)
    packed_data = PackedData.of(sampled.model)
    packed, places = packed_data.apply(sampled.model)
    data = {variable.name: variable.get_value() for variable in sampled.model.data_vars}
    arrays = packed_data.values(data, lengths_of(sampled.model))
    found, from_data = compiled._coordinates(packed, places)(sampled.starts, arrays)
    expected = starting_point(sampled)
    for variable in in_order(packed):
        of = np.ravel(expected[packed.rvs_to_values[variable].name])
        mine, found = found[: of.size], found[of.size :]
        marked, from_data = from_data[: of.size], from_data[of.size :]
        from_origin = getattr(packed.rvs_to_transforms[variable], "from_origin", False)
        assert (marked == from_origin).all()
        assert mine == pytest.approx(of, rel=1e-7, abs=1e-9)
    assert not found.size


def built_and_compiled(fit):
    model = bd.DensityModel(form="pooled")
    design = model.make_design(fit.data)
    built, _ = sampler_model(design)
    return built, compiled_for(built, structure_of(design), Progress(False, ""))[0]


def test_chains_start_at_no_draw_without_a_density(plain_fit):
    built, code = built_and_compiled(plain_fit)
    draws = plain_fit.posterior.isel(draw=slice(0, 8)).copy(deep=True)
    place = code.places["source_noise_sd"]
    # Its square is more than there are numbers for.
    draws["source_noise_sd"][:2] = 1e200
    start = sampling._start(code, draws, built, own=False)
    found = np.array([start(seed)[place] for seed in range(40)])
    assert found.max() < np.log(0.2)
    assert found.std() > 0
    draws["source_noise_sd"][:] = 1e200
    assert sampling._start(code, draws, built, own=False) is code.start


def test_chains_go_on_from_draws_of_their_own_posterior_as_they_are(plain_fit):
    built, code = built_and_compiled(plain_fit)
    draws = plain_fit.posterior.isel(chain=slice(0, 2), draw=slice(0, 3))
    exactly = code.exactly()
    points = [
        exactly(built.complete({n: draws[n].values[chain, draw] for n in built.free}))[0]
        for chain in range(2)
        for draw in range(3)
    ]
    start = sampling._start(code, draws, built, own=True)
    met = set()
    for seed in range(40):
        same = [i for i, point in enumerate(points) if np.array_equal(point, start(seed))]
        assert len(same) == 1
        met.update(same)
    assert met == set(range(6))
    # Those of another posterior only say where to look.
    other = sampling._start(code, draws, built, own=False)(1)
    place = code.places["cell_effect"]
    assert np.abs(other[place]).max() <= 0.5 < np.abs(points[0][place]).max()


def test_a_fit_that_cannot_start_says_so(plain_fit):
    _, code = built_and_compiled(plain_fit)
    settings = sampling.SamplingSettings(draws=10, tune=50, chains=1, random_seed=1)

    def nowhere(seed):
        return np.full(code.n_parameters, 1e200)

    assert not code.possible(nowhere(1)[None]).any()
    with pytest.raises(bd.SamplingError, match="no chain could start: at all points"):
        sampling._run(code, settings, Progress(False, ""), nowhere)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"draws": 0}, "draws must be a whole number from 10"),
        ({"chains": 2.5}, "chains must be a whole number from 1"),
        ({"random_seed": -1}, "seed must be a whole number from 0"),
        ({"target_accept": 1.0}, "target_accept must be from 0.5 to below 1"),
        ({"tune": True}, "tune must be a whole number from 50"),
    ],
)
def test_bad_settings_say_what_is_allowed(options, message):
    with pytest.raises(bd.BayesdenseError, match=message):
        sampling.SamplingSettings(**options)


def test_a_seed_is_drawn_and_recorded_where_none_is_given():
    first, second = sampling.SamplingSettings(), sampling.SamplingSettings()
    assert isinstance(first.random_seed, int) and first.random_seed != second.random_seed


INTERRUPTED = textwrap.dedent(
    """
    import signal, sys, warnings
    # A job in the background starts with Ctrl-C ignored, and hands that on.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path.insert(0, {root!r})
    import bayesdense as bd
    from bayesdense.sampler import nuts as sampling
    from tests.simulate import simulate
    warnings.simplefilter("ignore")
    real = sampling._wait
    def announce(running):
        print("sampling", flush=True)
        return real(running)
    sampling._wait = announce
    data = simulate("scores only", seed=3, n_targets=12, n_families=5)
    try:
        fit = bd.DensityModel(form="pooled").fit(
            data, draws={draws}, tune={tune}, chains=2, random_seed=1, reference_posterior=False,
            progressbar=False,
        )
    except sampling.SamplingInterrupted as error:
        print("nothing kept:", error)
    else:
        print("kept:", fit.interrupted)
        rate = fit.posterior["growth_rate"]
        print("shape:", rate.shape, bool(rate.notnull().all()))
        print("known:", fit.checks()["interruption"].text)
    """
)


def interrupt(root, *, draws, tune, wait):
    code = INTERRUPTED.format(root=str(root), draws=draws, tune=tune)
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout.readline().strip() == "sampling"
        time.sleep(wait)
        os.kill(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        # Ten million draws must not go on after a test that failed.
        process.kill()
    assert process.returncode == 0, err
    return out


def test_ctrl_c_keeps_the_draws_so_far(pytestconfig):
    out = interrupt(pytestconfig.rootpath, draws=10_000_000, tune=200, wait=8.0)
    assert "kept: interrupted: kept" in out and "of 20,000,000 draws" in out
    assert "True" in out.split("shape:")[1]


def test_ctrl_c_between_start_and_wait_stops_the_threads(monkeypatch):
    """Their run would go on in memory that is freed, for ever."""

    def at_once(running):
        runs.append(running)
        raise KeyboardInterrupt

    runs = []
    monkeypatch.setattr(sampling, "_wait", at_once)
    data = simulate("scores only", seed=3, n_targets=12, n_families=5)
    with pytest.raises(sampling.SamplingInterrupted, match="no draws kept"):
        bd.DensityModel(form="pooled").fit(
            data, draws=10_000_000, tune=10_000_000, chains=2, random_seed=1, progressbar=False
        )
    assert runs and runs[0].is_finished


def test_ctrl_c_during_warm_up_keeps_nothing_and_says_so(pytestconfig):
    out = interrupt(pytestconfig.rootpath, draws=100, tune=10_000_000, wait=1.0)
    assert "nothing kept: interrupted during warm-up: no draws kept" in out


@pytest.mark.slow
def test_the_compiler_of_nutpie_samples_the_same_posterior(plain_fit):
    model = bd.DensityModel(form="pooled")
    fit = model.fit(
        plain_fit.data,
        draws=1000,
        tune=600,
        random_seed=3,
        compiler="nutpie",
        reference_posterior=False,
        progressbar=False,
    )
    assert fit.info.settings.compiler == "nutpie" and not fit.info.pilots
    effective = [f.diagnostics().set_index("parameter")["ess"] for f in (fit, plain_fit)]
    for name in ("growth_rate", "model_effect_sd"):
        own, other = fit.posterior[name], plain_fit.posterior[name]
        error = float(other.std()) * np.hypot(*(ess[name] ** -0.5 for ess in effective))
        assert float(own.mean()) == pytest.approx(float(other.mean()), abs=4 * error)


def test_compilers_that_cannot_be_had():
    data = simulate(KINDS[0], seed=3, n_targets=9, n_families=3)
    with pytest.raises(bd.BayesdenseError, match="compiler must be 'dynamic' or 'nutpie'"):
        bd.DensityModel().fit(data, compiler="jax")
    with pytest.raises(bd.BayesdenseError, match="'nutpie' is not for ruler='cut'"):
        bd.DensityModel(ruler="cut").fit(data, compiler="nutpie", progressbar=False)
