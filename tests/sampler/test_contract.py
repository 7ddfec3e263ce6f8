"""What is used of nutpie, Numba, PyTensor and PyMC without being documented is still there.

Each test is about one such thing and says where it is used, so that a new version of a dependency
tells at once what it broke.
"""

from __future__ import annotations

import dataclasses
import inspect

import numpy as np
import pymc as pm
import pytensor
import pytest


def test_nutpie_compiled_models_have_the_fields_that_are_set():
    """`sampler.backend.dynamic_shapes`: the code is made once, its sizes for each dataset."""
    from nutpie.compile_pymc import CompiledPyMCModel

    fields = {field.name for field in dataclasses.fields(CompiledPyMCModel)}
    assert {
        *("_n_dim", "dims", "_coords", "_shapes", "compiled_logp_func", "compiled_expand_func"),
        *("initial_point_func", "shared_data", "shared_var_keys", "user_data", "n_expanded"),
        *("shape_info", "logp_func", "expand_func", "reparameterized_names"),
    } <= fields
    assert hasattr(CompiledPyMCModel, "with_data")


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("make_extraction_fn", ["inner", "shared_data", "shared_var_keys", "record_dtype"]),
        ("make_user_data", ["shared_var_keys", "shared_data"]),
    ],
)
def test_nutpie_functions_that_read_data_take_what_they_are_given(name, parameters):
    """`sampler.backend.dynamic_shapes`: how nutpie fetches the data of a model."""
    from nutpie import compile_pymc

    assert list(inspect.signature(getattr(compile_pymc, name)).parameters) == parameters


def test_pytensor_wraps_a_compiled_graph_under_the_name_that_is_looked_for():
    """`sampler.backend.dynamic_shapes._Graph`: the graph is compiled by itself."""
    from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS

    x = pytensor.tensor.vector("x")
    code = pytensor.function([x], [2.0 * x, x.sum()], mode="NUMBA")
    jitted = code.vm.jit_fn
    assert isinstance(CACHED_SRC_FUNCTIONS, dict) or hasattr(CACHED_SRC_FUNCTIONS, "get")
    assert hasattr(jitted, "py_func")
    inner = jitted.py_func.__globals__.get("jitable_func", jitted)
    assert hasattr(inner, "py_func")


def test_numba_tells_where_a_compiled_function_is():
    """`sampler.backend.dynamic_shapes._Graph`: its result type and its name in the library."""
    import numba

    @numba.njit
    def twice(x):
        return 2 * x

    assert twice(1.5) == 3.0
    found = next(iter(twice.overloads.values()))
    assert str(found.signature.return_type) == "float64"
    assert found.library.get_pointer_to_function(found.fndesc.llvm_func_name)


def test_numba_keeps_machine_code_and_the_options_it_is_made_with(tmp_path):
    """`sampler.backend.object_code`, and `_Graph.object` and `_object_of_callback` beside it."""
    import numba
    from numba.core.registry import cpu_target

    @numba.cfunc("float64(float64)")
    def twice(x):
        return 2 * x

    library = twice._library
    assert library._codegen._tm.emit_object(library._final_module)[:4] in (
        b"\x7fELF",
        b"\xcf\xfa\xed\xfe",
    )
    codegen = cpu_target.target_context.codegen()
    assert codegen.magic_tuple()
    options = {}
    codegen._customize_tm_options(options)
    assert {"cpu", "features"} <= set(options)
    cached = numba.njit(lambda x: x + 1.0)
    assert hasattr(cached, "_cache")


def test_scipy_has_the_function_that_compiled_code_calls_by_name():
    """`sampler.backend.erfcx`: a number and what Cython adds."""
    import scipy.special.cython_special as special

    from bayesdense.sampler.backend.erfcx import NAME

    assert "double (double, int __pyx_skip_dispatch)" in str(special.__pyx_capi__[NAME])


def test_pymc_turns_a_model_into_a_graph_and_back():
    """`coordinates.variables` and `sampler.backend.packed_data`: the model is rewritten there."""
    from pymc.model.fgraph import (
        ModelFreeRV,
        fgraph_from_model,
        model_deterministic,
        model_free_rv,
        model_from_fgraph,
        model_named,
    )

    for function, first in (
        (model_free_rv, ["rv", "value", "transform", "name"]),
        (model_deterministic, ["rv", "name"]),
        (model_named, ["rv", "name"]),
    ):
        assert list(inspect.signature(function).parameters)[: len(first)] == first
    with pm.Model(coords={"i": range(2)}) as model:
        pm.Normal("x", dims="i")
    graph, memo = fgraph_from_model(model)
    assert isinstance(memo[model["x"]].owner.op, ModelFreeRV)
    assert memo[model["x"]].owner.op.dims == ("i",)
    assert set(graph._coords) == {"i"} and int(graph._dim_lengths["i"].get_value()) == 2
    again = model_from_fgraph(graph, mutate_fgraph=True)
    assert [v.name for v in again.free_RVs] == ["x"]


def test_pymc_gives_a_transform_the_parameters_of_the_distribution():
    """`coordinates.transforms`: rate and shift are the last two of them."""
    seen = []

    class Watched(pm.logprob.transforms.Transform):
        name = "watched"

        def forward(self, value, *inputs):
            return value

        def backward(self, value, *inputs):
            seen.append(len(inputs))
            return value

        def log_jac_det(self, value, *inputs):
            return pytensor.tensor.zeros_like(value)

    with pm.Model() as model:
        pm.CustomDist(
            "x", 1.0, 2.0, 3.0, logp=lambda v, a, b, c: -(v**2), default_transform=Watched()
        )
    model.compile_logp(mode="FAST_COMPILE")({"x_watched__": np.array(0.5)})
    # The generator and the size come before the three.
    assert set(seen) == {5}
