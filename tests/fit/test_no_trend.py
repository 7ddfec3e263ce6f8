"""What a fit without a trend gives, and what it refuses; draws are from the prior."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.errors import BayesdenseError
from tests.fake import fake, fake_fit, tiny_dataset
from tests.models.test_no_trend import changed

ONE_SENTENCE = r"needs a trend in time, and this model has none \(trend='none'\): use density\(\)"


@pytest.fixture(scope="module")
def fit():
    """Return a fit of data of which no target has a date."""
    data = changed(tiny_dataset(), release_date=pd.NaT)
    return fake(bd.DensityModel(trend="none"), data)


def test_tables_of_densities(fit):
    density = fit.density()
    assert len(density) == 14 and density["release_date"].isna().sum() == 9
    names = fit.posterior["target"].values.tolist()
    assert names == density["model"][~density["is_reference"]].tolist()
    assert len(fit.effective_size()) == 14 and len(fit.effective_size(by="benchmark")) == 28
    assert "growth_rate" not in set(fit.parameters()["parameter"])
    assert not {"growth_rate", "growth_rate_sd"} & set(fit.diagnostics()["parameter"])


def test_the_headline_names_the_densest_models(fit):
    table = fit.density()
    first = table[~table["is_reference"]].sort_values("median", ascending=False).iloc[0]
    lines = fit.headline().split("\n")
    assert lines[0] == "densities without a trend in time: 9 models"
    text = f"density of {first['model']}: {first['median']:.3g} (90 % equal-tailed interval "
    assert lines[1].startswith(f"{text}{first['lower']:.3g} to {first['upper']:.3g})")
    assert sum(line.startswith("density of") for line in lines) == 3
    assert "(no trend, 2 chains" in repr(fit) and "densities without" in repr(fit)
    shown = fit._repr_html_()
    assert "Density of the densest 9 models" in shown and first["model"] in shown


@pytest.mark.parametrize(
    "ask",
    [
        lambda fit: fit.doubling_time(),
        lambda fit: fit.growth(),
        lambda fit: fit.rate_draws(),
        lambda fit: fit.trend_line(),
        lambda fit: bd.plots.trend(fit),
        lambda fit: bd.plots.doubling_time(fit),
        lambda fit: bd.studies.influence(fit),
        lambda fit: bd.studies.prior_sensitivity(fit),
        lambda fit: bd.studies.growth_differences(fit),
    ],
)
def test_what_needs_a_trend_says_so(fit, ask):
    with pytest.raises(BayesdenseError, match=ONE_SENTENCE):
        ask(fit)


def test_a_study_of_doubling_times_says_so_before_it_fits_anything():
    choices = {"size": {"total": None, "active": {"size": "active"}}}
    with pytest.raises(BayesdenseError, match=ONE_SENTENCE):
        bd.studies.sensitivity(bd.DensityModel(trend="none"), tiny_dataset(), choices)


def test_checks_read_no_date():
    late = changed(tiny_dataset(), release_date=pd.Timestamp("2090-01-01"))
    report = fake(bd.DensityModel(trend="none"), late).checks()
    assert report["data"].verdict == "good"
    assert "frontier" not in set(report.summary()["check"])
    assert "growth" not in report["reference range"].text


def test_figures_of_densities(fit):
    for draw in (bd.plots.density, bd.plots.effective_size, bd.plots.calibration):
        figure, _ = draw(fit)
        assert figure.axes


def test_saved_and_read_again(fit, tmp_path):
    again = bd.load_fit(fit.save(tmp_path / "none.nc", full=True))
    assert repr(again) == repr(fit) and again.spec.to_dict() == fit.spec.to_dict()
    pd.testing.assert_frame_equal(again.density(), fit.density())


def test_draws_of_the_prior_and_predictions(fit):
    groups = ["prior", "prior_predictive", "posterior_predictive", "log_prior", "log_likelihood"]
    tree = fit.to_datatree(groups, prior_draws=5)
    assert "target_years" not in tree["constant_data"]
    assert tree["prior"]["log_density"].sizes["model"] == 14
    assert tree["posterior"]["model_effect"].dims == ("chain", "draw", "target")
    for group in ("prior_predictive", "posterior_predictive"):
        assert np.isfinite(tree[group]["score"].values).all()
    assert np.isfinite(tree["log_prior"]["log_density_level"].values).all()
    assert np.isfinite(tree["log_likelihood"]["cell_scores"].values).all()


def test_a_fit_with_dates_gives_the_same_tables_but_for_them(fit):
    dated = fake_fit("none")
    columns = ["model", "median", "lower", "upper"]
    pd.testing.assert_frame_equal(dated.density()[columns], fit.density()[columns])


def test_a_warm_start_from_a_linear_fit_takes_the_ruler():
    linear, none = fake_fit("linear"), bd.DensityModel(trend="none")
    built = none.build(linear.data)
    begun = linear.warm_start().for_other(none.make_design(linear.data), built, linear.data.digest)
    assert begun is not None and "model_effect" not in begun.draws
    assert "map_floor" in begun.draws


def test_an_unknown_trend_lists_it():
    with pytest.raises(bd.BayesdenseError, match="nown: linear, change-point, frontier, none"):
        bd.DensityModel(trend="absent")
