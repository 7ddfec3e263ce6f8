"""The PyMC model says what docs/model.md says: eq. 1 to 5 recomputed by hand at one point."""

import numpy as np
import pandas as pd
import pymc as pm
import pytensor
import pytest
from scipy.special import expit

import bayesdense as bd
from bayesdense.build import build_model, lay_out
from bayesdense.build.model import model_priors
from bayesdense.sampler.backend.compile_cache import initial_values
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
    """Return a value near zero, or near one for positive variables, for each free variable."""
    random = np.random.default_rng(seed)
    point = model.initial_point(0)
    values = {}
    for variable in model.free_RVs:
        shape = np.shape(point[model.rvs_to_values[variable].name])
        bounded = model.rvs_to_transforms.get(variable) is not None
        values[variable.name] = random.uniform(0.1, 0.6, shape) * (1 if bounded else 1.5)
    return values


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
    layout = lay_out(data, model.spec)
    return request.param, data, layout, build_model(layout, model.spec)


EFFECTS = ["A", "B", "lambda", "o", "A_j", "lambda_j", "f", "f2", "v"]


def by_hand(kind, data, layout, values):
    """Recompute log density and the effective size of every cell, row by row."""
    v = values
    count = len(layout.coords["benchmark"])
    offsets, family, family_benchmark = v["o"], v["f"], v["f2"]
    rates, slopes = v["A_j"] - v["A"], v["lambda_j"] - v["lambda"]
    for effects in (offsets, rates, slopes):
        assert effects.sum() == pytest.approx(0.0, abs=1e-12) and np.ptp(effects) > 0.01
    families = list(layout.coords["family"])
    sizes = []
    density = []
    t0 = np.datetime64(layout.origin)
    targets = [m for m in layout.coords["target"]]
    rows = data.models.set_index("model")
    for i, name in enumerate(targets):
        row = rows.loc[name]
        years = (row["release_date"].to_datetime64() - t0) / np.timedelta64(86400, "s") / 365.25
        lean = np.log(row["n_params"] / 2e10)
        f = families.index(row["family"])
        value = v["B"] + v["A"] * years + v["lambda"] * lean
        value += family[f] + v["v"][i]
        density.append(value)
        extra = offsets + rates * years + slopes * lean + family_benchmark[f]
        sizes.append(np.log(row["n_params"]) + value + extra)
    for i, name in enumerate(layout.coords["reference"]):
        density.append(0.1 * v["reference_raw"][i])
        sizes.append(np.full(count, np.log(rows.loc[name, "n_params"]) + density[-1]))
    return np.array(density), np.array(sizes)


def test_density_and_effective_size_by_hand(built):
    kind, data, layout, model = built
    values = random_values(model)
    found = evaluate(model, values, [*EFFECTS, "cell_deviation", "ln_density", "cell_ln_size"])
    density, sizes = by_hand(kind, data, layout, values | found)
    assert found["ln_density"] == pytest.approx(density, abs=1e-10)
    names = layout.coords["model"]
    table = data.scores.drop_duplicates(["model", "benchmark"])
    cells = sorted(
        (names.index(m), layout.coords["benchmark"].index(b))
        for m, b in zip(table["model"], table["benchmark"], strict=True)
    )
    for c, (m, j) in enumerate(cells):
        expected = sizes[m, j] + found["cell_deviation"][c]
        assert found["cell_ln_size"][c] == pytest.approx(expected, abs=1e-10)


def test_the_density_of_the_logarithm_of_a_term():
    from scipy import stats

    from bayesdense.build.coefficients import log_term_logp, log_term_random

    value = np.array([-1.0, 0.4])
    location, scale, half = np.array([0.2, 0.0]), np.array([1.3, 2.0]), np.array([0.0, 1.0])
    found = log_term_logp(value, location, scale, half, 0.0 * half).eval()
    # The second: half-normal on the number, times the number for the change of variable.
    expected = [
        stats.norm(0.2, 1.3).logpdf(-1.0),
        stats.halfnorm(scale=2.0).logpdf(np.exp(0.4)) + 0.4,
    ]
    assert found == pytest.approx(expected, abs=1e-12)
    drawn = log_term_random(location, scale, half, 0.0 * half, size=(40_000, 2))
    assert np.exp(drawn[:, 1]).mean() == pytest.approx(2.0 * np.sqrt(2 / np.pi), rel=0.03)
    assert drawn[:, 0].std() == pytest.approx(1.3, rel=0.03)


@pytest.mark.parametrize("spread", [0.01, 0.3, 5.0])
def test_units_of_an_effect_do_not_change_its_distribution(spread):
    """Wherever data put it and however well: Normal(0, scale)."""
    from bayesdense.build.effects import scaled_normal

    with pm.Model(coords={"i": range(20_000)}):
        plain = scaled_normal("p", spread, 100.0, "i")
        moved = scaled_normal("m", spread, 100.0, "i", around=0.7)
        draws = pm.draw([plain, moved], random_seed=3)
    for values in draws:
        assert values.mean() == pytest.approx(0.0, abs=0.05 * spread)
        assert values.std() == pytest.approx(spread, rel=0.03)


@pytest.mark.parametrize("kind", KINDS)
def test_anchors_move_with_the_ruler_and_change_no_prior(kind):
    """Where scores put cells and levels says how to sample them, never what they are."""
    data = simulate(kind, seed=5, n_targets=12, n_families=5)
    spec = bd.DensityModel(reference_cell_scale=0.5).spec
    model = build_model(lay_out(data, spec), spec)
    scales = ["sigma_f", "sigma_fj", "sigma_v", "sigma_A", "sigma_lambda", "tau"]
    priors = model_priors(lay_out(data, spec), spec)
    # The map: its pivot is sampled as what the references' harnesses see of it.
    of_map = ["pi"] if kind == "scores only" else ["l"]
    maps = {name: priors[name].parameters for name in of_map}
    names = [*EFFECTS, "cell_deviation", *scales, *maps]
    drawn = pm.draw([model[name] for name in names], draws=4000, random_seed=3, mode="FAST_COMPILE")
    v = dict(zip(names, drawn, strict=True))
    layout = lay_out(data, spec)
    tau = v["tau"][:, layout.arrays["cell_benchmark"]]
    # Of three effects that add up to zero each has two thirds of the variance.
    rest = np.sqrt(2 / 3)
    standard = {
        "A": (v["A"] - 1.5) / 1.5,
        "B": v["B"] / 2.0,
        "lambda": v["lambda"] / 0.5,
        "o": v["o"] / rest,
        "A_j": (v["A_j"] - v["A"][:, None]) / v["sigma_A"][:, None] / rest,
        "lambda_j": (v["lambda_j"] - v["lambda"][:, None]) / v["sigma_lambda"][:, None] / rest,
        "f": v["f"] / v["sigma_f"][:, None],
        "f2": v["f2"] / v["sigma_fj"][:, None, None],
        "v": v["v"] / v["sigma_v"][:, None],
        "cell_deviation": v["cell_deviation"] / (np.exp(layout.arrays["cell_log_scale"]) * tau),
    }
    standard |= {name: (v[name] - p["mu"]) / p["sigma"] for name, p in maps.items()}
    assert maps
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


def test_contrasts_are_the_zero_sum_normal_and_independent_in_information():

    from bayesdense.build.coordinates import contrasts

    error = np.array([0.1, 0.4, 0.2, 0.05])
    basis, along = contrasts(error)
    projection = np.eye(4) - np.full((4, 4), 0.25)
    assert basis @ basis.T == pytest.approx(projection, abs=1e-12)
    information = basis.T @ np.diag(error**-2) @ basis
    assert information == pytest.approx(np.diag(along**-2), abs=1e-9)


def test_offsets_of_harnesses_are_zero_where_they_never_measured():
    """Harness b never measured y, and z was measured by one harness only."""
    from bayesdense.build.coordinates import _harness_contrasts

    measured = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]], dtype=bool)
    found = _harness_contrasts(np.array([25 * np.eye(3)] * 3), measured)
    assert found["harness_contrast_benchmark"].tolist() == [0, 0, 1]
    rows = found["harness_basis"].reshape(3, 3, 3)
    assert np.abs(rows.sum(axis=0)).max() < 1e-12
    assert not rows[~measured].any()
    assert np.abs(rows[[0, 2], 1, 2]) == pytest.approx(np.sqrt(0.5))


def test_scores_by_hand(built):
    """The likelihood's mean is eq. 3 after eq. 2 with the offset inside the map."""
    kind, data, layout, model = built
    values = random_values(model, seed=1)
    found = evaluate(model, values, ["cell_ln_size"])["cell_ln_size"]
    deviation = values["cell_deviation"]
    random_variable = next(v for v in model.observed_RVs if v.name == "score")
    # The parameters of the distribution: the last five inputs that are not the generator.
    inputs = random_variable.owner.inputs
    means = [i for i in inputs if getattr(i.type, "ndim", 0) == 1 and "float" in i.type.dtype]

    replace = [(model[name], np.asarray(value, dtype=float)) for name, value in values.items()]
    mean = pytensor.function(
        [], means[0], givens=replace, on_unused_input="ignore", mode="FAST_COMPILE"
    )()
    benchmarks = layout.coords["benchmark"]
    # Two harnesses on every benchmark: one contrast each.
    eta = (layout.arrays["harness_basis"] @ values["eta_contrast"]).reshape(2, len(benchmarks))
    assert eta.sum(axis=0) == pytest.approx(0.0, abs=1e-12)
    tokens = data.models.set_index("model")["n_tokens"]
    sizes = data.models.set_index("model")["n_params"]
    losses = data.losses.set_index(["model", "loss_set"])["loss"]
    runs = [n for n in layout.coords["reference"]]
    for s, row in enumerate(layout.scores.to_dict("records")):
        j = benchmarks.index(row["benchmark"])
        x = found[row["cell"]] - layout.log_size_centre
        if layout.has_losses[j]:
            k = layout.ruler[j]
            budget = tokens[row["model"]] if row["model"] in runs else 1e12
            z = np.log(budget) - layout.log_tokens_centre
            log_a, log_b = values["log_terms"][k]
            exponents = {}
            for symbol in ("alpha", "beta"):
                centre = values[f"{symbol}_mean"]
                exponents[symbol] = np.exp(centre + values[f"{symbol}_deviation"][k])
            loss = np.exp(log_a - exponents["alpha"] * x)
            loss += np.exp(log_b - exponents["beta"] * z)
            if row["model"] in runs:
                measured = losses.loc[(row["model"], f"{row['benchmark']} loss")]
                own = np.log(sizes.loc[row["model"]]) - layout.log_size_centre
                fall = exponents["alpha"] * np.exp(log_a - exponents["alpha"] * own)
                stray = deviation[row["cell"]]
                loss = measured - fall * stray
            where = int(np.flatnonzero(np.flatnonzero(layout.has_losses) == j)[0])
            gamma, pivot = values["gamma"][where], values["pivot"][where]
            midpoint = layout.lowest_loss[k] + pivot / gamma
            logit = gamma * (midpoint - loss)
        else:
            where = int(np.flatnonzero(np.flatnonzero(~layout.has_losses) == j)[0])
            name = "_scores_only" if kind == "some of each" else ""
            alpha = values[f"alpha{name}"][where]
            q = (1 - np.exp(-alpha * x)) / alpha
            logit = values[f"pi{name}"][where] + values[f"s{name}"][where] * q
        logit += eta[layout.coords["harness"].index(row["harness"]), j]
        floor = values["d"][j]
        span = (1 - floor) * values["u"][j]
        assert mean[s] == pytest.approx(floor + span * expit(logit), abs=1e-9)


def test_the_model_is_plain_pymc_with_named_dimensions(built):
    _, data, _, model = built
    assert isinstance(model, pm.Model)
    assert model.named_vars_to_dims["ln_density"] == ("model",)
    with model:
        prior = pm.sample_prior_predictive(
            20, random_seed=1, compile_kwargs={"mode": "FAST_COMPILE"}
        )
    scores = prior["prior_predictive"]["score"]
    assert np.isfinite(scores).all()
    assert scores.sizes["score_id"] == len(data.scores)


SWITCHES = {
    "growth": ("common", "A_contrast"),
    "level": ("common", "o_contrast"),
    "size_slope": ("none", "lambda"),
    "families": (False, "f"),
    "harness_offsets": (False, "eta_contrast"),
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
        *("alpha", "pi", "s", "d", "u", "tau", "phi"),
        *("A", "B", "sigma_v", "v", "cell_deviation", "reference_raw"),
    }
    spec = bd.DensityModel(form="pooled", harness_offsets=True).spec
    assert (spec.harness_offsets, spec.families) == (True, False)


def test_one_benchmark_has_no_differences_between_benchmarks():
    data = simulate("scores only", seed=5, n_targets=12, n_families=5).select(benchmarks="know")
    names = {v.name for v in bd.DensityModel().build(data).free_RVs}
    assert not names & {"A_contrast", "o_contrast", "lambda_contrast", "f2", "sigma_A"}
    assert {"lambda", "f"} <= names


def test_priors_are_shown_and_replaced_by_name():
    data = simulate("losses and scores", seed=5, n_targets=12, n_families=5)
    model = bd.DensityModel(priors={"tau": bd.Prior("HalfNormal", sigma=1.0)})
    shown = model.priors(data)
    assert shown["tau"] == bd.Prior("HalfNormal", sigma=1.0)
    assert shown["A"] == bd.Prior("Normal", mu=1.5, sigma=1.5)
    with pytest.raises(bd.PriorError, match="did you mean 'alpha_mean'"):
        bd.DensityModel(priors={"alpha_maen": bd.Prior("HalfNormal", sigma=1.0)}).build(data)
    prior = bd.Prior("StudentT", nu=4, mu=0, sigma=1)
    for name in ("l", "o"):
        with pytest.raises(bd.PriorError, match=f"'{name}' must be Normal"):
            bd.DensityModel(priors={name: prior}).build(data)
    prior = bd.Prior("Normal", mu=0, sigma=[1, 1, 2])
    with pytest.raises(bd.PriorError, match="'o' has one sigma for all"):
        bd.DensityModel(priors={"o": prior}).build(data)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"law": "power"}, "did you mean 'power-sum'"),
        ({"score_map": "probit"}, "unknown score map"),
        ({"trend": "lineer"}, "did you mean 'linear'"),
        ({"size": "bits"}, "unknown size definition"),
        ({"form": "paper"}, "'full', 'pooled'"),
        ({"growth": "none"}, "'by-benchmark', 'common'"),
        ({"size_slope": True}, "'by-benchmark', 'common', 'none'"),
        ({"families": "yes"}, "families must be True or False"),
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
        trend=bd.trends.ChangePoint("2024-01-01"), priors={"u": bd.Prior("Beta", alpha=9, beta=1)}
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


def test_targets_without_a_date_have_a_density_of_their_own():
    model = bd.DensityModel().build(undated("scores only"))
    assert list(model.coords["undated_target"]) == ["target 2"]
    found = evaluate(model, random_values(model) | {"undated": [4.5]}, ["ln_density"])
    assert found["ln_density"][11] == 4.5  # targets with a date come first
    with pytensor.config.change_flags(mode="FAST_COMPILE"):
        assert np.isfinite(list(model.point_logps().values())).all()


@pytest.mark.parametrize("kind", KINDS)
def test_targets_without_a_date_move_with_the_ruler_and_keep_their_prior(kind):
    """Sampled as they are, all of them would have to follow every move of the ruler."""
    data = undated(kind)
    spec = bd.DensityModel().spec
    model = build_model(lay_out(data, spec), spec)
    drawn = pm.draw(model["undated"], draws=4000, random_seed=3, mode="FAST_COMPILE") / 3.0
    assert drawn.mean() == pytest.approx(0.0, abs=5 / np.sqrt(4000))
    assert drawn.var() == pytest.approx(1.0, abs=5 * np.sqrt(2 / 4000))

    # With the coordinate kept, the density follows the scores when the map is another.
    transform, inputs = model.rvs_to_transforms[model["undated"]], model["undated"].owner.inputs
    with model:
        pm.Deterministic("at_zero", transform.backward(np.zeros(1), *inputs))
        pm.Deterministic("rate", inputs[-2])
    # Little noise, and models that stray little: scores know the density better than the prior.
    values = initial_values(model)
    values |= {name: np.full_like(values[name], v) for name, v in (("phi", 0.01), ("tau", 0.3))}
    pivots = values.keys() & {"pi", "pivot", "pi_scores_only"}
    higher = values | {name: values[name] + 0.3 for name in pivots}
    before, after = (evaluate(model, v, ["at_zero", "rate"]) for v in (values, higher))
    assert before["rate"] > 1.5
    # Sampled as it is, the density would not move at all.
    assert (after["at_zero"] < before["at_zero"] - 0.1).all()


def test_a_run_is_counted_from_the_loss_that_it_had():
    """Its score is read at that loss: what the law says of its size has no part in it."""
    data = simulate("losses and scores", seed=5, n_targets=12, n_families=5)
    spec = bd.DensityModel().spec
    layout = lay_out(data, spec)
    model = build_model(layout, spec)
    stray = model["cell_deviation"]
    with model:
        at_zero = model.rvs_to_transforms[stray].backward(
            pm.math.zeros_like(stray), *stray.owner.inputs
        )
        pm.Deterministic("at_zero", at_zero)
    # Models may stray far, and scores have little noise, so that they alone say where a run is.
    values = initial_values(model)
    values |= {name: np.full_like(values[name], v) for name, v in (("phi", 0.01), ("tau", 30.0))}
    before = evaluate(model, values, ["at_zero"])["at_zero"]
    # With terms of the law larger by a tenth all losses, and how fast they fall, are so too.
    larger = values | {"log_terms": values["log_terms"] + np.log(1.1)}
    after = evaluate(model, larger, ["at_zero"])["at_zero"]
    seen = layout.arrays["cell_loss_seen"] > 0
    assert seen.sum() > 20
    assert after[seen] == pytest.approx(before[seen] / 1.1, rel=0.05, abs=0.02)
    assert np.abs(after[~seen] - before[~seen]).min() > 0.1
