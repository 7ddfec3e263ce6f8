"""A warm-up is split into pilots until their chains agree."""

import numpy as np
import pytest
import xarray as xr

from bayesdense.sampling import SamplingSettings
from bayesdense.starts import around, where_chains_were
from bayesdense.warmup import Pilot, after_pilots, enough, largest_rhat, pilot_settings


def test_pilots_and_the_rest_are_never_longer_than_the_warm_up():
    settings = SamplingSettings(tune=1000, seed=1)
    pilots = pilot_settings(settings)
    lengths = [pilot.tune + pilot.draws for pilot in pilots]
    assert lengths == [200, 175, 175, 175]
    assert after_pilots(settings).tune == 250
    assert sum(lengths) + 250 <= 1000
    assert len({pilot.seed for pilot in pilots} | {1}) == 5


def test_pilots_go_on_until_chains_agree():
    far, near = Pilot(150, 50, 7.4), Pilot(100, 75, 1.2)
    assert not enough([near])
    assert not enough([far, far])
    assert enough([far, near])
    # One chain has nobody to disagree with.
    assert enough([Pilot(150, 50, float("nan"))] * 2)


def test_the_largest_r_hat_is_of_the_chain_that_stays_apart():
    draws = np.random.default_rng(1).normal(size=(4, 80, 3))
    together = xr.Dataset(
        {"x": (("chain", "draw", "k"), draws), "c": (("chain", "draw"), 0 * draws[..., 0])}
    )
    assert largest_rhat(together) < 1.1
    draws[2, :, 1] += 5.0
    assert largest_rhat(together) > 1.5
    assert np.isnan(largest_rhat(together[["c"]]))


def test_chains_start_where_those_of_a_pilot_were_and_nowhere_between():
    points = np.array([[0.0, -3.0], [0.0, 3.0]])
    start = where_chains_were(points, np.array([True, False]))
    found = np.array([start(seed) for seed in range(40)])
    assert set(found[:, 1]) == {-3.0, 3.0}
    assert abs(found[:, 0]).max() <= 0.5
    assert found[:, 0].std() > 0.2
    assert start(3) == pytest.approx(start(3))
    assert abs(around(points[0])(1) - points[0]).max() <= 0.5
