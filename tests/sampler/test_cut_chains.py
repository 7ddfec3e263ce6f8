"""The ruler from references only: shown beside the joint one, and cut off from targets."""

import numpy as np
import pandas as pd
import pytest

import bayesdense as bd
from bayesdense.fit.info import CutInfo
from bayesdense.model import build_model, make_design
from bayesdense.model.ruler import Ruler
from bayesdense.posterior.draws import Draws
from bayesdense.sampler.cut_chains import DRAWS_OF_A_RULER
from tests.conftest import samples
from tests.model.test_build import evaluate, random_values
from tests.simulate import KINDS, Truth, simulate

quiet = pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")


@pytest.mark.parametrize("kind", KINDS)
def test_given_its_ruler_the_model_is_the_joint_one(kind):
    """Holding the values that a ruler has changes nothing of the distribution of scores."""
    data = simulate(kind, seed=5, n_targets=12, n_families=5)
    model = bd.DensityModel()
    design = make_design(data, model.spec)
    joint = build_model(design)
    values = random_values(joint, seed=2)
    seen = evaluate(joint, values, ["map_span", "log_density"])
    ruler = Ruler.of(values | seen, design.arrays, design)
    shape = len(design.loss_sets) + int((~design.has_losses).sum())
    held = {f"law_{name}": np.broadcast_to(v, shape) for name, v in ruler.coefficients.items()}
    held |= {name: getattr(ruler, name) for name in ("midpoint", "steepness", "floor", "span")}
    given = build_model(design, given=held)
    names = {str(v.name) for v in given.free_RVs}
    assert names < {str(v.name) for v in joint.free_RVs}
    of_ruler = {"map_floor", "ceiling_share", "map_steepness", "map_logit_at_centre", "alpha"}
    assert not of_ruler & names

    for ours, theirs in zip(of_scores(given, values), of_scores(joint, values), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-10)


def of_scores(model, values):
    """Return mean, item variance and source variance of every score."""
    import pytensor

    [score] = [v for v in model.observed_RVs if v.name == "score"]
    wanted = [i for i in score.owner.inputs if "float" in getattr(i.type, "dtype", "")]
    replace = [(v, np.asarray(values[v.name], dtype=float)) for v in model.free_RVs]
    return pytensor.function(
        [], wanted, givens=replace, on_unused_input="ignore", mode="FAST_COMPILE"
    )()


@pytest.fixture(scope="module")
@samples
def cut():
    """Return a short cut fit of the pooled form."""
    import warnings

    data = simulate(KINDS[0], seed=3, n_targets=12, n_families=5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", bd.DiagnosticsWarning)
        return bd.DensityModel(form="pooled", ruler="cut").fit(
            data, ruler_draws=40, random_seed=1, progressbar=False
        )


def test_the_cut_passes_whole_draws_of_the_ruler_from_references_alone(cut):
    kept = cut.posterior.sizes
    assert (kept["chain"], kept["draw"]) == (4, 10 * DRAWS_OF_A_RULER)
    # Every draw of the ruler is one of the draws of the reference posterior, in one piece.
    names = ["alpha", "map_logit_at_centre", "map_slope_at_centre", "map_floor", "ceiling_share"]
    alone = np.concatenate([Draws(cut.reference_posterior)[n] for n in names], axis=1)
    used = np.concatenate([Draws(cut.posterior)[n] for n in names], axis=1)
    distinct = np.unique(used, axis=0)
    assert len(distinct) == 40
    assert all((row == alone).all(axis=1).any() for row in distinct)
    # What is given the ruler does move.
    assert len(np.unique(Draws(cut.posterior)["growth_rate"])) > 0.9 * len(used)


def test_tables_of_a_cut_fit_say_what_informed_the_ruler(cut, tmp_path):
    table = cut.coefficients()
    assert set(table["informed_by"]) == {"references"}
    assert set(table["step"]) == {"loss law", "score map"}
    assert cut.checks()["short chains"].passed is not None
    assert cut.checks()["reference posterior"].passed
    sizes = cut.effective_size(by="benchmark")
    reach = cut.reach().set_index("benchmark")
    high = sizes[sizes["p_above_reach"] > 0.5]
    assert (high["lower"] > 0).all() and set(high["benchmark"]) <= set(reach.index)
    again = bd.load_fit(cut.save(tmp_path / "cut.nc", full=True))
    pd.testing.assert_frame_equal(again.coefficients(), table)
    assert again.spec.ruler == "cut" and again.info.cut == CutInfo(rulers=40)
    assert repr(bd.DensityModel(ruler="cut")) == "DensityModel(ruler='cut')"


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ({}, {"ruler_draws": 100}, "ruler_draws is for ruler='cut'"),
        (
            {"ruler": "cut"},
            {"ruler_draws": 3},
            "ruler_draws must be a whole number from 20 to 2000, not 3",
        ),
        ({"ruler": "cut"}, {"reference_posterior": False}, "needs the reference posterior"),
        ({"ruler": "none"}, {}, "ruler='none' is not known; allowed are 'joint', 'cut'"),
    ],
)
def test_bad_requests_for_a_cut(model, options, message):
    data = simulate(KINDS[0], seed=3, n_targets=12, n_families=5)
    with pytest.raises(bd.BayesdenseError, match=message):
        bd.DensityModel(**model).fit(data, progressbar=False, **options)


def both_ways(data):
    """Fit with a joint ruler and with a cut, exponents with a prior far from the truth."""
    model = bd.DensityModel(form="first-edition")
    joint = model.fit(data, random_seed=3, reference_posterior=False, progressbar=False)
    cut = model.replace(ruler="cut").fit(data, random_seed=3, ruler_draws=200, progressbar=False)
    return joint, cut


def alpha_of(fit, benchmark):
    table = fit.parameters(names=["alpha"], prob=0.98)
    return table.set_index("of").loc[benchmark]


@pytest.mark.slow
@quiet
def test_targets_that_no_term_describes_bend_a_joint_ruler_and_not_a_cut_one():
    """On 'sums' large targets do ever better: a joint ruler takes that for its own curve."""
    truth = Truth(bend=(0.0, 0.5, 0.0))
    sizes = np.geomspace(3e8, 3e11, 24)
    data = simulate(KINDS[0], seed=4, truth=truth, n_targets=100, reference_sizes=sizes)
    joint, cut = both_ways(data)
    assert alpha_of(joint, "sums")["upper"] < truth.alpha
    assert alpha_of(cut, "sums")["lower"] < truth.alpha < alpha_of(cut, "sums")["upper"]
    assert "sums" in joint.data.core_benchmarks


@pytest.mark.slow
@quiet
def test_references_that_do_not_fix_alpha_need_the_targets():
    """The cut keeps the prior of alpha, three times the truth, and is sure of wrong densities."""
    truth = Truth(alpha=0.1, sigma_f=0.2, sigma_v=0.25, tau=(0.25, 0.2, 0.25))
    record = {}
    data = simulate(
        KINDS[0],
        seed=4,
        truth=truth,
        reference_sizes=np.array([5e8, 1e9, 3e9, 7e9, 13e9, 20e9]),
        record=record,
    )
    truths = pd.Series(record)
    found = {}
    for name, fit in zip(("joint", "cut"), both_ways(data), strict=True):
        table = fit.density().set_index("model").loc[truths.index]
        inside = (np.log(table["lower"]) < truths) & (truths < np.log(table["upper"]))
        growth = fit.growth().iloc[0]
        found[name] = (inside.mean(), growth["lower"] < truth.growth < growth["upper"])
    assert found["joint"][0] > 0.75 and found["joint"][1]
    assert found["cut"][0] < found["joint"][0] - 0.15 and not found["cut"][1]
