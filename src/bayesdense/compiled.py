"""Compiled models, kept for the next dataset of the same structure."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bayesdense.errors import SamplingError
from bayesdense.packing import Packing
from bayesdense.progress import Progress

__all__ = ["Compiled", "clear_compiled", "compiled_for"]

JITTER = 0.5
KEPT_COMPILED = 8

Coordinates = Callable[[Mapping[str, np.ndarray], Mapping[str, np.ndarray]], np.ndarray]


@dataclass(frozen=True)
class Compiled:
    """A model as nutpie samples it, and the data that it reads.

    Attributes
    ----------
    code : nutpie.sample.CompiledModel
        With labels and initial points of the model that it was made for.
    free : tuple of str
        Names of the unconstrained free variables, in the order of the code.
    packing : Packing
        How its data are packed.
    data : dict of str to numpy.ndarray
        The data by name.
    coordinates : callable
        From values of the free variables and the packed data to where that is
        for the sampler.
    """

    code: Any
    free: tuple[str, ...]
    packing: Packing
    data: dict[str, np.ndarray]
    coordinates: Coordinates

    def given(self, changes: Mapping[str, np.ndarray]) -> Any:
        """Return what nutpie samples when some of the data have other values.

        Parameters
        ----------
        changes : mapping of str to numpy.ndarray
            New values by name of the data, of the same shapes.

        Returns
        -------
        nutpie.sample.CompiledModel
        """
        # Data that the graph does not read are unknown to the compiled code.
        read = {variable.name for variable in self.code.shared_var_keys}
        packed = self.packing.values({**self.data, **changes})
        return self.code.with_data(**{name: v for name, v in packed.items() if name in read})


_compiled: OrderedDict[Any, Compiled] = OrderedDict()


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
    import nutpie

    packing = Packing.of(model)
    data = {data.name: data.get_value() for data in model.data_vars}
    starts = _initial_values(model)
    shapes = tuple((name, values.shape) for name, values in starts.items())
    key = (structure, shapes, tuple(packing.groups.items()))
    fresh = key not in _compiled
    if fresh:
        shown.status("compiling (up to a minute, once for each kind of model)")
        packed = packing.apply(model)
        free = tuple(variable.name for variable in packed.free_RVs)
        code = nutpie.compile_pymc_model(packed)
        _compiled[key] = Compiled(code, free, packing, data, _coordinates(packed))
        while len(_compiled) > KEPT_COMPILED:
            _compiled.popitem(last=False)
    _compiled.move_to_end(key)
    return _for_model(_compiled[key], model, data, starts), fresh


def _initial_values(model: Any) -> dict[str, np.ndarray]:
    """Return where chains start, by free variable: numbers, since builders give no others."""
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

    inputs = {rv: rv.type(f"{rv.name}_start") for rv in packed.free_RVs}
    places = []
    for rv, value in inputs.items():
        transform = packed.rvs_to_transforms[rv]
        if getattr(transform, "from_origin", False):
            value = pt.zeros_like(value)
        elif transform is not None:
            value = transform.forward(value, *rv.owner.inputs)
        places.append(value.ravel())
    joined = clone_replace([pt.concatenate(places)], inputs)
    # Run as it is: it is called a few times, and rewriting it takes minutes.
    plain = pytensor.compile.mode.Mode(linker="py", optimizer=None)
    code = pytensor.function(list(inputs.values()), joined, mode=plain, on_unused_input="ignore")
    names = [rv.name for rv in inputs]
    shared = {data.name: data for data in code.get_shared()}

    def coordinates(
        values: Mapping[str, np.ndarray], data: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        for name in shared.keys() & data.keys():
            shared[name].set_value(data[name])
        (found,) = code(*(values[name] for name in names))
        return np.asarray(found, dtype=float)

    return coordinates


def _for_model(
    compiled: Compiled, model: Any, data: dict[str, np.ndarray], starts: dict[str, np.ndarray]
) -> Compiled:
    """Return a compiled model with another model's data, labels and initial points.

    nutpie takes other data without looking at the number of parameters, and
    a wrong number corrupts memory and aborts Python, so it is checked here.
    """
    wanted = sum(values.size for values in starts.values())
    if wanted != compiled.code.n_dim:
        raise SamplingError(
            f"a compiled model with {compiled.code.n_dim} parameters cannot take data that "
            f"need {wanted}"
        )
    code = dataclasses.replace(compiled, data=data).given({})
    labels = {name: pd.Index(v) for name, v in model.coords.items() if v is not None}
    known = {name: labels.get(name, old) for name, old in code.coords.items()}
    centre = compiled.coordinates(starts, compiled.packing.values(data))
    code = dataclasses.replace(code, _coords=known, initial_point_func=_scattered(centre))
    return dataclasses.replace(compiled, code=code, data=data)


def _scattered(centre: np.ndarray) -> Callable[[Any], np.ndarray]:
    """Return the function that scatters chains around a point.

    nutpie's default jitter is twice as wide and can put a floor or a ceiling
    where no score is possible.
    """

    def scattered(seed: Any) -> np.ndarray:
        random = np.random.default_rng(seed)
        return np.asarray(centre + random.uniform(-JITTER, JITTER, centre.shape))

    return scattered
