"""A warm-up is split into pilots until their chains agree."""

import arviz as az
import numpy as np
import pytest
import xarray as xr

from bayesdense.errors import BayesdenseError
from bayesdense.sampler.initial_points import around, where_chains_were
from bayesdense.sampler.settings import SamplingSettings, usual_accept
from bayesdense.sampler.warmup import Pilot, after_pilots, enough, largest_rhat, pilot_settings


def test_pilots_and_the_rest_are_never_longer_than_the_warm_up():
    settings = SamplingSettings(tune=1000, random_seed=1)
    pilots = pilot_settings(settings, 0.95)
    lengths = [pilot.tune + pilot.draws for pilot in pilots]
    assert lengths == [200, 175, 175, 175]
    assert after_pilots(settings).tune == 250
    assert sum(lengths) + 250 <= 1000
    assert len({pilot.random_seed for pilot in pilots} | {1}) == 5
    # The first may take larger steps, not smaller ones.
    assert [pilot.target_accept for pilot in pilots] == [0.8, 0.95, 0.95, 0.95]
    assert pilot_settings(settings, 0.7)[0].target_accept == 0.7


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


def test_a_few_slow_ones_of_very_many_entries_do_not_count():
    draws = np.random.default_rng(1).normal(size=(4, 38, 2000))
    many = xr.Dataset({"x": (("chain", "draw", "k"), draws)})
    draws[2, :, :15] += 3.0
    assert largest_rhat(many) < 1.1 < 1.3 < float(az.rhat(many, method="split")["x"].max())
    draws[2, :, :30] += 3.0
    assert largest_rhat(many) > 1.3


def accepted(n: int, step: float) -> float:
    """Return the rate at which the leapfrog method is accepted, a quarter of a period on."""
    random = np.random.default_rng(1)
    q, p = random.standard_normal((2, 400, n))
    steps = round(np.pi / 2 / step)
    before = (q**2 + p**2).sum(axis=1) / 2
    for _ in range(steps):
        p = p - step / 2 * q
        q = q + step * p
        p = p - step / 2 * q
    return float(np.exp(np.minimum(0.0, before - (q**2 + p**2).sum(axis=1) / 2)).mean())


def test_more_parameters_keep_their_step_and_give_up_acceptance():
    assert usual_accept(1000) == pytest.approx(0.95)
    # Half the variables: the energy is off by 0.71 of that, and 0.0354 are refused, not 0.05.
    assert usual_accept(500) == pytest.approx(0.9646, abs=1e-4)
    assert usual_accept(50) == 0.97
    # 2 Phi(-2 * 0.0627) and 2 Phi(-4 * 0.0627)
    assert usual_accept(4000) == pytest.approx(0.9002, abs=1e-4)
    assert usual_accept(16000) == pytest.approx(0.8020, abs=1e-4)
    assert usual_accept(10**6) == 0.65
    # The step at which a thousand are accepted as often as they should be serves more of them.
    step = next(e for e in np.arange(0.2, 0.05, -0.001) if accepted(1000, e) > usual_accept(1000))
    assert accepted(4000, step) == pytest.approx(usual_accept(4000), abs=0.02)
    assert accepted(16000, step) == pytest.approx(usual_accept(16000), abs=0.02)


def test_an_acceptance_that_is_asked_for_is_used_whatever_the_size():
    assert SamplingSettings(target_accept=0.9, random_seed=1).accept(10**5) == 0.9
    assert SamplingSettings(random_seed=1).accept(4000) == usual_accept(4000)


def test_chains_start_where_those_of_a_pilot_were_and_nowhere_between():
    points = np.array([[0.0, -3.0], [0.0, 3.0]])
    start = where_chains_were(points, np.array([True, False]))
    found = np.array([start(seed) for seed in range(40)])
    assert set(found[:, 1]) == {-3.0, 3.0}
    assert abs(found[:, 0]).max() <= 0.5
    assert found[:, 0].std() > 0.2
    assert start(3) == pytest.approx(start(3))
    assert abs(around(points[0])(1) - points[0]).max() <= 0.5


@pytest.mark.parametrize(
    ("rhat", "agrees", "met"),
    [(1.2, True, True), (1.6, False, True), (4.0, False, False), (np.nan, True, True)],
)
def test_chains_of_a_pilot_may_have_met_before_they_agree(rhat, agrees, met):
    pilot = Pilot(100, 75, rhat)
    assert (pilot.agrees, pilot.met) == (agrees, met)


def test_seeds_are_as_large_as_the_sampler_takes_them():
    assert SamplingSettings(random_seed=2**64 - 1).random_seed == 2**64 - 1
    with pytest.raises(BayesdenseError, match=r"random_seed must be below 2\*\*64"):
        SamplingSettings(random_seed=2**64)
