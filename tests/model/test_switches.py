"""What each switch of the model adds, recomputed by hand; each alone, and the rest as it was."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit

import bayesdense as bd
from bayesdense.model import build_model, make_design, model_priors
from bayesdense.model.dates import years_of
from bayesdense.model.observation import expected_scores, harness_shift, source_sd
from bayesdense.model.ruler import Ruler
from bayesdense.posterior.draws import Draws
from bayesdense.posterior.prior_variables import variables_of_prior
from bayesdense.tables.envelope import replicated_log_density
from tests.fake import fake
from tests.joint import drawn_from_prior, log_densities
from tests.model.test_build import evaluate, random_values
from tests.simulate import (
    KINDS,
    simulate,
    with_developers,
    with_losses_of_one_benchmark,
)


def built(kind=KINDS[0], **options):
    """Return design and PyMC model of simulated data under the first edition and a switch."""
    data = with_developers(simulate(kind, seed=5, n_targets=12, n_families=5))
    design = make_design(data, bd.DensityModel(form="first-edition", **options).spec)
    return design, build_model(design)


def names_of(model):
    return {str(v.name) for v in model.free_RVs}


ADDED = [
    ({"exponents": "pooled"}, {"alpha_mean", "alpha_sd"}),
    ({"cell_spread": "pooled"}, {"cell_effect_sd_mean", "cell_effect_sd_sd"}),
    ({"level": "pooled"}, {"benchmark_offset_sd"}),
    ({"noise": "by-score"}, {"source_noise_exponent", "source_noise_tilt"}),
    ({"within_families": True}, {"within_family_growth"}),
    ({"date_sd": 1.5}, {"date_error"}),
    ({"harness_drift": "house"}, {"harness_drift"}),
    ({"size": "blend"}, {"active_weight"}),
    (
        {"families": "nested"},
        {"developer_effect", "developer_effect_sd"}
        | {"developer_benchmark_effect", "developer_benchmark_effect_sd"},
    ),
]


@pytest.mark.parametrize(("options", "added"), ADDED, ids=[next(iter(o)) for o, _ in ADDED])
def test_each_switch_adds_its_own_parameters_and_takes_none_away(options, added):
    _, before = built()
    _, after = built(**options)
    assert names_of(after) - names_of(before) == added
    assert names_of(before) <= names_of(after)
    # Every new one says what it is.
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    assert added - {n for n in added if n.endswith("_effect")} - {"date_error"} <= set(
        bd.DensityModel(**options).priors(with_developers(data))
    )


@pytest.mark.parametrize("ending", ["", "_scores_only"])
def test_pooled_exponents_vary_around_a_common_mean(ending):
    data = simulate(KINDS[1] if ending else KINDS[0], seed=5, n_targets=12, n_families=5)
    if ending:
        data = with_losses_of_one_benchmark(data)
    design = make_design(data, bd.DensityModel(exponents="pooled").spec)
    model = build_model(design)
    values = drawn_from_prior(model, seed=2)
    mean, sd = values[f"alpha_mean{ending}"], values[f"alpha_sd{ending}"]
    alpha = values[f"alpha{ending}"]
    assert len(alpha) == (2 if ending else 3)
    found = log_densities(model, values)[f"alpha{ending}"]
    assert found == pytest.approx(stats.lognorm.logpdf(alpha, sd, scale=np.exp(mean)).sum())
    # A third of the exponents that losses have: an infinitely large reference scores well.
    prior = model_priors(design)[f"alpha_mean{ending}"]
    assert np.exp(prior.parameters["mu"]) == pytest.approx(0.1)


def test_one_benchmark_with_scores_only_has_an_exponent_of_its_own():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5).select(benchmarks="know")
    names = names_of(bd.DensityModel(exponents="pooled", cell_spread="pooled").build(data))
    assert "alpha" in names and not {"alpha_mean", "cell_effect_sd_mean"} & names


def test_a_law_without_an_exponent_has_nothing_to_pool():
    _, model = built(law="log-linear", exponents="pooled")
    assert not any("mean" in name for name in names_of(model))


def test_pooled_spreads_of_cells_and_levels():
    _, model = built(cell_spread="pooled", level="pooled")
    values = drawn_from_prior(model, seed=2)
    found = log_densities(model, values)
    mean, sd = values["cell_effect_sd_mean"], values["cell_effect_sd_sd"]
    of_tau = stats.lognorm.logpdf(values["cell_effect_sd"], sd, scale=np.exp(mean)).sum()
    assert found["cell_effect_sd"] == pytest.approx(of_tau)
    offset, scale = values["benchmark_offset"], values["benchmark_offset_sd"]
    # Of J effects that add up to zero, J - 1 are free.
    free = len(offset) - 1
    by_hand = -0.5 * (offset**2).sum() / scale**2 - free * np.log(scale * np.sqrt(2 * np.pi))
    assert found["benchmark_offset"] == pytest.approx(by_hand)


def test_families_of_a_developer_have_something_in_common():
    options = {"families": "nested"}
    design, model = built(**options)
    values = random_values(model, seed=1)
    names = ["log_density", "benchmark_difference"]
    found = evaluate(model, values, names)
    without = {
        name: np.zeros_like(v) if name.startswith("developer") and "sd" not in name else v
        for name, v in values.items()
    }
    less = evaluate(model, without, names)
    developer = design.models.loc[~design.models["is_reference"], "developer"]
    assert design.coords["developer"] == list(dict.fromkeys(developer))
    code = [design.coords["developer"].index(d) for d in developer]
    added = (found["log_density"] - less["log_density"])[: len(code)]
    assert added == pytest.approx(values["developer_effect"][code])
    added = found["benchmark_difference"] - less["benchmark_difference"]
    assert added == pytest.approx(values["developer_benchmark_effect"][code])
    priors = model_priors(design)
    assert priors["developer_effect_sd"] == bd.Prior("HalfNormal", sigma=0.7)


def test_growth_within_families_is_that_of_the_distance_from_their_mean_date():
    design, model = built(within_families=True)
    values = random_values(model, seed=1)
    found = evaluate(model, values, ["log_density"])["log_density"]
    less = evaluate(model, values | {"within_family_growth": 0.0}, ["log_density"])["log_density"]
    targets = design.models[~design.models["is_reference"]]
    years = pd.Series(design.arrays["years"])
    by_family = years.groupby(targets["family"].to_numpy()).transform("mean")
    assert (years - by_family).abs().max() > 0.05
    expected = values["within_family_growth"] * (years - by_family)
    assert (found - less)[: len(targets)] == pytest.approx(expected.to_numpy(), abs=1e-10)


def test_wrong_dates_move_the_line_and_those_of_one_family_and_day_alike():
    design, model = built(date_sd=3.0, within_families=True)
    values = random_values(model, seed=1)
    v = values | {"growth_rate_deviation": np.zeros(3)}
    found = evaluate(model, v, ["log_density"])["log_density"]
    exact = v | {"date_error": np.zeros_like(v["date_error"])}
    less = evaluate(model, exact, ["log_density"])["log_density"]
    targets = design.models[~design.models["is_reference"]]
    release = targets["family"] + ", " + targets["release_date"].dt.strftime("%Y-%m-%d")
    assert set(design.coords["release"]) == set(release)
    error = pd.Series(v["date_error"], index=design.coords["release"])[release].to_numpy()
    within = error - pd.Series(error).groupby(targets["family"].to_numpy()).transform("mean")
    expected = v["growth_rate"] * error + v["within_family_growth"] * within
    assert (found - less)[: len(targets)] == pytest.approx(expected.to_numpy(), abs=1e-10)
    # Months are years in the model.
    errors = drawn_from_prior(model, seed=1, draws=2000)["date_error"]
    assert errors.std() == pytest.approx(0.25, rel=0.05)


def test_models_of_one_family_and_day_are_one_release():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    models = data.models.copy()
    first = models.index[~models["is_reference"]][0]
    same = models.index[models["family"].eq(models.loc[first, "family"])]
    models.loc[same, "release_date"] = models.loc[first, "release_date"]
    alike = bd.Dataset.from_frames(models=models, benchmarks=data.benchmarks, scores=data.scores)
    design = make_design(alike, bd.DensityModel(date_sd=1.0).spec)
    assert len(design.coords["release"]) == 12 - (len(same) - 1) and len(same) > 1


def test_a_model_counts_between_its_total_and_its_active_parameters():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    models = data.models.assign(n_active=data.models["n_params"])
    models.loc[0, "n_active"] = models.loc[0, "n_params"] / 8
    mixed = bd.Dataset.from_frames(models=models, benchmarks=data.benchmarks, scores=data.scores)
    design = make_design(mixed, bd.DensityModel(size="blend").spec)
    model = build_model(design)
    values = random_values(model, seed=1) | {"active_weight": np.array(1 / 3)}
    size = evaluate(model, values, ["log_size"])["log_size"]
    row = design.models["model"].tolist().index(models.loc[0, "model"])
    assert size[row] == pytest.approx(np.log(models.loc[0, "n_params"] / 2))
    others = np.delete(np.arange(len(size)), row)
    assert size[others] == pytest.approx(np.log(design.models["n_params"].to_numpy()[others]))


def test_a_drifting_harness_moves_its_scores_of_targets_and_no_others():
    design, model = built(harness_drift="house")
    values = drawn_from_prior(model, seed=2)
    drift = np.array([0.4, -0.2, 1.0])
    ruler = Ruler.of(values, design.arrays, design)
    a = design.arrays
    logit = ruler.logit(values["expected_loss"], a["cell_benchmark"])
    shift = harness_shift(values | {"harness_drift": drift}, a)
    found = expected_scores(ruler, logit, shift, a)[1]
    is_own = design.scores["harness"].eq("house").to_numpy()
    target = a["cell_model"][a["score_cell"]] < design.size("target")
    assert (is_own & target).any() and (is_own & ~target).any() and (~is_own & target).any()
    years = a["years"][np.where(target, a["cell_model"][a["score_cell"]], 0)]
    by_hand = np.where(is_own & target, drift[a["score_benchmark"]] * years, 0.0)
    benchmark = a["score_benchmark"]
    floor, span = values["map_floor"][benchmark], values["map_span"][benchmark]
    usual = logit[a["score_cell"]] + values["harness_offset"][a["score_harness"], benchmark]
    assert found == pytest.approx(floor + span * expit(usual + by_hand))
    assert np.abs(by_hand[is_own & target]).min() > 0.0


def test_a_harness_that_is_not_there_cannot_drift():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    with pytest.raises(bd.UnknownNameError, match="unknown harness 'hause': did you mean 'house'"):
        bd.DensityModel(harness_drift="hause").check(data)


def test_terms_that_data_cannot_tell_are_left_out():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    grouped = with_developers(data)
    assert "developer_effect_sd" in bd.DensityModel().priors(grouped)
    # Every family is a developer of its own.
    assert "developer_effect_sd" not in bd.DensityModel().priors(data)
    alone = bd.Dataset.from_frames(
        models=data.models.assign(family=data.models["model"], developer=data.models["model"]),
        benchmarks=data.benchmarks,
        scores=data.scores,
    )
    assert "within_family_growth" in bd.DensityModel().priors(data)
    for model, of in (
        (bd.DensityModel(), alone),
        (bd.DensityModel(families=False), data),
        (bd.DensityModel(trend="none"), data),
    ):
        assert "within_family_growth" not in model.priors(of)


def test_a_harness_that_measured_no_target_is_said_to_have_no_drift():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    references = data.models.loc[data.models["is_reference"], "model"]
    own = data.scores["harness"].where(data.scores["model"].isin(references), "street")
    apart = bd.Dataset.from_frames(
        models=data.models, benchmarks=data.benchmarks, scores=data.scores.assign(harness=own)
    )
    said = " ".join(bd.DensityModel(harness_drift="house").check(apart))
    assert "that harness measured no target with a date" in said


def test_tables_of_all_switches_together_can_be_made():
    """Growth, its replicates and what is left out, on draws from the prior."""
    every = {
        **{"exponents": "pooled", "cell_spread": "pooled", "level": "pooled"},
        **{"noise": "by-score", "families": "nested", "within_families": True, "date_sd": 2.0},
        **{"size": "blend", "harness_drift": "house", "trend": "spread"},
    }
    data = with_developers(simulate(KINDS[0], seed=5, n_targets=12, n_families=5))
    fit = fake(bd.DensityModel(**every), data)
    table = fit.growth().set_index(["estimator", "benchmark"])["median"]
    draws = Draws(fit.posterior)
    within = draws["growth_rate"] + draws["within_family_growth"]
    low, high = np.quantile(within, [0.4, 0.6])
    assert low <= table["typical, within families", "all benchmarks"] <= high
    assert fit.doubling_time().shape[0] > 10 and len(fit.scores()) == len(data.scores)
    # Densities of models left out are those of the true dates: what is not shared is the line's.
    design = make_design(data, fit.spec)
    years = years_of(draws, design.arrays)
    assert years.shape == (draws.count, 12)
    error = draws["date_error"][:, design.arrays["release_code"]]
    assert years - design.arrays["years"] == pytest.approx(error)
    again = replicated_log_density(draws, design, fit.spec.trend, np.random.default_rng(1))
    assert again.shape == (draws.count, 12) and np.isfinite(again).all()


@pytest.mark.parametrize("options", [{"exponents": "pooled"}, {"cell_spread": "pooled"}])
def test_a_warm_start_from_a_fit_without_a_common_mean_is_none(options):
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    first = bd.DensityModel(form="first-edition")
    start = fake(first, data).warm_start()
    design = make_design(data, first.replace(**options).spec)
    assert start.for_other(design, build_model(design), data.digest) is None
    usual = make_design(data, first.spec)
    assert start.for_other(usual, build_model(usual), data.digest) is not None


def test_the_prior_of_an_exponent_is_that_of_its_own_kind():
    priors = ("alpha", "alpha_mean_scores_only", "alpha_sd_scores_only")
    variables = ("alpha_with_losses", "alpha_scores_only", "alpha", *priors[1:])
    assert variables_of_prior("alpha", variables, priors) == ["alpha_with_losses"]
    assert variables_of_prior("alpha", variables, ("alpha",)) == [
        "alpha_with_losses",
        "alpha_scores_only",
    ]


@pytest.mark.parametrize("score", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_noise_of_a_source_by_score(score):
    values = {
        "source_noise_sd": np.array([0.02, 0.05]),
        "source_noise_exponent": np.array([0.5, -0.2]),
        "source_noise_tilt": np.array([0.0, 1.5]),
    }
    found = source_sd(values, np.array([score, score]), np.array([0, 1]))
    q = (4 * score * (1 - score) + 0.04) / 1.04
    assert found == pytest.approx([0.02 * q**0.5, 0.05 * q**-0.2 * np.exp(1.5 * (score - 0.5))])
    constant = {"source_noise_sd": values["source_noise_sd"]}
    assert source_sd(constant, np.array([score, score]), np.array([1, 0])) == pytest.approx(
        [0.05, 0.02]
    )


def test_noise_by_score_is_that_of_the_likelihood():
    design, model = built(noise="by-score")
    values = drawn_from_prior(model, seed=2)
    plain = values | {
        "source_noise_exponent": np.zeros(3),
        "source_noise_tilt": np.zeros(3),
    }
    _, constant = built()
    assert log_densities(model, plain)["score"] == pytest.approx(
        log_densities(constant, values)["score"]
    )
    assert log_densities(model, values)["score"] != pytest.approx(
        log_densities(constant, values)["score"], rel=1e-3
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"exponents": "common"}, "exponents='common' is not known; allowed are 'pooled'"),
        ({"families": "yes"}, "families must be True, False or 'nested', not 'yes'"),
        ({"families": 1}, "families must be True, False or 'nested', not 1"),
        ({"within_families": "nested"}, "within_families must be True or False"),
        ({"date_sd": -1.0}, "date_sd must be a finite number of at least 0, not -1.0"),
        ({"date_sd": "two"}, "date_sd must be a number of at least 0, not 'two'"),
        ({"date_sd": 1.0, "trend": "none"}, "date_sd=1.0 is about dates, and trend='none' reads"),
        ({"harness_drift": "house", "trend": "none"}, "harness_drift='house' is about dates"),
        (
            {"ruler": "skill", "exponents": "pooled"},
            "ruler='skill' knows exponents='separate' only",
        ),
        ({"harness_drift": 3}, "harness_drift must be the name of a harness or None, not 3"),
        ({"noise": "student"}, "noise='student' is not known"),
        ({"level": "none"}, "allowed are 'by-benchmark', 'pooled', 'common'"),
    ],
)
def test_what_a_switch_does_not_know_is_refused(options, message):
    with pytest.raises(bd.BayesdenseError, match=message):
        bd.DensityModel(**options)


def test_the_first_edition_is_one_argument_away_and_that_of_fits_that_say_nothing():
    from bayesdense.spec import FIRST_EDITION, ModelSpec

    model = bd.DensityModel(form="first-edition", families="nested", noise="by-score")
    assert model.spec.families == "nested" and model.spec.exponents == "separate"
    assert bd.DensityModel(**FIRST_EDITION).spec.to_dict() == (
        bd.DensityModel(form="first-edition").spec.to_dict()
    )
    stored = model.spec.to_dict()
    # As a fit was saved before there were these switches.
    older = {n: v for n, v in stored.items() if n not in ("noise", "exponents", "date_sd")}
    assert ModelSpec.from_dict(older).to_dict() == stored | {"noise": "constant"}
    assert model.replace(form="first-edition").spec.families is True


def test_growth_is_read_at_any_date():
    data = simulate(KINDS[0], seed=5, n_targets=12, n_families=5)
    fit = fake(bd.DensityModel(trend="smooth"), data)
    table = fit.growth(at=["2024-01-01", pd.Timestamp("2031-06-30")])
    assert table["period"].tolist() == ["2024-01-01", "2031-06-30"]
    assert table["benchmark"].eq("all benchmarks").all()
    width = table["upper"] - table["lower"]
    assert width.iloc[1] > width.iloc[0]
    with pytest.raises(bd.BayesdenseError, match="takes a list of days"):
        fit.growth(at="2024-01-01")
    with pytest.raises(bd.BayesdenseError, match="takes a list of days"):
        fit.growth(at=["soon"])
