"""Slow: intervals hold the truth as often as they say, over simulated datasets."""

import numpy as np
import pytest

import bayesdense as bd
from tests.simulate import KINDS, Truth, simulate

DATASETS = 12
# Below 8 of 12 happens once in 2,000 times when 90 % intervals are right.
LEAST_INSIDE = 8
NOTHING = (0.0, 0.0, 0.0)
POOLED = Truth(
    growth_by_benchmark=NOTHING,
    level_by_benchmark=NOTHING,
    size_slope=0.0,
    size_slope_by_benchmark=NOTHING,
    sigma_f=0.0,
    sigma_fj=0.0,
    eta=(0.0, 0.0),
)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
def test_growth_intervals_of_the_pooled_form_cover():
    """Data are simulated without the terms that the pooled form leaves out."""
    model = bd.DensityModel(form="pooled")
    inside, widths = 0, []
    for seed in range(DATASETS):
        data = simulate(KINDS[0], seed=100 + seed, truth=POOLED, n_targets=30)
        fit = model.fit(
            data,
            draws=500,
            tune=700,
            random_seed=seed,
            reference_posterior=False,
            progressbar=False,
        )
        assert int(fit.sample_stats["diverging"].sum()) <= 20
        row = fit.growth(prob=0.9).iloc[0]
        inside += row["lower"] <= POOLED.growth <= row["upper"]
        widths.append(row["upper"] - row["lower"])
    assert inside >= LEAST_INSIDE
    # Intervals as wide as the prior's would cover anything.
    assert np.median(widths) < 1.2
