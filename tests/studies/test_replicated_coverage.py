"""How often so few scores lie inside their intervals, on scores that share an error."""

import numpy as np
import pytest
from scipy import stats

from bayesdense.studies.validation import replicated_coverage

SCORES = 40


def shared(random, count):
    """Return draws of scores of which most of the error is one for all."""
    return random.normal(size=(count, 1)) + 0.3 * random.normal(size=(count, SCORES))


def test_where_the_model_is_right_all_shares_are_as_likely_as_they_should_be():
    random = np.random.default_rng(4)
    draws, datasets = shared(random, 2000), shared(random, 400)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    inside = (datasets >= low) & (datasets <= high)
    found = np.array([replicated_coverage(draws, low, high, of) for of in inside])
    # P(p <= x) is x wherever p can be x; it takes steps, the last of which is 1.
    for x in np.quantile(found, [0.05, 0.2, 0.4]):
        assert (found <= x).mean() == pytest.approx(x, abs=0.06)
    # Independent scores would have at most 4 of 40 outside their intervals; these often have more.
    few = inside.mean(axis=1) < 0.8
    assert few.mean() > 0.05 and found[few].max() > 0.05
    alone = stats.binom.cdf(inside[few].sum(axis=1), SCORES, 0.9)
    assert np.median(alone) < 0.01


def test_a_model_that_is_wrong_is_found_out():
    random = np.random.default_rng(5)
    draws = shared(random, 2000)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    outside = np.zeros(SCORES, dtype=bool)
    assert replicated_coverage(draws, low, high, outside) < 0.05
