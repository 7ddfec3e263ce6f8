"""Known parameters come back from simulated data, whatever the references come with."""

import numpy as np
import pytest

from tests.simulate import KINDS, Truth

TRUTH = Truth()
# The fast tests recover rulers with losses from references alone: tests/models/test_ruler.py.
SAMPLED = [
    pytest.param(kind, marks=() if kind == "scores only" else pytest.mark.slow) for kind in KINDS
]


def expected(fit, kind):
    """Return true values of parameters by name, in the coordinates of the model."""
    years = (fit.data.targets["release_date"] - np.datetime64("2024-06-01")).dt.days / 365.25
    shift = float(years.mean())
    values = {
        "growth_rate": TRUTH.growth,
        "log_density_level": TRUTH.level + TRUTH.growth * shift,
        "size_slope": TRUTH.size_slope,
        "growth_rate_by_benchmark": TRUTH.growth + np.array(TRUTH.growth_by_benchmark),
        "size_slope_by_benchmark": TRUTH.size_slope + np.array(TRUTH.size_slope_by_benchmark),
        "model_effect_sd": TRUTH.sigma_v,
        "family_effect_sd": TRUTH.sigma_f,
        "cell_effect_sd": np.array(TRUTH.tau),
        "source_noise_sd": np.array(TRUTH.phi),
        "map_floor": np.array(TRUTH.floor),
        "harness_offset": np.array(TRUTH.eta)[:, None] * np.ones((1, 3)),
    }
    known = {"scores only": 0, "losses and scores": 3, "some of each": 2}[kind]
    if known:
        suffix = "_with_losses" if kind == "some of each" else ""
        values |= {
            f"alpha{suffix}": np.full(known, TRUTH.alpha),
            f"beta{suffix}": np.full(known, TRUTH.beta),
            f"loss_size_term{suffix}": np.full(known, TRUTH.a),
            f"loss_token_term{suffix}": np.full(known, TRUTH.b),
            "map_steepness": np.array(TRUTH.gamma[:known]),
            "map_midpoint_loss": np.array(TRUTH.midpoint[:known]),
        }
    if kind == "scores only":
        values["map_slope_at_centre"] = np.array(TRUTH.gamma) * TRUTH.a * TRUTH.alpha
        values["alpha"] = np.full(3, TRUTH.alpha)
    return values


@pytest.mark.parametrize("kind", SAMPLED)
def test_parameters_are_recovered(fits, kind):
    fit = fits(kind)
    assert fit.checks().trusted, fit.checks()
    scores = {}
    for name, truth in expected(fit, kind).items():
        values = fit.posterior[name]
        mean, sd = values.mean(("chain", "draw")).values, values.std(("chain", "draw")).values
        scores[name] = np.max(np.abs(np.asarray(truth) - mean) / sd)
    far = {name: round(float(z), 1) for name, z in scores.items() if z > 3.5}
    assert not far
    # A posterior as wide as its prior, 1.5, would recover anything. With scores only, growth
    # within families, of which the truth has none, takes some of what is known.
    assert float(fit.posterior["growth_rate"].std()) < (0.5 if kind == "scores only" else 0.4)


@pytest.mark.parametrize("kind", SAMPLED)
def test_doubling_time_interval_holds_the_truth_and_is_tighter_with_losses(fits, kind):
    table = fits(kind).doubling_time(prob=0.98)
    row = table[(table["benchmark"] == "all benchmarks") & (table["estimator"] == "typical")]
    lower, upper = float(row["lower"].iloc[0]), float(row["upper"].iloc[0])
    assert lower < 12 * np.log(2) / TRUTH.growth < upper
    # Of 98 %; the prior's reaches from a month and a half to no end.
    assert upper / lower < (4 if kind == "scores only" else 3)


def test_effective_sizes_are_unbiased_and_their_intervals_hold(fits):
    """Simulated densities are not stored, so the trend line stands in for their mean."""
    fit = fits(KINDS[0])
    table = fit.effective_size()
    targets = table[~table["is_reference"]]
    years = (targets["release_date"] - np.datetime64("2024-06-01")).dt.days / 365.25
    line = TRUTH.level + TRUTH.growth * years
    line += TRUTH.size_slope * np.log(targets["size"] / 2e10)
    error = np.log(targets["median"]) - np.log(targets["size"]) - line
    spread = np.hypot(TRUTH.sigma_v, TRUTH.sigma_f)
    # 20 families share their deviation, which widens the error of the mean.
    assert abs(error.mean()) < 4 * spread / np.sqrt(20)
    assert 0.6 * spread < error.std() < 1.6 * spread
