"""Compile a model for nutpie with dynamic shapes: lengths of dimensions are data.

`nutpie.compile_pymc_model` writes the number of parameters and the shape of every variable into
the code, so that another number of models needs other code. Here they are read from the data. All
else is nutpie's own: how it fetches data, and how it calls the code. nutpie and PyTensor are
pinned, since this uses functions of theirs that they do not document.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import BayesdenseError
from bayesdense.sampler.backend.cheap_gradients import with_cheap_gradients
from bayesdense.sampler.backend.erfcx import call_by_name
from bayesdense.sampler.backend.object_code import Callback, ObjectCode
from bayesdense.sampler.backend.packed_data import Places, in_order, parts_of

__all__ = ["DynamicModel", "compile_dynamic", "load_dynamic"]

# How Numba names the code of a graph, and the function by which Python looks for code of SciPy.
GRAPHS, FOUND_BY_PYTHON = "_ZN8pytensor4link5utils22numba_funcified_fgraph", b"get_ptr_func"
# What the code tells nutpie; 3 and 4 are errors from which a trajectory recovers.
WRONG_SIZE, RAISED, BAD_GRADIENT, BAD_DENSITY, NOT_EXPANDED = -1, 1, 3, 4, -2


@dataclass(frozen=True)
class DynamicModel:
    """Compiled code, and what it takes to give it a size.

    Attributes
    ----------
    code : nutpie.compile_pymc.CompiledPyMCModel
        Without sizes and labels.
    names : tuple of str
        Of everything that is kept of a draw, in order: first the free
        variables as they are sampled, then all that follows from them.
    n_free : int
        How many of the names are free variables.
    """

    code: Any
    names: tuple[str, ...]
    n_free: int

    def sized(self, data: Mapping[str, np.ndarray], coords: Mapping[str, Any], start: Any) -> Any:
        """Return what nutpie samples for a dataset.

        Parameters
        ----------
        data : mapping of str to numpy.ndarray
            Packed data.
        coords : mapping of str to sequence
            Labels of all dimensions.
        start : callable
            From a seed to an initial point.

        Returns
        -------
        nutpie.compile_pymc.CompiledPyMCModel
        """
        # Data that the graph does not read are unknown to the compiled code.
        read = {variable.name for variable in self.code.shared_var_keys}
        labels = {name: pd.Index(values) for name, values in coords.items()}
        shapes = [tuple(len(labels[d]) for d in self.code.dims.get(n, ())) for n in self.names]
        sizes = [prod(shape) for shape in shapes]
        n_dim = sum(sizes[: self.n_free])
        ends = np.cumsum(sizes)
        slices = [slice(int(end - size), int(end)) for end, size in zip(ends, sizes, strict=True)]
        labels["unconstrained_parameter"] = pd.RangeIndex(n_dim)
        return dataclasses.replace(
            self.code.with_data(**{name: v for name, v in data.items() if name in read}),
            _coords=labels,
            _n_dim=n_dim,
            _shapes=dict(zip(self.names, shapes, strict=True)),
            n_expanded=sum(sizes),
            shape_info=(list(self.names), slices, shapes),
            initial_point_func=start,
        )


@dataclass(frozen=True)
class _Shared:
    """What nutpie asks of a shared variable."""

    name: str
    ndim: int


def load_dynamic(code: ObjectCode, data: Mapping[str, np.ndarray]) -> DynamicModel:
    """Return a compiled model from machine code.

    Parameters
    ----------
    code : ObjectCode
        Stored, or of this process.
    data : mapping of str to numpy.ndarray
        Packed data.

    Returns
    -------
    DynamicModel
    """
    import ctypes

    from nutpie.compile_pymc import make_user_data

    shared = {_Shared(name, ndim): name for name, _, ndim in code.shared}
    values = {name: np.array(data[name], dtype, order="C") for name, dtype, _ in code.shared}
    for value in values.values():
        value.flags.writeable = False
    at = code.load()
    floats, size, pointer = ctypes.POINTER(ctypes.c_double), ctypes.c_uint64, ctypes.c_void_p
    callbacks = (
        Callback(at[code.density], (size, floats, floats, floats, pointer)),
        Callback(at[code.expanded], (size, size, floats, floats, pointer)),
    )
    user_data = make_user_data(shared, values)
    compiled = _without_sizes(code.dims, code.transformed, callbacks, shared, values, user_data)
    return DynamicModel(compiled, code.names, code.n_free)


def compile_dynamic(
    model: Any, places: Places, hidden: Container[str] = ()
) -> tuple[DynamicModel, ObjectCode | None]:
    """Compile a model.

    Parameters
    ----------
    model : pymc.Model
        What `bayesdense.sampler.backend.packed_data.PackedData.apply` returned; every variable that
        is not a single number has named dimensions.
    places : Places
        Where in the packed data lengths and sizes are.
    hidden : container of str
        Variables that are not kept of a draw.

    Returns
    -------
    compiled : DynamicModel
    code : ObjectCode or None
        Its machine code, to be stored; None where that is of no use to another
        process.
    """
    from nutpie.compile_pymc import make_user_data

    call_by_name()
    density, expanded, kept = _functions(model, places, hidden)
    dims, transformed = dict(model.named_vars_to_dims), []
    for variable in model.free_RVs:
        name = model.rvs_to_values[variable].name
        if model.rvs_to_transforms[variable] is not None:
            transformed.append(name)
            # Transformations here keep the shape.
            dims |= {name: dims[variable.name]} if variable.name in dims else {}
    for variable in kept:
        if len(dims.get(variable.name, ())) != variable.ndim:
            raise BayesdenseError(f"'{variable.name}' has axes without a named dimension")
    shared: dict[Any, str] = {}
    for code in (density, expanded):
        shared |= {variable: str(variable.name) for variable in code.get_shared()}
    data = {key: np.array(v.get_value(), order="C", copy=True) for v, key in shared.items()}
    for values in data.values():
        values.flags.writeable = False
    user_data = make_user_data(shared, data)
    read = [[shared[variable] for variable in code.get_shared()] for code in (density, expanded)]
    graphs = [_Graph(code) for code in (density, expanded)]
    callbacks = (
        _density_code(graphs[0], user_data, read[0], data),
        _expansion_code(graphs[1], user_data, read[1], data),
    )
    functions = density, expanded
    compiled = _without_sizes(dims, transformed, callbacks, shared, data, user_data, functions)
    names, n_free = tuple(str(v.name) for v in kept), len(model.free_RVs)
    parts = [*(graph.object for graph in graphs), *map(_object_of_callback, callbacks)]
    objects = [part for part in parts if part is not None]
    code = None
    if len(objects) == len(parts):
        code = ObjectCode(
            names=names,
            n_free=n_free,
            dims={name: tuple(found) for name, found in dims.items()},
            transformed=tuple(transformed),
            shared=tuple((key, str(data[key].dtype), data[key].ndim) for key in shared.values()),
            density=callbacks[0].native_name,
            expanded=callbacks[1].native_name,
            needed=tuple(sorted({name for part in objects for name in part.needed})),
            objects=tuple(part.content for part in objects),
        )
    return DynamicModel(compiled, names, n_free), code


def _without_sizes(
    dims: Mapping[str, Any],
    transformed: Sequence[str],
    callbacks: tuple[Any, Any],
    shared: Mapping[Any, str],
    data: Mapping[str, np.ndarray],
    user_data: Any,
    functions: tuple[Any, Any] = (None, None),
) -> Any:
    """Return what nutpie samples, as `DynamicModel.sized` completes it."""
    from nutpie.compile_pymc import CompiledPyMCModel

    return CompiledPyMCModel(
        _n_dim=0,
        dims=dict(dims),
        _coords={},
        _shapes={},
        compiled_logp_func=callbacks[0],
        compiled_expand_func=callbacks[1],
        initial_point_func=None,
        shared_data=dict(data),
        shared_var_keys=dict(shared),
        user_data=user_data,
        n_expanded=0,
        shape_info=([], [], []),
        logp_func=functions[0],
        expand_func=functions[1],
        reparameterized_names=list(transformed),
    )


def _functions(model: Any, places: Places, hidden: Container[str]) -> tuple[Any, Any, list[Any]]:
    """Return code for density and gradient, code for what is kept, and what that is."""
    import pytensor.tensor as pt
    from pymc.pytensorf import compile as compile_function
    from pytensor.compile.mode import get_mode
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph import clone_replace, rewrite_graph
    from pytensor.graph.traversal import graph_inputs

    free = in_order(model)
    values = [model.rvs_to_values[variable] for variable in free]
    density = rewrite_graph(
        model.logp(), include=["canonicalize", "stabilize", "local_remove_check_parameter"]
    )
    [density] = with_cheap_gradients([density])
    gradient = pt.concatenate([g.ravel() for g in pt.grad(density, values)])
    others = (v for v in model.unobserved_value_vars if v not in values and v.name not in hidden)
    kept = [*values, *others]
    joined = pt.concatenate([v.ravel() for v in kept])

    point = pt.vector("point", dtype="float64")
    replaced: dict[Any, Any] = {}
    lengths = places.lengths
    parts = parts_of(point, places.sizes, len(free))
    for variable, value, part in zip(free, values, parts, strict=True):
        dims = model.named_vars_to_dims.get(variable.name, ())
        whole = part.reshape([lengths[d] for d in dims]) if len(dims) > 1 else part
        replaced[value] = whole if dims else part[0]
    for variable in graph_inputs([density, gradient, joined]):
        if isinstance(variable, SharedVariable) and variable.name in lengths:
            replaced[variable] = lengths[variable.name]
    density, gradient, joined = clone_replace([density, gradient, joined], replaced)
    # Of unknown lengths it would ask everywhere whether they agree, a tenth of all code.
    mode = get_mode("NUMBA").including("local_remove_all_assert")
    # To look where operations may overwrite their inputs takes a quarter of the time of compiling,
    # and a gradient is no faster for it.
    mode = mode.excluding("inplace_elemwise")
    with model:
        return (
            compile_function((point,), (density, gradient), mode=mode),
            compile_function((point,), (joined,), mode=mode),
            kept,
        )


def _density_code(graph: _Graph, user_data: Any, keys: list[str], data: dict[str, Any]) -> Any:
    from numba import carray, types  # type: ignore[attr-defined]
    from nutpie.compile_pymc import make_extraction_fn

    extract = make_extraction_fn(graph.by_name(), data, keys, user_data.dtype)
    floats = types.CPointer(types.double)

    def density(dim, x_, out_, logp_, user_data_):  # type: ignore[no-untyped-def]
        try:
            x, out = carray(x_, (dim,)), carray(out_, (dim,))
            found, gradient = extract(x, user_data_)
            if len(gradient) != dim:
                return WRONG_SIZE
            carray(logp_, ())[()] = found
            out[...] = gradient
            if not np.all(np.isfinite(out)):
                return BAD_GRADIENT
            if not np.isfinite(found):
                return BAD_DENSITY
        except Exception:
            return RAISED
        return 0

    return _compiled(types.int64(types.uint64, floats, floats, floats, types.voidptr), density)


def _expansion_code(graph: _Graph, user_data: Any, keys: list[str], data: dict[str, Any]) -> Any:
    from numba import carray, types  # type: ignore[attr-defined]
    from nutpie.compile_pymc import make_extraction_fn

    extract = make_extraction_fn(graph.by_name(), data, keys, user_data.dtype)
    floats = types.CPointer(types.double)

    def expanded(dim, size, x_, out_, user_data_):  # type: ignore[no-untyped-def]
        try:
            (values,) = extract(carray(x_, (dim,)), user_data_)
            if len(values) != size:
                return WRONG_SIZE
            carray(out_, (size,))[...] = values
        except Exception:
            return NOT_EXPANDED
        return 0

    signature = types.int64(types.uint64, types.uint64, floats, floats, types.voidptr)
    return _compiled(signature, expanded)


class _Graph:
    """The graph of a PyTensor function, compiled by itself, and called by the name of its code.

    PyTensor wraps the graph in a function for its cache, and nutpie calls that from another. If
    these called it as functions do, all code would be optimised again in each, and in the last one
    in every process, since that cannot be cached. So the graph itself is cached here, and what
    calls it leaves its name open, which LLVM fills in.
    """

    def __init__(self, function: Any) -> None:
        from pytensor.link.numba.cache import CACHED_SRC_FUNCTIONS
        from pytensor.link.numba.dispatch.basic import numba_njit

        graph = function.vm.jit_fn.py_func
        key = CACHED_SRC_FUNCTIONS.get(graph)
        # Without a key nothing is cached, and the graph is not wrapped.
        if key is not None:
            name = graph.__code__.co_filename
            graph = graph.__globals__["jitable_func"].py_func
            # Its file has another name every time, and the cache goes by names.
            graph.__code__ = graph.__code__.replace(co_filename=name)
            CACHED_SRC_FUNCTIONS[graph] = f"{key}_graph"
        self.inner = numba_njit(graph, cache=key is not None)

    def by_name(self) -> Any:
        """Return what calls the graph; it refers to it, so that it stays in memory."""
        import numba
        from numba.core import cgutils
        from numba.extending import intrinsic

        inner = self.inner

        @intrinsic
        def call(_: Any, inputs: Any) -> Any:
            kinds = tuple(inputs.types)
            inner.compile(kinds)
            found = inner.overloads[kinds]
            result, name = found.signature.return_type, found.fndesc.llvm_func_name
            # Only what is in memory has a name that can be filled in.
            found.library.get_pointer_to_function(name)

            def code(context: Any, builder: Any, _: Any, given: Any) -> Any:
                values = cgutils.unpack_tuple(builder, given[0], len(kinds))
                convention = context.call_conv
                kind = convention.get_function_type(result, kinds)
                there = cgutils.get_or_insert_function(builder.module, kind, name)
                status, value = convention.call_function(builder, there, result, kinds, values)
                with cgutils.if_unlikely(builder, status.is_error):
                    convention.return_status_propagate(builder, status)
                return value

            return result(inputs), code

        @numba.njit
        def calling(*inputs):  # type: ignore[no-untyped-def]
            return call(inputs)  # type: ignore[call-arg]

        return calling

    @property
    def object(self) -> _Object | None:
        """The machine code; None where it is of no use to another process."""
        [(kinds, found)] = self.inner.overloads.items()
        content, module = self._in_memory(found.library) or self._in_cache(kinds) or (b"", None)
        # Another process that compiles the same graph gives it another name, and may just have
        # replaced what this one stored. Code of SciPy is found by Python, which a bare object
        # cannot call.
        name = found.fndesc.llvm_func_name.encode()
        if name not in content or FOUND_BY_PYTHON in content:
            return None
        return _Object(content, _left_open(module))

    def _in_memory(self, library: Any) -> tuple[bytes, Any] | None:
        """Return what was compiled now; what Numba's cache had is not kept there."""
        try:
            return library._get_compiled_object(), library._final_module
        except (RuntimeError, ValueError):
            return None

    def _in_cache(self, kinds: Any) -> tuple[bytes, Any] | None:
        import llvmlite.binding as llvm
        from numba.core.registry import cpu_target

        store = getattr(self.inner._cache, "_cache_file", None)
        if store is None:
            return None
        codegen = cpu_target.target_context.codegen()
        stored = store.load(self.inner._cache._index_key(kinds, codegen))
        if stored is None or stored[0][1] != "object":
            return None
        content, linked = stored[0][2]
        return content, llvm.parse_bitcode(linked)


@dataclass(frozen=True)
class _Object:
    """Machine code, and the names that it leaves open."""

    content: bytes
    needed: frozenset[str]


def _object_of_callback(callback: Any) -> _Object:
    library = callback._library
    module = library._final_module
    # What it calls of the graph is in another object.
    return _Object(library._codegen._tm.emit_object(module), _left_open(module))


def _left_open(module: Any) -> frozenset[str]:
    """Return the names that a module declares and leaves to others."""
    declared = [*module.functions, *module.global_variables]
    names = {found.name for found in declared if found.is_declaration}
    return frozenset(name for name in names if not name.startswith(("llvm.", GRAPHS)))


def _compiled(signature: Any, function: Any) -> Any:
    import numba

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Cannot cache compiled function")
        return numba.cfunc(signature)(function)
