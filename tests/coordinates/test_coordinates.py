"""What the sampler sees are other coordinates; the distributions are those of the model."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from scipy import optimize, stats

import bayesdense as bd
from bayesdense.coordinates.cell_estimates import estimate_cells, usual_maps
from bayesdense.coordinates.contrasts import _harness_contrasts, standardised
from bayesdense.coordinates.decorrelation import end_features
from bayesdense.coordinates.log_odds import log_odds, log_odds_and_rise
from bayesdense.coordinates.regression import UNBENT, bend_of, share_in_common
from bayesdense.coordinates.transforms import Bent, Ceiling, Floor, moved_together
from bayesdense.model import make_design
from bayesdense.sampler.settings import Run, SamplingSettings
from bayesdense.studies.units import units_of, withhold
from tests.simulate import KINDS, simulate

PYTHON = {"mode": "FAST_COMPILE"}


@pytest.mark.parametrize(
    ("transform", "values"),
    [
        (Ceiling(12.0), np.array([0.3, 0.7, 0.94, 0.9999])),
        (Floor(0.02), np.array([0.0004, 0.01, 0.05, 0.25])),
    ],
    ids=["ceiling", "floor"],
)
def test_bounded_parameters_there_and_back(transform, values):
    y = transform.forward(pt.constant(values)).eval(**PYTHON)
    back = transform.backward(pt.constant(y)).eval(**PYTHON)
    assert back == pytest.approx(values, rel=1e-9)
    step = 1e-6
    ahead, behind = (transform.backward(pt.constant(y + s)).eval(**PYTHON) for s in (step, -step))
    slope = transform.log_jac_det(pt.constant(y)).eval(**PYTHON)
    assert slope == pytest.approx(np.log((ahead - behind) / (2 * step)), abs=1e-5)


@pytest.mark.parametrize("width", [0.3, UNBENT])
def test_a_bent_coordinate_there_and_back(width):
    """With its place and width in the place of the last two parameters of a distribution."""
    transform = Bent(Ceiling(12.0))
    values = np.array([0.3, 0.7, 0.94, 0.9999])
    place, widths = pt.constant(np.full(4, -1.0)), pt.constant(np.full(4, width))
    given = pm.CustomDist.dist(place, widths, logp=lambda value, *_: 0.0 * value, size=(4,))

    def at(y):
        return transform.backward(pt.constant(y), *given.owner.inputs).eval(**PYTHON)

    y = transform.forward(pt.constant(values), *given.owner.inputs).eval(**PYTHON)
    assert at(y) == pytest.approx(values, rel=1e-8)
    straight = Ceiling(12.0).forward(values)
    assert y == pytest.approx(width * np.arcsinh((straight + 1.0) / width), rel=1e-9)
    if width == UNBENT:
        assert y == pytest.approx(straight + 1.0, rel=1e-6)
    slope = transform.log_jac_det(pt.constant(y), *given.owner.inputs).eval(**PYTHON)
    assert slope == pytest.approx(np.log((at(y + 1e-6) - at(y - 1e-6)) / 2e-6), abs=1e-4)


def test_what_entries_have_in_common_is_brought_to_size():
    """There and back, the volume by the determinant of numerical differences, and by hand."""
    shift, share, unit = np.array([0.1, -0.2, 0.4]), 0.6, np.array([1.0, 2.0, 0.5])
    parameters = [pt.constant(v) for v in (shift, share, unit)]
    given = pm.CustomDist.dist(*parameters, logp=lambda value, *_: 0.0 * value, size=(3,))
    values = np.array([0.5, 3.0, 1.2])

    def at(y):
        return moved_together.backward(pt.constant(y), *given.owner.inputs).eval(**PYTHON)

    y = moved_together.forward(pt.constant(values), *given.owner.inputs).eval(**PYTHON)
    u = np.log(values) + shift
    common = (u[0] + u[1] / 2.0 + u[2] / 0.5) / 3.0
    assert y == pytest.approx(u - 0.6 * unit * common)
    assert at(y) == pytest.approx(values, rel=1e-12)
    steps = 1e-6 * np.eye(3)
    jacobian = np.column_stack([(at(y + s) - at(y - s)) / 2e-6 for s in steps])
    slope = moved_together.log_jac_det(pt.constant(y), *given.owner.inputs).eval(**PYTHON)
    assert slope.sum() == pytest.approx(np.log(abs(np.linalg.det(jacobian))), abs=1e-6)


def test_what_does_not_vary_has_nothing_in_common():
    """Stuck chains, one constant column, two that are exactly opposite, and a single one."""
    random = np.random.default_rng(3)
    unit, share = share_in_common(np.ones((50, 3)))
    assert unit.tolist() == [1.0, 1.0, 1.0] and share == 0.0
    column = random.normal(size=50)
    unit, share = share_in_common(np.column_stack([np.ones(50), column, 2.0 * column]))
    assert unit[0] == 1.0 and unit[2] == pytest.approx(2.0 * unit[1]) and 0.0 < share < 1.0
    assert share_in_common(np.column_stack([column, -column]))[1] == 0.0
    assert share_in_common(column[:, None])[1] == 0.0


def test_a_wall_is_found_on_either_side_and_nowhere_else():
    random = np.random.default_rng(2)
    draws = np.column_stack([np.exp(random.normal(size=400)), random.normal(size=400)])
    draws = np.column_stack([draws, -draws[:, 0]])
    place, width = bend_of(draws)
    assert place[0] == pytest.approx(np.quantile(draws[:, 0], 0.01))
    assert place[2] == pytest.approx(-place[0])
    assert width[0] == width[2] < 1.0
    assert (place[1], width[1]) == (0.0, UNBENT)


def test_the_usual_ceiling_is_a_standard_normal():
    y = np.linspace(-3.0, 3.0, 7)
    transform = Ceiling(12.0)
    u = transform.backward(pt.constant(y)).eval(**PYTHON)
    density = stats.beta(12, 1).logpdf(u) + transform.log_jac_det(pt.constant(y)).eval(**PYTHON)
    assert density == pytest.approx(stats.norm.logpdf(y), abs=1e-9)


def test_ends_say_where_three_scores_lie_between_them():
    """By hand: 0.3, 0.5 and 0.75 of a span from 0.2 to 0.9, far from both ends."""
    floor, span = 0.2, 0.7
    knots = floor + span * np.array([0.3, 0.5, 0.75])
    middle, below, above = end_features(knots, 0.01, floor, span)
    odds = np.log(np.array([0.3 / 0.7, 1.0, 3.0]))
    # Within a margin of a hundredth of an end, the logarithm gives way to something finite.
    assert middle == pytest.approx(odds[1], abs=1e-9)
    assert below == pytest.approx(np.log(odds[1] - odds[0]), abs=2e-3)
    assert above == pytest.approx(np.log(odds[2] - odds[1]), abs=2e-3)
    beyond = end_features(np.array([0.1, 0.5, 0.95]), 0.01, floor, span)
    assert np.isfinite(beyond).all()


def test_odds_of_scores_and_how_fast_they_rise_by_hand():
    """A score far from both ends, at the floor, and above the ceiling."""
    score, margin = np.array([0.6, 0.2, 0.95]), np.full(3, 0.02)
    found = log_odds_and_rise(score, np.full(3, 0.2), np.full(3, 0.7), margin)
    odds, rise = found
    assert log_odds(score, 0.2, 0.7, margin) == pytest.approx(odds)
    assert odds[0] == pytest.approx(np.log(0.4 / 0.3), abs=2e-3)
    assert rise[0] == pytest.approx(1 / 0.4 + 1 / 0.3, rel=2e-3)
    assert odds[1] == pytest.approx(-np.arcsinh(0.7 / 0.02))
    assert rise[1] == pytest.approx(2 / 0.02, rel=0.02)
    assert odds[2] == pytest.approx(np.arcsinh(0.75 / 0.02) + np.arcsinh(0.05 / 0.02))
    # 0.05 beyond: what is left below is margin^2 / (4 x 0.05) and a little less.
    assert rise[2] == pytest.approx(2 / 0.02 * (2.5 + np.hypot(1.0, 2.5)), rel=0.01)


def test_a_lower_ceiling_takes_exponent_slope_and_pivot_along():
    """The curve that passes three scores, for two ceilings: found here by solving for it."""
    x, knots, floor = np.array([-1.0, 0.5, 2.0]), np.array([0.4, 0.6, 0.78]), 0.25

    def curve(span):
        odds = np.log(knots - floor) - np.log(floor + span - knots)

        def off(c):
            alpha, s, pi = np.exp(c[0]), np.exp(c[1]), c[2]
            return pi + s * (1.0 - np.exp(-alpha * x)) / alpha - odds

        return optimize.root(off, [-1.5, 0.0, 0.0]).x, np.array(
            end_features(knots, 0.01, floor, span)
        )

    (high, of_high), (low, of_low) = curve(0.74), curve(0.66)
    moved = of_low - of_high
    assert low[0] < high[0] and moved[0] > 0
    # Equally far apart in x, the exponent is the difference of the two logarithms over 1.5.
    for c, ends in ((high, of_high), (low, of_low)):
        assert np.exp(c[0]) == pytest.approx((ends[1] - ends[2]) / 1.5, abs=0.01)


@pytest.mark.parametrize("score_map", ["sigmoid", "exponential-error", "threshold"])
def test_cells_are_placed_where_the_map_reaches_their_scores(score_map):
    """Also when floor and ceiling are not those of the pilot: exactly so for the sigmoid."""
    data = simulate(KINDS[1], seed=5, n_targets=12, n_families=5)
    spec = bd.DensityModel(score_map=score_map).spec
    design = make_design(data, spec)
    arrays, benchmark = design.arrays, design.arrays["cell_benchmark"]
    maps = usual_maps(spec.score_map, design.chance)
    cells = estimate_cells(arrays, spec.score_map, maps, n_targets=12, n_families=5)
    floor, span, margin = maps.floor[benchmark], maps.span[benchmark], cells.margin

    def placed(floor, span):
        odds, _ = log_odds_and_rise(cells.score, floor, span, margin)
        return cells.intercept + cells.slope * odds

    # Where a margin is small beside what is above and below.
    score = cells.score
    inside = np.minimum(score - floor, floor + 0.9 * span - score) > 8 * margin
    assert inside.sum() > 20
    for factor in (1.0, 0.93) if score_map == "sigmoid" else (1.0,):
        exact = spec.score_map.inverse(score, floor, factor * span)
        assert placed(floor, factor * span)[inside] == pytest.approx(exact[inside], abs=0.02)


def test_contrasts_are_the_zero_sum_normal_and_independent_in_information():
    error = np.array([0.1, 0.4, 0.2, 0.05])
    found = standardised(error)
    projection = np.eye(4) - np.full((4, 4), 0.25)
    assert found.basis @ found.basis.T == pytest.approx(projection, abs=1e-12)
    information = found.basis.T @ np.diag(error**-2) @ found.basis
    assert information == pytest.approx(np.diag(found.error**-2), abs=1e-9)


def test_contrasts_of_harnesses_are_zero_where_they_never_measured():
    """Harness b never measured y, and z was measured by one harness only."""
    measured = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0]], dtype=bool)
    found = _harness_contrasts(np.array([25 * np.eye(3)] * 3), measured)
    assert found.benchmark.tolist() == [0, 0, 1]
    rows = found.basis.reshape(3, 3, 3)
    assert np.abs(rows.sum(axis=0)).max() < 1e-12
    assert not rows[~measured].any()
    assert np.abs(rows[[0, 2], 1, 2]) == pytest.approx(np.sqrt(0.5))


@pytest.mark.sampling
def test_cells_of_which_all_scores_are_withheld_are_sampled_too():
    """Warm-up long enough for pilots, which look at every cell."""
    design = make_design(simulate(KINDS[1], seed=4), bd.RulerModel().spec)
    units = units_of(design)
    left_out = (units["model"] == "reference 3").to_numpy()
    assert set(units.loc[left_out, "quantity"]) == {"loss", "score"}
    settings = SamplingSettings(draws=200, tune=500, random_seed=1, target_accept=0.95)
    drawn = bd.RulerModel().sample_design(
        withhold(design, left_out), Run(settings, "withheld", progressbar=False)
    )
    assert len(drawn.result.pilots) >= 2
    sizes = drawn.result.posterior["log_effective_size"].isel(cell=design.arrays["cell_model"] == 3)
    assert np.isfinite(sizes).all()
    # Where nothing is measured, a cell deviates as far as its prior lets it.
    tau = drawn.result.posterior["cell_effect_sd"].mean(("chain", "draw")).values
    assert sizes.std(("chain", "draw")).values == pytest.approx(np.hypot(0.3 * tau, 0.1), rel=0.35)
