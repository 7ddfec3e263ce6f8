"""A floor or ceiling far from its prior is bad, and said by benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from bayesdense.fit.checks.score_map import score_map
from bayesdense.model.score_map import FLOOR_SD
from tests.fake import fake_fit

# Around chance on MMLU, 0.25; and of Beta(12, 1): mean 12/13, variance 12/(13^2 14).
PRIORS = {
    "map_floor": ("floor", 0.25, FLOOR_SD),
    "ceiling_share": ("ceiling", 12 / 13, np.sqrt(12 / (13**2 * 14))),
}


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize(("shift", "verdict"), [(-4.5, "good"), (-5.6, "bad")])
def test_a_bound_that_moved_by_more_than_five_prior_sd_is_bad(name, shift, verdict):
    fit = fake_fit()
    assert score_map(fit).verdict == "good"
    what, mean, sd = PRIORS[name]
    moved = fit.posterior[name].copy()
    moved.loc[{"benchmark": "MMLU"}] = mean + shift * sd
    fit.posterior[name] = moved
    result = score_map(fit)
    assert result.verdict == verdict
    shifts = result.table().set_index(["bound", "benchmark"])["shift"]
    # The check draws from the prior.
    assert shifts[what, "MMLU"] == pytest.approx(shift, rel=0.05)
    assert (f"{what} of MMLU from {mean:.2f}" in result.text) == (verdict == "bad")
    assert "MATH" not in result.text
    assert result.trust
