"""Compiled models, kept for the next dataset of the same structure."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import xarray as xr

from bayesdense.errors import SamplingError
from bayesdense.sampler.backend.ahead import wait_for
from bayesdense.sampler.backend.dynamic_shapes import DynamicModel, compile_dynamic, load_dynamic
from bayesdense.sampler.backend.object_code import (
    file_of,
    read_objects,
    symbols_are_known,
    write_objects,
)
from bayesdense.sampler.backend.one_at_a_time import one_at_a_time
from bayesdense.sampler.backend.packed_data import PackedData, Places, in_order, lengths_of
from bayesdense.sampler.backend.static_shapes import FrozenData, StaticModel, compile_static
from bayesdense.sampler.initial_points import JITTER, Start, around
from bayesdense.sampler.progress import COMPILING, Progress

__all__ = ["Compiled", "clear_compiled", "compiled_for"]

KEPT_COMPILED = 8

Values = Mapping[str, np.ndarray]
Coordinates = Callable[[Values, Values], tuple[np.ndarray, np.ndarray]]
Density = Callable[[np.ndarray], tuple[float, np.ndarray] | None]


@dataclass(frozen=True)
class Compiled:
    """A model as nutpie samples it, and the data that it reads.

    Attributes
    ----------
    code : DynamicModel or StaticModel
        Compiled code, for data of any size or of this one.
    packed_data : PackedData or FrozenData
        How its data reach the code.
    data : dict of str to numpy.ndarray
        The data by name.
    coords : dict of str to sequence
        Labels of all dimensions.
    coordinates : callable
        From values of free variables and packed data to `as_sampled`.
    start : callable
        From a seed to an initial point around the initial values of the model.
    places : dict of str to slice
        Where the coordinates of each free variable are.
    centre : numpy.ndarray, shape (coordinate,)
        The initial values of the model as the sampler sees them.
    """

    code: DynamicModel | StaticModel
    packed_data: PackedData | FrozenData
    data: dict[str, np.ndarray]
    coords: dict[str, Any]
    coordinates: Coordinates
    start: Start
    places: dict[str, slice]
    centre: np.ndarray

    @property
    def n_parameters(self) -> int:
        """How many numbers are sampled."""
        return int(self.centre.size)

    def as_sampled(self, values: Values) -> tuple[np.ndarray, np.ndarray]:
        """Return values of the free variables as the sampler sees them.

        Parameters
        ----------
        values : mapping of str to numpy.ndarray
            By name.

        Returns
        -------
        point : numpy.ndarray, shape (coordinate,)
            Coordinates that are standardised by the data are 0.
        is_standardised : numpy.ndarray of bool, shape (coordinate,)
            Which they are.
        """
        point, is_standardised = self.exactly()(values)
        return np.where(is_standardised, 0.0, point), is_standardised

    def exactly(self) -> Callable[[Values], tuple[np.ndarray, np.ndarray]]:
        """Return the way from values of the free variables to what the sampler sees.

        Returns
        -------
        callable
            From values by name to a point, which is not finite where a value
            is not possible, and to which of its coordinates are
            standardised by the data.
        """
        packed = self._packed(self.data)

        def at(values: Values) -> tuple[np.ndarray, np.ndarray]:
            with np.errstate(all="ignore"):
                return self.coordinates(values, packed)

        return at

    def _packed(self, data: Values) -> dict[str, np.ndarray]:
        return self.packed_data.values(data, {name: len(v) for name, v in self.coords.items()})

    def given(self, changes: Values | None = None, start: Start | None = None) -> Any:
        """Return what nutpie samples, also when some of the data have other values.

        Parameters
        ----------
        changes : mapping of str to numpy.ndarray, optional
            New values by name of the data, of the same shapes.
        start : callable, optional
            Another source of initial points.

        Returns
        -------
        nutpie.compile_pymc.CompiledPyMCModel
        """
        packed = self._packed({**self.data, **(changes or {})})
        return self.code.sized(packed, self.coords, start or self.start)

    def possible(self, points: np.ndarray) -> np.ndarray:
        """Return at which points there is a density and a gradient.

        Parameters
        ----------
        points : numpy.ndarray, shape (point, coordinate)
            As the sampler sees them.

        Returns
        -------
        numpy.ndarray of bool, shape (point,)
        """
        density = self.density()
        return np.array([density(point) is not None for point in points], dtype=bool)

    def density(self) -> Density:
        """Return the log density and its gradient as a function of a point.

        Returns
        -------
        callable
            From a point, as the sampler sees it, to both; to None where there
            is none. Several threads may call it at once.
        """
        code = self.given()
        data = ctypes.c_void_p(code.user_data.ctypes.data)

        def at(point: np.ndarray) -> tuple[float, np.ndarray] | None:
            point = np.ascontiguousarray(point, dtype=float)
            gradient, value = np.empty(point.size), ctypes.c_double()
            wrong = code.compiled_logp_func.ctypes(
                point.size, _address(point), _address(gradient), ctypes.byref(value), data
            )
            return None if wrong else (value.value, gradient)

        return at

    def expanded(self) -> Callable[[np.ndarray], np.ndarray]:
        """Return everything that is kept of a draw as a function of a point.

        Returns
        -------
        callable
            From a point, as the sampler sees it, to all values in one vector;
            `named` gives them their names.
        """
        code = self.given()
        data = ctypes.c_void_p(code.user_data.ctypes.data)
        _, slices, _ = self._kept(code)

        def at(point: np.ndarray) -> np.ndarray:
            point, values = np.ascontiguousarray(point, dtype=float), np.empty(code.n_expanded)
            if code.compiled_expand_func.ctypes(
                point.size, values.size, _address(point), _address(values), data
            ):
                raise SamplingError("a draw could not be read; please report this")
            return np.concatenate([values[part] for part in slices])

        return at

    def named(self, values: np.ndarray) -> xr.Dataset:
        """Return draws that `expanded` gave, by name.

        Parameters
        ----------
        values : numpy.ndarray, shape (chain, draw, value)
            What `expanded` returned for each.

        Returns
        -------
        xarray.Dataset
            As nutpie returns it.
        """
        code = self.given()
        names, _, shapes = self._kept(code)
        ends = np.cumsum([prod(shape) for shape in shapes])
        parts = np.split(values, ends[:-1], axis=-1)
        found = {
            name: (
                ("chain", "draw", *code.dims.get(name, ())),
                part.reshape(*values.shape[:2], *shape),
            )
            for name, part, shape in zip(names, parts, shapes, strict=True)
        }
        used = {dim for dims, _ in found.values() for dim in dims}
        labels = {dim: np.asarray(v) for dim, v in self.coords.items() if dim in used}
        chains, draws = map(np.arange, values.shape[:2])
        return xr.Dataset(found, {"chain": chains, "draw": draws, **labels})

    def _kept(self, code: Any) -> tuple[list[str], list[slice], list[tuple[int, ...]]]:
        """Return names, places and shapes of what is kept: not of variables as they are sampled."""
        rows = zip(*code.shape_info, strict=True)
        kept = [row for row in rows if row[0] not in code.reparameterized_names]
        names, slices, shapes = zip(*kept, strict=True)
        return list(names), list(slices), list(shapes)


def _address(values: np.ndarray) -> Any:
    return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


_compiled: OrderedDict[Any, tuple[DynamicModel | StaticModel, Coordinates]] = OrderedDict()


def clear_compiled() -> None:
    """Forget all compiled models of this process."""
    _compiled.clear()


@one_at_a_time
def compiled_for(
    model: Any, structure: Any, shown: Progress, compiler: str = "dynamic"
) -> tuple[Compiled, bool]:
    """Return a compiled model with this model's data.

    Parameters
    ----------
    model : SamplerModel
        All numbers that may change from one dataset to the next are data of
        it.
    structure : hashable
        Everything else that shapes the model's graph.
    shown : Progress
        Told when something is compiled.
    compiler : {"dynamic", "nutpie"}
        Whether the code is for data of any size, or compiled by
        `nutpie.compile_pymc_model` for these.

    Returns
    -------
    compiled : Compiled
        With initial points around those of the model.
    fresh : bool
        Whether it was compiled or loaded now.
    """
    kind = PackedData if compiler == "dynamic" else FrozenData
    packed_data = kind.of(model.model)
    key = (structure, packed_data)
    fresh = key not in _compiled
    if fresh:
        _compiled[key] = _compile(model, structure, packed_data, shown, compiler)
        while len(_compiled) > KEPT_COMPILED:
            _compiled.popitem(last=False)
    _compiled.move_to_end(key)
    code, coordinates = _compiled[key]
    return _for_model(code, coordinates, packed_data, model), fresh


def _compile(
    model: Any,
    structure: Any,
    packed_data: PackedData | FrozenData,
    shown: Progress,
    compiler: str,
) -> tuple[DynamicModel | StaticModel, Coordinates]:
    """Compile a model, or load what was compiled; an error of the disk names the way out.

    Arithmetic is as it is written: with `fastmath`, PyTensor's default, LLVM may reorder it, and
    did so in one way where it compiled a function and in another where it found it in the cache,
    so that the first fit and the second of one seed had other draws.
    """
    import pytensor

    try:
        packed, places = packed_data.apply(model.model)
        code: DynamicModel | StaticModel
        with pytensor.config.change_flags(numba__fastmath=False):
            if compiler == "dynamic":
                data = packed_data.values(_data_of(model), lengths_of(model.model))
                code = _dynamic(packed, places, model.hidden, structure, packed_data, data, shown)
            else:
                shown.status(COMPILING)
                code = compile_static(packed, model.hidden)
        return code, _coordinates(packed, places)
    except OSError as error:
        raise SamplingError(
            f"compiled code cannot be stored ({error}): set the environment variable "
            "PYTENSOR_FLAGS=base_compiledir=FOLDER, and TMPDIR=FOLDER for temporary files, to a "
            "folder that can be written to and has space, before Python starts"
        ) from None


def _dynamic(
    packed: Any,
    places: Places,
    hidden: Container[str],
    structure: Any,
    packed_data: Any,
    data: Values,
    shown: Progress,
) -> DynamicModel:
    """Return code for data of any size, from the disk where it is there."""
    file = file_of(structure, packed_data)
    code = None if file is None else read_objects(file)
    if code is None and file is not None:
        wait_for(structure, shown)
        code = read_objects(file)
    if code is not None:
        return load_dynamic(code, data)
    shown.status(COMPILING)
    compiled, code = compile_dynamic(packed, places, hidden)
    if file is None or code is None or not symbols_are_known(code.needed):
        return compiled
    write_objects(file, code)
    # What later processes load, so that all have the same draws.
    return load_dynamic(code, data)


def _data_of(model: Any) -> dict[str, np.ndarray]:
    return {data.name: data.get_value() for data in model.model.data_vars}


def _coordinates(packed: Any, places: Places) -> Coordinates:
    """Compile the way from values of free variables to the coordinates of the sampler.

    PyMC compiles it anew whenever an initial point is asked for, which takes longer than many a
    fit; here it is compiled once. Of each coordinate is said whether it is standardised by
    the data, on the current ruler.
    """
    import pytensor
    import pytensor.tensor as pt
    from pytensor.compile.sharedvalue import SharedVariable
    from pytensor.graph.replace import clone_replace
    from pytensor.graph.traversal import graph_inputs

    inputs = {rv: rv.type(f"{rv.name}_start") for rv in in_order(packed)}
    moved, is_standardised = [], []
    for rv, value in inputs.items():
        transform = packed.rvs_to_transforms[rv]
        from_origin = getattr(transform, "from_origin", False)
        is_standardised.append(pt.full_like(value, float(from_origin)).ravel())
        if transform is not None:
            value = transform.forward(value, *rv.owner.inputs)
        moved.append(value.ravel())
    joined = [pt.concatenate(moved), pt.concatenate(is_standardised)]
    # Lengths of dimensions are data of the compiled model, not those of this one.
    replaced: dict[Any, Any] = dict(inputs)
    for variable in graph_inputs(joined):
        if isinstance(variable, SharedVariable) and variable.name in places.lengths:
            replaced[variable] = places.lengths[variable.name]
    joined = clone_replace(joined, replaced)
    # Run as it is: it is called a few times, and rewriting it takes minutes.
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    code = pytensor.function(list(inputs.values()), joined, mode=plain, on_unused_input="ignore")
    names = [rv.name for rv in inputs]
    shared = {data.name: data for data in code.get_shared()}

    @one_at_a_time
    def coordinates(values: Values, data: Values) -> tuple[np.ndarray, np.ndarray]:
        for name in shared.keys() & data.keys():
            shared[name].set_value(data[name])
        point, is_standardised = code(*(np.asarray(values[name], dtype=float) for name in names))
        return np.asarray(point, dtype=float), np.asarray(is_standardised) > 0.5

    return coordinates


def _for_model(
    code: DynamicModel | StaticModel,
    coordinates: Coordinates,
    packed_data: PackedData | FrozenData,
    model: Any,
) -> Compiled:
    """Return compiled code with the data, labels and initial points of a model."""
    plain = model.model
    data = _data_of(model)
    lengths = lengths_of(plain)
    coords = {
        name: list(range(lengths[name]) if labels is None else labels)
        for name, labels in plain.coords.items()
    }
    starts = model.starts
    packed = packed_data.values(data, lengths)
    point, is_standardised = coordinates(starts, packed)
    centre = np.where(is_standardised, 0.0, point)
    sizes = [prod(lengths[dim] for dim in dims) for _, dims in packed_data.variables]
    wanted = sum(sizes)
    if wanted != centre.size:
        # The code reads as many numbers as the dimensions say.
        raise SamplingError(
            f"the initial point has {centre.size} numbers, and the dimensions ask for {wanted}"
        )
    free = in_order(plain)
    spread = np.repeat([model.near.get(str(v.name), JITTER) for v in free], sizes)
    ends = np.cumsum(sizes)
    places = {v.name: slice(end - n, end) for v, n, end in zip(free, sizes, ends, strict=True)}
    start = around(centre, spread)
    return Compiled(code, packed_data, data, coords, coordinates, start, places, centre)
