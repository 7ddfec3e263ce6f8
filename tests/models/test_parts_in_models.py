"""Every registered part in a model: its log density and gradient exist where chains start."""

from functools import reduce
from operator import add

import numpy as np
import pytensor
import pytest

import bayesdense as bd
from bayesdense.parts.laws import laws
from bayesdense.parts.maps import maps
from bayesdense.parts.sizes import sizes
from tests.joint import AS_IT_IS
from tests.models.test_ruler import IRREDUCIBLE, runs_of
from tests.simulate import KINDS, simulate

pytestmark = pytest.mark.sampling

BUILT_IN = ("power-sum", "irreducible", "kaplan", "kaplan-floor", "over-training")


def with_columns(data):
    """Return the dataset with every column that some part reads."""
    count = len(data.models)
    turn = np.arange(count)
    models = data.models.assign(
        sparsity=np.where(data.models["is_reference"], (turn % 4) / 5, 0.0),
        n_active=data.models["n_params"] / np.where(turn % 3, 1.0, 4.0),
        bits_weights=np.array([16.0, 8.0, 4.0])[turn % 3],
        representation=np.array(["", "int4", "int4+sparse50"], dtype=object)[turn % 3],
        n_experts=np.array([1.0, 8.0, 64.0])[turn % 3],
    )
    return bd.Dataset.from_frames(
        name=data.name,
        models=models,
        benchmarks=data.benchmarks,
        scores=data.scores,
        losses=data.losses if len(data.losses) else None,
    )


@pytest.fixture(scope="module")
def small():
    return {k: with_columns(simulate(k, seed=5, n_targets=12, n_families=5)) for k in KINDS}


def starts(model, data):
    built = model.build(data)
    point = built.initial_point(0)
    # Two by two: a sum of more than 32 terms at once is beyond Python mode.
    total = reduce(add, [term.sum() for term in built.logp(sum=False)])
    outputs = [total, *pytensor.grad(total, built.value_vars)]
    function = pytensor.function(built.value_vars, outputs, **AS_IT_IS)
    found = function(*(point[v.name] for v in built.value_vars))
    return all(np.isfinite(values).all() for values in found)


@pytest.mark.parametrize("law", [*BUILT_IN, "dense-and-sparse"])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_every_law_in_a_density_model(law, kind, small):
    if kind == KINDS[2] and not laws.get(law).shape:
        # A benchmark with scores only needs a law that has a form without losses.
        with pytest.raises(bd.BayesdenseError, match="needs losses of the reference models"):
            bd.DensityModel(law=law).build(small[kind])
        return
    assert starts(bd.DensityModel(law=law), small[kind])


@pytest.mark.parametrize("score_map", list(maps))
@pytest.mark.parametrize("kind", KINDS)
def test_every_map_in_a_density_model(score_map, kind, small):
    assert starts(bd.DensityModel(score_map=score_map), small[kind])


@pytest.mark.parametrize("size", list(sizes))
@pytest.mark.parametrize("kind", KINDS[:2])
def test_every_size_in_a_density_model(size, kind, small):
    model = bd.DensityModel(size=size)
    assert starts(model, small[kind])
    names = {v.name for v in model.build(small[kind]).deterministics}
    assert ("log_size" in names) == bool(model.make_design(small[kind]).size_design)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bayesdense.DiagnosticsWarning")
@pytest.mark.parametrize("score_map", ["exponential-error", "threshold"])
def test_other_maps_are_sampled_and_predict_a_run(score_map):
    """Scores that follow a map are predicted by it, for a run that was not seen."""
    fit = bd.RulerModel(score_map=score_map).fit(
        simulate(KINDS[1], seed=4), draws=1000, random_seed=1, progressbar=False
    )
    assert fit.diagnostics()["rhat"].max() < 1.03
    table = fit.predict(n_params=1e9, n_tokens=2e10)
    scores = table[table["quantity"] == "score"]
    assert scores["median"].between(0.0, 1.0).all()
    inside = fit.scores(prob=0.9)["inside"].mean()
    assert inside > 0.8


@pytest.mark.slow
def test_losses_of_two_families_carry_their_offset():
    """Runs of one family count as larger by exp(0.4) than those of the other."""
    runs = runs_of(bd.laws.Irreducible(), IRREDUCIBLE, seed=8, sizes=10, ratios=5)
    second = np.arange(len(runs)) % 2 == 1
    x = np.log(runs["n_params"]) - np.log(runs["n_params"]).mean()
    z = np.log(runs["n_tokens"]) - np.log(runs["n_tokens"]).mean()
    law = bd.laws.Irreducible()
    shifted = law.loss(x + np.where(second, 0.2, -0.2), z, IRREDUCIBLE)
    runs["loss"] *= shifted / law.loss(x, z, IRREDUCIBLE)
    runs["family"] = np.where(second, "second", "first")
    fit = bd.RulerModel(law="irreducible").fit(
        bd.Dataset.from_losses(runs), draws=2000, random_seed=3, progressbar=False
    )
    assert fit.checks().trusted, fit.checks()
    found = fit.parameters(names=["reference_family_offset"], prob=0.98).set_index("of")
    assert found.loc["second", "lower"] < 0.2 < found.loc["second", "upper"]
    assert np.abs(fit.posterior["reference_family_offset"].sum("reference_family")).max() < 1e-12
    assert found.loc["second", "sd"] < 0.1
