"""Growth within families that is not that between them is said, and asks for a look."""

from __future__ import annotations

import numpy as np
import pytest

from bayesdense import DensityModel
from bayesdense.fit.checks.within_families import within_families
from tests.fake import fake, tiny_dataset


def test_a_model_with_one_growth_rate_has_no_such_check():
    fit = fake(DensityModel(within_families=False), tiny_dataset())
    assert within_families(fit) is None


@pytest.mark.parametrize(("difference", "verdict"), [(-2.0, "look"), (0.1, "good")])
def test_the_difference_is_held_against_nothing(difference, verdict):
    fit = fake(DensityModel(within_families=True), tiny_dataset())
    growth = fit.posterior["growth_rate"]
    noise = np.linspace(-0.5, 0.5, growth.size).reshape(growth.shape)
    fit.posterior["within_family_growth"] = growth * 0.0 + difference + noise
    result = within_families(fit)
    assert result.verdict == verdict and not result.trust
    rows = result.table().set_index("growth")["median"]
    assert rows["difference"] == pytest.approx(difference, abs=0.02)
    assert ("effects of families go with their dates" in result.text) == (verdict == "look")
    table = fit.growth()
    within = table[table["estimator"] == "typical, within families"]
    assert len(within) == 1
    # To the digits that the text shows.
    assert f"{within['median'].iloc[0]:.2f}" in result.text
