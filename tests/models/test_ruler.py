"""The ruler alone, on simulated and on real runs, by real sampling."""

from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from tests.conftest import samples
from tests.fake import fake
from tests.simulate import KINDS, Truth, simulate

TRUTH = Truth()
SAMPLING = {"chains": 4, "random_seed": 5, "progressbar": False}
quiet = pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")


def runs_of(law, c, *, seed, sizes=10, ratios=5, noise=0.01):
    """Simulate a plain table of runs from a law with coefficients at the centre."""
    random = np.random.default_rng(seed)
    n = np.repeat(np.geomspace(1e7, 7e9, sizes), ratios)
    d = n * np.tile(np.geomspace(5, 300, ratios), sizes)
    x, z = np.log(n) - np.log(n).mean(), np.log(d) - np.log(d).mean()
    exact = law.loss(x, z, c)
    loss = exact * np.exp(noise * random.standard_t(4, len(n)))
    return pd.DataFrame({"n_params": n, "n_tokens": d, "loss": loss})


IRREDUCIBLE = {
    **{"loss_floor": 1.7, "loss_size_term": 0.8, "alpha": 0.34},
    **{"loss_token_term": 0.6, "beta": 0.28},
}


@pytest.fixture(scope="module")
@samples
def plain():
    """Return a fit of an irreducible law to a plain table of 200 runs."""
    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=1, sizes=20, ratios=10)
    data = bd.Dataset.from_losses(runs, name="plain runs")
    return bd.RulerModel(law="irreducible").fit(data, **SAMPLING)


def test_a_plain_table_of_losses_gives_the_law_back(plain):
    assert plain.checks().trusted
    table = plain.coefficients(prob=0.98).set_index("coefficient")
    assert table["of"].unique().tolist() == ["validation"]
    assert table["step"].unique().tolist() == ["loss law"]
    for name, truth in IRREDUCIBLE.items():
        assert table.loc[name, "lower"] < truth < table.loc[name, "upper"], name
    # Informative: e is known to a few per cent, not as its half-normal prior says.
    assert table.loc["loss_floor", "upper"] - table.loc["loss_floor", "lower"] < 0.4


def test_coefficients_at_one_are_those_at_the_centre_moved(plain):
    at_one = plain.coefficients(at="one").set_index("coefficient")
    draws = plain.posterior
    log_n = np.log(plain.data.models["n_params"]).mean()
    a = (draws["loss_size_term"] * np.exp(draws["alpha"] * log_n)).values.ravel()
    assert at_one.loc["loss_size_term", "median"] == pytest.approx(np.median(a), rel=1e-3)
    assert at_one.loc["loss_floor", "mean"] == pytest.approx(
        float(draws["loss_floor"].mean()), rel=1e-9
    )


def test_allocation_is_the_closed_form(plain):
    """G (C/6)^(beta/(alpha+beta)), G = (alpha a / (beta b))^(1/(alpha+beta)), at N = D = 1."""
    compute = [1e20, 1e23]
    table = plain.allocation(compute=compute)
    n, d = np.log(plain.data.models[["n_params", "n_tokens"]].to_numpy()).mean(axis=0)
    p = {name: plain.posterior[name].values.ravel() for name in IRREDUCIBLE}
    for budget in compute:
        ratio = (
            np.log(p["alpha"] * p["loss_size_term"] / (p["beta"] * p["loss_token_term"]))
            + p["alpha"] * n
            - p["beta"] * d
        )
        log_size = (ratio + p["beta"] * np.log(budget / 6)) / (p["alpha"] + p["beta"])
        rows = table[table["compute"] == budget].set_index("quantity")
        found = rows.loc["n_params"]
        assert found["median"] == pytest.approx(np.exp(np.median(log_size)), rel=2e-3)
        assert found["lower"] == pytest.approx(np.exp(np.quantile(log_size, 0.05)), rel=0.01)
        product = rows.loc["n_params", "median"] * rows.loc["n_tokens", "median"]
        assert product == pytest.approx(budget / 6, rel=0.01)
    outside = table.set_index("compute")["outside_reference"]
    assert not outside.loc[1e20].any() and outside.loc[1e23].all()


def test_predictions_hold_runs_that_were_not_seen(plain):
    """New runs inside the range: 90 % intervals hold about 90 % of 250."""
    fresh = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=2, sizes=50, ratios=5)
    table = plain.predict(n_params=fresh["n_params"].tolist(), n_tokens=fresh["n_tokens"].tolist())
    inside = fresh["loss"].between(table["lower"].to_numpy(), table["upper"].to_numpy())
    assert 0.83 < inside.mean() < 0.96
    assert not table["outside_reference"].any()
    curve = plain.predict(n_params=1e9, n_tokens=2e10, new_run=False).iloc[0]
    run = plain.predict(n_params=1e9, n_tokens=2e10).iloc[0]
    assert curve["upper"] - curve["lower"] < 0.5 * (run["upper"] - run["lower"])
    assert run["of"] == "validation" and run["quantity"] == "loss"


def test_a_fit_of_losses_alone_is_saved_and_loaded(plain, tmp_path):
    again = bd.load_fit(plain.save(tmp_path / "plain.nc", full=True))
    assert isinstance(again, bd.RulerFit)
    pd.testing.assert_frame_equal(again.coefficients(), plain.coefficients())
    assert "RulerFit of 'plain runs' (200 runs" in repr(again)
    assert "L = e + a" in repr(again)
    assert not len(again.scores()) and not len(again.calibration())


@pytest.fixture(scope="module")
@samples
def both():
    """Return a fit of law and map to simulated runs with losses and scores."""
    # Exponents that are equal on all sets leave their spread near zero: that takes draws.
    return bd.RulerModel().fit(simulate(KINDS[1], seed=4), draws=3000, **SAMPLING)


@pytest.mark.slow
def test_law_and_map_are_recovered_from_references_alone(both):
    assert both.checks().trusted, both.checks()
    assert both.posterior.sizes["model"] == 18  # Targets play no part.
    expected = {
        "alpha": TRUTH.alpha,
        "beta": TRUTH.beta,
        "loss_size_term": TRUTH.a,
        "loss_token_term": TRUTH.b,
        "map_steepness": np.array(TRUTH.gamma),
        "map_midpoint_loss": np.array(TRUTH.midpoint),
        "map_floor": np.array(TRUTH.floor),
    }
    for name, truth in expected.items():
        values = both.posterior[name]
        gap = np.abs(values.mean(("chain", "draw")) - truth) / values.std(("chain", "draw"))
        assert float(gap.max()) < 3.5, name


@pytest.mark.slow
def test_scores_of_the_largest_run_are_predicted(both):
    prediction = both.predict(n_params=2e10, n_tokens=2e12, prob=0.98)
    scores = prediction[prediction["quantity"] == "score"].set_index("of")
    sizes = np.array([2e8, 4e8, 1e9, 3e9, 7e9, 2e10])
    tokens = np.outer(sizes, [5.0, 20.0, 100.0]).ravel()
    x = np.log(2e10) - np.log(sizes).mean()
    z = np.log(2e12) - np.log(tokens).mean()
    loss = TRUTH.a * np.exp(-TRUTH.alpha * x) + TRUTH.b * np.exp(-TRUTH.beta * z)
    for j, name in enumerate(TRUTH.benchmarks):
        floor = TRUTH.floor[j]
        logit = TRUTH.gamma[j] * (TRUTH.midpoint[j] - loss)
        exact = floor + (1 - floor) * TRUTH.ceiling[j] / (1 + np.exp(-logit))
        assert scores.loc[name, "lower"] < exact < scores.loc[name, "upper"]
        assert scores.loc[name, "upper"] - scores.loc[name, "lower"] < 0.25


@pytest.fixture(scope="module")
def drawn_from_the_prior():
    """Return law and map with draws from their prior, for what holds of any draws."""
    return fake(bd.RulerModel(), simulate(KINDS[1], seed=4))


def test_reach_is_the_limit_of_predictions(drawn_from_the_prior):
    ruler = drawn_from_the_prior
    reach = ruler.reach().set_index("benchmark")
    far = ruler.predict(n_params=1e300, n_tokens=ruler.spec.tokens, new_run=False)
    scores = far[far["quantity"] == "score"].set_index("of")
    assert reach["median"].to_numpy() == pytest.approx(scores["median"].to_numpy(), rel=1e-3)
    assert reach["best_target"].isna().all()


def test_the_command_line_shows_a_ruler_that_is_not_to_be_trusted(drawn_from_the_prior, tmp_path):
    from typer.testing import CliRunner

    from bayesdense.cli.main import app

    path = drawn_from_the_prior.save(tmp_path / "ruler.nc")
    shown = CliRunner().invoke(app, ["show", str(path)])
    assert shown.exit_code == 3, shown.stderr
    text = " ".join(shown.stdout.split())
    assert "60 models measured against 18 references (Reference) on know, sums, read" in text
    assert "loss law know loss alpha" in text and "score map know map_steepness" in text
    assert "not to be trusted" in text


@pytest.mark.sampling
@quiet
def test_scores_alone_make_a_ruler_too():
    fit = bd.RulerModel().fit(simulate(KINDS[0], seed=4), draws=1000, **SAMPLING)
    table = fit.predict(n_params=[1e9, 7e10])
    assert set(table["quantity"]) == {"score"} and table["n_tokens"].isna().all()
    small, large = (table[table["n_params"] == n].set_index("of") for n in (1e9, 7e10))
    assert (large["median"] > small["median"]).all()
    # Scores of references alone barely inform the exponent: the prior is what is left.
    alpha = fit.coefficients().query("coefficient == 'alpha'")
    assert alpha["sd"].between(0.06, 0.12).all()
    with pytest.raises(bd.BayesdenseError, match="without losses the ruler knows no tokens"):
        fit.allocation(compute=1e22)


@pytest.mark.parametrize(
    "law",
    [
        # Each compiles a model of its own; that all have a gradient is tested elsewhere.
        pytest.param("kaplan", marks=pytest.mark.slow),
        pytest.param("kaplan-floor", marks=pytest.mark.slow),
        pytest.param("over-training", marks=pytest.mark.slow),
        pytest.param("dense-and-sparse", marks=pytest.mark.slow),
    ],
)
@quiet
def test_other_laws_are_sampled_and_recovered(law):
    truth = {
        "kaplan": {"loss_size_term": 2.3, "alpha": 0.1, "loss_token_term": 2.2, "beta": 0.12},
        "kaplan-floor": {
            **{"loss_floor": 1.2, "loss_size_term": 1.2, "alpha": 0.25},
            **{"loss_token_term": 1.3, "beta": 0.3},
        },
        "over-training": {
            **{"loss_floor": 1.7, "loss_size_term": 0.8},
            **{"loss_token_term": 0.6, "compute_exponent": 0.15},
        },
        "dense-and-sparse": {
            **IRREDUCIBLE,
            "sparsity_floor_exponent": 0.1,
            "sparsity_size_term": 0.4,
        },
    }[law]
    part = bd.laws.laws.get(law)
    c, more = dict(truth), {}
    if part.covariates:
        c["sparsity"] = np.tile([0.0, 0.5, 0.75, 0.0, 0.875], 20)
        more = {"sparsity": c["sparsity"]}
    runs = runs_of(part, c, seed=3, sizes=20).assign(**more)
    fit = bd.RulerModel(law=law).fit(
        bd.Dataset.from_losses(runs), draws=1000, tune=1000, **SAMPLING
    )
    diagnostics = fit.diagnostics()
    assert diagnostics["rhat"].max() < 1.03 and diagnostics["ess"].min() > 100
    for name, value in truth.items():
        draws = fit.posterior[name]
        assert abs(float(draws.mean()) - value) < 3.5 * float(draws.std()), name


@pytest.mark.slow
@quiet
def test_the_sensitivity_to_bits_is_recovered():
    """Runs at 3 to 16 bits count as smaller ones, by a factor that is sampled."""
    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=6, sizes=20)
    # Drawn at random: in step with the tokens per parameter they could not be told apart.
    bits = np.random.default_rng(7).choice([16.0, 8.0, 6.0, 4.0, 3.0], len(runs))
    sensitivity = 2.0
    factor = np.log(1 - np.exp(-bits / sensitivity))
    x = np.log(runs["n_params"]) - np.log(runs["n_params"]).mean()
    z = np.log(runs["n_tokens"]) - np.log(runs["n_tokens"]).mean()
    law = bd.laws.Irreducible()
    ratio = law.loss(x + factor, z, IRREDUCIBLE) / law.loss(x, z, IRREDUCIBLE)
    runs = runs.assign(loss=runs["loss"] * ratio, bits_weights=bits)
    fit = bd.RulerModel(law="irreducible", size="precision").fit(
        bd.Dataset.from_losses(runs), draws=1000, **SAMPLING
    )
    found = fit.parameters(names=["sensitivity_weights"], prob=0.98).iloc[0]
    assert found["lower"] < sensitivity < found["upper"]
    assert found["sd"] < 0.4
    size = fit.posterior["log_size"].mean(("chain", "draw"))
    assert float(size.max()) < np.log(7e9)


@pytest.mark.sampling
@quiet
def test_a_law_of_ones_own_goes_through_fit_and_prediction():
    @bd.laws.register
    class OnePower(bd.laws.LossLaw):
        name, equation = "one-power", "L = e + a (N/N*)^-alpha"
        coefficients, exponents = ("loss_floor", "loss_size_term", "alpha"), ("alpha",)

        def priors(self, mean_loss):
            half = [float(v) for v in np.log(mean_loss / 2)]
            return {
                n: bd.Prior("LogNormal", mu=half, sigma=1.0)
                for n in ("loss_floor", "loss_size_term")
            }

        def loss(self, x, z, c):
            return c["loss_floor"] + c["loss_size_term"] * np.exp(-c["alpha"] * x)

    runs = runs_of(OnePower(), {"loss_floor": 1.5, "loss_size_term": 1.0, "alpha": 0.3}, seed=4)
    fit = bd.RulerModel(law="one-power").fit(bd.Dataset.from_losses(runs), draws=1000, **SAMPLING)
    found = fit.coefficients(prob=0.98).set_index("coefficient")
    assert found.loc["alpha", "lower"] < 0.3 < found.loc["alpha", "upper"]
    prediction = fit.predict(n_params=1e12, n_tokens=1e13)
    assert prediction["outside_reference"].all()
    assert prediction["median"].iloc[0] == pytest.approx(1.5, abs=0.3)


def small_runs(**columns):
    base = {
        "n_params": [1e8, 4e8, 1e9, 3e9],
        "n_tokens": [2e9, 8e9, 2e10, 6e10],
        "loss": [3.4, 3.0, 2.7, 2.5],
    }
    return pd.DataFrame(base | columns)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        (small_runs().iloc[:1], "1 reference run.s. with 1 distinct loss"),
        (small_runs(n_params=[1e9] * 4), "all 4 reference runs have the same n_params .1e.09."),
        (small_runs(loss=[3.0] * 4), "4 reference run.s. with 1 distinct loss"),
        (small_runs(n_tokens=[2e9, None, 2e10, 6e10]), "1 reference runs with losses have no"),
    ],
)
def test_runs_that_cannot_fix_a_law_are_refused(runs, message):
    with pytest.raises(bd.ReadinessError, match=message):
        bd.RulerModel().build(bd.Dataset.from_losses(runs))


def test_more_coefficients_than_runs_is_said_aloud_before_sampling(monkeypatch):
    data = bd.Dataset.from_losses(small_runs())
    stop = bd.BayesdenseError("sampling starts here")
    monkeypatch.setattr("bayesdense.models.base.sample", Mock(side_effect=stop))
    with (
        pytest.warns(bd.ReadinessWarning, match="4 runs for the 5 coefficients"),
        pytest.raises(bd.BayesdenseError, match="sampling starts here"),
    ):
        bd.RulerModel(law="irreducible").fit(data, **SAMPLING)


def test_two_units_and_missing_columns_are_refused():
    runs = small_runs()
    losses = pd.DataFrame(
        {
            "model": ["a", "b"],
            "loss_set": "val",
            "loss": [3.0, 2.0],
            "unit": ["nats per token", "bits per byte"],
        }
    )
    with pytest.raises(bd.DataError, match="loss set 'val' is in 'nats per token'"):
        bd.Dataset.from_frames(
            models=pd.DataFrame({"model": ["a", "b"], "n_params": [1e9, 2e9]}),
            benchmarks=pd.DataFrame({"benchmark": ["x"], "n_items": [10], "chance": [0.0]}),
            scores=pd.DataFrame({"model": ["a"], "benchmark": ["x"], "score": [0.5]}),
            losses=losses,
        )
    with pytest.raises(bd.DataError, match="the column 'loss' is missing"):
        bd.Dataset.from_losses(runs.drop(columns="loss"))
    with pytest.raises(bd.DataError, match="is below 0, .*; allowed: a finite number above 0"):
        bd.Dataset.from_losses(small_runs(loss=[3.0, -1.0, 2.0, 1.0]))
    with pytest.raises(bd.ReadinessError, match="reads the column 'sparsity', which is not there"):
        bd.RulerModel(law="dense-and-sparse").build(bd.Dataset.from_losses(runs))
    with pytest.raises(bd.ReadinessError, match="'sparsity': reference 'run 2' has 1.5"):
        bd.RulerModel(law="dense-and-sparse").build(
            bd.Dataset.from_losses(small_runs(sparsity=[0.0, 1.5, 0.0, 0.0]))
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_params": -1.0, "n_tokens": 1e9}, "n_params must be one or more finite numbers"),
        ({"n_params": "many", "n_tokens": 1e9}, "n_params must be one or more finite numbers"),
        ({"n_params": 1e9}, "n_tokens is needed"),
        ({"n_params": [1e9, 2e9], "n_tokens": [1e9, 2e9, 3e9]}, "n_params has 2 values and n_tok"),
        ({"n_params": 1e9, "n_tokens": 1e9, "prob": 2}, "prob must be a number between 0 and 1"),
    ],
)
def test_bad_questions_to_a_ruler(plain, arguments, message):
    with pytest.raises(bd.BayesdenseError, match=message):
        plain.predict(**arguments)
    with pytest.raises(bd.BayesdenseError, match="at must be 'centre' or 'one'"):
        plain.coefficients(at="here")
