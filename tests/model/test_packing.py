"""Packed data: fewer inputs, the same density."""

import numpy as np
import pytest

import bayesdense as bd
from bayesdense.build import build_model
from bayesdense.packing import Packing
from bayesdense.studies.units import units_of, withhold
from tests.model.simulate import KINDS, simulate


@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_model_has_the_density_of_the_model(kind):
    model = bd.DensityModel().build(simulate(kind, seed=3, n_targets=12, n_families=4))
    packed = Packing.of(model).apply(model)
    names = [v.name for v in model.value_vars]
    assert sorted(v.name for v in packed.value_vars) == sorted(names)
    random = np.random.default_rng(1)
    point = {n: v + random.normal(0.0, 0.1, np.shape(v)) for n, v in model.initial_point().items()}
    densities = []
    for made in (model, packed):
        terms = made.compile_fn(made.logp(sum=False), mode="FAST_COMPILE")(point)
        densities.append(sum(float(np.sum(term)) for term in terms))
    assert densities[0] == pytest.approx(densities[1], rel=1e-12)
    # The model that people see keeps its own names and initial points.
    assert {"score_observed", "target_years"} <= {data.name for data in model.data_vars}
    assert any(v is not None for v in model.rvs_to_initial_values.values())


def test_every_number_is_where_the_packed_model_looks_for_it():
    data = simulate(KINDS[2], seed=3, n_targets=12, n_families=4)
    model = bd.DensityModel().build(data)
    packing = Packing.of(model)
    values = packing.values({v.name: v.get_value() for v in model.data_vars})
    assert sum(v.size for v in values.values()) == sum(v.get_value().size for v in model.data_vars)
    for group, members in packing.groups.items():
        start = 0
        for row, (name, shape) in enumerate(members):
            expected = model[name].get_value()
            if shape is None:
                found = values[group][row]
            else:
                found = values[group][start : start + expected.size].reshape(shape)
                start += expected.size
            np.testing.assert_array_equal(found, expected)


def test_the_number_of_measurements_is_no_part_of_a_packing():
    """What is left out in a comparison must not be compiled again."""
    model = bd.ReferenceModel(law="irreducible")
    layout = model.lay_out(simulate(KINDS[1], seed=3))
    left_out = np.zeros(len(units_of(layout)), dtype=bool)
    left_out[[0, 3, -1]] = True
    whole, part = (build_model(made, model.spec) for made in (layout, withhold(layout, left_out)))
    sizes = [
        m["loss_observed"].get_value().size + m["score_observed"].get_value().size
        for m in (whole, part)
    ]
    assert sizes[0] - sizes[1] >= 3
    assert Packing.of(whole) == Packing.of(part)
    larger = bd.DensityModel().build(simulate(KINDS[0], seed=3, n_targets=13, n_families=4))
    smaller = bd.DensityModel().build(simulate(KINDS[0], seed=3, n_targets=12, n_families=4))
    assert Packing.of(larger) != Packing.of(smaller)
