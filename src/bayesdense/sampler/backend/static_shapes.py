"""Compile a model by `nutpie.compile_pymc_model`, for its own data: the fallback.

It takes minutes for every dataset of another size, and uses nothing of nutpie that is not
documented but for the field of its compiled models that gives initial points. The draws are those
of the same posterior.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesdense.sampler.backend.packed_data import Places, in_order, lengths_of

__all__ = ["SeparateData", "StaticModel", "compile_static"]


@dataclass(frozen=True)
class SeparateData:
    """The data of a model as they are, and their shapes: compiled code is for these only.

    Attributes
    ----------
    shapes : tuple of (str, str, tuple of int)
        Name, type and shape of every data array, in order.
    lengths : tuple of (str, int)
        Lengths of the named dimensions.
    variables : tuple of (str, tuple of str)
        Names and dimensions of the free variables, in the order in which the
        sampler has them.
    """

    shapes: tuple[tuple[str, str, tuple[int, ...]], ...]
    lengths: tuple[tuple[str, int], ...]
    variables: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, model: Any) -> SeparateData:
        """Return the shapes of a model's data.

        Parameters
        ----------
        model : pymc.Model
            The model.

        Returns
        -------
        SeparateData
        """
        arrays = {str(data.name): data.get_value(borrow=True) for data in model.data_vars}
        shapes = tuple((n, str(v.dtype), v.shape) for n, v in sorted(arrays.items()))
        named = model.named_vars_to_dims
        variables = tuple((str(v.name), tuple(named.get(v.name, ()))) for v in in_order(model))
        return cls(shapes, tuple(sorted(lengths_of(model).items())), variables)

    def values(self, data: Mapping[str, np.ndarray], _: Mapping[str, int]) -> dict[str, np.ndarray]:
        """Return the data by name, as they are.

        Parameters
        ----------
        data : mapping of str to numpy.ndarray
            The data arrays.
        _ : mapping of str to int
            Lengths of the dimensions, which are part of the code here.

        Returns
        -------
        dict of str to numpy.ndarray
        """
        return dict(data)

    def apply(self, model: Any) -> tuple[Any, Places]:
        """Return a copy of a model with its free variables in the order of the sampler.

        Parameters
        ----------
        model : pymc.Model
            The model that `of` was given.

        Returns
        -------
        model : pymc.Model
            The copy.
        places : Places
            Of nothing: there is no packed array.
        """
        from pymc.model.fgraph import clone_model

        copy = clone_model(model)
        copy.free_RVs.sort(key=lambda variable: str(variable.name))
        return copy, Places({}, None)


@dataclass(frozen=True)
class StaticModel:
    """Compiled code for data of one shape.

    Attributes
    ----------
    code : nutpie.compile_pymc.CompiledPyMCModel
        What nutpie compiled.
    """

    code: Any

    def sized(self, data: Mapping[str, np.ndarray], coords: Mapping[str, Any], start: Any) -> Any:
        """Return what nutpie samples for other values of the data.

        Parameters
        ----------
        data : mapping of str to numpy.ndarray
            By name, of the shapes that the model was compiled for.
        coords : mapping of str to sequence
            Labels of all dimensions.
        start : callable
            From a seed to an initial point.

        Returns
        -------
        nutpie.compile_pymc.CompiledPyMCModel
        """
        read = {variable.name for variable in self.code.shared_var_keys}
        given = self.code.with_data(**{name: v for name, v in data.items() if name in read})
        # Models of other names share the code.
        labels = {**(self.code.coords or {}), **coords}
        return dataclasses.replace(given, initial_point_func=start, _coords=labels)


def compile_static(model: Any, hidden: Container[str] = ()) -> StaticModel:
    """Compile a model by nutpie's own function.

    Parameters
    ----------
    model : pymc.Model
        What `SeparateData.apply` returned.
    hidden : container of str
        Variables that are not kept of a draw.

    Returns
    -------
    StaticModel
    """
    import nutpie

    kept = [v.name for v in model.unobserved_value_vars if v.name not in hidden]
    return StaticModel(nutpie.compile_pymc_model(model, var_names=kept))
