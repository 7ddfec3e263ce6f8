"""What the sampler sees are other coordinates; the distributions are those of the model."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from scipy import integrate, optimize, stats

import bayesdense as bd
from bayesdense.build import build_model, lay_out
from bayesdense.build.effects import moved_normal, moved_prior, scaled_normal
from bayesdense.build.lagging import lagging
from bayesdense.build.leans import of_ends
from bayesdense.build.odds import log_odds, log_odds_and_rise
from bayesdense.build.placed import place
from bayesdense.build.rough import usual
from bayesdense.build.transforms import Ceiling, Floor
from bayesdense.coordinates.from_pilot import tuned
from bayesdense.sampler.nuts import SamplingSettings
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


def test_the_usual_ceiling_is_a_standard_normal():
    y = np.linspace(-3.0, 3.0, 7)
    transform = Ceiling(12.0)
    u = transform.backward(pt.constant(y)).eval(**PYTHON)
    density = stats.beta(12, 1).logpdf(u) + transform.log_jac_det(pt.constant(y)).eval(**PYTHON)
    assert density == pytest.approx(stats.norm.logpdf(y), abs=1e-9)


@pytest.mark.parametrize(("noise", "lag"), [(0.3, 0.5), (0.8, 0.05), (0.05, 0.7)])
def test_noise_less_a_lag_has_the_density_of_their_convolution(noise, lag):
    with pm.Model(coords={"i": range(3)}) as model:
        lagging("x", noise, lag, 25.0, "i", around=-0.1)
    at = np.array([-1.1, -0.2, 0.3])
    found = pm.logp(model["x"], at).eval(**PYTHON)

    def joint(w, x):
        return stats.norm.pdf(x + w, scale=noise) * stats.halfnorm.pdf(w, scale=lag)

    places = [
        integrate.quad(joint, 0, 12, args=(x,), points=[max(-x, 0), lag], limit=400)[0] for x in at
    ]
    assert found == pytest.approx(np.log(places), abs=1e-6)
    drawn = pm.draw(model["x"], 20_000, random_seed=1, **PYTHON)
    assert drawn.mean() == pytest.approx(-lag * np.sqrt(2 / np.pi), abs=0.02)
    assert drawn.std() == pytest.approx(np.sqrt(noise**2 + (1 - 2 / np.pi) * lag**2), rel=0.03)


def test_moved_variables_have_the_density_of_their_coordinate():
    """By numerical differences: the density of the coordinate integrates to one."""
    with pm.Model() as model:
        other = pm.Normal("other")
        moved_normal("n", 0.4, 0.8, unit=0.3, shift=other)
        priors = place(
            {
                "p": bd.Prior("HalfNormal", sigma=1.5),
                "r": bd.Prior("StudentT", nu=4, mu=1, sigma=2),
            }
        )
        moved_prior("p", priors["p"], 2.0 * other)
        moved_prior("r", priors["r"], other)
        scaled_normal("e", pm.math.exp(other), 2.0, None, around=0.5 * other)
    density = model.compile_logp(sum=False, **PYTHON)
    names = [model.rvs_to_values[v].name for v in model.free_RVs]
    for name in ("n_moved__", "p_moved_log__", "r_moved__", "e_moved__"):
        point = {**model.initial_point(0), "other": np.array(0.7)}
        grid = np.linspace(-60, 60, 24_001) if name.startswith("r") else np.linspace(-25, 25, 5_001)
        which = names.index(name)
        values = [density(point | {name: np.array(y)})[which] for y in grid]
        assert integrate.trapezoid(np.exp(values), grid) == pytest.approx(1.0, abs=2e-3), name


def test_ends_say_where_three_scores_lie_between_them():
    """By hand: 0.3, 0.5 and 0.75 of a span from 0.2 to 0.9, far from both ends."""
    floor, span = 0.2, 0.7
    knots = floor + span * np.array([0.3, 0.5, 0.75])
    middle, below, above = of_ends(knots, 0.01, floor, span)
    odds = np.log(np.array([0.3 / 0.7, 1.0, 3.0]))
    # Within a margin of a hundredth of an end, the logarithm gives way to something finite.
    assert middle == pytest.approx(odds[1], abs=1e-9)
    assert below == pytest.approx(np.log(odds[1] - odds[0]), abs=2e-3)
    assert above == pytest.approx(np.log(odds[2] - odds[1]), abs=2e-3)
    beyond = of_ends(np.array([0.1, 0.5, 0.95]), 0.01, floor, span)
    assert np.isfinite(beyond).all()


def test_odds_of_scores_and_how_fast_they_rise_by_hand():
    """A score far from both ends, at the floor, and above the ceiling."""
    score, margin = np.array([0.6, 0.2, 0.95]), np.full(3, 0.02)
    found = log_odds_and_rise(score, np.full(3, 0.2), np.full(3, 0.7), margin)
    odds, rise = (part.eval(**PYTHON) for part in found)
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

        return optimize.root(off, [-1.5, 0.0, 0.0]).x, np.array(of_ends(knots, 0.01, floor, span))

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
    layout = lay_out(data, spec)
    arrays, benchmark = layout.arrays, layout.arrays["cell_benchmark"]
    rough = usual(spec.score_map, layout.chance)
    floor, span, margin = rough.floor[benchmark], rough.span[benchmark], arrays["cell_margin"]

    def placed(floor, span):
        odds, _ = log_odds_and_rise(arrays["cell_score"], floor, span, margin)
        return arrays["cell_offset"] + arrays["cell_of_odds"] * odds.eval(**PYTHON)

    # Where a margin is small beside what is above and below.
    score = arrays["cell_score"]
    inside = np.minimum(score - floor, floor + 0.9 * span - score) > 8 * margin
    assert inside.sum() > 20
    for factor in (1.0, 0.93) if score_map == "sigmoid" else (1.0,):
        exact = spec.score_map.inverse(score, floor, factor * span)
        assert placed(floor, factor * span)[inside] == pytest.approx(exact[inside], abs=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_coordinates_of_a_pilot_leave_the_density_as_it_is(kind):
    data = simulate(kind, seed=5, n_targets=12, n_families=5)
    spec = bd.DensityModel().spec
    layout = lay_out(data, spec)
    model = build_model(layout, spec)
    names = [v.name for v in [*model.free_RVs, *model.deterministics]]
    values = pm.draw([model[n] for n in names], draws=40, random_seed=3, **PYTHON)
    drawn = dict(zip(names, values, strict=True))
    other = tuned(layout, spec, _as_posterior(drawn))
    assert not np.array_equal(other.arrays["cell_guess"], layout.arrays["cell_guess"])
    assert other.arrays["pivot_lean"].any() and other.arrays["tau_lean"].any()
    assert other.arrays["harness_pull"].any()
    found = []
    for built in (model, build_model(other, spec)):
        for variable in built.free_RVs:
            built.rvs_to_initial_values[variable] = drawn[variable.name][0]
        with pytensor.config.change_flags(mode="FAST_COMPILE"):
            point = built.initial_point(0)
            terms = built.compile_logp(jacobian=False, sum=False)(point)
            found.append((point, [float(term.sum()) for term in terms]))
    (one, first), (two, second) = found
    assert first == pytest.approx(second, rel=1e-7)
    for name in ("cell_deviation", "eta_contrast"):
        assert not np.allclose(one[f"{name}_moved__"], two[f"{name}_moved__"])


def test_cells_of_which_all_scores_are_withheld_are_sampled_too():
    """Warm-up long enough for pilots, which look at every cell."""
    layout = lay_out(simulate(KINDS[1], seed=4), bd.RulerModel().spec)
    units = units_of(layout)
    left_out = (units["model"] == "reference 3").to_numpy()
    assert set(units.loc[left_out, "quantity"]) == {"loss", "score"}
    settings = SamplingSettings(draws=200, tune=500, seed=1, target_accept=0.95)
    drawn = bd.RulerModel().sample_layout(
        withhold(layout, left_out), settings, label="withheld", progress=False
    )
    assert len(drawn.result.pilots) >= 2
    sizes = drawn.result.posterior["cell_ln_size"].isel(cell=layout.arrays["cell_model"] == 3)
    assert np.isfinite(sizes).all()
    # Where nothing is measured, a cell strays as far as its prior lets it.
    tau = drawn.result.posterior["tau"].mean(("chain", "draw")).values
    assert sizes.std(("chain", "draw")).values == pytest.approx(np.hypot(0.3 * tau, 0.1), rel=0.35)


def _as_posterior(drawn):
    """Return draws as one chain."""
    return xr.Dataset(
        {
            name: (("chain", "draw", *(f"{name}_{i}" for i in range(v.ndim - 1))), v[None])
            for name, v in drawn.items()
        }
    )
