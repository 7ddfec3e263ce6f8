"""Compiled models, kept for the next dataset of the same structure."""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bayesdense.anysize import AnySize, compile_any_size
from bayesdense.errors import SamplingError
from bayesdense.packing import Packing, in_order, lengths_of
from bayesdense.progress import Progress
from bayesdense.starts import Start, around, spread_of

__all__ = ["Compiled", "clear_compiled", "compiled_for", "initial_values"]

KEPT_COMPILED = 8

Values = Mapping[str, np.ndarray]
Coordinates = Callable[[Values, Values], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Compiled:
    """A model as nutpie samples it, and the data that it reads.

    Attributes
    ----------
    code : AnySize
        Compiled code, for data of any size.
    packing : Packing
        How its data are packed.
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

    code: AnySize
    packing: Packing
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
            Coordinates that are counted from where the data put them are 0.
        counted : numpy.ndarray of bool, shape (coordinate,)
            Which they are.
        """
        return self.coordinates(values, self._packed(self.data))

    def _packed(self, data: Values) -> dict[str, np.ndarray]:
        return self.packing.values(data, {name: len(v) for name, v in self.coords.items()})

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
        code = self.given()
        data = ctypes.c_void_p(code.user_data.ctypes.data)
        gradient, value = np.empty(self.n_parameters), ctypes.c_double()

        def at(values: np.ndarray) -> Any:
            return values.ctypes.data_as(ctypes.POINTER(ctypes.c_double))

        def wrong(point: np.ndarray) -> int:
            return int(
                code.compiled_logp_func.ctypes(
                    point.size, at(point), at(gradient), ctypes.byref(value), data
                )
            )

        rows = np.ascontiguousarray(points, dtype=float)
        return np.array([wrong(point) == 0 for point in rows], dtype=bool)


_compiled: OrderedDict[Any, tuple[AnySize, Coordinates]] = OrderedDict()


def clear_compiled() -> None:
    """Forget all compiled models of this process."""
    _compiled.clear()


def compiled_for(model: Any, structure: Any, shown: Progress) -> tuple[Compiled, bool]:
    """Return a compiled model with this model's data.

    Parameters
    ----------
    model : pymc.Model
        All numbers that may change from one dataset to the next are in
        `pymc.Data`.
    structure : hashable
        Everything else that shapes the model's graph.
    shown : Progress
        Told when something is compiled.

    Returns
    -------
    compiled : Compiled
        With initial points around those of the model.
    fresh : bool
        Whether it was compiled now.
    """
    packing = Packing.of(model)
    key = (structure, packing)
    fresh = key not in _compiled
    if fresh:
        shown.status("compiling (up to a minute, once for each kind of model)")
        packed, places = packing.apply(model)
        _compiled[key] = compile_any_size(packed, places), _coordinates(packed)
        while len(_compiled) > KEPT_COMPILED:
            _compiled.popitem(last=False)
    _compiled.move_to_end(key)
    code, coordinates = _compiled[key]
    return _for_model(code, coordinates, packing, model), fresh


def initial_values(model: Any) -> dict[str, np.ndarray]:
    """Return where chains start, by free variable: numbers, since builders give no others.

    Parameters
    ----------
    model : pymc.Model
        The model.

    Returns
    -------
    dict of str to numpy.ndarray
        In the order of the model.

    Raises
    ------
    SamplingError
        If a variable has no initial value.
    """
    found = {}
    for variable in model.free_RVs:
        value = model.rvs_to_initial_values[variable]
        if value is None or isinstance(value, str):
            raise SamplingError(f"'{variable.name}' has no initial value, and needs one")
        found[variable.name] = np.asarray(value, dtype=float)
    return found


def _coordinates(packed: Any) -> Coordinates:
    """Compile the way from values of free variables to the coordinates of the sampler.

    PyMC compiles it anew whenever an initial point is asked for, which takes longer than many a
    fit; here it is compiled once. Coordinates that are counted from where the data put them are
    0, wherever that is on the ruler at hand.
    """
    import pytensor
    import pytensor.tensor as pt
    from pytensor.graph.replace import clone_replace

    inputs = {rv: rv.type(f"{rv.name}_start") for rv in in_order(packed)}
    places, counted = [], []
    for rv, value in inputs.items():
        transform = packed.rvs_to_transforms[rv]
        from_data = getattr(transform, "from_origin", False)
        counted.append(pt.full_like(value, float(from_data)).ravel())
        if from_data:
            value = pt.zeros_like(value)
        elif transform is not None:
            value = transform.forward(value, *rv.owner.inputs)
        places.append(value.ravel())
    joined = clone_replace([pt.concatenate(places), pt.concatenate(counted)], inputs)
    # Run as it is: it is called a few times, and rewriting it takes minutes.
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    code = pytensor.function(list(inputs.values()), joined, mode=plain, on_unused_input="ignore")
    names = [rv.name for rv in inputs]
    shared = {data.name: data for data in code.get_shared()}

    def coordinates(values: Values, data: Values) -> tuple[np.ndarray, np.ndarray]:
        for name in shared.keys() & data.keys():
            shared[name].set_value(data[name])
        point, from_data = code(*(np.asarray(values[name], dtype=float) for name in names))
        return np.asarray(point, dtype=float), np.asarray(from_data) > 0.5

    return coordinates


def _for_model(code: AnySize, coordinates: Coordinates, packing: Packing, model: Any) -> Compiled:
    """Return compiled code with the data, labels and initial points of a model."""
    data = {data.name: data.get_value() for data in model.data_vars}
    lengths = lengths_of(model)
    coords = {
        name: list(range(lengths[name]) if labels is None else labels)
        for name, labels in model.coords.items()
    }
    starts = initial_values(model)
    packed = packing.values(data, lengths)
    centre, _ = coordinates(starts, packed)
    sizes = [prod(lengths[dim] for dim in dims) for _, dims in packing.variables]
    wanted = sum(sizes)
    if wanted != centre.size:
        # The code reads as many numbers as the dimensions say.
        raise SamplingError(
            f"the initial point has {centre.size} numbers, and the dimensions ask for {wanted}"
        )
    free = in_order(model)
    spread = np.repeat([spread_of(variable) for variable in free], sizes)
    ends = np.cumsum(sizes)
    places = {v.name: slice(end - n, end) for v, n, end in zip(free, sizes, ends, strict=True)}
    start = around(centre, spread)
    return Compiled(code, packing, data, coords, coordinates, start, places, centre)
