"""In the coordinates of the law nearly exact losses leave nothing narrow or oblique."""

import numpy as np
import pandas as pd
import pytensor.tensor as pt
import pytest

import bayesdense as bd
from bayesdense.coordinates.transforms import total_and_split
from bayesdense.parts.laws import laws
from tests.coordinates.test_reparametrise import sampler_model
from tests.joint import starting_point

PYTHON = {"mode": "FAST_COMPILE"}
TRUTH = {
    "power-sum": {"loss_size_term": 0.9, "alpha": 0.32, "loss_token_term": 1.3, "beta": 0.26},
    "irreducible": {
        "loss_floor": 1.1,
        "loss_size_term": 0.6,
        "alpha": 0.4,
        "loss_token_term": 0.5,
        "beta": 0.35,
    },
    "over-training": {
        "loss_floor": 1.1,
        "loss_size_term": 0.5,
        "loss_token_term": 0.6,
        "compute_exponent": 0.16,
    },
    "kaplan": {"loss_size_term": 0.9, "alpha": 0.1, "loss_token_term": 1.1, "beta": 0.12},
    "log-linear": {"loss_at_centre": 2.2, "loss_log_slope": 0.15},
    "dense-and-sparse": {
        **{
            "loss_floor": 1.5,
            "sparsity_floor_exponent": 0.3,
            "loss_size_term": 0.6,
            "sparsity_size_term": 0.2,
            "alpha": 0.4,
            "loss_token_term": 0.5,
            "beta": 0.35,
        }
    },
}
SPARSITY = {"dense-and-sparse": np.tile([0.0, 0.5, 0.75, 0.9], 4)}


def _data(law, *, n_sets, noise, seed=3):
    """Return sixteen runs and their losses on some sets, by the law and its noise."""
    random = np.random.default_rng(seed)
    sizes = np.repeat([2e8, 1e9, 5e9, 2e10], 4)
    tokens = sizes * np.tile([5.0, 20.0, 80.0, 300.0], 4)
    x, z = (np.log(v) - np.log(v).mean() for v in (sizes, tokens))
    names = [f"run {i}" for i in range(len(sizes))]
    losses = []
    for k in range(n_sets):
        c = {n: v * np.exp(0.05 * random.standard_normal()) for n, v in TRUTH[law].items()}
        c |= {"sparsity": SPARSITY[law]} if law in SPARSITY else {}
        expected = laws.get(law).loss(x, z, c)
        scatter = noise * random.standard_t(4.0, len(sizes))
        seen = expected * np.exp(scatter)
        losses.append(pd.DataFrame({"model": names, "loss_set": f"set {k}", "loss": seen}))
    models = pd.DataFrame(
        {
            "model": names,
            "family": "Runs",
            "n_params": sizes,
            "n_tokens": tokens,
            "is_reference": True,
        }
        | ({"sparsity": SPARSITY[law]} if law in SPARSITY else {})
    )
    losses = pd.concat(losses).assign(unit="nats per token")
    nothing = {
        "benchmarks": pd.DataFrame(columns=["benchmark", "n_items", "chance"]),
        "scores": pd.DataFrame(columns=["model", "benchmark", "score"]),
    }
    return bd.Dataset.from_frames(name="runs", models=models, losses=losses, **nothing)


def _curvature(sampled, names):
    """Return minus the second derivatives of the log density in some coordinates, at the start."""
    model = sampled.model
    values = [model.rvs_to_values[model[name]] for name in names]
    gradient = model.compile_dlogp(vars=[model[name] for name in names], **PYTHON)
    point = starting_point(sampled)
    sizes = [point[v.name].size for v in values]
    # Chains start where the law was fitted: at 0, but for what the prior says besides.
    for v in values:
        assert point[v.name] == pytest.approx(0.0, abs=0.2), v.name
    step, rows = 1e-4, []
    for v, size in zip(values, sizes, strict=True):
        for i in range(size):
            sides = []
            for sign in (1, -1):
                moved = point[v.name].copy()
                moved.flat[i] += sign * step
                sides.append(gradient(point | {v.name: moved}))
            rows.append((sides[1] - sides[0]) / (2 * step))
    return np.array(rows)


@pytest.mark.parametrize("n_sets", [1, 2])
@pytest.mark.parametrize("law", list(TRUTH))
def test_nearly_exact_losses_are_round_in_the_coordinates(law, n_sets):
    data = _data(law, n_sets=n_sets, noise=0.002)
    reference = bd.RulerModel(law=law)
    design = reference.make_design(data)
    sampled = sampler_model(design)
    wanted = {*TRUTH[law], "log_terms"}
    names = [v.name for v in sampled.model.free_RVs if v.name in wanted]
    curvature = _curvature(sampled, names)
    assert len(curvature) == len(TRUTH[law]) * n_sets
    # Of a standard Normal all would be 1; sixteen Student-t errors do not tell them better.
    found = np.linalg.eigvalsh(curvature)
    print(law, n_sets, names, found.round(2))
    assert 0.3 < found.min() and found.max() < 3.0


def _log_density(model, point):
    values = [point[v.name] for v in model.value_vars]
    options = {"on_unused_input": "ignore", "point_fn": False, **PYTHON}
    return float(model.compile_fn(model.logp(), inputs=model.value_vars, **options)(*values))


@pytest.mark.parametrize(
    "prior",
    [
        bd.Prior("Normal", mu=0.5, sigma=0.5),
        bd.Prior("StudentT", nu=4, mu=-0.2, sigma=0.5),
    ],
    ids=lambda prior: prior.distribution,
)
def test_a_coefficient_may_be_negative_whatever_its_prior_expects(prior):
    law = "dense-and-sparse"
    data = _data(law, n_sets=1, noise=0.002)
    reference = bd.RulerModel(law=law, priors={"sparsity_floor_exponent": prior})
    sampled = sampler_model(reference.make_design(data))
    model = sampled.model
    variable = model["sparsity_floor_exponent"]
    transform = model.rvs_to_transforms[variable]
    for value in (-0.4, 0.4):
        y = transform.forward(pt.constant(np.array([value])), *variable.owner.inputs)
        place = model.replace_rvs_by_values([y])[0]
        point = starting_point(sampled)
        inputs = [v for v in model.value_vars if v is not model.rvs_to_values[variable]]
        code = model.compile_fn(
            place, inputs=inputs, on_unused_input="ignore", point_fn=False, **PYTHON
        )
        at = code(*(point[v.name] for v in inputs))
        point |= {model.rvs_to_values[variable].name: at}
        assert np.isfinite(_log_density(model, point))


@pytest.mark.parametrize("shape", [(2,), (3,), (4, 3)])
def test_terms_there_and_back(shape):
    random = np.random.default_rng(1)
    n = shape[-1]
    logs = random.standard_normal(shape)
    back = np.tril(0.3 * random.standard_normal((*shape, n))) + np.eye(n)
    turn = np.linalg.inv(back)
    centre = random.standard_normal(shape)
    columns = [matrix[..., i] for matrix in (turn, back) for i in range(n)]
    # As PyMC gives them: the size first, then location, scale and kind, which are not read.
    inputs = [pt.constant(v) for v in (0.0, 0.0, 1.0, 0.0, centre, *columns)]
    y = total_and_split.forward(pt.constant(logs), *inputs).eval(**PYTHON)
    total, split = np.logaddexp.reduce(logs, axis=-1), logs[..., :-1] - logs[..., -1:]
    r = np.concatenate([total[..., None], split], axis=-1)
    assert y == pytest.approx((turn @ (r - centre)[..., None])[..., 0])
    assert total_and_split.backward(pt.constant(y), *inputs).eval(**PYTHON) == pytest.approx(logs)
    volume = total_and_split.log_jac_det(pt.constant(y), *inputs).eval(**PYTHON).sum(axis=-1)
    step, slopes = 1e-6, []
    for h in step * np.eye(n):
        sides = [
            total_and_split.backward(pt.constant(y + s * h), *inputs).eval(**PYTHON)
            for s in (1, -1)
        ]
        slopes.append((sides[0] - sides[1]) / (2 * step))
    _, expected = np.linalg.slogdet(np.stack(slopes, axis=-1))
    assert volume == pytest.approx(expected, abs=1e-6)
