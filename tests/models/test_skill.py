"""A ruler without a reference family: what a size is worth, from models of one family."""

import numpy as np
import pytest

import bayesdense as bd
from tests.conftest import samples
from tests.simulate import KINDS, Truth, simulate

# Nearly straight in ln N, and no size slope: what a latent skill takes for granted.
STRAIGHT = Truth(
    alpha=0.02,
    a=16.0,
    gamma=(1.6, 2.2, 1.8),
    midpoint=(16.1, 15.9, 16.3),
    size_slope=0.0,
    size_slope_by_benchmark=(0.0, 0.0, 0.0),
)


@pytest.fixture(scope="module")
@samples
def skill():
    data = simulate(KINDS[0], seed=6, truth=STRAIGHT, n_targets=90, n_families=25)
    return bd.DensityModel(ruler="skill").fit(data, random_seed=1, progressbar=False)


def test_growth_is_recovered_without_a_reference_family(skill):
    assert skill.checks().trusted, skill.checks()
    assert skill.posterior.sizes["model"] == 96 and not skill.density()["is_reference"].any()
    growth = skill.growth(prob=0.98)
    typical = growth[growth["estimator"] == "typical"].set_index("benchmark")
    assert typical.loc["all benchmarks", "lower"] < 1.8 < typical.loc["all benchmarks", "upper"]
    for j, name in enumerate(STRAIGHT.benchmarks):
        truth = STRAIGHT.growth + STRAIGHT.growth_by_benchmark[j]
        assert typical.loc[name, "lower"] < truth < typical.loc[name, "upper"], name
    # The slope of a map in ln N is gamma times alpha times what the size term is.
    slopes = skill.parameters(names=["map_slope_at_centre"], prob=0.98)
    truth = np.array(STRAIGHT.gamma) * STRAIGHT.alpha * STRAIGHT.a
    assert (slopes["lower"] < 1.15 * truth).all() and (slopes["upper"] > 0.85 * truth).all()


def test_tables_of_a_ruler_without_references(skill, tmp_path):
    assert "on the ruler of latent skill" in repr(skill)
    assert set(skill.coefficients()["informed_by"]) == {"all models"}
    sizes = skill.effective_size()
    assert not sizes["outside_reference"].all()
    assert (skill.effective_size(by="benchmark")["p_above_reach"] < 0.6).all()
    assert float(skill.posterior["log_density_level"].max()) == 0.0
    again = bd.load_fit(skill.save(tmp_path / "skill.nc"))
    assert again.spec.ruler == "skill" and again.spec.law.name == "log-linear"
    figure, ax = bd.plots.effective_size(again)
    figure.savefig(tmp_path / "sizes.png")
    assert any("range of the models" in text.get_text() for text in ax.texts)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"law": "power-sum"}, "ruler='skill' knows law='log-linear' only"),
        ({"size_slope": "common"}, "ruler='skill' knows size_slope='none' only, not 'common'"),
        ({"level": "by-benchmark"}, "ruler='skill' knows level='common' only"),
    ],
)
def test_what_a_skill_cannot_tell_is_refused(options, message):
    with pytest.raises(bd.BayesdenseError, match=message):
        bd.DensityModel(ruler="skill", **options)


def test_families_of_one_model_cannot_say_what_a_size_is_worth():
    data = simulate(KINDS[0], seed=6, n_targets=20, n_families=5)
    alone = data.models.assign(family=data.models["model"])
    single = bd.Dataset.from_frames(
        models=alone, benchmarks=data.benchmarks, scores=data.scores, name="single models"
    )
    message = "at least 3 families must have models of different sizes .* know .0., sums .0., read"
    with pytest.raises(bd.ReadinessError, match=message):
        bd.DensityModel(ruler="skill").build(single)


def test_the_law_of_a_skill_reads_references_too():
    """Any model can have it: the limit of the power sum for a small exponent."""
    data = simulate(KINDS[0], seed=6, n_targets=20, n_families=5)
    names = {v.name for v in bd.DensityModel(law="log-linear").build(data).free_RVs}
    assert "reference_effect" in names and "alpha" not in names
