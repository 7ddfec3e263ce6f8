"""The PyMC model says what docs/model.md says: eq. 1 to 5 recomputed by hand at one point."""

import re

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy.special import expit

import bayesdense as bd
from bayesdense.model import build_model, make_design, model_priors
from bayesdense.parts.laws import laws
from tests.joint import drawn_from_prior
from tests.simulate import KINDS, simulate


def evaluate(model, values, outputs):
    """Return named deterministics at given values of all free variables."""
    replace = [(model[name], np.asarray(value, dtype=float)) for name, value in values.items()]
    function = pytensor.function(
        [],
        [model[name] for name in outputs],
        givens=replace,
        on_unused_input="ignore",
        mode="FAST_COMPILE",
    )
    return dict(zip(outputs, function(), strict=True))


def random_values(model, seed=0):
    """Return a value of each free variable, drawn from the prior."""
    drawn = drawn_from_prior(model, seed)
    return {str(variable.name): drawn[str(variable.name)] for variable in model.free_RVs}


@pytest.fixture(scope="module", params=KINDS)
def built(request):
    data = simulate(request.param, seed=5, n_targets=12, n_families=5)
    # References of the first benchmark were measured on one harness only.
    scores, models = data.scores, data.models.set_index("model")
    few = scores["benchmark"].eq(scores["benchmark"].iloc[0])
    few &= scores["harness"].eq("house") & scores["model"].map(models["is_reference"])
    data = bd.Dataset.from_frames(
        models=data.models, benchmarks=data.benchmarks, scores=scores[~few], losses=data.losses
    )
    model = bd.DensityModel()
    design = make_design(data, model.spec)
    return request.param, data, design, build_model(design)


def by_hand(data, design, values):
    """Recompute log density and the effective size of every cell, row by row."""
    v = values
    count = len(design.coords["benchmark"])
    rates, slopes = (v[f"{name}_deviation"] for name in ("growth_rate", "size_slope"))
    for effects in (v["benchmark_offset"], rates, slopes):
        assert effects.sum() == pytest.approx(0.0, abs=1e-12) and np.ptp(effects) > 0.01
    families = list(design.coords["family"])
    sizes, density = [], []
    t0 = np.datetime64(design.mean_date)
    rows = data.models.set_index("model")
    dated = [
        ((date.to_datetime64() - t0) / np.timedelta64(86400, "s") / 365.25, family)
        for date, family in rows.loc[design.coords["target"], ["release_date", "family"]].values
    ]
    for i, name in enumerate(design.coords["target"]):
        row = rows.loc[name]
        years = (row["release_date"].to_datetime64() - t0) / np.timedelta64(86400, "s") / 365.25
        size = np.log(row["n_params"] / 2e10)
        f = families.index(row["family"])
        # How much later than the models of its family on average.
        since = years - np.mean([y for y, g in dated if g == row["family"]])
        value = (
            v["within_family_growth"] * since
            + v["log_density_level"]
            + v["growth_rate"] * years
            + v["size_slope"] * size
        )
        value += v["family_effect"][f] + v["model_effect"][i]
        density.append(value)
        extra = v["benchmark_offset"] + rates * years + slopes * size
        sizes.append(np.log(row["n_params"]) + value + extra + v["family_benchmark_effect"][f])
    for i, name in enumerate(design.coords["reference"]):
        density.append(v["reference_effect"][i])
        sizes.append(np.full(count, np.log(rows.loc[name, "n_params"]) + density[-1]))
    return np.array(density), np.array(sizes)


def test_density_and_effective_size_by_hand(built):
    _, data, design, model = built
    values = random_values(model)
    names = ["log_density", "log_effective_size", "growth_rate_by_benchmark"]
    found = evaluate(model, values, names)
    density, sizes = by_hand(data, design, values)
    assert found["log_density"] == pytest.approx(density, abs=1e-10)
    by_benchmark = values["growth_rate"] + values["growth_rate_deviation"]
    assert found["growth_rate_by_benchmark"] == pytest.approx(by_benchmark)
    names = design.coords["model"]
    table = data.scores.drop_duplicates(["model", "benchmark"])
    cells = sorted(
        (names.index(m), design.coords["benchmark"].index(b))
        for m, b in zip(table["model"], table["benchmark"], strict=True)
    )
    for c, (m, j) in enumerate(cells):
        expected = sizes[m, j] + values["cell_effect"][c]
        assert found["log_effective_size"][c] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("kind", KINDS)
def test_every_effect_is_drawn_from_its_prior(kind):
    data = simulate(kind, seed=5, n_targets=12, n_families=5)
    spec = bd.DensityModel(reference_cell_scale=0.5).spec
    design = make_design(data, spec)
    model, priors = build_model(design), model_priors(design)
    of_map = ["map_logit_at_centre"] if kind == "scores only" else ["map_midpoint_loss"]
    maps = {name: priors[name].parameters for name in of_map}
    v = drawn_from_prior(model, seed=3, draws=4000)
    deviation = (
        design.arrays["cell_scale"] * v["cell_effect_sd"][:, design.arrays["cell_benchmark"]]
    )
    # Of three effects that add up to zero each has two thirds of the variance.
    rest = np.sqrt(2 / 3)
    standard = {
        "growth_rate": (v["growth_rate"] - 1.5) / 1.5,
        "log_density_level": v["log_density_level"] / 2.0,
        "size_slope": v["size_slope"] / 0.5,
        "benchmark_offset": v["benchmark_offset"] / v["benchmark_offset_sd"][:, None] / rest,
        "within_family_growth": v["within_family_growth"] / 3.0,
        "cell_effect_sd": (np.log(v["cell_effect_sd"]) - v["cell_effect_sd_mean"][:, None])
        / v["cell_effect_sd_sd"][:, None],
        "source_noise_exponent": (v["source_noise_exponent"] - 0.3) / 0.3,
        "source_noise_tilt": v["source_noise_tilt"],
        "growth_rate_deviation": v["growth_rate_deviation"] / v["growth_rate_sd"][:, None] / rest,
        "size_slope_deviation": v["size_slope_deviation"] / v["size_slope_sd"][:, None] / rest,
        "family_effect": v["family_effect"] / v["family_effect_sd"][:, None],
        "family_benchmark_effect": v["family_benchmark_effect"]
        / v["family_benchmark_effect_sd"][:, None, None],
        "model_effect": v["model_effect"] / v["model_effect_sd"][:, None],
        "reference_effect": v["reference_effect"] / 0.1,
        "cell_effect": v["cell_effect"] / deviation,
    }
    standard |= {name: (v[name] - p["mu"]) / p["sigma"] for name, p in maps.items()}
    for name, values in standard.items():
        flat = values.reshape(len(values), -1)
        # Five standard errors, of each of up to fifty means, variances and tails.
        assert flat.mean(axis=0) == pytest.approx(0.0, abs=5 / np.sqrt(4000)), name
        assert flat.var(axis=0) == pytest.approx(1.0, abs=5 * np.sqrt(2 / 4000)), name
        outside = (np.abs(flat) > 1.96).mean(axis=0)
        assert outside == pytest.approx(0.05, abs=5 * np.sqrt(0.05 * 0.95 / 4000)), name
    every = np.column_stack([v.reshape(4000, -1)[:, 0] for v in standard.values()])
    between = np.corrcoef(every.T) - np.eye(every.shape[1])
    assert np.abs(between).max() < 5 / np.sqrt(4000)


def test_offsets_of_harnesses_are_zero_sum_where_they_measured():
    """Harness b never measured y, and z was measured by one harness only."""
    from scipy import stats

    from bayesdense.model.observation import partial_zero_sum_random
    from bayesdense.model.zero_sum import PartialZeroSum, partial_zero_sum_logp

    measured = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]], dtype=float)
    sd = np.array([0.5, 2.0, 1.0])
    drawn = partial_zero_sum_random(sd, measured, np.random.default_rng(1), (20_000,))
    assert np.abs(drawn.sum(axis=1)).max() < 1e-12
    assert not drawn[:, measured == 0].any() and not drawn[:, 0, 2].any()
    expected = sd * np.sqrt(1 - 1 / measured.sum(axis=0))
    assert drawn.std(axis=0)[0] == pytest.approx(expected, rel=0.03)
    # One direction of y, two of x: the density along orthonormal directions.
    transform = PartialZeroSum(measured > 0)
    free = transform.forward(pt.constant(drawn[0])).eval(mode="FAST_COMPILE")
    assert free.shape == (3,)
    assert transform.backward(pt.constant(free)).eval(mode="FAST_COMPILE") == pytest.approx(
        drawn[0]
    )
    found = partial_zero_sum_logp(*map(pt.constant, (drawn[0], sd, measured)))
    along = stats.norm.logpdf(free, scale=[0.5, 0.5, 2.0]).sum()
    assert found.eval(mode="FAST_COMPILE") == pytest.approx(along)


def test_scores_by_hand(built):
    """Expected scores are eq. 3 after eq. 2, and the likelihood has the offset inside the map."""
    kind, data, design, model = built
    values = random_values(model, seed=1)
    found = evaluate(model, values, ["log_effective_size", "expected_score", "expected_loss"])
    score = next(v for v in model.observed_RVs if v.name == "score")
    # The parameters of the distribution: after the generator and the size.
    replace = [(model[name], np.asarray(value, dtype=float)) for name, value in values.items()]
    mean = pytensor.function(
        [], score.owner.inputs[2], givens=replace, on_unused_input="ignore", mode="FAST_COMPILE"
    )()
    benchmarks = design.coords["benchmark"]
    offset = values["harness_offset"]
    assert offset.sum(axis=0) == pytest.approx(0.0, abs=1e-12)
    tokens = data.models.set_index("model")["n_tokens"]
    sizes = data.models.set_index("model")["n_params"]
    losses = data.losses.set_index(["model", "loss_set"])["loss"]
    runs = list(design.coords["reference"])
    suffix = "_with_losses" if kind == "some of each" else ""
    terms = laws.get("power-sum").terms
    for s, row in enumerate(design.scores.to_dict("records")):
        j = benchmarks.index(row["benchmark"])
        x = found["log_effective_size"][row["cell"]] - design.log_size_centre
        if design.has_losses[j]:
            k = design.ruler[j]
            budget = tokens[row["model"]] if row["model"] in runs else 1e12
            z = np.log(budget) - design.log_tokens_centre
            a, b = (values[f"{name}{suffix}"][k] for name in terms)
            alpha, beta = (values[f"{name}{suffix}"][k] for name in ("alpha", "beta"))
            loss = a * np.exp(-alpha * x) + b * np.exp(-beta * z)
            if row["model"] in runs:
                measured = losses.loc[(row["model"], f"{row['benchmark']} loss")]
                own = np.log(sizes.loc[row["model"]]) - design.log_size_centre
                fall = alpha * a * np.exp(-alpha * own)
                loss = measured - fall * values["cell_effect"][row["cell"]]
            where = int(np.flatnonzero(np.flatnonzero(design.has_losses) == j)[0])
            gamma = values["map_steepness"][where]
            logit = gamma * (values["map_midpoint_loss"][where] - loss)
        else:
            where = int(np.flatnonzero(np.flatnonzero(~design.has_losses) == j)[0])
            name = "_scores_only" if kind == "some of each" else ""
            alpha = values[f"alpha{name}"][where]
            q = (1 - np.exp(-alpha * x)) / alpha
            logit = values[f"map_logit_at_centre{name}"][where]
            logit += values[f"map_slope_at_centre{name}"][where] * q
            loss = -q
        floor = values["map_floor"][j]
        span = (1 - floor) * values["ceiling_share"][j]
        assert found["expected_loss"][row["cell"]] == pytest.approx(loss, rel=1e-9, abs=1e-9)
        on_average = floor + span * expit(logit)
        assert found["expected_score"][row["cell"]] == pytest.approx(on_average, abs=1e-9)
        logit += offset[design.coords["harness"].index(row["harness"]), j]
        assert mean[s] == pytest.approx(floor + span * expit(logit), abs=1e-9)


def test_do_and_observe_and_the_graph_work_on_the_model_as_it_is():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5)
    model = bd.DensityModel().build(data)
    options = {"compile_kwargs": {"mode": "FAST_COMPILE"}, "random_seed": 1}
    with pm.do(model, {"growth_rate": 0.0}):
        drawn = pm.sample_prior_predictive(20, **options)
    assert (
        "growth_rate" not in drawn["prior"] and drawn["prior_predictive"]["score"].notnull().all()
    )
    years = model["target_years"].get_value()
    assert np.ptp(years) > 0.5
    with pm.observe(model, {"growth_rate": np.array(2.0)}):
        drawn = pm.sample_prior_predictive(20, **options)
        again = pm.sample_posterior_predictive(
            xr.DataTree.from_dict({"posterior": drawn["prior"].to_dataset()}),
            var_names=["score"],
            progressbar=False,
            **options,
        )
    assert again["posterior_predictive"]["score"].shape == (1, 20, len(data.scores))
    graph = pm.model_to_graphviz(model).source
    for plate in ("cell", "score_id", "benchmark", "model", "family (5) x benchmark (3)"):
        assert plate in graph
    data_nodes = set(re.findall(r"(\w+)\s+\[label=\"\w+\n~\nData\"", graph.replace("\\n", "\n")))
    assert data_nodes == {"target_years", "relative_log_size", "cell_items"}


def test_the_model_is_plain_pymc_with_named_dimensions(built):
    _, data, _, model = built
    assert isinstance(model, pm.Model)
    assert model.named_vars_to_dims["log_density"] == ("model",)
    with model:
        prior = pm.sample_prior_predictive(
            20, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
        )
    scores = prior["prior_predictive"]["score"]
    assert np.isfinite(scores).all()
    assert scores.sizes["score_id"] == len(data.scores)


SWITCHES = {
    "growth": ("common", "growth_rate_deviation"),
    "level": ("common", "benchmark_offset"),
    "size_slope": ("none", "size_slope"),
    "families": (False, "family_effect"),
    "harness_offsets": (False, "harness_offset"),
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_each_switch_removes_its_own_parameters(switch):
    value, parameter = SWITCHES[switch]
    data = simulate("scores only", seed=5, n_targets=12, n_families=5)
    names = {v.name for v in bd.DensityModel().build(data).free_RVs}
    less = {v.name for v in bd.DensityModel(**{switch: value}).build(data).free_RVs}
    assert parameter in names - less
    assert less < names


def test_the_pooled_form_is_one_argument_and_keeps_single_overrides():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5)
    names = {v.name for v in bd.DensityModel(form="pooled").build(data).free_RVs}
    assert names == {
        *(
            "alpha",
            "map_logit_at_centre",
            "map_slope_at_centre",
            "map_floor",
            "ceiling_share",
            "cell_effect_sd",
            "source_noise_sd",
        ),
        *(
            "growth_rate",
            "log_density_level",
            "model_effect_sd",
            "model_effect",
            "cell_effect",
            "reference_effect",
        ),
    }
    spec = bd.DensityModel(form="pooled", harness_offsets=True).spec
    assert (spec.harness_offsets, spec.families) == (True, False)


def test_one_benchmark_has_no_differences_between_benchmarks():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5).select(benchmarks="know")
    names = {v.name for v in bd.DensityModel().build(data).free_RVs}
    assert not names & {
        "growth_rate_deviation",
        "benchmark_offset",
        "size_slope_deviation",
        "family_benchmark_effect",
        "growth_rate_sd",
    }
    assert {"size_slope", "family_effect"} <= names


def test_priors_are_shown_and_replaced_by_name():
    data = simulate("losses and scores", seed=5, n_targets=12, n_families=5)
    model = bd.DensityModel(
        cell_spread="separate", priors={"cell_effect_sd": bd.Prior("HalfNormal", sigma=1.0)}
    )
    shown = model.priors(data)
    # What varies around a common mean has no prior of its own, and the message says so.
    for name, switch in (
        ("cell_effect_sd", "cell_spread='separate'"),
        ("benchmark_offset", "level='by-benchmark'"),
    ):
        own = {name: bd.Prior("HalfNormal", sigma=1.0)}
        with pytest.raises(bd.PriorError, match=f"{switch} gives it one of its own"):
            bd.DensityModel(priors=own).build(data)
    with pytest.raises(bd.PriorError, match="exponents='separate' gives it one"):
        own = {"alpha": bd.Prior("HalfNormal", sigma=1.0)}
        bd.DensityModel(priors=own).build(simulate("scores only", seed=5))
    assert shown["cell_effect_sd"] == bd.Prior("HalfNormal", sigma=1.0)
    assert shown["growth_rate"] == bd.Prior("Normal", mu=1.5, sigma=1.5)
    with pytest.raises(bd.PriorError, match="did you mean 'alpha_mean'"):
        bd.DensityModel(priors={"alpha_maen": bd.Prior("HalfNormal", sigma=1.0)}).build(data)
    prior = bd.Prior("StudentT", nu=4, mu=0, sigma=1)
    for name in ("map_midpoint_loss", "benchmark_offset"):
        with pytest.raises(bd.PriorError, match=f"'{name}' must be Normal"):
            bd.DensityModel(level="by-benchmark", priors={name: prior}).build(data)
    prior = bd.Prior("Normal", mu=0, sigma=[1, 1, 2])
    with pytest.raises(bd.PriorError, match="'benchmark_offset' takes one value of each parameter"):
        bd.DensityModel(level="by-benchmark", priors={"benchmark_offset": prior}).build(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"law": "power"}, "did you mean 'power-sum'"),
        ({"score_map": "probit"}, "unknown score map"),
        ({"trend": "lineer"}, "did you mean 'linear'"),
        ({"size": "bits"}, "unknown size definition"),
        ({"form": "paper"}, "'full', 'first-edition', 'pooled'"),
        ({"growth": "none"}, "'by-benchmark', 'common'"),
        ({"size_slope": True}, "'by-benchmark', 'common', 'none'"),
        ({"families": "yes"}, "families must be True, False or .nested."),
        ({"observation": "cauchy"}, "'normal', 'student-t'"),
        ({"reference_residual": 0}, "above 0"),
        ({"d0": float("inf")}, "finite number"),
        ({"d0": "1e12"}, "must be a number"),
        ({"priors": [1]}, "dict of parameter name"),
    ],
)
def test_bad_settings_say_what_is_allowed(options, message):
    with pytest.raises(bd.BayesdenseError, match=message):
        bd.DensityModel(**options)


def test_settings_survive_plain_values():
    from bayesdense.spec import ModelSpec

    model = bd.DensityModel(
        trend=bd.trends.ChangePoint("2024-01-01"),
        priors={"ceiling_share": bd.Prior("Beta", alpha=9, beta=1)},
    )
    again = ModelSpec.from_dict(model.spec.to_dict())
    assert again.to_dict() == model.spec.to_dict()
    assert "ChangePoint('2024-01-01')" in repr(model)
    assert repr(bd.DensityModel(form="pooled", d0=1e11)) == (
        "DensityModel(form='pooled', d0=100000000000.0)"
    )
    assert repr(bd.DensityModel(families=False)) == "DensityModel(families=False)"


def test_reference_runs_with_losses_need_tokens():
    data = simulate("losses and scores", seed=5, n_targets=12, n_families=5)
    models = data.models.assign(n_tokens=data.models["n_tokens"].where(data.models.index != 12))
    broken = bd.Dataset.from_frames(
        models=models, benchmarks=data.benchmarks, scores=data.scores, losses=data.losses
    )
    with pytest.raises(bd.ReadinessError, match="column 'n_tokens': 1 reference runs"):
        bd.DensityModel().build(broken)


@pytest.mark.sampling
@pytest.mark.parametrize(
    "options",
    [{"observation": "student-t"}, {"trend": "change-point"}, {"trend": "frontier"}],
    ids=lambda o: next(iter(o.values())),
)
def test_other_forms_build_with_a_finite_density(options):
    data = simulate("some of each", seed=5, n_targets=12, n_families=5)
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        point = bd.DensityModel(**options).build(data).point_logps()
    assert np.isfinite(list(point.values())).all()


def undated(kind):
    """Return data in which one target of twelve has no date."""
    data = simulate(kind, seed=5, n_targets=12, n_families=5)
    models = data.models
    models.loc[2, "release_date"] = pd.NaT
    parts = {"benchmarks": data.benchmarks, "scores": data.scores, "losses": data.losses}
    return bd.Dataset.from_frames(models=models, name="undated", **parts)


@pytest.mark.sampling
def test_targets_without_a_date_have_a_density_of_their_own():
    model = bd.DensityModel().build(undated("scores only"))
    assert list(model.coords["undated_target"]) == ["target 2"]
    found = evaluate(model, random_values(model) | {"undated_log_density": [4.5]}, ["log_density"])
    assert found["log_density"][11] == 4.5  # targets with a date come first
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        assert np.isfinite(list(model.point_logps().values())).all()
