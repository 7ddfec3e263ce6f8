"""The data of a model in a few long arrays: what is compiled reads far fewer inputs.

nutpie compiles code to fetch each shared variable, about a second for each, and a
density model has more than thirty. Where each array begins, and of which shape it
is, are data as well, so that one compiled model serves datasets of any size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

__all__ = ["INDEX", "PackedData", "Places", "in_order", "lengths_of", "parts_of"]

INDEX = "packed_index"


@dataclass(frozen=True)
class Places:
    """Symbols for lengths and places of what is packed.

    Attributes
    ----------
    lengths : dict of str to tensor
        The lengths of dimensions.
    sizes : tensor, shape (variable,)
        How many numbers each free variable has.
    """

    lengths: dict[str, Any]
    sizes: Any


@dataclass(frozen=True)
class PackedData:
    """The packed data of a model: which arrays there are, and in which order.

    Attributes
    ----------
    arrays : tuple of (str, str, int)
        Name, type and number of axes of every data array, in order.
    dims : tuple of str
        The named dimensions, of which the lengths come first in the index.
    variables : tuple of (str, tuple of str)
        Names and dimensions of the free variables, in the order in which the
        sampler has them; their sizes come next in the index.
    """

    arrays: tuple[tuple[str, str, int], ...]
    dims: tuple[str, ...]
    variables: tuple[tuple[str, tuple[str, ...]], ...]

    @classmethod
    def of(cls, model: Any) -> PackedData:
        """Return how the data of a model are packed.

        Parameters
        ----------
        model : pymc.Model
            With all its numbers in `pymc.Data`.

        Returns
        -------
        PackedData
            Equal for models of which the data have equal names and types,
            whatever their shapes.
        """
        arrays = []
        for data in sorted(model.data_vars, key=lambda data: str(data.name)):
            values = data.get_value(borrow=True)
            arrays.append((str(data.name), str(values.dtype), values.ndim))
        named = model.named_vars_to_dims
        variables = [(str(v.name), tuple(named.get(v.name, ()))) for v in in_order(model)]
        return cls(tuple(arrays), tuple(sorted(model.dim_lengths)), tuple(variables))

    def values(
        self, data: Mapping[str, np.ndarray], lengths: Mapping[str, int]
    ) -> dict[str, np.ndarray]:
        """Return the packed arrays.

        Parameters
        ----------
        data : mapping of str to numpy.ndarray
            The data arrays by name.
        lengths : mapping of str to int
            The lengths of the dimensions.

        Returns
        -------
        dict of str to numpy.ndarray
            One vector for each type, and the index: lengths of dimensions and
            sizes of free variables, then for each type the sizes of arrays and
            the shapes of those that have two axes or more.
        """
        parts: dict[str, list[np.ndarray]] = {}
        index = [lengths[name] for name in self.dims]
        index += [prod(lengths[dim] for dim in dims) for _, dims in self.variables]
        for dtype, members in self._by_type():
            arrays = [np.asarray(data[name], dtype=dtype) for name, _ in members]
            index += [values.size for values in arrays]
            index += [n for values in arrays if values.ndim > 1 for n in values.shape]
            parts[dtype] = [values.ravel() for values in arrays]
        packed = {f"packed_{dtype}": np.concatenate(found) for dtype, found in parts.items()}
        return {**packed, INDEX: np.array(index, dtype=np.int64)}

    def _by_type(self) -> list[tuple[str, list[tuple[str, int]]]]:
        """Return names and numbers of axes of the arrays of each type."""
        types = sorted({dtype for _, dtype, _ in self.arrays})
        return [
            (t, [(name, ndim) for name, dtype, ndim in self.arrays if dtype == t]) for t in types
        ]

    def apply(self, model: Any) -> tuple[Any, Places]:
        """Return the same model with its data read from packed arrays.

        Parameters
        ----------
        model : pymc.Model
            The model that `of` was given.

        Returns
        -------
        model : pymc.Model
            To be compiled, without initial points: for people, and for
            everything else, there is the model itself.
        places : Places
            Where in the index lengths and sizes are.
        """
        import pytensor
        from pymc.model.fgraph import fgraph_from_model, model_from_fgraph

        graph, places = fgraph_from_model(model)
        data = {data.name: data.get_value(borrow=True) for data in model.data_vars}
        shared = {
            group: pytensor.shared(values, name=group)
            for group, values in self.values(data, lengths_of(model)).items()
        }
        index = shared[INDEX]
        lengths = {name: index[i] for i, name in enumerate(self.dims)}
        at = len(self.dims)
        sizes = index[at : at + len(self.variables)]
        at += len(self.variables)
        for dtype, members in self._by_type():
            n = len(members)
            parts = parts_of(shared[f"packed_{dtype}"], index[at : at + n], n)
            at += n
            for (name, ndim), values in zip(members, parts, strict=True):
                shape = [index[at + axis] for axis in range(ndim)] if ndim > 1 else []
                at += len(shape)
                part = values.reshape(shape) if shape else values
                named = places[model[name]].owner
                part = part if ndim else part[0]
                graph.replace(named.inputs[0], part, import_missing=True, reason="pack")
        return model_from_fgraph(graph, mutate_fgraph=True), Places(lengths, sizes)


def parts_of(vector: Any, sizes: Any, count: int) -> list[Any]:
    """Cut a vector into parts, all at once: to compile a slice for each takes far longer.

    Parameters
    ----------
    vector : tensor
        What is cut.
    sizes : tensor, shape (part,)
        How long the parts are.
    count : int
        How many there are.

    Returns
    -------
    list of tensor
    """
    import pytensor.tensor as pt

    parts = pt.split(vector, sizes, n_splits=count)
    return list(parts) if count > 1 else [parts]


def in_order(model: Any) -> list[Any]:
    """Return the free variables in the order in which the sampler has them: by name.

    Parameters
    ----------
    model : pymc.Model
        The model, or the packed one, which has an order of its own.

    Returns
    -------
    list of tensor
    """
    return sorted(model.free_RVs, key=lambda variable: str(variable.name))


def lengths_of(model: Any) -> dict[str, int]:
    """Return the lengths of the dimensions of a model.

    Parameters
    ----------
    model : pymc.Model
        With coordinates.

    Returns
    -------
    dict of str to int
    """
    return {name: int(length.get_value()) for name, length in model.dim_lengths.items()}
