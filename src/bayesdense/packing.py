"""The data of a model in a few long arrays: what is compiled reads far fewer inputs.

nutpie compiles code to fetch each shared variable, about a second for each, and a
density model has more than thirty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["MEASUREMENTS", "Packing"]

# Dimensions along which datasets may differ though all their free variables agree.
MEASUREMENTS = ("score_id", "loss_id")


@dataclass(frozen=True)
class Packing:
    """Where each data array of a model lies in the packed ones.

    Attributes
    ----------
    groups : dict of str to tuple of (str, shape)
        Names of the packed arrays, and the data arrays in each, in order:
        with their shapes where these are fixed, and with None where they have
        one entry for each measurement.
    """

    groups: dict[str, tuple[tuple[str, tuple[int, ...] | None], ...]]

    @classmethod
    def of(cls, model: Any) -> Packing:
        """Return how the data of a model are packed.

        Parameters
        ----------
        model : pymc.Model
            With all its numbers in `pymc.Data`.

        Returns
        -------
        Packing
            Equal for models of which the data have equal names, types and
            shapes, whatever the number of measurements.
        """
        groups: dict[str, list[tuple[str, tuple[int, ...] | None]]] = {}
        for data in sorted(model.data_vars, key=lambda data: data.name):
            values = data.get_value(borrow=True)
            dims = model.named_vars_to_dims.get(data.name, ())
            along = dims[0] if len(dims) == 1 and dims[0] in MEASUREMENTS else ""
            group = f"packed_{along or 'fixed'}_{values.dtype}"
            groups.setdefault(group, []).append((data.name, None if along else values.shape))
        return cls({group: tuple(members) for group, members in sorted(groups.items())})

    def values(self, data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the packed arrays.

        Parameters
        ----------
        data : mapping of str to numpy.ndarray
            The data arrays by name.

        Returns
        -------
        dict of str to numpy.ndarray
            Vectors; matrices with a row for each array where arrays have an
            entry for each measurement.
        """
        packed = {}
        for group, members in self.groups.items():
            arrays = [np.asarray(data[name]) for name, _ in members]
            fixed = members[0][1] is not None
            packed[group] = (
                np.concatenate([a.ravel() for a in arrays]) if fixed else np.array(arrays)
            )
        return packed

    def apply(self, model: Any) -> Any:
        """Return the same model with its data read from packed arrays.

        Parameters
        ----------
        model : pymc.Model
            The model that this packing was made of.

        Returns
        -------
        pymc.Model
            To be compiled, without initial points: for people, and for
            everything else, there is the model itself.
        """
        import pytensor
        from pymc.model.fgraph import fgraph_from_model, model_from_fgraph

        # The conversion refuses initial points, which are taken from the model itself.
        starts = dict(model.rvs_to_initial_values)
        try:
            model.rvs_to_initial_values.update(dict.fromkeys(starts))
            graph, places = fgraph_from_model(model)
        finally:
            model.rvs_to_initial_values.update(starts)
        data = {data.name: data.get_value(borrow=True) for data in model.data_vars}
        for group, values in self.values(data).items():
            packed = pytensor.shared(values, name=group)
            start = 0
            for row, (name, shape) in enumerate(self.groups[group]):
                if shape is None:
                    part = packed[row]
                else:
                    size = int(np.prod(shape, dtype=int))
                    part = packed[start : start + size].reshape(shape)
                    start += size
                named = places[model[name]].owner
                graph.replace(named.inputs[0], part, import_missing=True, reason="pack")
        return model_from_fgraph(graph, mutate_fgraph=True)
