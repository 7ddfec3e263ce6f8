"""What a second run gets, and when there is one."""

from __future__ import annotations

import math

import pytest

from bayesdense.fit.more_draws import draws_needed, more_careful, once_more
from bayesdense.posterior.diagnostics import Convergence
from bayesdense.sampler.settings import SamplingSettings


def test_a_fit_that_is_short_gets_what_it_lacks_and_one_that_does_not_mix_much_more():
    # 2 * 400 / 320 = 2.5
    assert draws_needed(500, Convergence(1.008, 320.0)) == 1250
    # 2 * 0.014 / 0.01 = 2.8
    assert draws_needed(500, Convergence(1.014, 900.0)) == 1400
    assert draws_needed(500, Convergence(1.007, 900.0)) == 1000
    assert draws_needed(500, Convergence(1.012, 140.0)) == 1500
    assert draws_needed(500, Convergence(1.20, 320.0)) == 1500
    assert draws_needed(500, Convergence(math.nan, math.nan)) == 1500


@pytest.mark.parametrize(
    ("found", "smaller_steps", "draws", "accept"),
    [
        # 2 * 400 / 200 is more than three times as many.
        (Convergence(1.005, 200.0), True, 1500, 0.99),
        (Convergence(1.005, 200.0), False, 1500, 0.95),
        (Convergence(1.005, 900.0), True, 500, 0.99),
    ],
)
def test_a_second_run_has_the_draws_that_were_lacking_and_smaller_steps(
    found, smaller_steps, draws, accept
):
    settings = SamplingSettings(draws=500, random_seed=1, target_accept=0.95)
    again = once_more(settings, found, smaller_steps=smaller_steps)
    assert (again.draws, again.target_accept) == (draws, accept)
    assert again.random_seed == 1 and again.tune == settings.tune


def test_a_fifth_as_much_is_refused():
    assert [more_careful(a) for a in (0.65, 0.95, 0.99)] == [0.93, 0.99, 0.998]
