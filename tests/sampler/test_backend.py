"""Packed data: fewer inputs, the same density."""

import ctypes

import numpy as np
import pymc as pm
import pytensor
import pytest

import bayesdense as bd
from bayesdense.models.base import sampler_model, structure_of
from bayesdense.sampler.backend.compile_cache import compiled_for
from bayesdense.sampler.backend.dynamic_shapes import RAISED
from bayesdense.sampler.backend.packed_data import INDEX, PackedData, in_order, lengths_of
from bayesdense.sampler.backend.static_shapes import FrozenData
from bayesdense.sampler.progress import Progress
from tests.joint import as_sampled, starting_point
from tests.simulate import KINDS, simulate

MODEL = bd.DensityModel()


def sampled_of(data, model=MODEL):
    """Return the sampler's model of some data."""
    return sampler_model(model.make_design(data))[0]


@pytest.mark.sampling
@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_model_has_the_density_of_the_model(kind):
    sampled = sampled_of(simulate(kind, seed=3, n_targets=12, n_families=4))
    model = sampled.model
    packed, _ = PackedData.of(model).apply(model)
    names = [v.name for v in model.value_vars]
    assert sorted(v.name for v in packed.value_vars) == sorted(names)
    random = np.random.default_rng(1)
    start = starting_point(sampled)
    point = {n: v + random.normal(0.0, 0.1, np.shape(v)) for n, v in start.items()}
    densities = []
    for made in (model, packed):
        terms = made.compile_fn(made.logp(sum=False), mode="FAST_COMPILE")(point)
        densities.append(sum(float(np.sum(term)) for term in terms))
    assert densities[0] == pytest.approx(densities[1], rel=1e-12)
    # The model before keeps its own names.
    assert {"score_observed", "target_years"} <= {data.name for data in model.data_vars}


def test_every_number_is_where_the_packed_model_looks_for_it():
    data = simulate(KINDS[2], seed=3, n_targets=12, n_families=4)
    sampled = sampled_of(data)
    model = sampled.model
    packed_data = PackedData.of(model)
    lengths = lengths_of(model)
    values = packed_data.values({v.name: v.get_value() for v in model.data_vars}, lengths)
    index = list(values.pop(INDEX))
    assert sum(v.size for v in values.values()) == sum(v.get_value().size for v in model.data_vars)
    assert [index.pop(0) for _ in packed_data.dims] == [lengths[name] for name in packed_data.dims]
    sizes = [index.pop(0) for _ in packed_data.variables]
    assert sizes == [sampled.starts[n].size for n, _ in packed_data.variables]
    for dtype in sorted({dtype for _, dtype, _ in packed_data.arrays}):
        members = [(name, ndim) for name, kind, ndim in packed_data.arrays if kind == dtype]
        parts = np.split(values[f"packed_{dtype}"], np.cumsum([index.pop(0) for _ in members]))
        for (name, ndim), part in zip(members, parts[:-1], strict=True):
            shape = [index.pop(0) for _ in range(ndim)] if ndim > 1 else part.shape[:ndim]
            np.testing.assert_array_equal(part.reshape(shape), model[name].get_value())
    assert not index


def test_shapes_are_no_part_of_packed_data():
    larger = sampled_of(simulate(KINDS[0], seed=3, n_targets=20, n_families=7))
    data = simulate(KINDS[0], seed=4, n_targets=12, n_families=4)
    smaller = sampled_of(data.select(benchmarks=["know", "read"]))
    assert PackedData.of(larger.model) == PackedData.of(smaller.model)


def density_of(code, point):
    """Call compiled code as nutpie does; return what it says, density and gradient."""
    gradient, density = np.zeros_like(point), np.zeros(1)
    numbers = ctypes.POINTER(ctypes.c_double)
    done = code.compiled_logp_func.ctypes(
        len(point),
        *(array.ctypes.data_as(numbers) for array in (point, gradient, density)),
        code.user_data.ctypes.data_as(ctypes.c_void_p),
    )
    return done, float(density[0]), gradient


@pytest.mark.sampling
def test_one_compiled_model_has_the_density_of_data_of_any_shape():
    """More models and families, other priors, fewer benchmarks: PyMC's own density."""
    random = np.random.default_rng(1)
    other = bd.DensityModel(priors={"growth_rate": bd.Prior("Normal", mu=2.0, sigma=0.4)})
    large = simulate(KINDS[0], seed=4, n_targets=40, n_families=15)
    few = simulate(KINDS[0], seed=5, n_targets=9, n_families=3)
    cases = [
        (bd.DensityModel(), simulate(KINDS[0], seed=3, n_targets=12, n_families=4)),
        (bd.DensityModel(), large),
        (other, few.select(benchmarks=["sums", "read"])),
    ]
    fresh = []
    for spec, data in cases:
        design, sampled = spec.make_design(data), sampled_of(data, spec)
        model = sampled.model
        compiled, new = compiled_for(sampled, structure_of(design), Progress(False, ""))
        fresh.append(new)
        code = compiled.given()
        point = compiled.start(0)
        point += random.normal(0.0, 0.1, point.shape)
        done, density, gradient = density_of(code, point)
        assert done == 0
        # Without a compiler a sum has at most 32 terms, and the model has more.
        expected = model.compile_logp(mode="FAST_COMPILE", sum=False)
        variables = [model.rvs_to_values[v] for v in in_order(model)]
        shapes = {n: np.shape(v) for n, v in starting_point(sampled).items()}
        ends = np.cumsum([int(np.prod(shapes[v.name])) for v in variables])

        def at(point, variables=variables, shapes=shapes, ends=ends):
            parts = np.split(point, ends[:-1])
            return {
                v.name: part.reshape(shapes[v.name])
                for v, part in zip(variables, parts, strict=True)
            }

        def by_pymc(point, expected=expected, at=at):
            return sum(float(np.sum(term)) for term in expected(at(point)))

        assert density == pytest.approx(by_pymc(point), rel=1e-9)
        # The gradient along a random direction, by differences.
        way = random.normal(size=point.shape)
        step = 1e-5
        ahead, behind = (by_pymc(point + s * way) for s in (step, -step))
        assert gradient @ way == pytest.approx((ahead - behind) / (2 * step), rel=1e-4)
        # A point of another length is refused, and corrupts nothing: what the graph raises is
        # told, though it is called by its address.
        assert density_of(code, np.append(point, 0.0))[0] == RAISED
        assert density_of(code, point[:-1])[0] == RAISED
    assert fresh[1:] == [False, False]


def test_variables_need_named_dimensions():
    with pm.Model(coords={"i": range(3)}) as model:
        x = pm.Normal("x", dims="i")
        pm.Deterministic("twice", 2 * x)
    sampled = as_sampled(model, x=np.zeros(3))
    with pytest.raises(bd.BayesdenseError, match="'twice' has axes without a named dimension"):
        compiled_for(sampled, "undimensioned", Progress(False, ""))


@pytest.mark.sampling
def test_another_process_finds_the_graphs_compiled(monkeypatch):
    """Compiled again under another name, density and draws are read from files."""
    from pytensor.link.numba.dispatch import basic

    graphs = []

    def njit(function, **options):
        made = basic_njit(function, **options)
        graphs.append(made)
        return made

    def compiled(structure):
        with pm.Model(coords={"i": range(3)}) as model:
            x = pm.Normal("x", dims="i")
            pm.Deterministic("of_a_test", pm.math.cosh(1.3 * x), dims="i")
        graphs.clear()
        sampled = as_sampled(model, x=np.zeros(3))
        compiled, fresh = compiled_for(sampled, structure, Progress(False, ""))
        assert fresh
        found = [graph for graph in graphs if "fgraph" in graph.py_func.__name__]
        return compiled.expanded(), [graph.stats for graph in found if graph.stats.cache_path]

    basic_njit = basic.numba_njit
    monkeypatch.setattr(basic, "numba_njit", njit)
    point = np.array([0.1, -0.2, 0.3])
    with pytensor.config.change_flags(numba__cache=False):
        expanded, of_files = compiled("not cached")
    assert not of_files
    assert expanded(point)[-3:] == pytest.approx(np.cosh(1.3 * point))
    compiled("first")
    expanded, of_files = compiled("again")
    assert expanded(point)[-3:] == pytest.approx(np.cosh(1.3 * point))
    used = [stats for stats in of_files if stats.cache_hits or stats.cache_misses]
    assert [sum(stats.cache_hits.values()) for stats in used] == [1, 1]
    assert not any(stats.cache_misses for stats in used)


def test_definitions_of_size_share_compiled_code_where_they_have_no_factor():
    data = simulate(KINDS[0], seed=3, n_targets=12, n_families=4)
    sparse = np.arange(len(data.models)) % 3 == 0
    models = data.models.assign(
        n_active=data.models["n_params"] / np.where(sparse, 4.0, 1.0),
        bits_weights=np.where(sparse, 8.0, 16.0),
    )
    data = bd.Dataset.from_frames(
        models=models, benchmarks=data.benchmarks, scores=data.scores, name="mixed"
    )
    found = []
    for size in ("total", "active", "precision"):
        model = bd.DensityModel(size=size)
        design = model.make_design(data)
        found.append((structure_of(design), PackedData.of(sampled_of(data, model).model)))
    assert found[0] == found[1]
    assert found[0][0] != found[2][0]


# The compiler of nutpie takes minutes for this small model.
@pytest.mark.slow
def test_the_compiler_of_nutpie_gives_the_same_density_and_the_same_draw():
    random = np.random.default_rng(2)
    model = bd.DensityModel(form="pooled")
    data = simulate(KINDS[0], seed=3, n_targets=9, n_families=3)
    structure = structure_of(model.make_design(data))
    sampled = sampled_of(data, model)
    shown = Progress(False, "")
    ours, _ = compiled_for(sampled, structure, shown)
    theirs, fresh = compiled_for(sampled, structure, shown, "nutpie")
    assert fresh and not compiled_for(sampled, structure, shown, "nutpie")[1]
    assert ours.places == theirs.places
    np.testing.assert_allclose(ours.centre, theirs.centre, rtol=1e-9, atol=1e-12)
    for seed in range(3):
        point = ours.start(seed) + random.normal(0.0, 0.1, ours.n_parameters)
        (ok, density, gradient), (too, other, slope) = (
            density_of(compiled.given(), point) for compiled in (ours, theirs)
        )
        assert ok == too == 0
        assert other == pytest.approx(density, rel=1e-9)
        assert slope == pytest.approx(gradient, rel=1e-6, abs=1e-6)
    a, b = (c.named(c.expanded()(point)[None, None]) for c in (ours, theirs))
    assert set(a.data_vars) == set(b.data_vars)
    for name in a.data_vars:
        np.testing.assert_allclose(a[name].values, b[name].values, rtol=1e-9, atol=1e-12)
    # Code with the data in it is for these data only.
    changed = sampled_of(data, model)
    changed.model.set_data("score_observed", 0.99 * changed.model["score_observed"].get_value())
    assert FrozenData.of(changed.model) != FrozenData.of(sampled.model)
