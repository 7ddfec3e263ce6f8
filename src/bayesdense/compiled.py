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
    """

    code: Any
    free: tuple[str, ...]
    packing: Packing
    data: dict[str, np.ndarray]

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
    point = dict(model.initial_point(0))
    key = (structure, _shapes(point), tuple(packing.groups.items()))
    fresh = key not in _compiled
    if fresh:
        shown.status("compiling (up to a minute, once for each kind of model)")
        packed = packing.apply(model)
        free = tuple(packed.rvs_to_values[variable].name for variable in packed.free_RVs)
        _compiled[key] = Compiled(nutpie.compile_pymc_model(packed), free, packing, data)
        while len(_compiled) > KEPT_COMPILED:
            _compiled.popitem(last=False)
    _compiled.move_to_end(key)
    return _for_model(_compiled[key], model, data, point), fresh


def _shapes(point: dict[str, np.ndarray]) -> tuple[Any, ...]:
    """Return names and shapes of all free variables, as the sampler sees them."""
    return tuple((name, np.shape(values)) for name, values in point.items())


def _for_model(
    compiled: Compiled, model: Any, data: dict[str, np.ndarray], point: dict[str, np.ndarray]
) -> Compiled:
    """Return a compiled model with another model's data, labels and initial points.

    nutpie takes other data without looking at the number of parameters, and
    a wrong number corrupts memory and aborts Python, so it is checked here.
    """
    wanted = sum(int(np.size(values)) for values in point.values())
    if wanted != compiled.code.n_dim:
        raise SamplingError(
            f"a compiled model with {compiled.code.n_dim} parameters cannot take data that "
            f"need {wanted}"
        )
    code = dataclasses.replace(compiled, data=data).given({})
    labels = {name: pd.Index(v) for name, v in model.coords.items() if v is not None}
    known = {name: labels.get(name, old) for name, old in code.coords.items()}
    starts = _initial_points(model, point, compiled.free)
    code = dataclasses.replace(code, _coords=known, initial_point_func=starts)
    return dataclasses.replace(compiled, code=code, data=data)


def _initial_points(
    model: Any, point: dict[str, np.ndarray], free: tuple[str, ...]
) -> Callable[[Any], np.ndarray]:
    """Return the function that scatters chains around the model's own initial point.

    nutpie's default jitter is twice as wide and can put a floor or a ceiling
    where no score is possible. Coordinates that are counted from where the
    data put them start at 0, wherever that is on the ruler at hand.
    """
    point = dict(point)
    for variable in model.free_RVs:
        if getattr(model.rvs_to_transforms[variable], "from_origin", False):
            name = model.rvs_to_values[variable].name
            point[name] = np.zeros_like(point[name])
    centre = np.concatenate([np.ravel(point[name]) for name in free])

    def scattered(seed: Any) -> np.ndarray:
        random = np.random.default_rng(seed)
        return np.asarray(centre + random.uniform(-JITTER, JITTER, centre.shape))

    return scattered
