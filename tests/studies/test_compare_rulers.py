"""Rulers compared by what they predict: simulated runs, where the right answer is known."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from tests.conftest import samples
from tests.models.test_ruler import IRREDUCIBLE, runs_of

SAMPLING = {"draws": 500, "tune": 700, "chains": 4, "random_seed": 5, "progressbar": False}


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Return what compares three laws on runs of two families with a floor."""

    @bd.laws.register
    class OnePower(bd.laws.LossLaw):
        name, equation = "one-power-compared", "L = e + a (N/N*)^-alpha"
        coefficients, exponents = ("loss_floor", "loss_size_term", "alpha"), ("alpha",)

        def priors(self, mean_loss):
            half = [float(v) for v in np.log(mean_loss / 2)]
            return {
                n: bd.Prior("LogNormal", mu=half, sigma=1.0)
                for n in ("loss_floor", "loss_size_term")
            }

        def loss(self, x, z, c):
            return c["loss_floor"] + c["loss_size_term"] * np.exp(-c["alpha"] * x)

    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=9, sizes=8, ratios=5)
    runs["family"] = np.where(np.arange(len(runs)) % 2, "one", "two")
    data = bd.Dataset.from_losses(runs)
    rulers = {law: bd.RulerModel(law=law) for law in ("power-sum", "irreducible", OnePower.name)}
    store = tmp_path_factory.mktemp("fits")
    return lambda: bd.studies.compare_rulers(data, rulers, max_refits=1, store=store, **SAMPLING)


@pytest.fixture(scope="module")
@samples
def compared(comparison):
    """Return the comparison."""
    return comparison()


def test_a_stored_comparison_fits_nothing_again(comparison, compared, monkeypatch):
    def refused(*args, **options):
        raise AssertionError("fitted again")

    monkeypatch.setattr(bd.RulerModel, "sample_design", refused)
    again = comparison()
    pd.testing.assert_frame_equal(again.summary(), compared.summary())
    pd.testing.assert_frame_equal(again.pointwise(), compared.pointwise())


def test_a_law_that_changed_under_its_name_is_another_fit():
    from bayesdense.studies.keys import _code_of

    def law(factor):
        class Changed(bd.laws.LossLaw):
            name, equation = "changed", "L = c a"

            def loss(self, x, z, c):
                return 2.0 * c["loss_size_term"] if factor == 2 else c["loss_size_term"]

        if factor == 3:
            Changed.loss = lambda self, x, z, c: 3.0 * c["loss_size_term"]
        return Changed()

    assert _code_of(law(2)) == _code_of(law(2))
    # Also where a function inside a function has another address.
    assert "0x" not in repr(_code_of(law(2)))
    assert _code_of(law(2)) != _code_of(law(3))


def test_the_law_that_made_the_runs_predicts_them_best(compared):
    table = compared.summary()
    assert table["criterion"].unique().tolist() == [
        "leave one out",
        "leave one family out",
        "leave the largest out",
    ]
    for criterion, rows in table.groupby("criterion"):
        rows = rows.set_index("ruler")
        assert rows["elpd"].idxmax() == "irreducible", criterion
        assert rows.loc["irreducible", "difference"] == rows.loc["irreducible", "se"] == 0
        # A law without tokens misses losses that depend on them.
        assert rows.loc["one-power-compared", "difference"] < -10
        assert rows["weight"].sum() == pytest.approx(1.0)
        assert rows["units"].tolist() == [{"leave the largest out": 10}.get(criterion, 40)] * 3
    one_out = table[table["criterion"] == "leave one out"].set_index("ruler")
    assert one_out.loc["one-power-compared", "se"] > 0
    assert sum(compared.weights().values()) == pytest.approx(1.0)
    assert compared.weights("leave the largest out")["one-power-compared"] < 0.05


def test_the_figure_shows_the_table(compared, tmp_path):
    figure, ax = bd.plots.ruler_comparison(compared)
    figure.savefig(tmp_path / "comparison.png")
    labels = [text.get_text().removesuffix(" *") for text in ax.get_yticklabels()]
    assert labels == compared.summary()["ruler"].head(3).tolist()
    drawn = {c.get_label(): c.lines[0].get_xdata() for c in ax.containers}
    for criterion, rows in compared.summary().groupby("criterion"):
        [values] = [v for label, v in drawn.items() if label.startswith(criterion)]
        assert sorted(values) == pytest.approx(sorted(rows["difference"]))
    assert "one standard error" in ax.get_xlabel()


def test_sums_of_the_table_are_those_of_the_units(compared):
    sums = compared.pointwise().groupby(["criterion", "ruler"])["elpd"].sum()
    for row in compared.summary().to_dict("records"):
        assert sums[row["criterion"], row["ruler"]] == pytest.approx(row["elpd"])
    assert "leave one out" in repr(compared)
    with pytest.raises(bd.BayesdenseError, match="criterion must be one of 'leave one out'"):
        compared.weights("loo")


@pytest.mark.slow
def test_leaving_one_out_by_weights_agrees_with_leaving_it_out_in_earnest():
    from bayesdense.sampler.settings import SamplingSettings
    from bayesdense.studies.left_out import Runs

    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=9, sizes=8, ratios=5)
    model = bd.RulerModel(law="irreducible")
    data = bd.Dataset.from_losses(runs)
    settings = SamplingSettings(draws=1000, tune=700, random_seed=2, target_accept=0.95)
    run = Runs("irreducible", model, data.digest, model.make_design(data), settings, False)
    elpd, k, _ = run.leave_one_out(0)
    good = np.flatnonzero(k < 0.5)
    for unit in (good[0], good[len(good) // 2], good[-1]):
        one = np.zeros(len(k), dtype=bool)
        one[unit] = True
        assert run.without(one, "one")[0] == pytest.approx(elpd[unit], abs=0.1)
        assert run.diagnostics[-1]["rhat"] < 1.02


def test_what_cannot_be_compared_is_refused():
    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=9, sizes=4, ratios=2)
    data = bd.Dataset.from_losses(runs)
    one = bd.RulerModel()
    for rulers, options, message in (
        ({"one": one}, {}, "at least two models"),
        ({"one": one, "two": bd.DensityModel()}, {}, "must all be RulerModels or all be"),
        ({"one": one, "two": one}, {"largest": 2.0}, "largest must be between 0 and 1"),
        ({"one": one, "two": one}, {"max_refits": -1}, "max_refits must be a whole number"),
        (
            {"one": bd.DensityModel(ruler="cut"), "two": bd.DensityModel()},
            {},
            "a cut ruler has no joint density",
        ),
    ):
        with pytest.raises(bd.BayesdenseError, match=message):
            bd.studies.compare_rulers(data, rulers, progressbar=False, **options)


def test_effective_sizes_are_averaged_by_weight(plain_fit):
    """Of a fit with itself nothing changes; a weight of 1 is that fit alone."""
    fits = {"a": plain_fit, "b": plain_fit}
    same = bd.studies.average_rulers(fits, {"a": 3.0, "b": 1.0})
    own = plain_fit.effective_size()
    assert np.log(same["median"]).to_numpy() == pytest.approx(np.log(own["median"]), abs=0.05)
    assert same["widening"].median() == pytest.approx(1.0, abs=0.02)
    assert (same["single"] == "a").all()
    pd.testing.assert_series_equal(same["p_above_reach"], own["p_above_reach"], check_exact=False)
    for weights, message in (
        ({"a": 1.0}, "weights must have the names of the fits"),
        ({"a": -1.0, "b": 1.0}, "weights must be finite, not negative"),
    ):
        with pytest.raises(bd.BayesdenseError, match=message):
            bd.studies.average_rulers(fits, weights)
