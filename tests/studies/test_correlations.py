"""Deviations of models on two benchmarks, by hand."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.data import Dataset
from bayesdense.model import make_design
from bayesdense.posterior.draws import Draws
from bayesdense.studies.correlations import deviations
from tests.fake import fake, tiny_dataset


@pytest.fixture
def fit():
    return fake(bd.DensityModel(), tiny_dataset())


def with_deviations(fit, own):
    """Let effective sizes be density, a line in size and date, and given deviations."""
    design = make_design(fit.data, fit.spec)
    arrays, model = design.arrays, design.arrays["cell_model"]
    density = fit.posterior["log_density"]
    others = [d for d in density.dims if d not in ("chain", "draw")]
    sizes = density.transpose("chain", "draw", *others).values[..., model]
    sizes = sizes + 3.0 + 0.7 * arrays["relative_log_size"][model]
    years = np.concatenate([arrays["target_years"], np.zeros(len(density[others[0]]))])
    sizes = sizes + 1.3 * years[model] * (arrays["cell_benchmark"] + 1.0)
    place = arrays["cell_model"], arrays["cell_benchmark"]
    sizes = sizes + own[place]
    found = fit.posterior["log_effective_size"]
    fit.posterior["log_effective_size"] = (found.dims, sizes)
    return design


def test_a_line_is_taken_off_and_what_is_left_is_correlated(fit):
    random = np.random.default_rng(3)
    own = np.zeros((30, 2))
    own[:8, 0] = random.normal(size=8)
    own[:8, 1] = -2.0 * own[:8, 0]
    design = with_deviations(fit, own)
    left = deviations(design, Draws(fit.posterior))
    # By hand: what a regression on 1, date and log size leaves of the deviations.
    count = design.size("dated_target")
    line = np.column_stack(
        [
            np.ones(count),
            design.arrays["relative_log_size"][:count],
            design.arrays["target_years"][:count],
        ]
    )
    expected = own[:count] - line @ np.linalg.lstsq(line, own[:count])[0]
    assert left[7, :count] == pytest.approx(expected, abs=1e-9)
    assert np.isnan(left[:, count:]).all()
    (row,) = bd.studies.benchmark_correlations(fit).to_dict("records")
    assert (row["benchmark"], row["other"], row["models"]) == ("MMLU", "MATH", 8)
    assert row["median"] == pytest.approx(-1.0, abs=1e-3) and row["upper"] < -0.99


def test_the_interval_is_one_of_the_correlation_behind_the_models(fit):
    """Deviations are known, and eight models all the same say little of a correlation."""
    own = np.zeros((30, 2))
    own[:8] = np.random.default_rng(5).normal(size=(8, 2))
    with_deviations(fit, own)
    (row,) = bd.studies.benchmark_correlations(fit).to_dict("records")
    # On Fisher's scale: a standard deviation of (8 - 3 - 2)^(-1/2), with 50 draws of it.
    width = np.arctanh(row["upper"]) - np.arctanh(row["lower"])
    assert width == pytest.approx(2 * 1.645 / 3**0.5, rel=0.35)


def test_too_few_models_have_no_correlation(fit):
    data = fit.data
    few = data.scores["model"].isin(["New-0", "New-1", "New-2", "New-3"])
    keep = few | ~data.scores["model"].str.startswith("New") | (data.scores["benchmark"] == "MMLU")
    fit = fake(bd.DensityModel(), data.keep_scores(keep, reason="few on MATH"))
    (row,) = bd.studies.benchmark_correlations(fit).to_dict("records")
    assert row["models"] == 4 and np.isnan([row["median"], row["lower"], row["upper"]]).all()


def test_one_benchmark_goes_with_none():
    tables = tiny_dataset()
    data = Dataset.from_frames(
        models=tables.models,
        benchmarks=tables.benchmarks.head(1),
        scores=pd.DataFrame(tables.scores[tables.scores["benchmark"] == "MMLU"]),
        name="one",
    )
    with pytest.raises(bd.BayesdenseError, match="needs two benchmarks, and this fit has one"):
        bd.studies.benchmark_correlations(fake(bd.DensityModel(form="pooled"), data))
